use countermark_audit::fact::Presence;

use super::*;
use crate::settings::Origin;
use crate::system::unix::fs::PermissionsExt as _;

fn index(url: &str) -> Index {
    Index { name: None, url: url.parse().unwrap(), explicit: false, origin: Origin::Default }
}

fn at(text: &str) -> Timestamp {
    format!("2026-11-22T{text}:00Z").parse().unwrap()
}

fn entry() -> Entry {
    let validators = |text: &str| Validators {
        etag: Some(format!("\"{text}\"")),
        last_modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".into()),
    };
    let name = ProjectName::parse("x").unwrap();
    let mut facts = ProjectFacts::new(name, Presence::Present);
    facts.last_serial = Some(7);
    let role = OwnershipRole { role: "Owner".into(), user: "ann".into() };
    let ownership = Ownership { roles: vec![role], organization: Some("acme".into()) };
    let document = ProjectDocument {
        name: Some("X".into()),
        ownership: Some(ownership),
        last_serial: Some(7),
    };
    Entry {
        facts,
        page: Stamp { read: at("01:00"), validators: validators("p") },
        document: Some((
            Stamp { read: at("00:30"), validators: validators("d") },
            Kept::Document(document),
        )),
    }
}

#[test]
fn what_is_kept_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), &index("https://index.example/simple/")).unwrap();
    let mut entry = entry();
    let name = entry.facts.name.clone();
    assert_eq!(cache.read(&name), None);
    cache.keep(&entry);
    assert_eq!(cache.read(&name), Some(entry.clone()));
    for document in [
        None,
        Some(Kept::Missing),
        Some(Kept::Document(ProjectDocument::default())),
        Some(Kept::Document(ProjectDocument {
            ownership: Some(Ownership::default()),
            ..ProjectDocument::default()
        })),
    ] {
        entry.document = document.map(|kept| (entry.page.clone(), kept));
        cache.keep(&entry);
        assert_eq!(cache.read(&name), Some(entry.clone()));
    }
    // Another index, another folder; the password is no part of its name.
    let other = Cache::open(folder.path(), &index("https://other.example/simple/")).unwrap();
    assert_eq!(other.read(&name), None);
    let same = Cache::open(folder.path(), &index("https://u:p@index.example/simple/")).unwrap();
    assert!(same.read(&name).is_some());
}

#[test]
fn what_others_may_write_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let index = index("https://index.example/simple/");
    let cache = Cache::open(folder.path(), &index).unwrap();
    let (entry, mode) = (entry(), |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    });
    cache.keep(&entry);
    let path = cache.path(&entry.facts.name);
    assert_eq!(fs::metadata(&cache.folder).unwrap().mode() & 0o777, 0o700);
    mode(&path, 0o620);
    assert_eq!(cache.read(&entry.facts.name), None);
    mode(&path, 0o644);
    assert!(cache.read(&entry.facts.name).is_some());
    mode(&cache.folder, 0o770);
    let refused = Cache::open(folder.path(), &index).unwrap_err();
    assert!(refused.starts_with("others may write to "), "{refused}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = Cache::open(&file, &index).unwrap_err();
    assert!(refused.starts_with("cannot make "), "{refused}");
}

#[test]
fn damage_is_as_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), &index("https://index.example/simple/")).unwrap();
    let entry = entry();
    cache.keep(&entry);
    let path = cache.path(&entry.facts.name);
    let text = fs::read_to_string(&path).unwrap();
    let check = |changed: &str| {
        assert_ne!(changed, text);
        fs::write(&path, changed).unwrap();
        assert_eq!(cache.read(&entry.facts.name), None, "{changed}");
    };
    check("");
    check(&text.replace("\"format\":1", "\"format\":2"));
    check(&text.replace("\"name\":\"x\"", "\"name\":\"y\""));
    check(&text.replace("\"is_missing\":false", "\"is_missing\":0"));
    check(&text.replace("T01:00:00Z", "T01:00"));
    for (at, _) in text.match_indices('\n').take(2) {
        check(&text[..at]);
        check(&text[..at - 1]);
    }
    fs::write(&path, &text).unwrap();
    assert_eq!(cache.read(&entry.facts.name), Some(entry.clone()));
}

#[test]
fn a_run_is_gone_on_with_for_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), &index("https://index.example/simple/")).unwrap();
    let hour = Duration::from_secs(3600);
    assert_eq!(cache.begin(at("01:00"), hour), None);
    assert_eq!(cache.begin(at("01:10"), hour), Some(at("01:00")));
    assert_eq!(cache.begin(at("02:00"), hour), Some(at("01:00")));
    // Too long ago: a new one, from which the next goes on.
    assert_eq!(cache.begin(at("02:01"), hour), None);
    assert_eq!(cache.begin(at("02:02"), hour), Some(at("02:01")));
    // From the future, or not at all.
    assert_eq!(cache.begin(at("01:59"), hour), None);
    assert_eq!(cache.begin(at("02:03"), Duration::ZERO), None);
    cache.end();
    assert_eq!(cache.begin(at("02:04"), hour), None);
}
