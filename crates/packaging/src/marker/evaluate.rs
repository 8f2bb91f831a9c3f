//! The meaning of markers, as `packaging.markers` gives it.

use std::collections::BTreeSet;

use super::{Comparator, Comparison, Expression, Variable};
use crate::name::ExtraName;
use crate::version::VersionSpecifier;

/// What an interpreter says about itself: the eleven variables of PEP 508.
///
/// A value that could not be found out is the empty string, as in `packaging`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarkerEnvironment {
    /// `sys.implementation.name`, for example `cpython`.
    pub implementation_name: String,
    /// Version of the implementation, for example `3.11.7`.
    pub implementation_version: String,
    /// `os.name`, for example `posix`.
    pub os_name: String,
    /// `platform.machine()`, for example `x86_64`.
    pub platform_machine: String,
    /// `platform.python_implementation()`, for example `CPython`.
    pub platform_python_implementation: String,
    /// `platform.release()`.
    pub platform_release: String,
    /// `platform.system()`, for example `Linux`.
    pub platform_system: String,
    /// `platform.version()`.
    pub platform_version: String,
    /// `platform.python_version()`, for example `3.11.7`; a trailing `+` is understood.
    pub python_full_version: String,
    /// Major and minor version, for example `3.11`.
    pub python_version: String,
    /// `sys.platform`, for example `linux`.
    pub sys_platform: String,
}

/// Why a marker that was read has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// `~=` or `===` on values that are no versions.
    #[error(
        "`{comparison}` is undefined: `{operator}` compares versions, and `{value}` cannot be asked for as one"
    )]
    UndefinedComparison {
        /// The comparison as written.
        comparison: String,
        /// `~=` or `===`.
        operator: &'static str,
        /// The value on the right.
        value: String,
    },
    /// A variable that has no value where this marker stands.
    #[error("`{variable}` has no value here: {reason}")]
    UndefinedName {
        /// `extra`, `extras` or `dependency_groups`.
        variable: &'static str,
        /// Where it would have one.
        reason: &'static str,
    },
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Text(&'a str),
    Extras(&'a BTreeSet<ExtraName>),
    Groups(&'a BTreeSet<String>),
}

pub(super) fn requirement(
    expression: &Expression,
    environment: &MarkerEnvironment,
    extra: &str,
) -> Result<bool, EvaluationError> {
    evaluate(expression, &|variable| match variable {
        Variable::Extra => Ok(Value::Text(extra)),
        Variable::Extras | Variable::DependencyGroups => Err(EvaluationError::UndefinedName {
            variable: variable.name(),
            reason: "only lock files use it",
        }),
        _ => Ok(Value::Text(text_value(environment, variable))),
    })
}

pub(super) fn lock(
    expression: &Expression,
    environment: &MarkerEnvironment,
    extras: &BTreeSet<ExtraName>,
    groups: &BTreeSet<String>,
) -> Result<bool, EvaluationError> {
    evaluate(expression, &|variable| match variable {
        Variable::Extra => Err(EvaluationError::UndefinedName {
            variable: variable.name(),
            reason: "a lock file asks with `\"…\" in extras`",
        }),
        Variable::Extras => Ok(Value::Extras(extras)),
        Variable::DependencyGroups => Ok(Value::Groups(groups)),
        _ => Ok(Value::Text(text_value(environment, variable))),
    })
}

/// Evaluates all parts, so that whether a marker is in error does not depend on the environment
/// more than it must.
fn evaluate<'a>(
    expression: &Expression,
    look_up: &impl Fn(Variable) -> Result<Value<'a>, EvaluationError>,
) -> Result<bool, EvaluationError> {
    match expression {
        Expression::Compare(comparison) => compare(comparison, look_up(comparison.variable)?),
        Expression::And(parts) => {
            parts.iter().try_fold(true, |all, part| Ok(evaluate(part, look_up)? && all))
        }
        Expression::Or(parts) => {
            parts.iter().try_fold(false, |any, part| Ok(evaluate(part, look_up)? || any))
        }
    }
}

fn text_value(environment: &MarkerEnvironment, variable: Variable) -> &str {
    match variable {
        Variable::ImplementationName => &environment.implementation_name,
        Variable::ImplementationVersion => &environment.implementation_version,
        Variable::OsName => &environment.os_name,
        Variable::PlatformMachine => &environment.platform_machine,
        Variable::PlatformPythonImplementation => &environment.platform_python_implementation,
        Variable::PlatformRelease => &environment.platform_release,
        Variable::PlatformSystem => &environment.platform_system,
        Variable::PlatformVersion => &environment.platform_version,
        Variable::PythonFullVersion => &environment.python_full_version,
        Variable::PythonVersion => &environment.python_version,
        Variable::SysPlatform => &environment.sys_platform,
        Variable::Extra | Variable::Extras | Variable::DependencyGroups => "",
    }
}

fn compare(comparison: &Comparison, value: Value<'_>) -> Result<bool, EvaluationError> {
    let literal = comparison.literal.as_str();
    let negated = matches!(comparison.operator, Comparator::NotIn);
    let value = match value {
        Value::Text(value) => value,
        Value::Extras(extras) => return Ok(extras.contains(literal) != negated),
        Value::Groups(groups) => return Ok(groups.contains(literal) != negated),
    };
    // An interpreter built between two tags calls itself `3.13.0a1+`, which is no version.
    let repaired = match comparison.variable {
        Variable::PythonFullVersion if value.ends_with('+') => format!("{value}local"),
        _ => value.to_owned(),
    };
    let (left, right) = match comparison.reversed {
        false => (repaired.as_str(), literal),
        true => (literal, repaired.as_str()),
    };
    match comparison.operator {
        Comparator::In => Ok(right.contains(left)),
        Comparator::NotIn => Ok(!right.contains(left)),
        Comparator::Version("===") if is_version(comparison.variable) => {
            // Any text without white space, `;` and `)` can stand behind `===`, also none.
            let text = right.trim();
            if text.contains(|c: char| c.is_whitespace() || matches!(c, ';' | ')')) {
                return compare_texts(comparison, "===", left, right);
            }
            Ok(text.eq_ignore_ascii_case(left))
        }
        Comparator::Version(operator) => {
            if is_version(comparison.variable)
                && let Ok(specifier) = format!("{operator}{right}").parse::<VersionSpecifier>()
            {
                return Ok(specifier.contains_text(left));
            }
            compare_texts(comparison, operator, left, right)
        }
    }
}

/// The variables whose values are compared as versions.
fn is_version(variable: Variable) -> bool {
    matches!(
        variable,
        Variable::ImplementationVersion
            | Variable::PlatformRelease
            | Variable::PythonFullVersion
            | Variable::PythonVersion
    )
}

/// Texts have no order: `<=` and `>=` hold when they are equal, `<` and `>` never.
fn compare_texts(
    comparison: &Comparison,
    operator: &'static str,
    left: &str,
    right: &str,
) -> Result<bool, EvaluationError> {
    match operator {
        "==" | "<=" | ">=" => Ok(left == right),
        "!=" => Ok(left != right),
        "<" | ">" => Ok(false),
        _ => Err(EvaluationError::UndefinedComparison {
            comparison: comparison.to_string(),
            operator,
            value: right.to_owned(),
        }),
    }
}
