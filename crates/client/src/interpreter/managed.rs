//! `EXTERNALLY-MANAGED`: an installation that another package manager looks after (PEP 668).

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

const MAX_BYTES: u64 = 64 << 10;
const NO_MESSAGE: &str = "its packages are looked after by another package manager";

/// The message for the user, when the file is there. One that cannot be read still counts.
pub(crate) fn read_message(standard_library: &Path) -> Option<String> {
    let path = standard_library.join("EXTERNALLY-MANAGED");
    match File::open(path) {
        Ok(file) => {
            let mut bytes = Vec::new();
            let _ = file.take(MAX_BYTES).read_to_end(&mut bytes);
            Some(parse_message(&String::from_utf8_lossy(&bytes)))
        }
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            None
        }
        Err(_) => Some(NO_MESSAGE.to_owned()),
    }
}

/// The first line of `Error` in the section `[externally-managed]`.
fn parse_message(text: &str) -> String {
    let mut is_ours = false;
    for line in text.lines() {
        if let Some(section) = line.trim().strip_prefix('[') {
            is_ours = section.trim_end_matches(']') == "externally-managed";
        } else if is_ours
            && let Some((key, value)) = line.split_once(['=', ':'])
            && key.trim().eq_ignore_ascii_case("error")
        {
            let message: String = value.trim().chars().filter(|c| !c.is_control()).collect();
            if !message.is_empty() {
                return message;
            }
        }
    }
    NO_MESSAGE.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages() {
        for (text, expect) in [
            ("[externally-managed]\nError=To install, try apt\n xyz\n", "To install, try apt"),
            ("[externally-managed]\nerror : a\x1b[31m b\n", "a[31m b"),
            ("[other]\nError=no\n", NO_MESSAGE),
            ("", NO_MESSAGE),
            ("[externally-managed]\nError-de=nein\n", NO_MESSAGE),
        ] {
            assert_eq!(parse_message(text), expect, "{text}");
        }
    }
}
