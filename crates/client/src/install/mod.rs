//! From verified trees to a changed environment.

mod folders;
pub mod journal;
pub mod lock;
pub mod placement;
pub mod stage;
pub mod steps;
