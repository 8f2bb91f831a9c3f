use proptest::prelude::*;

use super::*;

const EMPTY: &str = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

fn entry(path: &str, digest: bool, size: Option<u64>) -> RecordEntry {
    let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let digest = digest.then(|| Digest::parse_hex(Algorithm::Sha256, hex).unwrap());
    RecordEntry { path: path.to_owned(), digest, size }
}

#[test]
fn entries_are_read() {
    let check = |text: &str, expect: &[RecordEntry]| {
        assert_eq!(parse_record(text.as_bytes()).unwrap(), expect, "{text:?}");
    };
    check("", &[]);
    check("\n", &[]);
    check("a.py,,", &[entry("a.py", false, None)]);
    check(
        &format!("a.py,{EMPTY},0\r\nb,,\r\n"),
        &[entry("a.py", true, Some(0)), entry("b", false, None)],
    );
    check(&format!("\"a,\"\"b\"\".py\",{EMPTY},7\n"), &[entry("a,\"b\".py", true, Some(7))]);
    check("\"a\",\"\",\"3\"\n\n", &[entry("a", false, Some(3))]);
    check(
        "../../bin/x,,\nhé,,1\n",
        &[entry("../../bin/x", false, None), entry("hé", false, Some(1))],
    );
    check("a,,1\na,,1\n", &[entry("a", false, Some(1))]);
}

#[test]
fn anything_else_is_refused_for_its_reason() {
    let check = |text: &str, expect: RecordError| {
        assert_eq!(parse_record(text.as_bytes()), Err(expect), "{text:?}");
    };
    use RecordError as E;
    check("a", E::Fields { line: 1, found: 1 });
    check("a,,,", E::Fields { line: 1, found: 4 });
    check("a,,\n,,", E::Path { line: 2, path: String::new() });
    check("a\tb,,", E::Path { line: 1, path: "a\tb".into() });
    check("a\r,,", E::Path { line: 1, path: "a\r".into() });
    check("\"a,,", E::Quote { line: 1 });
    check("\"a\"b,,", E::Quote { line: 1 });
    check("a\"b,,", E::Quote { line: 1 });
    check("a,,-1", E::Size { line: 1, found: "-1".into() });
    check("a,,+1", E::Size { line: 1, found: "+1".into() });
    check("a,,99999999999999999999", E::Size { line: 1, found: "99999999999999999999".into() });
    check("a,sha256,", E::DigestForm { line: 1, found: "sha256".into() });
    check(&format!("a,{EMPTY}=,"), E::DigestForm { line: 1, found: format!("{EMPTY}=") });
    check(
        &format!("a,{},", EMPTY.replace('-', "+")),
        E::DigestForm { line: 1, found: EMPTY.replace('-', "+") },
    );
    let error = DigestError::Algorithm { name: "SHA256".into() };
    check(&format!("a,{},", EMPTY.replace("sha", "SHA")), E::Digest { line: 1, error });
    let unit = "bytes";
    let error = DigestError::Length { algorithm: Algorithm::Sha512, unit, expected: 64, found: 32 };
    check(&format!("a,{},", EMPTY.replace("256=", "512=")), E::Digest { line: 1, error });
    check("a,,1\na,,2", E::Conflict { line: 2, path: "a".into() });
    check(&format!("a,,\na,{EMPTY},"), E::Conflict { line: 2, path: "a".into() });
    assert_eq!(parse_record(b"\xff"), Err(E::Encoding));
    let size = MAXIMUM_SIZE + 1;
    assert_eq!(parse_record(&vec![b'\n'; size]), Err(E::TooLarge { size }));
}

#[test]
fn records_are_written_as_pip_writes_them() {
    let entries = [
        entry("b,\"c\"", false, Some(1)),
        entry("a/__init__.py", true, Some(0)),
        entry("a-1.dist-info/RECORD", false, None),
    ];
    assert_eq!(
        write_record(&entries),
        format!("a-1.dist-info/RECORD,,\r\na/__init__.py,{EMPTY},0\r\n\"b,\"\"c\"\"\",,1\r\n")
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        paths in proptest::collection::btree_set("[ -~é]{1,12}", 0..8),
        digests in proptest::collection::vec(any::<Option<[u8; 64]>>(), 8),
        sizes in proptest::collection::vec(any::<Option<u64>>(), 8),
    ) {
        let entries: Vec<RecordEntry> = paths.into_iter().zip(digests).zip(sizes).map(|((path, digest), size)| {
            let digest = digest.map(|bytes| Digest::new(Algorithm::Sha512, &bytes).unwrap());
            RecordEntry { path, digest, size }
        }).collect();
        prop_assert_eq!(parse_record(write_record(&entries).as_bytes()).unwrap(), entries);
    }
}
