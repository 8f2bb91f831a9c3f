//! Has someone we trust looked at them: reviews of files by digest, and what follows from them.
//!
//! Everything here is a function of values. Files of a ledger come in as bytes, signatures are verified
//! with keys that the ledger names, what an index says of roles and publishers comes in as recorded
//! [`fact`]s, and `now` is a parameter. `docs/ledger-rules.md` numbers the rules; [`check`] holds them.

pub mod aggregate;
pub mod check;
pub mod criteria;
pub mod danger;
pub mod explain;
pub mod fact;
pub mod file;
pub mod format;
pub mod import;
pub mod ledger;
pub mod merge;
pub mod relate;
pub mod relation;
pub mod report;
pub mod review;
pub mod signature;
pub mod statement;
pub mod suggest;
pub mod upkeep;
