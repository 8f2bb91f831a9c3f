use super::*;

const SHA256: &str = "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c";

fn base() -> Url {
    Url::parse("https://index.example/simple/x/").unwrap()
}

fn sha256() -> Digest {
    Digest::parse_hex(Algorithm::Sha256, SHA256).unwrap()
}

fn plain(filename: &str) -> File {
    File {
        filename: filename.into(),
        url: format!("https://index.example/files/{filename}"),
        digests: vec![sha256()],
        size: None,
        requires_python: None,
        yanked: None,
        upload_time: None,
        core_metadata: CoreMetadataClaim::None,
        provenance: None,
    }
}

fn html_page(text: &str) -> Result<ProjectPage, PageError> {
    parse(text.as_bytes(), Some("text/html; charset=utf-8"), &base())
}

fn json_page(text: &str) -> Result<ProjectPage, PageError> {
    parse(text.as_bytes(), Some("application/vnd.pypi.simple.v1+json"), &base())
}

fn json_file(fields: &str) -> Result<ProjectPage, PageError> {
    json_page(&format!(
        r#"{{"meta": {{"api-version": "1.1"}}, "name": "X", "files": [{{{fields}}}]}}"#
    ))
}

const NAME_URL: &str = r#""filename": "x-1.tar.gz", "url": "../../files/x-1.tar.gz""#;

#[test]
fn html_and_json_say_the_same() {
    let file = File {
        requires_python: Some(">=3.8,<4".into()),
        yanked: Some("broken \"badly\" & more".into()),
        core_metadata: CoreMetadataClaim::Available { digests: vec![sha256()] },
        provenance: Some("https://index.example/integrity/x".into()),
        ..plain("x-1.tar.gz")
    };
    let status =
        ProjectStatus { marker: StatusMarker::Quarantined, reason: Some("stolen account".into()) };
    let from_html = html_page(&format!(
        "<!DOCTYPE html><html><head><meta name='pypi:repository-version' content='1.4'>\
         <meta name=\"pypi:project-status\" content=\"quarantined\">\
         <meta name=pypi:project-status-reason content='stolen account'></head><body>\
         <A HREF=\"../../files/x-1.tar.gz#sha256={SHA256}\" data-requires-python='&gt;=3.8,&lt;4'\
         data-yanked='broken &quot;badly&quot; &amp; more' data-core-metadata=\"sha256={SHA256}\"\
         data-provenance=/integrity/x>whatever</a></body></html><!--SERIAL 42-->"
    ))
    .unwrap();
    let from_json = json_page(&format!(
        r#"{{"meta": {{"api-version": "1.4", "_last-serial": 42}}, "name": "x",
             "project-status": {{"status": "quarantined", "reason": "stolen account"}},
             "versions": ["1"], "future": [1, 2],
             "files": [{{{NAME_URL}, "hashes": {{"sha256": "{SHA256}", "blake2b": "??"}},
               "requires-python": ">=3.8,<4", "yanked": "broken \"badly\" & more",
               "core-metadata": {{"sha256": "{SHA256}"}}, "provenance": "/integrity/x"}}]}}"#
    ))
    .unwrap();
    let expect = ProjectPage {
        versions: None,
        api_version: (1, 4),
        name: None,
        status,
        files: vec![file],
        unusable: vec![],
        last_serial: Some(42),
    };
    assert_eq!(from_html, expect);
    // Only JSON has the name and the versions.
    let (name, versions) = (Some("x".into()), Some(vec!["1".into()]));
    assert_eq!(from_json, ProjectPage { name, versions, ..expect });
}

#[test]
fn json_fields() {
    let check = |fields: &str, change: fn(&mut File)| {
        let mut expect = plain("x-1.tar.gz");
        change(&mut expect);
        let page = json_file(&format!("{NAME_URL}, {fields}")).unwrap();
        assert_eq!(page.unusable, [], "{fields}");
        assert_eq!(page.files, [expect], "{fields}");
    };
    let with = |more: &str| format!(r#""hashes": {{"sha256": "{SHA256}"}}{more}"#);
    check(&with(""), |_| {});
    check(r#""hashes": {}"#, |file| file.digests.clear());
    check(&format!(r#""hashes": {{"sha256": "{}"}}"#, SHA256.to_uppercase()), |_| {});
    check(&with(r#", "size": 12"#), |file| file.size = Some(12));
    check(&with(r#", "size": null, "requires-python": null, "yanked": null"#), |_| {});
    check(&with(r#", "yanked": false"#), |_| {});
    check(&with(r#", "yanked": true"#), |file| file.yanked = Some(String::new()));
    check(&with(r#", "yanked": "why""#), |file| file.yanked = Some("why".into()));
    check(&with(r#", "core-metadata": false, "dist-info-metadata": true"#), |_| {});
    check(&with(r#", "dist-info-metadata": true"#), |file| {
        file.core_metadata = CoreMetadataClaim::Available { digests: vec![] };
    });
    check(&with(r#", "upload-time": "2026-01-02T03:04:05.6Z""#), |file| {
        file.upload_time = Some("2026-01-02T03:04:05.6Z".into());
    });
}

#[test]
fn serials_of_any_form() {
    let check = |serial: &str, expect: Option<u64>| {
        let meta = format!(r#"{{"api-version": "1.1", "_last-serial": {serial}}}"#);
        let page = json_page(&format!(r#"{{"meta": {meta}, "name": "x", "files": []}}"#)).unwrap();
        assert_eq!(page.last_serial, expect, "{serial}");
    };
    check("42", Some(42));
    check("\"42\"", Some(42));
    check("null", None);
    check("\"x\"", None);
    check("[1]", None);
    check("-1", None);
}

#[test]
fn json_pages_that_are_refused() {
    let check = |text: &str, expect: &str| {
        let error = json_page(text).unwrap_err().to_string();
        assert!(error.contains(expect), "{text}: {error}");
    };
    check("", "EOF");
    check("[]", "not json of the simple api");
    check("{}", "missing field `meta`");
    check(
        r#"{"meta": {"api-version": "2.0"}}"#,
        "expected version 1 of the simple api, found `2.0`",
    );
    check(r#"{"meta": {"api-version": "1"}, "name": "x", "files": []}"#, "found `1`");
    check(r#"{"meta": {"api-version": "1.+1"}, "name": "x", "files": []}"#, "found `1.+1`");
    check(r#"{"meta": {"api-version": "1.0"}, "name": "x"}"#, "missing field `files`");
    check(r#"{"meta": {"api-version": "1.0"}, "files": []}"#, "missing field `name`");
    check(
        r#"{"meta": {"api-version": "1.0"}, "name": "x", "files": [], "files": []}"#,
        "duplicate field `files`",
    );
    check(
        r#"{"meta": {"api-version": "1.4"}, "name": "x", "files": [], "project-status": {"status": "cursed"}}"#,
        "unknown project status `cursed`",
    );
    let file = |fields: &str, expect: &str| {
        let error = json_file(fields).unwrap_err().to_string();
        assert!(error.contains(expect), "{fields}: {error}");
    };
    file(NAME_URL, "missing field `hashes`");
    file(&format!(r#"{NAME_URL}, "hashes": {{"md5": "a", "md5": "b"}}"#), "given twice");
    file(&format!(r#"{NAME_URL}, "hashes": {{}}, "size": -1"#), "invalid value");
    file(&format!(r#"{NAME_URL}, "hashes": {{}}, "yanked": 3"#), "not json of the simple api");
    assert_eq!(parse(b"{\xff}", Some("application/json"), &base()), Err(PageError::Encoding));
}

#[test]
fn entries_that_are_set_apart() {
    let check = |fields: &str, expect: &FileError| {
        let page = json_file(fields).unwrap();
        assert_eq!(page.files, [], "{fields}");
        assert_eq!(page.unusable.len(), 1, "{fields}");
        assert_eq!(&page.unusable[0].reason, expect, "{fields}");
    };
    for name in ["", ".", "..", "a/b", "a\\\\b", "C:x", "a\\u0000b", "a\\nb"] {
        check(
            &format!(r#""filename": "{name}", "url": "x", "hashes": {{}}"#),
            &FileError::Filename,
        );
    }
    let long = "x".repeat(256);
    check(&format!(r#""filename": "{long}", "url": "x", "hashes": {{}}"#), &FileError::Filename);
    for url in ["file:///etc/passwd", "ftp://x/y", "javascript:1", "https://[", "data:,x"] {
        let expect = FileError::Url { url: url.into() };
        check(&format!(r#""filename": "x", "url": "{url}", "hashes": {{}}"#), &expect);
    }
    let expect = FileError::Digest { algorithm: Algorithm::Sha256, value: "abc".into() };
    check(&format!(r#"{NAME_URL}, "hashes": {{"sha256": "abc"}}"#), &expect);
    let text = "y".repeat(MAX_TEXT + 1);
    let expect = FileError::TooLong { field: "yanked" };
    check(&format!(r#"{NAME_URL}, "hashes": {{}}, "yanked": "{text}""#), &expect);
    let expect = FileError::TooLong { field: "url" };
    check(&format!(r#""filename": "x", "url": "{text}", "hashes": {{}}"#), &expect);
}

#[test]
fn html_links() {
    let check = |body: &str, expect: Option<&File>| {
        let page = html_page(&format!("<html>{body}")).unwrap();
        assert_eq!(page.files.first(), expect, "{body}");
        assert_eq!(page.files.len(), usize::from(expect.is_some()), "{body}");
        assert_eq!(page.unusable, [], "{body}");
    };
    let digest = format!("#sha256={SHA256}");
    let file = plain("x-1.tar.gz");
    let bare = File { digests: vec![], ..file.clone() };
    check(&format!("<a href='../../files/x-1.tar.gz{digest}'>x</a>"), Some(&file));
    check(&format!("<a href=../../files/x-1.tar.gz{digest}>x"), Some(&file));
    check(&format!("<a rel=x href=/files/x-1.tar.gz#egg=x&sha256={SHA256}>x"), Some(&file));
    check("<a href='/files/x-1.tar.gz#egg=x'>x</a>", Some(&bare));
    check(
        "<a href='/files/x-1.tar.gz?token=1'>x</a>",
        Some(&File {
            url: "https://index.example/files/x-1.tar.gz?token=1".into(),
            ..bare.clone()
        }),
    );
    check(
        &format!("<base href='/'><base href='/no/'><a href='files/x-1.tar.gz{digest}'>"),
        Some(&file),
    );
    check(
        "<a href='/files/x-1%2Blocal.tar.gz'>x</a>",
        Some(&File {
            filename: "x-1+local.tar.gz".into(),
            url: "https://index.example/files/x-1%2Blocal.tar.gz".into(),
            ..bare.clone()
        }),
    );
    let yanked = File { yanked: Some(String::new()), ..bare.clone() };
    check("<a href='/files/x-1.tar.gz' data-yanked>x</a>", Some(&yanked));
    check("<a href='/files/x-1.tar.gz' data-yanked=''>x</a>", Some(&yanked));
    check("<a href='/files/x-1.tar.gz' data-core-metadata=false>x</a>", Some(&bare));
    check(
        "<a href='/files/x-1.tar.gz' data-dist-info-metadata=true>x</a>",
        Some(&File { core_metadata: CoreMetadataClaim::Available { digests: vec![] }, ..bare }),
    );
    // Neither comments nor links elsewhere are files.
    check("<!-- <a href='/files/x-1.tar.gz'>x</a> -->", None);
    check(
        "<a>x</a><a href='../'>up</a><a href='mailto:x@y'>m</a><a href='file:///x.whl'>f</a>",
        None,
    );
}

#[test]
fn html_that_is_refused_or_set_apart() {
    let page = html_page("<a href='/files/a%2Fb.whl'>x<a href='/f/a%FF.whl'><a href='c#md5=1'>");
    let page = page.unwrap();
    assert_eq!(page.files, []);
    let found: Vec<_> = page.unusable.iter().map(|it| it.filename.as_str()).collect();
    assert_eq!(found, ["a/b.whl", "a%FF.whl", "c"]);
    let digest = FileError::Digest { algorithm: Algorithm::Md5, value: "1".into() };
    assert_eq!(page.unusable[2].reason, digest);

    let check = |text: &str, expect: PageError| assert_eq!(html_page(text), Err(expect), "{text}");
    check("", PageError::Html);
    check("just text", PageError::Html);
    let version = "<meta name='pypi:repository-version' content='2.0'>";
    check(version, PageError::ApiVersion { found: "2.0".into() });
    let status = "<meta name='pypi:project-status' content='cursed'>";
    check(status, PageError::Status { found: "cursed".into() });
    let two = "<meta name='pypi:project-status' content='quarantined'>\
               <meta name='pypi:project-status' content='active'>";
    check(two, PageError::Status { found: "active".into() });
    assert_eq!(parse(b"<a\xff>", Some("text/html"), &base()), Err(PageError::Encoding));
}

#[test]
fn the_content_type_decides() {
    let json = r#"{"meta": {"api-version": "1.0"}, "name": "x", "files": []}"#;
    let html = "<html></html>";
    let accepted = |content_type: Option<&str>, text: &str| {
        let page = parse(text.as_bytes(), content_type, &base());
        assert!(page.is_ok(), "{content_type:?}: {page:?}");
    };
    for content_type in ["application/vnd.pypi.simple.v1+json", "application/json; charset=utf-8"] {
        accepted(Some(content_type), json);
    }
    for content_type in ["application/vnd.pypi.simple.v1+html", "Text/HTML"] {
        accepted(Some(content_type), html);
    }
    accepted(None, html);
    accepted(None, json);
    accepted(Some("text/plain"), json);
    let refused = |content_type: &str, expect: PageError| {
        assert_eq!(parse(json.as_bytes(), Some(content_type), &base()), Err(expect));
    };
    let newer = "application/vnd.pypi.simple.v2+json";
    refused(newer, PageError::ApiVersion { found: "v2+json".into() });
    refused("text/html", PageError::Html);
    refused("image/png", PageError::ContentType { found: "image/png".into() });
    assert_eq!(parse(b"oops", None, &base()), Err(PageError::ContentType { found: String::new() }));
}

#[test]
fn files_of_a_local_page() {
    let base = Url::parse("file:///srv/simple/x/index.html").unwrap();
    let page = parse(b"<a href='x-1.tar.gz'>x</a>", Some("text/html"), &base).unwrap();
    assert_eq!(page.files[0].url, "file:///srv/simple/x/x-1.tar.gz");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = html::parse(&bytes, &base());
        let _ = json::parse(&bytes, &base());
    }

    #[test]
    fn any_attributes_are_read_or_refused(href in ".{0,40}", yanked in ".{0,40}") {
        let page = html_page(&format!("<html><a href=\"{href}\" data-yanked=\"{yanked}\">x</a>"));
        proptest::prop_assert!(page.is_ok());
        for file in page.unwrap().files {
            proptest::prop_assert!(!file.filename.contains(['/', '\\', '\0']));
            proptest::prop_assert!(Url::parse(&file.url).is_ok());
        }
    }
}

#[test]
fn versions_are_kept_where_they_are_said() {
    let page = |more: &str| {
        json_page(&format!(
            r#"{{"meta": {{"api-version": "1.1"}}, "name": "X", "files": []{more}}}"#
        ))
    };
    assert_eq!(page("").unwrap().versions, None);
    assert_eq!(page(r#", "versions": null"#).unwrap().versions, None);
    assert_eq!(page(r#", "versions": []"#).unwrap().versions, Some(vec![]));
    let versions = page(r#", "versions": ["0.1", "0.1.0", "odd one"]"#).unwrap().versions.unwrap();
    assert_eq!(versions, ["0.1", "0.1.0", "odd one"]);
    assert!(matches!(page(r#", "versions": {"1": 2}"#), Err(PageError::Json { .. })));
    let many = vec!["\"1\""; MAX_FILES + 1].join(",");
    let refused = page(&format!(r#", "versions": [{many}]"#));
    assert_eq!(refused, Err(PageError::TooManyVersions));
}
