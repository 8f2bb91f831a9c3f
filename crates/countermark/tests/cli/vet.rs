//! `vet`: the ledger of reviews, as people use it.

mod aggregate;
mod certify;
mod check;
mod explain;
mod first_day;
mod hostile;
mod import;
mod init;
mod inspect;
mod key;
mod merge;
mod policy;
mod proposed;
mod relate;
mod scene;
mod suggest;
mod upkeep;
