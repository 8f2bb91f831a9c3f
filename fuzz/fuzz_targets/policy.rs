//! Policies: any bytes are read or refused, and every refusal has its place.

#![no_main]

use countermark_trust::policy::{Policy, Section};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for section in [Section::File, Section::Pyproject] {
        if let Err(errors) = Policy::parse("policy", data, section) {
            assert!(!errors.is_empty());
            assert!(errors.iter().all(|error| error.place.line > 0));
        }
    }
});
