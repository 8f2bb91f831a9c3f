//! Which file is meant, and its bytes: by the digest of a lock, else by the one that the index claims.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countermark_client::contents::{self, Distribution, Fetched};
use countermark_client::report::{Note, Problem, Progress, Reporter as _};
use countermark_ledger::file::FileId;
use countermark_lock::catalogue::{Catalogue as _, Release, ReleaseFile};
use countermark_packaging::digest::{Digest, Sha256};
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::lock::document::{LockDocument, LockPackage};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::{ArtifactVerifier, Class, Pin};

use crate::cli::vet::ReadingArgs;
use crate::commands::gate::locks;
use crate::commands::lock::Workplace;
use crate::commands::lock::engine::{Engine, class_of};
use crate::commands::tree;
use crate::commands::vet::proposed;
use crate::progress::Teller;
use crate::{session, setup};

/// Bytes of a file on disk; it is held in memory, so that what is hashed is what is read.
const MAX_LOCAL: u64 = 1 << 30;

/// A file whose bytes are at hand.
pub(super) struct Obtained {
    bytes: Bytes,
    pub(super) filename: DistributionFilename,
    pub(super) sha256: Sha256,
    /// Who says that it is this digest.
    pub(super) by: String,
    /// Where it lies, for a file on disk.
    pub(super) path: Option<PathBuf>,
    /// Whether a lock has its digest.
    pub(super) is_locked: bool,
}

enum Bytes {
    Fetched(Fetched),
    Local(Vec<u8>),
}

impl Obtained {
    /// How `vet certify` is told that it is this very file; nothing where its lock says so.
    pub(super) fn named(&self) -> Option<String> {
        if let Some(path) = &self.path {
            return Some(path.display().to_string());
        }
        let name = self.filename.as_str().to_owned();
        (!self.is_locked).then(|| FileId { name, digest: self.sha256 }.to_string())
    }

    pub(super) fn distribution(&self) -> Distribution<'_> {
        match &self.bytes {
            Bytes::Fetched(fetched) => fetched.distribution(),
            Bytes::Local(bytes) => {
                Distribution { archive: bytes, filename: self.filename.as_str() }
            }
        }
    }
}

/// Whether an argument names a file rather than a release.
pub(super) fn is_file(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    !text.contains("==")
        && [".whl", ".tar.gz", ".tgz", ".zip"].iter().any(|end| lower.ends_with(end))
}

/// A file on disk.
pub(super) fn local(path: &Path) -> Result<Obtained, Vec<Problem>> {
    let shown = path.display().to_string();
    let failed = |class, detail: String| {
        let problem = Problem::new("file-unreadable", class, format!("cannot read `{shown}`"));
        vec![problem.with_detail(detail)]
    };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let filename = DistributionFilename::parse(name)
        .map_err(|error| failed(Class::Usage, error.to_string()))?;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_LOCAL + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(Class::Usage, error.to_string()))?;
    if bytes.len() as u64 > MAX_LOCAL {
        return Err(failed(Class::Rejected, format!("it has more than {MAX_LOCAL} bytes")));
    }
    let mut verifier = ArtifactVerifier::new(name, None, None);
    verifier.update(&bytes);
    let sha256 = verifier.first_sight().sha256();
    let by = "of the file on disk".to_owned();
    let (bytes, path) = (Bytes::Local(bytes), Some(path.to_owned()));
    Ok(Obtained { bytes, filename, sha256, by, path, is_locked: false })
}

/// Files of releases, in their order. The file of a later release decides for which of an earlier one is
/// looked: a wheel is compared with a wheel.
pub(super) fn releases(
    project: &ProjectName,
    versions: &[Version],
    arguments: &ReadingArgs,
    teller: &Teller,
) -> Result<Vec<Obtained>, Vec<Problem>> {
    session::refuse_weakening(&arguments.index)?;
    let work = Workplace::new(teller, &arguments.store)?;
    let session = session::open("vet", &arguments.index, &[], None)?;
    session::tell(&session.settings, teller);
    let engine = work.engine(&session, &arguments.index, &arguments.store)?;
    let lock = lock(arguments, teller)?;
    let listed = engine
        .catalogue
        .releases(project)
        .map_err(|error| vec![Problem::new("not-listed", class_of(&error), error.to_string())])?;
    let choice = Choice { arguments, folders: &work.folders, lock: lock.as_ref() };
    let mut chosen: Vec<Chosen<'_>> = Vec::new();
    for version in versions.iter().rev() {
        let release = listed.versions.get(version).ok_or_else(|| {
            let message = format!("{} has no {project} {version}", listed.index);
            vec![Problem::new("not-listed", Class::Unavailable, message)]
        })?;
        let like = chosen.last().map(|it| &it.file.filename);
        let file = choice.file(project, version, release, like)?;
        chosen.push(pinned(project, version, file, lock.as_ref(), teller)?);
    }
    chosen.reverse();
    fetch(&engine, &chosen)
}

/// A file that is fetched.
struct Chosen<'a> {
    file: &'a ReleaseFile,
    pin: Pin,
    /// Who says the digest.
    by: String,
    is_locked: bool,
}

fn fetch(engine: &Engine<'_>, chosen: &[Chosen<'_>]) -> Result<Vec<Obtained>, Vec<Problem>> {
    let files: Vec<(&ReleaseFile, Pin)> =
        chosen.iter().map(|it| (it.file, it.pin.clone())).collect();
    let bytes = files.iter().map(|(file, _)| file.size).sum();
    engine.teller.progress(Progress::Downloading { files: files.len(), bytes });
    let fetched = contents::fetch(engine.sight(), &files);
    engine.teller.progress(Progress::Done);
    let (mut obtained, mut problems) = (Vec::new(), Vec::new());
    for (one, it) in fetched.into_iter().zip(chosen) {
        match one {
            Ok(fetched) => obtained.push(Obtained {
                sha256: fetched.sha256(),
                bytes: Bytes::Fetched(fetched),
                filename: it.file.filename.clone(),
                by: it.by.clone(),
                path: None,
                is_locked: it.is_locked,
            }),
            Err(problem) => problems.push(*problem),
        }
    }
    if problems.is_empty() { Ok(obtained) } else { Err(problems) }
}

/// The lock that is named; else the only one of the folder, if there is one that can be read.
fn lock(arguments: &ReadingArgs, teller: &Teller) -> Result<Option<LockDocument>, Vec<Problem>> {
    if arguments.proposed.proposed {
        let named: Vec<&PathBuf> = arguments.lock.iter().collect();
        let looked = proposed::find(&named, &arguments.store, teller)?;
        let mut lock = looked.document;
        // What it moves from is in the lock that is there.
        if let Ok(there) = locks::read(&looked.proposal.lock) {
            let releases: BTreeSet<_> =
                lock.packages.iter().map(|it| (it.project.clone(), it.version.clone())).collect();
            let is_other =
                |it: &LockPackage| !releases.contains(&(it.project.clone(), it.version.clone()));
            lock.packages.extend(there.packages.into_iter().filter(is_other));
        }
        return Ok(Some(lock));
    }
    match arguments.lock.as_deref() {
        Some(path) => locks::read(path).map(Some),
        None => Ok(tree::only_lock("vet inspect").ok().and_then(|path| locks::read(&path).ok())),
    }
}

/// The digests that a lock has for a release.
fn locked(lock: Option<&LockDocument>, project: &ProjectName, version: &Version) -> Vec<Digest> {
    let packages = lock.into_iter().flat_map(|lock| &lock.packages);
    let of_release =
        packages.filter(|one| one.project == *project && one.version.as_ref() == Some(version));
    of_release.flat_map(|one| &one.files).flat_map(|file| file.digests.iter().cloned()).collect()
}

/// The pin by which a file is asked for, and who says it.
fn pinned<'a>(
    project: &ProjectName,
    version: &Version,
    file: &'a ReleaseFile,
    lock: Option<&LockDocument>,
    teller: &Teller,
) -> Result<Chosen<'a>, Vec<Problem>> {
    let locked = locked(lock, project, version);
    let of_lock: Vec<Digest> =
        file.digests.iter().filter(|it| locked.contains(it)).cloned().collect();
    let weak = |_| {
        let message = format!("nobody says a strong digest of `{}`", file.filename.as_str());
        vec![Problem::new("weak-digest", Class::Rejected, message)]
    };
    if let (Ok(pin), Some(lock)) = (Pin::new(of_lock), lock) {
        let by = format!("as in `{}`", lock.file);
        return Ok(Chosen { file, pin, by, is_locked: true });
    }
    if !locked.is_empty()
        && let Some(lock) = lock
    {
        let message = format!("`{}` does not have `{}`", lock.file, file.filename.as_str());
        teller.note(Note::new("inspect-not-locked", message));
    }
    let pin = Pin::new(file.digests.iter().cloned()).map_err(weak)?;
    let by = "as the index says, and no lock".to_owned();
    Ok(Chosen { file, pin, by, is_locked: false })
}

/// How a file of a release is chosen.
struct Choice<'a> {
    arguments: &'a ReadingArgs,
    folders: &'a setup::Folders,
    lock: Option<&'a LockDocument>,
}

impl Choice<'_> {
    fn file<'r>(
        &self,
        project: &ProjectName,
        version: &Version,
        release: &'r Release,
        like: Option<&DistributionFilename>,
    ) -> Result<&'r ReleaseFile, Vec<Problem>> {
        if let (Some(name), None) = (&self.arguments.file, like) {
            let found = release.files.iter().find(|file| file.filename.as_str() == name);
            return found.ok_or_else(|| self.absent(project, version, release, name));
        }
        let is_sdist =
            |file: &&ReleaseFile| matches!(file.filename, DistributionFilename::Sdist(_));
        let sdist = || release.files.iter().find(is_sdist);
        let wants_sdist = self.arguments.sdist
            || like.is_some_and(|it| matches!(it, DistributionFilename::Sdist(_)));
        if wants_sdist {
            return sdist()
                .ok_or_else(|| self.absent(project, version, release, "a source package"));
        }
        let locked = locked(self.lock, project, version);
        let is_locked =
            |file: &ReleaseFile| file.digests.iter().any(|digest| locked.contains(digest));
        // Of a difference the same kind of wheel on both sides, where there is one.
        let same = like.and_then(|like| {
            release.files.iter().find(|file| tags_of(&file.filename) == tags_of(like))
        });
        if let Some(same) = same {
            return Ok(same);
        }
        let tags =
            setup::interpreter(&self.arguments.python, self.folders).ok().map(|it| it.tags());
        let rank = |file: &ReleaseFile| match &file.filename {
            DistributionFilename::Wheel(wheel) => tags.as_ref().and_then(|tags| tags.rank(wheel)),
            DistributionFilename::Sdist(_) => None,
        };
        let usable = release.files.iter().filter(|file| rank(file).is_some());
        // What is locked is what would be installed.
        let best = usable.min_by_key(|file| (!locked.is_empty() && !is_locked(file), rank(file)));
        let universal =
            || release.files.iter().find(|file| file.filename.as_str().ends_with("-none-any.whl"));
        best.or_else(universal)
            .or_else(sdist)
            .or_else(|| release.files.iter().next())
            .ok_or_else(|| self.absent(project, version, release, "a file"))
    }

    fn absent(
        &self,
        project: &ProjectName,
        version: &Version,
        release: &Release,
        what: &str,
    ) -> Vec<Problem> {
        let message = format!("{project} {version} does not have {what}");
        let names: Vec<&str> =
            release.files.iter().map(|file| file.filename.as_str()).take(20).collect();
        let problem = Problem::new("inspect-no-file", Class::Usage, message);
        vec![problem.with_hint(format!("it has {}", names.join(", ")))]
    }
}

/// The part of the name of a wheel that says where it works; none of a source package.
fn tags_of(filename: &DistributionFilename) -> Option<Vec<&str>> {
    match filename {
        DistributionFilename::Wheel(wheel) => Some(wheel.as_str().rsplit('-').take(3).collect()),
        DistributionFilename::Sdist(_) => None,
    }
}
