//! How much it matters that two names are alike.

use countermark_packaging::name::ProjectName;
use countermark_trust::likeness::is_slip_of;
pub use countermark_trust::likeness::{Likeness, classify};
pub(super) use countermark_trust::likeness::{changed_word, drawn, with_other_affix};

use crate::finding::Severity;

/// A name that can be taken for one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookAlike<'a> {
    /// The other name.
    pub name: &'a ProjectName,
    /// How it is alike.
    pub likeness: Likeness,
    /// How much it is used, when the list says it.
    pub uses: Option<u64>,
    /// The word in which it differs is one of several names: a word, and no slip.
    pub common_word: bool,
}

impl LookAlike<'_> {
    /// A slip in a long name is not there by chance.
    #[must_use]
    pub fn severity(&self, our: &ProjectName) -> Severity {
        let slip = is_slip_of(our.as_str(), self.name.as_str(), self.likeness);
        if slip && !self.common_word { Severity::Medium } else { Severity::Low }
    }
}
