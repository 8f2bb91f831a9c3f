//! The editor that a person uses, as git finds it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use countermark_client::report::Problem;
use countermark_client::system::create_private;
use countermark_trust::Class;

use super::draft::MAXIMUM;
use crate::setup;

/// Where nobody says which.
const EDITOR: &str = "vi";

/// A text that a person edits, in a file that nobody else reads.
pub(super) struct Text {
    path: PathBuf,
}

impl Text {
    /// Writes the text for the editor. What is left of the last time is written over.
    pub(super) fn new(folder: &Path, text: &str) -> Result<Self, Vec<Problem>> {
        let path = folder.join("REVIEW");
        let failed = |error: std::io::Error| {
            let message = format!("cannot write `{}`: {error}", path.display());
            vec![Problem::new("unwritable", Class::Unavailable, message)]
        };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
        let mut file = create_private(&path).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        Ok(Self { path })
    }

    /// Opens the editor, waits for its end, and reads what it left.
    pub(super) fn edit(&self) -> Result<String, Vec<Problem>> {
        let editor = ["VISUAL", "EDITOR"].into_iter().find_map(setup::variable);
        let editor =
            editor.map_or_else(|| EDITOR.to_owned(), |it| it.to_string_lossy().into_owned());
        let words = shlex::split(&editor).filter(|words| !words.is_empty());
        let Some(words) = words else {
            return Err(failed(&editor, "it is no command"));
        };
        let status = Command::new(&words[0]).args(&words[1..]).arg(&self.path).status();
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(failed(&editor, &format!("it ended with {status}"))),
            Err(error) => return Err(failed(&editor, &error.to_string())),
        }
        let mut text = String::new();
        let read = fs::File::open(&self.path).and_then(|file| {
            // More than anybody writes; the rest would be cut off, which the reader of the text tells.
            file.take(MAXIMUM).read_to_string(&mut text)
        });
        read.map_err(|error| failed(&editor, &format!("its text cannot be read: {error}")))?;
        Ok(text)
    }

    /// Where the text is, when something is wrong with it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The text is not needed any more.
    pub(super) fn remove(self) {
        // The next one writes over it.
        let _ = fs::remove_file(&self.path);
    }
}

fn failed(editor: &str, reason: &str) -> Vec<Problem> {
    let problem = Problem::new(
        "editor",
        Class::Unavailable,
        format!("the editor `{editor}` failed: {reason}"),
    );
    vec![problem.with_hint("set EDITOR, or give --yes with --notes and --criteria")]
}
