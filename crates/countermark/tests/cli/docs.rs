//! The documentation is run: what a page shows is what happens.
//!
//! In `README.md` and `docs/*.md`,
//!
//! * a block ```` ```console ```` is a session: each line after `$ ` is run by `sh`, with the
//!   command on its path, and what it prints has to be what the block shows. A line `…` stands for
//!   any lines, `…` in a line for any text; how long something took may differ. A command that
//!   fails is followed by `$ echo $?`;
//! * a block with a file name after its language (```` ```text requirements.txt ````) is written to
//!   that file before the sessions below it run.
//!
//! `UPDATE_DOCS=1` writes what was printed into the pages; read the difference before you commit.

mod codes;
mod options;
mod page;
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use page::{Block, Page, Step};
use world::DocsWorld;

/// Tables that scripts in `bench/` and tests write, and the pages that are made of the rules; they are
/// no tasks.
const TABLES: [&str; 11] = [
    "bench.md",
    "gate-rules.md",
    "gauntlet.md",
    "incidents.md",
    "ledger-rules.md",
    "observe-classes.md",
    "policy.md",
    "rules.md",
    "scale.md",
    "take-down.md",
    "web.md",
];

/// The folder of the workspace.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// README.md, SECURITY.md, … and docs/*.md, sorted.
pub(super) fn pages() -> Vec<PathBuf> {
    let markdown = |folder: PathBuf| {
        let items =
            fs::read_dir(folder).expect("a folder").map(|item| item.expect("a file").path());
        items.filter(|path| path.extension().is_some_and(|it| it == "md")).collect::<Vec<_>>()
    };
    let mut all = [markdown(root()), markdown(root().join("docs"))].concat();
    all.sort();
    all
}

pub(super) fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("a name")
}

#[test]
fn sessions_print_what_the_pages_show() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let check = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a text");
        let mut page = Page::parse(&text);
        let failures = run(&mut page);
        if update && !failures.is_empty() {
            fs::write(path, page.render()).expect("a page");
        }
        failures.into_iter().map(|failure| format!("{}: {failure}", file_name(path))).collect()
    };
    let pages = pages();
    let failures: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = pages.iter().map(|path| scope.spawn(move || check(path))).collect();
        runs.into_iter()
            .flat_map(|run: std::thread::ScopedJoinHandle<'_, Vec<String>>| {
                run.join().expect("a page is run")
            })
            .collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs the sessions of a page in one world; gives what differs and leaves what was printed.
fn run(page: &mut Page) -> Vec<String> {
    let mut failures = Vec::new();
    if !page.blocks.iter().any(|block| matches!(block, Block::Session(_))) {
        return failures;
    }
    let world = DocsWorld::new();
    let mut code = 0;
    for block in &mut page.blocks {
        match block {
            Block::Text(_) => {}
            Block::File { name, lines, .. } => {
                world.write(name, &format!("{}\n", lines.join("\n")));
            }
            Block::Session(steps) => {
                for index in 0..steps.len() {
                    let asks = |step: &Step| step.command == "echo $?";
                    let (printed, ended) = world.run(&steps[index].command, code);
                    code = ended;
                    if code != 0 && !steps.get(index + 1).is_some_and(asks) {
                        let command = &steps[index].command;
                        failures.push(format!("`{command}` ends with {code}; add `$ echo $?`"));
                    }
                    if !page::matches(&steps[index].output, &printed) {
                        failures.push(difference(&steps[index], &printed));
                        steps[index].output = printed;
                    }
                }
            }
        }
    }
    failures
}

fn difference(step: &Step, printed: &[String]) -> String {
    let shown =
        |lines: &[String]| lines.iter().map(|line| format!("    {line}\n")).collect::<String>();
    let (expected, found) = (shown(&step.output), shown(printed));
    format!("`{}`\n  the page shows\n{expected}  it prints\n{found}", step.command)
}

#[test]
fn every_page_of_the_guide_has_a_session() {
    let guide = root().join("docs");
    for path in pages().iter().filter(|path| path.starts_with(&guide)) {
        if TABLES.contains(&file_name(path)) {
            continue;
        }
        let page = Page::parse(&fs::read_to_string(path).expect("a text"));
        let has_session = page.blocks.iter().any(|block| {
            matches!(block, Block::Session(steps)
                if steps.iter().any(|step| step.command.contains("countermark ")))
        });
        assert!(has_session, "{} shows no session", path.display());
    }
}

#[test]
fn the_index_of_the_guide_names_every_page() {
    let index = fs::read_to_string(root().join("docs/README.md")).expect("an index");
    for path in pages().iter().filter(|path| path.starts_with(root().join("docs"))) {
        let name = file_name(path);
        assert!(name == "README.md" || index.contains(&format!("({name})")), "{name}");
    }
}

#[test]
fn links_lead_somewhere() {
    for path in pages() {
        let text = fs::read_to_string(&path).expect("a text");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            let linked = path.parent().expect("a folder").join(file);
            if TABLES.contains(&file_name(&linked)) {
                continue;
            }
            assert!(linked.exists(), "{}: {target}", path.display());
        }
    }
}

/// Everything but the network: no mistake in the file, and a digest on each requirement.
#[test]
fn the_example_only_lacks_a_network() {
    let example = root().join("examples/web/requirements.txt").display().to_string();
    let world = crate::support::World::new();
    for version in ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"] {
        for platform in ["manylinux_2_28_x86_64", "manylinux_2_28_aarch64"] {
            let target = ["--python-version", version, "--platform", platform];
            let run =
                world.run(&[&["download", "--offline", "-r", &example], &target[..]].concat());
            run.expect(3);
            let errors: Vec<&str> =
                run.stderr.lines().filter(|line| line.starts_with("error[")).collect();
            assert!(errors.len() >= 12, "{errors:?}");
            assert!(errors.iter().all(|line| line.starts_with("error[offline]")), "{errors:?}");
        }
    }
}
