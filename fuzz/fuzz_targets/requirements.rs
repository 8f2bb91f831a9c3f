//! Requirements files: reading ends, errors have places in the file, and what is rewritten can be
//! read again with the same requirements.

#![no_main]

use countermark_packaging::lock::Place;
use countermark_packaging::lock::requirements::edit::Document;
use countermark_packaging::lock::requirements::{
    FileKind, LoadError, Loaded, Loader, Root, decode, read,
};
use countermark_packaging::marker::MarkerEnvironment;
use libfuzzer_sys::fuzz_target;

struct One<'a>(&'a [u8]);

impl Loader for One<'_> {
    fn load(
        &mut self,
        location: &str,
        _: FileKind,
        _: Option<&Place>,
    ) -> Result<Loaded, LoadError> {
        Ok(Loaded { location: location.to_owned(), text: self.0.to_vec() })
    }
}

fuzz_target!(|data: &[u8]| {
    let root = |kind| Root { location: "f".to_owned(), kind };
    let variables = |name: &str| (name == "A").then(|| "value".to_owned());
    let environment = MarkerEnvironment::default();
    let Ok(text) = decode(data).map(|decoded| decoded.text) else { return };
    for kind in [FileKind::Requirements, FileKind::Constraints] {
        let roots = [root(FileKind::Requirements), root(kind)];
        match read(&roots, &mut One(data), &environment, &variables) {
            Ok(set) => {
                for wanted in set.wanted {
                    assert!(text.get(wanted.place.span).is_some());
                }
            }
            Err(errors) => {
                assert!(!errors.is_empty());
                for error in errors {
                    assert!(text.get(error.place.span).is_some());
                }
            }
        }
    }
    let document = Document::parse("f", data).unwrap();
    let ported = Document::parse("f", &document.ported()).unwrap();
    assert_eq!(document.entries().len(), ported.entries().len());
    for (before, after) in document.entries().iter().zip(ported.entries()) {
        assert_eq!(before.project, after.project);
        assert!(before.digests.iter().all(|digest| after.digests.contains(digest)));
    }
});
