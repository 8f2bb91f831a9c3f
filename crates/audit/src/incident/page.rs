//! A plan as a page: sections with sentences, lists and boxes to tick.

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
        let mut out = format!("{}\n", self.title);
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
        let mut out = format!("# {}\n", self.title);
        for section in &self.sections {
            out.push_str(&format!("\n## {}\n\n", section.title));
            let mut list_before = true;
            for item in &section.items {
                let is_list = matches!(item, Item::Point(_) | Item::Task(_));
                if !list_before {
                    out.push('\n');
                }
                match item {
                    Item::Sentence(text) => out.push_str(&format!("{}\n", one_line(text))),
                    Item::Point(text) => out.push_str(&format!("- {}\n", one_line(text))),
                    Item::Task(text) => out.push_str(&format!("- [ ] {}\n", one_line(text))),
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

/// A text from outside stays on its line.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
