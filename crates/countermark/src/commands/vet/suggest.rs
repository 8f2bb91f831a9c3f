//! `vet suggest`: the least that has to be read for everything to pass.
//!
//! What a reading costs is counted in lines of files that are downloaded and held against their digests;
//! of what cannot be had nobody knows the price, which is said. What is suggested counts only when
//! somebody did it and signed it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use countermark_client::ledger::costs::{self, Prices, Question};
use countermark_client::ledger::listed::parse_name;
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_client::sight;
use countermark_ledger::check::Judgement;
use countermark_ledger::file::FileId;
use countermark_ledger::ledger::Ledger;
use countermark_ledger::report::{follow, suggest, suggest_json};
use countermark_ledger::suggest::{
    Costs, Plan, Step, StepHow, by_release, suggest as for_each_file,
};
use countermark_packaging::digest::Sha256;
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_report::harmless::harmless;
use countermark_trust::Class;

use super::names::{self, Online};
use super::{check, import, offers, place, proposed, subjects};
use crate::cli::vet::SuggestArgs;
use crate::cli::{OutputArgs, ReportFormat};
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;

/// So many reasons why something was not counted are shown.
const MOST_REASONS: usize = 5;

/// So many files of the same kind are compared with each file that fails.
const MOST_BEFORE: usize = 2;

/// Runs the command.
pub(super) fn run(arguments: &SuggestArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let mut found = subjects::choose(&arguments.subjects, arguments.proposed, &teller)?;
    let mut read = place::read(&arguments.ledger, &found.folder, &arguments.subjects.store)?;
    found.lend(&mut read.opened);
    let loaded = &read.opened.loaded;
    let criteria = check::criteria(&loaded.ledger, &arguments.criteria)?;
    let on = place::today(&arguments.ledger);
    names::take_known(&mut found.files, loaded);
    let online = Online::open(&arguments.index, &arguments.subjects.store, &teller)?;
    let now = place::now(&arguments.ledger)?;
    let choose = if arguments.each_file { for_each_file } else { by_release };
    let plan: Result<Plan, Vec<Problem>> = read.opened.ask(on, |checker| {
        let mut judgements = checker.check_for(&found.files, criteria.as_deref());
        if judgements.iter().all(Judgement::passes) {
            return Ok(Plan::default());
        }
        let failing = judgements.iter().filter(|it| !it.passes()).map(|it| it.subject.digest);
        let mut offers = offers::of(&read.opened, &failing.collect(), on);
        offers.extend(import::offers(&read.folder, loaded, on, now, &online.fetching()));
        online.go_on()?;
        name_failing(&mut judgements, &online);
        online.go_on()?;
        let mut prices = Prices::read(online.store.state());
        let asking = Asking::of(&judgements, &prices);
        // Only for what it asks: which files could be read, and which differences.
        drop(choose(checker, &judgements, &asking, &offers));
        count(&asking.questions(), &mut prices, &online)?;
        let known = Asking::of(&judgements, &prices);
        Ok(choose(checker, &judgements, &known, &offers))
    });
    let plan = plan?;
    match arguments.format {
        ReportFormat::Json => {
            output::print(suggest_json::write(on, &loaded.ledger.name, &plan).trim_end());
        }
        ReportFormat::Text => {
            output::print(text(&plan, &loaded.ledger).trim_end_matches('\n'));
            let named = subjects::given(&arguments.subjects);
            let option = proposed::option(arguments.proposed.proposed, &named);
            for line in follow::lines(&plan, "").into_iter().chain(next(&plan, &option)) {
                output::print(&line);
            }
        }
    }
    let hopeless = if plan.hopeless.is_empty() { 0 } else { Class::Rejected.exit_code() };
    // Of these no reading helps either.
    Ok(hopeless.max(output::show_problems(&found.unjudged)))
}

/// What fails gets the name under which the index has it: a difference is of files of one kind.
fn name_failing(judgements: &mut [Judgement], online: &Online<'_>) {
    let failing = judgements.iter().filter(|it| !it.passes() && it.subject.file.is_none());
    let mut files: Vec<_> = failing.map(|it| it.subject.clone()).collect();
    if files.is_empty() {
        return;
    }
    let unknown = names::fill(&mut files, &BTreeMap::new(), online);
    tell(&unknown, online.teller);
    let names: BTreeMap<Sha256, Option<String>> =
        files.into_iter().map(|file| (file.digest, file.file)).collect();
    for judgement in judgements {
        let subject = &mut judgement.subject;
        if let (None, Some(Some(name))) = (&subject.file, names.get(&subject.digest)) {
            subject.file = Some(name.clone());
        }
    }
}

fn count(
    questions: &[Question],
    prices: &mut Prices,
    online: &Online<'_>,
) -> Result<(), Vec<Problem>> {
    let context = sight::Context {
        store: &online.store,
        http: &online.session.http,
        reporter: online.teller,
        interrupted: &online.interrupted,
        offline: online.is_offline(),
    };
    let told = costs::count(context, &online.session.index, questions, prices);
    // What was counted is kept when the user says stop, so that the next run goes on from there.
    if let Err(error) = prices.write(online.store.state()) {
        let message = format!("the lines are counted again next time: {error}");
        online.teller.note(Note::new("costs-not-kept", message));
    }
    online.go_on()?;
    tell(&told, online.teller);
    Ok(())
}

fn tell(reasons: &[String], teller: &Teller) {
    for reason in reasons.iter().take(MOST_REASONS) {
        teller.note(Note::new("not-counted", reason.clone()));
    }
    if let Some(more) = reasons.len().checked_sub(MOST_REASONS).filter(|more| *more > 0) {
        let files = output::count(more, "more file", "more files");
        teller.note(Note::new("not-counted", format!("the lines of {files} are not known either")));
    }
}

/// Gives the prices that are known, and remembers which others were asked for.
struct Asking<'a> {
    prices: &'a Prices,
    projects: BTreeMap<Sha256, &'a ProjectName>,
    asked: RefCell<BTreeMap<FileId, BTreeSet<FileId>>>,
}

impl<'a> Asking<'a> {
    fn of(judgements: &'a [Judgement], prices: &'a Prices) -> Self {
        let projects = judgements.iter().map(|it| (it.subject.digest, &it.subject.project));
        Self { prices, projects: projects.collect(), asked: RefCell::default() }
    }

    /// What is not known and could be counted: a file without a name cannot be looked into.
    fn questions(&self) -> Vec<Question> {
        let asked = self.asked.borrow();
        let question = |(file, before): (&FileId, &BTreeSet<FileId>)| {
            let project = match self.projects.get(&file.digest) {
                Some(project) => (*project).clone(),
                None => DistributionFilename::parse(&file.name).ok()?.name().clone(),
            };
            let before = nearest(&project, file, before);
            Some(Question { project, file: file.clone(), before })
        };
        asked.iter().filter(|(file, _)| !file.name.is_empty()).filter_map(question).collect()
    }
}

impl Costs for Asking<'_> {
    fn full(&self, file: &FileId) -> Option<u64> {
        let known = self.prices.full(&file.digest);
        if known.is_none() {
            self.asked.borrow_mut().entry(file.clone()).or_default();
        }
        known
    }

    fn known(&self, file: &FileId) -> Option<u64> {
        self.prices.full(&file.digest)
    }

    fn delta(&self, from: &FileId, to: &FileId) -> Option<u64> {
        let known = self.prices.delta(&from.digest, &to.digest);
        if known.is_none() {
            self.asked.borrow_mut().entry(to.clone()).or_default().insert(from.clone());
        }
        known
    }
}

/// The plan for people. A ledger that is imported already is not added once more: its criteria are mapped.
fn text(plan: &Plan, ledger: &Ledger) -> String {
    let mut text = suggest::write(plan);
    for offer in &plan.offers {
        let is_known = ledger.imports.iter().any(|it| it.name == offer.name && it.url == offer.url);
        if is_known {
            let (url, name) = (harmless(&offer.url), harmless(&offer.name));
            let add = format!("countermark vet import add {url} --name {name}");
            let map = format!(
                "in ledger.toml, below [import.criteria] of `{name}`: what its criteria count as"
            );
            text = text.replace(&add, &map);
        }
    }
    text
}

/// Of the files that a difference could begin with, those that are most like it: for the same Pythons and
/// platforms, else any; of the nearest releases.
fn nearest(project: &ProjectName, file: &FileId, before: &BTreeSet<FileId>) -> Vec<FileId> {
    let version = |file: &FileId| Some(parse_name(project, &file.name)?.version().clone());
    let kind = |file: &FileId| file.name.splitn(3, '-').nth(2).map(str::to_owned);
    let mut versions: Vec<_> = before.iter().chain([file]).filter_map(version).collect();
    versions.sort();
    versions.dedup();
    let place = |file: &FileId| versions.iter().position(|it| version(file).as_ref() == Some(it));
    let mine = place(file);
    let mut near: Vec<&FileId> = before.iter().collect();
    near.sort_by_key(|other| {
        let distance = mine.zip(place(other)).map(|(mine, other)| mine.abs_diff(other));
        (kind(other) != kind(file), distance.unwrap_or(usize::MAX))
    });
    let has_same = near.first().is_some_and(|first| kind(first) == kind(file));
    near.into_iter().take(if has_same { MOST_BEFORE } else { 1 }).cloned().collect()
}

/// What is to be said when it was read, a line a release.
fn next(plan: &Plan, option: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for step in &plan.steps {
        let command = certify(plan, step, option);
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    if !commands.is_empty() {
        commands.insert(0, "\nthen, for what you would say with your name:".to_owned());
    }
    commands
}

/// Where other files of the release only follow, the review names the file that is read: nobody read those.
fn certify(plan: &Plan, step: &Step, option: &str) -> String {
    let release = match &step.version {
        Some(version) => format!("{}=={version}", step.project),
        None => step.project.to_string(),
    };
    let from = match &step.how {
        StepHow::Delta { version: Some(from), .. } => format!(" --from {from}"),
        StepHow::Compiled { .. } => " --compiled".to_owned(),
        StepHow::Delta { version: None, .. } | StepHow::Full => String::new(),
    };
    let others = plan
        .follow
        .iter()
        .any(|it| it.project == step.project && Some(&it.version) == step.version.as_ref());
    let file = if others { format!(" --file \"{}\"", step.file) } else { String::new() };
    format!("  countermark vet certify {release}{from}{file}{option}")
}
