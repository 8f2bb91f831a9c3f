//! METADATA, WHEEL and entry points: reading ends.

#![no_main]

use countermark_packaging::entry_points::EntryPoints;
use countermark_packaging::metadata::CoreMetadata;
use countermark_packaging::wheel::WheelMetadata;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = CoreMetadata::parse(data);
    let _ = WheelMetadata::parse(data);
    if let Ok(found) = EntryPoints::parse(data) {
        for script in found.console.iter().chain(&found.gui) {
            assert!(!script.name.contains(['/', '\\', '\n', '\0']));
            assert!(script.module.bytes().all(|b| b.is_ascii_alphanumeric() || b"._".contains(&b)));
        }
    }
});
