//! What one entry of `federation.toml` says against another.

use std::collections::BTreeMap;
use std::ops::Range;

use countermark_packaging::name::ProjectName;
use countermark_packaging::table::{At, Reader};
use jiff::civil::Date;

use super::codes;

/// Where things stand that are compared with each other.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) names: Vec<At<ProjectName>>,
    pub(super) excluded: Vec<At<ProjectName>>,
    pub(super) expected: Vec<ExpectedAccount>,
    pub(super) people: Vec<Person>,
    pub(super) custody: Vec<(At<ProjectName>, Option<Date>)>,
}

/// An account in one of the lists of expected ones.
pub(super) struct ExpectedAccount {
    pub(super) account: String,
    pub(super) list: &'static str,
    pub(super) span: Range<usize>,
}

/// An account of somebody who is known.
pub(super) struct Person {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) left: Option<At<Date>>,
}

pub(super) fn check(reader: &mut Reader<'_>, marks: &Marks) {
    check_names(reader, marks);
    check_people(reader, marks);
    check_custody(reader, marks);
}

fn check_names(reader: &mut Reader<'_>, marks: &Marks) {
    for excluded in &marks.excluded {
        let named = marks.names.iter().find(|name| name.value == excluded.value);
        if let Some(named) = named {
            let line = reader.place(named.span.clone()).line;
            let message = format!("`{}` is both named and left out", excluded.value);
            let hint = format!("`names` has it at line {line}; take it out of one of them");
            reader.hinted(codes::NAMED_AND_EXCLUDED, message, excluded.span.clone(), hint);
        }
    }
}

/// Accounts are one account in any case of letters. One that several people hold is gone when the
/// last of them left.
fn check_people(reader: &mut Reader<'_>, marks: &Marks) {
    let mut holders: BTreeMap<String, Vec<&Person>> = BTreeMap::new();
    for person in &marks.people {
        holders.entry(person.account.to_lowercase()).or_default().push(person);
    }
    for expected in &marks.expected {
        let people = holders.get(&expected.account.to_lowercase());
        let left = people.and_then(|people| {
            people.iter().map(|person| Some((&person.id, person.left.as_ref()?))).collect()
        });
        let left: Option<Vec<(&String, &At<Date>)>> = left;
        let last = left.and_then(|left| left.into_iter().max_by_key(|(_, left)| left.value));
        if let Some((id, left)) = last {
            let line = reader.place(left.span.clone()).line;
            let message = format!(
                "`{}` is expected among `{}`, and `{id}` left on {}",
                expected.account, expected.list, left.value
            );
            let hint = format!("`left` is at line {line}; take the account out, or that day");
            reader.hinted(codes::ACCOUNT_CONFLICT, message, expected.span.clone(), hint);
        }
    }
}

fn check_custody(reader: &mut Reader<'_>, marks: &Marks) {
    let mut seen: BTreeMap<(&ProjectName, Option<Date>), Range<usize>> = BTreeMap::new();
    for (name, on) in &marks.custody {
        let Some(first) = seen.insert((&name.value, *on), name.span.clone()) else { continue };
        let line = reader.place(first).line;
        let when = on.map_or_else(|| "without a day".to_owned(), |on| format!("on {on}"));
        let message = format!("a second fact about the custody of `{}` {when}", name.value);
        let hint = format!("the first is at line {line}; a later fact needs a later day: on = …");
        reader.hinted(codes::CUSTODY_CONFLICT, message, name.span.clone(), hint);
    }
}
