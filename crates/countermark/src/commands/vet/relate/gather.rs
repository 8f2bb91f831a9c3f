//! Which files are compared, and their bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use countermark_client::contents::{self, Distribution, Fetched};
use countermark_client::ledger::relate::ReleaseBytes;
use countermark_client::report::{Note, Problem, Progress, Reporter as _};
use countermark_client::sight::Context;
use countermark_client::unpack::ReadAt;
use countermark_ledger::relation::Relation;
use countermark_lock::catalogue::{Catalogue as _, ReleaseFile};
use countermark_packaging::digest::{Algorithm, Digest, Sha256};
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::{Class, Pin};

use super::Sources;
use crate::cli::vet::{RelateArgs, SubjectArgs};
use crate::commands::hash;
use crate::commands::lock::engine::class_of;
use crate::commands::vet::ground;
use crate::commands::vet::subjects::{self, Subjects};
use crate::progress::Teller;
use crate::setup;

/// A release, and the files of it that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) project: ProjectName,
    pub(super) version: Version,
    /// Those that a lock or the ledger names; none where the index decides.
    pub(super) digests: Option<BTreeSet<Sha256>>,
}

impl fmt::Display for Release {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.project, self.version)
    }
}

/// Files of a release.
pub(super) struct Files {
    fetched: Vec<(DistributionFilename, Fetched)>,
    local: Vec<(DistributionFilename, File, Sha256)>,
    /// Digests that the index does not list.
    pub(super) missing: usize,
}

impl Files {
    pub(super) fn bytes(&self) -> Vec<ReleaseBytes<'_>> {
        let fetched = self.fetched.iter().map(|(filename, fetched)| ReleaseBytes {
            distribution: fetched.distribution(),
            filename: filename.clone(),
            digest: fetched.sha256(),
        });
        let local = self.local.iter().map(|(filename, file, digest)| {
            let archive: &dyn ReadAt = file;
            ReleaseBytes {
                distribution: Distribution { archive, filename: filename.as_str() },
                filename: filename.clone(),
                digest: *digest,
            }
        });
        fetched.chain(local).collect()
    }
}

/// Whether an argument names a file rather than a release.
pub(super) fn is_file(text: &str) -> bool {
    !text.contains("==")
        && ([".whl", ".tar.gz", ".zip"].iter().any(|end| text.ends_with(end)) || text.contains('/'))
}

/// The releases that are asked for. The digests of a lock decide also where nobody names it and it is the
/// only one of the folder, as for `vet inspect`.
pub(super) fn releases(
    arguments: &RelateArgs,
    teller: &Teller,
) -> Result<Vec<Release>, Vec<Problem>> {
    let named = named(arguments)?;
    if named.is_empty() {
        let read = subjects::choose(&subjects_of(arguments), arguments.proposed, teller)?;
        let locked = by_release(read);
        return Ok(locked.into_values().filter(is_several).collect());
    }
    let is_explicit = !arguments.locks.is_empty();
    let subjects = if arguments.proposed.proposed {
        Some(subjects::choose(&subjects_of(arguments), arguments.proposed, teller)?)
    } else {
        ground::subjects_if_any(&subjects_of(arguments))?
    };
    let locked = subjects.map(by_release).unwrap_or_default();
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for key in named {
        let (project, version) = (&key.0, &key.1);
        match locked.get(&key) {
            Some(release) if is_several(release) => found.push(release.clone()),
            None if is_explicit => {
                let message = format!("the lock has no {project} {version}");
                problems.push(Problem::new("not-locked", Class::Usage, message));
            }
            Some(_) if is_explicit => {
                let message = format!("the lock has one file of {project} {version}");
                let problem = Problem::new("relate-too-few", Class::Usage, message);
                problems.push(problem.with_hint("lock several, or leave `--lock` out"));
            }
            one => {
                if one.is_some() {
                    let message = format!(
                        "one file of {project} {version} is locked, so the index says which there are"
                    );
                    teller.note(Note::new("relate-one-locked", message));
                }
                let (project, version) = key;
                found.push(Release { project, version, digests: None });
            }
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn named(arguments: &RelateArgs) -> Result<Vec<(ProjectName, Version)>, Vec<Problem>> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for text in &arguments.what {
        let parts = text.split_once("==").and_then(|(name, version)| {
            Some((ProjectName::parse(name.trim()).ok()?, version.trim().parse().ok()?))
        });
        if let Some(release) = parts {
            found.push(release);
        } else {
            let message = format!("`{text}` is neither NAME==VERSION nor a file of a release");
            problems.push(Problem::new("bad-release", Class::Usage, message));
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

type Locked = BTreeMap<(ProjectName, Version), Release>;

fn subjects_of(arguments: &RelateArgs) -> SubjectArgs {
    SubjectArgs {
        locks: arguments.locks.clone(),
        python: arguments.python.clone(),
        store: arguments.store(),
        ..SubjectArgs::default()
    }
}

/// The releases of locks, with the files that are locked.
fn by_release(read: Subjects) -> Locked {
    let mut found = Locked::new();
    for file in read.files {
        let key = (file.project.clone(), file.version.clone());
        let release = found.entry(key).or_insert_with(|| Release {
            project: file.project,
            version: file.version,
            digests: Some(BTreeSet::new()),
        });
        release.digests.get_or_insert_default().insert(file.digest);
    }
    found
}

fn is_several(release: &Release) -> bool {
    release.digests.as_ref().is_some_and(|digests| digests.len() > 1)
}

/// The releases of which something is written down, with it.
pub(super) fn written(
    arguments: &RelateArgs,
    relations: &[Relation],
) -> Result<Vec<(Release, Vec<Relation>)>, Vec<Problem>> {
    let named = named(arguments)?;
    let mut found: BTreeMap<(ProjectName, Version), Vec<Relation>> = BTreeMap::new();
    for relation in relations {
        let key = (relation.project.clone(), relation.version.clone());
        if named.is_empty() || named.contains(&key) {
            found.entry(key).or_default().push(relation.clone());
        }
    }
    let release = |((project, version), relations): (_, Vec<Relation>)| {
        let ends = relations.iter().flat_map(|it| [it.from.digest, it.to.digest]);
        (Release { project, version, digests: Some(ends.collect()) }, relations)
    };
    Ok(found.into_iter().map(release).collect())
}

/// The pairs of relations, by the positions of their files.
pub(super) fn positions(files: &[ReleaseBytes<'_>], relations: &[Relation]) -> Vec<(usize, usize)> {
    let at = |digest: Sha256| files.iter().position(|file| file.digest == digest);
    relations.iter().filter_map(|it| Some((at(it.from.digest)?, at(it.to.digest)?))).collect()
}

/// What is said of a release whose files the index does not list any more.
pub(super) fn gone(release: &Release, missing: usize) -> Problem {
    let message = format!("{missing} files of {release} that are written down are not listed");
    Problem::new("relate-gone", Class::Unavailable, message)
}

/// Downloads the files of a release; each is what its digest says.
pub(super) fn fetch(
    sources: &Sources,
    release: &Release,
    teller: &Teller,
) -> Result<Files, Box<Problem>> {
    let page = sources.catalogue.releases(&release.project).map_err(|error| {
        let class = class_of(&error);
        Box::new(Problem::of("relate-not-listed", class, &error))
    })?;
    let listed = page.versions.get(&release.version).map(|found| found.files.to_vec());
    let mut listed = listed.unwrap_or_default();
    if listed.is_empty() {
        let message = format!("the index has no files of {release}");
        return Err(Box::new(Problem::new("relate-not-listed", Class::Unavailable, message)));
    }
    let mut missing = 0;
    if let Some(digests) = &release.digests {
        let of = |file: &ReleaseFile| file.digests.iter().find_map(Digest::as_sha256);
        listed.retain(|file| of(file).is_some_and(|digest| digests.contains(&digest)));
        missing = digests.len().saturating_sub(listed.len());
    }
    choose(&mut listed, sources);
    let (mut wanted, mut local) = (Vec::new(), Vec::new());
    for file in &listed {
        let pin = Pin::new(file.digests.iter().cloned()).map_err(|_| {
            let message =
                format!("the index gives no strong digest of `{}`", file.filename.as_str());
            Box::new(Problem::new("relate-not-listed", Class::Unavailable, message))
        })?;
        match kept(sources, file) {
            Some((opened, digest)) => local.push((file.filename.clone(), opened, digest)),
            None => wanted.push((file, pin)),
        }
    }
    let bytes: Option<u64> = wanted.iter().map(|(file, _)| file.size).sum();
    teller.progress(Progress::Downloading { files: wanted.len(), bytes });
    let context = Context {
        store: &sources.store,
        http: &sources.session.http,
        reporter: teller,
        interrupted: &sources.interrupted,
        offline: sources.session.settings.http.offline,
    };
    let downloaded = contents::fetch(context, &wanted);
    teller.progress(Progress::Done);
    let mut fetched = Vec::new();
    for ((file, _), downloaded) in wanted.iter().zip(downloaded) {
        let downloaded = downloaded?;
        if let Some(folder) = &sources.keep {
            save(folder, file, &downloaded)?;
        }
        fetched.push((file.filename.clone(), downloaded));
    }
    Ok(Files { fetched, local, missing })
}

/// The folder of `--keep`, made if absent.
pub(super) fn keep(folder: &Path) -> Result<PathBuf, Vec<Problem>> {
    let folder = setup::absolute(folder)?;
    fs::create_dir_all(&folder).map_err(|error| vec![*cannot_write(&folder, &error)])?;
    Ok(folder)
}

fn cannot_write(path: &Path, error: &io::Error) -> Box<Problem> {
    let message = format!("cannot write `{}`: {error}", path.display());
    Box::new(Problem::new("write-failed", Class::Unavailable, message))
}

/// A file that was kept, when its bytes are still those that the digest wants. It stays open: what is
/// read later is what was hashed, unless somebody writes into it meanwhile, whose own folder it is.
fn kept(sources: &Sources, file: &ReleaseFile) -> Option<(File, Sha256)> {
    let path = sources.keep.as_ref()?.join(file.filename.as_str());
    let wanted = file.digests.iter().find_map(Digest::as_sha256)?;
    let found = hash::digest(&path, Algorithm::Sha256).ok()?.as_sha256()?;
    (found == wanted).then_some((File::open(&path).ok()?, found))
}

fn save(folder: &Path, file: &ReleaseFile, fetched: &Fetched) -> Result<(), Box<Problem>> {
    let path = folder.join(file.filename.as_str());
    let archive = fetched.distribution().archive;
    let write = || -> io::Result<()> {
        let mut target = File::create(&path)?;
        let (mut at, mut buffer) = (0, vec![0; 1 << 20]);
        while at < fetched.size() {
            let left = usize::try_from(fetched.size() - at).unwrap_or(usize::MAX);
            let slice = &mut buffer[..left.min(1 << 20)];
            archive.read_at(at, slice)?;
            target.write_all(slice)?;
            at += slice.len() as u64;
        }
        Ok(())
    };
    write().map_err(|error| cannot_write(&path, &error))
}

/// With `--usable` of the wheels only the best; source distributions stay.
fn choose(files: &mut Vec<ReleaseFile>, sources: &Sources) {
    let Some(tags) = &sources.tags else { return };
    let rank = |file: &ReleaseFile| match &file.filename {
        DistributionFilename::Wheel(wheel) => tags.rank(wheel),
        DistributionFilename::Sdist(_) => None,
    };
    let best = files.iter().filter_map(|file| Some((rank(file)?, file.filename.as_str())));
    let best = best.min().map(|(_, name)| name.to_owned());
    files.retain(|file| {
        matches!(file.filename, DistributionFilename::Sdist(_))
            || best.as_deref() == Some(file.filename.as_str())
    });
}

/// Files on disk.
pub(super) fn local(paths: &[&String]) -> Result<(Release, Files), Vec<Problem>> {
    let mut found = Vec::new();
    for path in paths {
        let path = Path::new(path);
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let filename = DistributionFilename::parse(name)
            .map_err(|error| vec![Problem::of("bad-release", Class::Usage, &error)])?;
        let unreadable = |error: std::io::Error| {
            let message = format!("cannot read `{}`: {error}", path.display());
            vec![Problem::new("file-unreadable", Class::Usage, message)]
        };
        let digest = hash::digest(path, Algorithm::Sha256).map_err(unreadable)?;
        let file = File::open(path).map_err(unreadable)?;
        // The digest of SHA-256 that was asked for is one.
        let Some(digest) = digest.as_sha256() else { continue };
        found.push((filename, file, digest));
    }
    let too_few = || {
        let message = "one file cannot be compared with nothing; name two of one release or more";
        vec![Problem::new("relate-too-few", Class::Usage, message)]
    };
    let [first, _, ..] = found.as_slice() else { return Err(too_few()) };
    let (project, version) = (first.0.name().clone(), first.0.version().clone());
    let release = Release { project, version, digests: None };
    Ok((release, Files { fetched: Vec::new(), local: found, missing: 0 }))
}
