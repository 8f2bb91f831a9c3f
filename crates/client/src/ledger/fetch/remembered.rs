//! By what a server tells whether a file is still the same, kept between two fetches.
//!
//! It only saves a transfer: it is used when our copy has the digest that came with it, and then the
//! server says that our copy is still what it has. Whoever writes here makes us keep what we have.

use std::path::{Path, PathBuf};

use countermark_packaging::digest::Sha256;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::http::Validators;

/// Most bytes of such a file.
const MAXIMUM: u64 = 16 << 10;

/// Where it is kept for one file.
pub(super) struct Memory {
    path: PathBuf,
    digest: Sha256,
}

#[derive(Serialize, Deserialize)]
struct Form {
    sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

impl Memory {
    /// For the file at a URL, of which we have bytes with this digest.
    pub(super) fn new(state: &Path, url: &Url, digest: Sha256) -> Self {
        let name = blake3::hash(url.as_str().as_bytes()).to_hex();
        let path = state.join("vet").join("fetched").join(format!("{}.json", &name[..32]));
        Self { path, digest }
    }

    /// What to ask with; none when nothing is known of these bytes.
    pub(super) fn read(&self) -> Option<Validators> {
        let file = super::read_file(&self.path, MAXIMUM).ok()?;
        let form: Form = serde_json::from_slice(&file.bytes).ok()?;
        let is_ours = form.sha256 == self.digest.hex();
        is_ours.then_some(Validators { etag: form.etag, last_modified: form.last_modified })
    }

    /// Keeps it. Where it cannot be kept, everything comes again next time.
    pub(super) fn write(&self, validators: &Validators) {
        let form = Form {
            sha256: self.digest.hex(),
            etag: validators.etag.clone(),
            last_modified: validators.last_modified.clone(),
        };
        let written = serde_json::to_vec(&form).map_err(std::io::Error::other).and_then(|bytes| {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            std::fs::create_dir_all(folder)?;
            crate::system::replace_file(&self.path, &bytes)
        });
        drop(written);
    }
}
