//! `docs/errors.md` explains every code that the sources have, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::root;

/// Calls whose first argument is a code.
const CALLS: [&str; 7] = [
    "Problem::new(",
    "Problem::of(",
    "Note::new(",
    " problem(",
    "(problem(",
    "ReferenceError::new(",
    "SourceError::new(",
];

#[test]
fn every_code_is_explained() {
    let mut sources = Vec::new();
    for name in ["packaging", "trust", "client", "countermark"] {
        collect(&root().join("crates").join(name).join("src"), &mut sources);
    }
    // Elsewhere in the audit codes are those of rules, which have a page of their own.
    collect(&root().join("crates/audit/src/federation"), &mut sources);
    collect(&root().join("crates/lock/src/resolve"), &mut sources);
    collect(&root().join("crates/lock/src/merge"), &mut sources);
    collect(&root().join("crates/service/src/observe"), &mut sources);
    collect(&root().join("crates/service/src/inspect"), &mut sources);
    let mut ledger = Vec::new();
    collect(&root().join("crates/ledger/src"), &mut ledger);
    let found: BTreeSet<String> = sources.iter().flat_map(|path| codes_in(path)).collect();
    let of_ledger: BTreeSet<String> = ledger.iter().flat_map(|path| codes_in(path)).collect();
    let page = fs::read_to_string(root().join("docs/errors.md")).expect("a page");
    let listed = listed_elsewhere(&page);
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let codes: Vec<String> =
        rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned())).collect();
    let explained: BTreeSet<String> = codes.iter().cloned().collect();
    assert_eq!(codes.len(), explained.len(), "a code is explained twice");
    let missing: Vec<_> = found.difference(&explained).collect();
    assert!(missing.is_empty(), "not in docs/errors.md: {missing:?}");
    let missing: Vec<_> = of_ledger
        .iter()
        .filter(|code| !explained.contains(*code) && !listed.contains(*code))
        .collect();
    assert!(missing.is_empty(), "neither in docs/errors.md nor in {LISTS:?}: {missing:?}");
    let is_made = |code: &String| found.contains(code) || of_ledger.contains(code);
    let obsolete: Vec<_> = explained.iter().chain(&listed).filter(|code| !is_made(code)).collect();
    assert!(obsolete.is_empty(), "only in the pages: {obsolete:?}");
}

/// Pages that explain codes of the ledger in full, where it is told how one comes to them.
const LISTS: [&str; 3] = ["vet-relate.md", "vet-share.md", "vet-sign.md"];

/// What their tables and numbered rules explain; `docs/errors.md` has to lead there.
fn listed_elsewhere(errors: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in LISTS {
        assert!(errors.contains(&format!("]({name}#")), "docs/errors.md does not lead to {name}");
        let page = fs::read_to_string(root().join("docs").join(name)).expect("a page");
        let mut is_table_of_codes = false;
        for line in page.lines() {
            is_table_of_codes =
                line.starts_with("| code |") || is_table_of_codes && line.starts_with('|');
            let rule = line.trim_start_matches(|it: char| it.is_ascii_digit()).strip_prefix(". `");
            if is_table_of_codes {
                let cell = line.split('|').nth(1).unwrap_or_default();
                found.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
            } else if let Some((code, _)) = rule.and_then(|rule| rule.split_once("`: ")) {
                found.insert(code.to_owned());
            }
        }
    }
    found
}

fn codes_in(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a source");
    codes_of(text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default())
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for item in fs::read_dir(folder).expect("a folder") {
        let path = item.expect("a file").path();
        let name = super::file_name(&path);
        // The rules of the policy have a page of their own, docs/policy.md, and what is dangerous in a
        // release has docs/vet-inspect.md.
        if path.is_dir() && !matches!(name, "tests" | "rule" | "danger") {
            collect(&path, into);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            into.push(path);
        }
    }
}

/// The codes that a source names: in functions called `code`, in the list of the lock formats, and
/// where problems and notes are made.
fn codes_of(text: &str) -> Vec<String> {
    let mut codes = Vec::new();
    for call in CALLS {
        codes.extend(text.split(call).skip(1).filter_map(|rest| literal(rest.trim_start())));
    }
    let mut inside = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let starts = line.contains("fn code(") || line.contains("fn io_code(");
        if starts || line.trim() == "codes! {" {
            inside = Some(indent);
        } else if inside == Some(indent) && line.trim() == "}" {
            inside = None;
        } else if inside.is_some() && !line.trim_start().starts_with("//") {
            codes.extend(line.split_once('"').and_then(|(_, rest)| literal(&format!("\"{rest}"))));
        }
    }
    codes
}

/// A code at the beginning of a text, in quotes.
fn literal(text: &str) -> Option<String> {
    let (code, _) = text.strip_prefix('"')?.split_once('"')?;
    let is_code = !code.is_empty()
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_code.then(|| code.to_owned())
}

#[test]
fn codes_are_found_where_they_are_made() {
    let text = "Note::new(\n    \"a-note\", x)\nfn code(&self) {\n    A => \"one\",\n    B => x.code(),\n}\n\
                \"no\"\ncodes! {\n    /// \"not\"\n    X \"two\"\n}\nProblem::of(error.code(), y)\n";
    assert_eq!(codes_of(text), ["a-note", "one", "two"]);
}
