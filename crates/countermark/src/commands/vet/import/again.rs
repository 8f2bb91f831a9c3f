//! `vet import`: ledgers fetched again. What is new is shown; what changed its past is refused.

use countermark_client::ledger::Folder;
use countermark_client::ledger::fetch::{self, Had, store};
use countermark_client::ledger::folder::Held;
use countermark_client::report::{Problem, Reporter as _};
use countermark_ledger::file::FileId;
use countermark_ledger::format::edit::Edit;
use countermark_ledger::import::{Comparison, compare, taken_over};
use countermark_ledger::ledger::{AuthorKey, Import, Ledger, Violation};
use countermark_ledger::signature::{Certificates, Keys};
use countermark_trust::Class;
use jiff::civil::Date;

use super::super::ground;
use super::super::place;
use super::super::subjects::Subjects;
use super::theirs::{self, Copy, Ours, Signed, Theirs};
use super::{Reach, shown, unknown};
use crate::cli::OutputArgs;
use crate::cli::vet::{ImportAgainArgs, ImportPlaceArgs, SubjectArgs};
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;

/// Runs the command.
pub(super) fn run(arguments: &ImportAgainArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let reason = arguments.accept_changes.as_deref().map(ground::reason).transpose()?;
    let subjects = subjects(&arguments.place)?;
    let folder = place::find(&arguments.place.ledger, &ground::start(subjects.as_ref())?)?;
    let reach = Reach::open(&arguments.place, &teller)?;
    let held = ground::hold(&folder, &reach.interrupted)?;
    let ledger = folder.read_ledger()?;
    let chosen = chosen(&arguments.names, &ledger)?;
    if chosen.is_empty() {
        teller.line("no ledger is imported");
        return Ok(0);
    }
    let run = Run {
        arguments,
        reason,
        subjects,
        folder: &folder,
        held: &held,
        reach: &reach,
        teller: &teller,
        today: place::today(&arguments.place.ledger),
    };
    // One that is refused is no reason to leave the others as they were.
    let mut problems = Vec::new();
    for name in &chosen {
        reach.go_on()?;
        match run.one(name) {
            Ok(found) => problems.extend(found),
            Err(found) => problems.extend(found),
        }
    }
    outcome(problems)
}

/// The imports that are named; all of them where none is.
fn chosen(names: &[String], ledger: &Ledger) -> Result<Vec<String>, Vec<Problem>> {
    let known: Vec<&str> = ledger.imports.iter().map(|it| it.name.as_str()).collect();
    if names.is_empty() {
        return Ok(known.into_iter().map(str::to_owned).collect());
    }
    let is_unknown = |name: &&String| !known.contains(&name.as_str());
    let problems: Vec<Problem> =
        names.iter().filter(is_unknown).map(|name| unknown(name, &known)).collect();
    if problems.is_empty() { Ok(names.to_vec()) } else { Err(problems) }
}

/// The files of the locks, where there is one.
pub(super) fn subjects(place: &ImportPlaceArgs) -> Result<Option<Subjects>, Vec<Problem>> {
    let requirements = place.requirements.clone();
    ground::subjects_if_any(&SubjectArgs { requirements, ..SubjectArgs::default() })
}

/// Success, or the worst of what was found.
pub(super) fn outcome(problems: Vec<Problem>) -> Outcome {
    if problems.is_empty() { Ok(0) } else { Err(problems) }
}

struct Run<'a> {
    arguments: &'a ImportAgainArgs,
    reason: Option<String>,
    subjects: Option<Subjects>,
    folder: &'a Folder,
    held: &'a Held<'a>,
    reach: &'a Reach,
    teller: &'a Teller,
    today: Date,
}

impl Run<'_> {
    /// One import. What is given back was told and stored; errors mean that nothing was stored.
    fn one(&self, name: &str) -> Result<Vec<Problem>, Vec<Problem>> {
        // Read anew: the import before has changed it.
        let edit = ground::edit(self.folder)?;
        let import = edit.ledger().imports.iter().find(|it| it.name == name).cloned();
        let import = import.ok_or_else(|| vec![unknown(name, &[])])?;
        let copy = theirs::copy(self.folder, &import);
        let had = match &copy {
            Copy::Whole(_, had) => had.clone(),
            Copy::None | Copy::Broken(..) => Had::default(),
        };
        let fetching = self.reach.fetching(self.teller);
        let theirs = theirs::fetch(&import.url, self.folder, &had, &fetching)?;
        match &copy {
            Copy::Whole(ours, _) => self.continues(edit, &import, ours, &theirs),
            Copy::None => self.first(edit, &import, &theirs),
            Copy::Broken(ledger, reviews) => {
                let is_same = *ledger == Some(theirs.fetched.ledger.digest)
                    && reviews.is_none_or(|it| it == theirs.fetched.reviews.digest);
                if !is_same && self.reason.is_none() {
                    return Err(vec![self.broken(&import)]);
                }
                self.first(edit, &import, &theirs)
            }
        }
    }

    fn broken(&self, import: &Import) -> Problem {
        let shown = self.folder.shown(&format!("imports/{}", import.name));
        let message = format!(
            "what is in {shown} is not what was fetched, and what is fetched now is something else \
             again: its past cannot be compared"
        );
        let hint = "take the folder back from git and fetch again; or say why it may be another one, with \
                    `--accept-changes REASON`";
        Problem::new("import-changed-on-disk", Class::Rejected, message)
            .at(&import.place)
            .with_hint(hint)
    }

    /// One that was written by hand, or whose files were lost and came back.
    fn first(
        &self,
        edit: Edit,
        import: &Import,
        theirs: &Theirs,
    ) -> Result<Vec<Problem>, Vec<Problem>> {
        let name = &import.name;
        let reviews = output::count(theirs.entries.len(), "review", "reviews");
        self.teller.line(&output::visible(&format!("{name} ({}): {reviews}", theirs.ledger.name)));
        let keys = self.keys(import)?;
        let (commits, recorded) = theirs::commits(theirs, &keys);
        let all = theirs.entries.iter().map(|it| &it.review);
        let signed = theirs::verify(all, &keys, &commits);
        if let Some(note) = shown::not_counting(name, &signed, theirs.entries.len()) {
            self.teller.note(note);
        }
        let hits = hits(name, &all_violations(&theirs.ledger), self.subjects.as_ref());
        self.store(edit, import, theirs, recorded.as_deref(), false)?;
        Ok(hits)
    }

    fn continues(
        &self,
        mut edit: Edit,
        import: &Import,
        ours: &Ours,
        theirs: &Theirs,
    ) -> Result<Vec<Problem>, Vec<Problem>> {
        let (before, after) = (ours.side(), theirs.side());
        let new = compare(&before, &after);
        let mut problems: Vec<Problem> =
            new.changes.iter().map(|it| shown::change(&import.name, it)).collect();
        let keys = self.keys(import)?;
        let (commits, recorded) = theirs::commits(theirs, &keys);
        let reviews = new.reviews.iter().chain(&new.signed).map(|(review, _)| *review);
        let signed = theirs::verify(reviews, &keys, &commits);
        self.say(import, theirs, &new, &signed);
        let hits = hits(&import.name, &new.violations, self.subjects.as_ref());
        if !problems.is_empty() && self.reason.is_none() {
            if let Some(last) = problems.last_mut() {
                last.hint = Some(
                    "ask them why; `--accept-changes REASON` takes it over and writes down why"
                        .to_owned(),
                );
            }
            // What they know to be bad is told whether or not they are believed otherwise.
            problems.extend(hits);
            return Err(problems);
        }
        let is_same = import.ledger == Some(theirs.fetched.ledger.digest)
            && import.reviews == Some(theirs.fetched.reviews.digest)
            && import.commits == recorded.as_deref().map(store::digest);
        if !is_same {
            // What they take back stays bad here, until somebody here says otherwise.
            let taken = taken_over(&import.name, ours.ledger(), &[edit.ledger(), &theirs.ledger]);
            edit.add(&taken).map_err(|errors| ground::told(&errors))?;
            super::tell_taken(&taken, self.teller);
            self.store(edit, import, theirs, recorded.as_deref(), !problems.is_empty())?;
        }
        Ok(hits)
    }

    fn say(&self, import: &Import, theirs: &Theirs, new: &Comparison<'_>, signed: &Signed) {
        let name = format!("{} ({})", import.name, theirs.ledger.name);
        let line = match (new.is_empty(), new.changes.len()) {
            (true, _) => format!("{name}: nothing is new"),
            (false, 0) => format!("{name}: {} new", new.news()),
            (false, changed) => {
                let of = output::count(changed, "thing", "things");
                format!("{name}: {} new, and {of} of its past changed", new.news())
            }
        };
        self.teller.line(&output::visible(&line));
        for line in shown::news(import, &theirs.ledger, new, signed) {
            self.teller.line(&output::visible(&line));
        }
        let of = new.reviews.len() + new.signed.len();
        if let Some(note) = shown::not_counting(&import.name, signed, of) {
            self.teller.note(note);
        }
    }

    /// The keys that count here, with their certificates from our folder.
    fn keys(&self, import: &Import) -> Result<Keys, Vec<Problem>> {
        let mut found = Certificates::new();
        for file in import.keys.iter().filter_map(|key| key.file.as_ref()) {
            let path = self.folder.path().join(file);
            let bytes = fetch::read_file(&path, fetch::MAXIMUM_CERTIFICATE)
                .map_err(|error| vec![theirs::problem(&error)])?
                .bytes;
            found.insert(file.clone(), bytes);
        }
        theirs::keys(&import.keys, &found, place::now(&self.arguments.place.ledger)?)
    }

    fn store(
        &self,
        mut edit: Edit,
        import: &Import,
        theirs: &Theirs,
        commits: Option<&[u8]>,
        accepted: bool,
    ) -> Result<(), Vec<Problem>> {
        let change = |it: &Import| {
            (it.name == import.name).then(|| Import {
                fetched: Some(self.today),
                ledger: Some(theirs.fetched.ledger.digest),
                reviews: Some(theirs.fetched.reviews.digest),
                commits: commits.map(store::digest),
                keys: narrowed(&it.keys, &theirs.ledger),
                ..it.clone()
            })
        };
        edit.change(change).map_err(|errors| ground::told(&errors))?;
        let mut text = edit.text().to_owned();
        if let Some(reason) = self.reason.as_ref().filter(|_| accepted)
            && let Some(at) = edit.ledger().imports.iter().find(|it| it.name == import.name)
        {
            remark(
                &mut text,
                at,
                &format!("# {}: changes of its past accepted: {reason}", self.today),
            );
        }
        if self.arguments.dry_run {
            self.teller.line("nothing was written");
            return Ok(());
        }
        self.reach.go_on()?;
        store::store(self.held, &import.name, &files(theirs, commits), &text)
    }
}

/// Puts a comment line directly above a section.
fn remark(text: &mut String, import: &Import, line: &str) {
    let start: usize = text
        .split_inclusive('\n')
        .take(usize::try_from(import.place.line).unwrap_or(1).saturating_sub(1))
        .map(str::len)
        .sum();
    text.insert_str(start, &format!("{line}\n"));
}

/// Our keys of theirs with what they took back: an earlier last day, further accounts. What would make a
/// key count for more is not taken over.
fn narrowed(ours: &[AuthorKey], theirs: &Ledger) -> Vec<AuthorKey> {
    let narrow = |key: &AuthorKey| {
        let mut key = key.clone();
        let theirs = theirs.keys.iter().find(|it| it.author == key.author && it.key == key.key);
        if let Some(theirs) = theirs {
            key.until = [key.until, theirs.until].into_iter().flatten().min();
            for account in &theirs.accounts {
                if !key.accounts.contains(account) {
                    key.accounts.push(account.clone());
                }
            }
            key.accounts.sort();
        }
        key
    };
    ours.iter().map(narrow).collect()
}

/// The files of an import to be stored.
pub(super) fn files<'a>(theirs: &'a Theirs, commits: Option<&'a [u8]>) -> Vec<(&'a str, &'a [u8])> {
    let mut files: Vec<(&str, &[u8])> = vec![
        ("ledger.toml", &theirs.fetched.ledger.bytes),
        ("reviews.toml", &theirs.fetched.reviews.bytes),
    ];
    files.extend(commits.map(|bytes| ("commits", bytes)));
    files
}

/// All that a ledger knows to be bad.
pub(super) fn all_violations(ledger: &Ledger) -> Vec<(&Violation, &FileId)> {
    ledger.violations.iter().flat_map(|it| it.files.iter().map(move |file| (it, file))).collect()
}

/// What is locked here and known to be bad there.
pub(super) fn hits(
    import: &str,
    violations: &[(&Violation, &FileId)],
    subjects: Option<&Subjects>,
) -> Vec<Problem> {
    let Some(subjects) = subjects else { return Vec::new() };
    let mut problems = Vec::new();
    for subject in &subjects.files {
        let found = violations.iter().find(|(_, file)| file.digest == subject.digest);
        if let Some((violation, file)) = found {
            let message = format!(
                "`{import}` knows {} to be bad, and it is locked: {}",
                file.name, violation.reason
            );
            let problem =
                Problem::new("import-violation", Class::Rejected, message).at(&subject.place);
            let hint = "do not install it; `countermark vet explain` shows who says what of it";
            problems
                .push(problem.with_detail(format!("said at {}", violation.place)).with_hint(hint));
        }
    }
    problems
}
