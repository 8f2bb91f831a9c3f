//! What an installed package says it came from: `countermark.json` in its dist-info.
//!
//! Whoever can change the environment can change this record, so it is never believed alone: the
//! store's sealed tree, or a lock, has to say the same. It names the artifact to compare with.

use std::path::Path;

use countermark_packaging::digest::Sha256;
use serde::{Deserialize, Serialize};

/// The name of the record in the dist-info folder.
pub const FILENAME: &str = "countermark.json";

/// Far above any record.
const MAX_BYTES: u64 = 64 << 10;

/// What a package came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Normalised name.
    pub project: String,
    /// As METADATA spells it.
    pub version: String,
    /// Of the wheel.
    pub filename: String,
    /// Of the wheel, lower-case hexadecimal.
    pub sha256: String,
    /// The tree digest, `sha256:` and hexadecimal.
    pub tree: String,
    /// A URL without credentials, or a path.
    pub source: String,
    /// Names of the checks that were made before it was installed.
    pub checked: Vec<String>,
}

/// The published form, version 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    project: String,
    version: String,
    filename: String,
    sha256: String,
    tree: String,
    source: String,
    checked: Vec<String>,
}

impl Provenance {
    /// The bytes of the record, the same for the same values.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        let Self { project, version, filename, sha256, tree, source, checked } = self.clone();
        let document =
            Document { format: 1, project, version, filename, sha256, tree, source, checked };
        // Strings always serialise.
        let mut bytes = serde_json::to_vec_pretty(&document).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a record; `None` for anything that [`Provenance::render`] would not have written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let document: Document = serde_json::from_str(text).ok()?;
        let Document { format, project, version, filename, sha256, tree, source, checked } =
            document;
        let known = format == 1 && Sha256::parse_hex(&sha256).is_ok();
        known.then_some(Self { project, version, filename, sha256, tree, source, checked })
    }

    /// The record of a dist-info folder; `None` when there is none that can be read.
    #[must_use]
    pub fn read(dist_info: &Path) -> Option<Self> {
        let text = crate::store::read_bounded(&dist_info.join(FILENAME), MAX_BYTES).ok()?;
        Self::parse(&text)
    }

    /// The digest of the wheel.
    #[must_use]
    pub fn artifact(&self) -> Option<Sha256> {
        Sha256::parse_hex(&self.sha256).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let provenance = Provenance {
            project: "a".into(),
            version: "1.0".into(),
            filename: "a-1.0-py3-none-any.whl".into(),
            sha256: "0".repeat(64),
            tree: format!("sha256:{}", "1".repeat(64)),
            source: "https://example.org/a".into(),
            checked: vec!["sha256".into()],
        };
        let text = String::from_utf8(provenance.render()).unwrap();
        assert_eq!(Provenance::parse(&text).as_ref(), Some(&provenance));
        for (from, to) in
            [("\"format\": 1", "\"format\": 2"), ("\"sha256\": \"0", "\"sha256\": \"x"), ("{", "[")]
        {
            assert_eq!(Provenance::parse(&text.replacen(from, to, 1)), None);
        }
    }
}
