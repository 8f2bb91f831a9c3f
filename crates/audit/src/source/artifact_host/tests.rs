use crate::record::Known;
use crate::source::memory::{Believing, Memory, entry, problems, read, release, releases};

use super::*;

fn host() -> Memory {
    Memory::default()
        .file("lamp/lamp-1.0.tar.gz", "sdist")
        .file("lamp/lamp-1.0.tar.gz.asc", "good abc")
        .file("lamp/lamp-1.0-py3-none-any.whl", "wheel")
        .file("lamp/lamp-1.0-py3-none-any.whl.asc", "bad")
        .file("bell-2.0.tar.gz", "bell")
        .file("lamp/lamp-master.tar.gz", "no release")
}

fn at(settings: &[(&str, &str)]) -> crate::federation::RecordsEntry {
    entry("artifact-host", &[&[("path", "tarballs")], settings].concat())
}

fn digest(text: &str) -> Option<Sha256> {
    Some(Sha256(sha2::Sha256::digest(text).into()))
}

#[test]
fn bytes_are_hashed_and_signatures_judged() {
    let records = read(&at(&[]), &host()).unwrap();
    assert_eq!(releases(&records), ["bell 2.0", "lamp 1.0"]);
    let lamp = release(&records, "lamp", "1.0");
    let [wheel, sdist] = &lamp.files[..] else { panic!("two files") };
    assert_eq!((&*wheel.filename, wheel.sha256), ("lamp-1.0-py3-none-any.whl", digest("wheel")));
    assert!(matches!(wheel.signature, Signature::Bad { code: "not-theirs", .. }));
    assert_eq!((&*sdist.filename, sdist.sha256), ("lamp-1.0.tar.gz", digest("sdist")));
    assert_eq!(sdist.signature, Signature::Good { signer: "abc".into() });
    assert_eq!(sdist.size, Some(5));
    let bell = release(&records, "bell", "2.0");
    assert_eq!(
        (bell.files[0].sha256, &bell.files[0].signature),
        (digest("bell"), &Signature::Missing)
    );
    assert_eq!((bell.expects_rebuild, bell.known), (false, Known::Listed));
    assert_eq!(bell.place.as_deref(), Some("tarballs/bell-2.0.tar.gz"));
    assert_eq!(
        records.assumptions[0],
        "files of tarballs that are no wheel or sdist, left out (1): `lamp/lamp-master.tar.gz`"
    );
}

#[test]
fn signatures_are_judged_as_of_the_approval() {
    let approvals = entry("table", &[("path", "t.csv")]);
    let table = Memory::default().file("t.csv", "project,version,date\nLamp,1.0.0,2019-04-05\n");
    let mut records = read(&approvals, &table).unwrap();
    let entry = at(&[]);
    ArtifactHost::new(&entry, &Believing).unwrap().read(&host(), &mut records).unwrap();
    let signer = records.projects["lamp"].releases.iter().flat_map(|it| &it.files);
    let signer = signer.map(|file| &file.signature).find(|it| matches!(it, Signature::Good { .. }));
    let expect = Signature::Good { signer: "abc at 2019-04-05T00:00:00Z".into() };
    assert_eq!(signer, Some(&expect));
}

#[test]
fn a_host_without_signatures_misses_none() {
    let memory = Memory::default().file("lamp-1.0.tar.gz", "sdist");
    let found = |settings: &[(&str, &str)]| {
        let records = read(&at(settings), &memory).unwrap();
        release(&records, "lamp", "1.0").files[0].signature.clone()
    };
    assert_eq!(found(&[]), Signature::NotLooked);
    assert_eq!(found(&[("signatures", "required")]), Signature::Missing);
    assert_eq!(found(&[("signatures", "no")]), Signature::NotLooked);
    let records = read(&at(&[("signatures", "no")]), &host()).unwrap();
    let files = &records.projects["lamp"].releases[0].files;
    assert!(!files.is_empty());
    let is_bare = |file: &OfficialFile| file.signature == Signature::NotLooked;
    assert!(files.iter().all(|file| is_bare(file) && file.sha256.is_some()));
}

#[test]
fn settings_change_what_the_host_means() {
    let records = read(&at(&[("rebuilds", "expected")]), &host()).unwrap();
    assert!(release(&records, "bell", "2.0").expects_rebuild);
    let records = read(&at(&[("bytes", "no")]), &host()).unwrap();
    assert_eq!(release(&records, "bell", "2.0").files[0].sha256, None);
    assert!(records.assumptions.iter().any(|line| line.contains("listed and not read")));
    let records = read(&at(&[("project", "bell")]), &host()).unwrap();
    assert_eq!(releases(&records), ["bell 2.0"]);
    let refused = |settings| read(&at(settings), &host()).unwrap_err();
    assert!(
        refused(&[("rebuilds", "yes")])
            .ends_with("`yes` is not one of `expected` and `unexpected`")
    );
    assert!(refused(&[("limit-mib", "0")]).ends_with("`0` is no number above 0"));
    assert!(refused(&[("limit-mib", &u64::MAX.to_string())]).ends_with("the number is too large"));
}

#[test]
fn beside_other_records_a_host_adds_no_release() {
    let table = Memory::default().file("t.csv", "project,version\nlamp,1.0\n");
    let mut records = read(&entry("table", &[("path", "t.csv")]), &table).unwrap();
    let entry = at(&[("official", "false")]);
    ArtifactHost::new(&entry, &Believing).unwrap().read(&host(), &mut records).unwrap();
    assert_eq!(releases(&records), ["lamp 1.0", "lamp 1.0"]);
    let line = "files of tarballs of releases that no other record knows, left out (1): \
                `bell-2.0.tar.gz`";
    assert!(records.assumptions.iter().any(|it| it == line), "{:?}", records.assumptions);
    let official = read(&at(&[]), &host()).unwrap();
    assert!(official.projects["lamp"].up_to_now);
}

#[test]
fn several_at_a_time_keep_their_order() {
    for count in [0, 1, 3, 4, 5, 1000] {
        let list: Vec<usize> = (0..count).collect();
        assert_eq!(several_at_a_time(&list, |number| *number), list);
    }
}

#[test]
fn what_cannot_be_read_is_a_problem_and_the_rest_goes_on() {
    let mut memory = host();
    memory.files.insert("bell-2.0.tar.gz".into(), vec![0; 1024 * 1024 + 1]);
    let records = read(&at(&[("limit-mib", "1")]), &memory).unwrap();
    assert_eq!(
        problems(&records),
        [
            "tarballs/bell-2.0.tar.gz: its bytes do not count: bell-2.0.tar.gz has more than 1048576 \
          bytes"
        ]
    );
    let bell = &release(&records, "bell", "2.0").files[0];
    assert!(matches!(bell.signature, Signature::Unchecked { .. }) && bell.sha256.is_none());
    assert_eq!(releases(&records), ["bell 2.0", "lamp 1.0"]);
    let empty = read(&at(&[]), &Memory::default().file("README", "")).unwrap_err();
    assert_eq!(empty, "tarballs is not a listing with wheels or sdists");
}
