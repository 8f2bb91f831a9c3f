//! Which bytes of a `reviews.toml` were read whole without a mistake, so that the next run may open them.
//!
//! The memory is in the private state folder and holds digests only. What is not in it is read whole; who
//! can write there can make this program read less than the whole of a file, and could as well replace
//! the program.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countermark_packaging::digest::Sha256;
use sha2::Digest as _;

use crate::system::replace_file;

const NAME: &str = "ledger-read";

/// The form of the memory and the rules of the reader: other rules, other head, nothing remembered.
const HEAD: &str = concat!("countermark reviews read by ", env!("CARGO_PKG_VERSION"), " rules 1\n");

/// The most digests that are kept.
const MOST: usize = 64;

/// The most bytes that are read.
const SIZE: u64 = 16 << 10;

/// The digest of some bytes, and what is remembered.
pub(super) struct Known {
    path: PathBuf,
    digest: Sha256,
    lines: Vec<String>,
}

impl Known {
    pub(super) fn of(state: &Path, bytes: &[u8]) -> Self {
        let path = state.join(NAME);
        let lines = read(&path).unwrap_or_default();
        Self { path, digest: Sha256(sha2::Sha256::digest(bytes).into()), lines }
    }

    pub(super) fn is_known(&self) -> bool {
        self.lines.contains(&self.digest.hex())
    }

    /// Remembers the digest. A memory that cannot be written costs time and nothing else.
    pub(super) fn remember(mut self) {
        self.lines.push(self.digest.hex());
        let from = self.lines.len().saturating_sub(MOST);
        let text = format!("{HEAD}{}\n", self.lines[from..].join("\n"));
        if let Some(folder) = self.path.parent() {
            let _ = fs::create_dir_all(folder);
        }
        let _ = replace_file(&self.path, text.as_bytes());
    }
}

fn read(path: &Path) -> Option<Vec<String>> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(SIZE).read_to_string(&mut text).ok()?;
    let lines = text.strip_prefix(HEAD)?.lines();
    Some(lines.filter(|line| Sha256::parse_hex(line).is_ok()).map(str::to_owned).collect())
}
