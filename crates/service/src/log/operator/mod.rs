//! What the operator of a log does: the folder with configuration and keys, collecting cosignatures,
//! serving. The commands over it only read arguments and print.

mod cosign;
pub mod folder;
mod pages;
pub mod serve;
#[cfg(test)]
mod tests;

pub use cosign::Witnesses;
