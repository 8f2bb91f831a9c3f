//! What an account reaches, and who is locked out when it is lost.

use countermark_packaging::name::ProjectName;

use super::{Item, Page, Unknown, near};
use crate::dossier::Dossier;
use crate::fact::{Presence, RoleKind};
use crate::federation::{Federation, Person};
use crate::roles::{holder_left, listed, same_account, today};

/// More names than this are counted.
const NAMED: usize = 60;

/// The page about one account.
///
/// # Errors
/// When the account is nowhere.
pub fn account(
    name: &str,
    federation: &Federation,
    dossiers: &[Dossier<'_>],
) -> Result<Page, Unknown> {
    let reach = Reach::of(name, dossiers);
    let services = services(name, federation);
    if reach.owned.is_empty() && reach.uploads.is_empty() && services.is_empty() {
        let roles = dossiers.iter().filter_map(|it| it.facts.roles.as_ref()).flatten();
        let people = federation.people.values().flat_map(|person| &person.accounts);
        let accounts = roles.map(|role| role.account.as_str()).chain(people.map(String::as_str));
        let near = near(name, accounts);
        return Err(Unknown::Account { name: name.to_owned(), known: dossiers.len(), near });
    }
    let mut page = Page::new(format!("What the account `{name}` reaches"));
    page.add("Whose it is", holders(name, federation));
    page.add("Projects", projects(&reach));
    page.add("Services", services.into_iter().map(Item::Point).collect());
    page.add("If it is lost", lost(name, &reach));
    page.add("If somebody else has it", stolen(name, &reach));
    Ok(page)
}

/// What an account can do, by project.
#[derive(Default)]
struct Reach<'a> {
    owned: Vec<&'a ProjectName>,
    uploads: Vec<&'a ProjectName>,
    /// Nobody else owns these.
    alone: Vec<&'a ProjectName>,
    /// Only people whom nobody expects own these beside it.
    with_strangers: Vec<&'a ProjectName>,
    /// Who else owns the others, together.
    others: Vec<&'a str>,
    /// Who else owns some of them, and is not expected to.
    strangers: Vec<&'a str>,
    unread: usize,
}

impl<'a> Reach<'a> {
    fn of(account: &str, dossiers: &'a [Dossier<'_>]) -> Self {
        let mut reach = Self::default();
        for dossier in dossiers {
            let Some(roles) = &dossier.facts.roles else {
                reach.unread += usize::from(dossier.facts.presence != Presence::Absent);
                continue;
            };
            let owners: Vec<&str> = roles
                .iter()
                .filter(|role| role.kind == RoleKind::Owner)
                .map(|role| role.account.as_str())
                .collect();
            let (mine, others): (Vec<&str>, Vec<&str>) =
                owners.iter().partition(|owner| same_account(owner, account));
            if !mine.is_empty() {
                reach.owned.push(dossier.name);
                let none = others.is_empty();
                // Without expectations nobody is a stranger.
                let (trusted, strangers): (Vec<&str>, Vec<&str>) = others
                    .into_iter()
                    .partition(|it| !dossier.knows_expected() || is_trusted(dossier, it));
                if none {
                    reach.alone.push(dossier.name);
                } else if trusted.is_empty() {
                    reach.with_strangers.push(dossier.name);
                }
                reach.others.extend(trusted);
                reach.strangers.extend(strangers);
            } else if roles.iter().any(|role| same_account(&role.account, account)) {
                reach.uploads.push(dossier.name);
            }
        }
        for accounts in [&mut reach.others, &mut reach.strangers] {
            accounts.sort_unstable();
            accounts.dedup();
        }
        reach
    }

    /// Whether each project has another owner whom we can ask.
    fn is_covered(&self) -> bool {
        self.alone.is_empty() && self.with_strangers.is_empty()
    }
}

/// Whether somebody may be asked to act for us on a project.
fn is_trusted(dossier: &Dossier<'_>, account: &str) -> bool {
    let context = dossier.context;
    let expected = dossier.expected.owners.iter().chain(&dossier.expected.maintainers);
    let mut expected = expected.chain(&context.release_accounts);
    let day = today(context.now);
    let mut kept = context.federation.kept.iter().filter(|it| it.expires >= day);
    let is_expected = expected.any(|it| same_account(it, account))
        || kept.any(|it| it.project == *dossier.name && same_account(&it.account, account));
    is_expected && holder_left(context.federation, account, day).is_none()
}

fn holders(name: &str, federation: &Federation) -> Vec<Item> {
    let mut items = Vec::new();
    for (key, person) in &federation.people {
        let holds = person.accounts.iter().any(|it| same_account(it, name))
            || person.accounts.is_empty() && same_account(key, name);
        if holds {
            items.push(Item::Point(describe(key, person)));
        }
    }
    for service in &federation.services {
        if service.account.as_deref().is_some_and(|it| same_account(it, name)) {
            let who = match &service.holders[..] {
                [] => "nobody is named who holds it".to_owned(),
                holders => format!("held by {}", holders.join(", ")),
            };
            items.push(Item::Point(format!("{}: {who}", service.name)));
        }
    }
    if items.is_empty() {
        let text = "`federation.toml` does not say; write it under `[people]`, or as a service with \
                    its holders.";
        items.push(Item::Sentence(text.to_owned()));
    }
    items
}

fn describe(key: &str, person: &Person) -> String {
    let mut text = person.name.as_deref().unwrap_or(key).to_owned();
    if let Some(contact) = &person.contact {
        text.push_str(&format!(", {contact}"));
    }
    if let Some(left) = person.left {
        text.push_str(&format!("; left on {left}"));
    }
    text
}

fn services(name: &str, federation: &Federation) -> Vec<String> {
    let held = |service: &&crate::federation::Service| {
        service.account.as_deref().is_some_and(|it| same_account(it, name))
            || service.holders.iter().any(|it| same_account(it, name))
    };
    let services = federation.services.iter().filter(held);
    services
        .map(|service| {
            let url = service.url.as_deref().map_or_else(String::new, |url| format!(", {url}"));
            let note = service.note.as_deref().map_or_else(String::new, |it| format!(": {it}"));
            format!("{} ({}{url}){note}", service.name, service.kind)
        })
        .collect()
}

fn projects(reach: &Reach<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut add = |what: &str, names: &[&ProjectName]| {
        if !names.is_empty() {
            items.push(Item::Point(format!(
                "{what} {}: {}",
                projects_of(names.len()),
                shown(names)
            )));
        }
    };
    add("can upload, yank, delete and change roles on", &reach.owned);
    add("can upload to", &reach.uploads);
    if reach.unread > 0 {
        let text = format!("Of {} the roles are not known.", projects_of(reach.unread));
        items.push(Item::Sentence(text));
    }
    items
}

fn shown(names: &[&ProjectName]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(|name| name.as_str()).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn lost(name: &str, reach: &Reach<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    if !reach.alone.is_empty() {
        let text = format!(
            "Nobody can manage {} any more, because nobody else owns them: {}",
            projects_of(reach.alone.len()),
            shown(&reach.alone)
        );
        items.push(Item::Sentence(text));
    }
    if !reach.with_strangers.is_empty() {
        let text = format!(
            "Only people whom nobody expects can manage {}: {} ({})",
            projects_of(reach.with_strangers.len()),
            shown(&reach.with_strangers),
            listed(reach.strangers.iter().copied())
        );
        items.push(Item::Sentence(text));
    }
    if reach.is_covered() {
        let text = "No project is locked: each that it owns has another owner whom we expect.";
        items.push(Item::Sentence(text.to_owned()));
    } else {
        let text = "Ask the index's support to recover the account, from the mail address that it \
                    is registered with; if that is lost too, for the names (PEP 541).";
        items.push(Item::Task(text.to_owned()));
    }
    if !reach.others.is_empty() {
        let others = listed(reach.others.iter().copied());
        items.push(Item::Task(format!("Have {others} remove `{name}` and add its successor.")));
    }
    if !reach.is_covered() {
        let text = "Then add a second owner to each of them, kept apart from the first.";
        items.push(Item::Task(text.to_owned()));
    }
    items
}

fn projects_of(count: usize) -> String {
    format!("{count} {}", if count == 1 { "project" } else { "projects" })
}

fn stolen(name: &str, reach: &Reach<'_>) -> Vec<Item> {
    let remove = if reach.others.is_empty() {
        "Nobody else whom we expect can remove it: ask the index's security contact to freeze the account."
            .to_owned()
    } else {
        let others = listed(reach.others.iter().copied());
        format!("Have {others} remove it from every project that they own, at once.")
    };
    let mut tasks = vec![
        remove,
        format!(
            "Whoever still has access to `{name}`: change its password, end its sessions, replace \
             its second factors and recovery codes, revoke every token."
        ),
        "On each project that it owns, look at the list of trusted publishers and of roles: remove \
         what nobody of ours put there. The index shows them to owners only."
            .to_owned(),
        "Run `countermark audit`: every release since the day on which it was taken is suspect."
            .to_owned(),
        "Replace the secrets of the services above, and of everything that had a token of it."
            .to_owned(),
    ];
    if !reach.alone.is_empty() {
        tasks.push(format!(
            "It is the only owner of {}: tell the index's security contact which.",
            projects_of(reach.alone.len())
        ));
    }
    tasks.into_iter().map(Item::Task).collect()
}
