//! `.dsc` and `Sources` of Debian: paragraphs of fields (`deb-src-control(5)`, and
//! <https://wiki.debian.org/DebianRepository/Format>, "Sources Indices").
//!
//! Only `Checksums-Sha256` counts, and of its files only the archives that come from the project
//! (`.orig.tar.…`, `.orig-COMPONENT.tar.…`); the others are Debian's own. They keep the name that Debian
//! gave them: which file of an index they are only their digest says, and many were repacked.
//!
//! The OpenPGP signature around a `.dsc` is taken off and not verified, so that what stands here is
//! what the file says, not what its maintainer signed.

use countermark_packaging::digest::Algorithm;
use countermark_packaging::lock::codes;

use super::{Line, Origin, Reader, Stated, lines, shown};

/// The lines inside a clear-signed message (RFC 9580, section 7), or all of them.
pub(super) fn unsigned<'a>(
    lines: impl Iterator<Item = Line<'a>>,
) -> impl Iterator<Item = Line<'a>> {
    enum At {
        Begin,
        Headers,
        Signed,
        Plain,
        After,
    }
    let mut at = At::Begin;
    lines.filter_map(move |line| match at {
        At::Begin if line.text == "-----BEGIN PGP SIGNED MESSAGE-----" => {
            at = At::Headers;
            None
        }
        At::Begin => {
            at = At::Plain;
            Some(line)
        }
        At::Headers => {
            if line.text.trim().is_empty() {
                at = At::Signed;
            }
            None
        }
        At::Signed if line.text == "-----BEGIN PGP SIGNATURE-----" => {
            at = At::After;
            None
        }
        // Section 7.2: a line that begins with a dash was escaped.
        At::Signed => Some(match line.text.strip_prefix("- ") {
            Some(text) => Line { text, start: line.start + 2 },
            None => line,
        }),
        At::Plain => Some(line),
        At::After => None,
    })
}

/// A field: its name, and its lines.
struct Field<'a> {
    name: &'a str,
    lines: Vec<Line<'a>>,
}

impl<'a> Field<'a> {
    fn value(&self) -> &'a str {
        self.lines.first().map_or("", |line| line.text.trim())
    }
}

pub(super) fn read(reader: &mut Reader<'_>, is_index: bool) {
    let mut paragraph: Vec<Field<'_>> = Vec::new();
    let mut paragraphs = 0_usize;
    for line in unsigned(lines(reader.text())) {
        if line.text.trim().is_empty() {
            if !paragraph.is_empty() {
                paragraphs += 1;
                read_paragraph(reader, &paragraph, is_index);
                paragraph.clear();
                reader.begin_unit();
            }
        } else if line.text.starts_with([' ', '\t']) {
            match paragraph.last_mut() {
                Some(field) => field.lines.push(line),
                None => reader.mistake(codes::SYNTAX, "a line that continues nothing", line.span()),
            }
        } else {
            begin_field(reader, &mut paragraph, line);
        }
    }
    if !paragraph.is_empty() || paragraphs == 0 {
        paragraphs += 1;
        read_paragraph(reader, &paragraph, is_index);
    }
    if !is_index && paragraphs > 1 {
        let message = format!("a .dsc has one paragraph, found {paragraphs}");
        reader.mistake(codes::SYNTAX, message, 0..0);
        reader.reading.published.clear();
    }
}

fn begin_field<'a>(reader: &mut Reader<'_>, paragraph: &mut Vec<Field<'a>>, line: Line<'a>) {
    let Some((name, value)) = line.text.split_once(':') else {
        return reader.mistake(codes::SYNTAX, "expected `Field: value`", line.span());
    };
    if paragraph.iter().any(|field| field.name.eq_ignore_ascii_case(name)) {
        let message = format!("the field `{}` stands twice", shown(name));
        return reader.mistake(codes::SYNTAX, message, line.span());
    }
    let start = line.start + name.len() + 1;
    paragraph.push(Field { name, lines: vec![Line { text: value, start }] });
}

fn read_paragraph(reader: &mut Reader<'_>, paragraph: &[Field<'_>], is_index: bool) {
    let field = |name: &str| paragraph.iter().find(|field| field.name.eq_ignore_ascii_case(name));
    let at = paragraph.first().and_then(|field| field.lines.first()).map_or(0..0, Line::span);
    let name = if is_index { "Package" } else { "Source" };
    let Some(package) = field(name).map(Field::value).filter(|name| !name.is_empty()) else {
        return reader.mistake(codes::MISSING_KEY, format!("`{name}` is missing"), at);
    };
    let Some(checksums) = field("Checksums-Sha256") else {
        return reader.pass_over(format!("`{}` has no `Checksums-Sha256`", shown(package)), at);
    };
    let folder = field("Directory").map(Field::value);
    for line in checksums.lines.iter().filter(|line| !line.text.trim().is_empty()) {
        let words = line.words();
        let &[hexadecimal, size, file] = words.as_slice() else {
            reader.mistake(codes::SYNTAX, "expected `digest size name`", line.span());
            continue;
        };
        let Ok(size) = size.parse::<u64>() else {
            let message = format!("`{}` is not a size in bytes", shown(size));
            reader.mistake(codes::INVALID_VALUE, message, line.span_of(size));
            continue;
        };
        if !is_upstream(file) {
            continue;
        }
        let stated = Stated {
            file,
            algorithm: Algorithm::Sha256,
            hexadecimal,
            size: Some(size),
            url: folder.map(|folder| format!("{folder}/{file}")),
            // Its name is Debian's, so it must not be taken for one of an index.
            origin: Origin::Elsewhere,
            package: Some(package.to_owned()),
        };
        reader.add(stated, line.span_of(file));
    }
}

/// `NAME_VERSION.orig.tar.EXT` or `NAME_VERSION.orig-COMPONENT.tar.EXT`.
fn is_upstream(file: &str) -> bool {
    let Some((_, rest)) = file.rsplit_once(".orig") else { return false };
    let rest = match rest.strip_prefix('-') {
        Some(component) => component.find('.').map_or("", |at| &component[at..]),
        None => rest,
    };
    matches!(rest, ".tar.gz" | ".tar.xz" | ".tar.bz2" | ".tar.zst" | ".tar.lzma")
}
