//! The frozen structures of our form; both directions.

use std::borrow::Cow;

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::StatusMarker;
use jiff::Timestamp;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{FORMAT, Header, MAX_FILES, Problem, ProjectRoles, SnapshotError, parse_line};
use crate::fact::{
    FileKind, IndexFile, IndexRelease, Inside, Presence, ProjectFacts, Role, RoleKind,
};

/// What a first line is.
pub(super) enum Start {
    Ours(Header),
    Foreign,
}

impl Start {
    pub(super) fn of(line: &[u8]) -> Result<Self, SnapshotError> {
        #[derive(Deserialize)]
        struct Probe<'a> {
            #[serde(borrow, default)]
            format: Option<Cow<'a, str>>,
            #[serde(default)]
            pkg: Option<IgnoredAny>,
        }
        let not_this = |reason: String| SnapshotError::NotThis { reason };
        let first = line.trim_ascii_start().first();
        if first != Some(&b'{') {
            return Err(not_this("it is no json object".to_owned()));
        }
        let problem = |error: &serde_json::Error| not_this(Problem::of_json(1, error).message);
        let probe: Probe<'_> = match serde_json::from_slice(line) {
            Ok(probe) => probe,
            // A first project that is broken is that project's problem.
            Err(_) if line.windows(5).any(|text| text == b"\"pkg\"") => return Ok(Self::Foreign),
            Err(error) => return Err(problem(&error)),
        };
        match (probe.format, probe.pkg) {
            (Some(format), _) if format == FORMAT => {
                let line: HeaderLine<'_> =
                    serde_json::from_slice(line).map_err(|error| problem(&error))?;
                Ok(Self::Ours(Header { index: line.index.into_owned(), read: line.read.0 }))
            }
            (Some(format), _) => {
                let found = format.chars().take(80).collect::<String>();
                Err(SnapshotError::Format { found: found.escape_debug().to_string() })
            }
            (None, Some(_)) => Ok(Self::Foreign),
            (None, None) => Err(not_this("it has neither `format` nor `pkg`".to_owned())),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeaderLine<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    #[serde(borrow)]
    index: Cow<'a, str>,
    read: Time,
}

impl<'a> HeaderLine<'a> {
    pub(super) fn of(header: &'a Header) -> Self {
        Self { format: FORMAT.into(), index: header.index.as_str().into(), read: Time(header.read) }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectLine<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown_name: Option<Cow<'a, str>>,
    presence: PresenceWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<StatusWord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status_reason: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_serial: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    organization: Option<Cow<'a, str>>,
    /// `null` when it is not known who holds the project.
    roles: Option<Vec<RoleLine<'a>>>,
    #[serde(borrow)]
    releases: Vec<ReleaseLine<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unusable: Vec<Cow<'a, str>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PresenceWord {
    Present,
    Absent,
    Unread,
}

#[derive(Clone, Copy)]
struct StatusWord(StatusMarker);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleLine<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    account: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseLine<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    files: Vec<FileLine<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLine<'a> {
    #[serde(borrow)]
    filename: Cow<'a, str>,
    kind: KindWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uploaded: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Hex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    yanked: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inside: Option<Box<InsideLine<'a>>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindWord {
    Sdist,
    Wheel,
    Other,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InsideLine<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Hex>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit_from: Option<Cow<'a, str>>,
}

/// RFC 3339.
struct Time(Timestamp);

/// 64 hexadecimal digits.
struct Hex(Sha256);

impl<'a> ProjectLine<'a> {
    pub(super) fn of(facts: &'a ProjectFacts) -> Self {
        let (presence, reason) = match &facts.presence {
            Presence::Present => (PresenceWord::Present, None),
            Presence::Absent => (PresenceWord::Absent, None),
            Presence::Unread(reason) => (PresenceWord::Unread, Some(reason)),
        };
        let status = (facts.status != StatusMarker::Active).then_some(StatusWord(facts.status));
        let roles = facts.roles.as_ref().map(|roles| roles.iter().map(RoleLine::of).collect());
        Self {
            name: facts.name.as_str().into(),
            shown_name: borrowed(&facts.shown_name),
            presence,
            reason: reason.map(|reason| reason.as_str().into()),
            status,
            status_reason: borrowed(&facts.status_reason),
            last_serial: facts.last_serial,
            organization: borrowed(&facts.organization),
            roles,
            releases: facts.releases.iter().map(ReleaseLine::of).collect(),
            unusable: facts.unusable.iter().map(|line| line.as_str().into()).collect(),
        }
    }

    pub(super) fn parse(line: &'a [u8], number: u64) -> Result<ProjectFacts, Problem> {
        let raw: Self = parse_line(line, number)?;
        let refused = |message: String| Problem { line: number, column: None, message };
        let name = project_name(&raw.name).map_err(refused)?;
        let presence = match (raw.presence, raw.reason) {
            (PresenceWord::Present, None) => Presence::Present,
            (PresenceWord::Absent, None) => Presence::Absent,
            (PresenceWord::Unread, Some(reason)) => Presence::Unread(reason.into_owned()),
            (PresenceWord::Unread, None) => {
                return Err(refused("`unread` is without its `reason`".to_owned()));
            }
            (PresenceWord::Present | PresenceWord::Absent, Some(_)) => {
                return Err(refused("only `unread` has a `reason`".to_owned()));
            }
        };
        let files: usize = raw.releases.iter().map(|release| release.files.len()).sum();
        if files > MAX_FILES {
            return Err(refused(format!("the project has more than {MAX_FILES} files")));
        }
        let releases = raw.releases.into_iter().map(ReleaseLine::release);
        Ok(ProjectFacts {
            name,
            shown_name: owned(raw.shown_name),
            presence,
            status: raw.status.map_or(StatusMarker::Active, |word| word.0),
            status_reason: owned(raw.status_reason),
            releases: releases.collect::<Result<_, _>>().map_err(refused)?,
            roles: raw.roles.map(|roles| roles.into_iter().map(RoleLine::role).collect()),
            organization: owned(raw.organization),
            last_serial: raw.last_serial,
            unusable: raw.unusable.into_iter().map(Cow::into_owned).collect(),
        })
    }
}

/// The same line, read for its roles.
#[derive(Deserialize)]
pub(super) struct RolesLine<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    roles: Option<Vec<RoleLine<'a>>>,
    #[serde(default)]
    organization: Option<Cow<'a, str>>,
}

impl<'a> RolesLine<'a> {
    pub(super) fn parse(line: &'a [u8], number: u64) -> Result<ProjectRoles, Problem> {
        let raw: Self = parse_line(line, number)?;
        let name = project_name(&raw.name).map_err(|message| Problem {
            line: number,
            column: None,
            message,
        })?;
        let roles = raw.roles.map(|roles| roles.into_iter().map(RoleLine::role).collect());
        Ok(ProjectRoles { name, roles, organization: owned(raw.organization) })
    }
}

impl<'a> RoleLine<'a> {
    fn of(role: &'a Role) -> Self {
        Self { role: role.kind.name().into(), account: role.account.as_str().into() }
    }

    fn role(self) -> Role {
        Role { kind: RoleKind::parse(&self.role), account: self.account.into_owned() }
    }
}

impl<'a> ReleaseLine<'a> {
    fn of(release: &'a IndexRelease) -> Self {
        Self {
            version: release.version.as_str().into(),
            files: release.files.iter().map(FileLine::of).collect(),
        }
    }

    fn release(self) -> Result<IndexRelease, String> {
        let files = self.files.into_iter().map(FileLine::file).collect::<Result<_, _>>()?;
        Ok(IndexRelease { version: self.version.into_owned(), files })
    }
}

impl<'a> FileLine<'a> {
    fn of(file: &'a IndexFile) -> Self {
        let kind = match file.kind {
            FileKind::Sdist => KindWord::Sdist,
            FileKind::Wheel => KindWord::Wheel,
            FileKind::Other => KindWord::Other,
        };
        Self {
            filename: file.filename.as_str().into(),
            kind,
            size: file.size,
            uploaded: file.uploaded.map(Time),
            sha256: file.sha256.map(Hex),
            yanked: borrowed(&file.yanked),
            inside: file.inside.as_ref().map(|inside| Box::new(InsideLine::of(inside))),
        }
    }

    fn file(self) -> Result<IndexFile, String> {
        if !is_component(&self.filename) {
            let shown = self.filename.chars().take(80).collect::<String>();
            return Err(format!("`{}` is no file name", shown.escape_debug()));
        }
        let kind = match self.kind {
            KindWord::Sdist => FileKind::Sdist,
            KindWord::Wheel => FileKind::Wheel,
            KindWord::Other => FileKind::Other,
        };
        Ok(IndexFile {
            filename: self.filename.into_owned(),
            kind,
            size: self.size,
            uploaded: self.uploaded.map(|time| time.0),
            sha256: self.sha256.map(|hex| hex.0),
            yanked: owned(self.yanked),
            inside: self.inside.map(|inside| inside.inside()),
        })
    }
}

impl<'a> InsideLine<'a> {
    fn of(inside: &'a Inside) -> Self {
        Self {
            sha256: inside.sha256.map(Hex),
            name: borrowed(&inside.name),
            version: borrowed(&inside.version),
            commit: borrowed(&inside.commit),
            commit_from: borrowed(&inside.commit_from),
        }
    }

    fn inside(self) -> Inside {
        Inside {
            sha256: self.sha256.map(|hex| hex.0),
            name: owned(self.name),
            version: owned(self.version),
            commit: owned(self.commit),
            commit_from: owned(self.commit_from),
        }
    }
}

fn borrowed(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(Cow::Borrowed)
}

fn owned(text: Option<Cow<'_, str>>) -> Option<String> {
    text.map(Cow::into_owned)
}

pub(super) fn project_name(text: &str) -> Result<ProjectName, String> {
    ProjectName::parse(text).map_err(|error| error.to_string().escape_debug().to_string())
}

/// A single component of a path on every platform, as pages must have it.
pub(super) fn is_component(filename: &str) -> bool {
    let is_separator = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
    !matches!(filename, "" | "." | "..")
        && filename.len() <= 255
        && !filename.chars().any(is_separator)
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        text.0.parse().map(Self).map_err(|_| D::Error::custom("expected a time as of RFC 3339"))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.hex())
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let digest = Sha256::parse_hex(&text.0).map(Self);
        digest.map_err(|_| D::Error::custom("expected a sha256 digest of 64 hexadecimal digits"))
    }
}

impl Serialize for StatusWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for StatusWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let marker = StatusMarker::parse(&text.0).map(Self);
        marker.ok_or_else(|| D::Error::custom("expected a project status of PEP 792"))
    }
}

/// Borrowed from the line where nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
