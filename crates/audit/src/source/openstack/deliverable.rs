//! One deliverable's file, `deliverables/<series>/<name>.yaml`.
//!
//! Every scalar is read as a text: `2011.3.1` and `1.10` are versions, not numbers. Keys that are not
//! needed are passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

/// What a deliverable's file says, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Deliverable {
    /// The team that answers for it.
    pub(super) team: Option<String>,
    /// `release-model: abandoned`.
    pub(super) abandoned: bool,
    /// In the order of the file.
    pub(super) releases: Vec<Entry>,
    /// By repository.
    pub(super) repositories: BTreeMap<String, Repository>,
}

/// One version of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// As written.
    pub(super) version: String,
    /// Such as `openstack/heat`.
    pub(super) repository: String,
    /// A commit.
    pub(super) hash: String,
    /// The name of the tarball, where it differs.
    pub(super) tarball_base: Option<String>,
    /// Line of the version, from 1.
    pub(super) line: u32,
}

/// What is set for a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Repository {
    /// The name on the index.
    pub(super) pypi_name: Option<String>,
    /// The name of the tarball.
    pub(super) tarball_base: Option<String>,
    /// It left.
    pub(super) retired: bool,
    /// Its artifacts are not built.
    pub(super) is_unbuilt: bool,
}

/// Why a file cannot be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct YamlError {
    /// Line and column, from 1.
    pub(super) position: Option<(u32, u32)>,
    /// What is wrong.
    pub(super) message: String,
}

impl YamlError {
    pub(super) fn of(error: &serde_saphyr::Error) -> Self {
        let position = error.location().map(|at| {
            let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
            (narrow(at.line()), narrow(at.column()))
        });
        let text = error.without_snippet().to_string();
        let message = text.lines().next().unwrap_or("not yaml").to_owned();
        Self { position, message }
    }
}

/// Suffixes of tags that mark the end of a branch; nothing is ever built from them.
const NEVER_BUILT: [&str; 4] = ["-eol", "-eom", "-em", "-last"];

/// Whether a version is the name of a tag that is never built.
pub(super) fn is_never_built(version: &str) -> bool {
    NEVER_BUILT.iter().any(|suffix| version.ends_with(suffix))
}

/// Reads a deliverable's file.
///
/// # Errors
/// When it is not UTF-8, not YAML, or of another form.
pub(super) fn parse(bytes: &[u8]) -> Result<Deliverable, YamlError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| YamlError { position: None, message: "the file is not utf-8".to_owned() })?;
    let document: Option<Document> = read_yaml(text)?;
    Ok(document.unwrap_or_default().into())
}

/// Reads YAML as the tree's own tools do: of a key that is there twice the last one counts.
pub(super) fn read_yaml<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, YamlError> {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| YamlError::of(&error))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    #[serde(default)]
    team: Option<String>,
    #[serde(default)]
    release_model: Option<String>,
    #[serde(default)]
    releases: Option<Vec<Release>>,
    #[serde(default)]
    repository_settings: Option<BTreeMap<String, Option<Settings>>>,
}

#[derive(Deserialize)]
struct Release {
    version: Spanned<String>,
    #[serde(default)]
    projects: Option<Vec<Project>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Project {
    repo: String,
    #[serde(default)]
    hash: Option<String>,
    #[serde(default)]
    tarball_base: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Settings {
    #[serde(default)]
    pypi_name: Option<String>,
    #[serde(default)]
    tarball_base: Option<String>,
    #[serde(default)]
    flags: Option<Flags>,
}

/// A list, by the schema. Some files have a single text, written `-retired` without the space that
/// would make it a list; what was meant is clear.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flags {
    List(Vec<String>),
    One(String),
}

impl Flags {
    fn has(&self, flag: &str) -> bool {
        match self {
            Self::List(flags) => flags.iter().any(|one| one == flag),
            Self::One(text) => text.trim_start_matches(['-', ' ']) == flag,
        }
    }
}

impl From<Document> for Deliverable {
    fn from(document: Document) -> Self {
        let repositories = document.repository_settings.unwrap_or_default().into_iter();
        let repositories = repositories
            .map(|(name, settings)| {
                let settings = settings.unwrap_or_default();
                let has = |flag| settings.flags.as_ref().is_some_and(|flags| flags.has(flag));
                let repository = Repository {
                    retired: has("retired"),
                    is_unbuilt: has("no-artifact-build-job"),
                    pypi_name: settings.pypi_name,
                    tarball_base: settings.tarball_base,
                };
                (name, repository)
            })
            .collect();
        let mut releases = Vec::new();
        for release in document.releases.unwrap_or_default() {
            let line = u32::try_from(release.version.referenced.line()).unwrap_or(u32::MAX);
            for project in release.projects.unwrap_or_default() {
                releases.push(Entry {
                    version: release.version.value.clone(),
                    repository: project.repo,
                    hash: project.hash.unwrap_or_default(),
                    tarball_base: project.tarball_base,
                    line,
                });
            }
        }
        Self {
            team: document.team,
            abandoned: document.release_model.as_deref() == Some("abandoned"),
            releases,
            repositories,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "---\nteam: oslo\nrelease-model: abandoned\nreleases:\n  - version: 1.10\n    \
        projects:\n      - repo: example/tool\n        hash: aa\n        tarball-base: a.tool\n  \
        - version: 2011.3.1\n    projects:\n      - hash: 1234567\n        repo: example/tool\n\
        repository-settings:\n  example/tool: {}\n  example/old:\n    flags:\n      -retired\n  \
        example/gone:\n    pypi-name: gone\n    flags:\n      - retired\n      - no-artifact-build-job\n";

    #[test]
    fn scalars_are_texts_and_lines_are_kept() {
        let deliverable = parse(SMALL.as_bytes()).expect("reads");
        let versions: Vec<_> =
            deliverable.releases.iter().map(|one| (one.version.as_str(), one.line)).collect();
        assert_eq!(versions, [("1.10", 5), ("2011.3.1", 10)]);
        assert_eq!(deliverable.releases[1].hash, "1234567");
        assert_eq!(deliverable.releases[0].tarball_base.as_deref(), Some("a.tool"));
        assert!(deliverable.abandoned);
    }

    #[test]
    fn flags_are_read_as_a_list_and_as_the_text_that_was_meant_as_one() {
        let deliverable = parse(SMALL.as_bytes()).expect("reads");
        assert!(!deliverable.repositories["example/tool"].retired);
        assert!(deliverable.repositories["example/old"].retired);
        let gone = &deliverable.repositories["example/gone"];
        assert!(gone.retired && gone.is_unbuilt);
        assert_eq!(gone.pypi_name.as_deref(), Some("gone"));
    }

    #[test]
    fn an_empty_file_is_an_empty_deliverable() {
        for text in ["", "---\n", "releases:\n", "releases: []\n"] {
            assert_eq!(parse(text.as_bytes()), Ok(Deliverable::default()), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_at_its_place() {
        let error =
            parse(b"releases:\n  - version: [1, 2]\n    projects: []\n").expect_err("refused");
        assert_eq!(error.position.map(|(line, _)| line), Some(2));
        let error = parse(b"releases:\n  - version: 1\n   projects: {\n").expect_err("refused");
        assert!(error.position.is_some(), "{error:?}");
        assert!(parse(b"\xff\xfe").is_err());
    }

    #[test]
    fn tags_that_end_a_branch_are_never_built() {
        for (version, expected) in [
            ("rocky-eol", true),
            ("pike-em", true),
            ("2023.1-last", true),
            ("2023.1-eom", true),
            ("1.0.0", false),
            ("1.0.0rc1", false),
        ] {
            assert_eq!(is_never_built(version), expected, "{version}");
        }
    }
}
