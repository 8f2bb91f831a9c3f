//! Signed commits of git as signatures of reviews.
//!
//! It decides, from objects that somebody gives, whether a commit that an author signed added a review. An
//! author signs with a commit what it *adds*: the review has to be in the file of the commit and not in that of
//! its only parent, whatever else both hold. Nothing of what a repository says is believed without its name:
//! the digests of commits, trees and files are computed again, from the commit down.
//!
//! Names of objects are SHA-1 in most repositories, for which collisions can be made. Whoever can put both of
//! two colliding files before an author's eyes could have one signed and show the other; the tests of git
//! against that are not repeated here. Repositories with SHA-256 are read the same way.
//!
//! Specifications: git's `gitformat-pack` ("object types") for names, `gitformat-signature` for what is signed,
//! `hash-function-transition` for `gpgsig-sha256`.
//!
//! Off-spec, all on the side of refusing: a commit with two signatures, one that made the file, one that adds
//! reviews of several authors, and one whose parent's reviews cannot be read count for nothing.

mod added;
mod commit;
mod object;
#[cfg(test)]
mod tests;

pub use added::{Added, read};
pub use object::{Kind, Objects, is_name};

pub(super) use commit::dearmor_ssh;
