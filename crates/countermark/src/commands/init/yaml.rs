//! Adds to YAML files of others, and proves that nothing else of them changed: both texts are read,
//! and the new one has to say what the old one did and what was added.

use serde_json::{Map, Value};

/// What a text says; none where it cannot be read.
pub(super) fn read(text: &str) -> Option<Value> {
    serde_saphyr::from_str(text).ok()
}

/// A text with an item added at the end of the list that is the document, or that stands under a key
/// of it. None where that cannot be done without changing something else.
pub(super) fn with_item(text: &str, key: Option<&str>, item: &str) -> Option<String> {
    let before = read(text)?;
    let list = match (&before, key) {
        (Value::Array(items), None) => items,
        (Value::Object(table), Some(key)) => table.get(key)?.as_array()?,
        _ => return None,
    };
    let added = read(item)?;
    let [added] = added.as_array()?.as_slice() else { return None };
    let mut items = list.clone();
    items.push(added.clone());
    let expected = match (before, key) {
        (Value::Object(mut table), Some(key)) => {
            table.insert(key.to_owned(), Value::Array(items));
            Value::Object(table)
        }
        _ => Value::Array(items),
    };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    // Lists stand at the margin or two or four columns in.
    ["", "  ", "    "].into_iter().find_map(|indent| {
        let lines: Vec<String> = item
            .lines()
            .map(|line| if line.is_empty() { String::new() } else { format!("{indent}{line}") })
            .collect();
        let candidate = format!("{text}{end}{}\n", lines.join("\n"));
        (read(&candidate).as_ref() == Some(&expected)).then_some(candidate)
    })
}

/// A text with one more key at its end, which it did not have.
pub(super) fn with_key(text: &str, addition: &str) -> Option<String> {
    let Value::Object(mut table) = read(text)? else { return None };
    let Value::Object(added) = read(addition)? else { return None };
    if added.keys().any(|key| table.contains_key(key)) {
        return None;
    }
    table.extend(added);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let candidate = format!("{text}{end}\n{addition}");
    (read(&candidate) == Some(Value::Object(table))).then_some(candidate)
}

/// Whether a key of a table is there.
pub(super) fn table(text: &str) -> Option<Map<String, Value>> {
    match read(text)? {
        Value::Object(table) => Some(table),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ITEM: &str = "- repo: local\n  hooks:\n    - id: x";

    #[test]
    fn items_are_added_where_they_belong() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(with_item(text, Some("repos"), ITEM).as_deref(), expect, "{text}");
        };
        check(
            "repos:\n- repo: a\n",
            Some("repos:\n- repo: a\n- repo: local\n  hooks:\n    - id: x\n"),
        );
        check(
            "# hi\nci: {}\nrepos:\n  - repo: a",
            Some("# hi\nci: {}\nrepos:\n  - repo: a\n  - repo: local\n    hooks:\n      - id: x\n"),
        );
        // Another key comes after the list, the list is in one line, or it is none.
        check("repos:\n- repo: a\nci: {}\n", None);
        check("repos: [{repo: a}]\n", None);
        check("repos: 1\n", None);
        check("repos:\n", None);
        check("- a\n", None);
        check(": : :\n\t-", None);
        // The end of the file is part of a text.
        check(
            "repos:\n- repo: |\n    a\n",
            Some("repos:\n- repo: |\n    a\n- repo: local\n  hooks:\n    - id: x\n"),
        );
    }

    #[test]
    fn items_of_a_list_at_the_top() {
        let text = "- job:\n    name: a\n";
        let expect = format!("{text}{ITEM}\n");
        assert_eq!(with_item(text, None, ITEM), Some(expect));
        assert_eq!(with_item("a: 1\n", None, ITEM), None);
    }

    #[test]
    fn keys_are_added_that_are_not_there() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(with_key(text, "include:\n  - local: x\n").as_deref(), expect, "{text}");
        };
        check("a: 1\n", Some("a: 1\n\ninclude:\n  - local: x\n"));
        check("include: []\n", None);
        check("- a\n", None);
    }
}
