//! Who holds roles on the projects of a federation, compared with who should.
//!
//! The comparison is made here once, so that rules, the table of `roles` and its list of things to
//! do agree. Accounts are compared without regard to the case of letters, as indexes do.

mod judge;
pub mod table;
pub mod todo;

#[cfg(test)]
pub(crate) mod fixture;

pub use judge::{Absent, Lack, Leaver, RoleCase, holder_left, judge, today};

/// Whether two texts name one account.
#[must_use]
pub fn same_account(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// `a`, `a and b`, `a, b and c`; each in backticks.
#[must_use]
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}
