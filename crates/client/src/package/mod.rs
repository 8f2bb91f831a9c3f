//! One installed package: where its files are, what is made for it, and whether it still is what
//! was installed. Both the installer and `verify` work with this.

pub mod check;
pub mod finding;
pub(crate) mod folders;
pub mod generated;
pub mod placement;
pub mod state;
pub(crate) mod walk;
