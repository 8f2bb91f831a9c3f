//! Compatibility tags: which wheels an interpreter can use, and which it likes best.
//!
//! Decides the order of wheels as `packaging.tags` does. Trusts the description of the interpreter
//! that the caller gives.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/>
//! (PEP 425, PEP 600, PEP 656).

use std::collections::HashMap;
use std::fmt;

use crate::filename::WheelFilename;

mod platforms;

pub use platforms::{
    Libc, UnknownPlatform, linux_platforms, macos_platforms, platforms_for, windows_platforms,
};

/// A triple such as `cp311-abi3-manylinux_2_17_x86_64`, lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// Python tag.
    pub python: String,
    /// ABI tag.
    pub abi: String,
    /// Platform tag.
    pub platform: String,
}

impl Tag {
    /// Makes a tag; capitals become lower case.
    #[must_use]
    pub fn new(python: &str, abi: &str, platform: &str) -> Self {
        let [python, abi, platform] = [python, abi, platform].map(str::to_ascii_lowercase);
        Self { python, abi, platform }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}

/// The tags that an interpreter supports, best first, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompatibleTags {
    tags: Vec<Tag>,
    ranks: HashMap<Tag, u32>,
}

impl CompatibleTags {
    /// Makes a list of tags, best first. Of tags that occur twice the first counts.
    #[must_use]
    pub fn new(tags: impl IntoIterator<Item = Tag>) -> Self {
        let mut compatible = Self { tags: Vec::new(), ranks: HashMap::new() };
        for tag in tags {
            let rank = u32::try_from(compatible.tags.len()).unwrap_or(u32::MAX);
            if let std::collections::hash_map::Entry::Vacant(entry) = compatible.ranks.entry(tag) {
                compatible.tags.push(entry.key().clone());
                entry.insert(rank);
            }
        }
        compatible
    }

    /// The tags, best first.
    pub fn iter(&self) -> std::slice::Iter<'_, Tag> {
        self.tags.iter()
    }

    /// Number of tags.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether nothing is supported.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }

    /// Whether this tag is supported, and how well: 0 is best.
    #[must_use]
    pub fn rank_of(&self, tag: &Tag) -> Option<u32> {
        self.ranks.get(tag).copied()
    }

    /// Rank of the best tag of a wheel: 0 is best, `None` means that it cannot be used. Between
    /// wheels of one rank the greater build number wins; that is left to the caller.
    #[must_use]
    pub fn rank(&self, wheel: &WheelFilename) -> Option<u32> {
        let mut best = None;
        for python in &wheel.python {
            for abi in &wheel.abi {
                for platform in &wheel.platform {
                    let rank = self.rank_of(&Tag::new(python, abi, platform));
                    best = best.into_iter().chain(rank).min();
                }
            }
        }
        best
    }
}

impl<'a> IntoIterator for &'a CompatibleTags {
    type Item = &'a Tag;
    type IntoIter = std::slice::Iter<'a, Tag>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What must be known of an interpreter to tell its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterpreterTags {
    /// Short name of the implementation, such as `cp` or `pp`, else `sys.implementation.name`.
    pub implementation: String,
    /// Major and minor version.
    pub version: (u32, u32),
    /// ABI tags, best first, without `abi3` and `none`; see [`cpython_abis`].
    pub abis: Vec<String>,
    /// Platform tags, best first, without `any`.
    pub platforms: Vec<String>,
}

impl InterpreterTags {
    /// All tags of the interpreter in the order of `packaging.tags.sys_tags`.
    #[must_use]
    pub fn compatible(&self) -> CompatibleTags {
        let (major, minor) = self.version;
        let interpreter = format!("{}{major}{minor}", self.implementation);
        let mut tags = Vec::new();
        let any_interpreter = match self.implementation.as_str() {
            "cp" => {
                self.push_cpython(&mut tags, &interpreter);
                Some(interpreter)
            }
            implementation => {
                let none = "none".to_owned();
                let missing = (!self.abis.contains(&none)).then_some(&none);
                for abi in self.abis.iter().chain(missing) {
                    self.push_platforms(&mut tags, &interpreter, abi);
                }
                (implementation == "pp").then(|| "pp3".to_owned())
            }
        };
        let minors = (0..minor).rev().map(|older| format!("py{major}{older}"));
        let pure: Vec<String> =
            [format!("py{major}{minor}"), format!("py{major}")].into_iter().chain(minors).collect();
        for python in &pure {
            self.push_platforms(&mut tags, python, "none");
        }
        for python in any_interpreter.iter().chain(&pure) {
            tags.push(Tag::new(python, "none", "any"));
        }
        CompatibleTags::new(tags)
    }

    /// The own ABIs, the stable one, none, and the stable one of every older version since 3.2.
    fn push_cpython(&self, tags: &mut Vec<Tag>, interpreter: &str) {
        let (major, minor) = self.version;
        let stable = if is_free_threaded(&self.abis) { "abi3t" } else { "abi3" };
        let stable = (self.version >= (3, 2)).then_some(stable);
        let own = self.abis.iter().map(String::as_str);
        let own = own.filter(|&abi| abi != "none" && Some(abi) != stable && abi != "abi3");
        for abi in own.chain(stable).chain(["none"]) {
            self.push_platforms(tags, interpreter, abi);
        }
        if let Some(stable) = stable {
            // Platforms outside and the version inside, or the reverse, does not matter: one ABI.
            for older in (2..minor).rev() {
                self.push_platforms(tags, &format!("cp{major}{older}"), stable);
            }
        }
    }

    fn push_platforms(&self, tags: &mut Vec<Tag>, python: &str, abi: &str) {
        tags.extend(self.platforms.iter().map(|platform| Tag::new(python, abi, platform)));
    }
}

/// The ABI tags of a CPython 3.8 or later, best first, as `packaging` has them for this build.
#[must_use]
pub fn cpython_abis(version: (u32, u32), free_threaded: bool, debug: bool) -> Vec<String> {
    let (major, minor) = version;
    let threading = if free_threaded && version >= (3, 13) { "t" } else { "" };
    let plain = format!("cp{major}{minor}{threading}");
    if debug { vec![format!("{plain}d"), plain] } else { vec![plain] }
}

/// A build without the global lock has a `t` among its flags and does not support `abi3`.
fn is_free_threaded(abis: &[String]) -> bool {
    let flags = |abi: &String| {
        let rest = abi.strip_prefix("cp")?;
        let flags = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        (flags.len() < rest.len()).then(|| flags.contains('t'))
    };
    abis.first().and_then(flags).unwrap_or(false)
}

#[cfg(test)]
mod tests;
