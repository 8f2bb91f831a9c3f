//! `RECORD`: what is written is read again as the same.

#![no_main]

use countermark_packaging::record::{parse_record, write_record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(mut entries) = parse_record(data) else { return };
    entries.sort_by(|left, right| left.path.cmp(&right.path));
    assert_eq!(parse_record(write_record(&entries).as_bytes()).unwrap(), entries);
});
