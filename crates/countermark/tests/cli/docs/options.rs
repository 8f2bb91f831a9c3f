//! The options of every command, as its help says them, and as pages name them.

use std::collections::BTreeSet;
use std::fs;

use super::page::{Block, Page};
use super::{file_name, pages};
use crate::support::World;

const COMMANDS: &[&[&str]] = &[
    &[],
    &["install"],
    &["lock"],
    &["add"],
    &["remove"],
    &["update"],
    &["download"],
    &["hash"],
    &["port"],
    &["relock"],
    &["tree"],
    &["why"],
    &["verify"],
    &["list"],
    &["uninstall"],
    &["gate"],
    &["init"],
    &["cache"],
    &["cache", "info"],
    &["cache", "verify"],
    &["cache", "prune"],
    &["audit"],
    &["audit", "init"],
    &["audit", "explain"],
    &["audit", "schema"],
    &["roles"],
    &["handbook"],
    &["incident"],
    &["incident", "log"],
    &["log"],
    &["log", "use"],
    &["log", "lookup"],
    &["log", "verify"],
    &["log", "monitor"],
    &["log", "convict"],
    &["log", "init"],
    &["log", "serve"],
    &["log", "append"],
    &["log", "checkpoint"],
    &["log", "fsck"],
    &["log", "export"],
    &["log", "import"],
    &["log", "observer"],
    &["log", "witness"],
    &["log", "rotate"],
    &["witness"],
    &["witness", "init"],
    &["witness", "add-log"],
    &["witness", "list"],
    &["witness", "serve"],
    &["vet"],
    &["vet", "prune"],
    &["vet", "renew"],
    &["vet", "violation"],
    &["vet", "trust"],
    &["vet", "exempt"],
    &["vet", "import", "list"],
    &["vet", "import", "remove"],
    &["vet", "import", "add"],
    &["vet", "import"],
    &["vet", "aggregate"],
    &["vet", "certify"],
    &["vet", "check"],
    &["vet", "relate"],
    &["vet", "facts"],
    &["vet", "init"],
    &["vet", "inspect"],
    &["vet", "diff"],
    &["vet", "key"],
    &["vet", "key", "add"],
    &["vet", "key", "new"],
    &["vet", "key", "show"],
    &["vet", "merge"],
    &["vet", "suggest"],
    &["vet", "explain"],
    &["watch"],
    &["completions"],
    &["man"],
    &["observe"],
    &["observe", "report"],
    &["observe", "index"],
    &["observe", "distributions"],
    &["observe", "crawl"],
];

/// Of other tools: refused, ignored, or compared with ours.
const OF_OTHERS: [&str; 26] = [
    "--all-targets",
    "--allow-insecure-host",
    "--bin",
    "--break-system-packages",
    "--compile-bytecode",
    "--edition",
    "--example",
    "--features",
    "--force-reinstall",
    "--from",
    "--generate-hashes",
    "--hash",
    "--no-default-features",
    "--ignore-requires-python",
    "--locked",
    "--mount",
    "--no-binary",
    "--no-require-hashes",
    "--no-verify-hashes",
    "--path",
    "--release",
    "--require-hashes",
    "--test",
    "--trusted-host",
    "--without-pip",
    "--workspace",
];

fn help(command: &[&str]) -> String {
    let run = World::new().run(&[command, &["--help"]].concat());
    run.expect(0);
    run.stdout
}

#[test]
fn help_of_every_command() {
    for command in COMMANDS {
        let name = if command.is_empty() { "help".to_owned() } else { command.join("-") };
        insta::assert_snapshot!(name, help(command));
    }
}

#[test]
fn the_list_of_commands_is_whole() {
    let known: BTreeSet<&str> =
        COMMANDS.iter().filter_map(|words| words.first().copied()).collect();
    let help = help(&[]);
    let listed = help.split("Commands:\n").nth(1).expect("a list of commands");
    let listed = listed.split("\n\n").next().expect("a list of commands");
    let listed: BTreeSet<&str> =
        listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(listed, known);
}

/// `--like-this` in a text.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
    let is_option = |word: &&str| {
        word.strip_prefix("--")
            .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    words.filter(is_option).map(|word| word.trim_end_matches('-').to_owned()).collect()
}

#[test]
fn options_of_the_pages_exist() {
    let known: BTreeSet<String> = COMMANDS
        .iter()
        .flat_map(|command| options(&help(command)))
        .chain(OF_OTHERS.map(str::to_owned))
        .collect();
    for path in pages() {
        if ["ARCHITECTURE.md", "bench.md", "gauntlet.md"].contains(&file_name(&path)) {
            continue;
        }
        let page = Page::parse(&fs::read_to_string(&path).expect("a text"));
        let said = page.blocks.iter().flat_map(|block| match block {
            Block::Text(lines) => lines.clone(),
            Block::File { lines, .. } => lines.clone(),
            Block::Session(steps) => steps.iter().map(|step| step.command.clone()).collect(),
        });
        let unknown: Vec<String> =
            said.flat_map(|line| options(&line)).filter(|it| !known.contains(it)).collect();
        assert!(unknown.is_empty(), "{}: no such options: {unknown:?}", path.display());
    }
}
