//! The files of a ledger: any bytes are read or refused, every refusal has its place, and what was read is
//! written so that it is read again.

#![no_main]

use countermark_ledger::fact::Facts;
use countermark_ledger::format::{Relations, ReviewFile, write};
use countermark_ledger::ledger::Ledger;
use countermark_ledger::merge::{Kind, Side, merge};
use countermark_packaging::lock::SourceError;
use libfuzzer_sys::fuzz_target;

fn told<T>(result: Result<T, Vec<SourceError>>) -> Option<T> {
    result
        .inspect_err(|errors| {
            assert!(!errors.is_empty());
            assert!(errors.iter().all(|error| error.place.line > 0));
        })
        .ok()
}

fuzz_target!(|data: &[u8]| {
    if let Some(file) = told(ReviewFile::parse("reviews.toml", data)) {
        let reviews: Vec<_> = file.iter().map(|entry| entry.review).collect();
        assert_eq!(reviews.len(), file.len());
        let text = write(&reviews);
        let again = ReviewFile::parse("again", text.as_str()).expect("what was written is read");
        assert_eq!(again.len(), file.len());
        assert_eq!(write(&again.iter().map(|entry| entry.review).collect::<Vec<_>>()), text);
        for entry in again.iter() {
            for found in &entry.review.files {
                assert!(again.covering(&found.digest).contains(&entry));
            }
        }
    }
    if let Some(ledger) = told(Ledger::parse("ledger.toml", data)) {
        let text = ledger.write();
        let again = Ledger::parse("again", text.as_bytes()).expect("what was written is read");
        assert_eq!(again.write(), text);
        let text = std::str::from_utf8(data).expect("it was read");
        let side = Side { file: "side", text };
        // Equal sides are themselves, whatever their layout is.
        if let Ok(merged) = merge(Kind::Ledger, side, side, side) {
            assert_eq!(merged.text, text.strip_prefix('\u{feff}').unwrap_or(text));
        }
    }
    if let Some(facts) = told(Facts::parse("facts.toml", data)) {
        let text = facts.write();
        assert_eq!(Facts::parse("again", text.as_bytes()).expect("it is read").write(), text);
    }
    if let Some(relations) = told(Relations::parse("relations.toml", data)) {
        let text = relations.write();
        assert_eq!(Relations::parse("again", text.as_bytes()).expect("it is read").write(), text);
    }
});
