//! JSON documents of projects: any bytes are read or refused, and what is read can be shown.

#![no_main]

use countermark_packaging::project_json::{self, MAX_ROLES};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = project_json::parse(data) else { return };
    let roles = document.ownership.map(|ownership| ownership.roles).unwrap_or_default();
    assert!(roles.len() <= MAX_ROLES);
    for role in roles {
        assert!(!role.user.is_empty() && !role.user.contains(char::is_control), "{role:?}");
    }
});
