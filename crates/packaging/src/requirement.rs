//! Requirements: a name with extras, versions or a URL, and a marker.
//!
//! Decides what may stand in `Requires-Dist` and on a line of a requirements file (without its
//! options). Trusts nothing; the URL is not looked into here.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>
//! (PEP 508). Off-spec, stricter than `packaging`: a name does not end with `_`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::marker::Marker;
use crate::name::{ExtraName, ProjectName};
use crate::syntax::{Cursor, SyntaxError};
use crate::version::VersionSpecifiers;

/// Why a text is no requirement; the span is in bytes of that text.
pub type RequirementError = SyntaxError;

/// A requirement such as `flask[async]>=3.0; python_version >= "3.9"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// The project.
    pub name: ProjectName,
    /// The extras asked for.
    pub extras: BTreeSet<ExtraName>,
    /// Which version, or from where.
    pub source: VersionOrUrl,
    /// Where the requirement applies; everywhere when there is none.
    pub marker: Option<Marker>,
}

/// The part of a requirement that says what satisfies it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VersionOrUrl {
    /// Versions; no clause means any.
    Specifiers(VersionSpecifiers),
    /// A URL as it stands after `@`, without white space, otherwise unchecked.
    Url(String),
}

impl Requirement {
    /// Reads a requirement. White space around it is allowed.
    ///
    /// # Errors
    /// When the text does not follow the grammar.
    pub fn parse(text: &str) -> Result<Self, RequirementError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let name = take_name(&mut cursor, "a project name", ProjectName::parse)?;
        cursor.skip_space();
        let extras = take_extras(&mut cursor)?;
        cursor.skip_space();
        let source = if cursor.take("@") {
            take_url(&mut cursor)?
        } else {
            VersionOrUrl::Specifiers(take_specifiers(&mut cursor)?)
        };
        cursor.skip_space();
        if cursor.at_end() {
            return Ok(Self { name, extras, source, marker: None });
        }
        if !cursor.take(";") {
            return Err(cursor.error(match &source {
                VersionOrUrl::Specifiers(specifiers) if specifiers.is_empty() => {
                    "a version specifier, `@`, `;` or the end"
                }
                VersionOrUrl::Specifiers(_) => "`,`, `;` or the end",
                VersionOrUrl::Url(_) => "`;` or the end",
            }));
        }
        let marker = Marker::take(&mut cursor)?;
        if !cursor.at_end() {
            return Err(cursor.error("`and`, `or` or the end"));
        }
        Ok(Self { name, extras, source, marker: Some(marker) })
    }

    /// The version specifiers; `None` when a URL is given.
    #[must_use]
    pub fn specifiers(&self) -> Option<&VersionSpecifiers> {
        match &self.source {
            VersionOrUrl::Specifiers(specifiers) => Some(specifiers),
            VersionOrUrl::Url(_) => None,
        }
    }
}

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        Self::parse(text)
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.name)?;
        if !self.extras.is_empty() {
            let extras: Vec<&str> = self.extras.iter().map(ExtraName::as_str).collect();
            write!(formatter, "[{}]", extras.join(","))?;
        }
        match &self.source {
            VersionOrUrl::Specifiers(specifiers) => write!(formatter, "{specifiers}")?,
            VersionOrUrl::Url(url) => write!(formatter, " @ {url}")?,
        }
        let Some(marker) = &self.marker else { return Ok(()) };
        // After a URL a space has to end it.
        let space = if matches!(self.source, VersionOrUrl::Url(_)) { " " } else { "" };
        write!(formatter, "{space}; {marker}")
    }
}

fn take_name<N, E: fmt::Display>(
    cursor: &mut Cursor<'_>,
    expected: &str,
    parse: impl Fn(&str) -> Result<N, E>,
) -> Result<N, RequirementError> {
    let start = cursor.position();
    let text = cursor.take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if text.is_empty() {
        return Err(cursor.error(expected));
    }
    parse(text).map_err(|error| SyntaxError::new(error.to_string(), start..start + text.len()))
}

fn take_extras(cursor: &mut Cursor<'_>) -> Result<BTreeSet<ExtraName>, RequirementError> {
    let mut extras = BTreeSet::new();
    if !cursor.take("[") {
        return Ok(extras);
    }
    cursor.skip_space();
    if cursor.take("]") {
        return Ok(extras);
    }
    loop {
        extras.insert(take_name(cursor, "the name of an extra", ExtraName::parse)?);
        cursor.skip_space();
        if cursor.take("]") {
            return Ok(extras);
        }
        if !cursor.take(",") {
            return Err(cursor.error("`,` or `]`"));
        }
        cursor.skip_space();
    }
}

fn take_url(cursor: &mut Cursor<'_>) -> Result<VersionOrUrl, RequirementError> {
    cursor.skip_space();
    let start = cursor.position();
    let url = cursor.take_while(|c| !matches!(c, ' ' | '\t'));
    if url.is_empty() {
        return Err(cursor.error("a URL after `@`"));
    }
    if let Some((at, character)) = url.char_indices().find(|(_, c)| c.is_control()) {
        let span = start + at..start + at + character.len_utf8();
        return Err(SyntaxError::new(format!("a URL cannot contain {character:?}"), span));
    }
    Ok(VersionOrUrl::Url(url.to_owned()))
}

fn take_specifiers(cursor: &mut Cursor<'_>) -> Result<VersionSpecifiers, RequirementError> {
    let parenthesised = cursor.take("(");
    cursor.skip_space();
    let specifiers = VersionSpecifiers::take(cursor)?;
    cursor.skip_space();
    if parenthesised && !cursor.take(")") {
        return Err(cursor.error("`,` or `)`"));
    }
    Ok(specifiers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_written_as_they_are_read() {
        let check = |text: &str, expect: &str| {
            let requirement = Requirement::parse(text).unwrap();
            assert_eq!(requirement.to_string(), expect);
            assert_eq!(Requirement::parse(expect).unwrap(), requirement);
        };
        check("Flask", "flask");
        check(" flask ", "flask");
        check("flask==3.0", "flask==3.0");
        check("flask == 3.0 , < 4", "flask==3.0,<4");
        check("flask (>=1,<2)", "flask>=1,<2");
        check("flask()", "flask");
        check("flask[]", "flask");
        check("flask[ b , A_a ] >=1", "flask[a-a,b]>=1");
        check("flask>=1,", "flask>=1");
        check("flask===1.0-weird;os_name=='x'", "flask===1.0-weird; os_name == \"x\"");
        check("a@https://x/y;z", "a @ https://x/y;z");
        check("a @ https://x/y ; os_name=='x'", "a @ https://x/y ; os_name == \"x\"");
        check("a[x]@file:///y#sha256=ab \t", "a[x] @ file:///y#sha256=ab");
        check("flask>=1 ; (extra == 'A')", "flask>=1; extra == \"a\"");
        check("1", "1");
    }

    #[test]
    fn requirements_are_refused_where_they_go_wrong() {
        let check = |text: &str, message: &str, span| {
            let error = Requirement::parse(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.span), (message, span), "{text}");
        };
        check("", "expected a project name, found the end", 0..0);
        check("==1.0", "expected a project name, found '='", 0..1);
        check("_a==1.0", "`_a` must begin and end with an ASCII letter or digit", 0..2);
        check("a_", "`a_` must begin and end with an ASCII letter or digit", 0..2);
        check("a b", "expected a version specifier, `@`, `;` or the end, found 'b'", 2..3);
        check("a 1.0", "expected a version specifier, `@`, `;` or the end, found '1'", 2..3);
        check("a>=1 b", "expected `,`, `;` or the end, found 'b'", 5..6);
        check("a>=1 >2", "expected `,`, `;` or the end, found '>'", 5..6);
        check("a(>=1", "expected `,` or `)`, found the end", 5..5);
        check("a[x", "expected `,` or `]`, found the end", 3..3);
        check("a[x,]", "expected the name of an extra, found ']'", 4..5);
        check("a[x y]", "expected `,` or `]`, found 'y'", 4..5);
        check("a @", "expected a URL after `@`, found the end", 3..3);
        check("a @ x y", "expected `;` or the end, found 'y'", 6..7);
        check("a @ x\u{1}y", "a URL cannot contain '\\u{1}'", 5..6);
        check("a; ", "expected a variable or a quoted string, found the end", 3..3);
        check("a>=1.*", "`>=` does not take a `.*`", 1..6);
        check("a; os_name == 'x' z", "expected `and`, `or` or the end, found 'z'", 18..19);
    }
}
