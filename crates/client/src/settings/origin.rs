//! Who says so: every setting knows where it comes from.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// An option of the command line, such as `--index-url`.
    CommandLine(String),
    /// An option in a requirements file.
    Requirements {
        /// The file.
        file: String,
        /// From 1.
        line: u32,
        /// Such as `--index-url`.
        option: String,
    },
    /// A variable of the environment.
    Environment(String),
    /// A key of a configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// With its section or table.
        key: String,
    },
    /// Nobody; it is built in.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine(option) => write!(formatter, "`{option}` on the command line"),
            Self::Requirements { file, line, option } => {
                write!(formatter, "`{option}` in {file}:{line}")
            }
            Self::Environment(variable) => write!(formatter, "`{variable}` in the environment"),
            Self::File { path, key } => write!(formatter, "`{key}` in {}", path.display()),
            Self::Default => formatter.write_str("the built-in default"),
        }
    }
}

/// A value and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// Puts the two together.
    #[must_use]
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}
