//! `log use`: which log is asked, written into the policy.
//!
//! A key that the log itself shows proves nothing: whoever answers at that address can show any. So
//! without `--key` nothing is written; the key is shown, with what to compare it with.

use std::path::{Path, PathBuf};

use countermark_client::log::{LogPlace, ReachError};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_tlog::note::VerifierKey;
use countermark_trust::Class;
use countermark_trust::log::wire::Description;
use countermark_trust::policy::Section;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use crate::cli::OutputArgs;
use crate::cli::log_client::{LogModeChoice, LogUseArgs};
use crate::commands::Outcome;
use crate::commands::lock::{existing, policy};
use crate::commands::report::replace_file;
use crate::progress::Teller;
use crate::{output, session, setup};

/// Runs the command.
pub(super) fn run(arguments: &LogUseArgs, output_arguments: &OutputArgs) -> Outcome {
    let teller = Teller::new(output_arguments);
    let keys = parse_keys(&arguments.key)?;
    let session = session::open("log", &arguments.network.index_arguments(), &[], None)?;
    session::tell(&session.settings, &teller);
    let place = LogPlace::new(&session.http, &arguments.url).map_err(|error| one(&error))?;
    if keys.is_empty() {
        let description = place.description().map_err(|problem| vec![*problem])?;
        return Ok(show(arguments, &description, &teller));
    }
    match place.signed_by(&keys) {
        Ok(size) => {
            let entries =
                output::count(usize::try_from(size).unwrap_or(usize::MAX), "entry", "entries");
            teller.line(&format!(
                "the checkpoint of {} is signed by this key: {entries}",
                arguments.url
            ));
        }
        Err(problem) if problem.code == "offline" => {
            let message = "the log was not asked: whether it signs with this key is not known";
            teller.note(Note::new("log-not-asked", message));
        }
        Err(problem) => return Err(vec![*problem]),
    }
    let table = table(arguments, &arguments.key);
    if arguments.dry_run {
        output::print(text_of(&table, &["policy", "log"]).trim_end());
        return Ok(0);
    }
    let (path, section) = target(arguments)?;
    let before = existing::read_bytes(&path)?;
    let after = with_table(&path, before.as_deref().unwrap_or_default(), section, &table)?;
    existing::require_same(&path, before.as_deref())?;
    replace_file(&path, after.as_bytes())?;
    teller.line(&format!("`{}` asks {} about new pins", path.display(), arguments.url));
    Ok(0)
}

fn one(error: &ReachError) -> Vec<Problem> {
    vec![Problem::of(error.code(), error.class(), error)]
}

pub(super) fn parse_keys(texts: &[String]) -> Result<Vec<VerifierKey>, Vec<Problem>> {
    let (mut keys, mut problems) = (Vec::new(), Vec::new());
    for text in texts {
        match text.parse::<VerifierKey>() {
            Ok(key) => keys.push(key),
            Err(error) => {
                let message = format!("`{text}` is no key of a log: {error}");
                problems.push(Problem::new("bad-log-key", Class::Usage, message));
            }
        }
    }
    if problems.is_empty() { Ok(keys) } else { Err(problems) }
}

/// The first use: nobody can tell whether this is the key.
fn show(arguments: &LogUseArgs, description: &Description, teller: &Teller) -> u8 {
    output::print(text_of(&table(arguments, &description.keys), &["policy", "log"]).trim_end());
    let message = format!(
        "{} says itself that these are its keys: whoever answers there could say so",
        arguments.url
    );
    let hint = "compare the key with one that came another way: from the page of who runs the log, the \
                policy of a project that you trust, a colleague on another network; then run this again \
                with `--key`";
    teller.note(Note::new("blind-first-use", message).with_hint(hint));
    if !description.witnesses.is_empty() {
        let witnesses = description.witnesses.join("\n  ");
        let message = format!("it asks these witnesses, which you may ask for too:\n  {witnesses}");
        teller.note(Note::new("log-witnesses", message));
    }
    0
}

fn table(arguments: &LogUseArgs, keys: &[String]) -> Table {
    let mut table = Table::new();
    let mode = match arguments.mode {
        LogModeChoice::Off => "off",
        LogModeChoice::Warn => "warn",
        LogModeChoice::Require => "require",
    };
    table.insert("mode", value(mode));
    table.insert("url", value(arguments.url.as_str()));
    match keys {
        [only] => drop(table.insert("key", value(only.as_str()))),
        several => {
            let tables = several.iter().map(|key| {
                let mut entry = toml_edit::InlineTable::new();
                entry.insert("key", key.as_str().into());
                entry
            });
            drop(table.insert("keys", value(tables.collect::<Array>())));
        }
    }
    table
}

/// The table as it stands below these headings.
fn text_of(table: &Table, path: &[&str]) -> String {
    let mut document = DocumentMut::new();
    insert(document.as_table_mut(), path, table.clone());
    document.to_string()
}

/// The file of the policy, or the one that is made.
fn target(arguments: &LogUseArgs) -> Result<(PathBuf, Section), Vec<Problem>> {
    let folder = setup::working_folder()?;
    let found = policy::place(arguments.log.policy.as_deref(), &folder)?;
    Ok(found.unwrap_or_else(|| (PathBuf::from("countermark.toml"), Section::File)))
}

fn with_table(
    path: &Path,
    before: &[u8],
    section: Section,
    table: &Table,
) -> Result<String, Vec<Problem>> {
    let shown = path.display();
    let unreadable = |reason: String| {
        let message = format!("`{shown}` is no TOML: nothing was written");
        vec![Problem::new("file-unreadable", Class::Usage, message).with_detail(reason)]
    };
    let text = std::str::from_utf8(before).map_err(|error| unreadable(error.to_string()))?;
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| unreadable(error.to_string()))?;
    let path: &[&str] = match section {
        Section::File => &["policy", "log"],
        Section::Pyproject => &["tool", "countermark", "policy", "log"],
    };
    // What else stands in the table, such as witnesses and private names, stays.
    let mut merged = table_at(&document, path).cloned().unwrap_or_else(Table::new);
    merged.remove("key");
    merged.remove("keys");
    for (key, item) in table {
        merged.insert(key, item.clone());
    }
    insert(document.as_table_mut(), path, merged);
    Ok(document.to_string())
}

fn table_at<'a>(document: &'a DocumentMut, path: &[&str]) -> Option<&'a Table> {
    path.iter().try_fold(document.as_table(), |table, key| table.get(key)?.as_table())
}

fn insert(root: &mut Table, path: &[&str], table: Table) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut parent = root;
    for key in parents {
        let item = parent.entry(key).or_insert_with(|| {
            let mut implicit = Table::new();
            implicit.set_implicit(true);
            Item::Table(implicit)
        });
        let Some(below) = item.as_table_mut() else { return };
        parent = below;
    }
    parent.insert(last, Item::Table(table));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new();
        table.insert("mode", value("warn"));
        table.insert("url", value("https://log.example.org"));
        table.insert("key", value("log.example.org+53d903d5+AYEp"));
        table
    }

    fn written(before: &str, section: Section) -> String {
        with_table(Path::new("x.toml"), before.as_bytes(), section, &sample()).unwrap()
    }

    #[test]
    fn the_table_is_written_and_the_rest_of_the_file_stays() {
        let expect = "[policy.log]\nmode = \"warn\"\nurl = \"https://log.example.org\"\n\
                      key = \"log.example.org+53d903d5+AYEp\"\n";
        assert_eq!(written("", Section::File), expect);
        let before = "# ours\n[policy]\nminimum-age = \"7 days\" # a week\n";
        assert_eq!(written(before, Section::File), format!("{before}\n{expect}"));
        let before = "[project]\nname = \"a\"\n";
        let below = expect.replace("[policy.log]", "[tool.countermark.policy.log]");
        assert_eq!(written(before, Section::Pyproject), format!("{before}\n{below}"));
    }

    #[test]
    fn what_else_is_in_the_table_stays_and_the_old_keys_go() {
        let before =
            "[policy.log]\nkeys = [{ key = \"old\" }]\nprivate = [\"acme-*\"]\nquorum = 1\n";
        let after = written(before, Section::File);
        assert!(
            after.contains("private = [\"acme-*\"]") && after.contains("quorum = 1"),
            "{after}"
        );
        assert!(!after.contains("old") && after.contains("53d903d5"), "{after}");
    }

    #[test]
    fn a_file_that_is_no_toml_is_left_alone() {
        for before in [&b"[policy"[..], b"\xff"] {
            let refused = with_table(Path::new("x"), before, Section::File, &sample()).unwrap_err();
            assert_eq!(refused[0].code, "file-unreadable");
        }
    }
}
