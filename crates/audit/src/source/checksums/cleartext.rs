//! The frame around a clear-signed text (RFC 9580, section 7).
//!
//! It is opened here only to use a list whose signature nobody is to check or nobody can; what a
//! signature covers is the judge's to say.

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// The text inside; `None` when there is no such frame, and an error when it is broken or something
/// stands outside of it, which no signature covers.
pub(super) fn parse(bytes: &[u8]) -> Option<Result<Vec<u8>, String>> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    if !text.contains(BEGIN) {
        return None;
    }
    if lines.find(|line| !line.trim().is_empty()).map(str::trim_end) != Some(BEGIN) {
        return Some(Err("text stands before the signed text".to_owned()));
    }
    // Armour headers end with an empty line.
    if !lines.by_ref().any(|line| line.trim().is_empty()) {
        return Some(Err("the frame of the signed text is broken".to_owned()));
    }
    let mut signed = String::new();
    for line in lines.by_ref() {
        if line.trim_end() == SIGNATURE {
            return Some(check_rest(lines).map(|()| signed.into_bytes()));
        }
        // Dash escapes: section 7.2.
        signed.push_str(line.strip_prefix("- ").unwrap_or(line));
        signed.push('\n');
    }
    Some(Err("the signed text has no signature".to_owned()))
}

fn check_rest<'a>(mut lines: impl Iterator<Item = &'a str>) -> Result<(), String> {
    if !lines.by_ref().any(|line| line.trim_end() == END) {
        return Err("the signature of the signed text has no end".to_owned());
    }
    match lines.find(|line| !line.trim().is_empty()) {
        Some(_) => Err("text stands after the signature".to_owned()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n- -dash\ntext\n\
        -----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n";

    #[test]
    fn the_text_comes_out() {
        assert_eq!(parse(GOOD.as_bytes()), Some(Ok(b"-dash\ntext\n".to_vec())));
        let crlf = GOOD.replace('\n', "\r\n");
        assert_eq!(parse(crlf.as_bytes()), Some(Ok(b"-dash\ntext\n".to_vec())));
        assert_eq!(parse(b"abc  lamp-1.0.tar.gz\n"), None);
    }

    #[test]
    fn nothing_stands_outside() {
        let check = |text: String, expect: &str| {
            assert_eq!(parse(text.as_bytes()), Some(Err(expect.to_owned())));
        };
        check(format!("evil\n{GOOD}"), "text stands before the signed text");
        check(format!("{GOOD}evil\n"), "text stands after the signature");
        check(
            GOOD.replace("-----END PGP SIGNATURE-----\n", ""),
            "the signature of the signed text has no end",
        );
        check(
            GOOD.replace("-----BEGIN PGP SIGNATURE-----\n", ""),
            "the signed text has no signature",
        );
        check(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: x".into(),
            "the frame of the signed text is broken",
        );
    }
}
