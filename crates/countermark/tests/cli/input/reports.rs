//! What programs read: `--report`, `verify --format json`, `hash`, `port`.

use serde_json::Value;

use super::Shelf;
use crate::support::{Run, sha256};

fn install(shelf: &Shelf, more: &[&str]) -> Run {
    shelf.world.install(&shelf.index.simple_url(), more)
}

#[test]
fn a_report_says_what_was_checked() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    install(&shelf, &["--report", "out.json"]).expect(0);
    let report: Value = serde_json::from_str(&shelf.world.read("out.json")).unwrap();
    let bytes = shelf.bytes("alpha", "1.0");
    let artifact = &report["artifacts"][0];
    for (field, expect) in [
        ("project", Value::from("alpha")),
        ("version", "1.0".into()),
        ("filename", "alpha-1.0-py3-none-any.whl".into()),
        ("size", bytes.len().into()),
        ("source", shelf.index.file_url("alpha-1.0-py3-none-any.whl").into()),
        ("requested_by", "requirements.txt:1:1".into()),
        ("requested_as", "version".into()),
        ("from_store", false.into()),
        ("downloaded_bytes", bytes.len().into()),
        ("files", 3.into()),
        ("digests", vec![format!("sha256:{}", sha256(bytes))].into()),
        ("checked", vec!["pin", "archive", "record", "tree", "dependencies"].into()),
    ] {
        assert_eq!(artifact[field], expect, "{field}");
    }
    assert!(artifact["tree"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!((&report["format"], &report["dry_run"]), (&1.into(), &false.into()));
    assert_eq!(report["changes"][0]["project"], "alpha");
    assert_eq!(report["changes"][0]["before"], Value::Null);
    assert_eq!(report["changes"][0]["after"], "1.0");
    // Again: from the store, to standard output, where nothing else is.
    let run = install(&shelf, &["--report", "-", "--dry-run"]);
    let report: Value = serde_json::from_str(&run.expect(0).stdout).unwrap();
    assert_eq!(report["artifacts"][0]["from_store"], true);
    assert_eq!(report["artifacts"][0]["downloaded_bytes"], 0);
    assert_eq!(report["changes"].as_array().unwrap().len(), 0);
    assert_eq!(report["dry_run"], true);
}

#[test]
fn findings_as_json() {
    let shelf = Shelf::new();
    shelf.world.write("requirements.txt", shelf.pin("alpha"));
    install(&shelf, &[]).expect(0);
    let verify = || {
        let run = shelf.world.run(&["verify", "--python", "env", "--format", "json"]);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        (run.code, report)
    };
    let (code, report) = verify();
    assert_eq!((code, &report["verdict"]), (0, &"accepted".into()));
    assert_eq!((&report["packages"], &report["proved"]), (&1.into(), &1.into()));
    std::fs::write(shelf.world.site().join("stray.pth"), "").unwrap();
    let (code, report) = verify();
    assert_eq!((code, &report["verdict"]), (1, &"rejected".into()));
    assert_eq!(report["findings"][0]["kind"], "extra");
    assert!(report["findings"][0]["path"].as_str().unwrap().ends_with("/stray.pth"));
}

#[test]
fn hash_prints_and_writes_lines_that_install() {
    let shelf = Shelf::new();
    for name in ["alpha", "beta"] {
        let file = format!("{name}-1.0-py3-none-any.whl");
        shelf.world.write(&file, shelf.bytes(name, "1.0"));
    }
    let files = ["alpha-1.0-py3-none-any.whl", "beta-1.0-py3-none-any.whl"];
    let run = shelf.world.run(&["hash", files[0], files[1]]);
    shelf.world.write("requirements.txt", &run.expect(0).stdout);
    install(&shelf, &[]).expect(0);
    assert_eq!(shelf.modules(), ["alpha", "beta"]);
    shelf.world.write("more.txt", "# mine\nalpha==1.0  # kept\nbeta[x]>=1\ngamma==1.0\n");
    shelf.world.run(&["hash", "--write", "more.txt", files[0]]).expect(0);
    let text = shelf.world.read("more.txt");
    assert!(text.contains(&shelf.hash("alpha")) && text.contains("# mine"), "{text}");
    assert!(text.contains("# kept") && text.contains("gamma==1.0"), "{text}");
    let run = shelf.world.run(&["hash", "--algorithm", "sha512", files[0]]);
    run.expect(0).says("--hash=sha512:");
}

#[test]
fn port_turns_comments_into_options() {
    let shelf = Shelf::new();
    let digest = |name: &str| {
        use base64::Engine as _;
        let hex = sha256(shelf.bytes(name, "1.0"));
        let bytes: Vec<u8> = (0..64)
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    };
    let text = format!("# why\n# sha256: {}\nalpha==1.0\n", digest("alpha"));
    shelf.world.write("requirements.txt", &text);
    let run = shelf.world.run(&["port", "requirements.txt"]);
    run.expect(0).says("# why").says(&shelf.hash("alpha"));
    assert_eq!(shelf.world.read("requirements.txt"), text);
    shelf.world.run(&["port", "--write", "requirements.txt"]).expect(0);
    assert_eq!(shelf.world.read("requirements.txt"), run.stdout);
    install(&shelf, &[]).expect(0);
}
