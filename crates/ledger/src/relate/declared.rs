//! What a source distribution says that its wheels will ask for: entry points and requirements.
//!
//! A static `[project]` table is the only word where there is one (PEP 621: a builder must not change
//! what is not `dynamic`). Else the tables of builders count that have their own, then what setuptools
//! wrote into `.egg-info` when the source distribution was made, then `setup.cfg`. Nothing is run:
//! what only `setup.py` knows is not known.
//!
//! Specifications: <https://packaging.python.org/en/latest/specifications/pyproject-toml/>,
//! <https://packaging.python.org/en/latest/specifications/entry-points/>

use std::collections::BTreeSet;

use countermark_packaging::entry_points::EntryPoints;
use countermark_packaging::name::ProjectName;
use countermark_packaging::requirement::Requirement;
use toml::{Table, Value};

use super::side::Side;

/// Group, name and object of an entry point.
pub(super) type Point = (String, String, String);

/// The entry points of an `entry_points.txt`; none where it cannot be read or readers differ about it.
pub(super) fn read_points(bytes: &[u8]) -> Option<BTreeSet<Point>> {
    EntryPoints::parse(bytes).ok()?;
    let text = std::str::from_utf8(bytes).ok()?;
    let (mut points, mut group) = (BTreeSet::new(), "");
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            group = name.strip_suffix(']')?.trim();
            continue;
        }
        let (name, object) = line.split_once('=')?;
        points.insert(point(group, name, object));
    }
    Some(points)
}

fn point(group: &str, name: &str, object: &str) -> Point {
    let object = object.chars().filter(|letter| !letter.is_whitespace()).collect();
    (group.to_owned(), name.trim().to_owned(), object)
}

/// The entry points that a source distribution declares, in every way that has the same right.
pub(super) fn declared_points(source: &Side) -> Vec<BTreeSet<Point>> {
    let project = pyproject(source);
    if let Some(table) = project.as_ref().and_then(|it| it.get("project")?.as_table()) {
        let kinds = ["scripts", "gui-scripts", "entry-points"];
        let is_dynamic = dynamic(table).iter().any(|field| kinds.contains(field));
        let is_static = kinds.iter().any(|kind| table.contains_key(*kind));
        if !is_dynamic && (is_static || !has_own_tables(project.as_ref())) {
            return vec![project_points(table)];
        }
    }
    let own = project.as_ref().map(builders_points).filter(|points| !points.is_empty());
    if let Some(own) = own {
        return vec![own];
    }
    let written = egg_info(source, "entry_points.txt").and_then(read_points);
    let configured = source.text("setup.cfg").map(configured_points);
    let found: Vec<_> = written.into_iter().chain(configured).collect();
    if found.is_empty() { vec![BTreeSet::new()] } else { found }
}

fn pyproject(source: &Side) -> Option<Table> {
    let text = std::str::from_utf8(source.text("pyproject.toml")?).ok()?;
    text.parse::<Table>().ok()
}

fn dynamic(project: &Table) -> Vec<&str> {
    let fields = project.get("dynamic").and_then(Value::as_array);
    fields.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// `[tool.poetry]` and `[tool.flit]`, which are older than `[project]` and may stand beside it.
fn has_own_tables(project: Option<&Table>) -> bool {
    project.is_some_and(|table| !builders_points(table).is_empty())
}

fn project_points(project: &Table) -> BTreeSet<Point> {
    let mut points = BTreeSet::new();
    for (key, group) in [("scripts", "console_scripts"), ("gui-scripts", "gui_scripts")] {
        points.extend(points_of(project.get(key), group));
    }
    let groups = project.get("entry-points").and_then(Value::as_table);
    for (group, table) in groups.into_iter().flatten() {
        points.extend(points_of(Some(table), group));
    }
    points
}

fn builders_points(document: &Table) -> BTreeSet<Point> {
    let tool = |name: &str| document.get("tool")?.get(name)?.as_table();
    let mut points = BTreeSet::new();
    for table in [tool("poetry"), tool("flit")].into_iter().flatten() {
        points.extend(points_of(table.get("scripts"), "console_scripts"));
        for groups in ["plugins", "entrypoints"] {
            let groups = table.get(groups).and_then(Value::as_table);
            for (group, table) in groups.into_iter().flatten() {
                points.extend(points_of(Some(table), group));
            }
        }
    }
    points
}

fn points_of(table: Option<&Value>, group: &str) -> Vec<Point> {
    let entries = table.and_then(Value::as_table).into_iter().flatten();
    let entry = |(name, object): (&String, &Value)| {
        let object = object.as_str().or_else(|| object.get("reference")?.as_str());
        // An object that is told in a way that is not known here is no object of the wheel.
        point(group, name, object.unwrap_or("?"))
    };
    entries.map(entry).collect()
}

/// `[options.entry_points]` of `setup.cfg`: a key a group, an indented line a point.
fn configured_points(bytes: &[u8]) -> BTreeSet<Point> {
    let text = String::from_utf8_lossy(bytes);
    let (mut points, mut section, mut group) = (BTreeSet::new(), "", String::new());
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            section = name.split(']').next().unwrap_or_default().trim();
            continue;
        }
        if section != "options.entry_points" {
            continue;
        }
        let Some((name, object)) = trimmed.split_once('=') else { continue };
        if !line.starts_with([' ', '\t']) {
            group = name.trim().to_owned();
        }
        if line.starts_with([' ', '\t']) {
            points.insert(point(&group, name, object));
        }
    }
    points
}

/// A file of the project's own `.egg-info` folder, in the root or in a folder below it.
fn egg_info<'a>(source: &'a Side, name: &str) -> Option<&'a [u8]> {
    let own = |path: &&String| {
        let Some((folder, file)) = path.rsplit_once('/') else { return false };
        let stem = folder.rsplit('/').next().and_then(|last| last.strip_suffix(".egg-info"));
        file == name
            && stem.is_some_and(|stem| {
                ProjectName::parse(stem).is_ok_and(|stem| stem == *source.project())
            })
    };
    let found = source.texts.keys().filter(own).min_by_key(|path| path.matches('/').count());
    source.text(found?)
}

/// The requirements that a source distribution declares beside its `PKG-INFO`, which old ones leave
/// without them; none where it does not say them in a way that can be read.
pub(super) fn declared_requirements(source: &Side) -> Option<BTreeSet<String>> {
    if let Some(bytes) = egg_info(source, "requires.txt") {
        return written_requirements(bytes);
    }
    let document = pyproject(source)?;
    let project = document.get("project")?.as_table()?;
    let is_dynamic = dynamic(project)
        .iter()
        .any(|field| matches!(*field, "dependencies" | "optional-dependencies"));
    if is_dynamic {
        return None;
    }
    let mut found = BTreeSet::new();
    let texts = |list: &Value| -> Option<Vec<String>> {
        list.as_array()?.iter().map(|it| it.as_str().map(str::to_owned)).collect()
    };
    for text in project.get("dependencies").map_or(Some(Vec::new()), texts)? {
        found.insert(normal(&text)?);
    }
    let extras = project.get("optional-dependencies").and_then(Value::as_table);
    for (extra, list) in extras.into_iter().flatten() {
        for text in texts(list)? {
            found.insert(with_marker(&text, &format!("extra == \"{extra}\""))?);
        }
    }
    Some(found)
}

/// setuptools' `requires.txt`: a section an extra, a marker, or both as `[extra:marker]`.
fn written_requirements(bytes: &[u8]) -> Option<BTreeSet<String>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (mut found, mut marker) = (BTreeSet::new(), String::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(section) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            let (extra, condition) = section.split_once(':').unwrap_or((section, ""));
            let extra = (!extra.is_empty()).then(|| format!("extra == \"{extra}\""));
            let condition = (!condition.is_empty()).then(|| format!("({condition})"));
            marker = condition.into_iter().chain(extra).collect::<Vec<_>>().join(" and ");
            continue;
        }
        found.insert(with_marker(line, &marker)?);
    }
    Some(found)
}

fn with_marker(text: &str, marker: &str) -> Option<String> {
    if marker.is_empty() {
        return normal(text);
    }
    let (requirement, own) = match text.split_once(';') {
        Some((requirement, own)) => (requirement, format!("({own}) and ")),
        None => (text, String::new()),
    };
    normal(&format!("{requirement} ; {own}{marker}"))
}

fn normal(text: &str) -> Option<String> {
    Requirement::parse(text).ok().map(|requirement| requirement.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_all_groups_are_read() {
        let points = read_points(b"[console_scripts]\na = b : c\n\n[x.y]\nplug=in\n").unwrap();
        let expected = [("console_scripts", "a", "b:c"), ("x.y", "plug", "in")];
        assert_eq!(points, expected.map(|(group, name, object)| point(group, name, object)).into());
        assert_eq!(read_points(b"a = b\n"), None);
        let text = b"[options]\na = b\n[options.entry_points]\nconsole_scripts =\n  a = b:c\nx.y=\n    plug = in\n";
        assert_eq!(configured_points(text), points);
    }

    #[test]
    fn requirements_of_sections_have_their_markers() {
        let text = b"kettle>=1\n\n[:python_version < '3.9']\njug\n\n[more]\ncup\n\n[all:os_name == 'nt' or os_name == 'x']\ntray>1\n";
        let expected = [
            "cup; extra == \"more\"",
            "jug; python_version < \"3.9\"",
            "kettle>=1",
            "tray>1; (os_name == \"nt\" or os_name == \"x\") and extra == \"all\"",
        ];
        assert_eq!(written_requirements(text), Some(expected.map(str::to_owned).into()));
        assert_eq!(written_requirements(b"not a requirement !\n"), None);
    }
}
