//! URL requirements.

use std::io::Read as _;

use countermark_testkit::wheel::Wheel;
use sha2::Digest as _;

use super::files::sdist;
use super::*;

const WHEEL: &str = "x-1.0-py3-none-any.whl";

fn server() -> IndexServer {
    let info = "Metadata-Version: 2.2\nName: x\nVersion: 2.0\nRequires-Dist: seven\n";
    let old = info.replace("2.2", "2.1");
    let table = "[project]\nname = 'x'\nversion = '3.0'\ndependencies = ['eight']\n";
    let file = "application/octet-stream";
    let scenario = Scenario::new()
        .serve("/x-1.0-py3-none-any.whl", file, wheel("x", "1.0").build())
        .serve("/x-1.0%2Blocal-py3-none-any.whl", file, wheel("x", "1.0+local").build())
        .serve("/main.tar.gz", file, sdist("x-main", &[("PKG-INFO", info)]))
        .serve("/table.tar.gz", file, sdist("x-main", &[("pyproject.toml", table)]))
        .serve("/old.tar.gz", file, sdist("x-main", &[("PKG-INFO", &old)]))
        .serve("/empty.tar.gz", file, sdist("x-main", &[("setup.py", "")]));
    IndexServer::start(scenario)
}

fn sha256(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn shown(release: &UrlRelease) -> (String, String, Vec<String>) {
    let requires = release.requires.requires_dist.iter().map(ToString::to_string).collect();
    (release.version.to_string(), release.file.filename.as_str().to_owned(), requires)
}

#[test]
fn wheels_and_static_source_packages() {
    let server = server();
    let catalogue = over(&server);
    let ask = |path: &str| {
        let url = format!("{}/{path}", server.url());
        let release = catalogue.at_url(&project("x"), &url).unwrap();
        // Once, however often it is wanted.
        catalogue.at_url(&project("x"), &url).unwrap();
        release
    };
    let bytes = wheel("x", "1.0").build();
    let release = ask(&format!("{WHEEL}#sha256={}", sha256(&bytes)));
    assert_eq!(shown(&release), ("1.0".into(), WHEEL.into(), vec!["six>=1".into()]));
    assert_eq!(release.file.url, format!("{}/{WHEEL}", server.url()));
    assert_eq!(release.file.digests[0].hex(), sha256(&bytes));
    assert_eq!(release.file.size, Some(bytes.len() as u64));
    let kept = catalogue.kept_file(&release.file.url).unwrap();
    let mut read = Vec::new();
    (&kept.file).read_to_end(&mut read).unwrap();
    assert!(read == bytes && kept.size == bytes.len() as u64);
    assert_eq!(ask("x-1.0%2Blocal-py3-none-any.whl").version.to_string(), "1.0+local");
    let main = ask("main.tar.gz#egg=x");
    assert_eq!(shown(&main), ("2.0".into(), "x-2.0.tar.gz".into(), vec!["seven".into()]));
    let table = ask("table.tar.gz");
    assert_eq!(shown(&table), ("3.0".into(), "x-3.0.tar.gz".into(), vec!["eight".into()]));
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn files_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(WHEEL);
    std::fs::write(&path, wheel("x", "1.0").build()).unwrap();
    let catalogue = catalogue(Sources::default(), None, options());
    let url = ::url::Url::from_file_path(&path).unwrap();
    let release = catalogue.at_url(&project("x"), url.as_str()).unwrap();
    assert_eq!(shown(&release).2, ["six>=1"]);
    assert!(catalogue.kept_file(url.as_str()).is_some());
    let wrong = format!("{url}#sha256={}", "0".repeat(64));
    let (code, class, message) = unavailable(catalogue.at_url(&project("x"), &wrong));
    assert_eq!((code, class), ("false-claim", Class::Rejected));
    assert_eq!(message.matches("sha256:").count(), 2, "{message}");
    let gone = format!("{url}x.whl");
    let (code, class, _) = unavailable(catalogue.at_url(&project("x"), &gone));
    assert_eq!((code, class), ("file-unreadable", Class::Usage));
    let folder = ::url::Url::from_directory_path(folder.path()).unwrap();
    let error = catalogue.at_url(&project("x"), folder.as_str()).unwrap_err();
    assert!(error.to_string().contains("no digest pins a folder"), "{error}");
}

#[test]
fn what_cannot_be_locked_says_why() {
    let server = server();
    let catalogue = over(&server);
    let base = server.url();
    let check = |url: &str, expect: &str| {
        let error = catalogue.at_url(&project("x"), url).unwrap_err();
        assert!(error.to_string().contains(expect), "{url}: {error}");
        error
    };
    let vcs = "no digest pins what a version control system has";
    check("git+https://user:secret@h.example/x.git@main", vcs);
    check("hg+ssh://h.example/x", vcs);
    check("git@h.example:x.git", "cannot be locked");
    check("ftp://h.example/x-1.0-py3-none-any.whl", "only https, http and file urls");
    check(&format!("{base}/page"), "names neither a wheel nor");
    check(&format!("{base}/{WHEEL}#subdirectory=y"), "a folder in an archive");
    check(&format!("{base}/{WHEEL}#sha256=1"), "has 64 hexadecimal digits, found 1");
    check(&format!("{base}/{WHEEL}#other=1"), "`#other=` is not known");
    check(&format!("{base}/empty.tar.gz"), "which version it is, is only known to its build");
    let error = check(&format!("{base}/old.tar.gz"), "is final from 2.2 on");
    assert!(matches!(error, CatalogueError::NotStatic { .. }));
    let error = catalogue.at_url(&project("y"), &format!("{base}/{WHEEL}")).unwrap_err();
    assert!(error.to_string().ends_with("it is a wheel of `x`"), "{error}");
    let error = catalogue.at_url(&project("y"), &format!("{base}/main.tar.gz")).unwrap_err();
    assert!(error.to_string().ends_with("it is that of x 2.0"), "{error}");
    let wrong = format!("{base}/{WHEEL}#sha256={}", "0".repeat(64));
    let (code, class, _) = unavailable(catalogue.at_url(&project("x"), &wrong));
    assert_eq!((code, class), ("false-claim", Class::Rejected));
    assert!(catalogue.kept_file(&wrong).is_none());
}

#[test]
fn credentials_are_used_and_never_shown() {
    let bytes = Wheel::new("x", "1.0").build();
    let scenario = Scenario::new()
        .serve(&format!("/p/{WHEEL}"), "application/octet-stream", bytes)
        .basic_auth("/p/", "user", "secret");
    let server = IndexServer::start(scenario);
    let catalogue = over(&server);
    let with = |userinfo: &str| format!("{}/p/{WHEEL}", server.url()).replace("//", userinfo);
    let release = catalogue.at_url(&project("x"), &with("//user:secret@")).unwrap();
    assert_eq!(release.file.url, with("//"));
    for userinfo in ["//user:wrong-secret@", "//wrong-secret@"] {
        let error = catalogue.at_url(&project("x"), &with(userinfo)).unwrap_err();
        assert!(!format!("{error:?}").contains("wrong-secret"), "{error:?}");
        assert_eq!(unavailable(Err::<(), _>(error)).0, "unauthorized");
    }
    let error = catalogue.at_url(&project("y"), &with("//user:secret@")).unwrap_err();
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    let vcs = "git+https://user:secret@h.example/x.git?token=secret";
    let error = catalogue.at_url(&project("x"), vcs).unwrap_err();
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}
