//! The standing plan: who does what on the bad day, written before it comes.

use std::collections::BTreeMap;

use super::{Item, Page};
use crate::dossier::{Context, Dossier, Identity};
use crate::fact::RoleKind;
use crate::federation::Federation;
use crate::roles::{holder_left, listed, today};

/// The standing plan, from `federation.toml` and the facts.
#[must_use]
pub fn standing(context: &Context<'_>, dossiers: &[Dossier<'_>]) -> Page {
    let federation = context.federation;
    let name = federation.name.as_deref().unwrap_or("this federation");
    let mut page = Page::new(format!("When something is wrong: the plan of {name}"));
    page.add("Whom to call", people(context));
    page.add("Who can pull a release", owners(dossiers));
    page.add("Services", services(federation));
    page.add("A release must go", bad_release());
    page.add("An account is lost or taken", lost_account(context));
    page.add("A release job stopped half-way", failed_job());
    page.add("What this plan lacks", gaps(context, dossiers));
    page
}

fn people(context: &Context<'_>) -> Vec<Item> {
    let (federation, today) = (context.federation, today(context.now));
    let mut items = Vec::new();
    if let Some(contact) = &federation.contact {
        items.push(Item::Point(format!("all together: {contact}")));
    }
    for (key, person) in &federation.people {
        if person.left.is_some_and(|left| left <= today) {
            continue;
        }
        let name = person.name.as_deref().unwrap_or(key);
        let contact = person.contact.as_deref().unwrap_or("no contact is given");
        let accounts = if person.accounts.is_empty() {
            format!("`{key}`")
        } else {
            listed(person.accounts.iter().map(String::as_str))
        };
        items.push(Item::Point(format!("{name}, {contact}; on the index {accounts}")));
    }
    items
}

/// Owners, by how many of our projects they own.
fn owners(dossiers: &[Dossier<'_>]) -> Vec<Item> {
    let mut owned: BTreeMap<&str, usize> = BTreeMap::new();
    let ours = || dossiers.iter().filter(|dossier| dossier.identity == Identity::Ours);
    for dossier in ours() {
        let roles = dossier.facts.roles.as_deref().unwrap_or_default();
        for role in roles.iter().filter(|role| role.kind == RoleKind::Owner) {
            *owned.entry(&role.account).or_default() += 1;
        }
    }
    let all = ours().count();
    let mut owned: Vec<(&str, usize)> = owned.into_iter().collect();
    owned.sort_by_key(|(account, count)| (std::cmp::Reverse(*count), *account));
    let mut items: Vec<Item> = owned
        .iter()
        .map(|(account, count)| Item::Point(format!("`{account}` owns {count} of {all} projects")))
        .collect();
    let text = "Only owners can yank, delete and change roles; maintainers can only upload. \
                `countermark roles` shows each project.";
    if !items.is_empty() {
        items.push(Item::Sentence(text.to_owned()));
    }
    items
}

fn services(federation: &Federation) -> Vec<Item> {
    let line = |service: &crate::federation::Service| {
        let url = service.url.as_deref().map_or_else(String::new, |url| format!(", {url}"));
        let account =
            service.account.as_deref().map_or_else(String::new, |it| format!(", account `{it}`"));
        let holders = if service.holders.is_empty() {
            "nobody is named who holds it".to_owned()
        } else {
            format!("held by {}", service.holders.join(", "))
        };
        Item::Point(format!("{} ({}{url}{account}): {holders}", service.name, service.kind))
    };
    federation.services.iter().map(line).collect()
}

fn bad_release() -> Vec<Item> {
    [
        "Whoever sees it tells the contact above; one person leads from then on.",
        "Stop the jobs that publish the project.",
        "`countermark incident PROJECT VERSION --pins FILE…` writes the plan for it, with who can \
         act and what to yank.",
        "Keep copies, yank, revoke what it came in through, tell those who have it; delete last, if \
         at all.",
        "Write every step into a log: `countermark incident log --log FILE --who NAME WHAT`",
    ]
    .into_iter()
    .map(|text| Item::Task(text.to_owned()))
    .collect()
}

fn lost_account(context: &Context<'_>) -> Vec<Item> {
    let names: Vec<String> =
        context.release_accounts.iter().map(|it| format!("`--account {it}`")).collect();
    let which = if names.is_empty() { "`--account NAME`".to_owned() } else { names.join(", ") };
    [
        format!("`countermark incident` with {which} says what it reaches and who is locked out."),
        "Another owner removes it from every project, at once.".to_owned(),
        "Whoever still has access ends its sessions and revokes its tokens.".to_owned(),
        "`countermark audit` over all projects: what was uploaded since is suspect.".to_owned(),
    ]
    .into_iter()
    .map(Item::Task)
    .collect()
}

fn failed_job() -> Vec<Item> {
    [
        "`countermark incident --failed-job PROJECT VERSION` says what is half published, also of \
         what was approved with it.",
        "Upload what is missing from the kept artifacts; never the same file name with other bytes.",
    ]
    .into_iter()
    .map(|text| Item::Task(text.to_owned()))
    .collect()
}

/// What somebody would miss on the bad day.
fn gaps(context: &Context<'_>, dossiers: &[Dossier<'_>]) -> Vec<Item> {
    let (federation, today) = (context.federation, today(context.now));
    let mut items = Vec::new();
    let mut point = |text: String| items.push(Item::Point(text));
    if federation.contact.is_none() {
        point("no `contact` in `federation.toml`: nobody outside knows whom to tell".to_owned());
    }
    if context.accounts_assumed {
        point("the accounts that upload are assumed; name them under `[accounts]`".to_owned());
    }
    for service in &federation.services {
        let left = |holder: &&String| {
            holder_left(federation, holder, today).is_some()
                || federation
                    .people
                    .get(*holder)
                    .is_some_and(|it| it.left.is_some_and(|left| left <= today))
        };
        let (gone, here): (Vec<&String>, Vec<&String>) = service.holders.iter().partition(left);
        for holder in gone {
            point(format!("{}: {holder} holds it and has left", service.name));
        }
        match here.len() {
            0 => point(format!("{}: nobody is named who holds it", service.name)),
            1 => point(format!("{}: only {} holds it", service.name, here[0])),
            _ => {}
        }
    }
    let owners = |dossier: &&Dossier<'_>| {
        let roles = dossier.facts.roles.as_deref();
        roles.map(|roles| roles.iter().filter(|role| role.kind == RoleKind::Owner).count())
    };
    let ours: Vec<&Dossier<'_>> =
        dossiers.iter().filter(|dossier| dossier.identity == Identity::Ours).collect();
    let single = ours.iter().filter(|dossier| owners(dossier) == Some(1)).count();
    let none = ours.iter().filter(|dossier| owners(dossier) == Some(0)).count();
    let unknown = ours.iter().filter(|dossier| owners(dossier).is_none()).count();
    if single > 0 {
        point(format!("{single} projects have one owner: without that account nobody can act"));
    }
    if none > 0 {
        point(format!("{none} projects have no owner at all"));
    }
    if unknown > 0 {
        point(format!("of {unknown} projects the owners are not known"));
    }
    items
}
