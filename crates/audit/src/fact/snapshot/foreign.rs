//! Another form of JSON Lines, as it is written from a project's JSON document by scripts:
//!
//! ```json
//! {"pkg": "x", "name": "X", "files": {"1.0": [["x-1.0.tar.gz", "sdist", 7, "2024-02-03T04:05:06Z", "…", false]]},
//!  "roles": [["Owner", "ann"]], "organization": null, "last_serial": 9}
//! {"pkg": "y", "http": 404}
//! ```
//!
//! A version without files is a placeholder. Other keys are passed over. Values of a file that are not
//! what they should be are named in `unusable`; a line of another shape is a problem.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use countermark_packaging::digest::Sha256;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};

use super::form::{is_component, project_name};
use super::{MAX_FILES, Problem, ProjectRoles, parse_line};
use crate::fact::{FileKind, IndexFile, IndexRelease, Presence, ProjectFacts, Role, RoleKind};

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a, F: Deserialize<'de>"))]
struct Line<'a, F> {
    #[serde(borrow)]
    pkg: Cow<'a, str>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    http: Option<u16>,
    #[serde(default = "none")]
    files: Option<F>,
    #[serde(default)]
    roles: Option<Vec<(String, String)>>,
    #[serde(default)]
    organization: Option<String>,
    #[serde(default)]
    last_serial: Option<u64>,
}

fn none<F>() -> Option<F> {
    None
}

/// In the order of the line.
struct Versions<'a>(Vec<(String, Vec<FileTuple<'a>>)>);

/// Name, kind, size, time of upload, sha256, yanked.
#[derive(Deserialize)]
struct FileTuple<'a>(
    String,
    #[serde(borrow)] Cow<'a, str>,
    Option<u64>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    Yanked,
);

/// `false`, `true`, or the reason.
struct Yanked(Option<String>);

pub(super) fn parse(line: &[u8], number: u64) -> Result<ProjectFacts, Problem> {
    let raw: Line<'_, Versions<'_>> = parse_line(line, number)?;
    let refused = |message: String| Problem { line: number, column: None, message };
    let name = project_name(&raw.pkg).map_err(refused)?;
    let presence = match raw.http {
        None | Some(200) => Presence::Present,
        Some(404 | 410) => Presence::Absent,
        Some(code) => Presence::Unread(format!("status {code}")),
    };
    let mut facts = ProjectFacts::new(name, presence);
    if facts.presence != Presence::Present {
        return Ok(facts);
    }
    let Some(versions) = raw.files else {
        return Err(refused("missing field `files`".to_owned()));
    };
    let mut count = 0;
    for (version, files) in versions.0 {
        count += files.len();
        if count > MAX_FILES {
            return Err(refused(format!("the project has more than {MAX_FILES} files")));
        }
        let files = files.into_iter().filter_map(|file| index_file(file, &mut facts.unusable));
        let files = files.collect();
        facts.releases.push(IndexRelease { version, files });
    }
    facts.shown_name = raw.name;
    facts.roles = raw.roles.map(roles_of);
    facts.organization = raw.organization;
    facts.last_serial = raw.last_serial;
    Ok(facts)
}

pub(super) fn parse_roles(line: &[u8], number: u64) -> Result<ProjectRoles, Problem> {
    let raw: Line<'_, IgnoredAny> = parse_line(line, number)?;
    let name = project_name(&raw.pkg).map_err(|message| Problem {
        line: number,
        column: None,
        message,
    })?;
    Ok(ProjectRoles { name, roles: raw.roles.map(roles_of), organization: raw.organization })
}

fn roles_of(pairs: Vec<(String, String)>) -> Vec<Role> {
    let role = |(kind, account): (String, String)| Role { kind: RoleKind::parse(&kind), account };
    pairs.into_iter().map(role).collect()
}

fn index_file(file: FileTuple<'_>, unusable: &mut Vec<String>) -> Option<IndexFile> {
    let FileTuple(filename, kind, size, time, digest, yanked) = file;
    let shown = |text: &str| text.chars().take(120).collect::<String>().escape_debug().to_string();
    if !is_component(&filename) {
        unusable.push(format!("`{}` is no file name", shown(&filename)));
        return None;
    }
    let uploaded = time.and_then(|text| {
        let time = text.parse::<Timestamp>().ok();
        if time.is_none() {
            let (filename, text) = (shown(&filename), shown(&text));
            unusable.push(format!("the upload time of `{filename}`, `{text}`, is none"));
        }
        time
    });
    let sha256 = digest.and_then(|text| {
        let digest = Sha256::parse_hex(&text).ok();
        if digest.is_none() {
            let (filename, text) = (shown(&filename), shown(&text));
            unusable.push(format!("the digest of `{filename}`, `{text}`, is no sha256 digest"));
        }
        digest
    });
    // The index knows what it was given; a name does not tell a program in an archive from a source.
    let kind = match kind.as_ref() {
        "sdist" => FileKind::Sdist,
        "bdist_wheel" => FileKind::Wheel,
        other if other.starts_with("bdist_") => FileKind::Other,
        _ => FileKind::of(&filename),
    };
    Some(IndexFile { filename, kind, size, uploaded, sha256, yanked: yanked.0, inside: None })
}

impl<'de: 'a, 'a> Deserialize<'de> for Versions<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Versions<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of versions with their files")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut access: A,
            ) -> Result<Versions<'de>, A::Error> {
                let mut versions = Vec::new();
                let mut seen = HashSet::new();
                while let Some((version, files)) = access.next_entry::<String, _>()? {
                    if !seen.insert(version.clone()) {
                        let message =
                            format!("version `{}` is given twice", version.escape_debug());
                        return Err(A::Error::custom(message));
                    }
                    versions.push((version, files));
                }
                Ok(Versions(versions))
            }
        }
        deserializer.deserialize_map(Map)
    }
}

impl<'de> Deserialize<'de> for Yanked {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Flag;
        impl Visitor<'_> for Flag {
            type Value = Yanked;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a boolean, or the reason for yanking")
            }

            fn visit_bool<E>(self, is_yanked: bool) -> Result<Yanked, E> {
                Ok(Yanked(is_yanked.then(String::new)))
            }

            fn visit_str<E>(self, reason: &str) -> Result<Yanked, E> {
                Ok(Yanked(Some(reason.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Yanked, E> {
                Ok(Yanked(None))
            }
        }
        deserializer.deserialize_any(Flag)
    }
}
