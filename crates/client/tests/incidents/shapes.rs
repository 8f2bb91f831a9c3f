//! The sixteen incidents as packages of the same shape. Nothing in them does anything.
//!
//! Where public reports do not tell the files, the shape is the one that is hardest to stop: changed
//! lines in a module that was there, without an encoded line.

/// A file of a release.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// How a release is shipped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Wheel,
    Sdist,
}

/// Who published the release that was pinned and the one that came, as far as an index can say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// Both by the project's own workflow.
    ByWorkflow,
    /// The first one by the workflow, the second without provenance.
    Lost,
    /// Both without provenance.
    Never,
}

/// One incident.
pub(crate) struct Shape {
    /// As the page shows it.
    pub(crate) title: &'static str,
    pub(crate) project: &'static str,
    /// Minutes for which the release could be had.
    pub(crate) minutes: i64,
    /// What was replayed, for the page.
    pub(crate) replayed: &'static str,
    /// The release that was pinned; none at first use.
    pub(crate) before: Option<Files>,
    pub(crate) after: Files,
    pub(crate) form: Form,
    /// A private index has a project of the same name.
    pub(crate) is_private_too: bool,
    /// Another project that the release begins to require, whose source package runs.
    pub(crate) brings: Option<&'static str>,
    pub(crate) published: Published,
    /// Why it is replayed so, where reports do not say it.
    pub(crate) assumed: Option<&'static str>,
}

/// Where nothing is known: the case that is hardest to stop.
const HARDEST: &str = "nothing is known of its provenance; replayed as if the project's own workflow had \
                       published both releases, which is hardest to stop";

/// Where a token or an account was used.
const UPLOADED: &str = "whether earlier releases had provenance is not known; replayed as if they had, so \
                        that there was somebody to trust. The release came by a stolen token or account, \
                        and so without provenance";

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

fn module(body: &str) -> Vec<u8> {
    format!("import os\n\n\ndef pour():\n    return os.name\n{body}").into_bytes()
}

/// A payload in plain lines.
fn plain() -> Vec<u8> {
    module(
        "\n\ndef _check(text):\n    # fetches and runs something\n    return text\n\n\n_check('x')\n",
    )
}

/// A payload in one line of encoded text.
fn encoded(count: usize) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text: String = (0..count)
        .map(|position| char::from(alphabet[(position * position * 7 + position * 13) % 64]))
        .collect();
    module(&format!("\n\nDATA = '{text}'\n"))
}

/// A program in one long line.
fn obfuscated() -> Vec<u8> {
    "const _0x1=['a','b'];(function(x,y){return x(y)})(_0x1,0);".repeat(2000).into_bytes()
}

fn native(byte: u8) -> Vec<u8> {
    [b"\x7fELF\x02\x01\x01\0", [byte; 400].as_slice()].concat()
}

fn files(list: &[(&str, Vec<u8>)]) -> Files {
    list.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.clone())).collect()
}

fn base() -> Shape {
    Shape {
        title: "",
        project: "",
        minutes: 0,
        replayed: "",
        before: Some(files(&[("tea/__init__.py", b"".to_vec()), ("tea/core.py", module(""))])),
        after: files(&[("tea/__init__.py", b"".to_vec()), ("tea/core.py", plain())]),
        form: Form::Wheel,
        is_private_too: false,
        brings: None,
        published: Published::ByWorkflow,
        assumed: Some(HARDEST),
    }
}

/// The files of [`base`] with these instead or besides.
fn with(list: &[(&str, Vec<u8>)]) -> Files {
    let mut all = base().before.unwrap_or_default();
    for (path, bytes) in list {
        all.retain(|(known, _)| known != path);
        all.push(((*path).to_owned(), bytes.clone()));
    }
    all
}

pub(crate) fn all() -> Vec<Shape> {
    vec![
        Shape {
            title: "torchtriton, Dec 2022",
            project: "torchtriton",
            minutes: 5 * DAY,
            replayed: "a name of a private index, taken on the public one; machine code; first use",
            before: None,
            after: with(&[("tea/runtime/run", native(1))]),
            is_private_too: true,
            published: Published::Never,
            assumed: None,
            ..base()
        },
        Shape {
            title: "ultralytics 1, Dec 2024",
            project: "ultralytics",
            minutes: 12 * HOUR,
            replayed: "lines in a module, built and attested by the project's own workflow",
            published: Published::ByWorkflow,
            assumed: None,
            ..base()
        },
        Shape {
            title: "ultralytics 2, Dec 2024",
            project: "ultralytics",
            minutes: HOUR,
            replayed: "lines in a module, uploaded with an old token",
            published: Published::Lost,
            assumed: None,
            ..base()
        },
        Shape {
            title: "num2words, Jul 2025",
            project: "num2words",
            minutes: 11 * HOUR,
            replayed: "lines in a module",
            published: Published::Lost,
            assumed: Some(UPLOADED),
            ..base()
        },
        Shape {
            title: "bittensor-wallet, Mar 2026",
            project: "bittensor-wallet",
            minutes: DAY,
            replayed: "inside a compiled module that was there before",
            before: Some(with(&[("tea/_core.abi3.so", native(1))])),
            after: with(&[("tea/_core.abi3.so", native(2))]),
            ..base()
        },
        Shape {
            title: "litellm, Mar 2026",
            project: "litellm",
            minutes: 2 * HOUR + 32,
            replayed: "an encoded line in a module, and a `.pth` file",
            after: with(&[
                ("tea/core.py", encoded(34_000)),
                ("tea_init.pth", b"import tea.core\n".to_vec()),
            ]),
            published: Published::Never,
            assumed: None,
            ..base()
        },
        Shape {
            title: "telnyx, Mar 2026",
            project: "telnyx",
            minutes: 3 * HOUR + 42,
            replayed: "an encoded line in a module; the rest comes later as a sound file",
            after: with(&[("tea/core.py", encoded(4000))]),
            published: Published::Never,
            assumed: None,
            ..base()
        },
        Shape {
            title: "elementary-data, Apr 2026",
            project: "elementary-data",
            minutes: 8 * HOUR,
            replayed: "a `.pth` file",
            after: with(&[("tea.pth", b"import tea.core\n".to_vec())]),
            published: Published::ByWorkflow,
            assumed: Some(
                "whether it had provenance is not known; the release came out of the project's own CI, and is \
                 replayed as if its workflow had published both",
            ),
            ..base()
        },
        Shape {
            title: "lightning, Apr 2026",
            project: "lightning",
            minutes: 10 * HOUR,
            replayed: "lines in a module that start a large obfuscated program beside it",
            after: with(&[
                ("tea/__init__.py", plain()),
                ("tea/_runtime/router_runtime.js", obfuscated()),
            ]),
            published: Published::Lost,
            assumed: Some(UPLOADED),
            ..base()
        },
        Shape {
            title: "mistralai, guardrails-ai, May 2026",
            project: "mistralai",
            minutes: 6 * HOUR,
            replayed: "lines in a module that fetch a program",
            ..base()
        },
        Shape {
            title: "durabletask, May 2026",
            project: "durabletask",
            minutes: 3 * HOUR,
            replayed: "three releases in 35 minutes, lines in a module that fetch a program",
            published: Published::Lost,
            assumed: Some(UPLOADED),
            ..base()
        },
        Shape {
            title: "Hades, Jun 2026",
            project: "kettle-tools",
            minutes: 12 * HOUR,
            replayed: "a `*-setup.pth` file",
            after: with(&[("tea-setup.pth", b"import tea.core\n".to_vec())]),
            ..base()
        },
        Shape {
            title: "nx (npm), Aug 2025",
            project: "nx-like",
            minutes: 5 * HOUR,
            replayed: "a script that runs at installation: here a source package",
            after: with(&[("setup.py", plain()), ("telemetry.py", plain())]),
            form: Form::Sdist,
            published: Published::Lost,
            assumed: None,
            ..base()
        },
        Shape {
            title: "TanStack (npm), May 2026",
            project: "router-like",
            minutes: 26,
            replayed: "an obfuscated program beside the package, and a new dependency; attested",
            after: with(&[("tea/router_init.js", obfuscated())]),
            brings: Some("router-setup-like"),
            published: Published::ByWorkflow,
            assumed: None,
            ..base()
        },
        Shape {
            title: "axios (npm), Mar 2026",
            project: "axios-like",
            minutes: 3 * HOUR,
            replayed: "nothing but a new dependency, whose source package runs at installation",
            after: with(&[]),
            brings: Some("plain-crypto-like"),
            ..base()
        },
        Shape {
            title: "xrpl (npm), Apr 2025",
            project: "xrpl-like",
            minutes: 17 * HOUR,
            replayed: "lines in a module that send keys away",
            published: Published::Lost,
            assumed: Some(UPLOADED),
            ..base()
        },
    ]
}
