//! The lock that would have been written, kept where the ledger said no: what is missing is read and
//! vouched for before the pins move, and the commands of `vet` need the files to look at.
//!
//! Decides what is kept and which commands are named next. What is kept is no lock: nothing is installed
//! from it, and the run that writes the lock decides everything anew.

use std::path::Path;

use countermark_client::ledger::proposed::{Proposal, Proposals, canonical};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_ledger::file::FileId;
use countermark_lock::moves::Move;
use countermark_lock::moves::evidence::Judged;
use countermark_lock::pins::Pins;
use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::document::LockFormat;
use countermark_trust::policy::{Policy, Verdict};
use countermark_trust::{ArtifactVerifier, Class};

use super::engine::Engine;
use super::{Workplace, existing, judge};
use crate::commands::ledger::{Next, Team};
use crate::commands::report::replace_file;
use crate::progress::Teller;

/// A lock as it would be.
pub(super) struct Would<'a> {
    pub(super) lock: Option<&'a Path>,
    pub(super) format: LockFormat,
    /// The lock that is there.
    pub(super) before: Option<&'a [u8]>,
    pub(super) text: &'a str,
    pub(super) pins: &'a Pins,
    pub(super) judged: &'a [Judged],
    pub(super) team: Option<&'a Team>,
}

/// What was kept.
pub(crate) struct Kept {
    /// How commands name the lock: not at all, where it is the only one of this folder.
    lock: Option<String>,
    /// Whether the ledger stands in the way, and does not only warn.
    refuses: bool,
}

impl Would<'_> {
    /// What the policy says against it, with what can be done; and that it is kept.
    pub(super) fn refusals(
        &self,
        work: &Workplace<'_>,
        engine: &Engine<'_>,
        policy: &Policy,
    ) -> (Option<Kept>, Vec<Problem>) {
        let kept = self.keep(work);
        let next = |one: &Move| self.next(kept.as_ref(), one);
        let refused = judge::problems(engine, policy, self.judged, &next);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.refuses) {
            kept.tell(work.teller);
        }
        (kept, refused)
    }

    /// Keeps it, where the ledger has something against it.
    fn keep(&self, work: &Workplace<'_>) -> Option<Kept> {
        let lock = self.lock.filter(|_| says_no(self.judged, true))?;
        let proposals = Proposals::new(&work.folders.state);
        let proposal = canonical(lock).and_then(|lock| {
            let proposal = self.proposal(lock, work);
            proposals.keep(&proposal).map(|()| proposal)
        });
        match proposal {
            Ok(proposal) => {
                let here = proposals.in_folder(&work.folder);
                let is_only = here.len() == 1 && here.first() == Some(&proposal.lock);
                let shown = lock.display().to_string();
                let quoted = shlex::try_quote(&shown).map_or_else(|_| shown.clone(), Into::into);
                let refuses = says_no(self.judged, false);
                Some(Kept { lock: (!is_only).then_some(quoted), refuses })
            }
            Err(error) => {
                let message = format!("the lock as it would be cannot be kept: {error}");
                work.teller.note(Note::new("proposed-not-kept", message));
                None
            }
        }
    }

    fn proposal(&self, lock: std::path::PathBuf, work: &Workplace<'_>) -> Proposal {
        let files = self.pins.releases.iter().flat_map(|release| &release.files);
        Proposal {
            lock,
            format: self.format,
            before: self.before.map(sha256),
            made: work.now,
            text: self.text.to_owned(),
            names: files.map(|file| (file.sha256, file.filename.clone())).collect(),
            facts: self.team.map(Team::seen).unwrap_or_default(),
        }
    }

    /// What can be done about a move that the ledger refuses.
    fn next(&self, kept: Option<&Kept>, one: &Move) -> Next {
        let (Some(kept), Some(after)) = (kept, &one.after) else { return Next::Nowhere };
        let (project, Some(version)) = (&after.project, &after.version) else {
            return Next::Nowhere;
        };
        let of_release = self
            .pins
            .releases
            .iter()
            .filter(|release| release.project == *project && release.version == *version);
        let files = of_release.flat_map(|release| &release.files);
        let files: Vec<FileId> =
            files.map(|file| FileId { name: file.filename.clone(), digest: file.sha256 }).collect();
        let before = one.before.as_ref().and_then(|before| before.version.as_ref());
        let from = before.filter(|from| {
            *from != version
                && self.team.is_some_and(|it| it.has_counterparts(project, from, &files))
        });
        let named = |option: &str| match &kept.lock {
            Some(lock) => format!(" {option} {lock} --proposed"),
            None => " --proposed".to_owned(),
        };
        let (read, certify) = match from {
            Some(from) => (format!("diff {project} {from} {version}"), format!(" --from {from}")),
            None => (format!("inspect {project}=={version}"), String::new()),
        };
        Next::Proposed {
            explain: format!("countermark vet explain {project}=={version}{}", named("-r")),
            commands: vec![
                format!("countermark vet {read}{}", named("--lock")),
                format!("countermark vet certify {project}=={version}{certify}{}", named("-r")),
            ],
        }
    }
}

/// Whether the ledger refuses something, or would if it did more than warn.
fn says_no(judged: &[Judged], also_warns: bool) -> bool {
    judged.iter().flat_map(|one| &one.verdicts).any(|verdict| match verdict {
        Verdict::Rejected(refusal) | Verdict::Undecided(refusal) => refusal.rule == "ledger",
        Verdict::Warned(refusal) => also_warns && refusal.rule == "ledger",
        Verdict::Accepted | Verdict::Excepted(..) => false,
    })
}

/// The digest of a lock.
pub(crate) fn sha256(bytes: &[u8]) -> Sha256 {
    let mut verifier = ArtifactVerifier::new("the lock", None, None);
    verifier.update(bytes);
    verifier.first_sight().sha256()
}

impl Kept {
    /// Says that it is there, and what comes next.
    pub(crate) fn tell(&self, teller: &Teller) {
        let named = self.lock.as_ref().map(|lock| format!(" -r {lock}")).unwrap_or_default();
        let message = "the lock as it would be is kept, so that its files can be read first";
        teller.note(Note::new("lock-proposed", message).with_hint(format!(
            "`countermark vet suggest{named} --proposed` says the least that has to be read; then run \
             the same command again"
        )));
    }
}

/// Refuses a place for the lock as it would be that is the lock itself, something that it is made of, or
/// a file that is no lock.
pub(super) fn check_place(
    place: Option<&Path>,
    lock: Option<&Path>,
    inputs: &[String],
) -> Result<(), Vec<Problem>> {
    let Some(place) = place else { return Ok(()) };
    let real = |path: &Path| canonical(path).unwrap_or_else(|_| path.to_owned());
    let mut taken = inputs.iter().map(Path::new).filter(|input| input.exists()).chain(lock);
    if let Some(taken) = taken.find(|taken| real(taken) == real(place)) {
        let message = format!(
            "`--proposed {}` would take the place of `{}`",
            place.display(),
            taken.display()
        );
        let problem = Problem::new("bad-option", Class::Usage, message);
        return Err(vec![problem.with_hint("name a file beside it, such as proposed.txt")]);
    }
    existing::read(place).map(|_| ())
}

/// Writes the lock as it would be where the user wants it.
pub(super) fn write(place: Option<&Path>, text: &[u8]) -> Result<(), Vec<Problem>> {
    place.map_or(Ok(()), |place| replace_file(place, text))
}

/// The lock is what it would be: nothing is proposed any more. One that cannot be removed is told to be of
/// another lock when somebody looks at it.
pub(super) fn forget(state: &Path, lock: &Path) {
    drop(Proposals::new(state).remove(lock));
}
