//! `vet prune`: a ledger without what it does not need any more.
//!
//! Only what changes no answer about the locks that are named goes: exemptions, facts, relations. What
//! people decided (imports, own reviews, publishers) is named and stays, and so are reviews, which others
//! may take in, unless `--reviews` is given.

use std::collections::{BTreeMap, BTreeSet};

use countermark_client::ledger::Loaded;
use countermark_client::report::Problem;
use countermark_ledger::ledger::{Exemption, Ledger};
use countermark_ledger::review::Review;
use countermark_ledger::upkeep::{Cut, Idle, Needless, needless_of};
use countermark_packaging::name::ProjectName;

use super::subjects::Subjects;
use super::{ground, place, subjects};
use crate::cli::OutputArgs;
use crate::cli::vet::PruneArgs;
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;
use crate::setup;

/// Runs the command.
pub(super) fn run(arguments: &PruneArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let subjects = subjects::read(&arguments.subjects)?;
    let folder = place::find(&arguments.ledger, &subjects.folder)?;
    let held = ground::hold(&folder, &setup::interrupted())?;
    let read = place::read(&arguments.ledger, &subjects.folder, &arguments.subjects.store)?;
    let loaded = &read.opened.loaded;
    let found = read.opened.ask(place::today(&arguments.ledger), |checker| {
        needless_of(checker, &loaded.facts, &loaded.relations.0, &subjects.files)
    });
    let kept: Vec<Review> = if arguments.reviews { kept(loaded, &subjects) } else { Vec::new() };
    let gone = if arguments.reviews { loaded.reviews.len() - kept.len() } else { 0 };
    say(loaded, &found, gone, &subjects, &teller);
    if arguments.dry_run {
        teller.line("nothing was written");
        return Ok(0);
    }
    if !found.exemptions.is_empty() {
        let mut edit = ground::edit(&folder)?;
        cut(&mut edit, &found.exemptions).map_err(|errors| ground::told(&errors))?;
        held.write_ledger(edit.text())?;
    }
    let one = |problem: Box<Problem>| vec![*problem];
    if found.facts != loaded.facts {
        held.write_facts(&found.facts).map_err(one)?;
    }
    if found.relations != loaded.relations.0 {
        let mut relations = loaded.relations.clone();
        relations.0.clone_from(&found.relations);
        held.write_relations(&relations).map_err(one)?;
    }
    if gone > 0 {
        held.write_reviews(&kept).map_err(one)?;
    }
    Ok(0)
}

/// Takes exemptions away, and files out of those that stay.
fn cut(
    edit: &mut countermark_ledger::format::edit::Edit,
    cuts: &[Cut],
) -> Result<(), Vec<countermark_packaging::lock::SourceError>> {
    let by_number: BTreeMap<usize, &Cut> = cuts.iter().map(|cut| (cut.number, cut)).collect();
    let mut number = 0;
    edit.change(|it: &Exemption| {
        let cut = by_number.get(&number).filter(|cut| !cut.left.is_empty());
        number += 1;
        cut.map(|cut| Exemption { files: cut.left.clone(), ..it.clone() })
    })?;
    let whole: Vec<Exemption> = edit
        .ledger()
        .exemptions
        .iter()
        .enumerate()
        .filter(|(number, _)| by_number.get(number).is_some_and(|cut| cut.left.is_empty()))
        .map(|(_, it)| it.clone())
        .collect();
    edit.remove(|it: &Exemption| whole.contains(it)).map(drop)
}

/// Our reviews of projects that are locked.
fn kept(loaded: &Loaded, subjects: &Subjects) -> Vec<Review> {
    let projects: BTreeSet<&ProjectName> = subjects.files.iter().map(|it| &it.project).collect();
    let reviews = loaded.reviews.iter().map(|entry| entry.review);
    reviews.filter(|review| projects.contains(&review.project)).collect()
}

fn say(loaded: &Loaded, found: &Needless, reviews: usize, subjects: &Subjects, teller: &Teller) {
    let ledger = &loaded.ledger;
    for cut in &found.exemptions {
        let Exemption { project, version, .. } = &ledger.exemptions[cut.number];
        let names: Vec<&str> = cut.gone.iter().map(|it| it.name.as_str()).collect();
        let part = if cut.left.is_empty() { "" } else { ", in part" };
        teller.line(&format!("- exemption of {project} {version}{part}: {}", names.join(", ")));
    }
    let facts = loaded.facts.files.len() - found.facts.files.len();
    let roles = loaded.facts.roles.len() - found.facts.roles.len();
    let relations = loaded.relations.0.len() - found.relations.len();
    for (count, one, many) in [
        (facts, "file nobody locks", "files nobody locks"),
        (roles, "project nobody locks", "projects nobody locks"),
    ] {
        if count > 0 {
            teller.line(&format!("- facts about {}", output::count(count, one, many)));
        }
    }
    if relations > 0 {
        teller.line(&format!("- {}", output::count(relations, "relation", "relations")));
    }
    if reviews > 0 {
        let reviews = output::count(reviews, "review", "reviews");
        teller.line(&format!("- {reviews} of projects nobody locks"));
    }
    let is_clean = found.exemptions.is_empty() && facts + roles + relations + reviews == 0;
    if is_clean {
        teller.line(&format!("all of it is needed for {}", subjects.of));
    }
    if !found.waiting.is_empty() {
        let count = output::count(found.waiting.len(), "project", "projects");
        teller.line(&format!(
            "of {count} a file does not pass yet: exemptions stay for differences to start from"
        ));
        teller.line("hint: `countermark vet suggest`, and prune when `countermark vet` says yes");
    }
    for idle in &found.idle {
        teller.line(&output::visible(&idle_line(ledger, idle)));
    }
}

/// What people may want to take out by themselves.
fn idle_line(ledger: &Ledger, idle: &Idle) -> String {
    match idle {
        Idle::Import(number) => {
            let it = &ledger.imports[*number];
            format!("the import `{}` brings nothing for these files ({})", it.name, it.place)
        }
        Idle::OwnReviews(number) => {
            let it = &ledger.own_reviews[*number];
            format!("own reviews of {} bring nothing for these files ({})", it.author, it.place)
        }
        Idle::Trusted(number) => {
            let it = &ledger.trusted[*number];
            format!("trust in {} brings nothing for these files ({})", it.publisher, it.place)
        }
    }
}
