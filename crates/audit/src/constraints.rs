//! Who has a release pinned: constraints files, requirements files and locks, read for their pins.
//!
//! This is a look for names and versions in files of many makers, not a decision about what to
//! install: a marker that is false here is true elsewhere, so every line counts, and a line that is
//! not understood is told and passed over. Strict reading is in `packaging::lock`.

use std::collections::BTreeMap;

use countermark_packaging::name::ProjectName;
use countermark_packaging::requirement::Requirement;
use countermark_packaging::version::Version;
use serde::Deserialize;
use toml::Spanned;

use crate::dossier::ConstraintPin;

/// More lines of one file are not read.
const MAXIMUM_LINES: usize = 200_000;

/// What a file pins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// Each project with its version and place, in the order of the file.
    pub pins: Vec<(ProjectName, ConstraintPin)>,
    /// Lines that are not understood, with why.
    pub unusable: Vec<String>,
}

/// `uv.lock`, `poetry.lock` and `pdm.lock` have `package`, a `pylock.toml` has `packages`.
#[derive(Deserialize)]
struct TomlLock {
    #[serde(default, alias = "packages")]
    package: Vec<TomlPackage>,
}

#[derive(Deserialize)]
struct TomlPackage {
    name: Spanned<String>,
    version: Option<String>,
}

/// `Pipfile.lock`: groups of packages.
type JsonLock = BTreeMap<String, serde_json::Value>;

impl Pins {
    /// Reads a file by what it is: a lock in TOML by the end of its name, a `Pipfile.lock` by its
    /// first letter, and everything else line by line.
    #[must_use]
    pub fn read(file: &str, text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let is_toml =
            name.ends_with(".toml") || matches!(name, "uv.lock" | "poetry.lock" | "pdm.lock");
        if is_toml {
            Self::read_toml(file, text)
        } else if text.trim_start().starts_with('{') {
            Self::read_json(file, text)
        } else {
            Self::read_lines(file, text)
        }
    }

    fn read_toml(file: &str, text: &str) -> Self {
        let mut pins = Self::default();
        match toml::from_str::<TomlLock>(text) {
            Ok(lock) => {
                let mut counter = LineCounter::default();
                for package in lock.package {
                    let line = counter.line(text, package.name.span().start);
                    pins.add(file, line, package.name.get_ref(), package.version);
                }
            }
            Err(error) => {
                let line =
                    error.span().map_or(1, |span| LineCounter::default().line(text, span.start));
                pins.unusable.push(format!("{file}:{line}: {}", error.message()));
            }
        }
        pins
    }

    fn read_json(file: &str, text: &str) -> Self {
        let mut pins = Self::default();
        let groups: JsonLock = match serde_json::from_str(text) {
            Ok(groups) => groups,
            Err(error) => {
                pins.unusable.push(format!("{file}:{}: {error}", error.line()));
                return pins;
            }
        };
        let groups = groups.iter().filter(|(group, _)| !group.starts_with('_'));
        for (name, package) in groups.filter_map(|(_, group)| group.as_object()).flatten() {
            let version = package.get("version").and_then(|version| version.as_str());
            let version = version.and_then(|it| it.strip_prefix("==")).map(str::to_owned);
            let place = text.find(&format!("\"{name}\"")).unwrap_or_default();
            let line = LineCounter::default().line(text, place);
            pins.add(file, line, name, version);
        }
        pins
    }

    fn read_lines(file: &str, text: &str) -> Self {
        let mut pins = Self::default();
        let mut continued = String::new();
        let mut start = 1;
        for (number, line) in (1..).zip(text.lines()).take(MAXIMUM_LINES) {
            if continued.is_empty() {
                start = number;
            }
            if let Some(begin) = line.strip_suffix('\\') {
                continued.push_str(begin);
                continue;
            }
            continued.push_str(line);
            pins.read_line(file, start, &std::mem::take(&mut continued));
        }
        pins.read_line(file, start, &continued);
        if text.lines().nth(MAXIMUM_LINES).is_some() {
            pins.unusable.push(format!("{file}: only {MAXIMUM_LINES} lines are read"));
        }
        pins
    }

    fn read_line(&mut self, file: &str, number: u32, line: &str) {
        let line = without_comment(line);
        // An option of the file: an index, another file, an editable folder.
        if line.is_empty() || line.starts_with('-') {
            return;
        }
        // Options of the line: digests, and settings of builds.
        let line = line.split(" --").next().unwrap_or(line).trim();
        match Requirement::parse(line) {
            Ok(requirement) => {
                let specifiers = requirement.specifiers();
                let version = specifiers.and_then(exact_text);
                let place = format!("{file}:{number}");
                self.pins.push((requirement.name, ConstraintPin { version, place }));
            }
            Err(error) => {
                let shown: String = line.chars().take(80).collect();
                self.unusable.push(format!("{file}:{number}: `{shown}`: {error}"));
            }
        }
    }

    fn add(&mut self, file: &str, line: u32, name: &str, version: Option<String>) {
        let place = format!("{file}:{line}");
        match ProjectName::parse(name) {
            Ok(name) => self.pins.push((name, ConstraintPin { version, place })),
            Err(error) => self.unusable.push(format!("{place}: {error}")),
        }
    }

    /// By project, as [`crate::dossier::Context::constraints`] has them.
    #[must_use]
    pub fn by_project(self) -> BTreeMap<ProjectName, Vec<ConstraintPin>> {
        let mut pins: BTreeMap<ProjectName, Vec<ConstraintPin>> = BTreeMap::new();
        for (name, pin) in self.pins {
            pins.entry(name).or_default().push(pin);
        }
        pins
    }

    /// Puts the pins of another file behind these.
    pub fn append(&mut self, mut other: Self) {
        self.pins.append(&mut other.pins);
        self.unusable.append(&mut other.unusable);
    }
}

/// The version that `==` or `===` names, as it is written.
fn exact_text(specifiers: &countermark_packaging::version::VersionSpecifiers) -> Option<String> {
    specifiers.iter().find_map(|specifier| {
        let text = specifier.to_string();
        let text = text.strip_prefix("===").or_else(|| text.strip_prefix("=="))?.trim();
        (!text.ends_with(".*")).then(|| text.to_owned())
    })
}

/// A `#` begins a comment at the start of a line and after white space.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    let comment = line.char_indices().find(|(_, letter)| {
        let begins = *letter == '#' && before.is_whitespace();
        before = *letter;
        begins
    });
    line[..comment.map_or(line.len(), |(position, _)| position)].trim()
}

/// Counts lines once, for positions that come in order.
#[derive(Default)]
struct LineCounter {
    position: usize,
    lines: u32,
}

impl LineCounter {
    fn line(&mut self, text: &str, position: usize) -> u32 {
        let from = if position < self.position { 0 } else { self.position };
        if from == 0 {
            self.lines = 0;
        }
        let between = &text.as_bytes()[from..position.min(text.len())];
        let count = between.iter().filter(|byte| **byte == b'\n').count();
        self.lines = self.lines.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        self.position = position.min(text.len());
        self.lines + 1
    }
}

/// Whether a pin names this release: by PEP 440, or by the text where one is no version. A line that
/// allows several versions names none.
#[must_use]
pub fn pins_release(pin: &ConstraintPin, release: &str) -> bool {
    let Some(pinned) = &pin.version else { return false };
    match (pinned.parse::<Version>(), release.parse::<Version>()) {
        (Ok(pinned), Ok(release)) => pinned == release,
        _ => pinned.eq_ignore_ascii_case(release),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, text: &str, expect: &[(&str, Option<&str>, &str)], unusable: &[&str]) {
        let pins = Pins::read(file, text);
        let found: Vec<(&str, Option<&str>, &str)> = pins
            .pins
            .iter()
            .map(|(name, pin)| (name.as_str(), pin.version.as_deref(), pin.place.as_str()))
            .collect();
        assert_eq!(found, expect, "{text}");
        assert_eq!(pins.unusable.len(), unusable.len(), "{:?}", pins.unusable);
        for (found, expect) in pins.unusable.iter().zip(unusable) {
            assert!(found.starts_with(expect), "{found}");
        }
    }

    #[test]
    fn constraints_are_read_line_by_line() {
        check(
            "c.txt",
            "# comment\nTea.Pot===1.2.3\nkettle===0.1.dev5;python_version=='3.11'\n\
             kettle===0.2;python_version=='3.12'  # newer\n\njug==1.0 --hash=sha256:00\n",
            &[
                ("tea-pot", Some("1.2.3"), "c.txt:2"),
                ("kettle", Some("0.1.dev5"), "c.txt:3"),
                ("kettle", Some("0.2"), "c.txt:4"),
                ("jug", Some("1.0"), "c.txt:6"),
            ],
            &[],
        );
        // What names no single version is there without one.
        check(
            "r.txt",
            "a\nb>=1,<2\nc==1.*\nd[x]!=2,==3\n-r other.txt\n--index-url https://example.org\n",
            &[
                ("a", None, "r.txt:1"),
                ("b", None, "r.txt:2"),
                ("c", None, "r.txt:3"),
                ("d", Some("3"), "r.txt:4"),
            ],
            &[],
        );
        // Lines of several lines, and one that is not understood.
        check(
            "r.txt",
            "a==1 \\\n  --hash=sha256:00 \\\n  --hash=sha256:11\n==1\nb===2.0-custom\\\n",
            &[("a", Some("1"), "r.txt:1"), ("b", Some("2.0-custom"), "r.txt:5")],
            &["r.txt:4: `==1`"],
        );
        check("r.txt", "\u{feff}a==1#b\r\n", &[], &["r.txt:1"]);
        check("r.txt", "", &[], &[]);
    }

    #[test]
    fn locks_are_read_for_their_pins() {
        let toml = "version = 1\n[[package]]\nname = \"Tea_pot\"\nversion = \"1.2\"\n\
                    [[package]]\nname = \"here\"\nsource = { virtual = \".\" }\n";
        let expect = [("tea-pot", Some("1.2"), "uv.lock:3"), ("here", None, "uv.lock:6")];
        check("uv.lock", toml, &expect, &[]);
        check(
            "a/pylock.toml",
            "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\n",
            &[("a", Some("1"), "a/pylock.toml:3")],
            &[],
        );
        check("poetry.lock", "[[package]\n", &[], &["poetry.lock:1: "]);
        check(
            "Pipfile.lock",
            "{\n \"_meta\": {\"a\": {}},\n \"default\": {\n  \"tea-pot\": {\"version\": \"==1.2\"},\n  \
             \"local\": {\"path\": \".\"}\n }\n}",
            &[("local", None, "Pipfile.lock:5"), ("tea-pot", Some("1.2"), "Pipfile.lock:4")],
            &[],
        );
        check("Pipfile.lock", "{\n", &[], &["Pipfile.lock:"]);
    }

    #[test]
    fn a_pin_names_a_release_by_its_version() {
        for (pinned, release, expect) in [
            (Some("1.0"), "1.0", true),
            (Some("1.0"), "1", true),
            (Some("1.0rc1"), "1.0.0-RC.1", true),
            (Some("1.0"), "1.0.1", false),
            (Some("1.0"), "1.0+local", false),
            (Some("2.0-custom"), "2.0-CUSTOM", true),
            (Some("2.0-custom"), "2.0", false),
            (None, "1.0", false),
        ] {
            let pin = ConstraintPin { version: pinned.map(Into::into), place: String::new() };
            assert_eq!(pins_release(&pin, release), expect, "{pinned:?} {release}");
        }
    }
}
