//! File names of distributions: what a wheel or a source distribution says about itself by name.
//!
//! Decides which file belongs to which project and version. The name is chosen by whoever serves
//! the file; it is compared with the metadata later and never used as a path before it was read
//! here, which leaves no separator, no control character and no leading dot in it.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/binary-distribution-format/>
//! (PEP 427, PEP 491) and <https://packaging.python.org/en/latest/specifications/source-distribution-format/>
//! (PEP 625). Old wheels with capitals or dots in the name are accepted.

use std::fmt;
use std::str::FromStr;

use crate::name::ProjectName;
use crate::version::Version;

/// The longest file name that is read, in bytes; no common file system holds a longer one.
const MAXIMUM_LENGTH: usize = 255;

/// The most tags that a compressed tag set may stand for.
const MAXIMUM_TAGS: usize = 1024;

/// Why a text is no file name of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilenameError {
    /// More than 255 bytes.
    #[error("the file name has {length} bytes, at most 255 are allowed")]
    TooLong {
        /// Length in bytes.
        length: usize,
    },
    /// Not a known ending.
    #[error("`{filename}` does not end with {expected}")]
    Extension {
        /// The file name.
        filename: String,
        /// The endings that are possible.
        expected: &'static str,
    },
    /// A wheel's name has five or six parts, separated by `-`.
    #[error(
        "`{filename}` has {found} parts separated by `-`; a wheel has 5, or 6 with a build number"
    )]
    Parts {
        /// The file name.
        filename: String,
        /// Number of parts.
        found: usize,
    },
    /// The part that names the project.
    #[error("`{part}` in `{filename}` is no project name as file names contain it")]
    Name {
        /// The file name.
        filename: String,
        /// The part.
        part: String,
    },
    /// The part that says the version.
    #[error("`{part}` in `{filename}` is no version according to PEP 440")]
    Version {
        /// The file name.
        filename: String,
        /// The part.
        part: String,
    },
    /// The build number of a wheel.
    #[error("build number `{part}` in `{filename}` does not begin with a digit or is too large")]
    Build {
        /// The file name.
        filename: String,
        /// The part.
        part: String,
    },
    /// A compatibility tag of a wheel.
    #[error("`{part}` in `{filename}` is no compatibility tag")]
    Tag {
        /// The file name.
        filename: String,
        /// The part.
        part: String,
    },
    /// A compressed tag set that stands for too many tags.
    #[error("`{filename}` stands for {found} tags, at most 1024 are allowed")]
    TooManyTags {
        /// The file name.
        filename: String,
        /// Number of tags.
        found: usize,
    },
}

/// The file name of a wheel. Equality is that of the original text.
#[derive(Debug, Clone)]
pub struct WheelFilename {
    /// The project.
    pub name: ProjectName,
    /// The version.
    pub version: Version,
    /// Build number and what follows it; decides between wheels that are equal otherwise.
    pub build: Option<(u64, String)>,
    /// Python tags, lower case.
    pub python: Vec<String>,
    /// ABI tags, lower case.
    pub abi: Vec<String>,
    /// Platform tags, lower case.
    pub platform: Vec<String>,
    original: String,
}

impl WheelFilename {
    /// Reads the file name of a wheel.
    ///
    /// # Errors
    /// When it does not follow the specification.
    pub fn parse(filename: &str) -> Result<Self, FilenameError> {
        let owned = || filename.to_owned();
        check_length(filename)?;
        let stem = filename
            .strip_suffix(".whl")
            .ok_or_else(|| FilenameError::Extension { filename: owned(), expected: "`.whl`" })?;
        let parts: Vec<&str> = stem.split('-').collect();
        let (name, version, build, tags) = match parts[..] {
            [name, version, ref tags @ ..] if tags.len() == 3 => (name, version, None, tags),
            [name, version, build, ref tags @ ..] if tags.len() == 3 => {
                (name, version, Some(build), tags)
            }
            _ => return Err(FilenameError::Parts { filename: owned(), found: parts.len() }),
        };
        let build = build.map(|part| parse_build(filename, part)).transpose()?;
        let [python, abi, platform] =
            [0, 1, 2].map(|index| parse_tags(filename, tags[index], index == 0));
        let (python, abi, platform) = (python?, abi?, platform?);
        let found = python.len() * abi.len() * platform.len();
        if found > MAXIMUM_TAGS {
            return Err(FilenameError::TooManyTags { filename: owned(), found });
        }
        Ok(Self {
            name: parse_name(filename, name)?,
            version: parse_version(filename, version)?,
            build,
            python,
            abi,
            platform,
            original: owned(),
        })
    }

    /// The file name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.original
    }
}

/// The file name of a source distribution. Equality is that of the original text.
#[derive(Debug, Clone)]
pub struct SdistFilename {
    /// The project.
    pub name: ProjectName,
    /// The version.
    pub version: Version,
    original: String,
}

impl SdistFilename {
    /// Reads the file name of a source distribution; the version begins after the last `-`.
    ///
    /// # Errors
    /// When it does not follow the specification.
    pub fn parse(filename: &str) -> Result<Self, FilenameError> {
        let stem = sdist_stem(filename)?;
        let (name, version) = stem.rsplit_once('-').ok_or_else(|| FilenameError::Name {
            filename: filename.to_owned(),
            part: stem.to_owned(),
        })?;
        let name = ProjectName::parse(name).map_err(|_| FilenameError::Name {
            filename: filename.to_owned(),
            part: name.to_owned(),
        })?;
        let version = parse_version(filename, version)?;
        Ok(Self { name, version, original: filename.to_owned() })
    }

    /// Reads the file name of a source distribution of a known project, which also tells the two
    /// apart where an old version contains a `-`.
    ///
    /// # Errors
    /// When no beginning of the file name is the project's name with a version after it.
    pub fn parse_for(project: &ProjectName, filename: &str) -> Result<Self, FilenameError> {
        let stem = sdist_stem(filename)?;
        let split = |at: usize| {
            let (name, version) = (&stem[..at], &stem[at + 1..]);
            let name = ProjectName::parse(name).ok().filter(|name| name == project)?;
            let version = Version::from_str(version).ok()?;
            Some(Self { name, version, original: filename.to_owned() })
        };
        stem.match_indices('-').find_map(|(at, _)| split(at)).ok_or_else(|| FilenameError::Name {
            filename: filename.to_owned(),
            part: stem.to_owned(),
        })
    }

    /// The file name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.original
    }
}

/// The file name of either kind of distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DistributionFilename {
    /// A wheel.
    Wheel(WheelFilename),
    /// A source distribution.
    Sdist(SdistFilename),
}

impl DistributionFilename {
    /// Reads the file name of a wheel (`.whl`) or a source distribution (`.tar.gz`, `.zip`).
    ///
    /// # Errors
    /// When it follows neither specification.
    pub fn parse(filename: &str) -> Result<Self, FilenameError> {
        if filename.ends_with(".whl") {
            return WheelFilename::parse(filename).map(Self::Wheel);
        }
        SdistFilename::parse(filename).map(Self::Sdist).map_err(|error| match error {
            FilenameError::Extension { filename, .. } => {
                FilenameError::Extension { filename, expected: "`.whl`, `.tar.gz` or `.zip`" }
            }
            error => error,
        })
    }

    /// The project.
    #[must_use]
    pub fn name(&self) -> &ProjectName {
        match self {
            Self::Wheel(wheel) => &wheel.name,
            Self::Sdist(sdist) => &sdist.name,
        }
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> &Version {
        match self {
            Self::Wheel(wheel) => &wheel.version,
            Self::Sdist(sdist) => &sdist.version,
        }
    }

    /// The file name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Wheel(wheel) => wheel.as_str(),
            Self::Sdist(sdist) => sdist.as_str(),
        }
    }
}

macro_rules! compare_original {
    ($($type:ident)*) => {$(
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.original == other.original
            }
        }

        impl Eq for $type {}

        impl std::hash::Hash for $type {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.original.hash(state);
            }
        }

        impl FromStr for $type {
            type Err = FilenameError;

            fn from_str(filename: &str) -> Result<Self, FilenameError> {
                Self::parse(filename)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.original)
            }
        }
    )*};
}

compare_original!(WheelFilename SdistFilename);

fn check_length(filename: &str) -> Result<(), FilenameError> {
    match filename.len() {
        0..=MAXIMUM_LENGTH => Ok(()),
        length => Err(FilenameError::TooLong { length }),
    }
}

fn sdist_stem(filename: &str) -> Result<&str, FilenameError> {
    check_length(filename)?;
    filename.strip_suffix(".tar.gz").or_else(|| filename.strip_suffix(".zip")).ok_or_else(|| {
        FilenameError::Extension { filename: filename.to_owned(), expected: "`.tar.gz` or `.zip`" }
    })
}

/// PEP 427 replaces every run of other characters by one `_`, so two in a row cannot occur.
fn parse_name(filename: &str, part: &str) -> Result<ProjectName, FilenameError> {
    let error = || FilenameError::Name { filename: filename.to_owned(), part: part.to_owned() };
    if part.contains("__") {
        return Err(error());
    }
    ProjectName::parse(part).map_err(|_| error())
}

fn parse_version(filename: &str, part: &str) -> Result<Version, FilenameError> {
    let error = || FilenameError::Version { filename: filename.to_owned(), part: part.to_owned() };
    if part.contains(char::is_whitespace) {
        return Err(error());
    }
    Version::from_str(part).map_err(|_| error())
}

fn parse_build(filename: &str, part: &str) -> Result<(u64, String), FilenameError> {
    let error = || FilenameError::Build { filename: filename.to_owned(), part: part.to_owned() };
    let digits = part.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = part.split_at(digits);
    if !rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+')) {
        return Err(error());
    }
    Ok((number.parse().map_err(|_| error())?, rest.to_owned()))
}

fn parse_tags(filename: &str, part: &str, python: bool) -> Result<Vec<String>, FilenameError> {
    let valid = |tag: &str| {
        tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && tag.bytes().next().is_some_and(|b| !python || !b.is_ascii_digit())
    };
    if !part.split('.').all(valid) {
        return Err(FilenameError::Tag { filename: filename.to_owned(), part: part.to_owned() });
    }
    Ok(part.split('.').map(str::to_ascii_lowercase).collect())
}

#[cfg(test)]
mod tests;
