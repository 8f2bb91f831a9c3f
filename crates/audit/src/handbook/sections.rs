//! The sections of the handbook, one function each.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use countermark_packaging::name::ProjectName;

use super::custody_words;
use super::gaps::{gaps, holder_of, person_of};
use super::markdown::{code, codes, joined, plain, steps, table};
use crate::federation::{Acceptance, CustodyFact, Federation, RecordsEntry};

// Writing to a string cannot fail; the results are dropped.

const UNKNOWN: &str = "not written down";

pub(super) fn opening(text: &mut String, federation: &Federation) {
    let name = federation.name.as_deref().map_or_else(|| "the federation".to_owned(), plain);
    let _ = write!(
        text,
        "# Handbook of {name}\n\n\
         This page is made of `federation.toml` by `countermark handbook`. Change that file, in a \
         review as for any other change, and make the page again; \
         `countermark handbook --check` says when one was forgotten, and where the index differs \
         from what is written here.\n\n"
    );
}

pub(super) fn contacts(text: &mut String, federation: &Federation) {
    let contact = federation.contact.as_deref().map_or_else(|| UNKNOWN.to_owned(), plain);
    let _ = writeln!(
        text,
        "A release that should not be there, a lost account, a question about a name: {contact}.\n"
    );
    let here = federation.people.iter().filter(|(_, person)| person.left.is_none());
    let rows: Vec<[String; 4]> = here
        .map(|(key, person)| {
            let own = [key.clone()].into();
            let accounts = if person.accounts.is_empty() { &own } else { &person.accounts };
            [
                plain(person.name.as_deref().unwrap_or(key)),
                codes(accounts),
                plain(&person.teams.iter().cloned().collect::<Vec<_>>().join(", ")),
                person.contact.as_deref().map_or_else(|| UNKNOWN.to_owned(), plain),
            ]
        })
        .collect();
    table(text, ["who", "accounts", "teams", "reached at"], &rows, "No people are written down.");
    let left: Vec<String> = federation
        .people
        .iter()
        .filter_map(|(key, person)| {
            let name = plain(person.name.as_deref().unwrap_or(key));
            Some(format!("{name} on {}", person.left?))
        })
        .collect();
    if !left.is_empty() {
        let _ = writeln!(text, "\nLeft, and to hold no role any more: {}.", joined(left));
    }
}

pub(super) fn releases(text: &mut String, federation: &Federation) {
    text.push_str(
        "A release is official when the records name it. Whatever else appears on the index under a \
         name of ours is looked at by a person.\n\n",
    );
    let place = |entry: &RecordsEntry| {
        entry.path.as_deref().or(entry.url.as_deref()).map_or_else(String::new, code)
    };
    let project = |entry: &RecordsEntry| {
        entry.project.as_ref().map_or_else(|| "all".to_owned(), |name| code(name.as_str()))
    };
    let rows: Vec<[String; 3]> = federation
        .records
        .iter()
        .map(|entry| [plain(&entry.kind), place(entry), project(entry)])
        .collect();
    table(
        text,
        ["records", "where", "projects"],
        &rows,
        "Where the records are is not written down.",
    );
    if !federation.names.is_empty() {
        let names = codes(federation.names.iter().map(ProjectName::as_str));
        let _ = writeln!(text, "\nWe also hold the names {names}.");
    }
    if !federation.excluded.is_empty() {
        let names = codes(federation.excluded.iter().map(ProjectName::as_str));
        let _ = writeln!(text, "\nIn the records, but released by others: {names}.");
    }
    let limits = &federation.thresholds;
    let before = match limits.days_before_approval {
        0 => "never before it".to_owned(),
        days => format!("at most {} before it", count(days, "day")),
    };
    let _ = writeln!(
        text,
        "\nThe files of a release are uploaded within {} of its approval, {before}, and all of them \
         within {} of the first.",
        count(limits.days_after_approval, "day"),
        count(limits.late_hours, "hour"),
    );
}

fn count(number: i64, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

pub(super) fn roles(text: &mut String, federation: &Federation) {
    let accounts = &federation.accounts;
    let all = |names: &BTreeSet<String>| {
        if names.is_empty() { "nobody by name".to_owned() } else { codes(names) }
    };
    let uploads =
        if accounts.release.is_empty() { UNKNOWN.to_owned() } else { codes(&accounts.release) };
    let rows = [
        ["uploads releases".to_owned(), uploads],
        ["Owner: uploads, yanks, deletes, changes roles".to_owned(), all(&accounts.owners)],
        ["Maintainer: uploads".to_owned(), all(&accounts.maintainers)],
    ];
    table(text, ["on every project", "accounts"], &rows, "");
    if let Some(organization) = &accounts.organization {
        let _ = writeln!(
            text,
            "\nEvery project belongs to the organisation {} on the index; its owners can do \
             everything.",
            code(organization)
        );
    }
    text.push_str(
        "\nNobody else holds a role. One who needs it for a time gets it with an entry below; one who \
         leaves gives it back the same day. Roles are added and removed so that somebody of ours is an \
         owner at every moment: first add, then remove; `countermark roles --todo` has the order. Every \
         account has a second factor.\n\n",
    );
    let rows: Vec<[String; 4]> = accounts
        .exceptions
        .iter()
        .map(|exception| {
            let projects = exception.projects.iter().map(|name| code(name.as_str()));
            let teams = exception.teams.iter().map(|team| format!("team {}", plain(team)));
            let expected = |set: &Option<BTreeSet<String>>| {
                set.as_ref().map_or_else(|| "as above".to_owned(), &all)
            };
            [
                joined(projects.chain(teams).collect()),
                expected(&exception.owners),
                expected(&exception.maintainers),
                exception.reason.as_deref().map_or_else(|| UNKNOWN.to_owned(), plain),
            ]
        })
        .collect();
    let head = ["otherwise for", "owners", "maintainers", "why"];
    table(text, head, &rows, "There are no exceptions for projects or teams.");
    text.push('\n');
    let rows: Vec<[String; 6]> = federation
        .kept
        .iter()
        .map(|kept| {
            [
                code(kept.project.as_str()),
                code(&kept.account),
                plain(kept.role.as_deref().unwrap_or("any")),
                plain(&kept.approved_by),
                kept.expires.to_string(),
                plain(&kept.reason),
            ]
        })
        .collect();
    let head = ["kept for a time on", "account", "role", "approved by", "until", "why"];
    table(text, head, &rows, "No personal role is kept.");
}

pub(super) fn services(text: &mut String, federation: &Federation) {
    let rows: Vec<[String; 5]> = federation
        .services
        .iter()
        .map(|service| {
            let address = service.url.as_deref().map_or_else(String::new, plain);
            let account = service.account.as_deref().map_or_else(String::new, code);
            let holders = service.holders.iter().map(|holder| {
                let person = holder_of(federation, holder);
                plain(person.and_then(|person| person.name.as_deref()).unwrap_or(holder))
            });
            let holders: Vec<String> = holders.collect();
            let held = if holders.is_empty() { UNKNOWN.to_owned() } else { joined(holders) };
            let note = service.note.as_deref().map_or_else(String::new, plain);
            let what = format!("{} ({})", plain(&service.name), plain(&service.kind));
            [what, address, account, held, note]
        })
        .collect();
    let head = ["service", "address", "account", "who can sign in", "note"];
    table(text, head, &rows, "What is held in common is not written down.");
    text.push_str(
        "\nTwo people can sign in to each of them, each with a second factor of their own. When one \
         leaves, another is found first, then passwords, tokens and recovery codes are made anew.\n",
    );
}

/// The accounts that own a new project.
fn new_owners(federation: &Federation) -> String {
    let accounts = &federation.accounts;
    let owners = if accounts.owners.is_empty() { &accounts.release } else { &accounts.owners };
    if owners.is_empty() { "the accounts of section 3".to_owned() } else { codes(owners) }
}

fn uploader(federation: &Federation) -> String {
    let release = &federation.accounts.release;
    if release.is_empty() { "the account that uploads".to_owned() } else { codes(release) }
}

pub(super) fn joining(text: &mut String, federation: &Federation) {
    let mut list = vec![
        "The name is free on the index, or its owner gives it to us; it does not look like a name of \
         somebody else. An audit with a list of popular names says so."
            .to_owned(),
        format!(
            "An owner of today adds {} with the role of section 3{}.",
            new_owners(federation),
            federation.accounts.organization.as_ref().map_or_else(String::new, |name| format!(
                " and moves the project into the organisation {}",
                code(name)
            ))
        ),
        format!(
            "Tokens and trusted publishers of before are deleted; from then on {} uploads.",
            uploader(federation)
        ),
        "The owners of before are removed, or kept for a time with a `[[keep]]` entry that says why."
            .to_owned(),
        "`federation.toml` gets a `[[custody]]` entry with `state = \"ours\"` and the day, or \
         `\"shared\"` when others go on releasing too; the records get the project."
            .to_owned(),
        "The next audit has no finding about the project.".to_owned(),
    ];
    if federation.records.is_empty() {
        list.insert(4, "Where its releases are recorded is agreed on.".to_owned());
    }
    steps(text, &list);
}

pub(super) fn leaving(text: &mut String, federation: &Federation) {
    text.push_str("A project that is given to others:\n\n");
    let uploader = uploader(federation);
    steps(
        text,
        &[
            "The new owners are named in a decision that is written down; an account whose person is \
             not known is given nothing."
                .to_owned(),
            "They are added as owners, and sign in once to show that it works.".to_owned(),
            format!("Our last release is said to be the last; {uploader} and our people are removed."),
            "Tokens and trusted publishers of ours are deleted, in the project and in the pipeline."
                .to_owned(),
            "What of ours depends on the project is listed, and stays pinned by digest or goes."
                .to_owned(),
            "`federation.toml` gets a `[[custody]]` entry with `state = \"relinquished\"`, the day, the \
             reason and who approved it. From that day on its releases are theirs."
                .to_owned(),
        ],
    );
    let _ = writeln!(
        text,
        "\nA project on which nobody works any more is retired: the name stays ours, with its owners, and \
         is archived on the index; `state = \"retired\"`. Whatever appears under it is an alarm. A name is \
         never deleted: anybody could take it. A project that others continue within {} after it was \
         retired counts as gone with its authors, until somebody writes down what was agreed.\n",
        count(federation.thresholds.departure_days, "day"),
    );
    text.push_str(
        "Whose a name is changes only by a new entry with a later day; entries of before stay, since \
         they explain the releases of their time.\n\n",
    );
    let row = |fact: &CustodyFact| {
        [
            code(fact.project.as_str()),
            custody_words(fact.state).to_owned(),
            fact.on.map_or_else(|| "always".to_owned(), |on| on.to_string()),
            plain(&fact.reason),
            fact.approved_by.as_deref().map_or_else(|| UNKNOWN.to_owned(), plain),
        ]
    };
    let mut facts: Vec<&CustodyFact> = federation.custody.iter().collect();
    facts.sort_by_key(|fact| (&fact.project, fact.on));
    let rows: Vec<[String; 5]> = facts.into_iter().map(row).collect();
    let head = ["name", "whose", "since", "why", "decided by"];
    table(text, head, &rows, "All names are ours, as far as is written down.");
}

pub(super) fn pulling(text: &mut String, federation: &Federation) {
    let accounts = &federation.accounts;
    let contact =
        federation.contact.as_deref().map_or_else(|| "the address of section 1".to_owned(), plain);
    let people: Vec<String> = accounts
        .owners
        .iter()
        .filter_map(|account| {
            let (key, person) = person_of(federation, account)?;
            Some(format!("{} (as {})", plain(person.name.as_deref().unwrap_or(key)), code(account)))
        })
        .collect();
    let who = if people.is_empty() {
        format!("whoever can sign in as {}", new_owners(federation))
    } else {
        joined(people)
    };
    steps(
        text,
        &[
            "`countermark incident PROJECT VERSION` writes the plan with today's roles, files and pins, and \
             keeps the log. One person leads and writes; nobody acts alone."
                .to_owned(),
            format!(
                "An owner yanks the release at once: it is still there for those who pinned it, nobody gets \
                 it by chance, and it can be undone. An owner is {who}."
            ),
            "The files are saved with their digests before anything is deleted: they are the evidence."
                .to_owned(),
            "If the files do harm, they are deleted, and the index's security contact is told. A deleted \
             version can never be uploaded again."
                .to_owned(),
            format!(
                "If nobody of ours made it: every token and trusted publisher of the project is revoked, \
                 roles are compared with section 3, and whoever can sign in as {} looks at its sessions.",
                uploader(federation)
            ),
            "Copies go too: mirrors, images, our own hosts; what pins the version in our constraints and \
             locks is changed."
                .to_owned(),
            format!(
                "Those who install are told, from {contact}: which files, by digest, since when, what they do, \
                 what to do."
            ),
            "A corrected release gets a new number. The records say what became of the old one; what stays \
             visible of it is accepted with an entry as in the next section."
                .to_owned(),
        ],
    );
}

pub(super) fn exceptions(text: &mut String, federation: &Federation) {
    text.push_str(
        "A finding that is known and harmless is accepted in `federation.toml` with an `[[accept]]` entry: \
         the rule, the project, and as exactly as possible which versions, files or accounts; who approved \
         it, who is not the one that caused it; why; and the last day on which it counts. \
         The change is reviewed as any other. On the day after, the finding counts again, and the audit \
         says that an acceptance is over; an acceptance that matches nothing is reported too, and taken \
         out.\n\n",
    );
    let row = |acceptance: &Acceptance| {
        let parts = [&acceptance.versions, &acceptance.files, &acceptance.accounts];
        let parts: Vec<&String> = parts.into_iter().flatten().collect();
        let project = acceptance.project.as_ref();
        let mut what = project.map_or_else(|| "every project".to_owned(), |it| code(it.as_str()));
        if !parts.is_empty() {
            let _ = write!(what, ": {}", codes(parts));
        }
        [
            code(&acceptance.rule),
            what,
            plain(&acceptance.approved_by),
            acceptance.expires.to_string(),
            plain(&acceptance.reason),
        ]
    };
    let rows: Vec<[String; 5]> = federation.accepted.iter().map(row).collect();
    let head = ["accepted", "of", "approved by", "until", "why"];
    table(text, head, &rows, "Nothing is accepted.");
}

pub(super) fn missing(text: &mut String, federation: &Federation) {
    let gaps = gaps(federation);
    if gaps.is_empty() {
        text.push_str("Nothing that this page needs.\n");
    }
    for gap in gaps {
        let _ = writeln!(text, "- {}: write {}", gap.missing, code(&gap.key));
    }
}
