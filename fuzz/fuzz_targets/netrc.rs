//! `.netrc` files: any text is read or refused.

#![no_main]

use countermark_client::credentials::Netrc;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(netrc) = Netrc::parse(text) {
        let _ = netrc.find("index.example", None);
    }
});
