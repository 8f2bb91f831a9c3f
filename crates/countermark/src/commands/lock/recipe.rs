//! How a lock was asked for, as its first lines say it, so that `update`, `add` and `remove` ask
//! the same way again.
//!
//! Only what decides the content is written: inputs, parts, targets, resolution. Where files come
//! from and what the policy is belong to the configuration of whoever runs it, and are neither written
//! nor read here: a line of a lock must not be able to send anybody to another index.

use std::borrow::Cow;

use clap::Parser;
use countermark_client::http::RedactedUrl;

use crate::cli::lock::{LockArgs, ResolutionArgs, SelectionArgs, TargetArgs};

/// What stands before the command in the head of a lock.
const LEAD: &str = "countermark ";

/// Lines of a lock that are looked at.
const HEAD_LINES: usize = 12;

/// A command line of `lock`.
#[derive(Debug, Parser)]
#[command(name = "lock", no_binary_name = false)]
struct Recipe {
    #[command(flatten)]
    arguments: LockArgs,
}

/// The command that makes this lock, as words.
pub(crate) fn words(arguments: &LockArgs, inputs: &[String], output: &str) -> Vec<String> {
    let mut words = vec!["lock".to_owned()];
    words.extend(shown(inputs));
    words.extend(["-o".to_owned(), output.to_owned()]);
    if let Some(format) = arguments.format {
        push_choice(&mut words, "--format", &format);
    }
    if arguments.no_annotate {
        words.push("--no-annotate".to_owned());
    }
    selection(&mut words, &arguments.selection);
    targets(&mut words, &arguments.targets);
    resolution(&mut words, &arguments.resolution);
    words
}

/// One line for the head of a lock.
pub(crate) fn text(words: &[String]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| shlex::try_quote(word).map_or_else(|_| String::new(), Cow::into_owned))
        .collect();
    format!("countermark {}", quoted.join(" "))
}

/// How a lock was asked for; `None` where it does not say so, or says what is not understood.
pub(crate) fn read(lock: &str) -> Option<LockArgs> {
    let line = lock
        .lines()
        .take(HEAD_LINES)
        .find_map(|line| line.strip_prefix('#')?.trim_start().strip_prefix(LEAD))?;
    let words = shlex::split(line)?;
    if words.first().map(String::as_str) != Some("lock") {
        return None;
    }
    let arguments = Recipe::try_parse_from(&words).ok()?.arguments;
    // The words that such a line may have are those that are written, and no others.
    let output = arguments.output.as_ref()?.to_str()?;
    let again = self::words(&arguments, &arguments.inputs, output);
    (again == words).then_some(arguments)
}

fn selection(words: &mut Vec<String>, arguments: &SelectionArgs) {
    push_all(words, "--extra", &arguments.extras);
    push_flag(words, "--all-extras", arguments.all_extras);
    push_all(words, "--group", &arguments.groups);
    push_flag(words, "--all-groups", arguments.all_groups);
    push_all(words, "--only-group", &arguments.only_groups);
}

fn targets(words: &mut Vec<String>, arguments: &TargetArgs) {
    push_all(words, "--python-version", &arguments.python_version);
    push_all(words, "--platform", &arguments.platform);
    push_flag(words, "--agree", arguments.agree);
    push_flag(words, "--all-files", arguments.all_files);
}

fn resolution(words: &mut Vec<String>, arguments: &ResolutionArgs) {
    if let Some(strategy) = arguments.resolution {
        push_choice(words, "--resolution", &strategy);
    }
    if let Some(which) = arguments.prerelease {
        push_choice(words, "--prerelease", &which);
    }
    push_all(words, "--constraint", &shown(&arguments.constraint));
    push_all(words, "--override", &shown(&arguments.overrides));
    push_all(words, "--exclude", &arguments.excludes);
    if let Some(when) = &arguments.exclude_newer {
        words.extend(["--exclude-newer".to_owned(), when.clone()]);
    }
    push_all(words, "--exclude-newer-package", &arguments.exclude_newer_package);
    push_all(words, "--allow-source", &arguments.allow_source);
}

/// Files may be URLs, and those may hold a password.
fn shown(files: &[String]) -> Vec<String> {
    files.iter().map(|file| RedactedUrl::of_text(file).to_string()).collect()
}

fn push_all(words: &mut Vec<String>, option: &str, values: &[String]) {
    for value in values {
        words.extend([option.to_owned(), value.clone()]);
    }
}

fn push_flag(words: &mut Vec<String>, option: &str, is_set: bool) {
    if is_set {
        words.push(option.to_owned());
    }
}

fn push_choice<T: clap::ValueEnum>(words: &mut Vec<String>, option: &str, choice: &T) {
    if let Some(value) = choice.to_possible_value() {
        words.extend([option.to_owned(), value.get_name().to_owned()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> LockArgs {
        Recipe::try_parse_from(shlex::split(line).unwrap()).unwrap().arguments
    }

    #[test]
    fn what_is_written_is_read_back() {
        let check = |line: &str| {
            let arguments = parse(line);
            let output = arguments.output.clone().unwrap();
            let words = words(&arguments, &arguments.inputs, output.to_str().unwrap());
            let head = format!("# made\n#    {}\n", text(&words));
            let read = read(&head).unwrap_or_else(|| panic!("{head}"));
            assert_eq!(format!("{read:?}"), format!("{arguments:?}"), "{line}");
        };
        check("lock requirements.in -o requirements.txt");
        check("lock 'flask>=3' 'a b.in' -o '-'");
        check("lock pyproject.toml -o pylock.toml --extra a --extra b --all-groups");
        check(
            "lock x.in -o x.txt --python-version 3.11 --platform linux --agree --all-files --no-annotate",
        );
        check(
            "lock x.in -o x.txt --resolution lowest --prerelease allow -c c.txt --override o.txt",
        );
        check("lock x.in -o x.txt --exclude a --exclude-newer '7 days' --allow-source :all:");
    }

    #[test]
    fn a_head_cannot_say_where_files_come_from() {
        let read = |line: &str| read(&format!("#    countermark {line}\n"));
        assert!(read("lock a.in -o a.txt").is_some());
        assert!(read("lock a.in -o a.txt --index-url https://evil.example.org/").is_none());
        assert!(read("lock a.in -o a.txt --policy other.toml").is_none());
        assert!(read("lock a.in -o a.txt --cert x").is_none());
        assert!(read("lock a.in").is_none());
        assert!(read("install a.in -o a.txt").is_none());
        assert!(read("lock 'a.in -o a.txt").is_none());
    }
}
