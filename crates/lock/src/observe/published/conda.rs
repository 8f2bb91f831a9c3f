//! Recipes of conda-forge: `meta.yaml` (conda-build's documentation, "Defining metadata",
//! "Source section") and `recipe.yaml` (CEP 14).
//!
//! A `meta.yaml` is no YAML before its templates are filled and its selectors are applied, so both
//! forms are read by lines: the section `source`, its entries, and of each `url` and `sha256`. Selectors
//! (`# [win]`) and conditions (`if:`, `then:`) choose for one machine; here the sources for all machines
//! count. Variables are those that `{% set … %}` or `context` set to a plain text.

use std::collections::BTreeSet;

use countermark_packaging::digest::Algorithm;
use countermark_packaging::lock::codes;

use super::expression::{Variables, evaluate, fill};
use super::{Line, Reader, Stated, lines, of_url, shown};

/// The most entries of the section.
const MAXIMUM_SOURCES: usize = 1000;

/// One source.
#[derive(Default)]
struct Entry<'a> {
    urls: Vec<(&'a str, Line<'a>)>,
    sha256: Vec<(&'a str, Line<'a>)>,
}

pub(super) fn read(reader: &mut Reader<'_>, is_new: bool) {
    let all: Vec<Line<'_>> = lines(reader.text()).collect();
    let variables = if is_new { context(&all) } else { set_statements(&all) };
    let open = if is_new { "${{" } else { "{{" };
    let mut entries = Vec::new();
    for (at, line) in all.iter().enumerate() {
        if line.text.strip_prefix("source:").is_some_and(|rest| without_comment(rest).is_empty()) {
            let end = all[at + 1..].iter().position(|line| ends_section(line.text));
            let section = &all[at + 1..end.map_or(all.len(), |end| at + 1 + end)];
            entries.extend(read_section(section));
        }
    }
    if entries.len() > MAXIMUM_SOURCES {
        let message = format!("more than {MAXIMUM_SOURCES} sources");
        return reader.mistake(codes::TOO_LARGE, message, 0..0);
    }
    for entry in entries {
        add(reader, &entry, open, &variables);
    }
}

fn ends_section(text: &str) -> bool {
    let is_inside = text.starts_with([' ', '\t', '#', '-']) || text.starts_with("{%");
    !is_inside && !text.trim().is_empty()
}

/// `{% set name = "value" %}`, in order; a value may use those before it.
fn set_statements(all: &[Line<'_>]) -> Variables {
    let mut variables = Variables::new();
    let mut ambiguous = BTreeSet::new();
    for line in all {
        let text = line.text.trim();
        let inner = text.strip_prefix("{%").and_then(|rest| rest.split_once("%}"));
        let Some((inner, _)) = inner else { continue };
        let inner = inner.trim_matches(['-', ' ', '+']);
        let Some((name, value)) = inner.strip_prefix("set ").and_then(|it| it.split_once('='))
        else {
            continue;
        };
        let value = evaluate(value, &variables);
        set(&mut variables, &mut ambiguous, name.trim(), value);
    }
    variables
}

/// The plain texts of `context:`.
fn context(all: &[Line<'_>]) -> Variables {
    let mut variables = Variables::new();
    let mut ambiguous = BTreeSet::new();
    let begin = all.iter().position(|line| without_comment(line.text) == "context:");
    let Some(begin) = begin else { return variables };
    for line in all[begin + 1..].iter().take_while(|line| !ends_section(line.text)) {
        let Some((name, value)) = without_comment(line.text).trim().split_once(':') else {
            continue;
        };
        let value = fill(unquoted(value.trim()), "${{", &variables).ok();
        let value = value.filter(|it| !it.is_empty());
        set(&mut variables, &mut ambiguous, name.trim(), value);
    }
    variables
}

/// A name that is set twice, in branches for different machines, has no one value.
fn set(
    variables: &mut Variables,
    ambiguous: &mut BTreeSet<String>,
    name: &str,
    value: Option<String>,
) {
    let value = value.filter(|value| variables.get(name).is_none_or(|before| before == value));
    match value {
        Some(value) if !ambiguous.contains(name) => {
            variables.insert(name.to_owned(), value);
        }
        _ => {
            variables.remove(name);
            ambiguous.insert(name.to_owned());
        }
    }
}

/// The entries of a section.
fn read_section<'a>(section: &[Line<'a>]) -> Vec<Entry<'a>> {
    let mut entries = vec![Entry::default()];
    let mut list: Option<usize> = None;
    // The key whose value is a list on the following lines, and the column of that key.
    let mut open: Option<(&str, usize)> = None;
    for line in section {
        let text = without_comment(line.text);
        let mut rest = text.trim_start();
        let mut column = text.len() - rest.len();
        if rest.is_empty() || rest.starts_with("{%") {
            continue;
        }
        if let Some((key, at)) = open {
            let is_item = rest.starts_with("- ") && column >= at;
            if is_item && list.is_none_or(|list| column > list) {
                put(entries.last_mut(), key, rest[2..].trim(), line);
                continue;
            }
            if column <= at {
                open = None;
            }
        }
        while let Some(inner) = rest.strip_prefix("- ") {
            // A list that stands deeper belongs to a key that is not looked at, such as `patches`, or
            // to a `then`, whose entries are entries too.
            let begins = list.is_none_or(|list| column <= list) || inner.contains(": ");
            if begins {
                list = Some(list.map_or(column, |list| list.min(column)));
                entries.push(Entry::default());
            }
            let inner_trimmed = inner.trim_start();
            column += rest.len() - inner_trimmed.len();
            rest = inner_trimmed;
        }
        let Some((key, value)) = rest.split_once(':') else { continue };
        let value = value.trim();
        match key.trim() {
            key @ ("url" | "sha256") if !value.is_empty() => {
                put(entries.last_mut(), key, value, line);
            }
            "url" => open = Some(("url", column)),
            "then" | "else" => entries.push(Entry::default()),
            _ if value.is_empty() => open = Some(("", column)),
            _ => {}
        }
    }
    entries
}

fn put<'a>(entry: Option<&mut Entry<'a>>, key: &str, value: &'a str, line: &Line<'a>) {
    let Some(entry) = entry else { return };
    match key {
        "url" => entry.urls.push((unquoted(value), *line)),
        "sha256" => entry.sha256.push((unquoted(value), *line)),
        _ => {}
    }
}

fn add(reader: &mut Reader<'_>, entry: &Entry<'_>, open: &str, variables: &Variables) {
    if entry.urls.is_empty() {
        if let Some((_, line)) = entry.sha256.first() {
            reader.mistake(codes::ORPHAN_DIGEST, "a digest without an address", line.span());
        }
        return;
    }
    // With selectors there can be several pairs in one entry; then each has its own line.
    let is_paired = entry.urls.len() == entry.sha256.len();
    if !is_paired && entry.sha256.len() > 1 {
        let (_, line) = &entry.sha256[0];
        let reason = "several digests and addresses: which belong together cannot be told";
        return reader.pass_over(reason, line.span());
    }
    let mut is_first = true;
    for (number, (url, line)) in entry.urls.iter().enumerate() {
        let digest = if is_paired { entry.sha256.get(number) } else { entry.sha256.first() };
        let Some((hexadecimal, at)) = digest else {
            reader.pass_over(format!("`{}` has no sha256", shown(url)), line.span());
            continue;
        };
        let filled = (fill(url, open, variables), fill(hexadecimal, open, variables));
        let (Ok(url), Ok(hexadecimal)) = filled else {
            reader.pass_over("an expression that has no value here", line.span());
            continue;
        };
        let Some((file, origin)) = of_url(&url).filter(|(file, _)| !file.is_empty()) else {
            reader.pass_over(format!("`{}` leads to no file", shown(&url)), line.span());
            continue;
        };
        // Addresses beside the first are mirrors, whose names for the same bytes do not matter.
        if !is_paired && !std::mem::take(&mut is_first) {
            continue;
        }
        let stated = Stated {
            file,
            algorithm: Algorithm::Sha256,
            hexadecimal: &hexadecimal,
            size: None,
            url: Some(url.clone()),
            origin,
            package: variables.get("name").cloned(),
        };
        reader.add(stated, at.span());
    }
}

/// YAML's comment begins at a `#` after a space, outside of quotes.
fn without_comment(text: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') && !before.is_alphanumeric() => quote = Some(c),
            None if c == '#' && before.is_whitespace() => return text[..at].trim_end(),
            None => {}
        }
        before = c;
    }
    text.trim_end()
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}
