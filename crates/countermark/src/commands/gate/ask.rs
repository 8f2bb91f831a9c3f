//! What the indexes say now about the locks.

use countermark_client::locked;
use countermark_client::report::Problem;
use countermark_lock::gate::{Facts, Judged, wanted};
use countermark_trust::Class;

use crate::progress::Teller;
use crate::session::Session;

/// What was asked, and what was said.
pub(crate) struct Asked {
    /// Every configured index, without credentials.
    pub(crate) indexes: Vec<String>,
    /// None where nobody was to be asked.
    pub(crate) facts: Option<Facts>,
}

/// Asks, unless that is not wanted.
pub(crate) fn ask(
    session: &Session,
    judged: &[Judged],
    is_offline: bool,
    teller: &Teller,
) -> Result<Asked, Vec<Problem>> {
    let sources = &session.settings.sources;
    let bound = sources.bindings.iter().map(|binding| &binding.index);
    let mut indexes: Vec<String> = Vec::new();
    for index in sources.indexes.iter().chain(bound) {
        let url = index.url.to_string();
        if !indexes.contains(&url) {
            indexes.push(url);
        }
    }
    if is_offline || session.settings.http.offline {
        return Ok(Asked { indexes, facts: None });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        let message = format!("the network cannot be set up: {error}");
        vec![Problem::new("network", Class::Unavailable, message)]
    })?;
    let wanted = wanted(judged);
    let facts = runtime.block_on(locked::ask(&session.index, &wanted, teller));
    Ok(Asked { indexes, facts: Some(facts) })
}
