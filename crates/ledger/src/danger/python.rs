//! Python: what its names can do, and when.

use std::collections::BTreeSet;

use super::names::{Import, Names, Said, is_keyword};
use super::table;
use super::tokens::{Placed, Token, tokens};
use super::{Found, Kind, Role, Severity, strings};

/// Strings that are executed in strings that are executed.
const MAX_STRINGS: usize = 2;
/// Numbers in a row that are data rather than a table.
const MANY_NUMBERS: usize = 200;
/// Escapes in one literal that hide what it says.
const MANY_ESCAPES: usize = 40;

/// Looks at a source.
pub(super) fn look(text: &str, found: &mut Found) {
    coding(text, found);
    source(text, 0, found);
}

fn source(text: &str, depth: usize, found: &mut Found) {
    let cut = tokens(text);
    for &line in cut.faults.iter().take(3) {
        found.add(
            line,
            Severity::Look,
            Kind::Unread,
            "is no Python from here; what follows may be read wrongly",
        );
    }
    for &line in &cut.returns {
        found.add(
            line,
            Severity::First,
            Kind::Hidden,
            "a carriage return that ends a line for Python and for few editors",
        );
    }
    for (line, name) in &cut.disguised {
        found.add(*line, Severity::First, Kind::Hidden, format!("`{name}` in other letters"));
    }
    for (line, count) in cut.escapes.iter().filter(|(_, count)| *count >= MANY_ESCAPES) {
        found.add(*line, Severity::Look, Kind::Encoded, format!("a literal with {count} escapes"));
    }
    let (names, imports) = Names::new(&cut.tokens);
    let mut walk = Walk { names, found, functions: Vec::new(), used: BTreeSet::new(), depth };
    walk.imports(&imports);
    walk.run();
    walk.together();
}

/// PEP 263: Python reads the text in the encoding that it names itself.
fn coding(text: &str, found: &mut Found) {
    for (index, line) in text.split(['\n', '\r']).take(2).enumerate() {
        let Some(comment) =
            line.trim_start_matches([' ', '\t', '\u{c}', '\u{feff}']).strip_prefix('#')
        else {
            continue;
        };
        let Some(position) = comment.find("coding") else { continue };
        let rest = &comment[position + "coding".len()..];
        let Some(rest) = rest.strip_prefix([':', '=']) else { continue };
        let name: String = rest
            .trim_start()
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            .take(40)
            .collect();
        let plain: String = name.to_ascii_lowercase().replace('_', "-");
        let is_usual = [
            "utf-8",
            "utf8",
            "ascii",
            "us-ascii",
            "latin-1",
            "latin1",
            "iso-8859-1",
            "iso-8859-15",
            "cp1252",
        ];
        if !is_usual.contains(&plain.as_str()) && !plain.starts_with("utf-8") {
            let what = format!("Python reads the text as `{name}`, and here it is read as UTF-8");
            found.add(index + 1, Severity::First, Kind::Hidden, what);
        }
        return;
    }
}

struct Walk<'w, 't, 'a> {
    names: Names<'t, 'a>,
    found: &'w mut Found,
    /// The columns of the functions around.
    functions: Vec<usize>,
    /// What is used, and not only imported.
    used: BTreeSet<(Kind, usize)>,
    depth: usize,
}

impl<'t, 'a> Walk<'_, 't, 'a> {
    fn placed(&self, at: usize) -> &'t Placed<'a> {
        &self.names.tokens[at]
    }

    fn imports(&mut self, imports: &[Import]) {
        let mut told = BTreeSet::new();
        for import in imports {
            let Some((kind, severity)) = table::ability(&import.path) else { continue };
            if kind == Kind::Decode || !told.insert((import.at, kind)) {
                continue;
            }
            let severity = if kind == Kind::Install { severity } else { Severity::Note };
            self.found.add(
                self.placed(import.at).line,
                severity,
                kind,
                format!("imports `{}`", import.path),
            );
        }
    }

    fn run(&mut self) {
        let (mut at, mut pending) = (0, None);
        let mut starts = true;
        while at < self.names.tokens.len() {
            let placed = self.placed(at);
            if starts && placed.token != Token::End {
                while self.functions.last().is_some_and(|column| *column >= placed.column) {
                    self.functions.pop();
                }
                let is_async = self.names.name(at) == Some("async");
                if self.names.name(at + usize::from(is_async)) == Some("def") {
                    pending = Some(placed.column);
                }
                if matches!(self.names.name(at), Some("import" | "from")) {
                    while !self.names.is_end(at) {
                        at += 1;
                    }
                    continue;
                }
            }
            match &placed.token {
                Token::End => {
                    self.functions.extend(pending.take());
                    starts = true;
                    at += 1;
                    continue;
                }
                Token::Name(name) => self.named(at, name),
                Token::Text(_) => {
                    at = self.text(at, starts);
                    starts = false;
                    continue;
                }
                Token::Piece(text) => strings::secrets(text, placed.line, self.found),
                Token::Number => {
                    at = self.numbers(at);
                    starts = false;
                    continue;
                }
                Token::Op(_) | Token::Border => {}
            }
            starts = false;
            at += 1;
        }
    }

    fn named(&mut self, at: usize, name: &str) {
        let line = self.placed(at).line;
        let before = at.checked_sub(1);
        if before.is_some_and(|it| self.names.is_op(it, '.')) {
            if table::INSIDE.contains(&name) {
                self.found.add(
                    line,
                    Severity::Note,
                    Kind::Dynamic,
                    format!("`.{name}`, the inside of the interpreter"),
                );
            }
            return;
        }
        let is_defined = before
            .and_then(|it| self.names.name(it))
            .is_some_and(|it| matches!(it, "def" | "class"));
        if is_keyword(name) || is_defined {
            return;
        }
        self.setup(at, name, line);
        let Some(said) = self.names.said(at, 0) else { return };
        // `compile=True` and `compile = …` say something else.
        let is_target = said.end == at + 1
            && self.names.is_op(said.end, '=')
            && !self.names.is_op(said.end + 1, '=');
        if is_target {
            return;
        }
        if said.is_open {
            self.add(
                line,
                Severity::Look,
                Kind::Dynamic,
                "a name of a module that is made at run time".to_owned(),
            );
        }
        self.environment(&said, line);
        let able = said.paths.iter().filter_map(|path| Some((table::ability(path)?, path)));
        // Of several meanings the most urgent counts.
        let Some(((kind, severity), path)) =
            able.max_by_key(|((kind, severity), _)| (*severity, std::cmp::Reverse(*kind)))
        else {
            return;
        };
        let is_call = self.names.is_op(said.end, '(');
        self.use_of(line, kind, severity, path, is_call);
        if kind == Kind::Execute && is_call {
            self.executed(said.end + 1, line);
        }
    }

    fn use_of(&mut self, line: usize, kind: Kind, severity: Severity, path: &str, is_call: bool) {
        self.used.insert((kind, line));
        let is_early = self.found.role == Role::Install
            || self.found.role == Role::Startup
            || self.functions.is_empty() && is_call;
        let is_raised =
            matches!(kind, Kind::Execute | Kind::Process | Kind::Network | Kind::Deserialise);
        let severity = if is_early && is_raised { severity.one_up() } else { severity };
        let when = if is_early && is_raised && self.found.role == Role::Library {
            ", when it is imported"
        } else {
            ""
        };
        self.add(line, severity, kind, format!("`{path}`{when}"));
    }

    /// Tests and documents are looked at last.
    fn add(&mut self, line: usize, severity: Severity, kind: Kind, what: String) {
        let severity = if self.found.role == Role::Aside { Severity::Note } else { severity };
        self.found.add(line, severity, kind, what);
    }

    fn setup(&mut self, at: usize, name: &str, line: usize) {
        if self.found.role != Role::Install || !self.names.is_op(at + 1, '=') {
            return;
        }
        let (severity, what) = match name {
            "cmdclass" => (Severity::Look, "commands of its own while it is built or installed"),
            "ext_modules" => (Severity::Note, "machine code is compiled"),
            "setup_requires" => (Severity::Look, "needs other packages to be built"),
            _ => return,
        };
        self.found.add(line, severity, Kind::Install, what);
    }

    fn environment(&mut self, said: &Said, line: usize) {
        let rest = said.paths.iter().find_map(|path| {
            if path == "os.getenv" {
                return Some("get");
            }
            let rest = path.strip_prefix("os.environ")?.trim_start_matches('b');
            (rest.is_empty() || rest.starts_with('.')).then(|| rest.trim_start_matches('.'))
        });
        let Some(rest) = rest else { return };
        let is_one = matches!(rest, "get" | "pop" | "setdefault")
            || rest.is_empty() && self.names.is_op(said.end, '[');
        if is_one {
            if let Some((name, _)) = self.names.constant(said.end + 1)
                && strings::is_secret(&name)
            {
                let shown: String = name.chars().take(60).collect();
                self.used.insert((Kind::Secrets, line));
                self.add(line, Severity::Look, Kind::Secrets, format!("the variable `{shown}`"));
            }
        } else if matches!(rest, "" | "items" | "copy" | "values") {
            self.used.insert((Kind::Secrets, line));
            self.add(
                line,
                Severity::Note,
                Kind::Secrets,
                "all variables of the environment".to_owned(),
            );
        }
    }

    /// A string that is executed is code.
    fn executed(&mut self, at: usize, line: usize) {
        let Some((text, _)) = self.names.constant(at) else { return };
        if self.depth >= MAX_STRINGS {
            self.found.add(
                line,
                Severity::First,
                Kind::Execute,
                "strings in strings in strings are executed",
            );
            return;
        }
        let mut inner = Found { role: self.found.role, findings: Vec::new() };
        source(&text, self.depth + 1, &mut inner);
        for finding in
            inner.findings.into_iter().filter(|finding| finding.severity > Severity::Note)
        {
            let what = format!("in a string that is executed: {}", finding.what);
            self.found.add(line, finding.severity, finding.kind, what);
        }
    }

    /// A literal, or several that are one; gives where it ends.
    fn text(&mut self, at: usize, starts: bool) -> usize {
        let line = self.placed(at).line;
        let Some((text, end)) = self.names.constant(at) else { return at + 1 };
        if let Some(what) = strings::encoded(&text) {
            self.used.insert((Kind::Encoded, line));
            self.add(line, Severity::Look, Kind::Encoded, what);
        }
        // A sentence that stands for itself is a comment.
        let is_comment = starts && self.names.is_end(end);
        if !is_comment {
            let before = self.found.findings.len();
            strings::secrets(&text, line, self.found);
            for finding in &mut self.found.findings[before..] {
                self.used.insert((finding.kind, line));
                if self.found.role == Role::Aside {
                    finding.severity = Severity::Note;
                }
            }
        }
        end
    }

    /// Numbers with commas between; gives where they end.
    fn numbers(&mut self, at: usize) -> usize {
        let (mut end, mut count) = (at + 1, 1);
        while self.names.is_op(end, ',')
            && self.names.tokens.get(end + 1).is_some_and(|it| it.token == Token::Number)
        {
            end += 2;
            count += 1;
        }
        if count >= MANY_NUMBERS {
            let line = self.placed(at).line;
            self.used.insert((Kind::Encoded, line));
            self.add(line, Severity::Note, Kind::Encoded, format!("{count} numbers in a row"));
        }
        end
    }

    /// What one file does together.
    fn together(&mut self) {
        if self.found.role == Role::Aside {
            return;
        }
        let line = |kind: Kind| self.used.iter().find(|(it, _)| *it == kind).map(|(_, line)| *line);
        let mut pairs = Vec::new();
        let unpacks = line(Kind::Decode).or(line(Kind::Encoded)).is_some();
        for kind in [Kind::Execute, Kind::Deserialise, Kind::Process] {
            let is_unpacked =
                if kind == Kind::Process { line(Kind::Encoded).is_some() } else { unpacks };
            if let Some(line) = line(kind).filter(|_| is_unpacked) {
                let what = match kind {
                    Kind::Process => "holds encoded data and runs other programs",
                    Kind::Execute => "unpacks data and makes code of data",
                    _ => "unpacks data and reads objects that can run code",
                };
                pairs.push((line, what));
            }
        }
        if let (Some(line), Some(_)) = (line(Kind::Execute), line(Kind::Network)) {
            pairs.push((line, "talks to other machines and makes code of data"));
        }
        if let (Some(line), Some(_)) = (line(Kind::Network), line(Kind::Secrets)) {
            pairs.push((line, "reads secrets and talks to other machines"));
        }
        for (line, what) in pairs {
            self.found.add(line, Severity::First, Kind::Together, format!("the file {what}"));
        }
    }
}
