//! What a reader should look at first in a file of a distribution.
//!
//! It orders, it does not judge: a finding is no accusation, and a file without findings is not
//! good. It decides by the place of the file (what runs at the start of Python, while a package is built
//! or installed, as a command), by its kind (machine code, bytes that nobody can read), and for Python by
//! its tokens: strings and comments are no code, a string that is executed is, and names are followed
//! through `import … as`, `from … import`, assignments of one name and the usual ways to say a name with
//! a string. It trusts nothing: the text is hostile, every loop is bounded by its length, and what cannot
//! be read as Python is itself a finding.
//!
//! What it misses is told in `docs/vet-inspect.md`: names that are made at run time, what other modules
//! do on behalf of this one, logic bombs, and every language but Python beyond its outside.
//!
//! Specification: the lexical analysis of Python (<https://docs.python.org/3/reference/lexical_analysis.html>),
//! PEP 263 (source encodings), PEP 701 (format strings), `site` for `.pth` files, PEP 517 for build
//! backends.

mod build;
mod names;
mod python;
mod strings;
mod table;
#[cfg(test)]
mod tests;
mod tokens;

use countermark_trust::change::FileKind;

/// Bytes of a file that is looked into; of a longer one only its place and kind count.
pub const MAX_BYTES: usize = 16 << 20;
/// Findings of one file that are told; the first ones by line.
pub const MAX_FINDINGS: usize = 1000;

/// How soon to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know while reading.
    Note,
    /// Could do harm, and mostly is what packages do.
    Look,
    /// Before anything else.
    First,
}

impl Severity {
    /// A word for people and programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Look => "look",
            Self::First => "first",
        }
    }

    fn one_up(self) -> Self {
        if self == Self::Note { Self::Look } else { Self::First }
    }
}

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Runs at every start of Python.
    Startup,
    /// Machine code.
    Native,
    /// Bytes that nobody can read.
    Opaque,
    /// The text is not what it looks like.
    Hidden,
    /// Several of the following in one file, which together are what malware does.
    Together,
    /// Runs while the package is built or installed.
    Install,
    /// Makes code of data.
    Execute,
    /// Data that nobody can read, in a program.
    Encoded,
    /// Runs other programs.
    Process,
    /// Reads objects that can run code while they are read.
    Deserialise,
    /// Calls machine code, or reads memory.
    Foreign,
    /// Keys, tokens and passwords of the user.
    Secrets,
    /// Talks to other machines.
    Network,
    /// Names that are made at run time, and the inside of the interpreter.
    Dynamic,
    /// Unpacks what was packed or encoded.
    Decode,
    /// Removes files, or changes who may do what with them.
    Files,
    /// A command, or a plug-in of somebody else.
    EntryPoint,
    /// Could not be looked into.
    Unread,
}

impl Kind {
    /// A word for people and programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Startup => "start-up",
            Self::Native => "native",
            Self::Opaque => "opaque",
            Self::Hidden => "hidden",
            Self::Together => "together",
            Self::Install => "install",
            Self::Execute => "execute",
            Self::Encoded => "encoded",
            Self::Process => "process",
            Self::Deserialise => "deserialise",
            Self::Foreign => "foreign",
            Self::Secrets => "secrets",
            Self::Network => "network",
            Self::Dynamic => "dynamic",
            Self::Decode => "decode",
            Self::Files => "files",
            Self::EntryPoint => "entry-point",
            Self::Unread => "unread",
        }
    }
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// The line, from 1; 0 is the file as a whole.
    pub line: usize,
    /// How soon.
    pub severity: Severity,
    /// What kind.
    pub kind: Kind,
    /// What it is: `subprocess.run`. It may hold what the file holds; escape it.
    pub what: String,
}

/// A file.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Where it is, without what has the version in it: `.dist-info/…`, `.data/scripts/…`.
    pub path: &'a str,
    /// Its kind.
    pub kind: FileKind,
    /// Its bytes, if they are to be looked into.
    pub bytes: Option<&'a [u8]>,
}

/// What was found in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// By line.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub left_out: usize,
}

impl Look {
    /// The most urgent.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// How many there are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    fn finish(mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| {
            (a.line, b.severity, a.kind, &a.what).cmp(&(b.line, a.severity, b.kind, &b.what))
        });
        findings.dedup();
        // Too many to read: what is urgent is kept, wherever it stands.
        let mut left_out = 0;
        if findings.len() > MAX_FINDINGS {
            left_out = findings.len() - MAX_FINDINGS;
            findings.sort_by(|a, b| (b.severity, a.line).cmp(&(a.severity, b.line)));
            findings.truncate(MAX_FINDINGS);
            findings.sort_by_key(|finding| finding.line);
        }
        Self { findings, left_out }
    }
}

/// When a file runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// At every start of Python.
    Startup,
    /// While the package is built or installed.
    Install,
    /// When it is imported or called.
    Library,
    /// Tests and documents.
    Aside,
}

fn role(path: &str, kind: FileKind) -> Role {
    let lower = path.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split('/').collect();
    let name = parts.last().copied().unwrap_or_default();
    let is_aside = parts.iter().rev().skip(1).any(|part| {
        matches!(*part, "tests" | "test" | "testing" | "docs" | "doc" | "examples" | "benchmarks")
    });
    if kind == FileKind::Pth {
        Role::Startup
    } else if parts.len() == 1
        && matches!(name, "setup.py" | "setup.cfg" | "pyproject.toml" | "hatch_build.py")
    {
        Role::Install
    } else if is_aside {
        Role::Aside
    } else {
        Role::Library
    }
}

/// Looks at a file.
#[must_use]
pub fn look(file: &File<'_>) -> Look {
    let role = role(file.path, file.kind);
    let mut found = Found { role, findings: Vec::new() };
    match file.kind {
        FileKind::Pth => {
            found.add(0, Severity::First, Kind::Startup, "runs at every start of Python");
        }
        FileKind::Native => found.add(0, Severity::First, Kind::Native, "machine code"),
        FileKind::Opaque => found.add(0, Severity::First, Kind::Opaque, "nobody can read it"),
        FileKind::Text | FileKind::Binary => {}
    }
    let lower = file.path.to_ascii_lowercase();
    if lower.starts_with(".data/scripts/") {
        found.add(0, Severity::Look, Kind::EntryPoint, "a command that is put on the path");
    }
    if role == Role::Install && lower.ends_with(".py") {
        let what = "runs while the package is built or installed";
        found.add(0, Severity::Look, Kind::Install, what);
    }
    if file.kind != FileKind::Native
        && file.kind != FileKind::Binary
        && let Some(bytes) = file.bytes
    {
        if bytes.len() > MAX_BYTES {
            found.add(0, Severity::First, Kind::Unread, "too long to be looked into");
        } else {
            found.read(&lower, &String::from_utf8_lossy(bytes));
        }
    }
    Look::finish(found.findings)
}

/// What is found, with the role of the file.
struct Found {
    role: Role,
    findings: Vec<Finding>,
}

impl Found {
    fn add(&mut self, line: usize, severity: Severity, kind: Kind, what: impl Into<String>) {
        self.findings.push(Finding { line, severity, kind, what: what.into() });
    }

    fn read(&mut self, lower: &str, text: &str) {
        let name = lower.rsplit('/').next().unwrap_or_default();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let shebang = text.strip_prefix("#!").and_then(|rest| rest.lines().next());
        let is_python = matches!(extension, "py" | "pyw" | "pyx" | "pxd" | "pxi" | "pyi")
            || shebang.is_some_and(|line| line.contains("python"));
        strings::hidden(text, is_python || extension == "pth", self);
        if is_python {
            python::look(text, self);
        } else if extension == "pth" {
            build::pth(text, self);
        } else if name == "pyproject.toml" {
            build::pyproject(text, self);
        } else if name == "setup.cfg" {
            build::setup_cfg(text, self);
        } else if name == "entry_points.txt" {
            build::entry_points(text, self);
        } else if matches!(extension, "sh" | "bash" | "bat" | "cmd" | "ps1") || shebang.is_some() {
            self.add(
                1,
                Severity::Look,
                Kind::Process,
                "a script for a shell or another interpreter",
            );
        } else if matches!(extension, "c" | "cc" | "cpp" | "cxx" | "rs" | "go" | "f90" | "cu") {
            self.add(
                0,
                Severity::Note,
                Kind::Foreign,
                "source of machine code; it is not looked into",
            );
        }
        if matches!(extension, "pyx" | "pxd" | "pxi") {
            self.add(0, Severity::Note, Kind::Foreign, "is compiled to machine code");
        }
    }
}
