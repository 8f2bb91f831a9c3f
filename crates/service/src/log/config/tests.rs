use std::path::Path;

use countermark_tlog::note::{KeyType, SignerKey};

use super::*;

const FOLDER: &str = "/srv/log";

fn key(name: &str, kind: KeyType, seed: u8) -> VerifierKey {
    SignerKey::from_seed(name, kind, &[seed; 32]).unwrap().verifier().clone()
}

fn observer_key() -> VerifierKey {
    key("index.example.org/crawler", KeyType::Ed25519, 1)
}

fn witness_key() -> VerifierKey {
    key("witness.example.org/w1", KeyType::Cosignature, 2)
}

fn whole() -> String {
    format!(
        "[log]
origin = \"log.example.org\"
url = \"https://log.example.org/\"

[[key]]
file = \"keys/new.key\"

[[key]]
file = \"/etc/countermark/old.key\"
until = 2027-06-30

[storage]
database = \"postgres://log@/log?host=/run/postgresql\"
database-password-credential = \"postgres\"
tiles = \"s3://bucket/log/public\"
s3-endpoint = \"https://s3.example.org\"
s3-region = \"eu-1\"
s3-access-key-env = \"ACCESS\"
s3-secret-key-file = \"s3.secret\"

[[observer]]
name = \"index:index.example.org/crawler\"
key = \"{}\"

[[witness]]
key = \"{}\"
url = \"https://witness.example.org/\"
",
        observer_key(),
        witness_key()
    )
}

fn read(text: &str) -> Result<LogConfig, Vec<SourceError>> {
    parse("log.toml", text.as_bytes(), Path::new(FOLDER))
}

/// Every mistake as `line: code: message`.
fn mistakes(text: &str) -> Vec<String> {
    let errors = read(text).unwrap_err();
    errors.iter().map(|it| format!("{}: {}: {}", it.place.line, it.code, it.message)).collect()
}

#[test]
fn a_whole_file() {
    let config = read(&whole()).unwrap();
    assert_eq!(config.origin, "log.example.org");
    assert_eq!(config.url.unwrap().as_str(), "https://log.example.org/");
    let until = jiff::civil::date(2027, 6, 30);
    let keys = [
        KeyFile { file: "/srv/log/keys/new.key".into(), until: None },
        KeyFile { file: "/etc/countermark/old.key".into(), until: Some(until) },
    ];
    assert_eq!(config.keys, keys);
    let database = Database::Server {
        address: "postgres://log@/log?host=/run/postgresql".to_owned(),
        password: Some(SecretSource::Credential("postgres".to_owned())),
        authority: None,
    };
    assert_eq!(config.storage.database, database);
    let bucket = Bucket {
        name: "bucket".to_owned(),
        prefix: "log/public".to_owned(),
        endpoint: "https://s3.example.org".parse().unwrap(),
        region: "eu-1".to_owned(),
        access_key: Some(SecretSource::Variable("ACCESS".to_owned())),
        secret_key: Some(SecretSource::File("/srv/log/s3.secret".into())),
    };
    assert_eq!(config.storage.tiles, Tiles::Bucket(bucket));
    let observer = Observer::parse("index:index.example.org/crawler").unwrap();
    assert_eq!(config.observers, [Registered { observer, key: observer_key() }]);
    let url = "https://witness.example.org/".parse().unwrap();
    assert_eq!(config.witnesses, [Cosigner { key: witness_key(), url }]);
}

#[test]
fn a_draft_can_be_read_and_is_embedded() {
    let config = read(&edit::draft("log.example.org/a")).unwrap();
    assert_eq!(config.origin, "log.example.org/a");
    assert_eq!(config.storage.database, Database::File("/srv/log/log.sqlite".into()));
    assert_eq!(config.storage.tiles, Tiles::Folder("/srv/log/public".into()));
    assert_eq!(config.keys, [KeyFile { file: "/srv/log/keys/log.key".into(), until: None }]);
    assert!(config.observers.is_empty() && config.witnesses.is_empty());
    // Without [storage] it is the same.
    let short = "[log]\norigin = \"log.example.org/a\"\n[[key]]\nfile = \"keys/log.key\"\n";
    assert_eq!(read(short).unwrap(), config);
}

#[test]
fn every_mistake_has_its_place() {
    let observer = "name = \"index:index.example.org/crawler\"";
    let check = |from: &str, to: &str, expect: &[&str]| {
        let text = whole();
        assert!(text.contains(from), "{from}");
        assert_eq!(mistakes(&text.replacen(from, to, 1)), expect, "{to}");
    };
    check(
        "[log]",
        "[logs]",
        &[
            "1: missing-key: `log` is missing from a log.toml",
            "1: unknown-key: `logs` is not a key of a log.toml",
        ],
    );
    check("origin = \"log.example.org\"", "", &["1: missing-key: `origin` is missing from [log]"]);
    check(
        "\"log.example.org\"",
        "\"https://log.example.org\"",
        &["2: invalid-value: an origin has no scheme and no `/` at its ends"],
    );
    check(
        "\"log.example.org\"",
        "\"a b\"",
        &["2: invalid-value: an origin has 1 to 200 ASCII letters, digits, and any of `.-_~/:`"],
    );
    check(
        "https://log.example.org/",
        "ftp://log.example.org/",
        &["3: invalid-value: `url` must begin with https:// or http://"],
    );
    check(
        "https://log.example.org/",
        "https://a:b@log.example.org/",
        &["3: invalid-value: `url` must not hold a user or a password"],
    );
    check("file = \"keys/new.key\"", "", &["5: missing-key: `file` is missing from [[key]]"]);
    check(
        "2027-06-30",
        "\"2027-06-31\"",
        &["10: bad-date: `until` must be a day of the calendar, found \"2027-06-31\""],
    );
    check(
        "postgres://log@/log",
        "postgres://log:secret@/log",
        &["13: invalid-value: the address of the database holds a password"],
    );
    check(
        "postgres://log@/log?host=/run/postgresql",
        "log.sqlite",
        &["13: invalid-value: only a server has a password and an authority"],
    );
    check(
        "s3-region",
        "database-password-file = \"a\"\ns3-region",
        &[
            "14: invalid-value: `database-password-credential` is one too many: `database-password` is \
         read from one place",
        ],
    );
    check(
        "credential = \"postgres\"",
        "credential = \"../postgres\"",
        &[
            "14: invalid-value: `database-password-credential` is the name of a credential, not a path",
        ],
    );
    check(
        "s3://bucket/log/public",
        "public",
        &["15: invalid-value: only a bucket (`s3://…`) has an endpoint, a region and keys"],
    );
    check(
        "s3://bucket/log/public",
        "s3://bucket/../public",
        &["15: invalid-value: `s3://bucket/../public` names no bucket"],
    );
    check(
        "s3-endpoint = \"https://s3.example.org\"",
        "",
        &["12: missing-key: `s3-endpoint` is missing from [storage]"],
    );
    check(
        observer,
        "name = \"crawler\"",
        &["22: invalid-value: expected `index:` or `distribution:` and a name, found `crawler`"],
    );
    check(
        &observer_key().to_string(),
        &witness_key().to_string(),
        &[
            "23: invalid-value: the key of an observer must be one for plain signatures, of type 0x01",
        ],
    );
    check(
        &witness_key().to_string(),
        &observer_key().to_string(),
        &[
            "26: invalid-value: the key of a witness must be one for cosignatures, of type 0x04 or 0x06",
        ],
    );
    check(
        &observer_key().to_string(),
        "a+b+c",
        &["23: invalid-value: expected a key of the form `<name>+<number>+<base64>`"],
    );
    check(
        "url = \"https://witness.example.org/\"",
        "",
        &["25: missing-key: `url` is missing from [[witness]]"],
    );
}

#[test]
fn nothing_is_there_twice() {
    let mut text = whole();
    text.push_str(&format!(
        "[[observer]]\nname = \"index:index.example.org/crawler\"\nkey = \"{}\"\n",
        key("other", KeyType::Ed25519, 9)
    ));
    text.push_str(&format!(
        "[[observer]]\nname = \"distribution:example.org\"\nkey = \"{}\"\n",
        key("other", KeyType::Ed25519, 1)
    ));
    text.push_str(&format!(
        "[[witness]]\nkey = \"{}\"\nurl = \"https://w.example.org\"\n",
        key("other", KeyType::Cosignature, 2)
    ));
    assert_eq!(
        mistakes(&text),
        [
            "29: listed-twice: `index:index.example.org/crawler` is listed already",
            "31: listed-twice: the key of `distribution:example.org` is that of \
         `index:index.example.org/crawler` already",
            "34: listed-twice: the key of `witness.example.org/w1` is listed already",
        ]
    );
}

#[test]
fn edits_keep_what_people_wrote() {
    let before = edit::draft("log.example.org") + "# the end";
    let observer = Observer::parse("index:index.example.org/crawler").unwrap();
    let registered = Registered { observer, key: observer_key() };
    let with_observer = edit::add_observer(&before, &registered).unwrap();
    assert!(with_observer.starts_with(&before));
    let cosigner =
        Cosigner { key: witness_key(), url: "https://witness.example.org/".parse().unwrap() };
    let with_both = edit::add_witness(&with_observer, &cosigner).unwrap();
    let config = read(&with_both).unwrap();
    assert_eq!(config.observers, [registered]);
    assert_eq!(config.witnesses, [cosigner]);
    let without = edit::remove_observer(&with_both, "index:index.example.org/crawler").unwrap();
    let config = read(&without).unwrap();
    assert_eq!((config.observers.len(), config.witnesses.len()), (0, 1));
    let without = edit::remove_witness(&without, &witness_key().to_string()).unwrap();
    assert_eq!(read(&without).unwrap(), read(&before).unwrap());
    assert!(without.contains("# Who signs checkpoints"));
}

#[test]
fn a_rotation_puts_the_new_key_first() {
    let until = jiff::civil::date(2027, 6, 30);
    let text = edit::rotate(&edit::draft("log.example.org"), "keys/2.key", until).unwrap();
    let config = read(&text).unwrap();
    let expect = [
        KeyFile { file: "/srv/log/keys/2.key".into(), until: None },
        KeyFile { file: "/srv/log/keys/log.key".into(), until: Some(until) },
    ];
    assert_eq!(config.keys, expect, "{text}");
    // A day that stands there already stays.
    let later = jiff::civil::date(2028, 6, 30);
    let text = edit::rotate(&text, "keys/3.key", later).unwrap();
    let config = read(&text).unwrap();
    let days: Vec<_> = config.keys.iter().map(|it| it.until).collect();
    assert_eq!(days, [None, Some(later), Some(until)], "{text}");
    assert!(text.find("[[key]]") < text.find("[storage]"), "{text}");
    assert!(text.contains("# Who signs checkpoints"), "{text}");
}
