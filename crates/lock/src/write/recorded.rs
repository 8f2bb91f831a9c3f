//! What a lock of ours says beyond the standard: roles, tree digests, and who wished for what.
//!
//! Decides nothing: it is read from a lock that the reader of the format has accepted
//! ([`countermark_packaging::lock`]). A `pylock.toml` has it in tables, a requirements file the
//! roles in a comment below each entry. Tables of another version than ours, and values of
//! another form, are what some other tool keeps there; they are passed over. A tree digest from
//! here is as good as the lock it stands in, which is how good the digest of the wheel is.

use std::collections::BTreeMap;

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::tree::TreeDigest;

use super::pylock::TOOL_VERSION;
use super::{MADE_BY, requirements};

/// What is recorded of one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// Labels of the wishes that ask for it.
    pub wanted_by: Vec<String>,
    /// Who held which role when the pin was written.
    pub roles: Vec<String>,
    /// The tree digests of wheels, by the names of their files.
    pub trees: BTreeMap<String, TreeDigest>,
}

/// What a lock records, in its order; nothing for a lock that others wrote, or a text that is no
/// lock.
#[must_use]
pub fn read(text: &str) -> Vec<Recorded> {
    let Ok(lock) = text.parse::<toml::Table>() else { return read_requirements(text) };
    let version =
        tool(&lock).and_then(|tool| tool.get("version")).and_then(toml::Value::as_integer);
    if version != Some(TOOL_VERSION) {
        return Vec::new();
    }
    let packages = lock.get("packages").and_then(toml::Value::as_array);
    packages.into_iter().flatten().filter_map(|package| read_package(package.as_table()?)).collect()
}

fn read_package(package: &toml::Table) -> Option<Recorded> {
    let tool = tool(package)?;
    let texts = |key: &str| -> Vec<String> {
        let items = tool.get(key).and_then(toml::Value::as_array).into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let trees = tool.get("trees").and_then(toml::Value::as_table).into_iter().flatten();
    let trees = trees
        .filter_map(|(name, digest)| Some((name.clone(), TreeDigest::parse(digest.as_str()?)?)));
    Some(Recorded {
        project: ProjectName::parse(package.get("name")?.as_str()?).ok()?,
        version: package.get("version")?.as_str()?.parse().ok()?,
        wanted_by: texts("wanted-by"),
        roles: texts("roles"),
        trees: trees.collect(),
    })
}

/// The roles in a requirements file of ours: of the entry above them.
fn read_requirements(text: &str) -> Vec<Recorded> {
    if !text.starts_with(MADE_BY) {
        return Vec::new();
    }
    let (mut found, mut entry) = (Vec::new(), None);
    for line in text.lines() {
        if let Some(roles) = line.strip_prefix(requirements::ROLES) {
            let roles = roles.split(", ").map(str::to_owned).collect();
            found.extend(entry.take().map(|(project, version)| Recorded {
                project,
                version,
                wanted_by: Vec::new(),
                roles,
                trees: BTreeMap::new(),
            }));
        } else if !line.starts_with([' ', '#']) {
            entry = pinned(line);
        }
    }
    found
}

/// The release that a line such as `name[extra]==1.0 ; marker \` pins.
fn pinned(line: &str) -> Option<(ProjectName, Version)> {
    let (name, rest) = line.split_once("==")?;
    let name = name.split('[').next()?;
    let version = rest.split([' ', ';']).next()?;
    Some((ProjectName::parse(name).ok()?, version.parse().ok()?))
}

/// `tool.countermark` of a table.
fn tool(table: &toml::Table) -> Option<&toml::Table> {
    table.get("tool")?.as_table()?.get("countermark")?.as_table()
}
