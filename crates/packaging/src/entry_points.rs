//! Entry points: the commands that a wheel asks to be installed.
//!
//! Decides which scripts are written and what they call. Names become file names and modules
//! become Python source, so both are restricted to what the specification recommends; where the
//! readers in use (`configparser`, `importlib.metadata`) disagree about a text, it is refused.
//! Whether a command may have this name (`python` may not) is for the installer to decide.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/entry-points/>

use std::collections::{BTreeSet, HashSet};

use crate::name::ExtraName;

/// The most bytes of an `entry_points.txt`.
pub const MAXIMUM_SIZE: usize = 4 << 20;

/// The commands that an `entry_points.txt` lists; other groups are checked for syntax only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryPoints {
    /// Group `console_scripts`, in the order of the file.
    pub console: Vec<Script>,
    /// Group `gui_scripts`, in the order of the file.
    pub gui: Vec<Script>,
}

/// One command: `name = module:attribute [extras]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Name of the command: ASCII letters, digits, `.`, `-`, `_`; neither `.` nor `..`.
    pub name: String,
    /// Dotted name of the module.
    pub module: String,
    /// Dotted name of the object in the module; an installer cannot make a command without it.
    pub attribute: Option<String>,
    /// Extras that it needs; the specification tells installers to ignore them.
    pub extras: BTreeSet<ExtraName>,
}

/// Why an `entry_points.txt` cannot be read. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryPointError {
    /// More than 4 MiB.
    #[error("the file has {size} bytes, at most {MAXIMUM_SIZE} are read")]
    TooLarge {
        /// Size in bytes.
        size: usize,
    },
    /// Not UTF-8.
    #[error("the file is not UTF-8")]
    Encoding,
    /// A line that is no section, no entry and no comment, or one before the first section.
    #[error("line {line}: expected `[group]` or `name = value`, found {text:?}")]
    Line {
        /// The line.
        line: u32,
        /// Beginning of the line.
        text: String,
    },
    /// A line that is further indented than the entry above it, which some readers append to it.
    #[error("line {line} is indented further than the entry above it")]
    Indented {
        /// The line.
        line: u32,
    },
    /// A group or a name that stands twice; a command also when it is in both groups.
    #[error("line {line}: `{name}` stands here a second time")]
    Duplicate {
        /// The line of the second one.
        line: u32,
        /// The group or name.
        name: String,
    },
    /// A name that cannot be a command.
    #[error("line {line}: `{name}` cannot be the name of a command")]
    Name {
        /// The line.
        line: u32,
        /// The name.
        name: String,
    },
    /// A value that names no object.
    #[error("line {line}: expected `module:attribute`, found `{value}`")]
    Object {
        /// The line.
        line: u32,
        /// The value.
        value: String,
    },
}

impl EntryPoints {
    /// Reads an `entry_points.txt`.
    ///
    /// # Errors
    /// When the file is no list of groups, or a command in it cannot be made.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryPointError> {
        if bytes.len() > MAXIMUM_SIZE {
            return Err(EntryPointError::TooLarge { size: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| EntryPointError::Encoding)?;
        let mut found = Self::default();
        let mut reader = Reader::default();
        for (line, raw) in (1..).zip(text.split('\n')) {
            if let Some((name, value)) = reader.read(line, raw.strip_suffix('\r').unwrap_or(raw))? {
                let scripts = match reader.group.as_deref() {
                    Some("console_scripts") => &mut found.console,
                    Some("gui_scripts") => &mut found.gui,
                    _ => continue,
                };
                scripts.push(parse_script(line, name, value)?);
                // Both groups are written to one folder.
                if !reader.commands.insert(name.to_owned()) {
                    return Err(EntryPointError::Duplicate { line, name: name.to_owned() });
                }
            }
        }
        Ok(found)
    }
}

/// The INI syntax, line by line.
#[derive(Default)]
struct Reader {
    group: Option<String>,
    groups: HashSet<String>,
    /// Names in the present group.
    names: HashSet<String>,
    commands: HashSet<String>,
    /// Indentation of the last entry of the present group.
    indentation: Option<usize>,
}

impl Reader {
    /// Takes a line; gives name and value when it is an entry.
    fn read<'a>(
        &mut self,
        line: u32,
        raw: &'a str,
    ) -> Result<Option<(&'a str, &'a str)>, EntryPointError> {
        let text = raw.trim_matches([' ', '\t']);
        let no_line =
            || EntryPointError::Line { line, text: text.chars().take(60).collect::<String>() };
        if text.is_empty() || text.starts_with(['#', ';']) {
            return Ok(None);
        }
        if text.contains(|c: char| c.is_control() && c != '\t') {
            return Err(no_line());
        }
        let indentation = raw.len() - raw.trim_start_matches([' ', '\t']).len();
        if self.indentation.is_some_and(|above| indentation > above) {
            return Err(EntryPointError::Indented { line });
        }
        if let Some(rest) = text.strip_prefix('[') {
            let group = rest.strip_suffix(']').ok_or_else(no_line)?;
            if group.is_empty() || group.contains(['[', ']']) {
                return Err(no_line());
            }
            if !self.groups.insert(group.to_owned()) {
                return Err(EntryPointError::Duplicate { line, name: group.to_owned() });
            }
            self.group = Some(group.to_owned());
            self.names.clear();
            self.indentation = None;
            return Ok(None);
        }
        let (name, value) = text.split_once('=').ok_or_else(no_line)?;
        let (name, value) = (name.trim_end(), value.trim_start());
        if self.group.is_none() || name.is_empty() {
            return Err(no_line());
        }
        if !self.names.insert(name.to_owned()) {
            return Err(EntryPointError::Duplicate { line, name: name.to_owned() });
        }
        self.indentation = Some(indentation);
        Ok(Some((name, value)))
    }
}

fn parse_script(line: u32, name: &str, value: &str) -> Result<Script, EntryPointError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if !name.bytes().all(allowed) || matches!(name, "." | "..") || name.len() > 255 {
        return Err(EntryPointError::Name { line, name: name.to_owned() });
    }
    let error = || EntryPointError::Object { line, value: value.to_owned() };
    let (object, extras) = match value.split_once('[') {
        None => (value, BTreeSet::new()),
        Some((object, rest)) => {
            let names = rest.strip_suffix(']').ok_or_else(error)?.split(',').map(str::trim);
            let names = names.filter(|name| !name.is_empty());
            let extras = names.map(ExtraName::parse).collect::<Result<_, _>>();
            (object, extras.map_err(|_| error())?)
        }
    };
    let (module, attribute) = match object.split_once(':') {
        None => (object.trim(), None),
        Some((module, attribute)) => (module.trim(), Some(attribute.trim())),
    };
    if !is_dotted_name(module) || attribute.is_some_and(|attribute| !is_dotted_name(attribute)) {
        return Err(error());
    }
    Ok(Script {
        name: name.to_owned(),
        module: module.to_owned(),
        attribute: attribute.map(str::to_owned),
        extras,
    })
}

/// ASCII identifiers separated by dots. The name is written into Python source.
fn is_dotted_name(text: &str) -> bool {
    text.split('.').all(|part| {
        part.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        let text = "# comment\n[other]\nany thing = at all / here\n\n[console_scripts]\r\n  \
            a-b.c = m.n:f.g [x, Y_y]\r\n  b=m\n; comment\n[gui_scripts]\nc = m : f\n";
        let found = EntryPoints::parse(text.as_bytes()).unwrap();
        let shown = |scripts: &[Script]| -> Vec<String> {
            let show = |s: &Script| {
                let extras: Vec<_> = s.extras.iter().map(ExtraName::as_str).collect();
                format!("{}={}:{:?}{extras:?}", s.name, s.module, s.attribute)
            };
            scripts.iter().map(show).collect()
        };
        assert_eq!(
            shown(&found.console),
            ["a-b.c=m.n:Some(\"f.g\")[\"x\", \"y-y\"]", "b=m:None[]"]
        );
        assert_eq!(shown(&found.gui), ["c=m:Some(\"f\")[]"]);
        assert_eq!(EntryPoints::parse(b"").unwrap(), EntryPoints::default());
    }

    #[test]
    fn anything_else_is_refused_for_its_reason() {
        use EntryPointError as E;
        let check = |text: &str, expect: E| {
            assert_eq!(EntryPoints::parse(text.as_bytes()), Err(expect), "{text:?}");
        };
        let script = |line: &str| format!("[console_scripts]\n{line}");
        let name = |name: &str| E::Name { line: 2, name: name.to_owned() };
        let object = |value: &str| E::Object { line: 2, value: value.to_owned() };
        let duplicate = |line, name: &str| E::Duplicate { line, name: name.to_owned() };
        let line = |line, text: &str| E::Line { line, text: text.to_owned() };
        check("a = b:c", line(1, "a = b:c"));
        check("[a", line(1, "[a"));
        check("[]", line(1, "[]"));
        check("[a]b]", line(1, "[a]b]"));
        check(&script("a"), line(2, "a"));
        check(&script("= m:f"), line(2, "= m:f"));
        check(&script("a = m:f\u{b}"), line(2, "a = m:f\u{b}"));
        check(&script("a = m:f\rb = m:f"), line(2, "a = m:f\rb = m:f"));
        check(&script("a = m:f\n  b = m:f"), E::Indented { line: 3 });
        check(&script("../a = m:f"), name("../a"));
        check(&script(".. = m:f"), name(".."));
        check(&script("a b = m:f"), name("a b"));
        check(&script("\u{e9} = m:f"), name("\u{e9}"));
        check(&script("a ="), object(""));
        check(&script("a = m:"), object("m:"));
        check(&script("a = m:f()"), object("m:f()"));
        check(&script("a = m:f:g"), object("m:f:g"));
        check(&script("a = m;import os:f"), object("m;import os:f"));
        check(&script("a = 1m:f"), object("1m:f"));
        check(&script("a = m..n:f"), object("m..n:f"));
        check(&script("a = m:f [x"), object("m:f [x"));
        check(&script("a = m:f [x] y"), object("m:f [x] y"));
        check(&script("a = m:f\na = m:g"), duplicate(3, "a"));
        check(&script("a = m:f\n[gui_scripts]\na = m:g"), duplicate(4, "a"));
        check(&script("a = m:f\n[console_scripts]"), duplicate(3, "console_scripts"));
        assert_eq!(EntryPoints::parse(b"\xff"), Err(E::Encoding));
        let size = MAXIMUM_SIZE + 1;
        assert_eq!(EntryPoints::parse(&vec![b' '; size]), Err(E::TooLarge { size }));
    }
}
