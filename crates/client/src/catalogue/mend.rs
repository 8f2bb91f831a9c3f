//! Specifiers in metadata that was written before anybody checked it.
//!
//! Off-spec: releases that are many years old say `>=3.5.*`, `!=3.0*`, `>dev`, or leave out a comma.
//! Everybody knows what was meant, other lockers read it so, and old pins need it. What is mended here is
//! only what has one meaning; all else stays unreadable.

use std::borrow::Cow;

use countermark_packaging::version::VersionSpecifiers;

/// Longest operators first.
const OPERATORS: [&str; 9] = ["===", "==", "!=", "~=", ">=", "<=", "=>", ">", "<"];

/// Specifiers, mended where they cannot be read as they stand.
pub(super) fn specifiers(text: &str) -> Option<VersionSpecifiers> {
    text.parse().ok().or_else(|| mend_specifiers(text)?.parse().ok())
}

/// The header lines of metadata with specifiers mended; nothing where there is nothing to mend.
pub(super) fn metadata(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut mended = Vec::with_capacity(bytes.len());
    let mut is_changed = false;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    for line in lines.by_ref() {
        if line.trim_ascii().is_empty() {
            break;
        }
        match std::str::from_utf8(line).ok().and_then(mend_line) {
            Some(line) => {
                mended.extend_from_slice(line.as_bytes());
                mended.push(b'\n');
                is_changed = true;
            }
            None => mended.extend_from_slice(line),
        }
    }
    is_changed.then_some(mended)
}

fn mend_line(line: &str) -> Option<String> {
    let (name, value) = line.split_once(':')?;
    let value = value.trim();
    let value = if name.eq_ignore_ascii_case("Requires-Python") {
        if value.parse::<VersionSpecifiers>().is_ok() {
            return None;
        }
        mend_specifiers(value)?
    } else if name.eq_ignore_ascii_case("Requires-Dist") {
        mend_requirement(value)?
    } else {
        return None;
    };
    Some(format!("{name}: {value}"))
}

/// `NAME[EXTRAS] (SPECIFIERS) ; MARKER`, where the specifiers cannot be read.
fn mend_requirement(text: &str) -> Option<String> {
    let (head, marker) = match text.split_once(';') {
        Some((head, marker)) => (head, Some(marker)),
        None => (text, None),
    };
    if head.contains('@') {
        return None;
    }
    let after_extras = head.find(']').map_or(0, |at| at + 1);
    let is_end = |c: char| matches!(c, '(' | '<' | '>' | '=' | '!' | '~') || c.is_whitespace();
    let end = after_extras + head[after_extras..].find(is_end)?;
    let (name, wanted) = head.split_at(end);
    let wanted = wanted.trim();
    let wanted = wanted.strip_prefix('(').map_or(wanted, |rest| rest.trim_end_matches(')'));
    if wanted.parse::<VersionSpecifiers>().is_ok() {
        return None;
    }
    let wanted = mend_specifiers(wanted)?;
    let marker = marker.map(|marker| format!(" ;{marker}")).unwrap_or_default();
    Some(format!("{name} {wanted}{marker}"))
}

/// Every clause mended, joined by commas.
fn mend_specifiers(text: &str) -> Option<String> {
    let text: Cow<'_, str> = match text.contains(['"', '\'']) {
        true => text.replace(['"', '\''], "").into(),
        false => text.into(),
    };
    let clauses = text.split(',').flat_map(split_clauses);
    let clauses: Option<Vec<String>> =
        clauses.filter(|clause| !clause.trim().is_empty()).map(mend_clause).collect();
    clauses.map(|clauses| clauses.join(","))
}

/// `>=1<2` is two clauses.
fn split_clauses(text: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let mut start = 0;
    let mut was_operator = true;
    for (at, byte) in text.bytes().enumerate() {
        let is_operator = matches!(byte, b'<' | b'>' | b'=' | b'!' | b'~');
        if is_operator && !was_operator && at > start && !text[start..at].trim().is_empty() {
            clauses.push(&text[start..at]);
            start = at;
        }
        was_operator = is_operator;
    }
    clauses.push(&text[start..]);
    clauses
}

fn mend_clause(clause: &str) -> Option<String> {
    let clause = clause.trim();
    let operator = OPERATORS.iter().find(|operator| clause.starts_with(**operator))?;
    let version = clause[operator.len()..].trim();
    let operator = if *operator == "=>" { ">=" } else { operator };
    let version: Cow<'_, str> = match (operator, version) {
        (">", "dev") => "0.0.0.dev0".into(),
        (">=" | "<=" | ">" | "<", version) => version.strip_suffix(".*").unwrap_or(version).into(),
        ("==" | "!=", version) if version.ends_with('*') && !version.ends_with(".*") => {
            format!("{}.*", version.trim_end_matches('*')).into()
        }
        (_, version) => version.into(),
    };
    Some(format!("{operator}{version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_one_meaning_is_mended() {
        let check = |text: &str, expect: Option<&str>| {
            let found = specifiers(text).map(|it| it.to_string());
            assert_eq!(found.as_deref(), expect, "{text}");
        };
        check(">=3.5", Some(">=3.5"));
        check(">=3.5.*", Some(">=3.5"));
        check(">=2.7,!=3.0*,!=3.1*", Some(">=2.7,!=3.0.*,!=3.1.*"));
        check(">=2.7, <4.*, ", Some(">=2.7,<4"));
        check(">= 3.6<4", Some(">=3.6,<4"));
        check("=>3.6", Some(">=3.6"));
        check("'>=3.6'", Some(">=3.6"));
        check(">dev", Some(">0.0.0.dev0"));
        check(">=2011k", None);
        check("3.6", None);
        check(">=3.8, oops", None);
        check("~=3.*", None);
    }

    #[test]
    fn requirements_in_metadata() {
        let check = |line: &str, expect: Option<&str>| {
            assert_eq!(mend_line(line).as_deref(), expect, "{line}");
        };
        check(
            "Requires-Dist: python-dotenv (>=0.13.*) ; extra == 'standard'\n",
            Some("Requires-Dist: python-dotenv >=0.13 ; extra == 'standard'"),
        );
        check("Requires-Dist: a[b,c](>=0.0.5<0.2.0)", Some("Requires-Dist: a[b,c] >=0.0.5,<0.2.0"));
        check("Requires-Dist: pytz (>dev)\r\n", Some("Requires-Dist: pytz >0.0.0.dev0"));
        check("requires-python: >=3.4.*", Some("requires-python: >=3.4"));
        check("Requires-Dist: a (>=1)", None);
        check("Requires-Dist: a", None);
        check("Requires-Dist: a @ https://x.example/>=1.*", None);
        check("Summary: >=3.*", None);
        let text = "Name: x\nRequires-Python: >=3.*\n\nRequires-Python: >=4.*\n";
        assert_eq!(metadata(text.as_bytes()).unwrap(), b"Name: x\nRequires-Python: >=3\n");
        assert_eq!(metadata(b"Name: x\nRequires-Python: >=3\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_mended_or_not(text in "\\PC{0,40}", name in "(requires-dist|Requires-Python): ") {
            let _ = specifiers(&text);
            let _ = metadata(format!("{name}{text}\n").as_bytes());
            // What can be read is not touched.
            if let Ok(read) = text.parse::<VersionSpecifiers>() {
                proptest::prop_assert_eq!(specifiers(&text), Some(read));
            }
        }
    }
}
