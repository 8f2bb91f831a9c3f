//! What the indexes say now about the locks.

use std::collections::BTreeSet;

use countermark_client::locked;
use countermark_client::report::Problem;
use countermark_client::settings::Index;
use countermark_lock::gate::{Facts, Judged, wanted};
use countermark_trust::Class;

use crate::progress::Teller;
use crate::session::Session;

/// What was asked, and what was said.
pub(crate) struct Asked {
    /// Every configured index, without credentials.
    pub(crate) indexes: Vec<String>,
    /// Those of them that are asked for every name, or that names are bound to.
    pub(crate) asked: Vec<String>,
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
    let address = |index: &Index| index.url.to_string();
    let bound: Vec<String> =
        sources.bindings.iter().map(|binding| address(&binding.index)).collect();
    let mut indexes: Vec<String> = sources.indexes.iter().map(address).collect();
    let mut asked: Vec<String> =
        sources.indexes.iter().filter(|index| !index.explicit).map(address).collect();
    for list in [&mut indexes, &mut asked] {
        list.extend(bound.iter().cloned());
        let mut seen = BTreeSet::new();
        list.retain(|index| seen.insert(index.clone()));
    }
    if is_offline || session.settings.http.offline {
        return Ok(Asked { indexes, asked, facts: None });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        let message = format!("the network cannot be set up: {error}");
        vec![Problem::new("network", Class::Unavailable, message)]
    })?;
    let wanted = wanted(judged);
    let facts = runtime.block_on(locked::ask(&session.index, &wanted, teller));
    Ok(Asked { indexes, asked, facts: Some(facts) })
}
