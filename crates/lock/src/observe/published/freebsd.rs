//! `distinfo` of FreeBSD's ports: `TIMESTAMP = n`, `SHA256 (name) = digest`, `SIZE (name) = n`
//! (Porter's Handbook, "The distinfo file").
//!
//! A name may have the folder that the port keeps its archives in; the file is its last component.

use std::collections::BTreeMap;

use countermark_packaging::digest::Algorithm;
use countermark_packaging::lock::codes;

use super::{Line, Origin, Reader, Stated, lines, shown};

/// Whether a port takes its archives from the index: `MASTER_SITES` names it by its short word.
pub(super) fn origin(makefiles: &[&str]) -> Origin {
    let takes = |text: &&str| {
        let joined = text.replace("\\\n", " ");
        joined.lines().any(|line| {
            let Some((name, value)) = line.split_once('=') else { return false };
            let is_sites = name.trim_end_matches(['+', '?', ':']).trim() == "MASTER_SITES";
            let mut words = value.split_ascii_whitespace();
            is_sites && words.any(|word| word == "PYPI" || word.starts_with("PYPI/"))
        })
    };
    match makefiles {
        [] => Origin::Unknown,
        texts if texts.iter().any(takes) => Origin::Index,
        _ => Origin::Elsewhere,
    }
}

pub(super) fn read(reader: &mut Reader<'_>, origin: Origin) {
    let mut digests = Vec::new();
    let mut sizes = BTreeMap::new();
    for line in lines(reader.text()) {
        if line.text.trim().is_empty() || line.text.starts_with('#') {
            continue;
        }
        let Some((left, value)) = line.text.split_once(" = ") else {
            reader.mistake(codes::SYNTAX, "expected `NAME (file) = value`", line.span());
            continue;
        };
        let value = value.trim();
        match left.trim().split_once(' ') {
            None if left.trim() == "TIMESTAMP" => check_number(reader, &line, value),
            Some(("SHA256", name)) => {
                let Some(name) = in_brackets(reader, &line, name) else { continue };
                digests.push((name, value, line));
            }
            Some(("SIZE", name)) => {
                let Some(name) = in_brackets(reader, &line, name) else { continue };
                let Ok(size) = value.parse::<u64>() else {
                    check_number(reader, &line, value);
                    continue;
                };
                if sizes.insert(name, size).is_some_and(|before| before != size) {
                    let message = format!("`{}` has two sizes", shown(name));
                    reader.mistake(codes::INVALID_VALUE, message, line.span());
                }
            }
            _ => {
                let message = format!("`{}` is not known in a distinfo", shown(left.trim()));
                reader.mistake(codes::SYNTAX, message, line.span());
            }
        }
    }
    if reader.is_broken {
        // What is missing would be told as a second mistake of the same line.
        return;
    }
    for (name, hexadecimal, line) in digests {
        let Some(size) = sizes.get(name) else {
            let message = format!("`{}` has a digest and no size", shown(name));
            reader.mistake(codes::MISSING_KEY, message, line.span());
            continue;
        };
        let file = name.rsplit('/').next().unwrap_or(name);
        let stated = Stated {
            file,
            algorithm: Algorithm::Sha256,
            hexadecimal,
            size: Some(*size),
            url: None,
            origin,
            package: None,
        };
        reader.add(stated, line.span());
    }
}

fn in_brackets<'a>(reader: &mut Reader<'_>, line: &Line<'_>, text: &'a str) -> Option<&'a str> {
    let inner = text.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    if inner.is_none() {
        reader.mistake(codes::SYNTAX, "expected the name of a file in brackets", line.span());
    }
    inner
}

fn check_number(reader: &mut Reader<'_>, line: &Line<'_>, value: &str) {
    if value.parse::<u64>().is_err() {
        let message = format!("`{}` is not a number", shown(value));
        reader.mistake(codes::INVALID_VALUE, message, line.span_of(value));
    }
}
