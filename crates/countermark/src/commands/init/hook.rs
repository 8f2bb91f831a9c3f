//! The hook of pre-commit: the gate without network, over the locks of a commit.

use countermark_client::report::Problem;

use super::plan::{Plan, read};
use super::yaml;

/// The file.
const FILE: &str = ".pre-commit-config.yaml";

/// What it is for.
const WHAT: &str = "the pre-commit hook";

/// Plans the hook for these locks.
pub(super) fn plan(plan: &mut Plan, locks: &[String]) -> Result<(), Vec<Problem>> {
    let item = item(locks);
    let Some(text) = read(FILE)? else {
        return plan.write(FILE, format!("repos:\n{item}\n"), WHAT);
    };
    if has_hook(&text) {
        plan.keep(FILE, WHAT);
        return Ok(());
    }
    match yaml::with_item(&text, Some("repos"), &item) {
        Some(new) => plan.extend(FILE, new, &item, WHAT),
        None => plan.tell(FILE, &item, WHAT),
    }
    Ok(())
}

fn item(locks: &[String]) -> String {
    let patterns: Vec<String> = locks.iter().map(|lock| escaped(lock)).collect();
    format!(
        "- repo: local\n  hooks:\n    - id: countermark-gate\n      name: countermark gate\n      \
         entry: countermark gate --offline\n      language: system\n      files: '^({})$'",
        patterns.join("|").replace('\'', "''")
    )
}

/// A path as a regular expression of Python.
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    for c in path.chars() {
        if !c.is_alphanumeric() && !matches!(c, '/' | '_' | '-') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Whether the hook is there, whatever else its entry says.
fn has_hook(text: &str) -> bool {
    let Some(table) = yaml::table(text) else { return false };
    let repos = table.get("repos").and_then(|repos| repos.as_array());
    let hooks = repos.into_iter().flatten().filter_map(|repo| repo.get("hooks")?.as_array());
    hooks
        .flatten()
        .any(|hook| hook.get("id").and_then(|id| id.as_str()) == Some("countermark-gate"))
}
