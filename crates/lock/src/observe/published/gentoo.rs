//! `Manifest` of Gentoo: the lines `DIST name size ALGORITHM digest …`
//! (GLEP 74, <https://www.gentoo.org/glep/glep-0074.html>, "File format").
//!
//! BLAKE2B is not kept: no lock names it. Of SHA512 and SHA256, the first one that is there is. Lines of
//! other kinds are about files of the repository itself. An OpenPGP signature around the whole
//! is passed over, not verified.

use countermark_packaging::digest::Algorithm;
use countermark_packaging::lock::codes;

use super::{Line, Origin, Reader, Stated, lines};

/// Whether the ebuilds of a folder take their archives from the index: they inherit its eclass.
pub(super) fn origin(ebuilds: &[&str]) -> Origin {
    let inherits = |text: &&str| {
        // An `inherit` may go on over several lines.
        let joined = text.replace("\\\n", " ");
        joined.lines().any(|line| {
            let mut words = line.split_ascii_whitespace();
            words.next() == Some("inherit") && words.any(|word| word == "pypi")
        })
    };
    match ebuilds {
        [] => Origin::Unknown,
        texts if texts.iter().any(inherits) => Origin::Index,
        _ => Origin::Elsewhere,
    }
}

pub(super) fn read(reader: &mut Reader<'_>, origin: Origin) {
    for line in super::debian::unsigned(lines(reader.text())) {
        let words = line.words();
        match words.first() {
            Some(&"DIST") => read_line(reader, &line, &words, origin),
            None
            | Some(
                &("MANIFEST" | "IGNORE" | "DATA" | "MISC" | "EBUILD" | "AUX" | "OPTIONAL"
                | "TIMESTAMP"),
            ) => {}
            Some(other) => {
                let message = format!("`{}` is no kind of line of a Manifest", super::shown(other));
                reader.mistake(codes::SYNTAX, message, line.span_of(other));
            }
        }
    }
}

fn read_line(reader: &mut Reader<'_>, line: &Line<'_>, words: &[&str], origin: Origin) {
    let [_, file, size, digests @ ..] = words else {
        let message = "expected `DIST name size ALGORITHM digest`";
        return reader.mistake(codes::SYNTAX, message, line.span());
    };
    let Ok(size) = size.parse::<u64>() else {
        let message = format!("`{}` is not a size in bytes", super::shown(size));
        return reader.mistake(codes::INVALID_VALUE, message, line.span_of(size));
    };
    if digests.is_empty() || digests.len() % 2 != 0 {
        let message = "each algorithm must be followed by its digest";
        return reader.mistake(codes::SYNTAX, message, line.span());
    }
    let named = |name: &str| digests.chunks(2).find(|pair| pair[0] == name).map(|pair| pair[1]);
    let found = named("SHA512").map(|text| (Algorithm::Sha512, text));
    let found = found.or_else(|| named("SHA256").map(|text| (Algorithm::Sha256, text)));
    let Some((algorithm, hexadecimal)) = found else {
        return reader.pass_over(format!("`{file}` has neither SHA512 nor SHA256"), line.span());
    };
    // Archives of a repository's host get a name of their own.
    let is_renamed = file.contains(".gh.") || file.contains(".gl.");
    let origin = if is_renamed { Origin::Elsewhere } else { origin };
    let stated =
        Stated { file, algorithm, hexadecimal, size: Some(size), url: None, origin, package: None };
    reader.add(stated, line.span_of(file));
}
