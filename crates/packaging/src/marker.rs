//! Environment markers: whether a requirement applies to an interpreter.
//!
//! Decides what a marker means with the semantics of the `packaging` library 26. Trusts the
//! description of the interpreter that the caller gives; the marker's text is untrusted.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>
//! (PEP 508), PEP 685 for extras, and for `extras` and `dependency_groups` the pylock.toml
//! specification (PEP 751).
//!
//! Off-spec, stricter than `packaging`: a comparison has one variable and one literal, `extras`
//! and `dependency_groups` stand only on the right of `in` and `not in`, a literal has no
//! backslash and no control character, and parentheses nest at most 64 deep.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::name::{self, ExtraName};
use crate::syntax::{Cursor, SyntaxError};

mod evaluate;
mod parse;

pub use evaluate::{EvaluationError, MarkerEnvironment};

/// Why a text is no marker; the span is in bytes of that text.
pub type MarkerError = SyntaxError;

/// A marker such as `python_version < "3.11" and extra == "test"`.
///
/// Redundant parentheses and spelling differences of extras and legacy variable names are gone;
/// two markers are equal when nothing but those differ.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Marker(Expression);

/// A tree in which no `And` is directly inside an `And`, and no `Or` inside an `Or`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Compare(Comparison),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Comparison {
    variable: Variable,
    operator: Comparator,
    literal: String,
    /// The literal stands on the left: `"3.8" <= python_version`.
    reversed: bool,
}

macro_rules! variables {
    ($($variable:ident $name:literal),* $(,)?) => {
        /// What a marker can ask about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        enum Variable { $($variable),* }

        impl Variable {
            const ALL: &[(&str, Self)] = &[$(($name, Self::$variable)),*];

            fn name(self) -> &'static str {
                match self { $(Self::$variable => $name),* }
            }
        }
    };
}

variables! {
    ImplementationName "implementation_name",
    ImplementationVersion "implementation_version",
    OsName "os_name",
    PlatformMachine "platform_machine",
    PlatformPythonImplementation "platform_python_implementation",
    PlatformRelease "platform_release",
    PlatformSystem "platform_system",
    PlatformVersion "platform_version",
    PythonFullVersion "python_full_version",
    PythonVersion "python_version",
    SysPlatform "sys_platform",
    Extra "extra",
    Extras "extras",
    DependencyGroups "dependency_groups",
}

/// Names that setuptools used before PEP 508; `packaging` still reads them.
const LEGACY_VARIABLES: [(&str, Variable); 6] = [
    ("os.name", Variable::OsName),
    ("sys.platform", Variable::SysPlatform),
    ("platform.version", Variable::PlatformVersion),
    ("platform.machine", Variable::PlatformMachine),
    ("platform.python_implementation", Variable::PlatformPythonImplementation),
    ("python_implementation", Variable::PlatformPythonImplementation),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Comparator {
    Version(&'static str),
    In,
    NotIn,
}

impl Comparator {
    fn text(self) -> &'static str {
        match self {
            Self::Version(text) => text,
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }
}

impl Marker {
    /// The marker that is true when either is.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let parts = |marker: Self| match marker.0 {
            Expression::Or(parts) => parts,
            single => vec![single],
        };
        let mut all = parts(self);
        for part in parts(other) {
            if !all.contains(&part) {
                all.push(part);
            }
        }
        match <[Expression; 1]>::try_from(all) {
            Ok([single]) => Self(single),
            Err(all) => Self(Expression::Or(all)),
        }
    }

    /// Reads a marker.
    ///
    /// # Errors
    /// When the text does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, MarkerError> {
        let mut cursor = Cursor::new(text);
        let marker = Self::take(&mut cursor)?;
        if cursor.at_end() { Ok(marker) } else { Err(cursor.error("`and`, `or` or the end")) }
    }

    /// Takes a marker up to what cannot continue it, white space included.
    pub(crate) fn take(cursor: &mut Cursor<'_>) -> Result<Self, MarkerError> {
        parse::take_or(cursor, 0).map(Self)
    }

    /// Whether a requirement with this marker applies, for any one of the extras asked for (for
    /// none at all when the list is empty).
    ///
    /// # Errors
    /// When a comparison has no meaning, or `extras` or `dependency_groups` is used, which only
    /// lock files may. Every comparison is looked at, also behind a false `and`.
    pub fn evaluate(
        &self,
        environment: &MarkerEnvironment,
        extras: &[ExtraName],
    ) -> Result<bool, EvaluationError> {
        if extras.is_empty() {
            return evaluate::requirement(&self.0, environment, "");
        }
        extras.iter().try_fold(false, |applies, extra| {
            Ok(evaluate::requirement(&self.0, environment, extra.as_str())? || applies)
        })
    }

    /// Whether the marker asks for an extra, so that what it stands at is optional.
    #[must_use]
    pub fn names_extra(&self) -> bool {
        self.0.any(&|comparison| comparison.variable == Variable::Extra)
    }

    /// Whether a package of a `pylock.toml` with this marker applies.
    ///
    /// # Errors
    /// When a comparison has no meaning, or `extra` is used, which lock files may not.
    pub fn evaluate_in_lock(
        &self,
        environment: &MarkerEnvironment,
        extras: &BTreeSet<ExtraName>,
        groups: &BTreeSet<String>,
    ) -> Result<bool, EvaluationError> {
        let groups = groups.iter().map(|group| name::normalize(group)).collect();
        evaluate::lock(&self.0, environment, extras, &groups)
    }
}

impl Expression {
    fn any(&self, holds: &impl Fn(&Comparison) -> bool) -> bool {
        match self {
            Self::Compare(comparison) => holds(comparison),
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.any(holds)),
        }
    }
}

impl FromStr for Marker {
    type Err = MarkerError;

    fn from_str(text: &str) -> Result<Self, MarkerError> {
        Self::parse(text)
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Self::Compare(comparison) => return fmt::Display::fmt(comparison, formatter),
            Self::And(parts) => (parts, "and"),
            Self::Or(parts) => (parts, "or"),
        };
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                write!(formatter, " {word} ")?;
            }
            match part {
                // `and` binds tighter than `or`.
                Self::Or(_) => write!(formatter, "({part})")?,
                Self::And(_) | Self::Compare(_) => write!(formatter, "{part}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A literal never holds both kinds of quotes: the grammar has no escapes.
        let quote = if self.literal.contains('"') { '\'' } else { '"' };
        let (variable, operator, literal) =
            (self.variable.name(), self.operator.text(), &self.literal);
        if self.reversed {
            write!(formatter, "{quote}{literal}{quote} {operator} {variable}")
        } else {
            write!(formatter, "{variable} {operator} {quote}{literal}{quote}")
        }
    }
}

#[cfg(test)]
mod tests;
