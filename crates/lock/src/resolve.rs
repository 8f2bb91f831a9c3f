//! One release of every project that one target needs.
//!
//! Decides which releases: the best ones that satisfy every requirement, constraint and override
//! at once, where that is possible, and otherwise says why it is not. Trusts nothing: what an
//! index lists and what metadata says are claims, and a resolution is a wish list for those who
//! download and hash.
//!
//! The solver is that of the `pubgrub` crate, after
//! <https://github.com/dart-lang/pub/blob/master/doc/solver.md>; what releases, prereleases,
//! constraints and the rest mean follows uv, <https://docs.astral.sh/uv/concepts/resolution/>.
//! Off-spec: an upper bound in `requires-python` counts, as for pip, so that what is locked can be
//! installed; uv looks at the lower bound only.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use pubgrub::PubGrubError;

use crate::catalogue::Catalogue;
use crate::request::Request;
use crate::resolution::Resolution;
use crate::target::Target;

mod ahead;
mod answer;
mod asked;
mod error;
mod explain;
mod package;
mod positions;
mod provider;
mod universe;
mod urls;

pub use error::ResolveError;
pub use explain::Explanation;

use package::Package;
use provider::{Fault, Provider};

/// Resolves a request for one target.
///
/// The order of wishes does not matter. `interrupted` is looked at between steps.
///
/// # Errors
/// When nothing satisfies the request, when it contradicts itself, when the catalogue has no
/// answer, or when `interrupted` becomes true.
pub fn resolve(
    request: &Request,
    target: &Target,
    catalogue: &dyn Catalogue,
    interrupted: &AtomicBool,
) -> Result<Resolution, ResolveError> {
    let asked = asked::Asked::new(request, target)?;
    let urls = urls::pins(&asked, catalogue)?;
    let provider = Provider::new(&asked, &urls, catalogue, interrupted);
    ahead::ask(&provider);
    let selected = loop {
        match pubgrub::resolve(&provider, Package::Root, 0u32) {
            Ok(selected) => break selected,
            Err(PubGrubError::NoSolution(tree)) => {
                return Err(ResolveError::NoSolution {
                    target: target.label.clone(),
                    explanation: Box::new(explain::explain(&provider, tree)),
                });
            }
            Err(
                PubGrubError::ErrorRetrievingDependencies { source, .. }
                | PubGrubError::ErrorChoosingVersion { source, .. }
                | PubGrubError::ErrorInShouldCancel(source),
            ) => match source {
                Fault::Catalogue(error) => return Err(ResolveError::Catalogue(error)),
                Fault::TooHard => return Err(ResolveError::TooHard),
                Fault::Interrupted => return Err(ResolveError::Interrupted),
                Fault::Restart => {}
            },
        }
    };
    let decided: BTreeMap<Package, u32> = selected.into_iter().collect();
    Ok(answer::resolution(&provider, &decided)?)
}
