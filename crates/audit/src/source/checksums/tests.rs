use crate::source::memory::{Memory, entry, problems, read, release, releases};

use super::*;

fn sums(names: &[&str]) -> String {
    let line = |name: &&str| format!("{}  {name}\n", "a".repeat(64));
    names.iter().map(line).collect()
}

fn clear_signed(text: &str, signature: &str) -> String {
    let escaped = text.replace("\n-", "\n- -");
    format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{escaped}\
         -----BEGIN PGP SIGNATURE-----\n{signature}\n-----END PGP SIGNATURE-----\n"
    )
}

fn at(path: &str, settings: &[(&str, &str)]) -> crate::federation::RecordsEntry {
    entry("checksums", &[&[("path", path)], settings].concat())
}

const FILES: &[&str] = &["lamp-1.0.tar.gz", "lamp-1.0-py3-none-any.whl", "bell-2.0.tar.gz"];

#[test]
fn files_become_releases() {
    let list = sums(FILES) + &sums(&["./dist/lamp-1.1.tar.gz", "notes.txt"]);
    let memory = Memory::default().file("SHA256SUMS", list);
    let records = read(&at("out", &[]), &memory).unwrap();
    assert_eq!(releases(&records), ["bell 2.0", "lamp 1.0", "lamp 1.1"]);
    let lamp = release(&records, "lamp", "1.0");
    let names: Vec<&str> = lamp.files.iter().map(|file| &*file.filename).collect();
    assert_eq!(names, ["lamp-1.0.tar.gz", "lamp-1.0-py3-none-any.whl"]);
    assert_eq!(lamp.files[0].sha256.unwrap().hex(), "a".repeat(64));
    assert_eq!(lamp.files[0].signature, Signature::NotLooked);
    assert_eq!(lamp.place.as_deref(), Some("out/SHA256SUMS"));
    assert_eq!(
        records.assumptions[0],
        "lines of out/SHA256SUMS that are no SHA-256 of a wheel or sdist, left out (1): `notes.txt`"
    );
    assert_eq!(problems(&records), [""; 0]);
}

#[test]
fn lines_that_cannot_be_used_have_a_place() {
    let list = format!("{}oops\n{}", sums(&FILES[..1]), sums(&[".."]));
    let memory = Memory::default().file("SHA256SUMS", list);
    let records = read(&at("SHA256SUMS", &[]), &memory).unwrap();
    assert_eq!(releases(&records), ["lamp 1.0"]);
    assert_eq!(
        problems(&records),
        [
            "SHA256SUMS:2:1: `oops` is no line of checksums: expected 64 hexadecimal digits and a \
             name",
            "SHA256SUMS:3:1: `..` names no file",
        ]
    );
}

#[test]
fn only_one_project_when_the_entry_says_so() {
    let memory = Memory::default().file("SHA256SUMS", sums(FILES));
    let records = read(&at("out", &[("project", "bell")]), &memory).unwrap();
    assert_eq!(releases(&records), ["bell 2.0"]);
    assert!(records.assumptions[0].contains("wheel or sdist of `bell`, left out (2)"));
}

/// What becomes of a list with this signature, inside or beside it.
fn check(settings: &[(&str, &str)], signature: &str, expect: Result<&Signature, &str>) {
    let beside = Memory::default()
        .file("SHA256SUMS", sums(FILES))
        .file("SHA256SUMS.asc", signature.as_bytes());
    let inside = Memory::default().file("SHA256SUMS.asc", clear_signed(&sums(FILES), signature));
    for (memory, is_inside) in [(beside, false), (inside, true)] {
        let records = read(&at("out", settings), &memory).unwrap();
        match expect {
            Ok(signature) => {
                assert_eq!(problems(&records), [""; 0]);
                assert_eq!(releases(&records), ["bell 2.0", "lamp 1.0"]);
                let found = &release(&records, "lamp", "1.0").files[0].signature;
                // Opening a clear-signed text does not tell the signer.
                let is_good = |it: &Signature| matches!(it, Signature::Good { .. });
                assert!(found == signature || (is_inside && is_good(found) && is_good(signature)));
            }
            Err(reason) => {
                assert_eq!(releases(&records), [""; 0]);
                let file = if is_inside { "out/SHA256SUMS.asc" } else { "out/SHA256SUMS" };
                let expect = format!("{file}: nothing of this list is used: {reason}");
                assert_eq!(problems(&records), [expect]);
            }
        }
    }
}

#[test]
fn signatures_decide() {
    let good = Signature::Good { signer: "abc".into() };
    let refused = "the signature is refused (not-theirs): made by somebody else";
    check(&[], "good abc", Ok(&good));
    check(&[("signatures", "required")], "good abc", Ok(&good));
    check(&[], "bad", Err(refused));
    check(&[("signatures", "required")], "bad", Err(refused));
    check(&[("signatures", "no")], "bad", Ok(&Signature::NotLooked));
    let unchecked = Signature::Unchecked { reason: "no openpgp here".into() };
    check(&[], "unchecked", Ok(&unchecked));
    let reason = "the signature is required and cannot be checked: no openpgp here";
    check(&[("signatures", "required")], "unchecked", Err(reason));
}

#[test]
fn a_required_signature_has_to_be_there() {
    let memory = Memory::default().file("SHA256SUMS", sums(FILES));
    let records = read(&at("out", &[("signatures", "required")]), &memory).unwrap();
    assert_eq!(releases(&records), [""; 0]);
    let expect = "out/SHA256SUMS: nothing of this list is used: no signature is in it or beside \
                  it, and one is required";
    assert_eq!(problems(&records), [expect]);
    let refused = read(&at("out", &[("signatures", "maybe")]), &memory).unwrap_err();
    assert!(refused.ends_with("`maybe` is not one of `required`, `if-there` and `no`"));
}

#[test]
fn what_was_not_checked_is_said() {
    let memory =
        Memory::default().file("SHA256SUMS", sums(FILES)).file("SHA256SUMS.sig", "unchecked");
    let records = read(&at("out", &[]), &memory).unwrap();
    assert_eq!(
        records.assumptions[0],
        "out/SHA256SUMS is used though its signature was not checked: no openpgp here"
    );
}

#[test]
fn text_outside_of_the_signed_text_is_no_record() {
    let evil = sums(&["lamp-9.9.tar.gz"]) + &clear_signed(&sums(FILES), "good abc");
    for settings in [&[][..], &[("signatures", "no")]] {
        let records =
            read(&at("out", settings), &Memory::default().file("SHA256SUMS", evil.as_str()));
        let records = records.unwrap();
        assert_eq!(releases(&records), [""; 0]);
        assert!(problems(&records)[0].ends_with("text stands before the signed text"));
    }
}

#[test]
fn lists_are_found_by_their_names() {
    let check = |files: &[&str], path: &str, expect: &[&str]| {
        let mut memory = Memory::default();
        for file in files {
            memory = memory.file(file, sums(FILES));
        }
        let entry = at(path, &[]);
        let source = Checksums::new(&entry, &crate::source::memory::Believing).unwrap();
        assert_eq!(source.lists(&memory).unwrap(), expect);
    };
    check(
        &["a/SHA256SUMS", "b/sha256sums.txt", "README"],
        ".",
        &["a/SHA256SUMS", "b/sha256sums.txt"],
    );
    check(&["lamp-1.0.tar.gz", "lamp-1.0.tar.gz.sha256"], ".", &["lamp-1.0.tar.gz.sha256"]);
    check(&["SHA256SUMS", "SHA256SUMS.asc"], ".", &["SHA256SUMS"]);
    check(&["SHA256SUMS.asc"], ".", &["SHA256SUMS.asc"]);
    check(&["digests"], "out/digests", &["digests"]);
    check(&["digests"], "out", &[]);
    let none = read(&at("out", &[]), &Memory::default().file("README", "")).unwrap_err();
    assert_eq!(none, "out is not a list of checksums, nor a folder with one (`SHA256SUMS`)");
}

#[test]
fn a_file_beside_an_artifact_may_hold_the_digest_alone() {
    let memory = Memory::default().file("lamp-1.0.tar.gz.sha256", "b".repeat(64) + "\n");
    let records = read(&at("out", &[]), &memory).unwrap();
    assert_eq!(release(&records, "lamp", "1.0").files[0].sha256.unwrap().hex(), "b".repeat(64));
    let memory = Memory::default().file("SHA256SUMS", "b".repeat(64));
    assert!(
        problems(&read(&at("out", &[]), &memory).unwrap())[0].contains("is no line of checksums")
    );
}
