//! Settings.

mod origin;
mod sources;

pub use origin::{Origin, Sourced};
pub use sources::{Binding, FindLinks, Index, LinksPlace, NamePattern, Sources};
