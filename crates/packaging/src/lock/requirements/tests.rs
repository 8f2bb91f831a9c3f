use std::collections::HashMap;

use super::*;
use crate::lock::{Setting, Wanted, WantedSource};

mod gauntlet;

/// Digests `sha256:aaaa…`, in hexadecimal and as peep writes them.
const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const A_PEEP: &str = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo";
const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// Files in memory. A relative location counts from the folder of the file that names it.
struct Folder(HashMap<String, Vec<u8>>);

impl Loader for Folder {
    fn load(
        &mut self,
        location: &str,
        _: FileKind,
        from: Option<&Place>,
    ) -> Result<Loaded, LoadError> {
        let folder = from.and_then(|place| place.file.rsplit_once('/')).map(|(folder, _)| folder);
        let location = match folder {
            Some(folder) => format!("{folder}/{location}"),
            None => location.to_owned(),
        };
        match self.0.get(&location) {
            Some(text) => Ok(Loaded { location, text: text.clone() }),
            None => Err(LoadError {
                message: format!("`{location}` is not there"),
                unavailable: location.starts_with("https:"),
            }),
        }
    }
}

fn environment() -> MarkerEnvironment {
    MarkerEnvironment {
        python_version: "3.11".into(),
        python_full_version: "3.11.7".into(),
        sys_platform: "linux".into(),
        os_name: "posix".into(),
        ..MarkerEnvironment::default()
    }
}

fn variables(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("secret".to_owned()),
        "EVIL" => Some("x --trusted-host h".to_owned()),
        _ => None,
    }
}

/// Reads files; the ones whose name begins with `c` are constraints, others than `r…` and `c…`
/// are only included.
fn read_files(files: &[(&str, &[u8])]) -> Result<WantedSet, Vec<SourceError>> {
    let root = |(name, _): &(&str, &[u8])| match name.chars().next() {
        Some('r') => Some(Root { location: (*name).to_owned(), kind: FileKind::Requirements }),
        Some('c') => Some(Root { location: (*name).to_owned(), kind: FileKind::Constraints }),
        _ => None,
    };
    let roots: Vec<Root> = files.iter().filter_map(root).collect();
    let texts = files.iter().map(|(name, text)| ((*name).to_owned(), text.to_vec()));
    read(&roots, &mut Folder(texts.collect()), &environment(), &variables)
}

fn read_text(text: &str) -> Result<WantedSet, Vec<SourceError>> {
    read_files(&[("r.txt", text.as_bytes())])
}

/// A wanted project as `name[extras] source digests`, with one letter for a digest.
fn show(wanted: &Wanted) -> String {
    let extras: Vec<&str> = wanted.extras.iter().map(crate::name::ExtraName::as_str).collect();
    let source = match &wanted.source {
        WantedSource::Index { specifiers, pinned, .. } => {
            let pin = pinned.as_ref().map_or(String::new(), |version| format!(" ={version}"));
            format!("{specifiers}{pin}")
        }
        WantedSource::Url { url, .. } => url.clone(),
        WantedSource::Path { path, .. } => path.clone(),
    };
    let digest = |digest: &crate::digest::Digest| {
        let name = digest.algorithm().name().trim_start_matches("sha256");
        format!("{name}{}", &digest.hex()[..1])
    };
    let digests: Vec<String> = wanted.digests.iter().map(digest).collect();
    format!("{}{extras:?} {source} {}", wanted.project, digests.join(","))
}

fn show_all(set: &WantedSet) -> Vec<String> {
    set.wanted.iter().map(show).collect()
}

/// The text is read to these projects; `A`, `B`, `A_PEEP` and `MD5` stand for digests.
fn accepts(text: &str, expect: &[&str]) {
    let set = read_text(&fill(text)).unwrap_or_else(|errors| panic!("{text}: {errors:#?}"));
    assert_eq!(show_all(&set), expect, "{text}");
}

/// The text is refused with these errors, as `code line:column`.
fn refuses(text: &str, expect: &[&str]) {
    let errors = read_text(&fill(text)).expect_err(text);
    assert_eq!(show_errors(&errors), expect, "{text}: {errors:#?}");
}

fn show_errors(errors: &[SourceError]) -> Vec<String> {
    let show = |e: &SourceError| format!("{} {}:{}", e.code, e.place.line, e.place.column);
    errors.iter().map(show).collect()
}

fn fill(text: &str) -> String {
    text.replace("$A_PEEP", A_PEEP).replace("$A", A).replace("$B", B).replace("$MD5", MD5)
}

#[test]
fn requirements_have_many_forms() {
    accepts("Flask", &["flask[]  "]);
    accepts("flask>=1 ; python_version >= '3'", &["flask[] >=1 "]);
    accepts("flask[B,a]==1 --hash=sha256:$A --hash=sha256:$B", &[r#"flask["a", "b"] ==1 =1 a,b"#]);
    accepts("flask==1\t--hash=sha256:$A", &["flask[] ==1 =1 a"]);
    accepts("flask==1 --hash \"sha256:$A\"", &["flask[] ==1 =1 a"]);
    accepts(
        "a @ https://h/a-1-py3-none-any.whl#sha256=$A",
        &["a[] https://h/a-1-py3-none-any.whl a"],
    );
    accepts("https://h/a-1-py3-none-any.whl#sha256=$A", &["a[] https://h/a-1-py3-none-any.whl a"]);
    accepts("https://h/a-1.tar.gz; os_name == 'posix'", &["a[] https://h/a-1.tar.gz "]);
    accepts("https://h/a-1.tar.gz ; os_name == 'posix'", &["a[] https://h/a-1.tar.gz "]);
    accepts("https://h/x.zip#egg=A[b]", &[r#"a["b"] https://h/x.zip "#]);
    accepts(
        "./a-1-py3-none-any.whl[b] ; os_name == 'posix'",
        &[r#"a["b"] ./a-1-py3-none-any.whl "#],
    );
    accepts("a-1+x-py3-none-any.whl --hash=sha256:$A", &["a[] a-1+x-py3-none-any.whl a"]);
    accepts("my wheels/a-1-py3-none-any.whl", &["a[] my wheels/a-1-py3-none-any.whl "]);
    accepts("file:///w/a-1-py3-none-any.whl", &["a[] /w/a-1-py3-none-any.whl "]);
    accepts("a @ file:///w/a-1-py3-none-any.whl", &["a[] /w/a-1-py3-none-any.whl "]);
    accepts("a==1 --config-settings x=y -C z=w", &["a[] ==1 =1 "]);
    accepts("a @ https://h/download", &["a[] https://h/download "]);
}

#[test]
fn settings_are_collected() {
    let text = "-i https://${TOKEN}@h/simple --extra-index-url=https://g\n-f ./wheels\n--no-index\n\
        --only-binary :all:\n--no-binary=x --prefer-binary --pre\n--require-hashes\n\
        --use-feature x\n--all-releases a --only-final b\nflask\n";
    let set = read_text(text).unwrap();
    let settings: Vec<&Setting> = set.options.iter().map(|option| &option.setting).collect();
    let own = |text: &str| text.to_owned();
    assert_eq!(
        settings,
        [
            &Setting::IndexUrl(own("https://secret@h/simple")),
            &Setting::ExtraIndexUrl(own("https://g")),
            &Setting::FindLinks(own("./wheels")),
            &Setting::NoIndex,
            &Setting::OnlyBinary(own(":all:")),
            &Setting::NoBinary(own("x")),
            &Setting::PreferBinary,
            &Setting::Pre,
            &Setting::RequireHashes,
            &Setting::UseFeature(own("x")),
            &Setting::AllReleases(own("a")),
            &Setting::OnlyFinal(own("b")),
        ]
    );
    assert_eq!(set.options[1].place.to_string(), "r.txt:1:30");
}

#[test]
fn lines_that_cannot_be_read_are_refused_where_they_go_wrong() {
    refuses("a b", &["syntax 1:3"]);
    refuses("x\n  a=1", &["syntax 2:4"]);
    refuses("a==1 \\\n  ; os_name = 'x'", &["syntax 2:13"]);
    refuses("a==1 'x", &["syntax 1:6"]);
    refuses("a==1 --hash='x", &["syntax 1:13"]);
    refuses("a==1 --hash=sha256:$A b", &["syntax 1:85"]);
    refuses("-r x y", &["syntax 1:6", "file-unreadable 1:1"]);
    refuses("a --no-index", &["misplaced-option 1:3"]);
    refuses("a -r b", &["misplaced-option 1:3"]);
    refuses("-C x=y", &["misplaced-option 1:1"]);
    refuses("--frobnicate", &["unknown-option 1:1"]);
    refuses("--index https://h", &["unknown-option 1:1", "syntax 1:9"]);
    refuses("a -x", &["unknown-option 1:3"]);
    refuses("--pre=yes", &["option-value 1:1"]);
    refuses("--index-url", &["option-value 1:1"]);
    refuses("--index-url --pre", &["option-value 1:1"]);
    refuses("-i=https://h", &["option-value 1:1"]);
    refuses("-r ''", &["option-value 1:1"]);
    refuses("a; os_name ~= 'x'", &["marker 1:1"]);
    refuses("a; 'x' in extras", &["marker 1:1"]);
    refuses("a==1,==2", &["unsatisfiable 1:1"]);
    refuses("a===one", &["unsatisfiable 1:1"]);
    refuses("${UNSET}", &["unset-variable 1:1"]);
    refuses("x # y \\\nz", &["continued-comment 2:1"]);
    refuses("a\u{2028}b", &["control-character 1:2"]);
    refuses("https://h/a-1.tar.gz x", &["syntax 1:22"]);
    refuses("https://h/a-1.tar.gz; os_name", &["syntax 1:30"]);
    refuses("./a-1.tar.gz[b c]", &["syntax 1:13"]);
    refuses("ftp://h/a-1-py3-none-any.whl", &["url 1:1"]);
}

#[test]
fn names_must_agree() {
    refuses("a @ https://h/b-1-py3-none-any.whl", &["name-conflict 1:5"]);
    refuses("https://h/b-1-py3-none-any.whl#egg=a", &["name-conflict 1:1"]);
    refuses("a @ https://h/x.zip#egg=b", &["name-conflict 1:5"]);
    refuses("a @ https://h/a-x.whl", &["url 1:5"]);
    accepts(
        "A_b @ https://h/a.b-1-py3-none-any.whl#egg=a-B",
        &["a-b[] https://h/a.b-1-py3-none-any.whl "],
    );
}

#[test]
fn every_error_is_reported() {
    refuses(
        &format!(
            "a b\n--frob\nc==1 --hash=sha256:{A} --hash=md5:x --hash=y\n--trusted-host=h\nd\n# sha256: x"
        ),
        &[
            "syntax 1:3",
            "unknown-option 2:1",
            "malformed-digest 3:85",
            "malformed-digest 3:98",
            "weakens-check 4:1",
            "malformed-digest 6:1",
        ],
    );
    let many = "a b\n".repeat(1000);
    assert_eq!(read_text(&many).unwrap_err().len(), MAXIMUM_ERRORS);
}

#[test]
fn messages_hold_no_credentials() {
    let errors = read_text("https://u:${TOKEN}@h/x\n--extra-index-url https://${TOKEN}@h -x\na @ https://${TOKEN}@h/b-1.tar.gz y").unwrap_err();
    for error in errors {
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[test]
fn variables_cannot_smuggle_options() {
    refuses("${EVIL}", &["weakens-check 1:1"]);
}

#[test]
fn files_include_each_other() {
    let set = read_files(&[
        ("r.txt", b"a\n-r d/one.txt\n-c d/con.txt\n"),
        ("d/one.txt", b"b\n--requirement=two.txt\n"),
        ("d/two.txt", b"c>=1\n"),
        ("d/con.txt", b"c==1\nz==1\n-r con2.txt\n"),
        ("d/con2.txt", b"d\n"),
    ]);
    // A file that constraints include with `-r` is one of requirements, as in pip.
    assert_eq!(show_all(&set.unwrap()), ["a[]  ", "b[]  ", "c[] >=1,==1 =1 ", "d[]  "]);
}

#[test]
fn includes_have_limits() {
    let errors = |files: &[(&str, &[u8])]| show_errors(&read_files(files).unwrap_err());
    assert_eq!(errors(&[("r.txt", b"a\n  -r r.txt")]), ["include-cycle 2:3"]);
    assert_eq!(errors(&[("r.txt", b"-r x.txt"), ("x.txt", b"\n-c r.txt")]), ["include-cycle 2:1"]);
    assert_eq!(
        errors(&[("r.txt", b"a -r b\n-r missing")]),
        ["misplaced-option 1:3", "file-unreadable 2:1"]
    );
    assert_eq!(errors(&[("r.txt", b"-r https://h/x")]), ["file-unavailable 1:1"]);
    let chain: Vec<(String, Vec<u8>)> =
        (0..20).map(|i| (format!("x{i}"), format!("-r x{}", i + 1).into_bytes())).collect();
    let mut files: Vec<(&str, &[u8])> =
        chain.iter().map(|(n, t)| (n.as_str(), t.as_slice())).collect();
    files.push(("r", b"-r x0"));
    assert_eq!(errors(&files), ["too-large 1:1"]);
    let wide = "-r x.txt\n".repeat(300);
    let found = errors(&[("r.txt", wide.as_bytes()), ("x.txt", b"a")]);
    assert_eq!(found[0], "too-large 256:1");
    let many = "a\n".repeat(100_003);
    assert_eq!(errors(&[("r.txt", many.as_bytes())]), ["too-large 100001:1"]);
    assert_eq!(errors(&[("r.txt", b"-r x"), ("x", b"\n\xff")]), ["encoding 2:1"]);
}

#[test]
fn constraints_narrow_what_is_wanted() {
    let check = |requirements: &str, constraints: &str, expect: Result<&[&str], &[&str]>| {
        let found = read_files(&[
            ("r.txt", fill(requirements).as_bytes()),
            ("c.txt", fill(constraints).as_bytes()),
        ]);
        match expect {
            Ok(expect) => assert_eq!(show_all(&found.unwrap()), expect),
            Err(expect) => assert_eq!(show_errors(&found.unwrap_err()), expect, "{constraints}"),
        }
    };
    check("a", "a<2\nb", Ok(&["a[] <2 "]));
    check(
        "a>=1",
        "a===1.5;python_version=='3.11'\na===1.4;python_version=='3.8'",
        Ok(&["a[] >=1,===1.5 =1.5 "]),
    );
    check("a>=2", "a==1", Err(&["constraint-conflict 1:1"]));
    check("a==2", "a==1", Err(&["constraint-conflict 1:1"]));
    check("a", "a==1\na==2", Err(&["constraint-conflict 2:1"]));
    check("a", "a[b]==1", Err(&["syntax 1:1"]));
    check(
        "a",
        "a @ https://h/a-1-py3-none-any.whl#sha256=$A",
        Ok(&["a[] https://h/a-1-py3-none-any.whl a"]),
    );
    check("a>=2", "a @ https://h/a-1-py3-none-any.whl", Err(&["constraint-conflict 1:1"]));
    check("./a-1-py3-none-any.whl", "a<2", Ok(&["a[] ./a-1-py3-none-any.whl "]));
    check("./a-1-py3-none-any.whl", "a>2", Err(&["constraint-conflict 1:1"]));
    check("a @ https://h/download", "a>2", Err(&["constraint-conflict 1:1"]));
    check("a", "git+https://h/x#egg=b\n-e ../c#egg=c\nb", Ok(&["a[]  "]));
    check("b", "b @ git+https://h/x", Err(&["vcs 1:5"]));
    check("a", "b @ git+https://h/x\n-e git+https://h/c#egg=c", Ok(&["a[]  "]));
}

#[test]
fn duplicates_are_united_or_refused() {
    accepts("a[x]>=1\nA[y]<2", &[r#"a["x", "y"] >=1,<2 "#]);
    accepts("a==1 --hash=sha256:$A --hash=sha256:$B\na --hash=sha256:$B", &["a[] ==1 =1 b"]);
    accepts("a==1\na==1.0 --hash=sha256:$A", &["a[] ==1,==1.0 =1 a"]);
    accepts("./a-1.zip\n./a-1.zip", &["a[] ./a-1.zip "]);
    refuses("a==1\na==2", &["duplicate-conflict 2:1"]);
    refuses("a==1\na @ https://h/a-1.zip", &["duplicate-conflict 2:1"]);
    refuses("./a-1.zip\n./b/a-1.zip", &["duplicate-conflict 2:1"]);
}

#[test]
fn a_marker_is_kept_for_other_machines() {
    let check = |text: &str, expect: Option<&str>| {
        let marker = read_text(text).unwrap().wanted.remove(0).marker;
        assert_eq!(marker.map(|marker| marker.to_string()).as_deref(), expect, "{text}");
    };
    check("a==1", None);
    check("a==1 ; os_name == 'posix'", Some("os_name == \"posix\""));
    check("./a-1.zip ; os_name == 'posix'", Some("os_name == \"posix\""));
    check("a==1 ; os_name == 'posix'\na==1", None);
    check("a==1\na==1 ; os_name == 'posix'", None);
    check("a==1 ; os_name == 'nt'\na==1 ; os_name == 'posix'", Some("os_name == \"posix\""));
    check(
        "a==1 ; os_name == 'posix'\na ; sys_platform == 'linux'",
        Some("os_name == \"posix\" or sys_platform == \"linux\""),
    );
}
