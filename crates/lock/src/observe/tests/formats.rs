//! What each format says, and one changed digest in each.

use countermark_packaging::lock::document::LockFormat;

use super::*;

const WHEEL: &str = "teapot-1.2-py3-none-any.whl";

/// The same release in each format: a wheel with digest 1 and a source package with digest 2, of which
/// the wheel's stands as `$1`, and the other as `$2`.
const LOCKS: [(LockFormat, &str, &str); 9] = [
    (
        LockFormat::Uv,
        "uv.lock",
        "version = 1\n[[package]]\nname = \"teapot\"\nversion = \"1.2\"\n\
         source = { registry = \"https://index.example.org/simple\" }\n\
         sdist = { url = \"https://files.example.org/teapot-1.2.tar.gz\", hash = \"sha256:$2\" }\n\
         wheels = [{ url = \"https://files.example.org/teapot-1.2-py3-none-any.whl\", hash = \"sha256:$1\" }]\n",
    ),
    (
        LockFormat::Poetry,
        "poetry.lock",
        "[[package]]\nname = \"teapot\"\nversion = \"1.2\"\n\
         files = [{file = \"teapot-1.2-py3-none-any.whl\", hash = \"sha256:$1\"},\n\
         {file = \"teapot-1.2.tar.gz\", hash = \"sha256:$2\"}]\n\
         [metadata]\nlock-version = \"2.0\"\n",
    ),
    (
        LockFormat::Pdm,
        "pdm.lock",
        "[metadata]\nlock_version = \"4.4\"\n[[package]]\nname = \"teapot\"\nversion = \"1.2\"\n\
         files = [{file = \"teapot-1.2-py3-none-any.whl\", hash = \"sha256:$1\"},\n\
         {file = \"teapot-1.2.tar.gz\", hash = \"sha256:$2\"}]\n",
    ),
    (
        LockFormat::Pipfile,
        "Pipfile.lock",
        "{\"_meta\": {\"pipfile-spec\": 6}, \"default\": {\"teapot\": {\"version\": \"==1.2\", \
         \"hashes\": [\"sha256:$1\", \"sha256:$2\"]}}}",
    ),
    (
        LockFormat::Pylock,
        "pylock.toml",
        "lock-version = \"1.0\"\ncreated-by = \"hand\"\n[[packages]]\nname = \"teapot\"\nversion = \"1.2\"\n\
         sdist = {name = \"teapot-1.2.tar.gz\", url = \"https://files.example.org/teapot-1.2.tar.gz\", hashes = {sha256 = \"$2\"}}\n\
         wheels = [{name = \"teapot-1.2-py3-none-any.whl\", url = \"https://files.example.org/teapot-1.2-py3-none-any.whl\", hashes = {sha256 = \"$1\"}}]\n",
    ),
    (
        LockFormat::Conda,
        "conda-lock.yml",
        "version: 1\nmetadata:\n  platforms: [linux-64]\n  channels: []\npackage:\n- name: teapot\n  version: '1.2'\n  manager: pip\n  platform: linux-64\n\
         \u{20} dependencies: {}\n  url: https://files.example.org/teapot-1.2-py3-none-any.whl\n  hash:\n    sha256: $1\n  category: main\n  optional: false\n",
    ),
    (
        LockFormat::Requirements,
        "requirements.txt",
        "teapot==1.2 \\\n    --hash=sha256:$1 \\\n    --hash=sha256:$2\n    # via -r requirements.in\n",
    ),
    (
        LockFormat::Requirements,
        "direct.txt",
        "teapot @ https://files.example.org/teapot-1.2-py3-none-any.whl --hash=sha256:$1\n",
    ),
    (LockFormat::Requirements, "peep.txt", "# sha256: $3\n# sha256: $4\nteapot==1.2\n"),
];

fn filled(text: &str, wheel: u8) -> String {
    let peep = |seed: u8| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest(seed).as_bytes())
    };
    text.replace("$1", &digest(wheel).hex())
        .replace("$2", &digest(2).hex())
        .replace("$3", &peep(wheel))
        .replace("$4", &peep(2))
}

fn read_all(wheel_of: impl Fn(&str) -> u8) -> Vec<Statement> {
    LOCKS
        .iter()
        .flat_map(|(format, file, text)| {
            read_text(*format, &format!("{file}-repository:{file}"), &filled(text, wheel_of(file)))
        })
        .collect()
}

#[test]
fn every_format_says_the_same_of_one_release() {
    let statements = read_all(|_| 1);
    assert_eq!(statements.len(), LOCKS.len());
    for statement in &statements {
        assert_eq!(statement.release(), "teapot 1.2", "{statement:?}");
        assert!(statement.files.iter().any(|it| it.digest == digest(1)), "{statement:?}");
        assert!(statement.first.line > 0, "{statement:?}");
    }
    let findings = compare(&statements);
    assert!(findings.iter().all(|finding| finding.class == "platform-subset"), "{findings:#?}");
}

#[test]
fn one_changed_digest_is_an_alarm_in_every_format() {
    for (_, changed, _) in LOCKS {
        let statements = read_all(|file| if file == changed { 9 } else { 1 });
        let findings = compare(&statements);
        let alarms: Vec<_> =
            findings.iter().filter(|finding| finding.class == "two-digests").collect();
        assert!(!alarms.is_empty(), "{changed}: {findings:#?}");
        let repository = format!("{changed}-repository");
        for alarm in alarms {
            let names_it = |side: &Side| {
                side.digests.contains(&digest(9))
                    && side.pins.iter().any(|pin| pin.lock.repository == repository)
            };
            assert!(alarm.sides.iter().any(names_it), "{changed}: {alarm:#?}");
        }
    }
}

#[test]
fn a_lock_that_contradicts_itself_is_read() {
    let (format, file, text) = LOCKS[1];
    let text = filled(text, 1).replace("teapot-1.2.tar.gz", WHEEL);
    let statements = read_text(format, &format!("a:{file}"), &text);
    let findings = compare(&statements);
    assert_eq!(findings[0].class, "two-digests", "{findings:#?}");
    // The reader that installs refuses it.
    let errors = countermark_packaging::lock::document::parse(file, text.as_bytes()).unwrap_err();
    assert_eq!(errors[0].code, "digest-conflict");
}

#[test]
fn which_files_are_locks() {
    let check = |path: &str, expect: Option<LockFormat>| {
        assert_eq!(format_of_path(path), expect, "{path}");
    };
    check("a/uv.lock", Some(LockFormat::Uv));
    check("poetry.lock", Some(LockFormat::Poetry));
    check("pylock.dev.toml", Some(LockFormat::Pylock));
    check("ci/linux-conda-lock.yml", Some(LockFormat::Conda));
    check("Pipfile.lock", Some(LockFormat::Pipfile));
    for other in ["Cargo.lock", "package-lock.json", "requirements.txt", "README.md"] {
        check(other, None);
    }
    assert!(may_be_requirements("a/requirements.txt") && may_be_requirements("dev.in"));
    assert!(!may_be_requirements("a/b.toml"));
    assert!(has_digests(b"x --hash=sha256:1") && has_digests(b"# sha256: abc"));
    assert!(!has_digests(b"flask==3.0"));
}

#[test]
fn the_list_has_one_line_a_digest_and_is_read_back() {
    let mut statements = read_all(|_| 1);
    statements[0].lock.path = "a folder,x/100%/\u{202e}uv.lock".to_owned();
    let text = list::write(&statements);
    let lines: Vec<&str> = text.lines().collect();
    // Two digests, and every name is known through some lock.
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[1].starts_with("sha256:") && lines[1].contains(" teapot 1.2 pins="), "{text}");
    assert!(lines[1..].iter().all(|line| line.split(' ').count() == 7), "{text}");
    assert!(text.contains("a%20folder%2Cx/100%25/%E2%80%AEuv.lock:"), "{text}");
    let mut turned = statements.clone();
    turned.reverse();
    assert_eq!(list::write(&turned), text);
    let back = list::parse(&text).unwrap().into_vec();
    assert!(back.iter().any(|it| it.lock.path == statements[0].lock.path));
    assert!(compare(&back).iter().all(|finding| finding.class != "two-digests"));
    let changed = list::write(&read_all(|file| if file == "uv.lock" { 9 } else { 1 }));
    let back = list::parse(&changed).unwrap().into_vec();
    assert_eq!(compare(&back)[0].class, "two-digests");
}

#[test]
fn what_is_no_list() {
    let check = |text: &str, expect: &str| {
        assert_eq!(list::parse(text).unwrap_err().to_string(), expect, "{text}");
    };
    let head = format!("# {}: x\n", list::FORMAT);
    let good = format!("sha256:{} a a 1 pins=1 first=- where=r:p:1", digest(1).hex());
    assert!(list::parse(&format!("{head}{good}\n")).is_ok());
    check("", "the first line does not name the format `countermark-digests/1`");
    check(&good, "the first line does not name the format `countermark-digests/1`");
    let line = |text: &str| format!("{head}{text}\n");
    check(&line("sha256:12 a"), "line 2: expected seven words");
    check(&line(&good.replace("sha256:", "sha1:")), "line 2: the digest cannot be read");
    check(&line(&good.replace(" a 1 ", " - 1 ")), "line 2: the project is no name");
    check(&line(&good.replace("pins=", "x=")), "line 2: expected `pins=`");
    check(&line(&good.replace("first=-", "first=soon")), "line 2: the day cannot be read");
    check(&line(&good.replace("r:p:1", "r")), "line 2: a place has no repository");
    check(&line(&good.replace("r:p:1", "r:p:x")), "line 2: the line of a place is no number");
    check(&line(&good.replace("r:p:1", "r%:p:1")), "line 2: a `%` is followed by no number");
    check(&line(&good.replace("r:p:1", "%ff:p:1")), "line 2: a name is not UTF-8");
}

#[test]
fn what_is_kept_is_read_back() {
    let statements = read_all(|_| 1);
    let text = saved::write(&statements);
    assert_eq!(saved::parse(&text).unwrap(), statements);
    assert!(saved::parse(&text.replacen("countermark-observations/1", "x", 1)).is_err());
    let error = saved::parse(&text.replacen("\"sha256:", "\"sha256:x", 1)).unwrap_err();
    assert!(error.to_string().starts_with("line 2: "), "{error}");
}

#[test]
fn reports_hold_no_text_that_acts() {
    let mut statements = read_all(|file| if file == "uv.lock" { 9 } else { 1 });
    for statement in &mut statements {
        statement.lock.repository = format!("<b>\u{1b}[2J`|{}\n@all", statement.lock.repository);
    }
    let unread = Unread { place: "<i>\u{202e}".to_owned(), reason: "\u{1b}x".to_owned() };
    let report = Report::of(&statements, vec![unread], vec!["\u{9b}n".to_owned()]);
    assert!(report.alarms() > 0);
    let forms = [
        report::text::write(&report, false),
        report::markdown::write(&report),
        report::json::write(&report),
        report::sarif::write(&report),
        report::html::write(&report),
    ];
    for text in &forms {
        let acts = |c: char| c != '\n' && countermark_report::harmless::acts(c);
        assert!(!text.contains(acts), "{text:?}");
        assert!(text.contains("two-digests"), "{text}");
    }
    assert!(!forms[4].contains("<b>\\u") && forms[4].contains("&#60;b&#62;"), "{}", forms[4]);
    assert!(!forms[1].contains("\n@all"), "{}", forms[1]);
    // The same for the same statements, in any order.
    statements.reverse();
    let again = Report::of(&statements, report.unread.clone(), report.notes.clone());
    assert_eq!(again.findings.len(), report.findings.len());
    assert_eq!(again.tally, report.tally);
}
