//! `vet import add`: a ledger that was not taken in before.

use std::path::Path;

use countermark_client::ledger::fetch::{Had, store};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_ledger::ledger::{Import, Ledger};
use countermark_packaging::lock::Place;
use countermark_trust::Class;

use super::super::ground;
use super::super::place;
use super::theirs::{self, Signed, Theirs};
use super::{Reach, again, choose, shown};
use crate::cli::OutputArgs;
use crate::cli::vet::ImportAddArgs;
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;

/// Names that would be taken for commands.
const COMMANDS: [&str; 4] = ["add", "remove", "list", "help"];

/// Runs the command.
pub(super) fn run(arguments: &ImportAddArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let subjects = again::subjects(&arguments.place)?;
    let folder = place::find(&arguments.place.ledger, &ground::start(subjects.as_ref())?)?;
    let reach = Reach::open(&arguments.place, &teller)?;
    let held = ground::hold(&folder, &reach.interrupted)?;
    let mut edit = ground::edit(&folder)?;
    check_name(&arguments.name, edit.ledger())?;
    let exclude = ground::patterns(&arguments.exclude)?;
    let url = written(&arguments.url, folder.path());
    let fetching = reach.fetching(&teller);
    let theirs = theirs::fetch(&url, &folder, &Had::default(), &fetching)?;
    check_other(&theirs, edit.ledger())?;
    introduce(&theirs, &teller);
    let mut keys = choose::keys(arguments, &theirs.ledger)?;
    let mapping = choose::mapping(arguments, &theirs.ledger, edit.ledger())?;
    let name = &arguments.name;
    let (certificates, certificate_files) =
        theirs::certificates(&theirs, name, &mut keys, &fetching)?;
    let now = place::now(&arguments.place.ledger)?;
    let usable = theirs::keys(&keys, &certificates, now)?;
    let (commits, recorded) = theirs::commits(&theirs, &usable);
    let signed = theirs::verify(theirs.entries.iter().map(|it| &it.review), &usable, &commits);
    let import = Import {
        name: name.clone(),
        url,
        fetched: Some(place::today(&arguments.place.ledger)),
        ledger: Some(theirs.fetched.ledger.digest),
        reviews: Some(theirs.fetched.reviews.digest),
        commits: recorded.as_deref().map(store::digest),
        mapping,
        keys,
        exclude,
        place: Place { file: String::new(), line: 1, column: 1, span: 0..0 },
    };
    say(&import, &theirs, &signed, &teller);
    let violations: Vec<_> = again::all_violations(&theirs.ledger);
    let hits = again::hits(name, &violations, subjects.as_ref());
    edit.add(std::slice::from_ref(&import)).map_err(|errors| ground::told(&errors))?;
    if arguments.dry_run {
        teller.line("nothing was written");
        return again::outcome(hits);
    }
    reach.go_on()?;
    let mut files = again::files(&theirs, recorded.as_deref());
    files.extend(certificate_files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    store::store(&held, name, &files, edit.text())?;
    teller.line(&format!("`{name}` is taken in; its files are below {}", folder.shown("imports")));
    again::outcome(hits)
}

fn check_name(name: &str, ours: &Ledger) -> Result<(), Vec<Problem>> {
    if COMMANDS.contains(&name) {
        return Err(ground::bad(format!("`{name}` is a command of `vet import`, and no name")));
    }
    if let Some(there) = ours.imports.iter().find(|it| it.name.eq_ignore_ascii_case(name)) {
        let message = format!("an import is called `{}` already", there.name);
        let problem = Problem::new("import-known", Class::Usage, message).at(&there.place);
        let hint = format!("`countermark vet import {}` fetches it again", there.name);
        return Err(vec![problem.with_hint(hint)]);
    }
    Ok(())
}

/// A ledger that takes in itself would count its own reviews twice, with keys that it does not name.
fn check_other(theirs: &Theirs, ours: &Ledger) -> Result<(), Vec<Problem>> {
    if theirs.ledger.name != ours.name {
        return Ok(());
    }
    let message = format!("`{}` is what our own ledger calls itself", ours.name);
    let problem = Problem::new("import-self", Class::Usage, message);
    Err(vec![problem.with_hint("one of both needs another name, in its table [ledger]")])
}

/// Paths count from the ledger's folder, and people write them from where they are.
fn written(url: &str, folder: &Path) -> String {
    if url.contains("://") || Path::new(url).is_absolute() {
        return url.to_owned();
    }
    let (Ok(from), Ok(to)) = (folder.canonicalize(), Path::new(url).canonicalize()) else {
        return url.to_owned();
    };
    let same = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().count() - same;
    let down = to.components().skip(same);
    let parts = std::iter::repeat_n(std::path::Component::ParentDir, up).chain(down);
    parts.collect::<std::path::PathBuf>().display().to_string()
}

/// What was fetched, before anything is decided.
fn introduce(theirs: &Theirs, teller: &Teller) {
    let Ledger { name, keys, violations, imports, .. } = &theirs.ledger;
    let reviews = output::count(theirs.entries.len(), "review", "reviews");
    let bad = output::count(violations.len(), "violation", "violations");
    let line = format!("{name}: {reviews}, {bad}, {}", output::count(keys.len(), "key", "keys"));
    teller.line(&output::visible(&line));
    for key in keys {
        let of = theirs.entries.iter().filter(|it| it.review.author == key.author).count();
        let reviews = output::count(of, "review", "reviews");
        let line = format!("  {}  {}, {reviews}", key.author, shown::key(key));
        teller.line(&output::visible(&line));
    }
    if !imports.is_empty() {
        let of = output::count(imports.len(), "other ledger", "other ledgers");
        teller.line(&format!("  it takes in {of}, which count for nothing here"));
    }
}

/// What was decided, and what does not follow from it.
fn say(import: &Import, theirs: &Theirs, signed: &Signed, teller: &Teller) {
    let name = &import.name;
    if import.keys.is_empty() {
        let message = format!("no key of `{name}` counts, so none of its reviews does");
        let hint = "name authors with `--key`, once you know that the keys are theirs";
        teller.note(Note::new("import-no-keys", message).with_hint(hint));
    } else if let Some(note) = shown::not_counting(name, signed, theirs.entries.len()) {
        teller.note(note);
    }
    if import.mapping.is_empty() {
        let message = format!("no criterion of `{name}` counts as one of ours");
        let hint =
            "`--map-builtin` takes its safe-to-run and safe-to-deploy for ours; `--map` any other";
        teller.note(Note::new("import-no-mapping", message).with_hint(hint));
    }
}
