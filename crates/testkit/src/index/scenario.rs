//! What an index holds and how it misbehaves, as data.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// Bytes to serve.
#[derive(Clone, Debug)]
pub enum Body {
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
    /// A file on disk, read when it is asked for (for big sets).
    Path(PathBuf),
}

impl<T: Into<Vec<u8>>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Bytes(Arc::from(bytes.into()))
    }
}

/// What a page says about the metadata of a file (PEP 658 and 714).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClaimedMetadata {
    /// Nothing.
    #[default]
    Silent,
    /// `core-metadata: true`, no digest.
    Available,
    /// With digests: algorithm and hex.
    Digests(Vec<(String, String)>),
}

/// What the project page says about a file; all of it may be wrong.
#[derive(Clone, Debug, Default)]
pub struct Advertised {
    /// Algorithm and hex digest, in order; HTML shows the first only.
    pub digests: Vec<(String, String)>,
    /// Size in bytes (PEP 700; JSON only).
    pub size: Option<u64>,
    /// PEP 345 specifiers.
    pub requires_python: Option<String>,
    /// `Some("")` is yanked without a reason (PEP 592).
    pub yanked: Option<String>,
    /// RFC 3339 time (PEP 700; JSON only).
    pub upload_time: Option<String>,
    /// PEP 658.
    pub core_metadata: ClaimedMetadata,
    /// URL of a provenance object (PEP 740).
    pub provenance: Option<String>,
    /// In place of the URL of the served file: absolute, or relative to the page.
    pub url: Option<String>,
}

/// One file of a project.
#[derive(Clone, Debug)]
pub struct ServedFile {
    /// Its name, and the last component of its path.
    pub filename: String,
    /// What is sent.
    pub body: Body,
    /// What is said.
    pub advertised: Advertised,
    /// Sent at `/files/FILENAME.metadata`; 404 without it.
    pub metadata: Option<Vec<u8>>,
}

impl ServedFile {
    /// A file whose page tells the truth: its SHA-256 and its size.
    #[must_use]
    pub fn honest(filename: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let advertised = Advertised {
            digests: vec![("sha256".into(), hex(&Sha256::digest(&bytes)))],
            size: Some(bytes.len() as u64),
            ..Advertised::default()
        };
        Self { filename: filename.into(), body: bytes.into(), advertised, metadata: None }
    }

    /// Changes what the page says.
    #[must_use]
    pub fn advertise(mut self, change: impl FnOnce(&mut Advertised)) -> Self {
        change(&mut self.advertised);
        self
    }

    /// Sends other bytes than those that are advertised.
    #[must_use]
    pub fn but_serves(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = bytes.into().into();
        self
    }

    /// Serves metadata beside the file and advertises it with its digest (PEP 658).
    #[must_use]
    pub fn with_metadata(mut self, metadata: impl Into<Vec<u8>>) -> Self {
        let metadata = metadata.into();
        self.advertised.core_metadata =
            ClaimedMetadata::Digests(vec![("sha256".into(), hex(&Sha256::digest(&metadata)))]);
        self.metadata = Some(metadata);
        self
    }
}

/// PEP 792.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `active`, `archived`, `quarantined`, `deprecated`, or what a test wants to try.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
}

/// One project.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// In the order of the page.
    pub files: Vec<ServedFile>,
    /// Not said at all when absent.
    pub status: Option<Status>,
    /// Said in `meta._last-serial` and in an HTML comment.
    pub last_serial: Option<u64>,
    /// All versions, also those without files (PEP 700; JSON only); not said at all when absent.
    pub versions: Option<Vec<String>>,
    /// The name that JSON says, in place of the one in the path.
    pub shown_name: Option<String>,
    /// Sent at `/pypi/NAME/json`; 404 without it.
    pub document: Option<ProjectDocument>,
}

/// The JSON document of a project: who holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectDocument {
    /// Role and account, in order; no `ownership` at all when absent.
    pub roles: Option<Vec<(String, String)>>,
    /// The organisation that owns the project.
    pub organization: Option<String>,
    /// In place of the serial number of the page.
    pub last_serial: Option<u64>,
}

/// How project pages are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// JSON where it is asked for, else HTML.
    #[default]
    Negotiated,
    /// JSON always.
    Json,
    /// HTML always, also in answer to an `Accept` that wants JSON.
    Html,
}

/// How a path misbehaves.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// A status with a text, and `Retry-After` if given.
    Status {
        /// Code.
        code: u16,
        /// Value of `Retry-After`.
        retry_after: Option<String>,
    },
    /// Says the whole length, sends this many bytes of the body and closes.
    Truncated {
        /// Bytes sent.
        send: u64,
    },
    /// Sends no length, this many bytes of the body, and closes: only a known size shows that
    /// something is missing.
    ClosedEarly {
        /// Bytes sent.
        send: u64,
    },
    /// Says that the body has this length; a shorter body is followed by a close.
    DeclaredLength(u64),
    /// Other bytes of another type, with status 200.
    Replace {
        /// `Content-Type`.
        content_type: String,
        /// The bytes.
        body: Body,
    },
    /// Zeros without end (until the server stops), with a length of 2^60 or
    /// without one.
    Endless {
        /// Whether a length is declared.
        declared: bool,
    },
    /// The body, `bytes` at a time with a pause between.
    SlowDrip {
        /// Bytes at a time.
        bytes: usize,
        /// Pause.
        every: Duration,
    },
    /// Sends the head and then nothing until the peer goes away.
    Stall,
    /// A redirect.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        code: u16,
        /// `Location`; `{base}` stands for the server's own root URL.
        location: String,
    },
    /// An additional header, such as an evil `Content-Disposition`; combines with others.
    Header {
        /// Name.
        name: String,
        /// Value.
        value: String,
    },
    /// The body compressed, with `Content-Encoding: gzip`.
    Gzip,
    /// The connection is closed without an answer.
    Drop,
    /// Bytes that are not HTTP.
    Garbage,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) behaviour: Behaviour,
    /// How often it still applies; `None` is always.
    pub(super) left: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct BasicAuth {
    pub(super) prefix: String,
    pub(super) username: String,
    pub(super) password: String,
}

/// Everything that a server is to do.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// By normalised name.
    pub projects: BTreeMap<String, Project>,
    /// How pages are written.
    pub format: Format,
    /// Whether answers have an `ETag` and `If-None-Match` is honoured.
    pub etags: bool,
    /// Whether `Range` is honoured.
    pub ranges: bool,
    pub(super) others: BTreeMap<String, (String, Body)>,
    pub(super) rules: BTreeMap<String, Vec<Rule>>,
    pub(super) auth: Vec<BasicAuth>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            projects: BTreeMap::new(),
            format: Format::default(),
            etags: false,
            ranges: true,
            others: BTreeMap::new(),
            rules: BTreeMap::new(),
            auth: Vec::new(),
        }
    }
}

impl Scenario {
    /// An index without projects.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file to a project (by its normalised name).
    #[must_use]
    pub fn file(mut self, project: &str, file: ServedFile) -> Self {
        self.projects.entry(project.into()).or_default().files.push(file);
        self
    }

    /// Adds or changes a project.
    #[must_use]
    pub fn project(mut self, name: &str, change: impl FnOnce(&mut Project)) -> Self {
        change(self.projects.entry(name.into()).or_default());
        self
    }

    /// Sets a project's status (PEP 792).
    #[must_use]
    pub fn status(self, project: &str, status: &str, reason: Option<&str>) -> Self {
        self.project(project, |project| {
            project.status = Some(Status { status: status.into(), reason: reason.map(Into::into) });
        })
    }

    /// Gives an account a role on a project, in its JSON document.
    #[must_use]
    pub fn role(self, project: &str, role: &str, account: &str) -> Self {
        self.project(project, |project| {
            let document = project.document.get_or_insert_default();
            document.roles.get_or_insert_default().push((role.into(), account.into()));
        })
    }

    /// Sets how pages are written.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Turns `ETag`s on.
    #[must_use]
    pub fn with_etags(mut self) -> Self {
        self.etags = true;
        self
    }

    /// Turns ranges off.
    #[must_use]
    pub fn without_ranges(mut self) -> Self {
        self.ranges = false;
        self
    }

    /// Serves bytes at any other path (`/requirements.txt`).
    #[must_use]
    pub fn serve(mut self, path: &str, content_type: &str, body: impl Into<Body>) -> Self {
        self.others.insert(path.into(), (content_type.into(), body.into()));
        self
    }

    /// A path misbehaves always.
    #[must_use]
    pub fn on(self, path: &str, behaviour: Behaviour) -> Self {
        self.rule(path, behaviour, None)
    }

    /// A path misbehaves for the first requests that no earlier rule takes, and is well after.
    #[must_use]
    pub fn on_first(self, times: u32, path: &str, behaviour: Behaviour) -> Self {
        self.rule(path, behaviour, Some(times))
    }

    /// Paths below `prefix` ask for a user name and a password.
    #[must_use]
    pub fn basic_auth(mut self, prefix: &str, username: &str, password: &str) -> Self {
        self.auth.push(BasicAuth {
            prefix: prefix.into(),
            username: username.into(),
            password: password.into(),
        });
        self
    }

    fn rule(mut self, path: &str, behaviour: Behaviour, left: Option<u32>) -> Self {
        self.rules.entry(path.into()).or_default().push(Rule { behaviour, left });
        self
    }

    /// What applies to one request of a path: additional headers, and at most one other behaviour.
    pub(super) fn take_behaviours(&mut self, path: &str) -> Vec<Behaviour> {
        let mut taken = Vec::new();
        let mut exclusive = false;
        for rule in self.rules.get_mut(path).into_iter().flatten() {
            let additive = matches!(rule.behaviour, Behaviour::Header { .. });
            if rule.left == Some(0) || (exclusive && !additive) {
                continue;
            }
            exclusive |= !additive;
            if let Some(left) = &mut rule.left {
                *left -= 1;
            }
            taken.push(rule.behaviour.clone());
        }
        taken
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
