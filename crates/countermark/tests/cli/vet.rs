//! `vet`: the ledger of reviews, as people use it.

mod check;
