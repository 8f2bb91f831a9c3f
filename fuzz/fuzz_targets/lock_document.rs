//! Locks of every format, which the first byte chooses: reading ends, errors and URLs have places
//! in the file, and what is read has its entries in the text.

#![no_main]

use countermark_packaging::lock::document::{LockFormat, detect, parse_with_urls};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&first, data)) = data.split_first() else { return };
    let format = LockFormat::ALL[usize::from(first) % LockFormat::ALL.len()];
    let _ = detect("f", data);
    // Places count in the decoded text, which is the file itself when it is UTF-8 without a mark.
    let text = std::str::from_utf8(data).ok().filter(|text| !text.starts_with('\u{feff}'));
    match parse_with_urls(format, "f", data) {
        Err(errors) => {
            assert!(!errors.is_empty());
            let is_requirements = format == LockFormat::Requirements;
            for error in errors {
                let Some(text) = text.filter(|_| !is_requirements) else { continue };
                assert!(text.get(error.place.span).is_some());
            }
        }
        Ok((document, urls)) => {
            assert_eq!(document.format, format);
            for url in urls.into_iter().filter(|url| url.is_plain) {
                let Some(text) = text else { continue };
                assert_eq!(text.get(url.place.span), Some(url.text.as_str()));
            }
        }
    }
});
