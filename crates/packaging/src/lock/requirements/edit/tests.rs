use super::*;
use crate::digest::{Algorithm, Sha256};

const PEEP: &str = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo";

fn digest(byte: u8) -> Digest {
    Sha256([byte; 32]).into()
}

fn document(text: &str) -> Document {
    Document::parse("f", text.as_bytes()).unwrap()
}

fn shorten(bytes: &[u8]) -> String {
    let mut text = String::from_utf8(bytes.to_vec()).unwrap();
    for (byte, name) in [(0xaa, "A"), (0xbb, "B")] {
        text = text.replace(&digest(byte).to_string(), name);
    }
    text
}

/// Adds the digests A and B to the first entry.
fn check_added(text: &str, expect: &str) {
    let text = text.replace("=A", &format!("={}", digest(0xaa))).replace("$PEEP", PEEP);
    let added = document(&text).with_digests(&[(0, vec![digest(0xaa)]), (0, vec![digest(0xbb)])]);
    assert_eq!(shorten(&added), expect, "{text}");
    // What was written has the digests, and adding them again changes nothing.
    let again = Document::parse("f", &added).unwrap();
    assert_eq!(again.errors(), []);
    assert!(again.entries()[0].digests.contains(&digest(0xbb)));
    assert_eq!(again.with_digests(&[(0, vec![digest(0xaa), digest(0xbb)])]), added);
}

#[test]
fn digests_are_added_behind_what_is_there() {
    check_added("a==1", "a==1 \\\n    --hash=A \\\n    --hash=B");
    check_added("# x\na==1\nb\n", "# x\na==1 \\\n    --hash=A \\\n    --hash=B\nb\n");
    check_added("a==1\r\n", "a==1 \\\r\n    --hash=A \\\r\n    --hash=B\r\n");
    check_added("\ra==1", "\ra==1 \\\r    --hash=A \\\r    --hash=B");
    check_added("a==1  # why\nb", "a==1 \\\n    --hash=A \\\n    --hash=B  # why\nb");
    check_added(
        "a==1 \\\n  --hash=A\n    # via b\n",
        "a==1 \\\n  --hash=A \\\n    --hash=B\n    # via b\n",
    );
    check_added("a==1 --hash=A \\\n\nb", "a==1 --hash=A \\\n    --hash=B \\\n\nb");
    check_added(
        "a==1 ; os_name=='${X}'  \n",
        "a==1 ; os_name=='${X}' \\\n    --hash=A \\\n    --hash=B  \n",
    );
    check_added("# sha256: $PEEP\na==1\n", "a==1 \\\n    --hash=A \\\n    --hash=B\n");
}

#[test]
fn the_encoding_stays() {
    let bytes = Encoding::Utf16Little.encode("a==1 # é").unwrap();
    let added = Document::parse("f", &bytes).unwrap().with_digests(&[(0, vec![digest(0xaa)])]);
    let text = format!("a==1 \\\n    --hash={} # é", digest(0xaa));
    assert_eq!(added, Encoding::Utf16Little.encode(&text).unwrap());
}

#[test]
fn entries_tell_what_they_ask_for() {
    let document = document(
        "a==1\n-r x\nb @ https://h/b-2-py3-none-any.whl#sha256=x\n--pre\nc[d]>=1 --hash=md5:x\ne",
    );
    let projects: Vec<&str> =
        document.entries().iter().map(|entry| entry.project.as_str()).collect();
    assert_eq!(projects, ["a", "e"]);
    let codes: Vec<&str> = document.errors().iter().map(|error| error.code).collect();
    assert_eq!(codes, ["malformed-digest", "malformed-digest"]);
    assert_eq!(document.entries()[1].place.line, 6);
    // What an option that is not closed swallows is not touched.
    check_ported(
        "# sha256: $PEEP\na==1 --hash='x\n",
        "# sha256: $PEEP\na==1 --hash='x\n",
        &[("syntax", 2)],
    );
    assert_eq!(Document::parse("f", b"\xff").unwrap_err().code, "encoding");
}

fn check_ported(text: &str, expect: &str, errors: &[(&str, u32)]) {
    let document = document(&text.replace("$PEEP", PEEP));
    assert_eq!(shorten(&document.ported()), expect.replace("$PEEP", PEEP), "{text}");
    let found: Vec<_> =
        document.errors().iter().map(|error| (error.code, error.place.line)).collect();
    assert_eq!(found, errors, "{text}");
}

#[test]
fn comments_become_options() {
    check_ported("# sha256: $PEEP\na==1\n", "a==1 \\\n    --hash=A\n", &[]);
    check_ported(
        "x\n\n# why\n# sha256: $PEEP=\n# also\n\na==1 # z\nb\n",
        "x\n\n# why\n# also\n\na==1 \\\n    --hash=A # z\nb\n",
        &[],
    );
    check_ported(
        "# sha256: $PEEP  # wheel\r\na==1\r\n",
        "# wheel\r\na==1 \\\r\n    --hash=A\r\n",
        &[],
    );
    check_ported("# sha256: $PEEP\n# sha256: $PEEP\na==1", "a==1 \\\n    --hash=A", &[]);
    let both = format!("# sha256: $PEEP\na==1 --hash={}", digest(0xaa));
    check_ported(&both, "a==1 --hash=A", &[]);
    check_ported("a==1\nb", "a==1\nb", &[]);
}

#[test]
fn g69_a_malformed_digest_does_not_keep_the_others() {
    check_ported(
        "# sha256: $PEEP\na==1\n#sha256: $PEEP\nb==1\n# sha256: $PEEP\nc==1\n",
        "a==1 \\\n    --hash=A\n#sha256: $PEEP\nb==1\nc==1 \\\n    --hash=A\n",
        &[("malformed-digest", 3)],
    );
    check_ported(
        "# sha256: $PEEP\n-i https://h\n",
        "# sha256: $PEEP\n-i https://h\n",
        &[("orphan-digest", 1)],
    );
}

#[test]
fn g70_urls_are_kept() {
    let url = "https://h/a-1-py3-none-any.whl";
    check_ported(&format!("{url}\n"), &format!("{url}\n"), &[]);
    check_ported(
        &format!("# sha256: $PEEP\n{url}#egg=a\n"),
        &format!("{url}#egg=a \\\n    --hash=A\n"),
        &[],
    );
    let hashed = format!(
        "# sha256: $PEEP\n{url}#sha256={}\n",
        Digest::parse_hex(Algorithm::Sha256, &"aa".repeat(32)).unwrap().hex()
    );
    check_ported(&hashed, &format!("{url}#sha256={} \\\n    --hash=A\n", "aa".repeat(32)), &[]);
}

#[test]
fn which_files_an_entry_asks_for() {
    let check = |line: &str, file: &str, expect: bool| {
        let file = DistributionFilename::parse(file).unwrap();
        assert_eq!(document(line).entries()[0].accepts(&file), expect, "{line} {file:?}");
    };
    check("a==1.0", "a-1.0-py3-none-any.whl", true);
    check("a==1", "a-1.0-py3-none-any.whl", true);
    check("a===1.0", "a-1.0.tar.gz", true);
    check("a==1.0,>=0.5", "a-1.0-py3-none-any.whl", true);
    check("a==1.1", "a-1.0-py3-none-any.whl", false);
    check("a", "a-1.0-py3-none-any.whl", false);
    check("a>=1.0", "a-1.0-py3-none-any.whl", false);
    check("a==1.*", "a-1.0-py3-none-any.whl", false);
    check("a @ https://h/a-1.0-py3-none-any.whl", "a-1.0-py3-none-any.whl", true);
    check("a @ https://h/a-1.0-py3-none-any.whl", "a-1.0-py2-none-any.whl", false);
    check("./a-1.0-py3-none-any.whl", "a-1.0-py3-none-any.whl", true);
}
