//! Files that somebody else wrote: each is refused with its place and its reason, or read as it is meant.

use std::fmt::Write as _;

use super::*;
use crate::fact::Facts;
use crate::ledger::Ledger;
use crate::statement::{StatementId, statement};

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

type Codes = Vec<(&'static str, u32)>;

fn codes<T>(result: Result<T, Vec<countermark_packaging::lock::SourceError>>) -> Codes {
    let errors = result.err().unwrap_or_default();
    errors.iter().map(|error| (error.code, error.place.line)).collect()
}

fn reviews(bytes: impl Into<Vec<u8>>) -> Codes {
    codes(ReviewFile::parse("reviews.toml", bytes))
}

/// A block, from line 3 of the file on.
fn good() -> String {
    format!(
        "# head\n\n[[review]]\nproject = \"flask\"\nversion = \"3.0.1\"\nfiles = [\n    \
         \"sha256:{A} flask-3.0.1-py3-none-any.whl\",\n    \"sha256:{B} flask-3.0.1.tar.gz\",\n]\n\
         criteria = [\"safe-to-run\"]\nhow = \"delta\"\nfrom = \"3.0.0\"\nfrom-files = [\n    \
         \"sha256:{A} flask-3.0.0.tar.gz\",\n]\nauthor = \"alice@example.org\"\non = 2026-11-22\n\
         until = 2027-11-22\nnotes = \"read\"\nsignature = \"ed25519 00000000 AAAA\"\n"
    )
}

/// What is replaced by what, and what is said of it at which line.
type Case = (&'static str, &'static str, &'static [(&'static str, u32)]);

#[test]
fn every_part_of_a_review_has_a_mutation_that_is_refused() {
    assert_eq!(reviews(good()), []);
    let zeroes = "0".repeat(64);
    let cases: &[Case] = &[
        ("project = \"flask\"\n", "", &[("missing-key", 3)]),
        ("\"flask\"", "\"Flask\"", &[("not-normal", 4)]),
        ("\"flask\"", "\"fl ask\"", &[("bad-name", 4)]),
        (
            "\"flask\"",
            "\"django\"",
            &[("other-release", 7), ("other-release", 8), ("other-release", 14)],
        ),
        ("version = \"3.0.1\"\n", "", &[("missing-key", 3)]),
        ("version = \"3.0.1\"", "version = \"v3.0.1\"", &[("not-normal", 5)]),
        ("version = \"3.0.1\"", "version = \"three\"", &[("invalid-value", 5)]),
        (
            "version = \"3.0.1\"",
            "version = \"3.0.2\"",
            &[("other-release", 7), ("other-release", 8)],
        ),
        ("version = \"3.0.1\"", "version = 3", &[("invalid-value", 5)]),
        ("flask-3.0.1.tar.gz", "flask-3.0.1.exe", &[("other-release", 8)]),
        ("flask-3.0.1.tar.gz", "../flask-3.0.1.tar.gz", &[("bad-file", 8)]),
        ("flask-3.0.1.tar.gz", "flask-3.0.1-py3-none-any.whl", &[("file-contradiction", 8)]),
        (B, A, &[("file-contradiction", 8)]),
        ("flask-3.0.1-py3-none-any.whl", "Flask-3.0.1.tar.gz", &[("file-contradiction", 8)]),
        (B, "BBBB", &[("bad-file", 8)]),
        ("sha256:b", "sha512:b", &[("bad-file", 8)]),
        ("\"sha256:b", "\"\\u0073ha256:b", &[("text-form", 8)]),
        ("[\"safe-to-run\"]", "[]", &[("invalid-value", 10)]),
        ("[\"safe-to-run\"]", "\"safe-to-run\"", &[("invalid-value", 10)]),
        ("[\"safe-to-run\"]", "[\"Safe\"]", &[("bad-criterion", 10)]),
        ("[\"safe-to-run\"]", "[\"a\", \"a\"]", &[("listed-twice", 10)]),
        ("how = \"delta\"\n", "", &[("missing-key", 3)]),
        ("\"delta\"", "\"diff\"", &[("unknown-word", 11)]),
        ("\"delta\"", "\"full\"", &[("invalid-value", 12), ("invalid-value", 13)]),
        ("from = \"3.0.0\"\n", "", &[("missing-key", 3)]),
        ("from = \"3.0.0\"", "from = \"2.0.0\"", &[("other-release", 14)]),
        ("\"alice@example.org\"", "\"alice \u{430}@example.org\"", &[("bad-author", 16)]),
        ("\"alice@example.org\"", "\" alice\"", &[("bad-author", 16)]),
        ("\"alice@example.org\"", "\"alice\\nbob\"", &[("bad-author", 16)]),
        ("on = 2026-11-22", "on = 2026-02-30", &[("bad-date", 17)]),
        ("on = 2026-11-22", "on = 2026-11-22T10:00:00Z", &[("bad-date", 17)]),
        ("until = 2027", "until = 2025", &[("date-order", 18)]),
        ("\"read\"", "\"\"\"read\"\"\"", &[("text-form", 19)]),
        ("\"read\"", "'''read'''", &[("text-form", 19)]),
        ("\"read\"", "\"re\u{202e}ad\"", &[("control-character", 19)]),
        ("\"read\"", "\"re\\u0007ad\"", &[("control-character", 19)]),
        ("\"read\"", "\"read\" # all of it", &[("lost-comment", 19)]),
        ("notes = ", "# why\nnotes = ", &[("lost-comment", 19)]),
        ("notes = ", "note = ", &[("unknown-key", 19)]),
        ("notes = \"read\"", "notes = \"read", &[("syntax", 19)]),
        ("notes = \"read\"", "notes = \"read\"\nnotes = \"two\"", &[("syntax", 20)]),
        ("[[review]]", "[[review]] ", &[("syntax", 3)]),
        ("[[review]]", "[[ review ]]", &[("syntax", 3)]),
        ("[[review]]", "[review]", &[("syntax", 3)]),
        ("# head", "title = 1", &[("outside-a-block", 1)]),
        ("# head", "# he\u{7}ad", &[("control-character", 1)]),
        ("signature = ", "[other]\nsignature = ", &[("outside-a-block", 20)]),
        ("\n\n[[review]]", "\n\n<<<<<<< ours\n[[review]]", &[("merge-conflict", 3)]),
        ("how = \"delta\"\n", "how = \"delta\"\r\n", &[("line-end", 11)]),
    ];
    for (from, to, expect) in cases {
        let text = good().replacen(from, to, 1);
        assert_ne!(text, good(), "{from}");
        let found = reviews(text.clone());
        let first: Vec<_> = found.iter().copied().take(expect.len()).collect();
        assert_eq!(first, *expect, "{from} -> {to}: {found:?}");
    }
    assert_eq!(zeroes.len(), 64);
}

#[test]
fn a_review_that_stands_twice_is_refused_where_it_stands_again() {
    let block = &good()[good().find("[[").unwrap()..];
    assert_eq!(reviews(format!("{}\n{block}", good())), [("duplicate-review", 22)]);
    // Another signature does not make another review; one more word does.
    let signed = block.replace("AAAA", "BBBB");
    assert_eq!(reviews(format!("{}\n{signed}", good())), [("duplicate-review", 22)]);
    let more = block.replace("\"read\"", "\"read again\"");
    assert_eq!(reviews(format!("{}\n{more}", good())), []);
}

#[test]
fn a_text_cannot_hide_a_block_or_pass_for_one() {
    // Inside of a text over several lines a block would be seen by one reader and not by another.
    let hiding = format!("[[review]]\nnotes = \"\"\"\n{}\"\"\"\n", &good()[8..]);
    let found = reviews(hiding);
    assert!(found.contains(&("text-form", 2)), "{found:?}");
    // Two tables in one block: the second has no line of its own.
    let two = good().replace("signature = ", " [[review]]\nsignature = ");
    assert!(reviews(two).iter().any(|(code, _)| *code == "syntax"));
    let inline = "review = [{ project = \"a\" }]\n";
    assert_eq!(reviews(inline), [("outside-a-block", 1)]);
}

#[test]
fn bytes_that_are_no_text_and_too_many_of_them() {
    let mut bytes = good().into_bytes();
    bytes[30] = 0xff;
    assert_eq!(reviews(bytes), [("encoding", 4)]);
    assert_eq!(reviews([0xff, 0xfe, 0, 0]), [("encoding", 1)]);
    assert_eq!(reviews("\u{feff}# head\n"), [], "a byte order mark is nothing");
    let big = vec![b'\n'; limits::REVIEWS + 1];
    assert_eq!(reviews(big), [("too-large", 1)]);
    let block = good().replace("\"read\"", &format!("\"{}\"", "x".repeat(limits::NOTES + 1)));
    assert_eq!(reviews(block), [("too-large", 19)]);
    let block = good().replace("\"read\"", &format!("\"{}\"", "x".repeat(limits::BLOCK)));
    assert_eq!(reviews(block), [("too-large", 3)]);
    let mut files = String::new();
    for number in 0..=limits::FILES {
        let _ =
            write!(files, "\"sha256:{number:064x} flask-3.0.1-{number}-py3-none-any.whl\",\n    ");
    }
    let block = good().replace("files = [\n    ", &format!("files = [\n    {files}"));
    assert_eq!(reviews(block)[0], ("too-large", 6));
}

#[test]
fn a_million_blocks_and_deep_nests_end_soon() {
    let found = reviews("[[review]]\n".repeat(100_000));
    assert_eq!(found.len(), countermark_packaging::table::MOST_MISTAKES + 1);
    assert_eq!(found.last().unwrap().0, "too-large");
    let many = "[[review]]\n".repeat(limits::BLOCKS + 1);
    assert_eq!(reviews(many), [("too-large", u32::try_from(limits::BLOCKS).unwrap() + 1)]);
    let deep = format!("[[review]]\nnotes = {}\n", "[".repeat(100_000));
    assert!(!reviews(deep.clone()).is_empty());
    let deep = deep.replace("[[review]]", "[ledger]");
    assert!(!codes(Ledger::parse("l", deep.as_bytes())).is_empty());
    assert!(!codes(Facts::parse("f", deep.as_bytes())).is_empty());
    let dotted = format!("[{}]\n", vec!["a"; 100_000].join("."));
    assert!(!codes(Relations::parse("r", dotted.as_bytes())).is_empty());
}

#[test]
fn conflicts_say_what_to_run_and_nothing_else() {
    let text = format!("<<<<<<< HEAD\n{}=======\n{}>>>>>>> other\n", good(), good());
    let errors = ReviewFile::parse("reviews.toml", text.clone()).unwrap_err();
    assert_eq!(
        codes::<()>(Err(errors.clone())),
        [("merge-conflict", 1), ("merge-conflict", 22), ("merge-conflict", 43)]
    );
    assert_eq!(errors[0].hint.as_deref(), Some("run `countermark vet merge`"));
    for found in [
        codes(Ledger::parse("l", text.as_bytes())),
        codes(Facts::parse("f", text.as_bytes())),
        codes(Relations::parse("r", text.as_bytes())),
    ] {
        assert_eq!(found[0], ("merge-conflict", 1));
    }
    // Lines of a comment that look a little like it are none.
    assert_eq!(reviews(format!("# ========\n#======= a\n{}", good())), []);
}

#[test]
fn what_was_recorded_is_opened_and_asked_block_by_block() {
    let digest = |text: &str| {
        use sha2::Digest as _;
        countermark_packaging::digest::Sha256(sha2::Sha256::digest(text.as_bytes()).into())
    };
    let of = |hex: &str| countermark_packaging::digest::Sha256::parse_hex(hex).unwrap();
    let file = ReviewFile::open("f", good(), &digest(&good())).unwrap();
    assert_eq!(file.covering(&of(A))[0].place.line, 3);
    assert_eq!(file.covering(&of(B)).len(), 1);
    assert_eq!(file.covering(&of(&"c".repeat(64))), []);
    // A digest that only the other side of a difference has is not covered.
    let other =
        good().replace(&format!("{A} flask-3.0.0"), &format!("{} flask-3.0.0", "c".repeat(64)));
    let file = ReviewFile::open("f", other.clone(), &digest(&other)).unwrap();
    assert_eq!(file.covering(&of(&"c".repeat(64))), []);
    let error = ReviewFile::open("f", format!("{}\n", good()), &digest(&good())).unwrap_err();
    assert_eq!(error.code, "import-changed-on-disk");
    assert!(error.message.contains(&digest(&good()).hex()));
    // A block that cannot be read supports nothing, and is said at its place in the whole file.
    let broken = format!("{}\n{}", good(), &good()[8..].replace("\"read\"", "read"));
    let file = ReviewFile::open("f", broken.clone(), &digest(&broken)).unwrap();
    assert_eq!((file.len(), file.covering(&of(A)).len(), file.iter().count()), (2, 1, 1));
    let errors = file.unreadable(&of(A));
    assert_eq!((errors[0].code, errors[0].place.line), ("syntax", 38));
    assert_eq!(&broken[errors[0].place.span.start..][..4], "read");
}

#[test]
fn a_statement_is_frozen() {
    let entry = ReviewFile::parse("f", good()).unwrap().iter().next().unwrap();
    let expect = format!(
        "countermark.review/v1\nproject flask\nversion 3.0.1\n\
         file sha256:{A} flask-3.0.1-py3-none-any.whl\nfile sha256:{B} flask-3.0.1.tar.gz\n\
         criterion safe-to-run\nhow delta 3.0.0\nfrom sha256:{A} flask-3.0.0.tar.gz\n\
         author alice@example.org\non 2026-11-22\nuntil 2027-11-22\nnotes \"read\"\n"
    );
    assert_eq!(statement(&entry.review), expect);
    assert_eq!(entry.id, StatementId::of_text(&expect));
    let mut other = entry.review.clone();
    other.files.reverse();
    other.signature = None;
    assert_eq!(StatementId::of(&other), entry.id, "neither order nor signature is part of it");
    let notes = ["", "a\nfile sha256:0 x", "\"", "\\n", "\n"];
    let ids: std::collections::BTreeSet<_> = notes
        .map(|notes| {
            let review = crate::review::Review { notes: notes.to_owned(), ..entry.review.clone() };
            assert_eq!(statement(&review).lines().count(), 12);
            StatementId::of(&review)
        })
        .into();
    assert_eq!(ids.len(), notes.len(), "other words, other name");
}
