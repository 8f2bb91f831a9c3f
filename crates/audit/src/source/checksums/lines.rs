//! One line of a list of checksums.

use countermark_packaging::digest::Sha256;

use crate::source::setup::shown;

/// Longest line, in bytes.
const MAX_LINE: usize = 8 * 1024;

/// Algorithms that lists name besides the one that is read.
const OTHERS: &[&str] = &[
    "MD5",
    "SHA1",
    "SHA224",
    "SHA384",
    "SHA512",
    "SHA2-512",
    "SHA2-384",
    "RMD160",
    "BLAKE2b",
    "BLAKE2b-256",
    "BLAKE3",
    "SHA3-256",
    "SHA3-512",
];

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A file's digest.
    File { name: String, digest: Sha256 },
    /// A digest of another kind; well formed, and of no use here.
    OtherAlgorithm,
    /// Empty, or a comment.
    Nothing,
}

/// Reads a line without its line feed. `only_file` is the file that a digest without a name is of.
pub(super) fn parse(line: &[u8], only_file: Option<&str>) -> Result<Line, String> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > MAX_LINE {
        return Err(format!("the line has {} bytes, at most {MAX_LINE} are read", line.len()));
    }
    let text = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() || text.starts_with('#') {
        return Ok(Line::Nothing);
    }
    // GNU marks a line whose name is escaped by a backslash at its beginning.
    let (text, is_escaped) = text.strip_prefix('\\').map_or((text, false), |text| (text, true));
    let (name, digest) = match tagged(text)? {
        Some(Tagged::Sha256 { name, digest }) => (name, digest),
        Some(Tagged::Other) => return Ok(Line::OtherAlgorithm),
        None => match plain(text, only_file)? {
            Some(found) => found,
            None => return Ok(Line::OtherAlgorithm),
        },
    };
    let digest = Sha256::parse_hex(digest).map_err(|error| error.to_string())?;
    let name = if is_escaped { unescape(name)? } else { name.to_owned() };
    Ok(Line::File { name, digest })
}

enum Tagged<'a> {
    Sha256 { name: &'a str, digest: &'a str },
    Other,
}

/// `SHA256 (name) = digest` of BSD and `sha256sum --tag`; OpenSSL leaves the blanks out.
fn tagged(text: &str) -> Result<Option<Tagged<'_>>, String> {
    let Some((algorithm, rest)) = text.split_once('(') else { return Ok(None) };
    let algorithm = algorithm.trim_end();
    let is_known = matches!(algorithm, "SHA256" | "SHA2-256");
    if !is_known {
        return Ok(OTHERS.contains(&algorithm).then_some(Tagged::Other));
    }
    // The name may hold `) = ` itself, and the digest cannot.
    let (name, digest) = rest
        .rsplit_once(") = ")
        .or_else(|| rest.rsplit_once(")= "))
        .ok_or_else(|| format!("`{}` lacks `) = ` and a digest", shown(text)))?;
    Ok(Some(Tagged::Sha256 { name, digest: digest.trim_end() }))
}

/// `digest  name`, or `digest *name` for binary mode; `None` for a digest of another length.
fn plain<'a>(
    text: &'a str,
    only_file: Option<&'a str>,
) -> Result<Option<(&'a str, &'a str)>, String> {
    let refused = || {
        format!(
            "`{}` is no line of checksums: expected 64 hexadecimal digits and a name",
            shown(text)
        )
    };
    let (digest, name) = match text.split_once(' ') {
        Some((digest, name)) if !name.trim().is_empty() => {
            // One blank, then one for the mode; some tools write one blank only.
            let name = name.strip_prefix([' ', '*']).unwrap_or(name);
            (digest, name)
        }
        _ => (text.trim_end(), only_file.ok_or_else(refused)?),
    };
    let is_digest = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    match digest.len() {
        64 if is_digest => Ok(Some((name, digest))),
        32 | 40 | 56 | 96 | 128 if is_digest => Ok(None),
        _ => Err(refused()),
    }
}

/// Undoes the escapes of GNU coreutils: `\\`, `\n` and `\r`.
fn unescape(name: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(name.len());
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        plain.push(match characters.next() {
            Some('\\') => '\\',
            Some('n') => '\n',
            Some('r') => '\r',
            _ => return Err(format!("`{}` has an escape that is not known", shown(name))),
        });
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: Result<Option<&str>, &str>) {
        let a = "a".repeat(64);
        let line = line.replace("AAAA", &a);
        let found = match parse(line.as_bytes(), None) {
            Ok(Line::File { name, digest }) => {
                assert_eq!(digest.hex(), a);
                Ok(Some(name))
            }
            Ok(_) => Ok(None),
            Err(reason) => Err(reason),
        };
        match (found, expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found.as_deref(), expect, "{line}"),
            (Err(found), Err(expect)) => assert!(found.contains(expect), "{line}: {found}"),
            (found, expect) => panic!("{line}: {found:?}, expected {expect:?}"),
        }
    }

    #[test]
    fn forms_of_lines() {
        check("AAAA  lamp-1.0.tar.gz", Ok(Some("lamp-1.0.tar.gz")));
        check("AAAA *lamp-1.0.tar.gz\r", Ok(Some("lamp-1.0.tar.gz")));
        check("AAAA lamp-1.0.tar.gz", Ok(Some("lamp-1.0.tar.gz")));
        check("AAAA  dist/a b.tar.gz", Ok(Some("dist/a b.tar.gz")));
        check("\\AAAA  a\\\\b\\nc", Ok(Some("a\\b\nc")));
        check("AAAA  a\\\\b", Ok(Some("a\\\\b")));
        check("SHA256 (lamp-1.0.tar.gz) = AAAA", Ok(Some("lamp-1.0.tar.gz")));
        check("SHA256 (a) = b) = AAAA", Ok(Some("a) = b")));
        check("SHA2-256(lamp-1.0.tar.gz)= AAAA", Ok(Some("lamp-1.0.tar.gz")));
        check("\\SHA256 (a\\\\b) = AAAA", Ok(Some("a\\b")));
        check("\u{feff}AAAA  a", Ok(Some("a")));
        check("", Ok(None));
        check("# made by hand", Ok(None));
        check("SHA512 (a) = AAAAAAAA", Ok(None));
        check("AAAAAAAA  a", Ok(None));
    }

    proptest::proptest! {
        #[test]
        fn what_was_written_is_read(name in "[a-z0-9 .\\\\()=*\n\r_-]{1,20}", binary: bool) {
            let escaped = name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
            let mark = if escaped == name { "" } else { "\\" };
            let mode = if binary { '*' } else { ' ' };
            let digest = Sha256([7; 32]);
            let line = format!("{mark}{} {mode}{escaped}", digest.hex());
            let expect = Line::File { name: name.clone(), digest };
            if !name.trim().is_empty() {
                proptest::prop_assert_eq!(parse(line.as_bytes(), None), Ok(expect.clone()));
            }
            let tagged = format!("{mark}SHA256 ({escaped}) = {}", digest.hex());
            proptest::prop_assert_eq!(parse(tagged.as_bytes(), None), Ok(expect));
        }

        #[test]
        fn no_line_is_too_odd(line in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = parse(&line, Some("a"));
        }
    }

    #[test]
    fn what_is_no_line() {
        check("AAA  a", Err("expected 64 hexadecimal digits and a name"));
        check("AAAAa  a", Err("expected 64 hexadecimal digits and a name"));
        check("AAAA", Err("expected 64 hexadecimal digits and a name"));
        check("AAAA  ", Err("expected 64 hexadecimal digits and a name"));
        check("hello", Err("expected 64 hexadecimal digits and a name"));
        check("SHA256 (a) AAAA", Err("lacks `) = ` and a digest"));
        check("SHA256 (a) = AAAAa", Err("64"));
        check("SHA256 (a) = xyz", Err("'x'"));
        check("\\AAAA  a\\x", Err("an escape that is not known"));
        check("\\AAAA  a\\", Err("an escape that is not known"));
        check(&format!("AAAA  {}", "b".repeat(9000)), Err("at most 8192 are read"));
        assert!(parse(b"\xff", None).unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn a_digest_alone_is_of_the_file_beside_it() {
        let digest = "b".repeat(64);
        let alone = |only| parse(digest.as_bytes(), only);
        let Ok(Line::File { name, .. }) = alone(Some("lamp-1.0.tar.gz")) else { panic!() };
        assert_eq!(name, "lamp-1.0.tar.gz");
        assert!(alone(None).is_err());
    }
}
