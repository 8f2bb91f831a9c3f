//! Contents of distributions: any bytes are read or refused, as a wheel and as a source distribution;
//! what is read is no change against itself, and its kinds are those of the whole files.

#![no_main]

use countermark_client::contents::{Distribution, diff, read_contents};
use countermark_trust::change::{Change, FileKind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = FileKind::of("a/b.py", data);
    for filename in ["tea-1.0-py3-none-any.whl", "tea-1.0.tar.gz", "tea-1.0.zip"] {
        let distribution = Distribution { archive: &data, filename };
        let Ok(contents) = read_contents(distribution) else { continue };
        assert!(Change::between(&contents, &contents).is_empty());
        let pages = diff((distribution, &contents), (distribution, &contents));
        assert_eq!(pages.expect("the same bytes as before").count(), 0);
    }
});
