//! `vet`: the ledger of reviews, as people use it.

mod check;
mod explain;
mod init;
mod scene;
mod suggest;
