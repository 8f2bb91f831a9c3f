//! What a rule means: for `countermark audit explain`, and for the page of all rules.

use anstyle::{AnsiColor, Style};
use countermark_trust::Class;

use super::layout::{width, wrap};
use crate::rule::{self, Document, RULES};

/// Columns of the page, which is read in editors too.
const PAGE: usize = 100;
/// Lines of prose on a terminal are not longer than this, however wide it is.
const PROSE: usize = 90;
/// Codes that are suggested, at most.
const NEAREST: usize = 3;

const CODE: Style = AnsiColor::BrightRed.on_default().bold();
const HEADING: Style = Style::new().bold();

/// There is no such rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule `{code}`")]
pub struct UnknownRule {
    /// What was asked for, without what would act on a terminal.
    pub code: String,
    /// Codes that were perhaps meant, the most likely first.
    pub nearest: Vec<&'static str>,
}

impl UnknownRule {
    /// Who is at fault.
    #[must_use]
    pub const fn class(&self) -> Class {
        Class::Usage
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        let quoted: Vec<String> = self.nearest.iter().map(|code| format!("`{code}`")).collect();
        if quoted.is_empty() {
            "`countermark audit explain` lists all rules".to_owned()
        } else {
            format!("is it {}?", quoted.join(", or "))
        }
    }
}

/// One rule, for a terminal.
///
/// # Errors
/// When there is no such rule.
pub fn text(code: &str, columns: usize, colors: bool) -> Result<String, UnknownRule> {
    let (code, document) = find(code)?;
    let columns = columns.clamp(20, PROSE);
    let mut out = String::new();
    push(&mut out, &wrapped(&format!("{code}: {}", document.title), columns, 0));
    if colors {
        out = out.replacen(code, &format!("{CODE}{code}{CODE:#}"), 1);
    }
    let (line, behind) = example(document);
    for (heading, text) in [
        ("", document.what),
        ("why", document.why),
        ("what to do", document.remedy),
        ("example", behind),
    ] {
        out.push('\n');
        if heading.is_empty() {
            push(&mut out, &wrapped(text, columns, 0));
            continue;
        }
        let style = if colors { HEADING } else { Style::new() };
        push(&mut out, &format!("{style}{heading}{style:#}"));
        if let Some(line) = line.filter(|_| heading == "example") {
            push(&mut out, &wrapped(line, columns, 4));
        }
        push(&mut out, &wrapped(text, columns, 2));
    }
    Ok(out)
}

/// One rule, as Markdown: its section of [`rules_page`].
///
/// # Errors
/// When there is no such rule.
pub fn markdown(code: &str) -> Result<String, UnknownRule> {
    let (code, document) = find(code)?;
    Ok(section(code, document))
}

/// All rules with their titles, for a terminal.
#[must_use]
pub fn list(columns: usize, colors: bool) -> String {
    let longest = RULES.iter().map(|rule| width(rule.code())).max().unwrap_or(0);
    let room = columns.clamp(longest + 22, PROSE + longest) - longest - 2;
    let style = if colors { HEADING } else { Style::new() };
    let mut out = String::new();
    for rule in RULES {
        let (code, title) = (rule.code(), rule.document().title);
        for (number, line) in wrap(title, room, room).iter().enumerate() {
            let code = if number == 0 { code } else { "" };
            push(&mut out, &format!("{style}{code:longest$}{style:#}  {line}"));
        }
    }
    out
}

/// The page of all rules, `docs/rules.md`: made from the rules, and compared with them by a test.
#[must_use]
pub fn rules_page() -> String {
    let mut out = INTRODUCTION.to_owned();
    out.push_str("\n| rule | reports |\n|---|---|\n");
    for rule in RULES {
        let title = rule.document().title.replace('|', "\\|");
        out.push_str(&format!("| [`{0}`](#{0}) | {title} |\n", rule.code()));
    }
    for rule in RULES {
        out.push('\n');
        out.push_str(&section(rule.code(), rule.document()));
    }
    out
}

const INTRODUCTION: &str = "\
# What an audit looks for

Made from the rules themselves; `countermark audit explain RULE` says the same on a terminal. How to run
an audit is in [audit.md](audit.md).

Each finding has a severity, by what it means for those who install:

| severity | meaning |
|---|---|
| high | a person should look at it today |
| medium | a person should look at it; the least that makes `countermark audit` fail |
| low | worth one line |
| note | of no consequence, or explained; shown with `--all` only |

A rule may report the same thing at another level where more is known: an upload that no record knows
is worse while a stranger holds a role. What is explained (from before the records began, from after a
hand-over, by a tag) is shown with `--all` only, together with what explains it. What somebody looked at
and accepts is written into `federation.toml`, with who approved it, why, and until when; it comes
back after that day.

## What no audit of an index can see

Some questions have no answer in what an index shows, so no rule asks them, and no report repeats it
for each project:

- **Second factors.** They have been mandatory for uploads to the public index since 2024. Which account
  has one, and of which kind, is not public.
- **Signatures beside the files.** The public index has shown no OpenPGP signatures since May 2023. Where
  a federation keeps signatures on its own host, [`bad-signature`](#bad-signature) looks at them there.
- **Tokens.** Which API tokens and trusted publishers can upload is visible to the owners of a project
  only. A role is all that others see; `countermark incident` says what to ask the owners.
- **Who is behind an account.** An index shows a name that somebody chose. Whose it is, the federation
  writes down itself.
- **The past of roles.** Only the present ones are shown. What changed is known from the second run
  on, and only as far back as the first.

## The rules
";

fn section(code: &str, document: Document) -> String {
    let mut out = format!("## {code}\n\n");
    let mut paragraph = |text: &str| {
        push(&mut out, &for_markdown(text));
        out.push('\n');
    };
    paragraph(&sentence(document.title));
    paragraph(document.what);
    paragraph(&format!("**Why:** {}", document.why));
    paragraph(&format!("**What to do:** {}", document.remedy));
    match example(document) {
        (Some(line), behind) => {
            paragraph(&format!("**Example:** {}. {behind}", code_span(line)));
        }
        (None, text) => paragraph(&format!("**Example:** {text}")),
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// The line of a report, when it stands for itself, and what was behind it.
fn example(document: Document) -> (Option<&'static str>, &'static str) {
    match document.example.split_once('\n') {
        Some((line, behind)) => (Some(line.trim()), behind.trim()),
        None => (None, document.example),
    }
}

fn code_span(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let mut text: String = first.into_iter().chain(letters).collect();
    text.push('.');
    text
}

fn wrapped(text: &str, columns: usize, indent: usize) -> String {
    let paragraphs = text.split('\n').map(|paragraph| {
        let room = columns.saturating_sub(indent);
        let lines = wrap(paragraph, room, room);
        let lines = lines.iter().map(|line| format!("{:indent$}{line}", ""));
        lines.collect::<Vec<_>>().join("\n")
    });
    paragraphs.collect::<Vec<_>>().join("\n")
}

/// Wrapped so that no line begins like a list, a heading or a quotation.
fn for_markdown(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in wrap(text, PAGE, PAGE) {
        let first = line.split(' ').next().unwrap_or_default();
        let number = first.strip_suffix(['.', ')']).unwrap_or("x");
        let starts_something = first.starts_with(['#', '>', '|', '='])
            || ["-", "+", "*"].contains(&first)
            || number.bytes().all(|byte| byte.is_ascii_digit());
        match lines.last_mut() {
            Some(last) if starts_something => {
                last.push(' ');
                last.push_str(&line);
            }
            _ => lines.push(line),
        }
    }
    lines.join("\n")
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

fn find(code: &str) -> Result<(&'static str, Document), UnknownRule> {
    let found = rule::find(code).ok_or_else(|| UnknownRule {
        code: super::harmless::harmless(code).into_owned(),
        nearest: nearest(code),
    })?;
    Ok((found.code(), found.document()))
}

/// Codes that were perhaps meant: mistyped, or only a part of them remembered.
fn nearest(asked: &str) -> Vec<&'static str> {
    // More is no code, and comparing costs the product of the lengths.
    let asked: String = asked.chars().take(64).collect::<String>().to_lowercase().replace('_', "-");
    let words: Vec<&str> = asked.split(['-', ' ']).filter(|word| word.len() > 2).collect();
    let mut likely: Vec<(usize, &'static str)> = Vec::new();
    for rule in RULES {
        let code = rule.code();
        let distance = strsim::damerau_levenshtein(&asked, code);
        let shares_word = code.split('-').any(|part| words.contains(&part));
        if distance <= asked.chars().count().max(code.len()) / 3 || shares_word {
            likely.push((distance, code));
        }
    }
    likely.sort_unstable();
    likely.into_iter().take(NEAREST).map(|(_, code)| code).collect()
}

#[cfg(test)]
mod tests;
