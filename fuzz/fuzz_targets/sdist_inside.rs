//! What is inside artifacts: reading ends, and bytes that cannot be read still have their digest.
//!
//! The first byte chooses the kind. Of source distributions the tar archive is fuzzed, not the
//! compression around it, and also the raw bytes.

#![no_main]

use std::io::Write as _;

use countermark_client::inside::look_inside;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 4] = ["a-1.tar.gz", "a-1.zip", "a-1-py3-none-any.whl", "a-1-py3.egg"];

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    if *kind >= 0x80 {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        encoder.write_all(bytes).unwrap();
        let packed = encoder.finish().unwrap();
        check(&packed, NAMES[0]);
    } else {
        check(bytes, NAMES[usize::from(*kind) % NAMES.len()]);
    }
});

fn check(bytes: &[u8], filename: &str) {
    let look = look_inside(&bytes, filename).expect("bytes in memory can be read");
    assert!(look.inside.sha256.is_some());
    if let Some(commit) = look.inside.commit {
        assert!((7..=64).contains(&commit.len()) && look.inside.commit_from.is_some());
    }
}
