//! The format of `pip.conf`, as Python's `configparser.RawConfigParser` reads it: strict, with
//! values over several lines, whole-line comments and a `DEFAULT` section.

use std::collections::BTreeMap;

/// Options of each section, with the line they begin on.
pub(super) type Sections = BTreeMap<String, BTreeMap<String, (String, usize)>>;

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(super) struct IniError {
    line: usize,
    reason: &'static str,
}

const DEFAULT: &str = "DEFAULT";

struct Reader {
    sections: BTreeMap<String, BTreeMap<String, (Vec<String>, usize)>>,
    section: Option<String>,
    option: Option<String>,
    indent: usize,
}

/// Reads a file; names of options are given in pip's form (lower case, dashes, no leading `--`).
pub(super) fn parse(text: &str) -> Result<Sections, IniError> {
    let mut reader = Reader { sections: BTreeMap::new(), section: None, option: None, indent: 0 };
    for (number, line) in (1..).zip(text.split('\n')) {
        reader.line(number, line.strip_suffix('\r').unwrap_or(line))?;
    }
    let mut sections: Sections = reader
        .sections
        .into_iter()
        .map(|(name, options)| {
            let joined = |(lines, number): (Vec<String>, usize)| {
                (lines.join("\n").trim_end().to_owned(), number)
            };
            (name, options.into_iter().map(|(option, value)| (option, joined(value))).collect())
        })
        .collect();
    let defaults = sections.remove(DEFAULT).unwrap_or_default();
    for options in sections.values_mut() {
        for (option, value) in &defaults {
            options.entry(option.clone()).or_insert_with(|| value.clone());
        }
    }
    Ok(sections)
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), IniError> {
        let refused = |reason| Err(IniError { line: number, reason });
        let value = line.trim();
        if value.starts_with(['#', ';']) {
            return Ok(());
        }
        if value.is_empty() {
            if let Some(lines) = self.current() {
                lines.push(String::new());
            }
            return Ok(());
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if indent > self.indent
            && let Some(lines) = self.current()
        {
            lines.push(value.to_owned());
            return Ok(());
        }
        self.indent = indent;
        if let Some(name) = section_name(value) {
            if self.sections.contains_key(name) && name != DEFAULT {
                return refused("a section is given twice");
            }
            self.sections.entry(name.to_owned()).or_default();
            self.section = Some(name.to_owned());
            self.option = None;
            return Ok(());
        }
        let Some(options) = self.section.as_ref().and_then(|name| self.sections.get_mut(name))
        else {
            return refused("expected a section such as `[global]`");
        };
        let Some((name, value)) = value.split_once(['=', ':']) else {
            return refused("expected `option = value`");
        };
        let name = normalize(name.trim());
        if name.is_empty() {
            return refused("expected the name of an option");
        }
        let value = (vec![value.trim().to_owned()], number);
        if options.insert(name.clone(), value).is_some() {
            return refused("an option is given twice");
        }
        self.option = Some(name);
        Ok(())
    }

    /// The lines of the option that a continuation would belong to.
    fn current(&mut self) -> Option<&mut Vec<String>> {
        let options = self.sections.get_mut(self.section.as_ref()?)?;
        options.get_mut(self.option.as_ref()?).map(|(lines, _)| lines)
    }
}

/// `[name]`, up to the last bracket; what stands after it does not matter.
fn section_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('[')?;
    let name = &rest[..rest.rfind(']')?];
    (!name.is_empty()).then_some(name)
}

/// pip's form of an option's name.
pub(super) fn normalize(name: &str) -> String {
    let name = name.to_lowercase().replace('_', "-");
    name.strip_prefix("--").unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let check = |text: &str, expect: &[(&str, &str, &str)]| {
            let found = parse(text).unwrap();
            let found: Vec<_> = found
                .iter()
                .flat_map(|(section, options)| {
                    options.iter().map(|(option, (value, _))| {
                        (section.as_str(), option.as_str(), value.as_str())
                    })
                })
                .collect();
            assert_eq!(found, expect, "{text:?}");
        };
        check("", &[]);
        check("[global]\nindex-url = https://x/", &[("global", "index-url", "https://x/")]);
        check("[global]\r\na = b\r\n", &[("global", "a", "b")]);
        check(
            "[global] ; comment\nIndex_URL: https://x/#a;b",
            &[("global", "index-url", "https://x/#a;b")],
        );
        check("[g]\n--a=b\n", &[("g", "a", "b")]);
        check("[g]\na =\n  x\n  # no\n\n  y\n\nb = c", &[("g", "a", "\nx\n\ny"), ("g", "b", "c")]);
        check("[g]\na =\n  [x]\n  y = z", &[("g", "a", "\n[x]\ny = z")]);
        check("[g]\n  a = x\n  b = y", &[("g", "a", "x"), ("g", "b", "y")]);
        check("[DEFAULT]\na = 1\nb = 2\n[g]\nb = 3", &[("g", "a", "1"), ("g", "b", "3")]);
        check("[DEFAULT]\na = 1\n[g]\n[DEFAULT]\nb = 2", &[("g", "a", "1"), ("g", "b", "2")]);
        check("[g]\na = ", &[("g", "a", "")]);
        check("# only\n; comments", &[]);
    }

    #[test]
    fn refusals() {
        let check = |text: &str, line, reason| {
            assert_eq!(parse(text), Err(IniError { line, reason }), "{text:?}");
        };
        check("a = b", 1, "expected a section such as `[global]`");
        check("[g]\nnothing", 2, "expected `option = value`");
        check("[g]\n= b", 2, "expected the name of an option");
        check("[g]\na = b\nA = c", 3, "an option is given twice");
        check("[g]\n[h]\n[g]", 3, "a section is given twice");
        check("[]", 1, "expected a section such as `[global]`");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([\\[\\]=: a#;\r\n]|\\PC)*") {
            let _ = parse(&text);
        }
    }
}
