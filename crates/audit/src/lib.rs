//! Judges releases from gathered facts: what is on an index that nobody released, what was released
//! and is not there, and who could put it there.
//!
//! Records (what a federation says that it released) and facts (what an index shows) go in; each
//! project becomes a [`dossier::Dossier`]; each [`rule`] looks at it and gives findings; a report
//! shows them. No socket, no file and no clock: sources read through [`source::Documents`], and the
//! time is a parameter.

pub mod constraints;
pub mod dossier;
pub mod engine;
pub mod fact;
pub mod federation;
pub mod finding;
pub mod handbook;
pub mod incident;
pub mod lookalike;
pub mod record;
pub mod report;
pub mod roles;
pub mod rule;
pub mod source;
pub mod suppress;
