use super::*;
use crate::fact::Facts;
use crate::ledger::Ledger;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn codes<T: std::fmt::Debug>(
    result: Result<T, Vec<countermark_packaging::lock::SourceError>>,
) -> Vec<(&'static str, u32)> {
    result.unwrap_err().iter().map(|error| (error.code, error.place.line)).collect()
}

/// One review of every kind, as it is written.
fn reviews() -> String {
    format!(
        r#"# Reviews of files by their digest. One review is one block; blocks are sorted.
# Written by `countermark vet certify`; docs/ledger-format.md describes it.

[[review]]
project = "flask"
version = "3.0.1"
files = [
    "sha256:{A} flask-3.0.1-py3-none-any.whl",
    "sha256:{B} flask-3.0.1.tar.gz",
]
criteria = ["safe-to-deploy", "safe-to-run"]
how = "full"
author = "alice@example.org"
on = 2026-11-22
until = 2027-11-22
notes = "read \"all\" of it\nbut C:\\ paths\ttoo"
signature = "ed25519 00000000 AAAA"

[[review]]
project = "flask"
version = "3.0.2"
files = [
    "sha256:{B} flask-3.0.2.tar.gz",
]
criteria = ["safe-to-run"]
how = "delta"
from = "3.0.1"
from-files = [
    "sha256:{A} flask-3.0.1.tar.gz",
]
author = "bob@example.org"
on = 2026-11-22

[[review]]
project = "numpy"
version = "2.0.0"
files = [
    "sha256:{A} numpy-2.0.0-cp313-cp313-manylinux_2_17_x86_64.whl",
]
criteria = ["safe-to-run"]
how = "compiled"
author = "bob@example.org"
on = 2026-11-22
"#
    )
}

#[test]
fn a_canonical_file_is_read_and_written_as_it_is() {
    let text = reviews();
    let file = ReviewFile::parse("reviews.toml", text.as_str()).unwrap();
    assert_eq!(file.len(), 3);
    let entries: Vec<Entry> = file.iter().collect();
    assert_eq!(write(entries.iter().map(|entry| &entry.review)), text);
    assert_eq!(entries[1].place.line, 19);
    assert_eq!(&text[entries[1].place.span.clone()], "[[review]]");
    assert_eq!(entries[0].review.notes, "read \"all\" of it\nbut C:\\ paths\ttoo");
}

#[test]
fn the_ledger_too() {
    let text = format!(
        r#"[ledger]
version = 1
name = "example.org/team"
initialised = 2026-11-22
criteria = ["safe-to-deploy"]

[[violation]]
project = "flask"
files = ["sha256:{A} flask-3.0.1.tar.gz"]
on = 2026-11-22
reason = "bad"
"#
    );
    let ledger = Ledger::parse("ledger.toml", text.as_bytes()).unwrap();
    let again = Ledger::parse("ledger.toml", ledger.write().as_bytes()).unwrap();
    assert_eq!(again.write(), ledger.write());
    assert_eq!(codes(Facts::parse("f", b"x = 1\n")), [("unknown-key", 1)]);
    assert_eq!(Relations::parse("r", b"").unwrap(), Relations::default());
}
