//! Core metadata: what a distribution says about itself in `METADATA`.
//!
//! Decides name, version and dependencies of a distribution. The file comes from whoever made the
//! distribution; a field that decides something may stand only once.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/core-metadata/>

use std::collections::BTreeSet;

use crate::headers::{Header, HeaderError, parse_headers};
use crate::name::{ExtraName, NameError, ProjectName};
use crate::requirement::{Requirement, RequirementError};
use crate::version::{SpecifierError, Version, VersionSpecifiers};

/// The fields of `METADATA` that decide what is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreMetadata {
    /// The name as the author spells it.
    pub raw_name: String,
    /// The project.
    pub name: ProjectName,
    /// The version.
    pub version: Version,
    /// Dependencies, in the order of the file.
    pub requires_dist: Vec<Requirement>,
    /// The versions of Python that it supports; any when there is none.
    pub requires_python: Option<VersionSpecifiers>,
    /// The extras that exist.
    pub provides_extra: BTreeSet<ExtraName>,
    /// Major and minor number of the metadata's own version.
    pub metadata_version: (u32, u32),
    /// The fields, in lower case, that a source distribution leaves to its build (PEP 643).
    pub dynamic: BTreeSet<String>,
}

/// Why core metadata cannot be read. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
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
    /// A metadata version whose major number is not 1 or 2.
    #[error("line {line}: metadata version `{found}` is not supported, expected 1.x or 2.x")]
    MetadataVersion {
        /// The line.
        line: u32,
        /// The value.
        found: String,
    },
    /// The project's name, or the name of an extra.
    #[error("line {line}: {error}")]
    Name {
        /// The line.
        line: u32,
        /// What is wrong.
        error: NameError,
    },
    /// The version.
    #[error("line {line}: `{found}` is no version according to PEP 440")]
    Version {
        /// The line.
        line: u32,
        /// The value.
        found: String,
    },
    /// A dependency.
    #[error("line {line}: in the requirement `{found}`: {error}")]
    RequiresDist {
        /// The line.
        line: u32,
        /// The value.
        found: String,
        /// What is wrong.
        error: RequirementError,
    },
    /// The versions of Python.
    #[error("line {line}: in `Requires-Python: {found}`: {error}")]
    RequiresPython {
        /// The line.
        line: u32,
        /// The value.
        found: String,
        /// What is wrong.
        error: SpecifierError,
    },
}

impl CoreMetadata {
    /// Reads `METADATA` (or `PKG-INFO`): at most 16 MiB, of which the body is not looked at.
    ///
    /// # Errors
    /// When a field cannot be read, is missing, or stands twice where it may stand once.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetadataError> {
        let headers = parse_headers(bytes)?;
        let metadata_version = required(&headers, "Metadata-Version")?;
        let metadata_version = parse_metadata_version(metadata_version)?;
        let name = required(&headers, "Name")?;
        let version = required(&headers, "Version")?;
        let requires_python =
            only(&headers, "Requires-Python")?.map(parse_requires_python).transpose()?;
        let all = |field: &'static str| headers.iter().filter(move |header| header.is(field));
        Ok(Self {
            raw_name: name.value.clone(),
            name: ProjectName::parse(&name.value)
                .map_err(|error| MetadataError::Name { line: name.line, error })?,
            version: parse_version(version)?,
            requires_dist: all("Requires-Dist")
                .map(parse_requires_dist)
                .collect::<Result<_, _>>()?,
            requires_python,
            provides_extra: all("Provides-Extra").map(parse_extra).collect::<Result<_, _>>()?,
            metadata_version,
            dynamic: all("Dynamic").map(|header| header.value.to_ascii_lowercase()).collect(),
        })
    }
}

/// The licence that `METADATA` names: its expression (PEP 639), else the first line of the old field,
/// else its classifiers. For people; several fields of one kind are joined.
///
/// # Errors
/// When the fields cannot be told apart.
pub fn parse_license(bytes: &[u8]) -> Result<Option<String>, MetadataError> {
    let headers = parse_headers(bytes)?;
    let all = |field: &'static str| -> Vec<&str> {
        let found = headers.iter().filter(|header| header.is(field));
        found.map(|header| header.value.lines().next().unwrap_or_default().trim()).collect()
    };
    let named = [all("License-Expression"), all("License")];
    let named = named.into_iter().map(|it| it.join(", ")).find(|it| !it.is_empty());
    let classified = || {
        let classifiers = all("Classifier").into_iter();
        let licences = classifiers.filter_map(|it| it.strip_prefix("License :: "));
        let last: Vec<&str> = licences.map(|it| it.rsplit(" :: ").next().unwrap_or(it)).collect();
        (!last.is_empty()).then(|| last.join(", "))
    };
    Ok(named.or_else(classified))
}

/// The one field of this name, if there is one.
fn only<'h, 'a>(
    headers: &'h [Header<'a>],
    field: &'static str,
) -> Result<Option<&'h Header<'a>>, MetadataError> {
    let mut found = headers.iter().filter(|header| header.is(field));
    match (found.next(), found.next()) {
        (_, Some(second)) => Err(MetadataError::Duplicate { field, line: second.line }),
        (first, None) => Ok(first),
    }
}

fn required<'h, 'a>(
    headers: &'h [Header<'a>],
    field: &'static str,
) -> Result<&'h Header<'a>, MetadataError> {
    only(headers, field)?.ok_or(MetadataError::Missing { field })
}

/// A reader must refuse a major version that it does not know.
fn parse_metadata_version(header: &Header<'_>) -> Result<(u32, u32), MetadataError> {
    let number = |text: &str| {
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten()
    };
    let parsed = header.value.split_once('.').and_then(|(major, minor)| match major {
        "1" => Some((1, number(minor)?)),
        "2" => Some((2, number(minor)?)),
        _ => None,
    });
    parsed.ok_or_else(|| MetadataError::MetadataVersion {
        line: header.line,
        found: header.value.clone(),
    })
}

fn parse_version(header: &Header<'_>) -> Result<Version, MetadataError> {
    header
        .value
        .parse()
        .map_err(|_| MetadataError::Version { line: header.line, found: header.value.clone() })
}

fn parse_requires_dist(header: &Header<'_>) -> Result<Requirement, MetadataError> {
    // A long requirement may be folded.
    let text = header.value.replace('\n', " ");
    Requirement::parse(&text).map_err(|error| MetadataError::RequiresDist {
        line: header.line,
        found: text,
        error,
    })
}

fn parse_requires_python(header: &Header<'_>) -> Result<VersionSpecifiers, MetadataError> {
    header.value.parse().map_err(|error| MetadataError::RequiresPython {
        line: header.line,
        found: header.value.clone(),
        error,
    })
}

fn parse_extra(header: &Header<'_>) -> Result<ExtraName, MetadataError> {
    ExtraName::parse(&header.value)
        .map_err(|error| MetadataError::Name { line: header.line, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Metadata-Version: 2.1\nName: Zope.Interface\nVersion: 5.0\n\
        Requires-Python: >=3.6, !=3.7.*\nRequires-Dist: six (>=1.0)\n\
        Requires-Dist: pytest ; extra == 'Test'\nProvides-Extra: Test\n\nName: evil\n";

    #[test]
    fn fields_are_read() {
        let metadata = CoreMetadata::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(metadata.raw_name, "Zope.Interface");
        assert_eq!(metadata.name.as_str(), "zope-interface");
        assert_eq!(metadata.version.to_string(), "5.0");
        let requires: Vec<String> =
            metadata.requires_dist.iter().map(ToString::to_string).collect();
        assert_eq!(requires, ["six>=1.0", "pytest; extra == \"test\""]);
        assert_eq!(metadata.requires_python.unwrap().to_string(), ">=3.6,!=3.7.*");
        assert!(metadata.provides_extra.contains("test"));
        assert_eq!(metadata.metadata_version, (2, 1));
        assert!(metadata.dynamic.is_empty());
        let dynamic = GOOD.replacen("2.1\n", "2.2\nDynamic: Requires-Dist\nDynamic: license\n", 1);
        let metadata = CoreMetadata::parse(dynamic.as_bytes()).unwrap();
        assert_eq!(metadata.metadata_version, (2, 2));
        let dynamic: Vec<&str> = metadata.dynamic.iter().map(String::as_str).collect();
        assert_eq!(dynamic, ["license", "requires-dist"]);
    }

    #[test]
    fn each_mutation_is_refused_for_its_reason() {
        let check = |from: &str, to: &str, expect: fn(&MetadataError) -> bool| {
            assert!(GOOD.contains(from));
            let error = CoreMetadata::parse(GOOD.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(expect(&error), "{to:?}: {error:?}");
        };
        use MetadataError as E;
        check("Name: Zope.Interface\n", "", |e| matches!(e, E::Missing { field: "Name" }));
        check("Version: 5.0\n", "", |e| matches!(e, E::Missing { field: "Version" }));
        check("Metadata-Version: 2.1\n", "", |e| {
            matches!(e, E::Missing { field: "Metadata-Version" })
        });
        check("2.1", "3.0", |e| matches!(e, E::MetadataVersion { line: 1, .. }));
        check("2.1", "2", |e| matches!(e, E::MetadataVersion { line: 1, .. }));
        check("2.1", "20.1", |e| matches!(e, E::MetadataVersion { line: 1, .. }));
        check("Requires-Dist: six", "name: six\nX: six", |e| {
            matches!(e, E::Duplicate { field: "Name", line: 5 })
        });
        check("Requires-Dist: six", "Version: 6\nX: six", |e| {
            matches!(e, E::Duplicate { field: "Version", line: 5 })
        });
        check("Requires-Dist: six", "Requires-Python: >=3\nX: six", |e| {
            matches!(e, E::Duplicate { field: "Requires-Python", line: 5 })
        });
        check("Zope.Interface", "../evil", |e| matches!(e, E::Name { line: 2, .. }));
        check("5.0", "five", |e| matches!(e, E::Version { line: 3, .. }));
        check(">=3.6", "3.6", |e| matches!(e, E::RequiresPython { line: 4, .. }));
        check("six (", "six =(", |e| matches!(e, E::RequiresDist { line: 5, .. }));
        check("Extra: Test", "Extra: a b", |e| matches!(e, E::Name { line: 7, .. }));
        check("Requires-Dist", "Requires\u{1}Dist", |e| matches!(e, E::Headers(_)));
    }
}
