//! The grammar of markers, by recursive descent.

use super::{Comparator, Comparison, Expression, LEGACY_VARIABLES, MarkerError, Variable};
use crate::name;
use crate::syntax::{Cursor, SyntaxError};

/// How deep parentheses may nest.
const MAXIMUM_DEPTH: u32 = 64;

enum Operand {
    Variable(Variable),
    Literal(String),
}

/// `and_expression ("or" and_expression)*`, white space on both sides included.
pub(super) fn take_or(cursor: &mut Cursor<'_>, depth: u32) -> Result<Expression, MarkerError> {
    let mut parts = Vec::new();
    loop {
        match take_and(cursor, depth)? {
            Expression::Or(inner) => parts.extend(inner),
            part => parts.push(part),
        }
        if !cursor.take_word("or") {
            return Ok(only_or(parts, Expression::Or));
        }
    }
}

fn take_and(cursor: &mut Cursor<'_>, depth: u32) -> Result<Expression, MarkerError> {
    let mut parts = Vec::new();
    loop {
        match take_atom(cursor, depth)? {
            Expression::And(inner) => parts.extend(inner),
            part => parts.push(part),
        }
        if !cursor.take_word("and") {
            return Ok(only_or(parts, Expression::And));
        }
    }
}

fn only_or(mut parts: Vec<Expression>, combine: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            combine(parts)
        }
    }
}

fn take_atom(cursor: &mut Cursor<'_>, depth: u32) -> Result<Expression, MarkerError> {
    cursor.skip_space();
    let open = cursor.position();
    if !cursor.take("(") {
        let comparison = take_comparison(cursor)?;
        cursor.skip_space();
        return Ok(Expression::Compare(comparison));
    }
    if depth == MAXIMUM_DEPTH {
        let message = format!("parentheses nest more than {MAXIMUM_DEPTH} deep");
        return Err(SyntaxError::new(message, open..open + 1));
    }
    let inner = take_or(cursor, depth + 1)?;
    if !cursor.take(")") {
        return Err(cursor.error("`and`, `or` or `)`"));
    }
    cursor.skip_space();
    Ok(inner)
}

fn take_comparison(cursor: &mut Cursor<'_>) -> Result<Comparison, MarkerError> {
    let start = cursor.position();
    let left = take_operand(cursor)?;
    cursor.skip_space();
    let operator = take_comparator(cursor)?;
    cursor.skip_space();
    let right = take_operand(cursor)?;
    let error = |message: &str| Err(SyntaxError::new(message, start..cursor.position()));
    let (variable, mut literal, reversed) = match (left, right) {
        (Operand::Variable(variable), Operand::Literal(literal)) => (variable, literal, false),
        (Operand::Literal(literal), Operand::Variable(variable)) => (variable, literal, true),
        (Operand::Variable(_), Operand::Variable(_)) => {
            return error("two variables are compared; one side must be a quoted string");
        }
        (Operand::Literal(_), Operand::Literal(_)) => {
            return error("two quoted strings are compared; one side must be a variable");
        }
    };
    let set = matches!(variable, Variable::Extras | Variable::DependencyGroups);
    if set && !(reversed && matches!(operator, Comparator::In | Comparator::NotIn)) {
        let name = variable.name();
        return error(&format!(
            "`{name}` is a set: only `\"…\" in {name}` and `not in` are possible"
        ));
    }
    if set || variable == Variable::Extra {
        literal = name::normalize(&literal);
    }
    Ok(Comparison { variable, operator, literal, reversed })
}

fn take_operand(cursor: &mut Cursor<'_>) -> Result<Operand, MarkerError> {
    let start = cursor.position();
    if let Some(quote @ ('"' | '\'')) = cursor.peek() {
        cursor.take(if quote == '"' { "\"" } else { "'" });
        let literal =
            cursor.take_while(|c| c != quote && c != '\\' && (c == '\t' || !c.is_control()));
        if !cursor.take(if quote == '"' { "\"" } else { "'" }) {
            let mut error = cursor.error("the closing quote");
            error.span.start = start;
            return Err(error);
        }
        return Ok(Operand::Literal(literal.to_owned()));
    }
    let mut ahead = cursor.clone();
    let word = ahead.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let known = Variable::ALL.iter().chain(&LEGACY_VARIABLES).find(|(name, _)| *name == word);
    if let Some(&(_, variable)) = known {
        *cursor = ahead;
        return Ok(Operand::Variable(variable));
    }
    if word.is_empty() {
        return Err(cursor.error("a variable or a quoted string"));
    }
    let span = start..start + word.len();
    Err(SyntaxError::new(format!("`{word}` is no variable of markers"), span))
}

fn take_comparator(cursor: &mut Cursor<'_>) -> Result<Comparator, MarkerError> {
    const OPERATORS: [&str; 8] = ["===", "==", "!=", "~=", "<=", ">=", "<", ">"];
    if let Some(operator) = OPERATORS.into_iter().find(|operator| cursor.take(operator)) {
        return Ok(Comparator::Version(operator));
    }
    if cursor.take_word("in") {
        return Ok(Comparator::In);
    }
    if cursor.take_word("not") {
        if !cursor.skip_space() || !cursor.take_word("in") {
            return Err(cursor.error("`in` after `not`"));
        }
        return Ok(Comparator::NotIn);
    }
    Err(cursor.error("one of <=, <, !=, ==, >=, >, ~=, ===, in, not in"))
}
