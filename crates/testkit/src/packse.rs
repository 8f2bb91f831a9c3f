//! Scenarios of resolution: a small index, what is wanted, and what must come out, as TOML.
//!
//! The vocabulary is that of the package `packse` 0.3, so that its scenarios can be served too; the
//! project's own lie in `crates/lock/tests/scenarios`. A key that is not known is an error, so that
//! nothing is passed over.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::index::{Scenario, ServedFile};
use crate::wheel::{Wheel, wheel_text};

/// A scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packse {
    /// What it is called.
    pub name: String,
    /// For people.
    pub description: String,
    /// What is wanted.
    pub root: Root,
    /// What must come out.
    pub expected: Expected,
    /// What there is.
    #[serde(default)]
    pub packages: BTreeMap<String, Package>,
    /// How it is resolved.
    #[serde(default)]
    pub resolver_options: Options,
    /// Where it is resolved.
    #[serde(default)]
    pub environment: Environment,
}

/// What is wanted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// The versions of Python that a lock for every environment is for.
    pub requires_python: Option<String>,
    /// The wishes.
    #[serde(default)]
    pub requires: Vec<String>,
}

/// What must come out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Whether there is a solution.
    pub satisfiable: bool,
    /// What is in it; says nothing when it is empty.
    #[serde(default)]
    pub packages: BTreeMap<String, String>,
    /// For people.
    pub explanation: Option<String>,
}

/// A project.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its releases.
    pub versions: BTreeMap<String, Release>,
}

/// A release.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Versions of Python.
    pub requires_python: Option<String>,
    /// What it requires.
    #[serde(default)]
    pub requires: Vec<String>,
    /// What each extra requires.
    #[serde(default)]
    pub extras: BTreeMap<String, Vec<String>>,
    /// Whether there is a source distribution.
    #[serde(default = "yes")]
    pub sdist: bool,
    /// Whether there are wheels.
    #[serde(default = "yes")]
    pub wheel: bool,
    /// Whether it is yanked.
    #[serde(default)]
    pub yanked: bool,
    /// The tags of its wheels; `py3-none-any` when there are none.
    #[serde(default)]
    pub wheel_tags: Vec<String>,
    /// For people.
    pub description: Option<String>,
}

/// How it is resolved.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// For which Python, when it is not that of the environment.
    pub python: Option<String>,
    /// Whether all prereleases are allowed.
    #[serde(default)]
    pub prereleases: bool,
    /// Projects whose source distributions must not be used.
    #[serde(default)]
    pub no_build: Vec<String>,
    /// Projects whose wheels must not be used.
    #[serde(default)]
    pub no_binary: Vec<String>,
    /// Whether the lock is for every environment there is.
    #[serde(default)]
    pub universal: bool,
    /// For which platform, when it is not that of the environment.
    pub python_platform: Option<String>,
    /// Environments for which wheels must exist.
    pub required_environments: Option<Vec<String>>,
}

/// Where it is resolved.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// The Python there.
    pub python: Option<String>,
    /// Others there.
    pub additional_python: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}

impl Packse {
    /// Reads a scenario.
    ///
    /// # Errors
    /// When it is no TOML, or has keys that are not known.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Every scenario below a folder, by its path there.
    ///
    /// # Panics
    /// When one cannot be read.
    #[must_use]
    pub fn all(folder: &Path) -> BTreeMap<String, Self> {
        let mut scenarios = BTreeMap::new();
        for file in files(folder) {
            let text = std::fs::read_to_string(&file).expect("a scenario");
            let scenario = Self::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            let path = file.strip_prefix(folder).expect("below the folder");
            scenarios.insert(path.display().to_string(), scenario);
        }
        scenarios
    }

    /// The version of Python for a scenario that is not for every environment.
    #[must_use]
    pub fn python(&self) -> &str {
        let python = self.resolver_options.python.as_ref().or(self.environment.python.as_ref());
        python.map_or("3.12", String::as_str)
    }

    /// The projects that may come as source distributions.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        let names = self.packages.keys().map(String::as_str);
        names.filter(|name| self.resolver_options.no_build.iter().all(|refused| refused != name))
    }

    /// The index: each release with its wheels, beside them their metadata, and its source.
    #[must_use]
    pub fn index(&self) -> Scenario {
        let mut index = Scenario::new();
        for (name, package) in &self.packages {
            for (version, release) in &package.versions {
                for file in release.files(name, version) {
                    index = index.file(name, file);
                }
            }
        }
        index
    }
}

impl Release {
    /// The tags of its wheels.
    #[must_use]
    pub fn tags(&self) -> Vec<&str> {
        match (self.wheel, self.wheel_tags.is_empty()) {
            (false, _) => Vec::new(),
            (true, true) => vec!["py3-none-any"],
            (true, false) => self.wheel_tags.iter().map(String::as_str).collect(),
        }
    }

    /// What it requires, with the extras as markers.
    #[must_use]
    pub fn requires_dist(&self) -> Vec<String> {
        let mut requires = self.requires.clone();
        for (extra, requirements) in &self.extras {
            for text in requirements {
                let (requirement, marker) = text.split_once(';').unwrap_or((text, ""));
                let and =
                    if marker.is_empty() { String::new() } else { format!(" and ({marker})") };
                requires.push(format!("{requirement}; extra == '{extra}'{and}"));
            }
        }
        requires
    }

    fn files(&self, name: &str, version: &str) -> Vec<ServedFile> {
        let metadata = self.metadata(name, version);
        let base = name.replace('-', "_");
        let mut files = Vec::new();
        for tag in self.tags() {
            let mut wheel = Wheel::new(&base, version).file(&format!("{base}.py"), b"");
            wheel.tag = tag.to_owned();
            wheel.metadata = Some(metadata.clone());
            wheel.wheel = Some(wheel_text(true, &[tag]));
            let file = ServedFile::honest(&wheel.filename(), wheel.build());
            files.push(file.with_metadata(metadata.clone()));
        }
        if self.sdist {
            let folder = format!("{base}-{version}");
            let bytes = sdist(&folder, &metadata);
            files.push(ServedFile::honest(&format!("{folder}.tar.gz"), bytes));
        }
        let advertised = files.into_iter().map(|file| {
            file.advertise(|said| {
                said.requires_python.clone_from(&self.requires_python);
                said.yanked = self.yanked.then(String::new);
            })
        });
        advertised.collect()
    }

    fn metadata(&self, name: &str, version: &str) -> String {
        let mut text = format!("Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n");
        if let Some(specifiers) = &self.requires_python {
            text.push_str(&format!("Requires-Python: {specifiers}\n"));
        }
        for extra in self.extras.keys() {
            text.push_str(&format!("Provides-Extra: {extra}\n"));
        }
        for requirement in self.requires_dist() {
            text.push_str(&format!("Requires-Dist: {requirement}\n"));
        }
        text
    }
}

/// A source distribution with this `PKG-INFO`, in this folder.
///
/// # Panics
/// Never: it is written into memory.
#[must_use]
pub fn sdist(folder: &str, metadata: &str) -> Vec<u8> {
    let mut archive = Vec::new();
    let project = "[build-system]\nrequires = []\nbuild-backend = \"none\"\n";
    for (name, content) in [("PKG-INFO", metadata), ("pyproject.toml", project)] {
        archive.extend(tar_header(&format!("{folder}/{name}"), content.len()));
        archive.extend(content.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&archive).expect("memory");
    encoder.finish().expect("memory")
}

/// A header of the old format for a file.
fn tar_header(path: &str, length: usize) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &str| {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    };
    put(0, path);
    put(100, "0000644\0");
    put(124, &format!("{length:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    files
}
