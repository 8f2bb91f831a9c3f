//! Markers, requirements and specifiers: what is written is read again as the same.

#![no_main]

use countermark_packaging::marker::{Marker, MarkerEnvironment};
use countermark_packaging::requirement::Requirement;
use countermark_packaging::version::{Version, VersionSpecifiers};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let environment = MarkerEnvironment {
        python_full_version: "3.11.7+".to_owned(),
        python_version: "3.11".to_owned(),
        ..MarkerEnvironment::default()
    };
    match Marker::parse(text) {
        Ok(marker) => {
            let again = Marker::parse(&marker.to_string()).unwrap();
            assert_eq!(again, marker);
            assert_eq!(again.evaluate(&environment, &[]), marker.evaluate(&environment, &[]));
        }
        Err(error) => assert!(text.get(error.span).is_some()),
    }
    match Requirement::parse(text) {
        Ok(requirement) => {
            assert_eq!(Requirement::parse(&requirement.to_string()).unwrap(), requirement);
        }
        Err(error) => assert!(text.get(error.span).is_some()),
    }
    match text.parse::<VersionSpecifiers>() {
        Ok(specifiers) => {
            assert_eq!(specifiers.to_string().parse::<VersionSpecifiers>().unwrap(), specifiers);
            let one = Version::new([1, 0]);
            if let Some(pin) = specifiers.pinned() {
                assert!(specifiers.contains(pin));
            }
            let _ = specifiers.contains(&one);
        }
        Err(error) => assert!(text.get(error.span).is_some()),
    }
});
