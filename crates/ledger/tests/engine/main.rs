//! The rules of `docs/ledger-rules.md`: scenarios in a small vocabulary, and laws over generated books.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chains;
mod laws;
mod naive;
mod page;
mod persons;
mod plans;
mod reports;
mod scenarios;
mod world;
