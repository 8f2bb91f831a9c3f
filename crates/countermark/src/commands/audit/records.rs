//! Finds and reads the official records: those that `federation.toml` names, or what is around.

use std::fs;
use std::path::{Path, PathBuf};

use countermark_audit::federation::{Federation, RecordsEntry};
use countermark_audit::record::Records;
use countermark_audit::source::openpgp::{self, parse_signing_keys};
use countermark_audit::source::openstack::{self, OpenStackReleases};
use countermark_audit::source::{Documents, SignatureJudge, Source as _, SourceError};
use countermark_client::records::{documents, documents_of};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_packaging::lock::Place;
use countermark_trust::Class;
use jiff::Timestamp;

use super::gather::{cache_folder, read_bytes, unreadable};
use crate::cli::audit::AuditInputArgs;
use crate::progress::Teller;
use crate::session;

/// Certificates are small.
const MAX_KEY: u64 = 4 << 20;

/// Reads every source, in the order in which they are named.
pub(super) fn read(
    arguments: &AuditInputArgs,
    federation_file: Option<&Path>,
    federation: &Federation,
    as_of: Option<Timestamp>,
    teller: &Teller,
) -> Result<(Records, Vec<RecordsEntry>), Vec<Problem>> {
    let mut records = Records::default();
    let base = federation_file.and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
    let reader = Reader { arguments, as_of, base, teller };
    if arguments.records.is_empty() && !federation.records.is_empty() {
        for entry in &federation.records {
            reader.entry(entry, &mut records)?;
        }
        return Ok((records, federation.records.clone()));
    }
    let given = !arguments.records.is_empty();
    let paths = if given { arguments.records.clone() } else { vec![PathBuf::from(".")] };
    let mut entries = Vec::new();
    for path in &paths {
        entries.push(reader.guess(path, given, &mut records)?);
    }
    Ok((records, entries))
}

struct Reader<'a> {
    arguments: &'a AuditInputArgs,
    as_of: Option<Timestamp>,
    base: PathBuf,
    teller: &'a Teller,
}

impl Reader<'_> {
    /// A source that `federation.toml` names.
    fn entry(&self, entry: &RecordsEntry, records: &mut Records) -> Result<(), Vec<Problem>> {
        let at = |error: SourceError| vec![problem(&error).at(&entry.place)];
        if entry.kind == "openstack-releases" {
            let path = self.base.join(entry.path.as_deref().unwrap_or("."));
            let mut beside: Vec<PathBuf> = self.arguments.governance.clone();
            beside.extend(entry.settings.get("governance").map(|path| self.base.join(path)));
            return self.openstack(&path, &beside, records).map_err(at);
        }
        let judge = self.judge(entry)?;
        let source = countermark_audit::source::open::open(entry, judge.as_ref()).map_err(at)?;
        let documents = match &entry.url {
            Some(_) => self.host(entry)?,
            None => self.folder(&self.base.join(entry.path.as_deref().unwrap_or("."))),
        };
        source.read(documents.as_ref(), records).map_err(at)
    }

    /// What a path that nobody described is.
    fn guess(
        &self,
        path: &Path,
        given: bool,
        records: &mut Records,
    ) -> Result<RecordsEntry, Vec<Problem>> {
        if !path.exists() {
            let message = format!("`{}` is not there", shown(path));
            return Err(vec![Problem::new("no-records", Class::Usage, message)]);
        }
        let say = |error: SourceError| vec![problem(&error)];
        let documents = self.folder(path);
        if path.is_dir() && openstack::find_tree(documents.as_ref()).map_err(say)?.is_some() {
            records.assumptions.push(format!(
                "taken as the official records: the releases tree at {}",
                shown(path)
            ));
            let beside = self.arguments.governance.clone();
            self.openstack(path, &beside, records).map_err(say)?;
            return Ok(assumed_entry("openstack-releases", path));
        }
        let Some(kind) = kind_of(path) else {
            let message = format!("there are no official records at `{}`", shown(path));
            let hint = if given {
                "name the kind of records in a federation.toml; `countermark audit init` drafts one"
            } else {
                "run it in a checkout of the records, give --records PATH, or write a federation.toml"
            };
            return Err(vec![Problem::new("no-records", Class::Usage, message).with_hint(hint)]);
        };
        records.assumptions.push(format!(
            "taken as the official records: {} of {}",
            what(kind),
            shown(path)
        ));
        let entry = assumed_entry(kind, path);
        let judge = self.judge(&entry)?;
        let source = countermark_audit::source::open::open(&entry, judge.as_ref()).map_err(say)?;
        source.read(documents.as_ref(), records).map_err(say)?;
        drop(source);
        Ok(entry)
    }

    fn openstack(
        &self,
        path: &Path,
        beside: &[PathBuf],
        records: &mut Records,
    ) -> Result<(), SourceError> {
        let tree = self.folder(path);
        let mut companions: Vec<Box<dyn Documents>> =
            beside.iter().map(|folder| self.folder(folder)).collect();
        // Checkouts of governance and jobs usually lie beside the one of the tree.
        if let Some(parent) = fs::canonicalize(path).ok().as_deref().and_then(Path::parent) {
            companions.push(self.folder(parent));
        }
        let source =
            OpenStackReleases { companions: companions.iter().map(|one| &**one).collect() };
        source.read(tree.as_ref(), records)
    }

    fn folder(&self, path: &Path) -> Box<dyn Documents> {
        documents(path, cache_folder(self.arguments).as_deref())
    }

    /// Records that lie on a host.
    fn host(&self, entry: &RecordsEntry) -> Result<Box<dyn Documents>, Vec<Problem>> {
        let session = session::open("audit", &self.arguments.index, &[], None)?;
        let cache = cache_folder(self.arguments);
        documents_of(entry, &self.base, &session.http, cache.as_deref())
            .map_err(|error| vec![problem(&error).at(&entry.place)])
    }

    /// Who judges signatures: with the keys that are given for this source.
    fn judge(&self, entry: &RecordsEntry) -> Result<Box<dyn SignatureJudge>, Vec<Problem>> {
        let mut paths = self.arguments.keys.clone();
        paths.extend(entry.settings.get("keys").map(|path| self.base.join(path)));
        let mut certificates = Vec::new();
        for path in &paths {
            read_certificates(path, &mut certificates)?;
        }
        let validity = match entry.settings.get("key-dates") {
            Some(path) => {
                let path = self.base.join(path);
                let bytes = read_bytes(&path, MAX_KEY)?;
                let keys = parse_signing_keys(&shown(&path), &bytes);
                for problem in &keys.problems {
                    let message = format!("{}: {}", problem.file, problem.message);
                    self.teller.note(Note::new("unusable-line", message));
                }
                keys.validity
            }
            None => None,
        };
        let now = self.as_of.unwrap_or_else(Timestamp::now);
        openpgp::judge(&certificates, validity, now)
            .map_err(|error| vec![Problem::of("keys", error.class(), &error)])
    }
}

/// What a path is by the names in it.
fn kind_of(path: &Path) -> Option<&'static str> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    if path.is_file() {
        let ending = name.rsplit('.').next().unwrap_or_default();
        return match ending {
            "csv" | "jsonl" | "ndjson" => Some("table"),
            "json" => Some("forge"),
            _ => Some("checksums"),
        };
    }
    if path.join("SHA256SUMS").is_file() {
        return Some("checksums");
    }
    path.join(".git").exists().then_some("git-tags")
}

fn what(kind: &str) -> &'static str {
    match kind {
        "table" => "the table",
        "forge" => "the releases",
        "checksums" => "the checksums",
        _ => "the git tags",
    }
}

fn assumed_entry(kind: &str, path: &Path) -> RecordsEntry {
    RecordsEntry {
        kind: kind.to_owned(),
        path: Some(shown(path)),
        url: None,
        project: None,
        settings: std::collections::BTreeMap::new(),
        place: Place { file: shown(path), line: 1, column: 1, span: 0..0 },
    }
}

/// Every certificate of a file, or of the files of a folder.
fn read_certificates(
    path: &Path,
    certificates: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), Vec<Problem>> {
    let failed = |error: std::io::Error| unreadable(path, &error.to_string());
    if !path.is_dir() {
        certificates.push((shown(path), read_bytes(path, MAX_KEY)?));
        return Ok(());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    for file in files {
        certificates.push((shown(&file), read_bytes(&file, MAX_KEY)?));
    }
    Ok(())
}

fn problem(error: &SourceError) -> Problem {
    Problem::of("records", error.class(), error)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
