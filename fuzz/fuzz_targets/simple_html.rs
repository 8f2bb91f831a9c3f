//! HTML project pages: any bytes are read or refused, and what is read is usable.

#![no_main]

use countermark_packaging::simple::html;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|data: &[u8]| {
    let base = Url::parse("https://index.example/simple/x/").expect("a URL");
    let Ok(page) = html::parse(data, &base) else { return };
    for file in page.files {
        assert!(!file.filename.contains(['/', '\\', '\0']), "{file:?}");
        let url = Url::parse(&file.url).expect("an absolute URL");
        assert!(matches!(url.scheme(), "http" | "https"), "{file:?}");
    }
});
