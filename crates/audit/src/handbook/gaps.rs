//! What a handbook needs and `federation.toml` does not say.

use std::collections::BTreeSet;

use countermark_packaging::name::ProjectName;

use super::markdown::{code, codes, plain};
use crate::federation::{Federation, Person, Service};
use crate::roles::same_account;

/// Something that is not written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What a reader of the handbook cannot learn; Markdown, lower case.
    pub missing: String,
    /// What to write for it, as it stands in the file.
    pub key: String,
}

/// Everything that is not written down, in the order of the handbook.
#[must_use]
pub fn gaps(federation: &Federation) -> Vec<Gap> {
    let mut gaps = Gaps::default();
    gaps.contacts(federation);
    gaps.accounts(federation);
    for service in &federation.services {
        gaps.service(federation, service);
    }
    if !federation.services.iter().any(|service| service.kind == "index") {
        gaps.add(
            "who can sign in to the index with the accounts that upload",
            "[[service]] kind = \"index\"",
        );
    }
    if !federation.services.iter().any(|service| service.kind == "forge") {
        gaps.add("who administers the forge where the sources are", "[[service]] kind = \"forge\"");
    }
    for fact in federation.custody.iter().filter(|fact| fact.approved_by.is_none()) {
        let project = code(fact.project.as_str());
        gaps.add(format!("who decided on the custody of {project}"), "[[custody]] approved-by");
    }
    gaps.found
}

#[derive(Default)]
struct Gaps {
    found: Vec<Gap>,
}

impl Gaps {
    fn add(&mut self, missing: impl Into<String>, key: impl Into<String>) {
        self.found.push(Gap { missing: missing.into(), key: key.into() });
    }

    fn contacts(&mut self, federation: &Federation) {
        if federation.name.is_none() {
            self.add("what the federation is called", "[federation] name");
        }
        if federation.contact.is_none() {
            self.add("where a bad release is reported", "[federation] contact");
        }
        if federation.people.is_empty() {
            self.add("who the people are", "[people.NAME]");
        }
        let silent = |person: &Person| person.left.is_none() && person.contact.is_none();
        for (key, _) in federation.people.iter().filter(|(_, person)| silent(person)) {
            self.add(format!("how {} is reached", code(key)), format!("[people.{key}] contact"));
        }
        if federation.records.is_empty() {
            self.add("where the official releases are recorded", "[[records]]");
        }
    }

    fn accounts(&mut self, federation: &Federation) {
        let accounts = &federation.accounts;
        if accounts.release.is_empty() {
            self.add("which account uploads releases", "[accounts] release");
        }
        // Whoever holds the account that uploads is one more person only if a service says so.
        let personal: BTreeSet<&String> = accounts.owners.difference(&accounts.release).collect();
        if personal.is_empty() {
            self.add(
                "who owns the projects beside the account that uploads, for the day when that is lost",
                "[accounts] owners",
            );
        }
        let unknown: Vec<&String> = personal
            .into_iter()
            .chain(&accounts.maintainers)
            .filter(|account| person_of(federation, account).is_none())
            .collect();
        if !unknown.is_empty() {
            self.add(format!("whose accounts {} are", codes(unknown)), "[people.NAME] accounts");
        }
        for exception in accounts.exceptions.iter().filter(|exception| exception.reason.is_none()) {
            let projects = exception.projects.iter().map(ProjectName::as_str);
            let whom = projects.chain(exception.teams.iter().map(String::as_str));
            let missing = format!("why other accounts are expected for {}", codes(whom));
            self.add(missing, "[[accounts.exception]] reason");
        }
    }

    fn service(&mut self, federation: &Federation, service: &Service) {
        let name = plain(&service.name);
        let key = "[[service]] holders";
        match service.holders.as_slice() {
            [] => self.add(format!("who can sign in to {name}"), key),
            [one] if !is_team(federation, one) => {
                self.add(format!("who can sign in to {name} when {} is away", plain(one)), key);
            }
            _ => {}
        }
        for holder in &service.holders {
            match holder_of(federation, holder) {
                Some(person) if person.left.is_some() => {
                    let missing = format!("who holds {name} now that {} left", plain(holder));
                    self.add(missing, key);
                }
                None if !is_team(federation, holder) => {
                    let missing = format!("who {} is, who holds {name}", plain(holder));
                    self.add(missing, "[people.NAME]");
                }
                _ => {}
            }
        }
    }
}

/// The person with this account.
pub(super) fn person_of<'a>(
    federation: &'a Federation,
    account: &str,
) -> Option<(&'a str, &'a Person)> {
    let holds = |key: &str, person: &Person| {
        person.accounts.iter().any(|it| same_account(it, account))
            || person.accounts.is_empty() && same_account(key, account)
    };
    let found = federation.people.iter().find(|(key, person)| holds(key, person));
    found.map(|(key, person)| (key.as_str(), person))
}

/// The person that a holder of a service is: by key, name or account.
pub(super) fn holder_of<'a>(federation: &'a Federation, holder: &str) -> Option<&'a Person> {
    let named = |person: &&Person| person.name.as_deref() == Some(holder);
    federation
        .people
        .get(holder)
        .or_else(|| federation.people.values().find(named))
        .or_else(|| person_of(federation, holder).map(|(_, person)| person))
}

fn is_team(federation: &Federation, holder: &str) -> bool {
    let team = |teams: &BTreeSet<String>| teams.contains(holder);
    federation.people.values().any(|person| person.left.is_none() && team(&person.teams))
        || federation.accounts.exceptions.iter().any(|exception| team(&exception.teams))
}
