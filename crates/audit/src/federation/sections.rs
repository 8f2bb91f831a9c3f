//! The sections of `federation.toml`, one function each.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::lock::codes::{INVALID_VALUE, MISSING_KEY};
use countermark_packaging::name::ProjectName;
use countermark_packaging::table::{At, Reader, Table, did_you_mean};

use super::consistency::{ExpectedAccount, Marks, Person as PersonMark};
use super::parse::free_settings;
use super::{
    Acceptance, AccountException, Accounts, CustodyFact, CustodyState, KeptRole, Person,
    RecordsEntry, Service, Thresholds, codes,
};
use crate::fact::RoleKind;

/// The kinds of records, as they are written.
pub const RECORD_KINDS: [&str; 7] =
    ["openstack-releases", "git-tags", "checksums", "artifact-host", "forge", "table", "removed"];

/// The kinds of services, as they are written.
pub const SERVICE_KINDS: [&str; 5] = ["index", "forge", "image-registry", "account", "other"];

/// Whose a name can be, as it is written.
pub const CUSTODY_STATES: [(&str, CustodyState); 7] = [
    ("ours", CustodyState::Ours),
    ("theirs", CustodyState::Theirs),
    ("left", CustodyState::Theirs),
    ("relinquished", CustodyState::Theirs),
    ("shared", CustodyState::Shared),
    ("retired", CustodyState::Retired),
    ("never-ours", CustodyState::NeverOurs),
];

const ROLES: [(&str, RoleWord); 4] = [
    ("owner", RoleWord::Owner),
    ("maintainer", RoleWord::Maintainer),
    ("Owner", RoleWord::Owner),
    ("Maintainer", RoleWord::Maintainer),
];

#[derive(Clone, Copy)]
enum RoleWord {
    Owner,
    Maintainer,
}

const WHO: &str = "write the name of the person who decided it";
const WHY: &str = "write why, for whoever reads it in a year";
const UNTIL: &str = "write the last day on which it counts, such as 2027-06-30";
const RECORD_KEYS: [&str; 4] = ["kind", "path", "url", "project"];

pub(super) fn records<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<RecordsEntry> {
    let settings = free_settings(reader, table, &RECORD_KEYS);
    let hint = format!("it is one of `{}`", RECORD_KINDS.join("`, `"));
    let kind = reader.required(table, "kind", &hint).and_then(|kind| {
        let words: Vec<(&str, &str)> = RECORD_KINDS.iter().map(|kind| (*kind, *kind)).collect();
        reader.word(&kind, "a kind of records", &words)
    });
    let path = reader.owned(table, "path");
    let url = reader.text(table, "url");
    let project = optional_name(reader, table, "project");
    match (&url, table.has("path")) {
        (Some(url), true) => {
            let message = "records are at a path or at a url, not at both".to_owned();
            reader.error(INVALID_VALUE, message, url.span.clone());
        }
        (None, false) if !table.has("url") => {
            let message = format!("`path` or `url` is missing from {}", table.title);
            let meant: Option<(&String, &&str)> = settings.keys().find_map(|key| {
                let near = |wanted: &&&str| strsim::damerau_levenshtein(key, wanted) == 1;
                ["path", "url"].iter().find(near).map(|wanted| (key, wanted))
            });
            let hint = meant.map_or_else(
                || {
                    "write where they are: a folder or file beside this one, or an address"
                        .to_owned()
                },
                |(key, wanted)| format!("did you mean `{wanted}` where you wrote `{key}`?"),
            );
            reader.hinted(MISSING_KEY, message, table.span(), hint);
        }
        _ => {}
    }
    if let Some(url) = &url {
        check_url(reader, url);
    }
    Some(RecordsEntry {
        kind: kind?.to_owned(),
        path,
        url: url.map(|url| url.value.to_owned()),
        project,
        settings,
        place: reader.place(table.span()),
    })
}

/// An address that is fetched: http, with a host and without a password, which would be in the
/// repository of this file for everybody.
fn check_url(reader: &mut Reader<'_>, url: &At<&str>) {
    let lower = url.value.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    match authority {
        Some(authority) if authority.contains('@') => {
            let message = "`url` must not hold a user or password".to_owned();
            let hint = "they are taken from the environment or from netrc";
            reader.hinted(INVALID_VALUE, message, url.span.clone(), hint);
        }
        Some(authority) if !authority.is_empty() && !url.value.contains(char::is_whitespace) => {}
        _ => {
            let message = "`url` must begin with https:// or http:// and a host".to_owned();
            reader.error(INVALID_VALUE, message, url.span.clone());
        }
    }
}

fn optional_name<'a>(reader: &mut Reader<'a>, table: Table<'a>, key: &str) -> Option<ProjectName> {
    let text = reader.text(table, key)?;
    reader.name(&text)
}

/// A list of accounts; an account is one word.
fn account_list<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    key: &str,
) -> Option<Vec<At<&'a str>>> {
    let mut accounts = reader.texts(table, key)?;
    accounts.retain(|account| is_account(reader, key, account));
    Some(accounts)
}

fn is_account(reader: &mut Reader<'_>, key: &str, account: &At<&str>) -> bool {
    let acts = |c: char| c.is_whitespace() || c.is_control();
    let one_word = !account.value.is_empty() && !account.value.contains(acts);
    if !one_word {
        let message = format!("`{}` in `{key}` is not the name of an account", account.value);
        reader.error(INVALID_VALUE, message, account.span.clone());
    }
    one_word
}

fn owned_set(texts: Vec<At<&str>>) -> BTreeSet<String> {
    texts.into_iter().map(|text| text.value.to_owned()).collect()
}

pub(super) fn accounts<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    marks: &mut Marks,
) -> Accounts {
    reader.only(table, &["release", "owners", "maintainers", "organization", "exception"]);
    let mut expected = |reader: &mut Reader<'a>, table, key: &'static str| {
        let accounts = account_list(reader, table, key)?;
        marks.expected.extend(accounts.iter().map(|account| ExpectedAccount {
            account: account.value.to_owned(),
            list: key,
            span: account.span.clone(),
        }));
        Some(owned_set(accounts))
    };
    let release = expected(reader, table, "release").unwrap_or_default();
    let owners = expected(reader, table, "owners").unwrap_or_default();
    let maintainers = expected(reader, table, "maintainers").unwrap_or_default();
    let organization = reader.owned(table, "organization");
    let mut exceptions = Vec::new();
    for table in reader.tables(table, "exception", "[[accounts.exception]]") {
        reader.only(table, &["projects", "teams", "owners", "maintainers", "reason"]);
        let projects = reader.names(table, "projects").unwrap_or_default();
        let teams = owned_set(reader.texts(table, "teams").unwrap_or_default());
        if projects.is_empty() && teams.is_empty() && !table.has("projects") && !table.has("teams")
        {
            let hint = "write for which it is: projects = [\"…\"] or teams = [\"…\"]";
            reader.missing(table, "projects", hint);
        }
        let owners = expected(reader, table, "owners");
        let maintainers = expected(reader, table, "maintainers");
        if !table.has("owners") && !table.has("maintainers") {
            let hint = "write who is expected there: owners = [\"…\"] or maintainers = [\"…\"]";
            reader.missing(table, "owners", hint);
        }
        exceptions.push(AccountException {
            projects: projects.into_iter().map(|name| name.value).collect(),
            teams,
            owners,
            maintainers,
            reason: reader.owned(table, "reason"),
        });
    }
    Accounts { release, owners, maintainers, organization, exceptions }
}

pub(super) fn people<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    marks: &mut Marks,
) -> BTreeMap<String, Person> {
    let mut people = BTreeMap::new();
    for (key, item) in table.table {
        let id = &**key.get_ref();
        let Some(table) = reader.expect_table(id, item, "[people.…]") else { continue };
        reader.only(table, &["name", "accounts", "teams", "contact", "left"]);
        let listed = account_list(reader, table, "accounts").unwrap_or_default();
        let left = reader.date(table, "left");
        let own = At { value: id, span: key.span() };
        is_account(reader, "people", &own);
        let accounts = if listed.is_empty() { std::slice::from_ref(&own) } else { &listed };
        marks.people.extend(accounts.iter().map(|account| PersonMark {
            id: id.to_owned(),
            account: account.value.to_owned(),
            left: left.clone(),
        }));
        let person = Person {
            name: reader.owned(table, "name"),
            accounts: owned_set(listed),
            teams: owned_set(reader.texts(table, "teams").unwrap_or_default()),
            contact: reader.owned(table, "contact"),
            left: left.map(|left| left.value),
        };
        people.insert(id.to_owned(), person);
    }
    people
}

pub(super) fn custody<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    marks: &mut Marks,
) -> Option<CustodyFact> {
    reader.only(table, &["project", "state", "on", "reason", "approved-by"]);
    let project = reader.required(table, "project", "write the name of the project");
    let states: Vec<&str> = CUSTODY_STATES.iter().map(|(word, _)| *word).collect();
    let hint = format!("it is one of `{}`", states.join("`, `"));
    let state = reader
        .required(table, "state", &hint)
        .and_then(|state| reader.word(&state, "a state of custody", &CUSTODY_STATES));
    let on = reader.date(table, "on");
    let reason = reader.answered(table, "reason", WHY);
    let approved_by = table.has("approved-by").then(|| reader.answered(table, "approved-by", WHO));
    let project = project.and_then(|text| {
        let name = reader.name(&text)?;
        let day = on.as_ref().map(|on| on.value);
        // A day that cannot be read is no day; it has been told.
        if day.is_some() || !table.has("on") {
            marks.custody.push((At { value: name.clone(), span: text.span }, day));
        }
        Some(name)
    });
    Some(CustodyFact {
        project: project?,
        state: state?,
        on: on.map(|on| on.value),
        reason: reason?,
        approved_by: approved_by.flatten(),
        place: reader.place(table.span()),
    })
}

pub(super) fn acceptance<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
    rules: &[&str],
) -> Option<Acceptance> {
    let keys =
        ["rule", "project", "versions", "files", "accounts", "approved-by", "reason", "expires"];
    reader.only(table, &keys);
    let hint = "write the code of the rule, which stands at the end of a finding";
    let rule = reader.required(table, "rule", hint);
    if let Some(rule) = rule.as_ref().filter(|rule| !rules.contains(&rule.value)) {
        let message = format!("`{}` is not the code of a rule", rule.value);
        let hint = did_you_mean(rule.value, rules, "the rules are");
        reader.hinted(codes::UNKNOWN_RULE, message, rule.span.clone(), hint);
    }
    let project = optional_name(reader, table, "project");
    let list = |texts: Option<Vec<At<&str>>>| -> Vec<String> {
        texts.unwrap_or_default().into_iter().map(|text| text.value.to_owned()).collect()
    };
    let versions = list(reader.texts(table, "versions"));
    let files = list(reader.texts(table, "files"));
    let accounts = list(account_list(reader, table, "accounts"));
    let (approved_by, reason, expires) = answered_for(reader, table);
    Some(Acceptance {
        place: reader.place(rule.as_ref()?.span.clone()),
        rule: rule?.value.to_owned(),
        project,
        versions,
        files,
        accounts,
        approved_by: approved_by?,
        reason: reason?,
        expires: expires?,
    })
}

/// What every exception needs: who, why and until when.
fn answered_for<'a>(
    reader: &mut Reader<'a>,
    table: Table<'a>,
) -> (Option<String>, Option<String>, Option<jiff::civil::Date>) {
    let approved_by = reader.answered(table, "approved-by", WHO);
    let reason = reader.answered(table, "reason", WHY);
    if !table.has("expires") {
        reader.missing(table, "expires", UNTIL);
    }
    (approved_by, reason, reader.date(table, "expires").map(|date| date.value))
}

pub(super) fn kept_role<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<KeptRole> {
    reader.only(table, &["project", "account", "role", "approved-by", "reason", "expires"]);
    let project = reader
        .required(table, "project", "write the name of the project")
        .and_then(|text| reader.name(&text));
    let account = reader
        .required(table, "account", "write the account that keeps its role")
        .filter(|account| is_account(reader, "account", account));
    let role = reader.text(table, "role").and_then(|role| reader.word(&role, "a role", &ROLES));
    let role = role.map(|role| match role {
        RoleWord::Owner => RoleKind::Owner.name().to_owned(),
        RoleWord::Maintainer => RoleKind::Maintainer.name().to_owned(),
    });
    let (approved_by, reason, expires) = answered_for(reader, table);
    Some(KeptRole {
        project: project?,
        account: account?.value.to_owned(),
        role,
        approved_by: approved_by?,
        reason: reason?,
        expires: expires?,
        place: reader.place(table.span()),
    })
}

pub(super) fn service<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Option<Service> {
    reader.only(table, &["name", "kind", "url", "account", "holders", "note"]);
    let name = reader.required(table, "name", "write what people call it");
    let hint = format!("it is one of `{}`", SERVICE_KINDS.join("`, `"));
    let kind = reader.required(table, "kind", &hint).and_then(|kind| {
        let words: Vec<(&str, &str)> = SERVICE_KINDS.iter().map(|kind| (*kind, *kind)).collect();
        reader.word(&kind, "a kind of services", &words)
    });
    let url = reader.owned(table, "url");
    let account = reader.owned(table, "account");
    let holders = reader.texts(table, "holders").unwrap_or_default();
    let note = reader.owned(table, "note");
    Some(Service {
        name: name?.value.to_owned(),
        kind: kind?.to_owned(),
        url,
        account,
        holders: holders.into_iter().map(|holder| holder.value.to_owned()).collect(),
        note,
    })
}

pub(super) fn thresholds<'a>(reader: &mut Reader<'a>, table: Table<'a>) -> Thresholds {
    reader.only(
        table,
        &["days-before-approval", "days-after-approval", "late-hours", "departure-days"],
    );
    let default = Thresholds::default();
    let mut number = |key, default| reader.number(table, key, 0..=100_000).unwrap_or(default);
    Thresholds {
        days_before_approval: number("days-before-approval", default.days_before_approval),
        days_after_approval: number("days-after-approval", default.days_after_approval),
        late_hours: number("late-hours", default.late_hours),
        departure_days: number("departure-days", default.departure_days),
    }
}
