//! Documents in memory and a judge that believes what it is told, for tests of sources.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Clones, Documents, SignatureJudge, SourceError, Tag};
use crate::federation::RecordsEntry;
use crate::record::{OfficialRelease, Records, Signature};

/// Files, tags and clones.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) tags: Option<Vec<Tag>>,
    pub(super) head: Option<(String, Timestamp)>,
    pub(super) clones: Vec<(String, Memory)>,
    pub(super) notes: Vec<String>,
}

impl Memory {
    pub(super) fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), bytes.into());
        self
    }
}

impl Documents for Memory {
    fn root(&self) -> &str {
        "memory"
    }

    fn list(&self, folder: &str, ending: &str) -> Result<Vec<String>, SourceError> {
        let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let names = self.files.keys();
        Ok(names.filter(|it| it.starts_with(&below) && it.ends_with(ending)).cloned().collect())
    }

    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(bytes) = self.files.get(path) else { return Ok(None) };
        if bytes.len() as u64 > limit {
            return Err(SourceError::TooLarge { what: path.into(), limit, unit: "bytes" });
        }
        Ok(Some(bytes.clone()))
    }

    fn tags(&self) -> Result<Option<Vec<Tag>>, SourceError> {
        Ok(self.tags.clone())
    }

    fn head(&self) -> Result<Option<(String, Timestamp)>, SourceError> {
        Ok(self.head.clone())
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    fn clones(&self) -> Result<Clones<'_>, SourceError> {
        let boxed = |it: &Memory| Box::new(it.clone()) as Box<dyn Documents>;
        Ok(self.clones.iter().map(|(path, clone)| (path.clone(), boxed(clone))).collect())
    }
}

/// `good NAME` is a good signature of NAME, `unchecked` cannot be checked, all else is bad. A
/// clear-signed text is good when its armoured part holds such a line.
pub(super) struct Believing;

impl SignatureJudge for Believing {
    fn judge(&self, _file: &[u8], signature: &[u8], at: Option<Timestamp>) -> Signature {
        let text = String::from_utf8_lossy(signature);
        let signer = at.map_or_else(String::new, |at| format!(" at {at}"));
        match text.trim().split_once(' ') {
            Some(("good", name)) => Signature::Good { signer: format!("{name}{signer}") },
            _ if text.trim() == "unchecked" => {
                Signature::Unchecked { reason: "no openpgp here".into() }
            }
            _ => Signature::Bad { code: "not-theirs", reason: "made by somebody else".into() },
        }
    }

    fn open_cleartext(&self, text: &[u8], at: Option<Timestamp>) -> Result<Vec<u8>, Signature> {
        let text = String::from_utf8_lossy(text);
        let (before, after) = text.split_once("-----BEGIN PGP SIGNATURE-----\n").unwrap();
        let signature = after.split("\n-----END").next().unwrap();
        match self.judge(b"", signature.as_bytes(), at) {
            Signature::Good { .. } => {
                let (_, signed) = before.split_once("\n\n").unwrap();
                Ok(signed.replace("\n- ", "\n").into_bytes())
            }
            refused => Err(refused),
        }
    }
}

/// An entry with settings, `("path", "x")` being its place.
pub(super) fn entry(kind: &str, settings: &[(&str, &str)]) -> RecordsEntry {
    let mut entry = RecordsEntry {
        kind: kind.into(),
        path: None,
        url: None,
        project: None,
        settings: BTreeMap::new(),
        place: countermark_packaging::lock::Place {
            file: "federation.toml".into(),
            line: 3,
            column: 1,
            span: 0..0,
        },
    };
    for (name, value) in settings {
        match *name {
            "path" => entry.path = Some((*value).into()),
            name => drop(entry.settings.insert(name.into(), (*value).into())),
        }
    }
    entry
}

/// The records of a source, or why there are none.
pub(super) fn read(entry: &RecordsEntry, documents: &Memory) -> Result<Records, String> {
    let mut records = Records::default();
    super::open::open(entry, &Believing)
        .and_then(|source| source.read(documents, &mut records))
        .map(|()| records)
        .map_err(|error| error.to_string())
}

/// `PROJECT VERSION` of every release, sorted by project and in the order of the source.
pub(super) fn releases(records: &Records) -> Vec<String> {
    let of = |(name, it): (&countermark_packaging::name::ProjectName, &OfficialRelease)| {
        format!("{name} {}", it.version)
    };
    let all = records.projects.iter();
    all.flat_map(|(name, it)| it.releases.iter().map(move |it| (name, it))).map(of).collect()
}

/// The first release with this version.
pub(super) fn release<'a>(
    records: &'a Records,
    project: &str,
    version: &str,
) -> &'a OfficialRelease {
    let releases = &records.projects[project].releases;
    releases.iter().find(|it| &*it.version == version).expect("the release is there")
}

/// The problems, `FILE:LINE:COLUMN: MESSAGE`.
pub(super) fn problems(records: &Records) -> Vec<String> {
    let place = |position: Option<(u32, u32)>| {
        position.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"))
    };
    let all = records.problems.iter();
    all.map(|it| format!("{}{}: {}", it.file, place(it.position), it.message)).collect()
}
