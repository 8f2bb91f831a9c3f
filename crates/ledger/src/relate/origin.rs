//! The file that somebody may have read, asked about each place of the other one.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Sha256;
use countermark_trust::change::FileKind;

use super::finding::{Permit, Reason, Verdict};
use super::info::{self, Info};
use super::roots::Roots;
use super::side::{Member, Place, Side, extension, is_aside, name_of, places};
use super::text::{differ_in_first_line, differ_in_line_ends, differ_in_version, reexported};
use super::version::{is_version_file, is_version_name};

/// Endings of texts of which the ends of lines have no meaning.
const TEXTS: [&str; 5] = ["py", "pyi", "txt", "md", "rst"];
/// Endings of headers for compilers.
const HEADERS: [&str; 7] = ["h", "hpp", "hh", "hxx", "inc", "pxd", "pxi"];

/// Whether files in this place may differ in a way that their texts show.
pub(super) fn may_differ(place: &Place) -> bool {
    match place {
        Place::Site(path) => TEXTS.contains(&extension(path).as_str()),
        Place::Script(_) => true,
        Place::Info(_) | Place::Data(_) | Place::Header(_) | Place::Foreign(_) => false,
    }
}

/// Whether a file that only says the version may be here.
pub(super) fn is_version_place(place: &Place) -> bool {
    matches!(place, Place::Site(path) if path.contains('/') && is_version_name(name_of(path)))
}

/// Whether a package that a builder wrote may be here.
pub(super) fn is_reexport_place(place: &Place, member: &Member) -> bool {
    matches!(place, Place::Site(path) if name_of(path) == "__init__.py") && member.size <= 512
}

/// A side that was read, as seen from a wheel.
pub(super) struct Origin<'a> {
    from: &'a Side,
    to: &'a Side,
    kind: Kind<'a>,
    digests: BTreeSet<Sha256>,
}

enum Kind<'a> {
    Source(Roots<'a>),
    Wheel(BTreeMap<Place, &'a str>),
}

impl<'a> Origin<'a> {
    pub(super) fn new(from: &'a Side, to: &'a Side, wheel: &'a BTreeMap<Place, &'a str>) -> Self {
        let kind = if from.is_wheel() {
            Kind::Wheel(places(from).0)
        } else {
            Kind::Source(Roots::find(from, to, wheel))
        };
        let digests = from.files.values().map(|member| member.digest).collect();
        Self { from, to, kind, digests }
    }

    /// The paths of the side whose bytes may stand in a place, those that are there.
    pub(super) fn counterparts(&self, place: &Place) -> Vec<String> {
        let roots = match &self.kind {
            Kind::Wheel(places) => {
                return places.get(place).map(|path| (*path).to_owned()).into_iter().collect();
            }
            Kind::Source(roots) => roots,
        };
        let mut found: Vec<String> = match place {
            Place::Site(path) => {
                let types = path.strip_suffix("/__init__.pyi").filter(|top| !top.contains('/'));
                // Types of a single module go with it into the package that a builder makes of it.
                let types = types.into_iter().flat_map(|top| ["", "src/"].map(|it| (it, top)));
                let types = types.map(|(folder, top)| format!("{folder}{top}.pyi"));
                roots.path(path).into_iter().chain(types).collect()
            }
            Place::Script(name) => self.commands(roots, name),
            Place::Header(path) if HEADERS.contains(&extension(path).as_str()) => {
                self.ending_with(name_of(path))
            }
            Place::Data(path) => self.data(roots, path),
            Place::Info(_) | Place::Header(_) | Place::Foreign(_) => Vec::new(),
        };
        found.retain(|path| self.from.files.contains_key(path));
        found
    }

    /// Commands are files that a file of the build names, or of which it names the folder.
    fn commands(&self, roots: &Roots<'_>, name: &str) -> Vec<String> {
        let folders = ["bin", "scripts"].into_iter().filter(|folder| roots.names(folder));
        let usual = folders.map(|folder| format!("{folder}/{name}"));
        let named = self.ending_with(name).into_iter().filter(|path| roots.names(path));
        named.chain(usual).collect()
    }

    /// Data goes where a file of the build says: it names the place or a folder above it, and what is below
    /// that folder is the end of the path that it comes from. Other places than those of data and of
    /// settings hold programs and packages.
    fn data(&self, roots: &Roots<'_>, path: &str) -> Vec<String> {
        let mut found = Vec::new();
        if !path.starts_with("share/") && !path.starts_with("etc/") {
            return found;
        }
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends.filter(|end| roots.names(&path[..*end])) {
            let rest = path.get(end + 1..).unwrap_or_else(|| name_of(path));
            found.extend(self.ending_with(rest));
        }
        if is_page(path) {
            let name = name_of(path);
            found.extend(self.from.files.keys().filter(|path| name_of(path) == name).cloned());
        }
        found
    }

    /// The paths with this end, but for those of tests and documents: they are read with other eyes.
    fn ending_with(&self, end: &str) -> Vec<String> {
        let is_end = |path: &&String| {
            let is_whole = |rest: &str| rest.is_empty() || rest.ends_with('/');
            path.strip_suffix(end).is_some_and(is_whole) && !path.split('/').any(is_aside)
        };
        self.from.files.keys().filter(is_end).cloned().collect()
    }

    /// Whether the same bytes are in a place that corresponds.
    pub(super) fn same(&self, place: &Place, member: &Member) -> bool {
        let found = self.counterparts(place);
        found.iter().any(|path| self.from.files[path].digest == member.digest)
    }

    /// What a file of the wheel is.
    pub(super) fn judge(&self, place: &Place, raw: &str, member: &Member) -> Verdict {
        let unexplained = Verdict::Unexplained;
        let is_same = self.same(place, member);
        match place {
            Place::Foreign(_) => unexplained(Reason::Foreign),
            // Also where the bytes are the same: those of another wheel, of which the same holds.
            Place::Info(name) => {
                if is_same && self.from.is_wheel() {
                    return Verdict::Same;
                }
                let info = Info { name, member, text: self.to.text(raw) };
                info::judge(self.from, self.to, &info, self.before(place))
            }
            Place::Site(path) if starts(path, member) => {
                if is_same && self.is_meant(path) {
                    Verdict::Same
                } else {
                    unexplained(Reason::Starts)
                }
            }
            Place::Data(path) if member.kind == FileKind::Pth || extension(path) == "pth" => {
                unexplained(Reason::Starts)
            }
            // Nobody can read it in the source distribution either.
            Place::Site(path) if is_same && self.is_unreadable(path) => {
                Verdict::Unexplained(Reason::Program)
            }
            Place::Site(_) if is_same && !self.from.is_wheel() && is_native(member) => {
                Verdict::Compiled
            }
            _ if is_same => Verdict::Same,
            Place::Site(path) => self.module(place, path, raw, member),
            Place::Script(_) => {
                let texts = self.texts(place, raw);
                let same = |it: &(&[u8], &[u8])| differ_in_first_line(it.0, it.1);
                if texts.iter().any(same) {
                    Verdict::Permitted(Permit::FirstLine)
                } else {
                    unexplained(Reason::Command)
                }
            }
            Place::Data(_) | Place::Header(_) => unexplained(Reason::Data),
        }
    }

    /// Bytecode, which Python may prefer to the source beside it. Of a wheel somebody may have said that
    /// they looked into it.
    fn is_unreadable(&self, path: &str) -> bool {
        !self.from.is_wheel() && matches!(extension(path).as_str(), "pyc" | "pyo")
    }

    /// A file that starts by itself is one that a file of the build names; another wheel has it itself.
    fn is_meant(&self, path: &str) -> bool {
        match &self.kind {
            Kind::Wheel(_) => true,
            Kind::Source(roots) => roots.path(path).is_some_and(|path| roots.names(&path)),
        }
    }

    fn before(&self, place: &Place) -> Option<&[u8]> {
        match &self.kind {
            Kind::Wheel(places) => self.from.text(places.get(place)?),
            Kind::Source(_) => None,
        }
    }

    /// Both texts of a place, for each path that corresponds.
    fn texts(&self, place: &Place, raw: &str) -> Vec<(&[u8], &[u8])> {
        let Some(after) = self.to.text(raw) else { return Vec::new() };
        let paths = self.counterparts(place);
        paths.iter().filter_map(|path| Some((self.from.text(path)?, after))).collect()
    }

    fn module(&self, place: &Place, path: &str, raw: &str, member: &Member) -> Verdict {
        let is_native = member.kind == FileKind::Native;
        match (is_native, is_native_name(path)) {
            (true, true) => return Verdict::Compiled,
            (true, false) | (false, true) => return Verdict::Unexplained(Reason::Program),
            (false, false) => {}
        }
        if matches!(extension(path).as_str(), "pyc" | "pyo") {
            return Verdict::Unexplained(Reason::Program);
        }
        let counterparts = self.counterparts(place);
        if name_of(path) == "py.typed" && member.size == 0 {
            return Verdict::Permitted(Permit::Typed);
        }
        let texts = self.texts(place, raw);
        let version = self.to.version();
        if is_version_place(place) && self.is_version(path, raw, counterparts.is_empty(), &texts) {
            return Verdict::Permitted(Permit::VersionFile);
        }
        if let [(before, after)] = texts[..] {
            if TEXTS.contains(&extension(path).as_str()) && differ_in_line_ends(before, after) {
                return Verdict::Permitted(Permit::LineEndings);
            }
            if extension(path) == "py" && differ_in_version(before, after, version) {
                return Verdict::Permitted(Permit::VersionLine);
            }
        }
        if counterparts.is_empty() && self.is_reexport(place, path, raw, member) {
            return Verdict::Permitted(Permit::Reexport);
        }
        if counterparts.is_empty() && self.is_compressed(path, member) {
            return Verdict::Permitted(Permit::Compressed);
        }
        Verdict::Unexplained(if !counterparts.is_empty() {
            Reason::Changed
        } else if member.size > 0 && self.digests.contains(&member.digest) {
            Reason::Moved
        } else {
            Reason::Added
        })
    }

    /// A file that only says the version: new in a folder that is there, or in place of one that said one.
    fn is_version(&self, path: &str, raw: &str, is_new: bool, texts: &[(&[u8], &[u8])]) -> bool {
        let version = Some(self.to.version());
        if !self.to.text(raw).is_some_and(|text| is_version_file(text, version)) {
            return false;
        }
        if !is_new {
            return texts.iter().any(|(before, _)| is_version_file(before, None));
        }
        let Some((folder, _)) = path.rsplit_once('/') else { return false };
        match &self.kind {
            // Another wheel of the release was built with it as well.
            Kind::Wheel(_) => false,
            Kind::Source(roots) => roots.path(&format!("{folder}/")).is_some_and(|folder| {
                let next = self.from.files.range(folder.clone()..).next();
                next.is_some_and(|(path, _)| path.starts_with(&folder))
            }),
        }
    }

    /// A package in the words of a builder, beside the compiled module that it names.
    fn is_reexport(&self, place: &Place, path: &str, raw: &str, member: &Member) -> bool {
        let module = self.to.text(raw).filter(|_| is_reexport_place(place, member));
        let Some(module) = module.and_then(reexported) else { return false };
        // The package has the name of the module, and takes the place of no module of the source.
        let replaced = ["", "src/"].map(|folder| format!("{folder}{module}.py"));
        let is_new = !replaced.iter().any(|path| self.from.files.contains_key(path));
        if path != format!("{module}/__init__.py") || !is_new {
            return false;
        }
        let folder = raw.strip_suffix(name_of(path)).unwrap_or_default();
        let beside = format!("{folder}{module}.");
        let mut files = self.to.files.range(beside.clone()..);
        files
            .by_ref()
            .take_while(|(path, _)| path.starts_with(&beside))
            .any(|(path, member)| is_native(member) && is_native_name(path))
    }

    /// A `.gz` of the file that is there without that ending.
    fn is_compressed(&self, path: &str, member: &Member) -> bool {
        let (Some(plain), Some(inner)) = (path.strip_suffix(".gz"), member.inner) else {
            return false;
        };
        let found = self.counterparts(&Place::Site(plain.to_owned()));
        found.iter().any(|path| self.from.files[path].digest == inner)
    }

    /// Whether entry points are lost with a file that is not there.
    pub(super) fn loses_points(&self) -> bool {
        let place = Place::Info("entry_points.txt".to_owned());
        info::lost_points(self.from, self.before(&place))
    }

    /// What is left out and changes what is imported, by the place where it would be.
    pub(super) fn dropped(&self, wheel: &BTreeMap<Place, &str>) -> Vec<String> {
        match &self.kind {
            Kind::Wheel(places) => {
                let lost = places.iter().filter(|(place, raw)| {
                    let is_native = self.from.files.get(**raw).is_some_and(is_native);
                    !matches!(place, Place::Info(_)) && !is_native && !wheel.contains_key(*place)
                });
                lost.map(|(place, _)| place.shown()).collect()
            }
            Kind::Source(roots) => {
                let compiled: BTreeSet<&str> =
                    wheel.iter().filter_map(|it| stem(self.to, it)).collect();
                let mut dropped = Vec::new();
                for (top, folder) in roots.iter() {
                    let below = format!("{folder}{top}/");
                    let files = self.from.files.range(below.clone()..);
                    for (path, _) in files.take_while(|(path, _)| path.starts_with(&below)) {
                        let site = &path[folder.len()..];
                        let is_module = extension(site) == "py" && !site.split('/').any(is_aside);
                        let is_there = || {
                            wheel.contains_key(&Place::Site(site.to_owned()))
                                || compiled.contains(&site[..site.len() - ".py".len()])
                        };
                        if is_module && !is_there() {
                            dropped.push(site.to_owned());
                        }
                    }
                }
                dropped
            }
        }
    }

    /// Where names at the top come from, when that is not the root.
    pub(super) fn roots(&self) -> Vec<(String, String)> {
        match &self.kind {
            Kind::Wheel(_) => Vec::new(),
            Kind::Source(roots) => roots
                .iter()
                .filter(|(_, folder)| !folder.is_empty())
                .map(|(top, folder)| (top.to_owned(), folder.to_owned()))
                .collect(),
        }
    }
}

fn is_native(member: &Member) -> bool {
    member.kind == FileKind::Native
}

/// The path of a compiled module without its endings.
fn stem<'a>(wheel: &Side, (place, raw): (&'a Place, &&str)) -> Option<&'a str> {
    let Place::Site(path) = place else { return None };
    let member = wheel.files.get(*raw)?;
    let name = name_of(path);
    let end = path.len() - name.len() + name.find('.')?;
    (is_native(member) && is_native_name(path)).then(|| &path[..end])
}

/// Whether it is a page for `man`, which nothing else looks at: `share/man/man1/NAME.1`.
fn is_page(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let ["share", "man", section, name] = parts[..] else { return false };
    let section = section.strip_prefix("man").unwrap_or_default();
    matches!(section.as_bytes(), [b'1'..=b'9']) && extension(name) == section
}

/// Whether a name is one under which machine code is loaded.
fn is_native_name(path: &str) -> bool {
    let name = name_of(path).to_ascii_lowercase();
    let versioned = name.split_once(".so.").is_some_and(|(_, version)| {
        version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    versioned || [".so", ".pyd", ".dylib", ".dll"].iter().any(|end| name.ends_with(end))
}

/// Whether Python runs or reads a file at every start: those at the top, and packages of two names.
fn starts(path: &str, member: &Member) -> bool {
    let by_name = matches!(extension(path).as_str(), "pth" | "start" | "_pth");
    let is_at_top = !path.contains('/');
    let is_kind = member.kind == FileKind::Pth;
    if is_at_top { by_name || is_kind } else { is_kind && !by_name }
}
