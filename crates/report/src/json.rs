//! JSON that a terminal may show.

use serde::Serialize;

use crate::harmless::acts;

/// A document of texts, numbers and lists of them, indented, with a line end at its end. JSON itself
/// escapes only some of what acts on a terminal; here all of it is.
#[must_use]
pub fn write<T: Serialize>(document: &T) -> String {
    // There is nothing in such a document that JSON could not hold.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    if text.contains(acts) {
        text = escaped(&text);
    }
    text.push('\n');
    text
}

/// Outside of strings such a document has no such character but line ends, so that all of them can be
/// written as JSON's escapes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if c != '\n' && acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_escaped_and_means_the_same() {
        let value = vec!["a\u{1b}b", "x\u{202e}y", "\u{e0041}", "line\nend", "é"];
        let text = write(&value);
        assert!(!text.contains(|c| c != '\n' && acts(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), value);
    }
}
