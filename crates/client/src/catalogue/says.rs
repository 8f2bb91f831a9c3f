//! What a release requires, from what its files say, and whether that is final.
//!
//! A wheel's `METADATA` is. A source distribution's `PKG-INFO` is where its version is 2.2 or more
//! and none of the fields that count is `Dynamic` (PEP 643); its `pyproject.toml` is where the
//! `[project]` table leaves none of them to the build (PEP 621). Whoever is asked has to be the
//! release that was asked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use countermark_lock::catalogue::{CatalogueError, Requires};
use countermark_packaging::metadata::{CoreMetadata, MetadataError};
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::requirement::Requirement;
use countermark_packaging::version::Version;
use serde::Deserialize;

use super::error::bad_metadata;
use super::mend;
use crate::inside::Requiring;

/// The fields that have to be static.
const COUNTED: [&str; 3] = ["requires-dist", "provides-extra", "requires-python"];

/// Begins the text that is kept of a release which leaves it to its build.
const NOT_STATIC: &str = "Not-Static: ";

/// What a wheel's `METADATA` says.
pub(super) fn of_metadata(
    project: &ProjectName,
    version: &Version,
    bytes: &[u8],
) -> Result<Requires, CatalogueError> {
    let metadata = parse(project, version, bytes)?;
    Ok(requires(metadata))
}

/// What a source distribution says, if that is final.
pub(super) fn of_sdist(
    project: &ProjectName,
    version: &Version,
    said: &Requiring,
) -> Result<Requires, CatalogueError> {
    let not_static = |reason: String| CatalogueError::NotStatic {
        project: project.clone(),
        version: version.clone(),
        reason,
    };
    let mut reason = "its source package has no `PKG-INFO`".to_owned();
    if let Some(bytes) = &said.metadata {
        let metadata = parse(project, version, bytes)?;
        match dynamic_part(&metadata) {
            None => return Ok(requires(metadata)),
            Some(part) => reason = part,
        }
    }
    match said.pyproject.as_deref().map(|bytes| of_pyproject(project, version, bytes)) {
        Some(Ok(requires)) => Ok(requires),
        Some(Err(None)) | None => Err(not_static(reason)),
        Some(Err(Some(fault))) => {
            Err(bad_metadata(project, version, format!("in its `pyproject.toml`: {fault}")))
        }
    }
}

/// Which version a source distribution says it is; nothing where that is left to its build.
pub(super) fn version_of(said: &Requiring) -> Result<Option<Version>, String> {
    if let Some(bytes) = &said.metadata {
        let metadata = parse_old(bytes).map_err(|error| error.to_string())?;
        return Ok(Some(metadata.version));
    }
    let text = said.pyproject.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
    let read = text.and_then(|text| toml::from_str::<Pyproject>(text).ok());
    let version = read.and_then(|read| read.project?.version);
    version.map(|text| text.parse().map_err(|_| format!("`{text}` is no version"))).transpose()
}

fn parse(
    project: &ProjectName,
    version: &Version,
    bytes: &[u8],
) -> Result<CoreMetadata, CatalogueError> {
    let refused = |reason: String| bad_metadata(project, version, reason);
    let metadata = parse_old(bytes).map_err(|error| refused(error.to_string()))?;
    if metadata.name != *project || metadata.version != *version {
        let found = format!("{} {}", metadata.name, metadata.version);
        return Err(refused(format!("it is that of {found}")));
    }
    Ok(metadata)
}

/// Mended only where it cannot be read as it stands; the fault that is told is that of what stands there.
fn parse_old(bytes: &[u8]) -> Result<CoreMetadata, MetadataError> {
    CoreMetadata::parse(bytes).or_else(|error| {
        let mended = mend::metadata(bytes).map(|mended| CoreMetadata::parse(&mended));
        mended.and_then(Result::ok).ok_or(error)
    })
}

fn requires(metadata: CoreMetadata) -> Requires {
    let CoreMetadata { requires_dist, requires_python, provides_extra, .. } = metadata;
    Requires { requires_dist, requires_python, provides_extra }
}

/// Why `PKG-INFO` is not final.
fn dynamic_part(metadata: &CoreMetadata) -> Option<String> {
    if metadata.metadata_version < (2, 2) {
        let (major, minor) = metadata.metadata_version;
        return Some(format!(
            "the metadata of its source package has version {major}.{minor}, and is final from 2.2 on"
        ));
    }
    let field = COUNTED.iter().find(|field| metadata.dynamic.contains(**field))?;
    Some(format!("its source package leaves `{field}` to the build"))
}

#[derive(Deserialize)]
struct Pyproject {
    #[serde(default)]
    project: Option<Project>,
    #[serde(default)]
    tool: Option<Tool>,
}

#[derive(Deserialize)]
struct Tool {
    #[serde(default)]
    poetry: Option<toml::Table>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Project {
    name: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    requires_python: Option<String>,
    #[serde(default)]
    dependencies: Option<Vec<String>>,
    #[serde(default)]
    optional_dependencies: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    dynamic: Vec<String>,
}

/// `Err(None)` where the table leaves something to the build, or is not there.
fn of_pyproject(
    project: &ProjectName,
    version: &Version,
    bytes: &[u8],
) -> Result<Requires, Option<String>> {
    let text = std::str::from_utf8(bytes).map_err(|_| Some("it is not utf-8".to_owned()))?;
    let read: Pyproject = toml::from_str(text).map_err(|_| None)?;
    let table = read.project.ok_or(None)?;
    let counted = ["version", "dependencies", "optional-dependencies", "requires-python"];
    if table.dynamic.iter().any(|field| counted.contains(&field.as_str())) {
        return Err(None);
    }
    // Its dependencies stand elsewhere, in words of its own.
    if table.dependencies.is_none() && read.tool.is_some_and(|tool| tool.poetry.is_some()) {
        return Err(None);
    }
    let said = table.version.as_deref().ok_or(None)?;
    let is_same = ProjectName::parse(&table.name).is_ok_and(|name| name == *project)
        && said.parse::<Version>().is_ok_and(|said| said == *version);
    if !is_same {
        return Err(Some(format!("it is that of {} {said}", table.name)));
    }
    let requirement =
        |text: &str| Requirement::parse(text).map_err(|error| Some(format!("`{text}`: {error}")));
    let python = table.requires_python.as_deref().map(|text| {
        text.parse().map_err(|error| Some(format!("`requires-python = {text}`: {error}")))
    });
    let mut requires = Requires { requires_python: python.transpose()?, ..Requires::default() };
    for text in table.dependencies.iter().flatten() {
        requires.requires_dist.push(requirement(text)?);
    }
    for (extra, texts) in table.optional_dependencies.iter().flatten() {
        let extra = ExtraName::parse(extra).map_err(|error| Some(error.to_string()))?;
        for text in texts {
            requires.requires_dist.push(with_extra(requirement(text)?, &extra)?);
        }
        requires.provides_extra.insert(extra);
    }
    Ok(requires)
}

/// The requirement where the extra is wanted, as a build writes it into `METADATA`.
fn with_extra(
    mut requirement: Requirement,
    extra: &ExtraName,
) -> Result<Requirement, Option<String>> {
    let before = requirement.marker.take().map(|it| format!("({it}) and ")).unwrap_or_default();
    let text = format!("{requirement} ; {before}extra == \"{extra}\"");
    Requirement::parse(&text).map_err(|error| Some(format!("`{text}`: {error}")))
}

/// What is kept of an answer that holds for ever: as few lines of `METADATA` as say it.
pub(super) fn to_text(
    project: &ProjectName,
    version: &Version,
    answer: &Result<Requires, CatalogueError>,
) -> Option<String> {
    let requires = match answer {
        Ok(requires) => requires,
        Err(CatalogueError::NotStatic { reason, .. }) if !reason.contains('\n') => {
            return Some(format!("{NOT_STATIC}{reason}\n"));
        }
        Err(_) => return None,
    };
    let mut text = format!("Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n");
    // Writing to a string cannot fail.
    if let Some(python) = &requires.requires_python {
        let _ = writeln!(text, "Requires-Python: {python}");
    }
    for requirement in &requires.requires_dist {
        let _ = writeln!(text, "Requires-Dist: {requirement}");
    }
    for extra in &requires.provides_extra {
        let _ = writeln!(text, "Provides-Extra: {extra}");
    }
    // What does not come back as it is is not kept.
    let again = of_text(project, version, &text)?;
    (again.as_ref() == Ok(requires)).then_some(text)
}

/// What [`to_text`] wrote; nothing where it is damaged.
pub(super) fn of_text(
    project: &ProjectName,
    version: &Version,
    text: &str,
) -> Option<Result<Requires, CatalogueError>> {
    if let Some(reason) = text.strip_prefix(NOT_STATIC) {
        let reason = reason.strip_suffix('\n')?.to_owned();
        let (project, version) = (project.clone(), version.clone());
        return Some(Err(CatalogueError::NotStatic { project, version, reason }));
    }
    of_metadata(project, version, text.as_bytes()).ok().map(Ok)
}

#[cfg(test)]
fn shown(requires: &Requires) -> Vec<String> {
    requires.requires_dist.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Metadata-Version: 2.2\nName: A.B\nVersion: 1.0\nRequires-Python: >=3.8\n\
        Requires-Dist: c>=1; python_version < \"3.9\"\nProvides-Extra: x\nDynamic: License\n";

    fn ask(metadata: Option<&str>, pyproject: Option<&str>) -> Result<Requires, CatalogueError> {
        let project = ProjectName::parse("a-b").unwrap();
        let said =
            Requiring { metadata: metadata.map(Into::into), pyproject: pyproject.map(Into::into) };
        of_sdist(&project, &"1".parse().unwrap(), &said)
    }

    fn reason(metadata: Option<&str>, pyproject: Option<&str>) -> String {
        ask(metadata, pyproject).unwrap_err().to_string()
    }

    #[test]
    fn metadata_of_source_packages_is_final_from_2_2_on() {
        let requires = ask(Some(GOOD), None).unwrap();
        assert_eq!(shown(&requires), ["c>=1; python_version < \"3.9\""]);
        assert_eq!(requires.provides_extra.len(), 1);
        let check = |from: &str, to: &str, expect: &str| {
            assert!(GOOD.contains(from), "{from}");
            let found = reason(Some(&GOOD.replacen(from, to, 1)), None);
            assert!(found.ends_with(expect), "{found}");
        };
        check("2.2", "2.1", "has version 2.1, and is final from 2.2 on");
        check("Dynamic: License", "Dynamic: Requires-Dist", "leaves `requires-dist` to the build");
        check(
            "Dynamic: License",
            "Dynamic: provides-extra",
            "leaves `provides-extra` to the build",
        );
        check("License", "requires-python", "leaves `requires-python` to the build");
        check("A.B", "c", "it is that of c 1.0");
        check("1.0\n", "1.1\n", "it is that of a-b 1.1");
        check("c>=1", "c>=", "expected a version, found ';'");
        assert!(reason(None, None).ends_with("its source package has no `PKG-INFO`"));
    }

    #[test]
    fn a_static_project_table_says_it_too() {
        let old = GOOD.replacen("2.2", "2.1", 1);
        let table = "[project]\nname = 'a_b'\nversion = '1.0'\nrequires-python = '>=3.9'\n\
            dependencies = ['d']\n[project.optional-dependencies]\ny = [\"e; os_name == 'nt' or \
            os_name == 'posix'\"]\n";
        let requires = ask(Some(&old), Some(table)).unwrap();
        let expect = ["d", "e; (os_name == \"nt\" or os_name == \"posix\") and extra == \"y\""];
        assert_eq!(shown(&requires), expect);
        assert_eq!(requires.requires_python.unwrap().to_string(), ">=3.9");
        let check = |from: &str, to: &str, expect: &str| {
            assert!(table.contains(from), "{from}");
            let found = reason(Some(&old), Some(&table.replacen(from, to, 1)));
            assert!(found.contains(expect), "{found}");
        };
        check("requires-python = '>=3.9'", "dynamic = ['dependencies']", "only known to its build");
        check("requires-python = '>=3.9'", "dynamic = ['version']", "only known to its build");
        check("version = '1.0'", "", "only known to its build");
        check("version = '1.0'", "version = '2'", "it is that of a_b 2");
        check("'a_b'", "'c'", "it is that of c 1.0");
        check("['d']", "['d >']", "`d >`");
        check("[project]", "[tool]", "only known to its build");
        check("[project]", "[project", "only known to its build");
        let poetry = "[project]\nname = 'a_b'\nversion = '1'\n[tool.poetry]\n";
        assert!(reason(None, Some(poetry)).contains("only known to its build"));
    }

    #[test]
    fn what_is_kept_is_what_was_said() {
        let (project, version) = (ProjectName::parse("a-b").unwrap(), "1".parse().unwrap());
        let answer = ask(Some(GOOD), None);
        let text = to_text(&project, &version, &answer).unwrap();
        assert_eq!(of_text(&project, &version, &text), Some(answer));
        let answer = ask(None, None);
        let text = to_text(&project, &version, &answer).unwrap();
        assert_eq!(of_text(&project, &version, &text), Some(answer));
        assert_eq!(of_text(&project, &version, "Not-Static: x"), None);
        assert_eq!(of_text(&project, &version, "Metadata-Version: 2.1\nName: c\n"), None);
        let bad = ask(Some("x"), None);
        assert_eq!(to_text(&project, &version, &bad), None);
    }
}
