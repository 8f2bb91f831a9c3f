//! The few expressions that recipes of conda-forge put into addresses.
//!
//! Decides the value of `name`, `name[0]`, `name.lower()`, `name.replace("-", "_")`,
//! `name | lower` and `name | replace("-", "_")`, where `name` is a text that the recipe sets or a
//! text in quotes. Everything else has no value here: it is for the distribution's own tool.

use std::collections::BTreeMap;

/// The longest text that comes out.
const MAXIMUM_LENGTH: usize = 4096;
/// The most steps of one expression.
const MAXIMUM_STEPS: usize = 16;

/// What a recipe sets.
pub(super) type Variables = BTreeMap<String, String>;

/// A text with every expression between `open` and `}}` put in.
///
/// # Errors
/// The first expression that has no value here.
pub(super) fn fill(text: &str, open: &str, variables: &Variables) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        filled.push_str(before);
        let unclosed = || text.to_owned();
        let (expression, after) = after.split_once("}}").ok_or_else(unclosed)?;
        let value = evaluate(expression, variables);
        filled.push_str(&value.ok_or_else(|| expression.trim().to_owned())?);
        if filled.len() > MAXIMUM_LENGTH {
            return Err(text.chars().take(80).collect());
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The value of an expression.
pub(super) fn evaluate(expression: &str, variables: &Variables) -> Option<String> {
    let mut rest = expression.trim();
    let mut value = if rest.starts_with(['"', '\'']) {
        literal(&mut rest)?
    } else {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        variables.get(name)?.clone()
    };
    for _ in 0..MAXIMUM_STEPS {
        rest = rest.trim_start();
        if rest.is_empty() {
            return (value.len() <= MAXIMUM_LENGTH).then_some(value);
        }
        if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']')?;
            value = value.chars().nth(index.trim().parse().ok()?)?.to_string();
            rest = after;
            continue;
        }
        let after = rest.strip_prefix('.').or_else(|| rest.strip_prefix('|'))?;
        let is_method = rest.starts_with('.');
        rest = after.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        rest = after.trim_start();
        value = match name {
            "lower" => {
                if is_method || rest.starts_with('(') {
                    rest = rest.strip_prefix("()")?;
                }
                value.to_lowercase()
            }
            "replace" => {
                rest = rest.strip_prefix('(')?.trim_start();
                let from = literal(&mut rest)?;
                rest = rest.trim_start().strip_prefix(',')?.trim_start();
                let to = literal(&mut rest)?;
                rest = rest.trim_start().strip_prefix(')')?;
                if from.is_empty() {
                    return None;
                }
                value.replace(&from, &to)
            }
            _ => return None,
        };
        if value.len() > MAXIMUM_LENGTH {
            return None;
        }
    }
    None
}

/// A text in quotes, without escapes.
fn literal(rest: &mut &str) -> Option<String> {
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (text, after) = rest[1..].split_once(quote)?;
    *rest = after;
    (!text.contains('\\')).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let set = [("name", "Tea-Pot"), ("version", "1.2")];
        let variables = set.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(fill(text, "{{", &variables).ok().as_deref(), expect, "{text}");
        };
        check("plain", Some("plain"));
        check("{{ name }}-{{version}}.tar.gz", Some("Tea-Pot-1.2.tar.gz"));
        check("{{ name[0] }}", Some("T"));
        check("{{ name.lower() }}", Some("tea-pot"));
        check("{{ name|lower }}", Some("tea-pot"));
        check("{{ name | lower | replace('-', \"_\") }}", Some("tea_pot"));
        check("{{ name.lower().replace('-', '_')[0] }}", Some("t"));
        check("{{ 'a.b'.replace('.', '') }}", Some("ab"));
        // No value here.
        check("{{ other }}", None);
        check("{{ name }", None);
        check("{{ name[9] }}", None);
        check("{{ name[-1] }}", None);
        check("{{ name.upper() }}", None);
        check("{{ name.lower }}", None);
        check("{{ name ~ version }}", None);
        check("{{ name.replace('', 'x') }}", None);
        check("{{ name.replace('a', '\\n') }}", None);
        check("{{ version.split('.')[0] }}", None);
    }

    #[test]
    fn a_text_does_not_grow_without_end() {
        let long: Variables = [("a".to_owned(), "a".repeat(4000))].into();
        let grown = evaluate("a.replace('a', 'aaaaaaaaaa').replace('a', 'aaaaaaaaaa')", &long);
        assert_eq!(grown, None);
        assert_eq!(fill("{{a}}{{a}}", "{{", &long).ok(), None);
    }
}
