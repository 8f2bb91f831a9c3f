//! What names stand for: imports, assignments of one name to another, and names said with strings.
//!
//! Scopes are not told apart: a name that once stands for `os.system` somewhere in the file is taken for
//! it everywhere. That finds too much rather than too little.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::table;
use super::tokens::{Placed, Token};

/// Meanings that one name may have; more are left out.
const MAX_MEANINGS: usize = 8;
/// Names that are known at once.
const MAX_NAMES: usize = 50_000;
/// How often assignments are followed.
const ROUNDS: usize = 4;
/// Calls in calls that give a name.
const MAX_DEPTH: usize = 12;
/// Characters of a constant that is put together of several.
pub(super) const MAX_CONSTANT: usize = 64 << 10;

/// A stretch of tokens that says a name.
#[derive(Debug)]
pub(super) struct Said {
    /// What it may stand for, dotted.
    pub(super) paths: Vec<String>,
    /// Behind its last token.
    pub(super) end: usize,
    /// Whether a part of it is only known at run time.
    pub(super) is_open: bool,
}

/// The tokens of a file and what its names stand for.
pub(super) struct Names<'t, 'a> {
    pub(super) tokens: &'t [Placed<'a>],
    /// The closing bracket of each opening one.
    closing: BTreeMap<usize, usize>,
    bound: BTreeMap<String, BTreeSet<String>>,
}

/// An import, for the list of what a file needs.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) at: usize,
    pub(super) path: String,
}

impl<'t, 'a> Names<'t, 'a> {
    pub(super) fn new(tokens: &'t [Placed<'a>]) -> (Self, Vec<Import>) {
        let mut names = Self { tokens, closing: closing(tokens), bound: BTreeMap::new() };
        let imports = names.imports();
        for _ in 0..ROUNDS {
            if !names.assignments() {
                break;
            }
        }
        (names, imports)
    }

    pub(super) fn name(&self, at: usize) -> Option<&str> {
        match &self.tokens.get(at)?.token {
            Token::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn is_op(&self, at: usize, op: char) -> bool {
        self.tokens.get(at).is_some_and(|it| it.token == Token::Op(op))
    }

    pub(super) fn closing(&self, open: usize) -> Option<usize> {
        self.closing.get(&open).copied()
    }

    pub(super) fn is_end(&self, at: usize) -> bool {
        self.tokens.get(at).is_none_or(|it| it.token == Token::End)
    }

    /// Whether a statement begins here.
    pub(super) fn begins(&self, at: usize) -> bool {
        at.checked_sub(1).is_none_or(|before| self.is_end(before) || self.is_op(before, ':'))
    }

    fn bind(&mut self, name: &str, path: &str) -> bool {
        if name == path || self.bound.len() >= MAX_NAMES || path.len() > 200 {
            return false;
        }
        let meanings = self.bound.entry(name.to_owned()).or_default();
        meanings.len() < MAX_MEANINGS && meanings.insert(path.to_owned())
    }

    /// A dotted name from a position: the name, and where it ends.
    fn dotted(&self, at: usize) -> Option<(String, usize)> {
        let mut path = self.name(at)?.to_owned();
        let mut end = at + 1;
        while self.is_op(end, '.')
            && let Some(name) = self.name(end + 1)
            && path.len() < 200
        {
            path.push('.');
            path.push_str(name);
            end += 2;
        }
        Some((path, end))
    }

    fn imports(&mut self) -> Vec<Import> {
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            match self.name(at) {
                // Behind `from` it is no statement of its own.
                Some("import") if self.begins(at) => self.import(at, &mut found),
                Some("from") => self.import_from(at, &mut found),
                _ => {}
            }
        }
        found
    }

    /// `import a.b as c, d`
    fn import(&mut self, at: usize, found: &mut Vec<Import>) {
        let mut next = at + 1;
        while let Some((path, end)) = self.dotted(next) {
            next = end;
            if self.name(next) == Some("as")
                && let Some(name) = self.name(next + 1).map(str::to_owned)
            {
                self.bind(&name, &path);
                next += 2;
            }
            found.push(Import { at, path });
            if !self.is_op(next, ',') {
                break;
            }
            next += 1;
        }
    }

    /// `from a.b import c as d, e`
    fn import_from(&mut self, at: usize, found: &mut Vec<Import>) {
        let Some((module, end)) = self.dotted(at + 1) else { return };
        if self.name(end) != Some("import") {
            return;
        }
        let mut next = end + 1;
        if self.is_op(next, '*') {
            for name in table::members(&module).collect::<Vec<_>>() {
                self.bind(name, &format!("{module}.{name}"));
            }
            found.push(Import { at, path: module });
            return;
        }
        next += usize::from(self.is_op(next, '('));
        while let Some(name) = self.name(next).map(str::to_owned) {
            let path = format!("{module}.{name}");
            next += 1;
            let mut local = name;
            if self.name(next) == Some("as")
                && let Some(name) = self.name(next + 1).map(str::to_owned)
            {
                local = name;
                next += 2;
            }
            self.bind(&local, &path);
            found.push(Import { at, path });
            if !self.is_op(next, ',') {
                break;
            }
            next += 1;
        }
    }

    /// `name = other`, `name: type = other` and `name := other`; whether anything new was learned.
    fn assignments(&mut self) -> bool {
        let mut learned = Vec::new();
        for at in 1..self.tokens.len() {
            if !self.is_op(at, '=') || self.is_op(at + 1, '=') {
                continue;
            }
            let is_walrus = self.is_op(at - 1, ':');
            let Some(target) = self.target(if is_walrus { at - 1 } else { at }) else { continue };
            let Some(said) = self.said(at + 1, 0) else { continue };
            // What goes on behind it is no plain name.
            let ends = self.is_end(said.end)
                || self
                    .tokens
                    .get(said.end)
                    .is_some_and(|it| matches!(it.token, Token::Op(')' | ',' | '=')));
            if ends {
                learned.push((target.to_owned(), said.paths));
            }
        }
        let mut is_new = false;
        for (target, paths) in learned {
            for path in paths {
                let first = path.split('.').next().unwrap_or_default();
                // Only what leads somewhere is worth remembering; a circle leads nowhere.
                if first != target {
                    is_new |= self.bind(&target, &path);
                }
            }
        }
        is_new
    }

    /// The one name that is assigned to.
    fn target(&self, at: usize) -> Option<&str> {
        let mut place = at.checked_sub(1)?;
        let name = self.name(place)?;
        // An annotation stands between: `name: type =`.
        let before = |place: usize| place.checked_sub(1);
        if before(place).is_some_and(|it| self.is_op(it, ':'))
            && let Some(named) = place.checked_sub(2)
            && let Some(annotated) = self.name(named)
        {
            place = named;
            let is_start = before(place).is_none_or(|it| self.is_end(it));
            return is_start.then_some(annotated);
        }
        let is_attribute = before(place).is_some_and(|it| self.is_op(it, '.'));
        (!is_attribute).then_some(name)
    }

    /// Literals beside each other, and with `+` between them, as one text.
    pub(super) fn constant(&self, at: usize) -> Option<(Cow<'t, str>, usize)> {
        let text = |at: usize| match &self.tokens.get(at)?.token {
            Token::Text(text) => Some(text),
            _ => None,
        };
        let first = text(at)?;
        let mut next = at + 1;
        let mut joined = Cow::Borrowed(first.as_ref());
        loop {
            let place = if self.is_op(next, '+') { next + 1 } else { next };
            let Some(more) = text(place) else { break };
            if joined.len() + more.len() <= MAX_CONSTANT {
                joined.to_mut().push_str(more);
            }
            next = place + 1;
        }
        Some((joined, next))
    }

    /// What is said from a position on.
    pub(super) fn said(&self, at: usize, depth: usize) -> Option<Said> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut start = at;
        // `(os).system`
        let mut opened = 0;
        while self.is_op(start, '(') && opened < MAX_DEPTH {
            start += 1;
            opened += 1;
        }
        let name = self.name(start)?;
        let mut said = Said { paths: self.meanings(name), end: start + 1, is_open: false };
        loop {
            let gives = self.is_op(said.end, '(') && self.call(&mut said, depth)
                || self.is_op(said.end, '[') && self.subscript(&mut said);
            if gives {
                continue;
            }
            if self.is_op(said.end, '.')
                && let Some(name) = self.name(said.end + 1)
            {
                said.append(name);
                said.end += 2;
            } else if self.is_op(said.end, ')') && self.is_group(start, said.end) {
                start -= 1;
                said.end += 1;
            } else {
                return Some(said);
            }
        }
    }

    /// Whether a name stands alone in brackets that are no call's.
    fn is_group(&self, start: usize, end: usize) -> bool {
        let Some(open) = start.checked_sub(1) else { return false };
        let is_call = open.checked_sub(1).is_some_and(|before| match &self.tokens[before].token {
            Token::Name(name) => !is_keyword(name),
            Token::Op(op) => matches!(op, ')' | ']'),
            _ => false,
        });
        self.is_op(open, '(') && self.closing(open) == Some(end) && !is_call
    }

    fn meanings(&self, name: &str) -> Vec<String> {
        let mut paths = vec![name.to_owned()];
        paths.extend(self.bound.get(name).into_iter().flatten().cloned());
        paths
    }

    /// A call that gives a module or an attribute; false for any other.
    fn call(&self, said: &mut Said, depth: usize) -> bool {
        let open = said.end;
        let Some(close) = self.closing(open) else { return false };
        let is = |names: &[&str]| said.paths.iter().any(|path| names.contains(&bare(path)));
        if is(&["__import__", "importlib.import_module", "importlib.__import__", "import_module"]) {
            let Some((module, _)) = self.constant(open + 1) else {
                said.is_open = true;
                return false;
            };
            // `__import__("a.b")` gives `a`, and `import_module("a.b")` gives `a.b`.
            let first = module.split('.').next().unwrap_or_default().to_owned();
            said.paths = vec![module.into_owned(), first];
        } else if is(&["getattr"]) {
            let Some(object) = self.said(open + 1, depth + 1) else { return false };
            if !self.is_op(object.end, ',') {
                return false;
            }
            match self.constant(object.end + 1) {
                Some((name, _)) => {
                    said.paths = object.paths;
                    said.append(&name);
                }
                None => {
                    said.is_open |=
                        object.paths.iter().any(|path| table::RISKY.contains(&path.as_str()));
                    return false;
                }
            }
        } else if is(&["globals", "locals", "vars"]) {
            match self.said(open + 1, depth + 1) {
                Some(object) if object.end == close => said.paths = object.paths,
                _ => said.paths = vec!["builtins".to_owned()],
            }
            said.append("__dict__");
        } else {
            return false;
        }
        said.end = close + 1;
        true
    }

    /// `sys.modules["os"]`, `globals()["eval"]`, `os.__dict__["system"]`.
    fn subscript(&self, said: &mut Said) -> bool {
        let holder = |path: &String| {
            if let Some(of) = path.strip_suffix(".__dict__") {
                return Some(of.to_owned());
            }
            match bare(path) {
                "__builtins__" => Some("builtins".to_owned()),
                "sys.modules" => Some(String::new()),
                _ => None,
            }
        };
        let holders: Vec<String> = said.paths.iter().filter_map(holder).collect();
        let (Some(close), false) = (self.closing(said.end), holders.is_empty()) else {
            return false;
        };
        let Some((name, _)) = self.constant(said.end + 1) else {
            said.is_open = true;
            return false;
        };
        let path = |holder: String| {
            if holder.is_empty() { name.to_string() } else { format!("{holder}.{name}") }
        };
        said.paths = holders.into_iter().map(path).collect();
        // What `globals()` holds may as well be a name of the file.
        said.paths.extend(self.bound.get(name.as_ref()).into_iter().flatten().cloned());
        said.end = close + 1;
        true
    }
}

impl Said {
    fn append(&mut self, name: &str) {
        for path in &mut self.paths {
            if path.len() + name.len() < 200 {
                path.push('.');
                path.push_str(name);
            }
        }
    }
}

/// A name without the module of what needs no import.
pub(super) fn bare(path: &str) -> &str {
    let without = path.strip_prefix("builtins.").or_else(|| path.strip_prefix("__builtins__."));
    without.unwrap_or(path)
}

pub(super) fn is_keyword(name: &str) -> bool {
    matches!(
        name,
        "and"
            | "as"
            | "assert"
            | "async"
            | "await"
            | "break"
            | "class"
            | "continue"
            | "def"
            | "del"
            | "elif"
            | "else"
            | "except"
            | "finally"
            | "for"
            | "from"
            | "global"
            | "if"
            | "import"
            | "in"
            | "is"
            | "lambda"
            | "nonlocal"
            | "not"
            | "or"
            | "pass"
            | "raise"
            | "return"
            | "try"
            | "while"
            | "with"
            | "yield"
            | "print"
    )
}

fn closing(tokens: &[Placed<'_>]) -> BTreeMap<usize, usize> {
    let (mut open, mut pairs) = (Vec::new(), BTreeMap::new());
    for (at, placed) in tokens.iter().enumerate() {
        match placed.token {
            Token::Op('(' | '[' | '{') => open.push(at),
            Token::Op(')' | ']' | '}') => {
                if let Some(start) = open.pop() {
                    pairs.insert(start, at);
                }
            }
            _ => {}
        }
    }
    pairs
}
