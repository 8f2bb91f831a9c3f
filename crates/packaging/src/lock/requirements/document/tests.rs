use super::*;

#[test]
fn addresses_are_told_apart() {
    let check = |text: &str, editable: bool, expect: &LockSource| {
        assert_eq!(source_of(text, editable).0, *expect, "{text}");
    };
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let vcs = |url: &str, commit: Option<&str>| LockSource::Vcs {
        url: url.to_owned(),
        commit: commit.map(str::to_owned),
    };
    check(&format!("git+https://h/x@{commit}#egg=x"), true, &vcs("https://h/x", Some(commit)));
    check("git+https://h/x@main", false, &vcs("https://h/x", None));
    check("git://h/x", false, &vcs("git://h/x", None));
    check("https://u:p@h/x.zip#egg=x", false, &LockSource::Url("https://h/x.zip".to_owned()));
    check("x-1.zip", false, &LockSource::Path("x-1.zip".to_owned()));
    let directory =
        |path: &str, editable| LockSource::Directory { path: path.to_owned(), editable };
    check("x-1.zip", true, &directory("x-1.zip", true));
    check("./x", false, &directory("./x", false));
}
