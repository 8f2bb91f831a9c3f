//! A small tree with everything that trees have, in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use countermark_packaging::name::ProjectName;
use jiff::Timestamp;

use super::{OpenStackReleases, find_tree};
use crate::record::{Known, OfficialRelease, Publishes, Records, Standing};
use crate::source::{Documents, HistoryEntry, Source as _, SourceError};

/// Files, with their past, and what was remembered of them.
#[derive(Default)]
struct Tree {
    files: BTreeMap<String, String>,
    past: Option<Vec<(String, String, String)>>,
    remembered: Mutex<BTreeMap<String, Derived>>,
}

/// What was derived, by digest.
type Derived = BTreeMap<[u8; 32], Vec<u8>>;

const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

impl Tree {
    fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    /// A version of a file that was there from a day on; what is there last is the file.
    fn past(mut self, day: &str, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        let entry = (format!("{day}T12:00:00Z"), path.to_owned(), text.to_owned());
        self.past.get_or_insert_default().push(entry);
        self
    }

    fn read_with(&self, companions: Vec<&dyn Documents>) -> Records {
        let mut records = Records::default();
        OpenStackReleases { companions }.read(self, &mut records).expect("reads");
        records
    }

    fn records(&self) -> Records {
        self.read_with(Vec::new())
    }
}

impl Documents for Tree {
    fn root(&self) -> &str {
        "tree"
    }

    fn list(&self, folder: &str, ending: &str) -> Result<Vec<String>, SourceError> {
        let below = |path: &&String| {
            (folder.is_empty() || path.starts_with(&format!("{folder}/"))) && path.ends_with(ending)
        };
        Ok(self.files.keys().filter(below).cloned().collect())
    }

    fn read(&self, path: &str, _: u64) -> Result<Option<Vec<u8>>, SourceError> {
        match self.files.get(path).map(String::as_str) {
            Some("gone") => return Ok(None),
            Some("a pipe") => {
                let (what, reason) = (path.to_owned(), "it is no regular file".to_owned());
                return Err(SourceError::Unreadable { what, reason });
            }
            _ => {}
        }
        Ok(self.files.get(path).map(|text| text.clone().into_bytes()))
    }

    fn history(&self, _: &str) -> Result<Option<Vec<HistoryEntry>>, SourceError> {
        let entries = self.past.as_ref().map(|past| {
            past.iter().enumerate().map(|(at, (time, path, _))| HistoryEntry {
                commit: format!("c0ffee{at}"),
                time: time.parse().expect("a time"),
                path: path.clone(),
                content: Some(format!("{at:040}")),
            })
        });
        Ok(entries.map(Iterator::collect))
    }

    fn read_past(
        &self,
        contents: &[String],
        each: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), SourceError> {
        for (at, content) in contents.iter().enumerate() {
            let number: usize = content.parse().expect("a number");
            each(at, self.past.as_ref().expect("a past")[number].2.as_bytes());
        }
        Ok(())
    }

    fn remembered(&self, form: &str) -> BTreeMap<[u8; 32], Vec<u8>> {
        self.remembered.lock().expect("no panic").get(form).cloned().unwrap_or_default()
    }

    fn remember(&self, form: &str, derived: &BTreeMap<[u8; 32], Vec<u8>>) {
        self.remembered.lock().expect("no panic").insert(form.to_owned(), derived.clone());
    }
}

/// A deliverable of one repository.
fn deliverable(more: &str, settings: &str, versions: &[&str]) -> String {
    let mut text = format!("---\nteam: tools\n{more}releases:\n");
    for version in versions {
        let (version, base) = version.split_once('=').unwrap_or((version, ""));
        text.push_str(&format!(
            "  - version: {version}\n    projects:\n      - repo: example/tool\n        hash: {HASH}\n"
        ));
        if !base.is_empty() {
            text.push_str(&format!("        tarball-base: {base}\n"));
        }
    }
    text.push_str(&format!("repository-settings:\n  example/tool:{settings}\n"));
    text
}

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).expect("a name")
}

fn versions<'a>(records: &'a Records, project: &str) -> Vec<&'a str> {
    let releases = records.projects.get(&name(project)).map(|one| one.releases.as_slice());
    releases.unwrap_or_default().iter().map(|one| &*one.version).collect()
}

fn release<'a>(records: &'a Records, project: &str, version: &str) -> &'a OfficialRelease {
    let mut releases = records.projects[&name(project)].releases.iter();
    releases.find(|one| &*one.version == version).expect("is listed")
}

#[test]
fn the_name_is_found_in_the_order_of_the_rule() {
    let check = |settings: &str, version: &str, expected: &str| {
        let text = deliverable("", settings, &[version]);
        let records = Tree::default().file("deliverables/_independent/tool.yaml", &text).records();
        assert_eq!(versions(&records, expected), ["1.0"], "{settings} {version}");
    };
    check(" {}", "1.0", "tool");
    check(" {tarball-base: Base.Tool}", "1.0", "base-tool");
    check(" {tarball-base: base}", "1.0=own", "own");
    check(" {tarball-base: base, pypi-name: pypi}", "1.0=own", "pypi");
}

#[test]
fn names_of_one_repository_are_connected() {
    let tree = Tree::default()
        .file("deliverables/old/tool.yaml", &deliverable("", " {}", &["1.0"]))
        .file("deliverables/_independent/x.yaml", "team: x\n")
        .file("deliverables/new/tool.yaml", &deliverable("", " {tarball-base: tool1}", &["2.0"]));
    let records = tree.records();
    let names: Vec<&str> =
        records.names_of_repository["example/tool"].iter().map(ProjectName::as_str).collect();
    assert_eq!(names, ["tool", "tool1"]);
}

#[test]
fn tags_that_end_a_branch_are_left_out_and_places_are_kept() {
    let text = deliverable("", " {}", &["1.0", "old-eol", "2.0-last", "1.10"]);
    let records = Tree::default().file("deliverables/_independent/tool.yaml", &text).records();
    assert_eq!(versions(&records, "tool"), ["1.0", "1.10"]);
    let place = release(&records, "tool", "1.10").place.as_deref();
    assert_eq!(place, Some("deliverables/_independent/tool.yaml:16"));
    assert!(release(&records, "tool", "1.0").commit.is_some_and(|one| one.matches("0123456")));
}

#[test]
fn one_broken_file_is_told_at_its_place_and_the_rest_is_read() {
    let tree = Tree::default()
        .file("deliverables/_independent/broken.yaml", "releases:\n  - version: 1.0\n   bad: [\n")
        .file("deliverables/_independent/tool.yaml", &deliverable("", " {}", &["1.0"]));
    let records = tree.records();
    assert_eq!(versions(&records, "tool"), ["1.0"]);
    assert_eq!(records.problems.len(), 1);
    assert_eq!(records.problems[0].file, "deliverables/_independent/broken.yaml");
    assert!(records.problems[0].position.is_some());
}

#[test]
fn a_file_that_cannot_be_had_is_told_and_the_rest_is_read() {
    let odd = "deliverables/_independent/odd.yaml";
    for (text, message) in [
        ("gone", "the file is not there"),
        ("a pipe", "could not read deliverables/_independent/odd.yaml: it is no regular file"),
    ] {
        let tree = Tree::default().file(odd, text);
        let good = "deliverables/_independent/tool.yaml";
        let records = tree.file(good, &deliverable("", " {}", &["1.0"])).records();
        assert_eq!(versions(&records, "tool"), ["1.0"]);
        let problems: Vec<_> =
            records.problems.iter().map(|it| (it.file.as_str(), it.message.as_str())).collect();
        assert_eq!(problems, [(odd, message)]);
    }
    // When none can be had, the tree is not a smaller one.
    let tree = Tree::default().file(odd, "a pipe");
    let read = OpenStackReleases { companions: Vec::new() }.read(&tree, &mut Records::default());
    assert!(matches!(read, Err(SourceError::Unreadable { .. })), "{read:?}");
}

#[test]
fn names_and_commits_that_are_none_are_told() {
    let text = deliverable("", " {}", &["1.0=.bad"]).replace(HASH, "not-a-commit");
    let records = Tree::default().file("deliverables/_independent/tool.yaml", &text).records();
    let lines: Vec<_> = records.problems.iter().map(|one| one.position).collect();
    assert_eq!(lines, [Some((4, 1))], "the name, and then nothing more of that release");
    let text = deliverable("", " {}", &["1.0"]).replace(HASH, "not-a-commit");
    let records = Tree::default().file("deliverables/_independent/tool.yaml", &text).records();
    assert!(records.problems[0].message.contains("is no commit"));
    assert_eq!(versions(&records, "tool"), ["1.0"]);
}

#[test]
fn the_newest_file_and_governance_tell_who_is_still_released() {
    let series =
        "- name: new\n  initial-release: 2020-01-01\n- name: old\n  initial-release: 2019-01-01\n";
    let tree = |newest: &str, settings: &str| {
        Tree::default()
            .file("data/series_status.yaml", series)
            .file("deliverables/_independent/x.yaml", "team: x\n")
            .file(
                "deliverables/old/tool.yaml",
                &deliverable("release-model: abandoned\n", " {}", &["1.0"]),
            )
            .file("deliverables/new/tool.yaml", &deliverable(newest, settings, &["2.0"]))
    };
    let standing = |tree: &Tree| tree.records().projects[&name("tool")].standing.clone();
    assert_eq!(standing(&tree("", " {}")), Standing::Live);
    let abandoned = "release-model: abandoned\n";
    assert_eq!(standing(&tree(abandoned, " {}")), Standing::Abandoned { retired: None });
    let flag = " {flags: [retired]}";
    assert_eq!(standing(&tree(abandoned, flag)), Standing::Retired { on: None });
    let legacy =
        "gone:\n  deliverables:\n    tool: {retired-on: 2021-05-01, repos: [example/tool]}\n";
    let day: Option<Timestamp> = "2021-05-01T00:00:00Z".parse().ok();
    let left = tree("", " {}").file("reference/legacy.yaml", legacy);
    assert_eq!(standing(&left), Standing::Retired { on: day });
    let both = tree(abandoned, " {}").file("reference/legacy.yaml", legacy);
    assert_eq!(standing(&both), Standing::Abandoned { retired: day });
    let owned = "tools:\n  deliverables:\n    tool: {repos: [example/tool]}\n";
    let back = left.file("reference/projects.yaml", owned);
    assert_eq!(standing(&back), Standing::Live, "owned again");
}

#[test]
fn jobs_and_governance_tell_what_publishes() {
    let owned = "tools:\n  deliverables:\n    tool: {repos: [example/tool]}\n    more: {repos: [example/more]}\n    \
         theirs: {release-management: external, repos: [example/theirs]}\n";
    let jobs = |template: &str| {
        format!(
            "- project:\n    name: example/tool\n    templates: [{template}]\n\
                 - project:\n    name: example/more\n    templates: [publish-to-pypi]\n\
                 - project:\n    name: elsewhere/other\n    templates: [publish-to-pypi]\n"
        )
    };
    let tree = |template: &str| {
        Tree::default()
            .file("deliverables/_independent/tool.yaml", &deliverable("", " {}", &["1.0"]))
            .file("reference/projects.yaml", owned)
            .file("zuul.d/projects.yaml", &jobs(template))
    };
    let records = tree("publish-to-pypi").records();
    assert_eq!(records.projects[&name("tool")].publishes, Publishes::Yes);
    assert_eq!(records.projects[&name("more")].releases, [], "published, and never listed");
    assert!(!records.projects.contains_key(&name("other")), "not of this federation");
    let records = tree("unit-tests").records();
    assert_eq!(records.projects[&name("tool")].publishes, Publishes::No);
    let alone = Tree::default()
        .file("deliverables/_independent/tool.yaml", &deliverable("", " {}", &["1.0"]));
    assert_eq!(alone.records().projects[&name("tool")].publishes, Publishes::Unknown);
}

#[test]
fn governance_may_lie_beside_the_tree() {
    let tree = Tree::default()
        .file("deliverables/_independent/tool.yaml", &deliverable("", " {}", &["1.0"]));
    let beside = Tree::default().file(
        "governance/reference/projects.yaml",
        "crew:\n  deliverables:\n    tool: {repos: [example/tool]}\n",
    );
    let records = tree.read_with(vec![&beside]);
    assert_eq!(records.projects[&name("tool")].team.as_deref(), Some("crew"));
    assert!(records.sources.iter().any(|one| one.contains("governance/reference/projects.yaml")));
    assert!(
        tree.records()
            .assumptions
            .iter()
            .any(|one| one.starts_with("not found beside the tree") && one.contains("governance")),
        "what is not there is said"
    );
}

#[test]
fn the_history_gives_days_and_what_was_edited_away() {
    let path = "deliverables/_independent/tool.yaml";
    let tree = Tree::default()
        .past("2019-01-01", path, &deliverable("", " {}", &["1.0"]))
        .past("2020-01-01", path, &deliverable("", " {}", &["1.0", "1.1", "1.2"]))
        .past("2020-02-01", path, "broken: [\n")
        .past("2020-03-01", path, &deliverable("", " {}", &["1.0", "1.2"]));
    let check = |records: &Records| {
        let day =
            |version: &str| release(records, "tool", version).approved.map(|at| at.to_string());
        assert_eq!(day("1.0").as_deref(), Some("2019-01-01T12:00:00Z"));
        assert_eq!(day("1.2").as_deref(), Some("2020-01-01T12:00:00Z"));
        assert_eq!(release(records, "tool", "1.1").known, Known::OnceListed);
        assert_eq!(release(records, "tool", "1.2").known, Known::Listed);
        assert!(records.problems.is_empty(), "what was repaired is no problem");
    };
    check(&tree.records());
    assert_eq!(tree.remembered.lock().expect("no panic").len(), 2, "the head and the past");
    check(&tree.records());
}

#[test]
fn a_list_of_what_was_removed_stands_in_for_a_history() {
    let removed = "{\"deliverable\":\"tool\",\"version\":\"1.1\",\"first_listed\":\"2020-01-01\",\"pkgs\":[\"tool\"]}\n\
        {\"deliverable\":\"tool\",\"version\":\"1.0\",\"pkgs\":[\"tool\"]}\nnot json\n";
    let tree = Tree::default()
        .file("deliverables/_independent/tool.yaml", &deliverable("", " {}", &["1.0"]))
        .file("removed.jsonl", removed);
    let records = tree.records();
    assert_eq!(versions(&records, "tool"), ["1.0", "1.1"], "the tree has the last word on 1.0");
    assert_eq!(release(&records, "tool", "1.1").known, Known::OnceListed);
    assert_eq!(records.problems[0].position, Some((3, 2)));
}

#[test]
fn an_unchanged_file_is_not_parsed_again_and_a_changed_one_is() {
    let path = "deliverables/_independent/tool.yaml";
    let mut tree = Tree::default().file(path, &deliverable("", " {}", &["1.0"]));
    assert_eq!(versions(&tree.records(), "tool"), ["1.0"]);
    // What is remembered is believed for the very bytes that it was derived from: a wrong memory shows.
    let form = super::index::FORM;
    let other =
        super::deliverable::parse(deliverable("", " {}", &["9.9"]).as_bytes()).expect("reads");
    let stored = super::index::encode(&other).expect("encodes");
    for derived in
        tree.remembered.lock().expect("no panic").get_mut(form).expect("remembered").values_mut()
    {
        derived.clone_from(&stored);
    }
    assert_eq!(versions(&tree.records(), "tool"), ["9.9"]);
    tree = tree.file(path, &deliverable("", " {}", &["1.0", "1.1"]));
    assert_eq!(versions(&tree.records(), "tool"), ["1.0", "1.1"]);
}

#[test]
fn a_folder_that_is_no_tree_is_refused() {
    let none = Tree::default().file("old/tool.yaml", "team: x\n");
    assert_eq!(find_tree(&none), Ok(None));
    let mut records = Records::default();
    let refused = OpenStackReleases { companions: Vec::new() }.read(&none, &mut records);
    assert!(matches!(refused, Err(SourceError::NotThis { .. })), "{refused:?}");
    let cycles = Tree::default().file("deliverables/old/tool.yaml", "team: x\n");
    assert_eq!(find_tree(&cycles), Ok(Some("deliverables")), "without the folder of no cycle");
    let inside = Tree::default().file("_independent/tool.yaml", "team: x\n");
    assert_eq!(find_tree(&inside), Ok(Some("")), "the folder of deliverables itself");
}
