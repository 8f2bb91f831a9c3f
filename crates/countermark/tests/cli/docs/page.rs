//! A page as blocks, and the comparison of what it shows with what was printed.

/// A part of a page, in order.
#[derive(Debug)]
pub(super) enum Block {
    /// Anything that is only read.
    Text(Vec<String>),
    /// A file of the reader.
    File { fence: String, name: String, lines: Vec<String> },
    /// Commands with what they print.
    Session(Vec<Step>),
}

/// A command with what it prints.
#[derive(Debug)]
pub(super) struct Step {
    /// As it stands in the page, continued lines included.
    pub(super) shown: Vec<String>,
    /// As the shell gets it.
    pub(super) command: String,
    pub(super) output: Vec<String>,
}

/// A whole page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) blocks: Vec<Block>,
}

impl Page {
    pub(super) fn parse(text: &str) -> Self {
        let mut blocks = Vec::new();
        let mut prose = Vec::new();
        let mut lines = text.lines().map(str::to_owned);
        while let Some(line) = lines.next() {
            let Some(info) = line.strip_prefix("```") else {
                prose.push(line);
                continue;
            };
            let content: Vec<String> = lines.by_ref().take_while(|line| line != "```").collect();
            let name = info.split_once(' ').map(|(_, name)| name.to_owned());
            if info != "console" && name.is_none() {
                prose.push(line);
                prose.extend(content);
                prose.push("```".to_owned());
                continue;
            }
            blocks.push(Block::Text(std::mem::take(&mut prose)));
            blocks.push(match name {
                Some(name) => Block::File { fence: line, name, lines: content },
                None => Block::Session(parse_session(content)),
            });
        }
        blocks.push(Block::Text(prose));
        Self { blocks }
    }

    pub(super) fn render(&self) -> String {
        let mut lines: Vec<&str> = Vec::new();
        for block in &self.blocks {
            match block {
                Block::Text(text) => lines.extend(text.iter().map(String::as_str)),
                Block::File { fence, lines: content, .. } => {
                    lines.push(fence);
                    lines.extend(content.iter().map(String::as_str));
                    lines.push("```");
                }
                Block::Session(steps) => {
                    lines.push("```console");
                    for step in steps {
                        lines.extend(step.shown.iter().chain(&step.output).map(String::as_str));
                    }
                    lines.push("```");
                }
            }
        }
        lines.join("\n") + "\n"
    }
}

fn parse_session(lines: Vec<String>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut continued = false;
    for line in lines {
        if let Some(command) = line.strip_prefix("$ ") {
            let command = command.to_owned();
            continued = command.ends_with('\\');
            steps.push(Step { shown: vec![line], command, output: Vec::new() });
            continue;
        }
        let step = steps.last_mut().expect("a session starts with a command");
        if continued {
            continued = line.ends_with('\\');
            step.command.push('\n');
            step.command.push_str(&line);
            step.shown.push(line);
        } else {
            step.output.push(line);
        }
    }
    steps
}

/// Is what was printed what the page shows?
pub(super) fn matches(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line.trim() == "…" => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        Some((line, rest)) => printed.split_first().is_some_and(|(first, others)| {
            line_matches(&without_times(line), &without_times(first)) && matches(rest, others)
        }),
    }
}

fn line_matches(shown: &str, printed: &str) -> bool {
    match shown.split_once('…') {
        None => shown.trim_end() == printed.trim_end(),
        Some((before, after)) => printed.strip_prefix(before).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.into_iter().any(|at| line_matches(after, &rest[at..]))
        }),
    }
}

/// `0.41 s` as `0.00 s`.
fn without_times(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let is_time = |index: usize| {
        let follows = words.get(index + 1).is_some_and(|next| {
            next.strip_prefix('s').is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        });
        follows
            && words[index].split_once('.').is_some_and(|(whole, part)| {
                let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
                digits(whole) && digits(part) && part.len() == 2
            })
    };
    let words = words.iter().enumerate();
    let words: Vec<&str> =
        words.map(|(index, word)| if is_time(index) { "0.00" } else { word }).collect();
    words.join(" ")
}

#[test]
fn what_matches() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let check = |shown: &str, printed: &str, expect: bool| {
        assert_eq!(matches(&lines(shown), &lines(printed)), expect, "{shown:?} {printed:?}");
    };
    check("", "", true);
    check("a", "a", true);
    check("a", "b", false);
    check("a", "a\nb", false);
    check("a\n…", "a\nb\nc", true);
    check("…\nc", "a\nb\nc", true);
    check("…\nb", "a\nb\nc", false);
    check("a…c", "abc", true);
    check("a…c", "abcd", false);
    check("a…", "a", true);
    check("1 file, 0.41 s; done", "1 file, 0.02 s; done", true);
    check("1 file, 0.41 s; done", "2 file, 0.41 s; done", false);
    check("0.41 size", "0.42 size", false);
}

#[test]
fn a_page_is_written_as_it_was_read() {
    let text = "# A\n\n```console\n$ a \\\n    b\nc\n$ d\n```\ntext\n```toml x.toml\ny = 1\n```\n\n```sh\nz\n```\n";
    let page = Page::parse(text);
    assert_eq!(page.render(), text);
    let Block::Session(steps) = &page.blocks[1] else { panic!("no session") };
    assert_eq!(steps[0].command, "a \\\n    b");
    assert_eq!(steps[0].output, ["c"]);
}
