//! A plan as a page: sections with sentences, lists and boxes to tick.

use crate::report::harmless::harmless;

/// A plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What it is about.
    pub title: String,
    /// In their order.
    pub sections: Vec<Section>,
}

/// A part of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// What it says.
    pub items: Vec<Item>,
}

/// A piece of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A sentence.
    Sentence(String),
    /// A point of a list.
    Point(String),
    /// Something to do.
    Task(String),
    /// A text to be copied as it is.
    Text(String),
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), sections: Vec::new() }
    }

    /// Adds a part, unless it says nothing.
    pub fn add(&mut self, title: &str, items: Vec<Item>) {
        if !items.is_empty() {
            self.sections.push(Section { title: title.to_owned(), items });
        }
    }

    /// For a terminal. Tasks are numbered through the page, so that people can speak of them.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{}\n", one_line(&self.title));
        let mut number = 0;
        for section in &self.sections {
            out.push_str(&format!("\n{}\n", section.title));
            for item in &section.items {
                match item {
                    Item::Sentence(text) => out.push_str(&format!("  {}\n", one_line(text))),
                    Item::Point(text) => out.push_str(&format!("  - {}\n", one_line(text))),
                    Item::Task(text) => {
                        number += 1;
                        out.push_str(&format!("  {number:>2}. {}\n", one_line(text)));
                    }
                    Item::Text(text) => {
                        for line in text.lines() {
                            out.push_str(&format!("    | {line}\n"));
                        }
                    }
                }
            }
        }
        out
    }

    /// As Markdown, with boxes to tick.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n", escaped(&self.title));
        for section in &self.sections {
            out.push_str(&format!("\n## {}\n\n", section.title));
            let mut list_before = true;
            for item in &section.items {
                let is_list = matches!(item, Item::Point(_) | Item::Task(_));
                if !list_before {
                    out.push('\n');
                }
                match item {
                    Item::Sentence(text) => out.push_str(&format!("{}\n", escaped(text))),
                    Item::Point(text) => out.push_str(&format!("- {}\n", escaped(text))),
                    Item::Task(text) => out.push_str(&format!("- [ ] {}\n", escaped(text))),
                    Item::Text(text) => {
                        let fence = fence(text);
                        out.push_str(&format!("{fence}text\n{}\n{fence}\n", text.trim_end()));
                    }
                }
                list_before = is_list;
            }
        }
        out
    }
}

/// Longer than any fence in the text, which may be somebody else's.
fn fence(text: &str) -> String {
    let longest = text
        .lines()
        .map(|line| line.trim_start().bytes().take_while(|byte| *byte == b'`').count())
        .max()
        .unwrap_or_default();
    "`".repeat((longest + 1).max(3))
}

/// A text from outside stays on its line, and nothing in it acts or hides.
pub(crate) fn one_line(text: &str) -> String {
    let parts = text.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty());
    harmless(&parts.collect::<Vec<_>>().join(" ")).into_owned()
}

/// Names may come from an index: outside of code nothing of them is a link, an image or HTML. What is
/// code is decided as readers of Markdown do, by runs of backticks of one length, since a name may
/// have some in it.
pub(crate) fn escaped(text: &str) -> String {
    let line = one_line(text);
    let mut out = String::with_capacity(line.len());
    let mut rest = line.as_str();
    while let Some(letter) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches('`').len();
        if run > 0 {
            let (ticks, after) = rest.split_at(run);
            match end_of_code(after, run) {
                Some(end) => {
                    out.push_str(&rest[..run + end]);
                    rest = &after[end..];
                }
                None => {
                    out.extend(ticks.chars().flat_map(|tick| ['\\', tick]));
                    rest = after;
                }
            }
            continue;
        }
        let begins_a_block = out.is_empty() && matches!(letter, '#' | '>' | '-' | '+' | '=' | '~');
        if begins_a_block || matches!(letter, '<' | '[' | '*' | '\\') {
            out.push('\\');
        }
        out.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    out
}

/// Where the next run of exactly so many backticks ends.
fn end_of_code(text: &str, run: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let length = text[start..].bytes().take_while(|byte| *byte == b'`').count();
        at = start + length;
        if length == run {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        for (text, expect) in [
            ("a_b-1.0", "a_b-1.0"),
            ("[x](y) <b> *a*", "\\[x](y) \\<b> \\*a\\*"),
            ("`[x] <b>` [", "`[x] <b>` \\["),
            ("a\n# b", "a # b"),
            ("# a", "\\# a"),
            // A name with a backtick ends no code for readers, and begins none.
            ("`x`` <b>", "\\`x\\`\\` \\<b>"),
            ("`x`` <b> `", "`x`` <b> `"),
            ("``a`b`` <b>", "``a`b`` \\<b>"),
            ("a\u{200b}b \u{1b}[2J", "a\\\\u{200b}b \\\\u{1b}\\[2J"),
        ] {
            assert_eq!(escaped(text), expect);
        }
    }

    #[test]
    fn pages_are_text_and_markdown() {
        let mut page = Page::new("A plan");
        page.add("Empty", Vec::new());
        page.add(
            "Do",
            vec![
                Item::Sentence("First\nthis.".into()),
                Item::Task("one".into()),
                Item::Task("two".into()),
                Item::Text("a\n```\nb".into()),
            ],
        );
        page.add("More", vec![Item::Point("x".into()), Item::Task("three".into())]);
        assert_eq!(
            page.text(),
            "A plan\n\nDo\n  First this.\n   1. one\n   2. two\n    | a\n    | ```\n    | b\n\nMore\n  - x\n   3. three\n"
        );
        assert_eq!(
            page.markdown(),
            "# A plan\n\n## Do\n\nFirst this.\n\n- [ ] one\n- [ ] two\n````text\na\n```\nb\n````\n\n## More\n\n- x\n- [ ] three\n"
        );
    }
}
