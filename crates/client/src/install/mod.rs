//! From verified trees to a changed environment.

pub(crate) mod folders;
pub mod generated;
pub mod journal;
pub mod lock;
pub mod placement;
pub mod stage;
pub mod steps;
