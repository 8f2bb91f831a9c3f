//! File names: what is accepted has no separator and no control character.

#![no_main]

use countermark_packaging::filename::DistributionFilename;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(filename) = DistributionFilename::parse(text) else { return };
    assert_eq!(filename.as_str(), text);
    assert!(!text.contains(['/', '\\', '\0', '\n', ' ']) && !text.starts_with('.'));
    assert!(text.len() <= 255);
});
