//! Pieces of Markdown around texts that somebody wrote.

use std::fmt::Write as _;

/// A text as it is, whatever it contains, on one line.
pub(super) fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A name of a project, an account, a file.
pub(super) fn code(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c == '`' || c.is_control() { '\'' } else { c }).collect();
    // A table ends its cells at a bar, also within code.
    format!("`{}`", text.replace('|', "\\|"))
}

/// Names one after the other: `a`, `b` and `c`.
pub(super) fn codes<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    joined(texts.into_iter().map(|text| code(text.as_ref())).collect())
}

/// `a`, `b` and `c`.
pub(super) fn joined(mut items: Vec<String>) -> String {
    let Some(last) = items.pop() else { return "nobody".to_owned() };
    if items.is_empty() { last } else { format!("{} and {last}", items.join(", ")) }
}

/// A table, or a sentence when it has no rows.
pub(super) fn table<const N: usize>(
    text: &mut String,
    head: [&str; N],
    rows: &[[String; N]],
    otherwise: &str,
) {
    if rows.is_empty() {
        let _ = writeln!(text, "{otherwise}");
        return;
    }
    let _ = writeln!(text, "| {} |", head.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(N));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
}

/// Steps, numbered.
pub(super) fn steps<T: AsRef<str>>(text: &mut String, steps: &[T]) {
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(text, "{}. {}", number + 1, step.as_ref());
    }
}
