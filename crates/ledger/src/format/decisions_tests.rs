//! `ledger.toml`, `facts.toml` and `relations.toml`: what is read, what is written, and one mutation of
//! everything that is refused.

use super::*;
use crate::fact::Facts;
use crate::ledger::Ledger;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// A ledger with one of everything, as it is written.
fn everything() -> String {
    format!(
        r#"# What this team decided about reviews: whose count, what is asked for, and what passes without.
# People write this file; docs/ledger-format.md describes it.

[ledger]
version = 1
name = "example.org/team"
initialised = 2026-11-22
criteria = ["safe-to-deploy"]
maximum-age = "730 days"
unknown-roles = "refuse"

[[criteria]]
name = "crypto"
description = "a person who knows cryptography read it"
implies = ["safe-to-run"]

[[requirement]]
projects = ["acme-*", "pytest"]
criteria = ["safe-to-run"]
reason = "tests only"

[[key]]
author = "alice@example.org"
key = "openpgp:0123"
file = "keys/alice.asc"
accounts = ["alice"]
from = 2026-01-01
until = 2027-01-01

[[own-reviews]]
author = "alice@example.org"
projects = ["acme-web"]
reason = "we are two"

[[import]]
name = "acme"
url = "https://example.org/acme"
fetched = 2026-11-22
ledger = "sha256:{A}"
reviews = "sha256:{B}"
commits = "sha256:{A}"
exclude = ["flask"]

[import.criteria]
safe-to-deploy = ["crypto", "safe-to-run"]
theirs = []

[[import.key]]
author = "carol@example.org"
key = "carol+key"

[[exemption]]
project = "flask"
version = "3.0.1"
files = [
    "sha256:{A} flask-3.0.1.tar.gz",
]
criteria = ["safe-to-deploy"]
on = 2026-11-22
reason = "from before"

[[trusted]]
publisher = "github:pallets/flask/publish.yml"
projects = ["flask"]
criteria = ["safe-to-deploy"]
from = 2026-01-01
until = 2026-12-31
reason = "we know them"

[[violation]]
project = "flask"
version = "3.0.2"
files = [
    "sha256:{B} flask-3.0.2.tar.gz",
]
on = 2026-11-22
reason = "it phones home"
"#
    )
}

fn codes<T>(result: Result<T, Vec<countermark_packaging::lock::SourceError>>) -> Vec<&'static str> {
    result.err().unwrap_or_default().iter().map(|error| error.code).collect()
}

#[test]
fn a_ledger_with_everything_is_read_and_written_as_it_is() {
    let ledger = Ledger::parse("l", everything().as_bytes()).unwrap();
    assert_eq!(ledger.write(), everything());
    let place = &ledger.exemptions[0].place;
    assert_eq!(everything().lines().nth(place.line as usize - 1), Some("[[exemption]]"));
    assert_eq!(ledger.maximum_age_days, Some(730));
    assert!(!ledger.counts_unknown_roles);
    let weeks = everything().replace("730 days", "2 weeks");
    assert_eq!(Ledger::parse("l", weeks.as_bytes()).unwrap().maximum_age_days, Some(14));
}

#[test]
fn every_section_has_mutations_that_are_refused_at_their_place() {
    let head: &[(&str, &str, &str, &str)] = &[
        ("version = 1", "version = 2", "ledger-version", "version"),
        ("version = 1\n", "", "missing-key", "[ledger]"),
        ("name = \"example.org/team\"\n", "", "missing-key", "[ledger]"),
        ("initialised = 2026-11-22", "initialised = \"soon\"", "bad-date", "initialised"),
        ("criteria = [\"safe-to-deploy\"]\nmax", "criteria = []\nmax", "invalid-value", "criteria"),
        (
            "criteria = [\"safe-to-deploy\"]\nmax",
            "criteria = [\"safe\"]\nmax",
            "unknown-criterion",
            "criteria",
        ),
        ("730 days", "730", "invalid-value", "maximum-age"),
        ("730 days", "0 days", "invalid-value", "maximum-age"),
        ("\"refuse\"", "\"no\"", "unknown-word", "unknown-roles"),
        ("[ledger]", "[ledgers]", "unknown-key", "[ledgers]"),
        ("\"crypto\"\ndesc", "\"Crypto\"\ndesc", "bad-criterion", "name = \"Crypto\""),
        ("description = \"a person", "description = \"TODO a person", "placeholder", "description"),
        ("implies = [\"safe-to-run\"]", "implies = [\"nothing\"]", "unknown-criterion", "implies"),
        ("\"acme-*\"", "\"*\"", "bad-name", "projects"),
        ("\"acme-*\"", "\"PyTest\", \"acme-*\"", "listed-twice", "projects"),
        ("reason = \"tests only\"", "reason = \"\"", "invalid-value", "reason = \"\""),
    ];
    let rest: &[(&str, &str, &str, &str)] = &[
        ("key = \"openpgp:0123\"\n", "", "missing-key", "[[key]]"),
        ("key = \"openpgp:0123\"", "key = \"TODO\"", "placeholder", "key = \"TODO\""),
        ("\"keys/alice.asc\"", "\"/etc/passwd\"", "invalid-value", "file ="),
        ("\"keys/alice.asc\"", "\"keys/../../x\"", "invalid-value", "file ="),
        ("until = 2027-01-01", "until = 2025-01-01", "date-order", "until = 2025"),
        ("projects = [\"acme-web\"]\n", "", "missing-key", "[[own-reviews]]"),
        ("name = \"acme\"", "name = \"../acme\"", "invalid-value", "name = \"../acme\""),
        ("name = \"acme\"", "name = \".acme\"", "invalid-value", "name = \".acme\""),
        ("name = \"acme\"", "name = \"a/b\"", "invalid-value", "name = \"a/b\""),
        ("ledger = \"sha256:", "ledger = \"sha512:", "invalid-value", "ledger = \"sha512"),
        (
            "safe-to-deploy = [\"crypto\"",
            "safe-to-deploy = [\"gone\"",
            "unknown-criterion",
            "safe-to-deploy = [\"gone",
        ),
        ("theirs = []", "Theirs = []", "bad-criterion", "Theirs"),
        ("author = \"carol@example.org\"\n", "", "missing-key", "[[import.key]]"),
        (
            "project = \"flask\"\nversion = \"3.0.1\"",
            "project = \"Flask\"\nversion = \"3.0.1\"",
            "not-normal",
            "project = \"Flask\"",
        ),
        ("version = \"3.0.1\"", "version = \"3.0.1.RC1\"", "not-normal", "version = \"3.0.1.RC1\""),
        ("flask-3.0.1.tar.gz", "a b.tar.gz", "bad-file", "a b"),
        ("reason = \"from before\"", "reason = \"TODO\"", "placeholder", "reason = \"TODO\""),
        ("github:pallets/flask/publish.yml", "github:pallets/*", "invalid-value", "publisher"),
        ("until = 2026-12-31\n", "", "missing-key", "[[trusted]]"),
        ("reason = \"it phones home\"\n", "", "missing-key", "[[violation]]"),
        ("[[violation]]", "[[violations]]", "unknown-key", "[[violations]]"),
        ("[[exemption]]", "[exemption]", "invalid-value", "[exemption]"),
    ];
    for (from, to, code, shown) in head.iter().chain(rest) {
        let text = everything().replacen(from, to, 1);
        assert_ne!(text, everything(), "{from}");
        let errors = Ledger::parse("l", text.as_bytes()).err().unwrap_or_default();
        let error = errors.iter().find(|error| error.code == *code);
        let Some(error) = error else { panic!("{from} -> {to}: {errors:?}") };
        let line = text.lines().nth(error.place.line as usize - 1).unwrap();
        // A missing `[ledger]` belongs to the file.
        assert!(line.contains(shown) || *shown == "[ledgers]", "{from}: line {line:?}, {errors:?}");
    }
}

#[test]
fn two_of_one_name_are_refused() {
    let twice = |section: &str, change: (&str, &str)| {
        let all = everything();
        let start = all.find(section).unwrap();
        let end = all[start + 2..].find("\n[[").map_or(all.len(), |end| start + 2 + end);
        let block = all[start..end].replace(change.0, change.1);
        codes(Ledger::parse("l", format!("{all}\n{block}").as_bytes()))
    };
    assert_eq!(twice("[[key]]", ("alice@", "bob@")), ["listed-twice"], "one key of two authors");
    assert_eq!(twice("[[criteria]]", ("", "")), ["listed-twice"]);
    assert_eq!(twice("[[import]]", ("\"acme\"", "\"ACME\"")), ["listed-twice"]);
    assert_eq!(codes(Ledger::parse("l", b"")), ["missing-key"]);
}

#[test]
fn a_ledger_of_very_many_sections_is_read_or_refused_soon() {
    let head = "[ledger]\nversion = 1\nname = \"n\"\ninitialised = 2026-11-22\ncriteria = [\"safe-to-run\"]\n";
    let many = |count: usize, section: &dyn Fn(usize) -> String| {
        let sections: String = (0..count).map(section).collect();
        codes(Ledger::parse("l", format!("{head}{sections}").as_bytes()))
    };
    let chain = |at: usize| {
        format!(
            "[[criteria]]\nname = \"c{at}\"\ndescription = \"d\"\nimplies = [\"c{}\"]\n",
            (at + 1) % 65
        )
    };
    let found = many(65, &chain);
    assert!(found.contains(&"too-large"), "{found:?}");
    let circle = |at: usize| chain(at).replace("\"c64\"", "\"c0\"");
    assert_eq!(many(64, &circle), [""; 0]);
    assert_eq!(many(20_000, &|at| format!("[[key]]\nauthor = \"a\"\nkey = \"{at}\"\n")), [""; 0]);
    assert_eq!(many(20_000, &|at| format!("[[import]]\nname = \"a{at}\"\nurl = \"u\"\n")), [""; 0]);
}

fn facts() -> String {
    format!(
        r#"# What was seen of releases at the index and in their files.
# Written by `countermark vet facts` and `countermark update`; docs/ledger-format.md describes it.

[[roles]]
project = "flask"
accounts = ["alice", "bob"]
on = 2026-11-22

[[file]]
project = "flask"
version = "3.0.1"
file = "sha256:{A} flask-3.0.1.tar.gz"
uploaded = 2026-11-20
publisher = "github:pallets/flask/publish.yml"
before = "sha256:{B} flask-3.0.0.tar.gz"
publisher-before = "github:pallets/flask/publish.yml"
adds = ["a.pth", "b.so"]
"#
    )
}

fn relations() -> String {
    format!(
        r#"# What files of one release share, so that a review of one may cover another.
# Written by `countermark vet relate`; docs/ledger-format.md describes it.

[[relation]]
project = "flask"
version = "3.0.1"
from = "sha256:{A} flask-3.0.1.tar.gz"
to = "sha256:{B} flask-3.0.1-py3-none-any.whl"
same = 24
permitted = ["flask-3.0.1.dist-info/METADATA"]
compiled = []
unexplained = []
"#
    )
}

#[test]
fn what_machines_write_is_read_and_written_as_it_is() {
    assert_eq!(Facts::parse("f", facts().as_bytes()).unwrap().write(), facts());
    assert_eq!(Relations::parse("r", relations().as_bytes()).unwrap().write(), relations());
    assert_eq!(Facts::parse("f", b"").unwrap(), Facts::default());
}

#[test]
fn mutations_of_facts_and_relations_are_refused() {
    let cases: &[(&str, &str, &str)] = &[
        ("accounts = [\"alice\", \"bob\"]\n", "", "missing-key"),
        ("\"bob\"", "\"alice\"", "listed-twice"),
        ("\"bob\"", "7", "invalid-value"),
        ("on = 2026-11-22", "on = 20", "bad-date"),
        ("adds = [\"a.pth\", \"b.so\"]\n", "", "missing-key"),
        ("before = \"sha256", "before = \"md5", "bad-file"),
        ("[[file]]", "[[files]]", "unknown-key"),
        ("publisher = \"github", "publisher = \"\\u0001github", "control-character"),
    ];
    for (from, to, code) in cases {
        let text = facts().replacen(from, to, 1);
        assert_eq!(codes(Facts::parse("f", text.as_bytes())), [*code], "{from}");
    }
    let block = &facts()[facts().find("[[file]]").unwrap()..];
    let again = format!("{}\n{block}", facts());
    let errors = Facts::parse("f", again.as_bytes()).unwrap_err();
    assert_eq!((errors[0].code, errors[0].place.line), ("listed-twice", 19));
    let cases: &[(&str, &str, &str)] = &[
        ("same = 24", "same = -1", "invalid-value"),
        ("same = 24\n", "", "missing-key"),
        (B, A, "invalid-value"),
        ("compiled = []", "compiled = \"x\"", "invalid-value"),
        ("unexplained = []\n", "", "missing-key"),
    ];
    for (from, to, code) in cases {
        let text = relations().replacen(from, to, 1);
        assert_eq!(codes(Relations::parse("r", text.as_bytes())), [*code], "{from}");
    }
    let block = &relations()[relations().find("[[relation]]").unwrap()..];
    let errors = Relations::parse("r", format!("{}\n{block}", relations()).as_bytes()).unwrap_err();
    assert_eq!((errors[0].code, errors[0].place.line), ("listed-twice", 14));
}
