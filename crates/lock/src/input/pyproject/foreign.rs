//! Projects that say what they depend on in another language than the standard one.

use countermark_packaging::lock::codes;
use countermark_packaging::table::Table;

use super::Parser;

/// Tables in which other tools keep dependencies: their path below `tool`, and whether they may
/// stand beside a `[project]` that says the same.
const FOREIGN: [&[&str]; 5] = [
    &["poetry", "dependencies"],
    &["poetry", "dev-dependencies"],
    &["poetry", "group"],
    &["pdm", "dev-dependencies"],
    &["flit", "metadata", "requires"],
];

/// Refuses a file that has nothing to read, and tells what beside a `[project]` is not read.
pub(super) fn check<'a>(
    parser: &mut Parser<'a>,
    root: Table<'a>,
    project: Option<Table<'a>>,
    has_groups: bool,
    tool: Option<Table<'a>>,
) {
    for path in FOREIGN {
        let Some(span) = tool.and_then(|tool| find(tool, path)) else { continue };
        let title = format!("`tool.{}`", path.join("."));
        if project.is_some() {
            parser.not_followed(&title, span);
        } else {
            let message = format!("{title} is no standard way to say what a project depends on");
            parser.reader.hinted(
                codes::MISSING_KEY,
                message,
                span,
                "write the dependencies into [project] and [dependency-groups]; the tool reads \
                 them there too",
            );
            return;
        }
    }
    let is_workspace = tool.is_some_and(|tool| find(tool, &["uv", "workspace"]).is_some());
    if project.is_none() && !has_groups && !is_workspace {
        let message = "the file has neither [project] nor [dependency-groups]".to_owned();
        let hint = "write them, or name a requirements file";
        parser.reader.hinted(codes::MISSING_KEY, message, root.span(), hint);
    }
}

fn find(tool: Table<'_>, path: &[&str]) -> Option<std::ops::Range<usize>> {
    let (last, tables) = path.split_last()?;
    let mut table = tool.table;
    for key in tables {
        table = table.get(*key)?.get_ref().as_table()?;
    }
    table.get_key_value(*last).map(|(key, _)| key.span())
}
