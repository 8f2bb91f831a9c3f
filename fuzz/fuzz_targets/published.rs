//! Documents of distributions: any bytes are read or refused; what is read has a name that is no path,
//! a strong digest and a place inside of the document, and a document with a mistake gives nothing.

#![no_main]

use countermark_lock::observe::published::{Kind, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    for (kind, name) in [
        (Kind::Gentoo, "Manifest"),
        (Kind::FreeBsd, "distinfo"),
        (Kind::Debian, "a.dsc"),
        (Kind::Debian, "Sources"),
        (Kind::CondaForge, "meta.yaml"),
        (Kind::CondaForge, "recipe.yaml"),
        (Kind::Homebrew, "a.rb"),
    ] {
        let reading = read(kind, name, data, &[&text]);
        for published in &reading.published {
            assert!(!published.file.contains(['/', '\\', '\0']));
            assert!(published.digest.algorithm().is_strong());
            assert!(published.place.span.end <= data.len());
        }
        let is_index = name == "Sources";
        assert!(is_index || reading.mistakes.is_empty() || reading.published.is_empty());
    }
});
