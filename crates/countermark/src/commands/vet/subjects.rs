//! Which files are judged: those of locks, or of what is installed.
//!
//! Decides what of a lock is a file at all. What the digest of a file does not stand for (an entry
//! without one, or with a weak or another one only, a repository, a folder that is not the project's
//! own) can meet no criteria, which is a "no" and is told at its place. The record of an installed
//! package is what the installer wrote beside it; `countermark verify` proves it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use countermark_client::environment::{Environment, read_environment};
use countermark_client::ledger::book::Opened;
use countermark_client::ledger::facts;
use countermark_client::ledger::listed::parse_name;
use countermark_client::provenance::Provenance;
use countermark_client::report::{Note, Problem};
use countermark_ledger::check::Subject;
use countermark_ledger::fact::Facts;
use countermark_lock::gate::entry::is_own;
use countermark_packaging::digest::{Digest, Sha256};
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::lock::Place;
use countermark_packaging::lock::document::{FileEntry, LockDocument, LockPackage, LockSource};
use countermark_packaging::marker::{Marker, MarkerEnvironment};
use countermark_packaging::name::ProjectName;
use countermark_packaging::tags::CompatibleTags;
use countermark_trust::Class;

use crate::cli::PythonArgs;
use crate::cli::vet::{ProposedArgs, SubjectArgs};
use crate::commands::gate::locks;
use crate::commands::tree;
use crate::progress::Teller;
use crate::setup;

use super::proposed;

/// The most locks of one run, with the files that they take in.
const MAXIMUM_LOCKS: usize = 1000;

/// What is asked about.
#[derive(Debug, Default)]
pub(crate) struct Subjects {
    /// Each file once, in the order of the locks.
    pub(crate) files: Vec<Subject>,
    /// Entries that stand for no file that could be judged: each is a "no".
    pub(crate) unjudged: Vec<Problem>,
    /// What is worth a line.
    pub(crate) notes: Vec<Note>,
    /// What they are of, as messages call it.
    pub(crate) of: String,
    /// The same, each by its name.
    pub(crate) names: Vec<String>,
    /// The folder in which, or above which, the ledger is looked for.
    pub(crate) folder: PathBuf,
    /// What was seen of a lock as it would be, and is not written down yet.
    pub(crate) facts: Facts,
    /// The digests that were seen, with their projects.
    seen: BTreeSet<(ProjectName, Sha256)>,
}

/// Reads the locks that are named, or the only one of the folder; or the environment.
pub(crate) fn read(arguments: &SubjectArgs) -> Result<Subjects, Vec<Problem>> {
    if let Some(environment) = &arguments.environment {
        return of_environment(arguments, environment);
    }
    let mut given: Vec<PathBuf> =
        arguments.locks.iter().chain(&arguments.requirements).cloned().collect();
    if given.is_empty() {
        given.push(tree::only_lock("vet")?);
    }
    let target = if arguments.usable { Some(Target::of(arguments)?) } else { None };
    let mut subjects = Subjects { folder: folder_of(&given)?, ..Subjects::default() };
    let mut problems = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut pending: Vec<PathBuf> = given.into_iter().rev().collect();
    while let Some(path) = pending.pop() {
        // The same file twice says nothing new; files may take in each other.
        if names.contains(&locks::shown(&path)) {
            continue;
        }
        if names.len() == MAXIMUM_LOCKS {
            let message = format!("more than {MAXIMUM_LOCKS} locks are not read at once");
            problems.push(Problem::new("too-many-locks", Class::Usage, message));
            break;
        }
        names.push(locks::shown(&path));
        match locks::read(&path).and_then(|lock| Ok((locks::included(&lock, &path)?, lock))) {
            Ok((included, lock)) => {
                pending.extend(included.into_iter().rev());
                subjects.add_lock(&lock, target.as_ref());
            }
            Err(wrong) => problems.extend(wrong),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    subjects.of = match &names[..] {
        [one] => format!("`{one}`"),
        several => format!("{} locks", several.len()),
    };
    subjects.names = names;
    Ok(subjects)
}

/// The same, or of the lock as it would be.
pub(crate) fn choose(
    arguments: &SubjectArgs,
    proposed: ProposedArgs,
    teller: &Teller,
) -> Result<Subjects, Vec<Problem>> {
    if !proposed.proposed {
        return read(arguments);
    }
    if arguments.environment.is_some() {
        let message = "`--proposed` is about a lock, and `--environment` about what is installed";
        return Err(vec![Problem::new("bad-option", Class::Usage, message)]);
    }
    let looked = proposed::find(&given(arguments), &arguments.store, teller)?;
    let target = if arguments.usable { Some(Target::of(arguments)?) } else { None };
    let mut subjects = Subjects {
        folder: looked.folder().to_owned(),
        of: format!("the lock as it would be in place of `{}`", looked.shown),
        names: vec![looked.document.file.clone()],
        ..Subjects::default()
    };
    subjects.add_lock(&looked.document, target.as_ref());
    for subject in subjects.files.iter_mut().filter(|it| it.file.is_none()) {
        let name = looked.proposal.names.get(&subject.digest);
        let fits = |name: &&String| parse_name(&subject.project, name).is_some();
        subject.file = name.filter(fits).cloned();
    }
    subjects.facts = looked.proposal.facts;
    Ok(subjects)
}

/// The locks that are named.
pub(crate) fn given(arguments: &SubjectArgs) -> Vec<&PathBuf> {
    arguments.locks.iter().chain(&arguments.requirements).collect()
}

/// The folder of the first lock.
fn folder_of(locks: &[PathBuf]) -> Result<PathBuf, Vec<Problem>> {
    let first = locks.first().map_or(Path::new("."), PathBuf::as_path);
    let folder = first.parent().filter(|folder| !folder.as_os_str().is_empty());
    setup::absolute(folder.unwrap_or(Path::new(".")))
}

/// For whom files have to be usable.
struct Target {
    tags: CompatibleTags,
    markers: MarkerEnvironment,
}

impl Target {
    fn of(arguments: &SubjectArgs) -> Result<Self, Vec<Problem>> {
        let folders = setup::folders(&arguments.store)?;
        let interpreter = setup::interpreter(&arguments.python, &folders)?;
        Ok(Self { tags: interpreter.tags(), markers: interpreter.markers().clone() })
    }

    /// Whether the entry is for it. A marker that cannot be read may be true.
    fn wants(&self, package: &LockPackage) -> bool {
        let Some(marker) = package.marker.as_deref() else { return true };
        let Ok(marker) = Marker::parse(marker) else { return true };
        marker.evaluate(&self.markers, &[]).unwrap_or(true)
    }

    /// Of the files those that it would take: wheels that suit it and what has no name; where no wheel
    /// suits it, also source distributions.
    fn taken<'a>(&self, project: &ProjectName, files: &[&'a FileEntry]) -> Vec<&'a FileEntry> {
        let named = |file: &FileEntry| name_of(file).and_then(|name| parse_name(project, &name));
        let suits = |file: &FileEntry| match named(file) {
            Some(DistributionFilename::Wheel(wheel)) => Some(self.tags.rank(&wheel).is_some()),
            Some(DistributionFilename::Sdist(_)) => Some(false),
            None => None,
        };
        let has_wheel = files.iter().any(|file| suits(file) == Some(true));
        let is_wheel =
            |file: &FileEntry| matches!(named(file), Some(DistributionFilename::Wheel(_)));
        let taken = files.iter().filter(|file| match suits(file) {
            Some(suits) => suits || !has_wheel && !is_wheel(file),
            None => true,
        });
        taken.copied().collect()
    }
}

impl Subjects {
    /// Lets the rules see what would be written down together with the lock.
    pub(crate) fn lend(&self, opened: &mut Opened) {
        let Facts { roles, files } = self.facts.clone();
        if !roles.is_empty() || !files.is_empty() {
            opened.loaded.facts = facts::merged(&opened.loaded.facts, files, roles);
        }
    }

    fn add_lock(&mut self, lock: &LockDocument, target: Option<&Target>) {
        for package in &lock.packages {
            if target.is_none_or(|target| target.wants(package)) {
                self.add_package(package, target);
            }
        }
        for note in &lock.notes {
            self.notes.push(Note::new("lock", format!("{}: {note}", lock.file)));
        }
    }

    fn add_package(&mut self, package: &LockPackage, target: Option<&Target>) {
        // A folder of the project is reviewed together with the lock.
        if is_own(package) {
            return;
        }
        match &package.source {
            LockSource::Directory { path, .. } => {
                return self.refuse(package, &format!("comes from the folder `{path}`"), "");
            }
            LockSource::Vcs { url, .. } => {
                let hint = "build a wheel of it and lock that: a review is of bytes";
                return self.refuse(package, &format!("comes from the repository {url}"), hint);
            }
            LockSource::Index(_) | LockSource::Url(_) | LockSource::Path(_) => {}
        }
        let all: Vec<&FileEntry> = package.files.iter().collect();
        let files = match target {
            Some(target) => target.taken(&package.project, &all),
            None => all,
        };
        let digests = files.iter().flat_map(|file| &file.digests);
        if !digests.clone().any(|digest| digest.as_sha256().is_some()) {
            let strong = digests.map(|digest| digest.algorithm().name()).collect::<BTreeSet<_>>();
            let lock = "`countermark lock` writes the SHA-256 of every file";
            return match strong.into_iter().next_back() {
                None => self.refuse(package, "has no digest", lock),
                Some(name) => self.refuse(package, &format!("has a {name} only"), lock),
            };
        }
        for file in files {
            self.add_file(package, file);
        }
    }

    fn add_file(&mut self, package: &LockPackage, file: &FileEntry) {
        let Some(digest) = file.digests.iter().find_map(Digest::as_sha256) else {
            let what = match name_of(file) {
                Some(name) => format!("has no SHA-256 of `{name}`"),
                None => "has a digest that is no SHA-256".to_owned(),
            };
            return self.refuse_at(package, &file.place, &what, "");
        };
        let name = name_of(file).filter(|name| parse_name(&package.project, name).is_some());
        let parsed = name.as_ref().and_then(|name| parse_name(&package.project, name));
        let version = package.version.clone().or_else(|| Some(parsed?.version().clone()));
        let Some(version) = version else {
            let hint = "`countermark lock` writes the version of every pin";
            return self.refuse_at(package, &file.place, "has no version", hint);
        };
        self.add(Subject {
            project: package.project.clone(),
            version,
            file: name,
            digest,
            place: file.place.clone(),
        });
    }

    /// A file that two entries have, or two locks, is one file.
    fn add(&mut self, subject: Subject) {
        if self.seen.insert((subject.project.clone(), subject.digest)) {
            self.files.push(subject);
        }
    }

    fn refuse(&mut self, package: &LockPackage, what: &str, hint: &str) {
        self.refuse_at(package, &package.place, what, hint);
    }

    fn refuse_at(&mut self, package: &LockPackage, place: &Place, what: &str, hint: &str) {
        let version = package.version.as_ref().map(|it| format!(" {it}")).unwrap_or_default();
        let message =
            format!("{}{version} {what}, so no review can say anything about it", package.project);
        let problem = Problem::new("vet-no-digest", Class::Rejected, message).at(place);
        self.unjudged.push(if hint.is_empty() { problem } else { problem.with_hint(hint) });
    }
}

/// The name that the lock gives, or the end of the URL that it gives.
fn name_of(file: &FileEntry) -> Option<String> {
    file.name.clone().or_else(|| {
        let url = file.url.as_deref()?;
        let path = url.split(['?', '#']).next()?;
        path.rsplit('/').next().map(str::to_owned)
    })
}

/// What is installed, by the records that `install` leaves.
fn of_environment(arguments: &SubjectArgs, folder: &Path) -> Result<Subjects, Vec<Problem>> {
    let folders = setup::folders(&arguments.store)?;
    let python = PythonArgs { python: Some(folder.display().to_string()) };
    let interpreter = setup::interpreter(&python, &folders)?;
    let environment = read_environment(interpreter.layout())
        .map_err(|error| vec![Problem::of("environment", error.class(), &error)])?;
    let mut subjects = Subjects {
        folder: setup::working_folder()?,
        of: format!("`{}`", folder.display()),
        names: vec![folder.display().to_string()],
        ..Subjects::default()
    };
    subjects.add_environment(&environment);
    Ok(subjects)
}

impl Subjects {
    fn add_environment(&mut self, environment: &Environment) {
        let no_record = |what: String| {
            let problem = Problem::new("vet-no-record", Class::Rejected, what);
            problem.with_hint("`countermark install` records which file a package came from")
        };
        for installed in &environment.installed {
            let (name, version) = (&installed.name, &installed.version);
            let recorded = installed.read_provenance().ok().flatten();
            let digest = recorded.as_ref().and_then(Provenance::artifact);
            let (Some(recorded), Some(digest)) = (recorded, digest) else {
                let what = format!("it is not known which file {name} {version} came from");
                self.unjudged.push(no_record(what));
                continue;
            };
            let file = Some(recorded.filename).filter(|file| parse_name(name, file).is_some());
            self.add(Subject {
                project: name.clone(),
                version: version.clone(),
                file,
                digest,
                place: whole(&installed.dist_info),
            });
        }
        for unknown in &environment.unknown {
            let what = format!("`{}` {}", unknown.path.display(), unknown.kind.description());
            self.unjudged.push(no_record(what));
        }
    }
}

/// A place that is a whole folder.
fn whole(path: &Path) -> Place {
    Place { file: path.display().to_string(), line: 1, column: 1, span: 0..0 }
}
