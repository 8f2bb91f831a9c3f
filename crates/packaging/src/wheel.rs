//! The `WHEEL` file: which wheel format a file has and where its modules go.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/binary-distribution-format/>
//! (PEP 427), "File contents".

use crate::headers::{Header, HeaderError, parse_headers};
use crate::tags::Tag;

/// The highest version of the wheel format that is fully understood.
pub const SUPPORTED_VERSION: (u32, u32) = (1, 0);

/// The most tags that one `WHEEL` file may list, compressed ones expanded.
const MAXIMUM_TAGS: usize = 4096;

/// What a `WHEEL` file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelMetadata {
    /// Version of the format as (major, minor). When it is above [`SUPPORTED_VERSION`] the
    /// installer should say so.
    pub wheel_version: (u32, u32),
    /// Whether the root of the archive goes to `purelib`, else to `platlib`.
    pub root_is_purelib: bool,
    /// The tags, expanded, in the order of the file.
    pub tags: Vec<Tag>,
    /// The build number as it stands, if there is one.
    pub build: Option<String>,
}

/// Why a `WHEEL` file cannot be read. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WheelError {
    /// The fields cannot be told apart.
    #[error(transparent)]
    Headers(#[from] HeaderError),
    /// A field that must be there is not.
    #[error("`{field}` is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field that may stand only once stands twice.
    #[error("line {line}: `{field}` stands here a second time")]
    Duplicate {
        /// The field.
        field: &'static str,
        /// Line of the second one.
        line: u32,
    },
    /// `Wheel-Version` is not two numbers.
    #[error("line {line}: expected a version such as `1.0`, found `{found}`")]
    Version {
        /// The line.
        line: u32,
        /// The value.
        found: String,
    },
    /// A version of the format with a major number above 1 (or 0).
    #[error("line {line}: wheel version {major}.{minor} is not supported, expected 1.x")]
    Unsupported {
        /// The line.
        line: u32,
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// `Root-Is-Purelib` is neither `true` nor `false`.
    #[error("line {line}: expected `true` or `false`, found `{found}`")]
    Purelib {
        /// The line.
        line: u32,
        /// The value.
        found: String,
    },
    /// A tag that has not three parts.
    #[error("line {line}: `{found}` is no compatibility tag")]
    Tag {
        /// The line.
        line: u32,
        /// The value.
        found: String,
    },
    /// More than 4096 tags.
    #[error("line {line}: more than 4096 tags")]
    TooManyTags {
        /// The line.
        line: u32,
    },
}

impl WheelMetadata {
    /// Reads a `WHEEL` file.
    ///
    /// # Errors
    /// When a field cannot be read, is missing or stands twice, and for a format version whose
    /// major number is not 1.
    pub fn parse(bytes: &[u8]) -> Result<Self, WheelError> {
        let headers = parse_headers(bytes)?;
        let required = |field| only(&headers, field)?.ok_or(WheelError::Missing { field });
        let wheel_version = parse_wheel_version(required("Wheel-Version")?)?;
        let root_is_purelib = parse_purelib(required("Root-Is-Purelib")?)?;
        let build = only(&headers, "Build")?.map(|header| header.value.clone());
        let mut tags = Vec::new();
        for header in headers.iter().filter(|header| header.is("Tag")) {
            expand_tag(header, &mut tags)?;
        }
        Ok(Self { wheel_version, root_is_purelib, tags, build })
    }
}

fn only<'h, 'a>(
    headers: &'h [Header<'a>],
    field: &'static str,
) -> Result<Option<&'h Header<'a>>, WheelError> {
    let mut found = headers.iter().filter(|header| header.is(field));
    match (found.next(), found.next()) {
        (_, Some(second)) => Err(WheelError::Duplicate { field, line: second.line }),
        (first, None) => Ok(first),
    }
}

fn parse_wheel_version(header: &Header<'_>) -> Result<(u32, u32), WheelError> {
    let line = header.line;
    let number = |text: &str| {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        if digits { text.parse::<u32>().ok() } else { None }
    };
    let (major, minor) = header
        .value
        .split_once('.')
        .and_then(|(major, minor)| Some((number(major)?, number(minor)?)))
        .ok_or_else(|| WheelError::Version { line, found: header.value.clone() })?;
    if major != SUPPORTED_VERSION.0 {
        return Err(WheelError::Unsupported { line, major, minor });
    }
    Ok((major, minor))
}

fn parse_purelib(header: &Header<'_>) -> Result<bool, WheelError> {
    match header.value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(WheelError::Purelib { line: header.line, found: header.value.clone() }),
    }
}

/// One line may stand for several tags, as in a file name.
fn expand_tag(header: &Header<'_>, tags: &mut Vec<Tag>) -> Result<(), WheelError> {
    let error = || WheelError::Tag { line: header.line, found: header.value.clone() };
    let parts: Vec<Vec<&str>> =
        header.value.split('-').map(|part| part.split('.').collect()).collect();
    let [pythons, abis, platforms] = parts.as_slice() else { return Err(error()) };
    let valid = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if !parts.iter().flatten().all(valid) {
        return Err(error());
    }
    for python in pythons {
        for abi in abis {
            for platform in platforms {
                if tags.len() == MAXIMUM_TAGS {
                    return Err(WheelError::TooManyTags { line: header.line });
                }
                tags.push(Tag::new(python, abi, platform));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n\
        Tag: py2-none-any\nTag: py3-none-any\nBuild: 1a\n";

    #[test]
    fn fields_are_read() {
        let wheel = WheelMetadata::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(wheel.wheel_version, (1, 0));
        assert!(wheel.root_is_purelib);
        assert_eq!(wheel.tags, [Tag::new("py2", "none", "any"), Tag::new("py3", "none", "any")]);
        assert_eq!(wheel.build.as_deref(), Some("1a"));
        let compressed = GOOD.replace("py2-none", "PY2.cp27-none").replace("true", "False");
        let wheel = WheelMetadata::parse(compressed.as_bytes()).unwrap();
        assert!(!wheel.root_is_purelib);
        assert_eq!(
            wheel.tags[..2],
            [Tag::new("py2", "none", "any"), Tag::new("cp27", "none", "any")]
        );
        assert_eq!(
            WheelMetadata::parse(GOOD.replace("1.0", "1.9").as_bytes()).unwrap().wheel_version,
            (1, 9)
        );
    }

    #[test]
    fn each_mutation_is_refused_for_its_reason() {
        use WheelError as E;
        let check = |from: &str, to: &str, expect: E| {
            assert!(GOOD.contains(from));
            let error = WheelMetadata::parse(GOOD.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert_eq!(error, expect, "{to:?}");
        };
        check("Wheel-Version: 1.0\n", "", E::Missing { field: "Wheel-Version" });
        check("Root-Is-Purelib: true\n", "", E::Missing { field: "Root-Is-Purelib" });
        check("Generator", "wheel-version", E::Duplicate { field: "Wheel-Version", line: 2 });
        check("Build", "Root-Is-Purelib", E::Duplicate { field: "Root-Is-Purelib", line: 6 });
        check("1.0", "2.0", E::Unsupported { line: 1, major: 2, minor: 0 });
        check("1.0", "0.1", E::Unsupported { line: 1, major: 0, minor: 1 });
        check("1.0", "1", E::Version { line: 1, found: "1".into() });
        check("1.0", "+1.0", E::Version { line: 1, found: "+1.0".into() });
        check("true", "yes", E::Purelib { line: 3, found: "yes".into() });
        check("py2-none-any", "py2-none", E::Tag { line: 4, found: "py2-none".into() });
        check("py2-none-any", "py2..-none-any", E::Tag { line: 4, found: "py2..-none-any".into() });
        let many = ["a"; 64].join(".");
        check("py2-none-any", &format!("{many}-{many}-any"), E::TooManyTags { line: 5 });
        check(
            "Generator: x",
            "Generator",
            E::Headers(HeaderError::NoField { line: 2, text: "Generator".into() }),
        );
    }
}
