use super::*;

#[test]
fn wheels_are_read() {
    let check = |filename: &str, name: &str, version: &str, build: Option<(u64, &str)>| {
        let wheel = WheelFilename::parse(filename).unwrap();
        assert_eq!(wheel.name.as_str(), name);
        assert_eq!(wheel.version.to_string(), version);
        assert_eq!(wheel.build, build.map(|(number, rest)| (number, rest.to_owned())));
        assert_eq!(wheel.as_str(), filename);
    };
    check("flask-3.0.0-py3-none-any.whl", "flask", "3.0.0", None);
    check(
        "Zope.Interface-5.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "zope-interface",
        "5.0",
        None,
    );
    check("a_b-1.0+local.1-1-py2.py3-none-any.whl", "a-b", "1.0+local.1", Some((1, "")));
    check("a-1!1.0-007b_x-py3-none-any.whl", "a", "1!1.0", Some((7, "b_x")));
    check("a-1.0rc1-py3-none-any.whl", "a", "1.0rc1", None);
    let wheel = WheelFilename::parse("a-1-CP39.py3-ABI3.none-Win32.any.whl").unwrap();
    assert_eq!(wheel.python, ["cp39", "py3"]);
    assert_eq!(wheel.abi, ["abi3", "none"]);
    assert_eq!(wheel.platform, ["win32", "any"]);
}

#[test]
fn other_names_are_no_wheels() {
    let check = |filename: &str, expect: fn(&FilenameError) -> bool| {
        let error = WheelFilename::parse(filename).unwrap_err();
        assert!(expect(&error), "{filename}: {error:?}");
    };
    check("a-1-py3-none-any.zip", |e| matches!(e, FilenameError::Extension { .. }));
    check("a-1-py3-none-any.WHL", |e| matches!(e, FilenameError::Extension { .. }));
    check("a-1-none-any.whl", |e| matches!(e, FilenameError::Parts { found: 4, .. }));
    check("a-1-1-py3-none-any-x.whl", |e| matches!(e, FilenameError::Parts { found: 7, .. }));
    check("-1-py3-none-any.whl", |e| matches!(e, FilenameError::Name { .. }));
    check("a__b-1-py3-none-any.whl", |e| matches!(e, FilenameError::Name { .. }));
    check("../a-1-py3-none-any.whl", |e| matches!(e, FilenameError::Name { .. }));
    check("a/b-1-py3-none-any.whl", |e| matches!(e, FilenameError::Name { .. }));
    check("a-x-py3-none-any.whl", |e| matches!(e, FilenameError::Version { .. }));
    check("a- 1-py3-none-any.whl", |e| matches!(e, FilenameError::Version { .. }));
    check("a-1.0_1x-py3-none-any.whl", |e| matches!(e, FilenameError::Version { .. }));
    check("a-1-x1-py3-none-any.whl", |e| matches!(e, FilenameError::Build { .. }));
    check("a-1-1/x-py3-none-any.whl", |e| matches!(e, FilenameError::Build { .. }));
    check("a-1-99999999999999999999-py3-none-any.whl", |e| {
        matches!(e, FilenameError::Build { .. })
    });
    check("a-1-3py-none-any.whl", |e| matches!(e, FilenameError::Tag { .. }));
    check("a-1-py3..py2-none-any.whl", |e| matches!(e, FilenameError::Tag { .. }));
    check("a-1-py3--any.whl", |e| matches!(e, FilenameError::Tag { .. }));
    check("a-1-py3-none-an\u{e9}.whl", |e| matches!(e, FilenameError::Tag { .. }));
    let many = ["a"; 33].join(".");
    check(&format!("a-1-{many}-{many}-any.whl"), |e| {
        matches!(e, FilenameError::TooManyTags { found: 1089, .. })
    });
    check(&format!("a-1-py3-none-{}.whl", "x".repeat(250)), |e| {
        matches!(e, FilenameError::TooLong { .. })
    });
}

#[test]
fn sdists_are_read() {
    let check = |filename: &str, expect: Option<(&str, &str)>| {
        let found = SdistFilename::parse(filename).ok();
        let found = found.map(|sdist| (sdist.name.to_string(), sdist.version.to_string()));
        let expect = expect.map(|(name, version)| (name.to_owned(), version.to_owned()));
        assert_eq!(found, expect, "{filename}");
    };
    check("flask-3.0.0.tar.gz", Some(("flask", "3.0.0")));
    check("a-b-1.0.zip", Some(("a-b", "1.0")));
    check("A.b_c-1.0.post1.tar.gz", Some(("a-b-c", "1.0.post1")));
    check("a-1.0.tar.bz2", None);
    check("a-1.0.tgz", None);
    check("a.tar.gz", None);
    check("-1.0.tar.gz", None);
    check("a-x.tar.gz", None);
    check("../a-1.tar.gz", None);
}

#[test]
fn a_known_project_tells_name_and_version_apart() {
    let check = |project: &str, filename: &str, expect: Option<&str>| {
        let found = SdistFilename::parse_for(&ProjectName::parse(project).unwrap(), filename).ok();
        assert_eq!(found.map(|sdist| sdist.version.to_string()).as_deref(), expect, "{filename}");
    };
    check("a", "a-1.0-1.tar.gz", Some("1.0.post1"));
    check("a-1-0", "a-1.0-1.tar.gz", Some("1"));
    check("a-b", "a_b-2.zip", Some("2"));
    check("b", "a-1.tar.gz", None);
}

#[test]
fn either_kind_is_told_by_its_ending() {
    let wheel = DistributionFilename::parse("a-1-py3-none-any.whl").unwrap();
    let sdist = DistributionFilename::parse("a-1.tar.gz").unwrap();
    assert!(matches!(wheel, DistributionFilename::Wheel(_)));
    assert!(matches!(sdist, DistributionFilename::Sdist(_)));
    assert_eq!((wheel.name(), wheel.version()), (sdist.name(), sdist.version()));
    let error = DistributionFilename::parse("a-1.exe").unwrap_err().to_string();
    assert_eq!(error, "`a-1.exe` does not end with `.whl`, `.tar.gz` or `.zip`");
}
