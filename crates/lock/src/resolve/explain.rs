//! Why nothing does, in words that a person can act on.

use std::fmt;

use pubgrub::{DefaultStringReporter, DerivationTree, Reporter as _};

use super::positions::Positions;
use super::provider::{Package, Provider};

/// Why no set of releases does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// One sentence each, in the order in which they follow from each other.
    pub lines: Vec<String>,
    /// What could be done.
    pub hints: Vec<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.lines.join("\n"))
    }
}

pub(super) fn explain(
    _provider: &Provider<'_>,
    tree: &DerivationTree<Package, Positions, String>,
) -> Explanation {
    let text = DefaultStringReporter::report(tree);
    Explanation { lines: text.lines().map(str::to_owned).collect(), hints: Vec::new() }
}
