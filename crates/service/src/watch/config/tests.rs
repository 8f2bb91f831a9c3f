use super::*;

const WHOLE: &str = r#"
[watch]
state = "state/watch.sqlite"
folder = "/srv/releases"
index = "https://index.example.org/simple/"
interval = "2m"
roles-interval = "30m"
jitter = 20
unread-after = "2h"
concurrency = 8
rate = 5
inspect = true
records = ["releases", "/srv/tags"]

[mail.team]
from = "countermark <countermark@example.org>"
to = ["Release team <release@example.org>", "second@example.org"]
server = "mail.example.org"
username = "countermark"
password-credential = "smtp-password"
least = "medium"

[webhook.ops]
url = "https://hooks.example.org/countermark"
secret-env = "HOOK_SECRET"

[webhook.chat]
url-file = "chat-url"
secret-file = "/etc/countermark/chat"
allow-plain-http = true

[atom.public]
path = "feed.atom"
authority = "releases.example.org"
"#;

fn read(text: &str) -> Result<WatchConfig, Vec<SourceError>> {
    parse("watch.toml", text.as_bytes(), Path::new("/etc/countermark"))
}

#[test]
fn a_whole_file() {
    let config = read(WHOLE).unwrap();
    assert_eq!(config.state, Path::new("/etc/countermark/state/watch.sqlite"));
    assert_eq!(config.folder, Path::new("/srv/releases"));
    assert_eq!(config.rhythm.pages, SignedDuration::from_secs(120));
    assert_eq!(config.rhythm.tick, SignedDuration::from_secs(10));
    assert_eq!(config.rhythm.roles, SignedDuration::from_secs(1800));
    assert!((config.rhythm.jitter - 0.2).abs() < 1e-9);
    assert_eq!(config.records, [Path::new("/etc/countermark/releases"), Path::new("/srv/tags")]);
    assert_eq!((config.concurrency, config.rate, config.inspect), (8, 5, true));
    assert_eq!(config.unread_after, SignedDuration::from_secs(7200));
    let names: Vec<&str> = config.destinations.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["mail:team", "webhook:chat", "webhook:ops", "atom:public"]);
    let Target::Mail(mail) = &config.destinations[0].target else { panic!() };
    assert_eq!((mail.port, mail.security), (587, MailSecurity::StartTls));
    assert_eq!(mail.password, Some(SecretSource::Credential("smtp-password".into())));
    assert_eq!(config.destinations[0].least, Severity::Medium);
    let Target::Webhook(chat) = &config.destinations[1].target else { panic!() };
    assert_eq!(chat.url, SecretSource::File("/etc/countermark/chat-url".into()));
    assert!(chat.allow_plain_http);
}

/// One change to the whole file, and the one mistake that it makes.
fn mistake(from: &str, to: &str, code: &str, place: (u32, u32), message: &str) {
    assert!(WHOLE.contains(from), "{from}");
    let errors = read(&WHOLE.replacen(from, to, 1)).unwrap_err();
    let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 1, "{to}: {found:?}");
    let error = &errors[0];
    assert_eq!((error.place.line, error.place.column), place, "{to}: {found:?}");
    assert_eq!(error.code, code, "{to}: {found:?}");
    assert!(error.message.contains(message), "{to}: {found:?}");
}

#[test]
fn mistakes_have_places() {
    mistake(
        "state = ",
        "stat = 1\nstate = ",
        "unknown-key",
        (3, 1),
        "`stat` is not a key of [watch]",
    );
    mistake("state = \"state/watch.sqlite\"", "", "missing-key", (2, 1), "`state` is missing");
    mistake("\"2m\"", "\"2 weeks\"", "invalid-value", (6, 12), "from \"1m\" to \"1d\"");
    mistake("\"2m\"", "\"30s\"", "invalid-value", (6, 12), "`interval` must be");
    mistake("\"2m\"", "120", "invalid-value", (6, 12), "`interval` must be");
    mistake("jitter = 20", "jitter = 51", "invalid-value", (8, 10), "from 1 to 50");
    mistake(
        "<countermark@example.org>",
        "<nobody>",
        "invalid-value",
        (16, 8),
        "not an address of mail",
    );
    mistake("second@example.org", "second", "invalid-value", (17, 6), "not an address of mail");
    mistake("to = [", "to = []\n#", "invalid-value", (17, 6), "from 1 to 50");
    mistake(
        "server = \"mail.example.org\"",
        "",
        "missing-key",
        (15, 7),
        "`server` is missing from [mail.team]",
    );
    mistake(
        "username = \"countermark\"",
        "security = \"none\"\nusername = \"countermark\"",
        "invalid-value",
        (19, 12),
        "on this machine only",
    );
    mistake("username = \"countermark\"", "", "invalid-value", (15, 7), "belong together");
    mistake("\"smtp-password\"", "\"../smtp\"", "invalid-value", (20, 23), "not a path");
    mistake("\"medium\"", "\"urgent\"", "unknown-word", (21, 9), "none of `low`, `medium`, `high`");
    mistake("https://hooks", "ftp://hooks", "invalid-value", (24, 7), "must begin with https://");
    mistake(
        "https://hooks",
        "https://a:b@hooks",
        "invalid-value",
        (24, 7),
        "does not belong into this file",
    );
    mistake(
        "secret-env = \"HOOK_SECRET\"",
        "",
        "missing-key",
        (23, 10),
        "`secret-file` is missing",
    );
    mistake(
        "secret-env",
        "secret-file = \"x\"\nsecret-env",
        "invalid-value",
        (25, 15),
        "only one of",
    );
    mistake(
        "secret-env",
        "secret = \"hunter2\"\nsecret-env",
        "unknown-key",
        (25, 1),
        "`secret` is not a key",
    );
    mistake(
        "allow-plain-http = true",
        "allow-plain-http = 1",
        "invalid-value",
        (30, 20),
        "true or false",
    );
    mistake("releases.example.org\"", "a b\"", "invalid-value", (34, 13), "a domain");
    mistake("[atom.public]", "[atom.\"a b\"]", "invalid-value", (32, 7), "ASCII letters");
    mistake("feed.atom", "feed\\u0007", "control-character", (33, 8), "contains");
    mistake("[watch]", "[[watch]]", "invalid-value", (2, 1), "`watch` must be a table");
}

#[test]
fn several_mistakes_are_all_told() {
    let text = WHOLE.replace("\"2m\"", "\"x\"").replace("\"medium\"", "\"x\"");
    let codes: Vec<&str> = read(&text).unwrap_err().iter().map(|it| it.code).collect();
    assert_eq!(codes, ["invalid-value", "unknown-word"]);
    let none = read("[watch]\nstate = \"s\"\n").unwrap_err();
    assert!(none[0].to_string().contains("`mail` is missing"), "{none:?}");
    assert_eq!(read("[watch\n").unwrap_err()[0].code, "syntax");
    assert_eq!(parse("w", b"\xff", Path::new("/")).unwrap_err()[0].code, "encoding");
    let long = vec![b'#'; MAXIMUM_SIZE + 1];
    assert_eq!(parse("w", &long, Path::new("/")).unwrap_err()[0].code, "too-large");
}

#[test]
fn a_secret_in_the_file_is_not_shown() {
    let text = WHOLE.replace("https://hooks", "https://user:hunter2@hooks");
    let shown = format!("{:?}", read(&text).unwrap_err());
    assert!(!shown.contains("hunter2"), "{shown}");
}
