//! `docs/records.md` and the sources say the same.

use std::collections::{BTreeMap, BTreeSet};

use countermark_audit::federation::RecordsEntry;
use countermark_audit::federation::parse::parse_with;
use countermark_audit::record::Records;
use countermark_audit::source::open::{KINDS, open};
use countermark_audit::source::openpgp::NoOpenPgp;
use countermark_audit::source::{Documents, SourceError};

const PAGE: &str = include_str!("../../../docs/records.md");

/// Sections by their kind; the text before the first is that of "".
fn sections() -> BTreeMap<&'static str, &'static str> {
    let mut parts = PAGE.split("\n## ");
    let first = parts.next().unwrap_or_default();
    let mut sections = BTreeMap::from([("", first)]);
    for part in parts {
        let kind = part.split('`').nth(1).expect("a section begins with its kind");
        sections.insert(kind, part);
    }
    sections
}

fn blocks(section: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    let parts = section.split(&begin).skip(1);
    parts.map(|part| part.split("```").next().unwrap_or_default().to_owned()).collect()
}

fn entry(text: &str) -> RecordsEntry {
    let mut federation = parse_with("federation.toml", text, &[]).expect("it is a federation.toml");
    assert_eq!(federation.records.len(), 1);
    federation.records.remove(0)
}

/// The keys of a section's tables of settings.
fn documented(section: &str) -> BTreeSet<String> {
    let tables = section.split("| key | meaning |\n|---|---|\n").skip(1);
    let rows = tables.flat_map(|table| table.lines().take_while(|line| line.starts_with('|')));
    let keys = rows.filter_map(|row| row.split('|').nth(1));
    keys.flat_map(|keys| keys.split('`').skip(1).step_by(2).map(str::to_owned)).collect()
}

#[test]
fn every_kind_has_a_section_with_an_entry_that_works() {
    let sections = sections();
    let found: BTreeSet<&str> = sections.keys().copied().filter(|kind| !kind.is_empty()).collect();
    let expect: BTreeSet<&str> =
        KINDS.iter().copied().filter(|kind| *kind != "openstack-releases").collect();
    assert_eq!(found, expect);
    let judge = NoOpenPgp::default();
    for kind in found {
        let examples = blocks(sections[kind], "toml");
        assert_eq!(examples.len(), 1, "{kind}");
        let entry = entry(&examples[0]);
        assert_eq!(entry.kind, kind);
        let opened = open(&entry, &judge).map(|source| source.describe());
        assert!(opened.is_ok(), "{kind}: {:?}", opened.err());
        assert!(sections[kind].contains("\nAssumed: ") || kind == "removed", "{kind}");
    }
}

#[test]
fn every_setting_is_documented_and_no_other() {
    let sections = sections();
    let common = documented(sections[""]);
    let judge = NoOpenPgp::default();
    for (kind, section) in sections.iter().filter(|(kind, _)| !kind.is_empty()) {
        let text = format!("[[records]]\nkind = '{kind}'\npath = 'x'\nno-such-setting = 1\n");
        let entry = entry(&text);
        let refused = open(&entry, &judge).map(|_| ()).unwrap_err().to_string();
        let (_, known) = refused.split_once("the settings are ").expect("they are listed");
        let mut known: BTreeSet<String> =
            known.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        known.extend(["path", "url"].map(str::to_owned));
        let found: BTreeSet<String> = documented(section).union(&common).cloned().collect();
        assert_eq!(found, known, "{kind}");
    }
}

/// One file.
struct Only(&'static str, String);

impl Documents for Only {
    fn root(&self) -> &str {
        self.0
    }

    fn list(&self, _: &str, ending: &str) -> Result<Vec<String>, SourceError> {
        Ok(self.0.ends_with(ending).then(|| self.0.to_owned()).into_iter().collect())
    }

    fn read(&self, _: &str, _: u64) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(Some(self.1.clone().into_bytes()))
    }
}

#[test]
fn the_examples_of_files_are_read() {
    let check = |kind: &str, file: &'static str, language: &str, expect: &[(&str, usize)]| {
        let section = sections()[kind];
        let [example] = &blocks(section, language)[..] else { panic!("one example of {kind}") };
        let entry = entry(&format!("[[records]]\nkind = '{kind}'\npath = '{file}'\n"));
        let mut records = Records::default();
        let judge = NoOpenPgp::default();
        let documents = Only(file, example.clone());
        open(&entry, &judge).unwrap().read(&documents, &mut records).unwrap();
        assert_eq!(records.problems, []);
        let found: Vec<(&str, usize)> =
            records.projects.iter().map(|(name, it)| (name.as_str(), it.releases.len())).collect();
        assert_eq!(found, expect);
    };
    check("table", "releases.csv", "csv", &[("teapot", 2)]);
    check("removed", "removed.jsonl", "json", &[("kettle", 1), ("teapot", 1)]);
}
