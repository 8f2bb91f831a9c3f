//! The one place from which commands ask the ledger about pins: those that are about to be written, those
//! of a lock that is judged, and those that are about to be installed. No request is made for the
//! question.
//!
//! Where a ledger is there, `lock`, `add` and `update` also write down what they see of releases that
//! move (`learn`), whether or not the policy asks.

mod learn;

pub(crate) use learn::files_of;

use std::path::{Path, PathBuf};

use countermark_client::gather::Ready;
use countermark_client::ledger::book::Opened;
use countermark_client::ledger::listed::parse_name;
use countermark_client::ledger::{Folder, Loaded};
use countermark_client::ledger::{answers, facts};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_ledger::check::Subject;
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::fact::{Facts, FileFact, Roles};
use countermark_ledger::file::FileId;
use countermark_lock::gate::entry::is_own;
use countermark_lock::pins::PinnedRelease;
use countermark_packaging::digest::Digest;
use countermark_packaging::lock::Place;
use countermark_packaging::lock::document::LockDocument;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;
use countermark_trust::policy::{
    self, LedgerAnswer, LedgerAnswers, LedgerMode, Policy, Refusal, Verdict,
};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::vet::{certify, place};
use crate::cli::StoreArgs;
use crate::cli::vet::LedgerArgs;
use crate::progress::Teller;

/// The ledger of the project, read, and what was seen since.
pub(crate) struct Team {
    folder: Folder,
    opened: Opened,
    /// In place of what the ledger asks for.
    criteria: Option<Vec<CriterionName>>,
    mode: LedgerMode,
    now: Timestamp,
    /// What is to be written down.
    files: Vec<FileFact>,
    roles: Vec<Roles>,
}

/// Where a ledger is looked for, and as when it is read.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a> {
    pub(crate) policy: &'a Policy,
    /// The lock; the ledger is beside it or above it.
    pub(crate) lock: Option<&'a Path>,
    pub(crate) store: &'a StoreArgs,
    pub(crate) now: Timestamp,
}

impl Search<'_> {
    /// The ledger that the policy asks; none where it asks none.
    pub(crate) fn asked(&self) -> Result<Option<Team>, Vec<Problem>> {
        if self.policy.ledger().mode == LedgerMode::Off { Ok(None) } else { self.read().map(Some) }
    }

    /// The same, and where the policy asks none, the ledger that is there all the same: facts are written
    /// into it.
    pub(crate) fn there(&self, teller: &Teller) -> Result<Option<Team>, Vec<Problem>> {
        if self.policy.ledger().mode != LedgerMode::Off {
            return self.read().map(Some);
        }
        match self.read() {
            Ok(team) => Ok(Some(team)),
            Err(problems) if problems.iter().any(|problem| problem.code == "no-ledger") => Ok(None),
            // Nobody asks it, so that it stands in nobody's way.
            Err(problems) => {
                let first = problems.first().map_or("", |problem| problem.message.as_str());
                let message = format!("the ledger cannot be read, so nothing is recorded: {first}");
                teller.note(Note::new("ledger-unread", message));
                Ok(None)
            }
        }
    }

    fn read(&self) -> Result<Team, Vec<Problem>> {
        let asked = self.policy.ledger();
        let start = self.lock.and_then(Path::parent).filter(|it| !it.as_os_str().is_empty());
        let start = start.unwrap_or(Path::new("."));
        let named = asked.folder.as_ref().map(|folder| {
            let beside = self.policy.file().and_then(|file| Path::new(file).parent());
            beside.unwrap_or(Path::new("")).join(folder)
        });
        let folder = Folder::find(start, named.as_deref()).map_err(|it| vec![unasked(*it)])?;
        let arguments =
            LedgerArgs { ledger: Some(folder.path().to_owned()), ..LedgerArgs::default() };
        let read = place::read(&arguments, start, self.store)?;
        let criteria = criteria(&asked.criteria, &read.opened.loaded, self.policy)?;
        Ok(Team {
            folder: read.folder,
            opened: read.opened,
            criteria,
            mode: asked.mode,
            now: self.now,
            files: Vec::new(),
            roles: Vec::new(),
        })
    }
}

/// The store options of commands that have none.
pub(crate) fn default_store() -> StoreArgs {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    StoreArgs {
        cache_dir: folder("COUNTERMARK_CACHE_DIR"),
        state_dir: folder("COUNTERMARK_STATE_DIR"),
        ..StoreArgs::default()
    }
}

/// What to do where there is no ledger, for commands that have no option for one.
fn unasked(problem: Problem) -> Problem {
    if problem.code != "no-ledger" {
        return problem;
    }
    problem.with_hint(
        "`countermark vet init` makes one; `folder` in [policy.ledger] names another place, and \
         ledger = \"off\" in the policy asks none",
    )
}

/// The criteria that the policy names; the ledger has to have them.
fn criteria(
    named: &[String],
    loaded: &Loaded,
    policy: &Policy,
) -> Result<Option<Vec<CriterionName>>, Vec<Problem>> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for name in named {
        let known = CriterionName::parse(name).ok();
        match known.filter(|known| loaded.ledger.criteria.has(known)) {
            Some(known) => found.push(known),
            None => {
                let names: Vec<&str> =
                    loaded.ledger.criteria.names().map(CriterionName::as_str).collect();
                let file = policy.file().unwrap_or("the policy");
                let message = format!("{file} asks for `{name}`, which the ledger does not have");
                let problem = Problem::new("unknown-criterion", Class::Usage, message);
                problems.push(problem.with_hint(format!("it has {}", names.join(", "))));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok((!found.is_empty()).then_some(found))
}

impl Team {
    /// What the ledger says of these files; nothing where the policy does not ask.
    fn ask(&self, subjects: &[Subject]) -> Option<LedgerAnswers> {
        if self.mode == LedgerMode::Off {
            return None;
        }
        let criteria = self.criteria.as_deref();
        Some(self.opened.ask(self.today(), |checker| answers::ask(checker, subjects, criteria)))
    }

    /// What was seen of releases, and is not written down yet.
    pub(crate) fn seen(&self) -> Facts {
        facts::merged(&Facts::default(), self.files.clone(), self.roles.clone())
    }

    /// Whether the difference from a release can be certified: the ledger knows a file of it that is like
    /// each of these.
    pub(crate) fn has_counterparts(
        &self,
        project: &ProjectName,
        from: &Version,
        files: &[FileId],
    ) -> bool {
        certify::has_counterparts(&self.opened.loaded, project, from, files)
    }

    fn today(&self) -> Date {
        self.now.to_zoned(TimeZone::UTC).date()
    }

    /// What it says of releases that are about to be written.
    pub(crate) fn about(&self, releases: &[&PinnedRelease]) -> Option<LedgerAnswers> {
        let subjects = releases.iter().flat_map(|release| {
            release.files.iter().map(move |file| Subject {
                project: release.project.clone(),
                version: release.version.clone(),
                file: Some(file.filename.clone()),
                digest: file.sha256,
                place: nowhere("the new lock"),
            })
        });
        self.ask(&subjects.collect::<Vec<_>>())
    }

    /// What it says of the files of locks.
    pub(crate) fn about_locks<'l>(
        &self,
        locks: impl Iterator<Item = &'l LockDocument>,
    ) -> Option<LedgerAnswers> {
        let packages = locks.flat_map(|lock| &lock.packages).filter(|package| !is_own(package));
        let subjects = packages.flat_map(|package| {
            package.files.iter().filter_map(move |file| {
                let parsed = file.name.as_deref().and_then(|it| parse_name(&package.project, it));
                let told = parsed.as_ref().map(|name| name.version().clone());
                Some(Subject {
                    project: package.project.clone(),
                    // The digest decides; the version is for people.
                    version: package.version.clone().or(told).unwrap_or_else(|| Version::new([0])),
                    file: parsed.map(|name| name.as_str().to_owned()),
                    digest: file.digests.iter().find_map(Digest::as_sha256)?,
                    place: file.place.clone(),
                })
            })
        });
        self.ask(&subjects.collect::<Vec<_>>())
    }
}

/// What it says of all files of a release.
pub(crate) fn answer(answers: &LedgerAnswers, release: &PinnedRelease) -> LedgerAnswer {
    let files = release.files.iter().map(|it| (Some(it.filename.as_str()), Some(it.sha256)));
    answers.of(&release.project, Some(&release.version), files)
}

fn nowhere(what: &str) -> Place {
    Place { file: what.to_owned(), line: 1, column: 1, span: 0..0 }
}

/// Asks about files that are about to be installed from a lock, where the policy asks the ledger at all:
/// one that only warns refuses what is known to be bad.
///
/// # Errors
/// When there is no ledger, and what it says against the files.
pub(crate) fn before_installing(
    search: &Search<'_>,
    packages: &[Ready],
    teller: &Teller,
) -> Result<(), Vec<Problem>> {
    let Some(team) = search.asked()? else { return Ok(()) };
    let subjects: Vec<Subject> = packages.iter().filter_map(subject_of).collect();
    let answers = team.ask(&subjects).unwrap_or_default();
    let only = search.policy.clone().with_ledger_only();
    let mut problems = Vec::new();
    for ready in packages {
        let artifact = ready.entry.tree.artifact();
        let digest = artifact.digests().find_map(Digest::as_sha256);
        let version = version_of(ready);
        let project = &ready.wanted.project;
        let answer = answers.of(project, Some(&version), [(Some(artifact.filename()), digest)]);
        let subject = policy::Subject {
            ledger: Some(&answer),
            has_moved: false,
            ..policy::Subject::new(project, &version)
        };
        for verdict in only.check(&subject, search.now) {
            match verdict {
                Verdict::Accepted => {}
                Verdict::Warned(refusal) => {
                    teller.note(Note::new(refusal.rule, refusal.message));
                }
                Verdict::Excepted(refusal, exception) => {
                    let message = format!("{}; let pass: {exception}", refusal.message);
                    teller.note(Note::new(refusal.rule, message));
                }
                Verdict::Rejected(refusal) => {
                    let problem =
                        refused(&refusal, Class::Rejected, project.as_str(), &Next::Locked);
                    problems.push(problem.at(&ready.wanted.place));
                }
                Verdict::Undecided(refusal) => {
                    let problem =
                        refused(&refusal, Class::Unavailable, project.as_str(), &Next::Locked);
                    problems.push(problem.at(&ready.wanted.place));
                }
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn version_of(ready: &Ready) -> Version {
    let name = parse_name(&ready.wanted.project, ready.entry.tree.artifact().filename());
    name.map_or_else(|| Version::new([0]), |name| name.version().clone())
}

fn subject_of(ready: &Ready) -> Option<Subject> {
    let artifact = ready.entry.tree.artifact();
    Some(Subject {
        project: ready.wanted.project.clone(),
        version: version_of(ready),
        file: Some(artifact.filename().to_owned()),
        digest: artifact.digests().find_map(Digest::as_sha256)?,
        place: ready.wanted.place.clone(),
    })
}

/// What can be looked at after a refusal.
pub(crate) enum Next {
    /// The lock that is there has the files.
    Locked,
    /// The lock as it would be is kept, and these commands look at it.
    Proposed { explain: String, commands: Vec<String> },
    /// There could be a lock as it would be, and it is not kept.
    Nowhere,
    /// Nothing is locked.
    Unlocked,
}

/// A refusal of the ledger as a problem, with what to do next.
pub(crate) fn refused(refusal: &Refusal, class: Class, project: &str, next: &Next) -> Problem {
    let problem = Problem::new(refusal.rule, class, refusal.message.clone());
    if refusal.allow.is_empty() {
        return problem.with_hint(match next {
            Next::Locked => {
                format!("nothing lets it pass; `countermark vet explain {project}` says why")
            }
            Next::Proposed { explain, .. } => format!("nothing lets it pass; `{explain}` says why"),
            Next::Nowhere | Next::Unlocked => "nothing lets it pass".to_owned(),
        });
    }
    let read = match next {
        Next::Locked => format!(
            "`countermark vet explain {project}` says why, `countermark vet suggest` what has to be read"
        ),
        Next::Proposed { explain, commands } => format!(
            "`{explain}` says why; read it, say so, and run this again:\n  {}\n",
            commands.join("\n  ")
        ),
        Next::Nowhere => {
            "with `--proposed FILE` the lock as it would be is written, and `countermark vet \
                          suggest FILE` says what has to be read"
                .to_owned()
        }
        Next::Unlocked => {
            "reviews are of what a lock has: with `--save`, or with `countermark add`, the \
                           lock as it would be is kept for `countermark vet suggest --proposed`"
                .to_owned()
        }
    };
    let then = if read.ends_with('\n') { "" } else { "; " };
    problem.with_hint(format!(
        "{read}{then}to allow it unread, put this line into `allow` of the policy:\n{}",
        refusal.allow
    ))
}
