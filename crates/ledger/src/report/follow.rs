//! What a plan by release assumes, for people: which files may follow from the one that is read.

use countermark_report::harmless::harmless;

use super::words;
use crate::suggest::Plan;

/// A block with a line for each release and the command that finds out; nothing where nothing is assumed.
/// `option` is put behind each command.
#[must_use]
pub fn lines(plan: &Plan, option: &str) -> Vec<String> {
    if plan.follow.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![
        "\nnot in these lines, since one file of a release is read: what may follow from it"
            .to_owned(),
    ];
    let mut count = 0;
    for follow in &plan.follow {
        count += follow.files.len();
        let release = format!("{} {}", follow.project, follow.version);
        let files = words::count(follow.files.len(), "file", "files");
        let by = harmless(&follow.by.name);
        lines.push(format!(
            "  {release}: {files} by comparison with {by}, or by a word of their own"
        ));
        let (project, version) = (&follow.project, &follow.version);
        lines.push(format!("    countermark vet relate {project}=={version}{option}"));
    }
    let files = words::count(count, "file is", "files are");
    lines.push(format!(
        "{files} assumed to follow; the next `countermark vet suggest` knows, and `--each-file` assumes nothing"
    ));
    lines
}
