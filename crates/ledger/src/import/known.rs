//! Ledgers that those whose ledgers we take in take in themselves. They count for nothing here: they are
//! offers, and `vet suggest` names what they would save.

use std::collections::BTreeSet;

use crate::ledger::Ledger;

/// A ledger that an import of ours takes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known<'a> {
    /// What they call it.
    pub name: &'a str,
    /// Where it is, as they write it.
    pub url: &'a str,
    /// The first import of ours that has it.
    pub via: &'a str,
}

/// The ledgers that our imports take in and we do not, each once, one step away and no further: whoever
/// wants more looks at an offer that was taken. Addresses that only mean something on their machine
/// (paths) are left out. Ours may be among them, since they may well take us in: only its name tells,
/// once it was fetched.
pub fn known<'a>(
    ours: &'a Ledger,
    imports: impl IntoIterator<Item = (&'a str, &'a Ledger)>,
) -> Vec<Known<'a>> {
    let mut seen: BTreeSet<&str> = ours.imports.iter().map(|it| address(&it.url)).collect();
    let mut found = Vec::new();
    for (via, ledger) in imports {
        for import in &ledger.imports {
            if import.url.contains("://") && seen.insert(address(&import.url)) {
                found.push(Known { name: &import.name, url: &import.url, via });
            }
        }
    }
    found
}

/// Two spellings of one address are one.
fn address(url: &str) -> &str {
    url.trim_end_matches('/')
}
