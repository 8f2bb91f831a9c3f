//! Names of projects and extras.
//!
//! Decides what may be a name and which spellings are one name. Two names are the same when their
//! normalised forms are, so only the normalised form is kept. Trusts nothing: the text comes from
//! files and indexes.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/name-normalization/>
//! (PEP 503, PEP 508) and PEP 685 for extras.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

mod pattern;

pub use pattern::NamePattern;

/// The longest name that is read, in bytes. A file name on common file systems has at most 255.
const MAXIMUM_LENGTH: usize = 255;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("the name is empty")]
    Empty,
    /// The text has more than 255 bytes.
    #[error("the name has {length} bytes, at most 255 are allowed")]
    TooLong {
        /// Length of the text in bytes.
        length: usize,
    },
    /// The first or the last character is not an ASCII letter or digit.
    #[error("`{name}` must begin and end with an ASCII letter or digit")]
    Boundary {
        /// The text.
        name: String,
    },
    /// A character other than ASCII letters, digits, `.`, `-` and `_`.
    #[error(
        "`{name}` contains {character:?}; only ASCII letters, digits, `.`, `-` and `_` are allowed"
    )]
    Character {
        /// The text.
        name: String,
        /// The first character that is not allowed.
        character: char,
    },
}

macro_rules! name_type {
    ($(#[$documentation:meta])* $type:ident) => {
        $(#[$documentation])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// Reads a name in any spelling and keeps its normalised form.
            ///
            /// # Errors
            /// When the text is no valid name; white space around it is not removed.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check(text)?;
                Ok(Self(normalize(text)))
            }

            /// The normalised form: lower case, `-` for each run of `-`, `_` and `.`.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type! {
    /// The normalised name of a project.
    ProjectName
}

name_type! {
    /// The normalised name of an extra (PEP 685).
    ExtraName
}

/// The normal form of any text, as PEP 503 says, without asking whether it is a valid name.
/// Markers compare extras in this form.
#[must_use]
pub fn normalize(text: &str) -> String {
    let mut normalized = String::with_capacity(text.len());
    let mut in_separator = false;
    for character in text.chars() {
        if matches!(character, '-' | '_' | '.') {
            if !in_separator {
                normalized.push('-');
            }
            in_separator = true;
        } else {
            in_separator = false;
            normalized.extend(character.to_lowercase());
        }
    }
    normalized
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAXIMUM_LENGTH {
        return Err(NameError::TooLong { length: text.len() });
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if let Some(character) = text.chars().find(|&c| !allowed(c)) {
        return Err(NameError::Character { name: text.to_owned(), character });
    }
    let alphanumeric = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    if !alphanumeric(bytes.first()) || !alphanumeric(bytes.last()) {
        return Err(NameError::Boundary { name: text.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &Result<&str, NameError>) {
        assert_eq!(
            ProjectName::parse(text).as_ref().map(ProjectName::as_str),
            expect.as_ref().copied()
        );
        assert_eq!(
            ExtraName::parse(text).as_ref().map(ExtraName::as_str),
            expect.as_ref().copied()
        );
    }

    #[test]
    fn normalises() {
        check("flask", &Ok("flask"));
        check("Flask", &Ok("flask"));
        check("oslo.concurrency", &Ok("oslo-concurrency"));
        check("zope._-interface", &Ok("zope-interface"));
        check("a", &Ok("a"));
        check("7", &Ok("7"));
        check(&"x".repeat(255), &Ok(&"x".repeat(255)));
    }

    #[test]
    fn refuses() {
        let boundary = |name: &str| Err(NameError::Boundary { name: name.to_owned() });
        let character =
            |name: &str, character| Err(NameError::Character { name: name.to_owned(), character });
        check("", &Err(NameError::Empty));
        check("-a", &boundary("-a"));
        check("a_", &boundary("a_"));
        check(".", &boundary("."));
        check("..", &boundary(".."));
        check("a/b", &character("a/b", '/'));
        check(" a", &character(" a", ' '));
        check("a\n", &character("a\n", '\n'));
        check("ſ", &character("ſ", 'ſ'));
        check("a\0b", &character("a\0b", '\0'));
        check(&"x".repeat(256), &Err(NameError::TooLong { length: 256 }));
    }
}
