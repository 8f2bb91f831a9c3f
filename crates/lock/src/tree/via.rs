//! Comments of requirements files that say who wants what.
//!
//! They stand below an entry, `# via flask` or a list of lines after `# via`, or behind it on its
//! line, separated by commas. Other comments end the list.

use countermark_packaging::lock::document::LockDocument;
use countermark_packaging::lock::requirements::decode;

/// For each package of the document, who wants it, as written.
pub(super) fn read(document: &LockDocument, bytes: &[u8]) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new(); document.packages.len()];
    let Ok(decoded) = decode(bytes) else { return found };
    let text = decoded.text.replace("\r\n", "\n").replace('\r', "\n");
    // Which package begins on a line; entries of included files are not in this text.
    let mut begins = std::collections::BTreeMap::new();
    for (at, package) in document.packages.iter().enumerate() {
        if package.place.file == document.file {
            begins.insert(package.place.line as usize, at);
        }
    }
    let mut current = None;
    let mut in_list = false;
    for (number, line) in text.lines().enumerate() {
        if let Some(at) = begins.get(&(number + 1)) {
            (current, in_list) = (Some(*at), false);
        }
        let Some(at) = current else { continue };
        let Some(comment) = comment(line) else {
            in_list = false;
            // A blank line ends what is said of an entry.
            if line.trim().is_empty() {
                current = None;
            }
            continue;
        };
        match comment.strip_prefix("via") {
            Some("") => in_list = true,
            Some(rest) if rest.starts_with([' ', '\t']) => {
                found[at].extend(rest.split(',').map(|name| name.trim().to_owned()));
                in_list = true;
            }
            _ if in_list && line.trim_start().starts_with('#') => {
                found[at].push(comment.to_owned());
            }
            _ => in_list = false,
        }
    }
    for labels in &mut found {
        labels.retain(|label| !label.is_empty());
    }
    found
}

/// What stands behind a `#`, without white space around it.
fn comment(line: &str) -> Option<&str> {
    let trimmed = line.trim();
    if let Some(comment) = trimmed.strip_prefix('#') {
        return Some(comment.trim());
    }
    let at = trimmed.find(" #").or_else(|| trimmed.find("\t#"))?;
    Some(trimmed[at + 2..].trim())
}
