//! `vet renew`: what ends soon, and trust that goes on.
//!
//! Only the trust in a publisher is extended here. A review is renewed by reading again and signing anew,
//! and a key by whoever has it; for those the command says what to run.

use countermark_client::report::Problem;
use countermark_ledger::ledger::TrustedPublisher;
use countermark_ledger::upkeep::{Due, DueKind, due};
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use jiff::Span;
use jiff::civil::Date;

use super::{ground, place};
use crate::cli::OutputArgs;
use crate::cli::vet::RenewArgs;
use crate::commands::Outcome;
use crate::output;
use crate::progress::Teller;
use crate::setup;

/// Runs the command.
pub(super) fn run(arguments: &RenewArgs, output: &OutputArgs) -> Outcome {
    match &arguments.name {
        Some(name) => extend(name, arguments, output),
        None => show(arguments),
    }
}

/// What ends soon.
fn show(arguments: &RenewArgs) -> Outcome {
    let folder = place::find(&arguments.ledger, &ground::start(None)?)?;
    let (ledger, reviews) = (folder.read_ledger()?, folder.read_reviews()?);
    let today = place::today(&arguments.ledger);
    let days = Span::new().days(i64::from(arguments.expiring));
    let last = today.checked_add(days).unwrap_or(Date::MAX);
    let own = reviews.iter().map(|entry| (entry.review, entry.place));
    let found = due(&ledger, own, last);
    if found.is_empty() {
        output::print(&format!("nothing ends before {last}"));
    }
    for one in &found {
        for line in lines(one, today) {
            output::print(&output::visible(&line));
        }
    }
    Ok(0)
}

fn lines(one: &Due, today: Date) -> Vec<String> {
    let when = if one.until < today { "ended" } else { "ends" };
    let (what, command) = match &one.kind {
        DueKind::Trusted(_) => {
            let publisher = one.what.split(' ').next().unwrap_or_default();
            let renew = format!("countermark vet renew '{publisher}' --until DATE --reason TEXT");
            ("trust in", renew)
        }
        DueKind::Key => ("key of", "its owner makes another: countermark vet key".to_owned()),
        DueKind::ImportKey(name) => ("key of", format!("countermark vet import {name}")),
        DueKind::Review { release } => ("review of", format!("countermark vet certify {release}")),
        DueKind::Age { release } => ("old review of", format!("countermark vet certify {release}")),
    };
    vec![
        format!("{} {when}: {what} {} ({})", one.until, one.what, one.place),
        format!("  {command}"),
    ]
}

/// Trust that goes on.
fn extend(name: &str, arguments: &RenewArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    // Both are required with a name.
    let (Some(until), Some(reason)) = (arguments.until, arguments.reason.as_deref()) else {
        return Err(ground::bad("`--until` and `--reason` say until when, and why"));
    };
    let reason = ground::reason(reason)?;
    let until = ground::last_day(until, place::today(&arguments.ledger))?;
    let folder = place::find(&arguments.ledger, &ground::start(None)?)?;
    let held = ground::hold(&folder, &setup::interrupted())?;
    let mut edit = ground::edit(&folder)?;
    let project = ProjectName::parse(name).ok();
    let is_meant = |it: &TrustedPublisher| {
        let of_project = |name| it.projects.iter().any(|pattern| pattern.matches(name));
        it.publisher == name || project.as_ref().is_some_and(of_project)
    };
    let meant: Vec<TrustedPublisher> =
        edit.ledger().trusted.iter().filter(|it| is_meant(it)).cloned().collect();
    if meant.is_empty() {
        let message = format!("nobody is trusted who is called `{name}` or publishes it");
        let problem = Problem::new("trust-unknown", Class::Usage, message);
        return Err(vec![problem.with_hint("`countermark vet trust` begins to")]);
    }
    if let Some(later) = meant.iter().find(|it| it.until > until) {
        let message = format!("{} is trusted until {} already", later.publisher, later.until);
        return Err(vec![Problem::new("trust-known", Class::Usage, message).at(&later.place)]);
    }
    let change = |it: &TrustedPublisher| {
        is_meant(it).then(|| TrustedPublisher { until, reason: reason.clone(), ..it.clone() })
    };
    edit.change(change).map_err(|errors| ground::told(&errors))?;
    held.write_ledger(edit.text())?;
    for one in &meant {
        let line = format!("{} is trusted until {until}, was {}", one.publisher, one.until);
        teller.line(&output::visible(&line));
    }
    Ok(0)
}
