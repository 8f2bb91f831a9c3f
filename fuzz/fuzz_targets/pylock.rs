//! `pylock.toml`: reading ends, and errors have places in the file.

#![no_main]

use countermark_packaging::lock::pylock::{Selection, read};
use countermark_packaging::marker::MarkerEnvironment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let environment = MarkerEnvironment {
        python_full_version: "3.11.7".to_owned(),
        python_version: "3.11".to_owned(),
        ..MarkerEnvironment::default()
    };
    let Err(errors) = read("f", data, &environment, &Selection::default()) else { return };
    assert!(!errors.is_empty());
    let Ok(text) = std::str::from_utf8(data) else { return };
    for error in errors {
        assert!(text.get(error.place.span).is_some());
    }
});
