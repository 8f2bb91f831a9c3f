//! A list of names given as a file: one a line, with or without a count, or the JSON of an index.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::name::ProjectName;
use serde::Deserialize;

/// Names on an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameList {
    /// The names.
    pub names: BTreeSet<ProjectName>,
    /// How much they are used, where the list says it.
    pub uses: BTreeMap<ProjectName, u64>,
    /// Lines or entries that are no names: how many, and the first of them.
    pub unusable: Option<(usize, String)>,
}

/// The simple API's list of projects (PEP 691), and the rows of published counts of downloads.
#[derive(Deserialize)]
struct Json {
    #[serde(default)]
    projects: Vec<Entry>,
    #[serde(default)]
    rows: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(alias = "project")]
    name: String,
    #[serde(alias = "downloads")]
    download_count: Option<u64>,
}

impl NameList {
    /// Reads a list: `name`, `name,count`, `name count` or `name<TAB>count` a line with `#`
    /// comments, the JSON of a simple index, or `rows` of `project` and `download_count`. A first
    /// line of titles is passed over; what is no name is counted in [`NameList::unusable`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut list = Self::default();
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with('{')
            && let Ok(json) = serde_json::from_str::<Json>(text)
        {
            for entry in json.projects.iter().chain(&json.rows) {
                list.add(&entry.name, entry.download_count);
            }
            return list;
        }
        let mut first = true;
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let mut fields =
                line.split([',', ';', '\t', ' ']).map(|it| it.trim().trim_matches('"'));
            let name = fields.next().unwrap_or_default();
            let count = fields.find(|field| !field.is_empty());
            let is_title = std::mem::take(&mut first)
                && count.is_some_and(|count| count.parse::<u64>().is_err());
            match count.map(str::parse).transpose() {
                _ if is_title => {}
                Ok(count) => list.add(name, count),
                Err(_) => list.refuse(line),
            }
        }
        list
    }

    fn add(&mut self, name: &str, count: Option<u64>) {
        let Ok(name) = ProjectName::parse(name) else { return self.refuse(name) };
        if let Some(count) = count {
            let known = self.uses.entry(name.clone()).or_default();
            *known = (*known).max(count);
        }
        self.names.insert(name);
    }

    fn refuse(&mut self, line: &str) {
        let (count, _) = self.unusable.get_or_insert_with(|| {
            let shown: String = line.chars().take(80).collect();
            (0, shown)
        });
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, Option<u64>)], unusable: usize) {
        let list = NameList::parse(text);
        let found: Vec<(&str, Option<u64>)> =
            list.names.iter().map(|name| (name.as_str(), list.uses.get(name).copied())).collect();
        assert_eq!(found, expect, "{text:?}");
        assert_eq!(list.unusable.map_or(0, |it| it.0), unusable, "{text:?}");
    }

    #[test]
    fn lists_have_many_forms() {
        check("", &[], 0);
        check("b\r\nA.c\n\n# no\nd # yes\n", &[("a-c", None), ("b", None), ("d", None)], 0);
        check("name,downloads\na,12\n\"b\",7\n", &[("a", Some(12)), ("b", Some(7))], 0);
        check("a 12\nb\t7\nc , 3", &[("a", Some(12)), ("b", Some(7)), ("c", Some(3))], 0);
        // Two spellings of one name: the larger count.
        check("a_b 1\nA-b 3\na.b 2", &[("a-b", Some(3))], 0);
        // What is no name is counted, not dropped in silence.
        check("a\n-b\nc d e\n", &[("a", None)], 2);
        check("{\"projects\":[{\"name\":\"A\"}]}", &[("a", None)], 0);
        check(
            "{\"rows\":[{\"project\":\"a\",\"download_count\":5},{\"project\":\"_\",\"download_count\":5}]}",
            &[("a", Some(5))],
            1,
        );
        check("{\"rows\":[", &[], 1);
    }
}
