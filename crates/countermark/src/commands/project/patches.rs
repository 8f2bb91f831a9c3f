//! `--diff`: the text that changed between two releases, page by page, and the same as a patch.

use std::io::IsTerminal as _;
use std::path::Path;

use countermark_client::contents::{self, FileDiff};
use countermark_client::report::Problem;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;

use crate::commands::lock::changes::Compared;
use crate::commands::pager;
use crate::commands::report::replace_file;
use crate::output;
use crate::progress::Teller;

/// Shows the difference and saves it.
pub(super) fn show(
    project: &ProjectName,
    compared: &Compared,
    folder: &Path,
    teller: &Teller,
) -> Result<(), Vec<Problem>> {
    let (before, after) = (&compared.before, &compared.after);
    let diffs =
        contents::diff((before.0.distribution(), &before.1), (after.0.distribution(), &after.1));
    let diffs: Vec<FileDiff> =
        diffs.map_err(|error| vec![Problem::of(error.code(), error.class(), &error)])?.collect();
    let (old, new) = &compared.versions;
    let path = folder.join(format!("{project}-{old}-{new}.patch"));
    std::fs::create_dir_all(folder).map_err(|error| {
        let message = format!("cannot make `{}`", folder.display());
        let problem = Problem::new("write-failed", Class::Unavailable, message);
        vec![problem.with_detail(error.to_string())]
    })?;
    replace_file(&path, &contents::patch_of(&diffs))?;
    page(&diffs);
    let count = output::count(diffs.len(), "file differs", "files differ");
    teller.line(&format!("{count}; saved as `{}`", path.display()));
    Ok(())
}

/// On a terminal through the pager that the user has chosen, a file a page; else as it is.
fn page(diffs: &[FileDiff]) {
    let pages: Vec<String> = diffs.iter().map(FileDiff::page).collect();
    let text = pages.join("\n");
    let paged = || pager::page(|into| into.write_all(text.as_bytes()));
    if !std::io::stdout().is_terminal() || paged().is_none() {
        output::print(text.trim_end_matches('\n'));
    }
}
