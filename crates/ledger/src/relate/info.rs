//! Rules for the folder of metadata of a wheel, which a builder makes.

use std::collections::BTreeSet;

use countermark_packaging::metadata::CoreMetadata;
use countermark_packaging::wheel::WheelMetadata;
use countermark_trust::change::FileKind;

use super::declared::{declared_points, declared_requirements, read_points};
use super::finding::{Permit, Reason, Verdict};
use super::side::{Member, Side, extension, name_of};

/// The fields of `WHEEL` that say how to install the files and nothing else.
const WHEEL_FIELDS: [&str; 5] = ["wheel-version", "generator", "root-is-purelib", "tag", "build"];

/// Beginnings of the names of licences and of what goes with them.
const LICENCES: [&str; 10] = [
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "authors",
    "contributors",
    "patents",
    "unlicense",
    "third",
];

/// The path of a file of metadata in a side, and its text where it was kept.
pub(super) struct Info<'a> {
    pub(super) name: &'a str,
    pub(super) member: &'a Member,
    pub(super) text: Option<&'a [u8]>,
}

/// What a file of metadata is that is not the same in the other file of the release. `before` is the
/// file of the same name where that is a wheel.
pub(super) fn judge(from: &Side, to: &Side, info: &Info<'_>, before: Option<&[u8]>) -> Verdict {
    let unexplained = Verdict::Unexplained;
    if info.member.kind == FileKind::Native || info.member.kind == FileKind::Opaque {
        return unexplained(Reason::Program);
    }
    match (info.name, info.text) {
        ("RECORD", _) => Verdict::Permitted(Permit::Record),
        ("METADATA", Some(text)) => metadata(from, to, text, before),
        ("WHEEL", Some(text)) if is_plain_wheel(text) => Verdict::Permitted(Permit::Wheel),
        ("entry_points.txt", Some(text)) => entry_points(from, text, before),
        ("METADATA" | "WHEEL" | "entry_points.txt", _) => unexplained(Reason::Metadata),
        (name, _) if is_licence(name) && info.member.kind == FileKind::Text => {
            Verdict::Permitted(Permit::Licence)
        }
        (name, Some(text)) if is_listing(name, text) => Verdict::Permitted(Permit::Listing),
        // PEP 770: what went into the wheel, as a document.
        (name, _) if name.starts_with("sboms/") && extension(name) == "json" => {
            Verdict::Permitted(Permit::Listing)
        }
        _ => unexplained(Reason::Metadata),
    }
}

fn is_plain_wheel(text: &[u8]) -> bool {
    let lines = String::from_utf8_lossy(text);
    let known = |line: &str| {
        let field = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        line.trim().is_empty() || WHEEL_FIELDS.contains(&field.as_str())
    };
    WheelMetadata::parse(text).is_ok() && lines.lines().all(known)
}

/// Same name, version, requirements; what is for people may differ.
fn metadata(from: &Side, to: &Side, text: &[u8], before: Option<&[u8]>) -> Verdict {
    let unexplained = |reason| Verdict::Unexplained(reason);
    let said = if from.is_wheel() { before } else { from.text("PKG-INFO") };
    let (Some(said), Ok(found)) = (said, CoreMetadata::parse(text)) else {
        return unexplained(Reason::Metadata);
    };
    let Ok(said) = CoreMetadata::parse(said) else { return unexplained(Reason::Metadata) };
    let is_this = |it: &CoreMetadata| it.name == *to.project() && it.version == *to.version();
    if !is_this(&found) || !is_this(&said) {
        return unexplained(Reason::Metadata);
    }
    let of = |it: &CoreMetadata| -> BTreeSet<String> {
        it.requires_dist.iter().map(ToString::to_string).collect()
    };
    let (wanted, found_wanted) = (of(&said), of(&found));
    let may_be_elsewhere = wanted.is_empty() && !from.is_wheel();
    let is_declared = || declared_requirements(from).is_some_and(|them| them == found_wanted);
    if wanted != found_wanted && !(may_be_elsewhere && is_declared()) {
        return unexplained(Reason::Requirements);
    }
    Verdict::Permitted(Permit::Metadata)
}

fn entry_points(from: &Side, text: &[u8], before: Option<&[u8]>) -> Verdict {
    let Some(found) = read_points(text) else { return Verdict::Unexplained(Reason::EntryPoints) };
    let declared = if from.is_wheel() {
        before.and_then(read_points).into_iter().collect()
    } else {
        declared_points(from)
    };
    if declared.contains(&found) {
        Verdict::Permitted(Permit::EntryPoints)
    } else {
        Verdict::Unexplained(Reason::EntryPoints)
    }
}

/// Whether the other file of the release has entry points and this one has no file of them.
pub(super) fn lost_points(from: &Side, before: Option<&[u8]>) -> bool {
    let is_some = |points: BTreeSet<_>| !points.is_empty();
    if from.is_wheel() {
        return before.is_some_and(|text| read_points(text).is_none_or(is_some));
    }
    declared_points(from).into_iter().all(is_some)
}

/// Texts about rights: nobody runs or imports them.
fn is_licence(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let is_named = LICENCES.iter().any(|beginning| name_of(&lower).starts_with(beginning));
    let in_folder = lower.starts_with("licenses/") || lower.starts_with("license_files/");
    // Words that Python goes by have no business there.
    let runs = matches!(extension(&lower).as_str(), "py" | "pyc" | "pth" | "start" | "so" | "pyd");
    (is_named || in_folder) && !runs
}

/// Lists that follow from the rest and decide nothing when a wheel is installed or imported.
fn is_listing(path: &str, text: &[u8]) -> bool {
    let lines = || std::str::from_utf8(text).into_iter().flat_map(str::lines).map(str::trim);
    let is_path = |line: &str| {
        line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/+".contains(&byte))
    };
    match path {
        "top_level.txt" | "namespace_packages.txt" => {
            std::str::from_utf8(text).is_ok() && lines().all(is_path)
        }
        "zip-safe" | "not-zip-safe" => text.iter().all(u8::is_ascii_whitespace),
        // What builders knew of the commit; nothing that installs or imports reads it.
        "scm_version.json" | "scm_file_list.json" | "pbr.json" => {
            text.first() == Some(&b'{') && std::str::from_utf8(text).is_ok()
        }
        "dependency_links.txt" => text.iter().all(u8::is_ascii_whitespace),
        _ => false,
    }
}
