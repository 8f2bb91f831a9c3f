//! What will be written: first everything is planned, then everything is done.

use std::fs;
use std::path::Path;

use countermark_client::report::Problem;
use countermark_trust::Class;

use crate::commands::audit::write::to_file;
use crate::commands::gate::locks::read_file;
use crate::output;

/// No file that a person writes is longer.
const MAX_FILE: u64 = 16 << 20;

/// One file.
struct Step {
    path: String,
    what: &'static str,
    action: Action,
}

enum Action {
    /// It stays as it is.
    Keep,
    /// It is there and says something else; only `--force` replaces it.
    Refuse,
    /// The whole text.
    Write(String),
    /// The whole text, of which the second part is new.
    Extend(String, String),
    /// It cannot be added to safely: for a person to do.
    Tell(String),
}

/// See the module.
pub(super) struct Plan {
    force: bool,
    steps: Vec<Step>,
}

impl Plan {
    pub(super) fn new(force: bool) -> Self {
        Self { force, steps: Vec::new() }
    }

    fn push(&mut self, path: &str, what: &'static str, action: Action) {
        self.steps.push(Step { path: path.to_owned(), what, action });
    }

    /// It is there and good.
    pub(super) fn keep(&mut self, path: &str, what: &'static str) {
        self.push(path, what, Action::Keep);
    }

    /// A file of ours.
    pub(super) fn write(
        &mut self,
        path: &str,
        text: String,
        what: &'static str,
    ) -> Result<(), Vec<Problem>> {
        let action = match read(path)? {
            Some(there) if there == text => Action::Keep,
            Some(_) if !self.force => Action::Refuse,
            _ => Action::Write(text),
        };
        self.push(path, what, action);
        Ok(())
    }

    /// More lines for a file of others.
    pub(super) fn append(&mut self, path: &str, addition: &str, what: &'static str) {
        let action = match read(path) {
            Ok(Some(there)) => {
                let end = if there.is_empty() || there.ends_with('\n') { "" } else { "\n" };
                Action::Extend(format!("{there}{end}{addition}"), addition.to_owned())
            }
            _ => Action::Tell(addition.to_owned()),
        };
        self.push(path, what, action);
    }

    /// The whole new text of a file of others, with what was added to it.
    pub(super) fn extend(&mut self, path: &str, text: String, added: &str, what: &'static str) {
        self.push(path, what, Action::Extend(text, added.to_owned()));
    }

    /// Lines that a person has to add.
    pub(super) fn tell(&mut self, path: &str, snippet: &str, what: &'static str) {
        self.push(path, what, Action::Tell(snippet.to_owned()));
    }

    /// Does it, or says what would be done.
    pub(super) fn carry_out(&self, is_dry: bool) -> Result<(), Vec<Problem>> {
        for Step { path, what, action } in &self.steps {
            match action {
                Action::Keep => output::print(&format!("  {path}: stays ({what})")),
                Action::Refuse => {
                    let hint = "stays, though it says something else; `--force` writes it anew";
                    output::print(&format!("  {path}: {hint} ({what})"));
                }
                Action::Write(text) => {
                    let done = if is_dry { "would be written" } else { "written" };
                    output::print(&format!("  {path}: {done} ({what})"));
                    carry(path, text, text, is_dry)?;
                }
                Action::Extend(text, added) => {
                    let done = if is_dry { "would be added to" } else { "added to" };
                    output::print(&format!("  {path}: {done} ({what})"));
                    carry(path, text, added, is_dry)?;
                }
                Action::Tell(snippet) => {
                    output::print(&format!(
                        "  {path}: cannot be changed safely; add this to it by hand ({what}):"
                    ));
                    show(snippet);
                }
            }
        }
        Ok(())
    }
}

fn carry(path: &str, text: &str, new: &str, is_dry: bool) -> Result<(), Vec<Problem>> {
    if is_dry {
        show(new);
        return Ok(());
    }
    if let Some(folder) = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| {
            let message = format!("cannot make `{}`: {error}", folder.display());
            vec![Problem::new("unwritable", Class::Unavailable, message)]
        })?;
    }
    to_file(Path::new(path), text)
}

fn show(text: &str) {
    for line in text.trim_matches('\n').lines() {
        output::print(format!("    {line}").trim_end());
    }
}

/// Whether there is something by this name.
pub(super) fn is_there(path: &str) -> bool {
    Path::new(path).symlink_metadata().is_ok()
}

/// The text of a file; none where there is none.
pub(super) fn read(path: &str) -> Result<Option<String>, Vec<Problem>> {
    if !is_there(path) {
        return Ok(None);
    }
    let bytes = read_file(Path::new(path), MAX_FILE)?;
    String::from_utf8(bytes).map(Some).map_err(|_| {
        let message = format!("`{path}` is not UTF-8");
        vec![Problem::new("file-unreadable", Class::Usage, message)]
    })
}
