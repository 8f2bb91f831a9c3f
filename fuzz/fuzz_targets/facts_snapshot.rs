//! Snapshots of facts in both forms: any bytes are read or refused, and what is read is written and
//! read again as it was.

#![no_main]

use countermark_audit::fact::snapshot::{Header, Reader, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(reader) = Reader::new(data) else { return };
    let header = reader.header().cloned().unwrap_or_else(|| {
        let read = "2026-01-01T00:00:00Z".parse().expect("a time");
        Header { index: "https://index.example/simple/".into(), read }
    });
    let mut facts: Vec<_> = reader.filter_map(Result::ok).collect();
    facts.sort_by(|one, other| one.name.cmp(&other.name));
    let written = write(&header, &facts);
    let reader = Reader::new(written.as_slice()).expect("a snapshot of ours");
    assert_eq!(reader.header(), Some(&header));
    let again: Vec<_> = reader.map(|line| line.expect("a line of ours")).collect();
    assert_eq!(again, facts);
});
