//! What a log says about itself, `log.json`: for people and for the first draft of a configuration.
//! Nothing is trusted because it stands there; a key counts when it stands in the policy.

use serde::{Deserialize, Serialize};

use super::{VERSION, WireError, check_count, check_version, read_json, write_json};
use crate::log::record::shortened;

/// The most bytes of a description.
pub const MAXIMUM_DESCRIPTION: usize = 1 << 20;

/// The most keys, witnesses or observers of a log.
const MAXIMUM_LISTED: usize = 1000;

const WHAT: &str = "the description of the log";

/// What a log says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The first line of its checkpoints.
    pub origin: String,
    /// The keys that sign them, as vkeys.
    pub keys: Vec<String>,
    /// The witnesses that it asks, as vkeys.
    pub witnesses: Vec<String>,
    /// Those whose records it takes.
    pub observers: Vec<String>,
    /// The size of its last checkpoint.
    pub size: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    origin: String,
    keys: Vec<String>,
    witnesses: Vec<String>,
    observers: Vec<String>,
    size: u64,
}

/// Origins, keys and observers are shown to people who are to compare them: nothing in them may be
/// invisible, turn text around or begin another line.
fn check_plain(field: &'static str, text: &str) -> Result<(), WireError> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(());
    }
    Err(WireError::Value { what: WHAT, field, found: shortened(text) })
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// [`WireError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        let document: Document = read_json(WHAT, bytes, MAXIMUM_DESCRIPTION)?;
        check_version(WHAT, document.version)?;
        let Document { origin, keys, witnesses, observers, size, .. } = document;
        for (of, list) in [("keys", &keys), ("witnesses", &witnesses), ("observers", &observers)] {
            check_count(WHAT, of, MAXIMUM_LISTED, list.len())?;
            list.iter().try_for_each(|text| check_plain(of, text))?;
        }
        check_plain("origin", &origin)?;
        Ok(Self { origin, keys, witnesses, observers, size })
    }

    /// The bytes to send.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let Self { origin, keys, witnesses, observers, size } = self.clone();
        write_json(&Document { version: VERSION, origin, keys, witnesses, observers, size })
    }
}
