//! A log that is looked at before it is in any policy.

use countermark_tlog::checkpoint::SignedCheckpoint;
use countermark_tlog::note::VerifierKey;
use countermark_trust::Class;
use countermark_trust::log::wire::Description;

use super::reach::{Reach, ReachError, talk};
use crate::http::Client;
use crate::report::Problem;

/// A log at its URL.
#[derive(Clone, Debug)]
pub struct LogPlace<'a> {
    reach: Reach<'a>,
}

impl<'a> LogPlace<'a> {
    /// A log at a URL.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(http: &'a Client, url: &str) -> Result<Self, ReachError> {
        Ok(Self { reach: Reach::new(http, url)? })
    }

    /// What the log says about itself. Nothing of it is trusted.
    ///
    /// # Errors
    /// A [`Problem`] when nothing that can be read comes.
    pub fn description(&self) -> Result<Description, Box<Problem>> {
        let bytes = talk(self.reach.description()).map_err(|error| problem(&error))?;
        Description::parse(&bytes).map_err(|error| {
            let shown = self.reach.shown();
            let message = format!("{shown} is no log: what it says about itself cannot be read");
            let problem = Problem::new("no-log-there", Class::Unavailable, message);
            Box::new(problem.with_detail(error.to_string()))
        })
    }

    /// The size of the checkpoint that is shown now, signed by one of these keys.
    ///
    /// # Errors
    /// A [`Problem`]: nothing came, or it is signed by somebody else.
    pub fn signed_by(&self, keys: &[VerifierKey]) -> Result<u64, Box<Problem>> {
        let bytes = talk(self.reach.checkpoint()).map_err(|error| problem(&error))?;
        // The key is named like the log (signed-note); of several each speaks for itself.
        let mut first = None;
        for key in keys {
            match SignedCheckpoint::open(&bytes, key.name(), keys) {
                Ok(checkpoint) => return Ok(checkpoint.size()),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        let shown = self.reach.shown();
        let message = format!("the checkpoint of {shown} is not signed by this key");
        let mut problem = Problem::new("log-bad-signature", Class::Rejected, message);
        problem.details.extend(first.map(|error| error.to_string()));
        let hint = "the key may be an old one, or somebody else answers there: compare it again";
        Err(Box::new(problem.with_hint(hint)))
    }
}

/// Why nothing came, as a command tells it.
pub(super) fn problem(error: &ReachError) -> Box<Problem> {
    let code = if error.is_offline() { "offline" } else { error.code() };
    Box::new(Problem::of(code, error.class(), error))
}
