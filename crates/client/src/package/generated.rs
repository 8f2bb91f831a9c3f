//! The files of an installed package that its wheel does not bring: launchers, RECORD, and what
//! says where it came from.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::entry_points::Script;
use countermark_packaging::lock::WantedSource;
use countermark_packaging::record::{RecordEntry, write_record};
use countermark_trust::tree::{Mode, TreeFile};
use serde::Serialize;
use sha2::Digest as _;

use super::placement::{Placement, join, relative_between};
use crate::gather::Ready;
use crate::http::RedactedUrl;
use crate::provenance::{self, Provenance};
use crate::scripts::{Heading, ScriptError, launcher, rewrite_script};
use crate::store::{Entry, read_regular};

/// What `INSTALLER` says.
pub const INSTALLER: &str = "countermark";

/// What a launcher needs to know.
#[derive(Debug)]
pub struct Launching<'a> {
    /// Names the interpreter.
    pub heading: &'a Heading,
    /// Its version.
    pub version: (u32, u32),
}

/// What a package was asked for as.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Does the user's file list it? Always so far, since nothing else is installed.
    pub requested: bool,
    /// The URL of a direct reference, without credentials (PEP 610).
    pub direct_url: Option<String>,
    /// Where the wheel came from.
    pub source: String,
}

/// A file that is made for this environment: a launcher, RECORD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Relative to the root of the environment.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// With executable bits.
    pub executable: bool,
}

/// Everything that is written or left out for one package.
#[derive(Debug, Default)]
pub struct Additions {
    /// Files to write.
    pub files: Vec<Generated>,
    /// Positions of files of the tree that give way to them.
    pub replaced: Vec<usize>,
}

/// PEP 610, for archives.
#[derive(Serialize)]
struct DirectUrl<'a> {
    archive_info: ArchiveInfo,
    url: &'a str,
}

#[derive(Serialize)]
struct ArchiveInfo {
    hash: String,
    hashes: std::collections::BTreeMap<&'static str, String>,
}

/// The generated files of a package, RECORD last.
///
/// # Errors
/// [`ScriptError`] for a command that cannot be launched; reading a stored script can fail with
/// what the file system says.
pub fn generate(
    entry: &Entry,
    placement: &Placement,
    folders: &[String; 5],
    launching: &Launching<'_>,
    asked: &Asked,
    compiled: &[String],
) -> Result<Additions, GenerateError> {
    let site = placement.relative(placement.site(entry.facts.platlib)).unwrap_or_default();
    let dist_info = join(&site, &entry.facts.dist_info);
    let mut additions = Additions::default();
    for command in &entry.facts.commands {
        let script = Script {
            name: command.name.clone(),
            module: command.module.clone(),
            attribute: command.attribute.clone(),
            extras: std::collections::BTreeSet::new(),
        };
        let text = launcher(&script, launching.heading, launching.version)?;
        let scripts = placement.relative(&placement.layout.scripts).unwrap_or_default();
        additions.add(join(&scripts, &command.name), text.into_bytes(), true);
    }
    add_scripts(entry, folders, launching, &mut additions)?;
    add_metadata(entry, &dist_info, asked, &mut additions);
    let own: Vec<String> = additions.files.iter().map(|file| file.path.clone()).collect();
    let record = join(&dist_info, "RECORD");
    let mut rows = Vec::with_capacity(entry.tree.files().len() + own.len());
    for (position, file) in entry.tree.files().iter().enumerate() {
        let path = join(&folders[file.scheme.index()], &file.path);
        if path == record || own.contains(&path) {
            additions.replaced.push(position);
        } else if file.mode != Mode::Script {
            rows.push(row_of_tree(&site, &path, file));
        }
    }
    rows.extend(additions.files.iter().map(|file| row_of_bytes(&site, file)));
    let bare =
        |path: &str| RecordEntry { path: relative_between(&site, path), digest: None, size: None };
    rows.extend(compiled.iter().map(|path| bare(path)));
    rows.push(bare(&record));
    additions.add(record, write_record(&rows).into_bytes(), false);
    Ok(additions)
}

/// Why a file could not be generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A command that no launcher can start.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// A stored script cannot be read, or is not what the tree says.
    #[error("the stored copy of `{path}` cannot be used")]
    Stored {
        /// In the wheel.
        path: String,
    },
}

impl Additions {
    fn add(&mut self, path: String, bytes: Vec<u8>, executable: bool) {
        self.files.push(Generated { path, bytes, executable });
    }
}

/// Scripts whose first line names the interpreter of this environment.
fn add_scripts(
    entry: &Entry,
    folders: &[String; 5],
    launching: &Launching<'_>,
    additions: &mut Additions,
) -> Result<(), GenerateError> {
    for (position, file) in entry.tree.files().iter().enumerate() {
        if file.mode != Mode::Script {
            continue;
        }
        let stored = || GenerateError::Stored { path: file.path.clone() };
        let path = entry.folder.join("f").join(position.to_string());
        let bytes = read_regular(&path, file.size).map_err(|_| stored())?;
        if *blake3::hash(&bytes).as_bytes() != file.blake3 {
            return Err(stored());
        }
        let text = rewrite_script(&bytes, launching.heading)?.ok_or_else(stored)?;
        additions.add(join(&folders[file.scheme.index()], &file.path), text, true);
    }
    Ok(())
}

fn add_metadata(entry: &Entry, dist_info: &str, asked: &Asked, additions: &mut Additions) {
    let artifact = entry.tree.artifact();
    additions.add(join(dist_info, "INSTALLER"), format!("{INSTALLER}\n").into_bytes(), false);
    if asked.requested {
        additions.add(join(dist_info, "REQUESTED"), Vec::new(), false);
    }
    if let Some(url) = &asked.direct_url {
        let hex = artifact.sha256().hex();
        let hashes = [("sha256", hex.clone())].into();
        let document =
            DirectUrl { archive_info: ArchiveInfo { hash: format!("sha256={hex}"), hashes }, url };
        // Strings and maps of strings always serialise.
        let bytes = serde_json::to_vec(&document).unwrap_or_default();
        additions.add(join(dist_info, "direct_url.json"), bytes, false);
    }
    let provenance = Provenance {
        project: entry.facts.project.clone(),
        version: entry.facts.version.clone(),
        filename: artifact.filename().to_owned(),
        sha256: artifact.sha256().hex(),
        tree: entry.tree.digest().to_string(),
        source: asked.source.clone(),
        checked: vec!["sha256".to_owned(), "record".to_owned(), "tree".to_owned()],
    };
    additions.add(join(dist_info, provenance::FILENAME), provenance.render(), false);
}

fn row_of_tree(site: &str, path: &str, file: &TreeFile) -> RecordEntry {
    let digest = URL_SAFE_NO_PAD
        .decode(&file.sha256)
        .ok()
        .and_then(|bytes| Digest::new(Algorithm::Sha256, &bytes).ok());
    RecordEntry { path: relative_between(site, path), digest, size: Some(file.size) }
}

fn row_of_bytes(site: &str, file: &Generated) -> RecordEntry {
    let digest = Digest::new(Algorithm::Sha256, &sha2::Sha256::digest(&file.bytes)).ok();
    let size = Some(file.bytes.len() as u64);
    RecordEntry { path: relative_between(site, &file.path), digest, size }
}

/// What the file asked for, as PEP 610 records it.
#[must_use]
pub fn asked(ready: &Ready, folder: &Path) -> Asked {
    let direct_url = match &ready.wanted.source {
        WantedSource::Index { .. } => None,
        WantedSource::Url { url, .. } => Some(RedactedUrl::of_text(url).to_string()),
        WantedSource::Path { path, .. } => {
            url::Url::from_file_path(folder.join(path)).ok().map(|url| url.to_string())
        }
    };
    Asked { requested: true, direct_url, source: ready.entry.facts.source.clone() }
}
