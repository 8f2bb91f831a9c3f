//! `vet init`: a ledger in which everything that is locked passes, so that from now on only what moves
//! has to be looked at.
//!
//! The exemptions are what a team lives with until somebody reads it; they say so, and the list can only
//! shrink without a reason. Nothing that is there is written over.

use std::collections::BTreeMap;
use std::path::Path;

use countermark_client::ledger::{Folder, unmerged};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_ledger::check::Subject;
use countermark_ledger::criteria::{Criteria, CriterionName, SAFE_TO_DEPLOY, SAFE_TO_RUN};
use countermark_ledger::file::FileId;
use countermark_ledger::ledger::{Exemption, Ledger};
use countermark_packaging::name::ProjectName;
use countermark_packaging::table::did_you_mean;
use countermark_packaging::version::Version;
use countermark_trust::Class;
use jiff::civil::Date;

use super::names::{self, Online};
use super::place;
use super::subjects::{self, Subjects};
use crate::cli::OutputArgs;
use crate::cli::vet::InitArgs;
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;

/// What a person who opens the file for the first time wants to know.
const GUIDE: &str = "\
#
# The tables that may stand here, and the commands that write them:
#
#   key          whose reviews count                        countermark vet key add
#   import       whose ledger is taken in                   countermark vet import add
#   criteria     criteria of your own, and what they imply
#   requirement  other criteria for some projects, such as those of tests only
#   exemption    what passes without a review               countermark vet exempt
#   trusted      a publisher whose releases pass without a review, until a day
#                                                           countermark vet trust
#   violation    files that are known to be bad; nothing overrides it
#                                                           countermark vet violation
#   own-reviews  whose reviews of their own projects count all the same
#
# What was locked when this ledger began passes without a review. The list only shrinks: an exemption that
# comes later needs a reason. `countermark vet prune` takes out what a review has made needless.
";

/// Runs the command.
pub(super) fn run(arguments: &InitArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let required = criteria(&arguments.criteria)?;
    let mut found = subjects::read(&arguments.subjects)?;
    let path = place::new_folder(&arguments.ledger, &found.folder)?;
    let online = Online::open(&arguments.index, &arguments.subjects.store, &teller)?;
    name_all(&mut found, &online)?;
    let on = place::today(&arguments.ledger);
    let name = arguments.name.clone().unwrap_or_else(|| name_of(&found.folder));
    let ledger = ledger(name, required, on, &found.files)?;
    online.go_on()?;
    make(&path, &write(&ledger), &online)?;
    tell(&found, &path, ledger.exemptions.len(), &teller);
    Ok(0)
}

/// The criteria that are meant; a new ledger has the built-in ones.
fn criteria(names: &[String]) -> Result<Vec<CriterionName>, Vec<Problem>> {
    let known = [SAFE_TO_DEPLOY, SAFE_TO_RUN];
    let parse = |name: &String| {
        let parsed = CriterionName::parse(name).ok().filter(|it| known.contains(&it.as_str()));
        parsed.ok_or_else(|| {
            let message = format!("`{name}` is no criterion of a new ledger");
            let hint = did_you_mean(name, &known, "the criteria are");
            Box::new(Problem::new("unknown-criterion", Class::Usage, message).with_hint(hint))
        })
    };
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for name in names {
        match parse(name) {
            Ok(name) => good.push(name),
            Err(problem) => wrong.push(*problem),
        }
    }
    good.sort();
    good.dedup();
    if wrong.is_empty() { Ok(good) } else { Err(wrong) }
}

/// The ledger is called as the folder that it is in.
fn name_of(folder: &Path) -> String {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("this project");
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// Every file needs its name, which an exemption says.
fn name_all(found: &mut Subjects, online: &Online<'_>) -> Result<(), Vec<Problem>> {
    let unknown = names::fill(&mut found.files, &BTreeMap::new(), online);
    online.go_on()?;
    let nameless: Vec<&Subject> = found.files.iter().filter(|file| file.file.is_none()).collect();
    if nameless.is_empty() {
        return Ok(());
    }
    let class = if unknown.is_empty() && !online.is_offline() {
        Class::Rejected
    } else {
        Class::Unavailable
    };
    let problems = nameless.iter().map(|file| {
        let Subject { project, version, digest, .. } = file;
        let message = format!("it is not known which file of {project} {version} has {digest}");
        let problem = Problem::new("vet-no-name", class, message).at(&file.place);
        if online.is_offline() {
            problem
                .with_hint("a requirements file lists digests alone: let the index be asked once")
        } else {
            problem.with_hint("no configured index lists it; `countermark gate` tells more")
        }
    });
    let reasons = unknown.iter().map(|reason| Problem::new("vet-no-name", class, reason));
    Err(reasons.chain(problems).collect())
}

fn ledger(
    name: String,
    required: Vec<CriterionName>,
    on: Date,
    files: &[Subject],
) -> Result<Ledger, Vec<Problem>> {
    // The built-in criteria use no others, so this has no reason to fail.
    let criteria = Criteria::new(&BTreeMap::new()).map_err(|name| {
        let message = format!("`{name}` is not defined");
        vec![Problem::new("unknown-criterion", Class::Usage, message)]
    })?;
    Ok(Ledger {
        name,
        initialised: on,
        exemptions: exemptions(files, &required, on),
        required,
        maximum_age_days: None,
        counts_unknown_roles: true,
        descriptions: BTreeMap::new(),
        criteria,
        requirements: Vec::new(),
        keys: Vec::new(),
        own_reviews: Vec::new(),
        imports: Vec::new(),
        trusted: Vec::new(),
        violations: Vec::new(),
    })
}

/// One exemption a release, with all of its files.
fn exemptions(files: &[Subject], criteria: &[CriterionName], on: Date) -> Vec<Exemption> {
    let mut releases: BTreeMap<(&ProjectName, &Version), (Vec<FileId>, &Subject)> = BTreeMap::new();
    for file in files {
        let release = releases.entry((&file.project, &file.version));
        let name = file.file.clone().unwrap_or_default();
        release.or_insert((Vec::new(), file)).0.push(FileId { name, digest: file.digest });
    }
    let exemption = |((project, version), (mut files, first)): (_, (Vec<FileId>, &Subject))| {
        let (project, version): (&ProjectName, &Version) = (project, version);
        files.sort();
        Exemption {
            project: project.clone(),
            version: version.clone(),
            files,
            criteria: criteria.to_vec(),
            on,
            reason: None,
            place: first.place.clone(),
        }
    };
    releases.into_iter().map(exemption).collect()
}

/// The text, with the guide between what is decided for all and the list.
fn write(ledger: &Ledger) -> String {
    let whole = ledger.write();
    let head = Ledger { exemptions: Vec::new(), ..ledger.clone() }.write();
    match whole.strip_prefix(&head) {
        Some(list) => format!("{head}{GUIDE}{list}"),
        None => whole,
    }
}

/// Writes the folder.
fn make(path: &Path, text: &str, online: &Online<'_>) -> Result<(), Vec<Problem>> {
    std::fs::create_dir_all(path).map_err(|error| {
        let message = format!("cannot make `{}`: {error}", path.display());
        vec![Problem::new("file-not-written", Class::Unavailable, message)]
    })?;
    let folder = Folder::at(path);
    let held = folder.hold(&online.interrupted, || online.teller.line("waiting for another run"));
    let held = held.map_err(|problem| vec![*problem])?;
    // The ledger comes last: a folder without it is none, and the next `init` goes on.
    held.write_reviews([]).map_err(|problem| vec![*problem])?;
    unmerged::write_attributes(path).map_err(|error| {
        let message = format!("cannot write `{}`: {error}", path.join(".gitattributes").display());
        vec![Problem::new("file-not-written", Class::Unavailable, message)]
    })?;
    held.write_ledger(text)
}

/// What was done, and what to do next.
fn tell(found: &Subjects, path: &Path, releases: usize, teller: &Teller) {
    for problem in &found.unjudged {
        let note = Note::new(problem.code, format!("{}; `vet` will say no", problem.message));
        teller.note(note);
    }
    let shown = path.display();
    let releases = output::count(releases, "release", "releases");
    let files = output::count(found.files.len(), "file", "files");
    teller.line(&format!(
        "{shown}/ledger.toml lets {releases} with {files} of {} pass\n\nnext:\n  \
         git add {shown}          it is reviewed and merged like code\n  \
         countermark vet         green now, and as long as nothing moves\n  \
         countermark vet key     so that your reviews count: `vet key new`, `vet key add`\n  \
         countermark vet facts   who may release what, so that nobody vouches for their own\n  \
         countermark vet suggest after the next update: the least to read\n\n\
         once in each clone, so that git merges reviews one by one:\n  {}",
        found.of,
        unmerged::CONFIGURE
    ));
}
