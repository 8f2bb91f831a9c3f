//! The rows of the gauntlet that are decided by reading. Rows that ask what is downloaded have
//! their test where that happens; here it is what must have been read.

use super::*;

#[test]
fn g01_peep_comment_is_a_digest() {
    accepts("# sha256: $A_PEEP\na==1", &["a[] ==1 =1 a"]);
    accepts("# sha256: $A_PEEP\n./a-1-py3-none-any.whl", &["a[] ./a-1-py3-none-any.whl a"]);
}

#[test]
fn g02_peep_comment_with_padding() {
    accepts("# sha256: $A_PEEP=\na==1", &["a[] ==1 =1 a"]);
}

#[test]
fn g03_malformed_peep_comment() {
    refuses("\n#sha256: $A_PEEP\na==1", &["malformed-digest 2:1"]);
    refuses("# sha256: qqqq qqqq\na==1", &["malformed-digest 1:1"]);
    refuses("a==1 # sha256: $A_PEEP", &["malformed-digest 1:6"]);
    refuses("a==1 \\\n# sha256: $A_PEEP\nb==1", &["malformed-digest 2:1"]);
}

#[test]
fn g04_blank_and_comment_lines_below_a_peep_comment() {
    accepts("# sha256: $A_PEEP\n\n  # why\n\t\na==1", &["a[] ==1 =1 a"]);
    accepts("# sha256: $A_PEEP\n# sha256: $A_PEEP # twice\na==1", &["a[] ==1 =1 a"]);
}

#[test]
fn g05_option_between_a_peep_comment_and_its_pin() {
    refuses("# sha256: $A_PEEP\n-i https://h\na==1", &["orphan-digest 1:1"]);
    refuses("a==1\n# sha256: $A_PEEP\n", &["orphan-digest 2:1"]);
}

#[test]
fn g06_hash_that_belongs_to_no_requirement() {
    refuses("a==1\n--hash=sha256:$A", &["orphan-digest 2:1"]);
    refuses("a==1 \\\n# comment\n  --hash=sha256:$A", &["orphan-digest 3:3"]);
}

#[test]
fn g07_comment_and_hash_disagree() {
    refuses("# sha256: $A_PEEP\na==1 --hash=sha256:$B", &["digest-conflict 1:1"]);
    refuses("# sha256: $A_PEEP\na==1 --hash=sha256:$A --hash=sha256:$B", &["digest-conflict 1:1"]);
    accepts("# sha256: $A_PEEP\na==1 --hash=sha256:$A", &["a[] ==1 =1 a"]);
}

#[test]
fn g08_upper_case_hexadecimal() {
    accepts(&format!("a==1 --hash=sha256:{}", A.to_uppercase()), &["a[] ==1 =1 a"]);
}

#[test]
fn g09_truncated_or_empty_digest() {
    refuses(&format!("a==1 --hash=sha256:{}", &A[1..]), &["malformed-digest 1:6"]);
    refuses("a==1 --hash=sha256:", &["malformed-digest 1:6"]);
    refuses("a==1 --hash=sha256", &["malformed-digest 1:6"]);
    refuses("a==1 --hash=", &["option-value 1:6"]);
    refuses("a==1 --hash", &["option-value 1:6"]);
}

#[test]
fn g10_only_a_weak_digest() {
    refuses("a==1 --hash=md5:$MD5", &["weak-digest 1:1"]);
    refuses(&format!("a==1 --hash=sha1:{}", &A[..40]), &["weak-digest 1:1"]);
    refuses("https://h/a-1-py3-none-any.whl#md5=$MD5", &["weak-digest 1:1"]);
    accepts("a==1 --hash=md5:$MD5 --hash=sha256:$A", &["a[] ==1 =1 md5d,a"]);
}

#[test]
fn g11_algorithm_in_capitals() {
    refuses("a==1 --hash=SHA256:$A", &["malformed-digest 1:6"]);
    refuses("https://h/a-1-py3-none-any.whl#SHA256=$A", &["malformed-digest 1:1"]);
}

#[test]
fn g12_g13_digests_of_two_algorithms_are_both_kept() {
    accepts("a==1 --hash=sha512:$A$B --hash=sha256:$B", &["a[] ==1 =1 sha512a,b"]);
}

#[test]
fn g14_digest_in_the_url_is_kept_beside_the_hash() {
    accepts(
        "https://h/a-1-py3-none-any.whl#md5=$MD5 --hash=sha256:$A",
        &["a[] https://h/a-1-py3-none-any.whl a,md5d"],
    );
}

#[test]
fn g15_digest_in_the_url_contradicts_the_hash() {
    refuses("https://h/a-1-py3-none-any.whl#sha256=$B --hash=sha256:$A", &["digest-conflict 1:1"]);
    accepts(
        "https://h/a-1-py3-none-any.whl#sha256=$A --hash=sha256:$A --hash=sha256:$B",
        &["a[] https://h/a-1-py3-none-any.whl a"],
    );
}

#[test]
fn g16_digest_in_the_query_is_none() {
    let url = format!("https://h/a-1-py3-none-any.whl?t=x&sha256={A}");
    accepts(&url, &[&format!("a[] {url} ")]);
}

#[test]
fn g17_duplicates_with_disjoint_digests() {
    refuses("a==1 --hash=sha256:$A\na==1 --hash=sha256:$B", &["digest-conflict 2:1"]);
    refuses("a==1 --hash=sha256:$B\na==1 --hash=sha256:$A", &["digest-conflict 2:1"]);
}

#[test]
fn g18_range_with_a_digest() {
    refuses("a>=1 --hash=sha256:$A", &["not-pinned 1:1"]);
    refuses("a --hash=sha256:$A", &["not-pinned 1:1"]);
    for operator in ["==", "==="] {
        let constraint = format!("a{operator}1.5");
        let set = read_files(&[
            ("r.txt", fill("a>=1 --hash=sha256:$A").as_bytes()),
            ("c.txt", constraint.as_bytes()),
        ]);
        assert_eq!(show_all(&set.unwrap()), [format!("a[] >=1,{operator}1.5 =1.5 a")]);
    }
}

#[test]
fn g19_prefix_with_a_digest() {
    refuses("a==1.* --hash=sha256:$A", &["not-pinned 1:1"]);
}

#[test]
fn g20_pinned_in_other_ways() {
    accepts("a===1.0 --hash=sha256:$A", &["a[] ===1.0 =1.0 a"]);
    accepts("a==1.0,>=0.5 --hash=sha256:$A", &["a[] ==1.0,>=0.5 =1.0 a"]);
}

#[test]
fn g21_false_marker_is_skipped() {
    let set = read_text(&fill("a>=1; python_version < '3' --hash=sha256:$A\nb")).unwrap();
    assert_eq!(show_all(&set), ["b[]  "]);
    assert_eq!(set.skipped.len(), 1);
    assert_eq!(set.skipped[0].0, "a>=1; python_version < '3'");
    assert_eq!(set.unless_allowed, []);
}

#[test]
fn g22_byte_order_marks_line_ends_and_continuations() {
    let text = fill("a==1 \\\r\n    --hash=sha256:$A \\\r\n# comment\r\nb\r\n");
    for encoding in
        [Encoding::Utf8, Encoding::Utf8Marked, Encoding::Utf16Little, Encoding::Utf32Big]
    {
        let set = read_files(&[("r.txt", &encoding.encode(&text).unwrap())]).unwrap();
        assert_eq!(show_all(&set), ["a[] ==1 =1 a", "b[]  "]);
    }
}

#[test]
fn g23_three_ways_to_include() {
    for line in ["-rx.txt", "--requirement=x.txt", "-r x.txt", "-r  'x.txt'"] {
        let set = read_files(&[("r.txt", line.as_bytes()), ("x.txt", b"a==1")]).unwrap();
        assert_eq!(show_all(&set), ["a[] ==1 =1 "], "{line}");
    }
}

#[test]
fn g25_constraints_with_digests() {
    let check = |requirements: &str, constraints: &str, expect: Result<&str, &str>| {
        let found = read_files(&[
            ("r.txt", fill(requirements).as_bytes()),
            ("c.txt", fill(constraints).as_bytes()),
        ]);
        match expect {
            Ok(expect) => assert_eq!(show_all(&found.unwrap()), [expect]),
            Err(expect) => assert_eq!(show_errors(&found.unwrap_err()), [expect]),
        }
    };
    check("a", "a==1 --hash=sha256:$A", Ok("a[] ==1 =1 a"));
    check("a>=1", "# sha256: $A_PEEP\na==1", Ok("a[] >=1,==1 =1 a"));
    check("a==1 --hash=sha256:$A --hash=sha256:$B", "a==1 --hash=sha256:$B", Ok("a[] ==1 =1 b"));
    check("a==1 --hash=sha256:$A", "a==1 --hash=sha256:$B", Err("digest-conflict 1:1"));
    check("a", "a>=1 --hash=sha256:$A", Err("not-pinned 1:1"));
    check("a", "a==1 --hash=md5:$MD5", Err("weak-digest 1:1"));
}

#[test]
fn g26_settings_that_weaken_a_check() {
    for option in [
        "--trusted-host h",
        "--trusted-host=h",
        "--no-require-hashes",
        "--no-verify",
        "--allow-unverified a",
    ] {
        refuses(option, &["weakens-check 1:1"]);
        let errors = read_text(option).unwrap_err();
        let name = option.split([' ', '=']).next().unwrap();
        assert!(errors[0].message.contains(name), "{option}");
    }
    refuses("a==1 --trusted-host h", &["weakens-check 1:6"]);
}

#[test]
fn g27_empty_file_must_be_allowed() {
    let check = |files: &[(&str, &[u8])], expect: &[&str]| {
        let set = read_files(files).unwrap();
        assert_eq!(show_errors(&set.unless_allowed), expect);
    };
    check(&[("r.txt", b"")], &["empty 1:1"]);
    check(&[("r.txt", b"# nothing\n\n--pre\n")], &["empty 1:1"]);
    check(&[("r.txt", b"-r x"), ("x", b"")], &["empty 1:1"]);
    check(&[("r.txt", b"a"), ("r2.txt", b"")], &["empty 1:1"]);
    check(&[("r.txt", b"-r x"), ("x", b"a")], &[]);
    check(&[("r.txt", b"a"), ("c.txt", b"")], &[]);
}

#[test]
fn g28_g29_vcs_among_hashed_entries() {
    refuses(
        "a==1 --hash=sha256:$A\ngit+https://h/x.git@main#egg=x\nb b\ny @ git+https://h/y@0123456789abcdef0123456789abcdef01234567 --hash=sha256:$A",
        &["vcs 2:1", "syntax 3:3", "vcs 4:5"],
    );
}

#[test]
fn g28_the_other_entries_can_still_be_looked_at() {
    let check = |text: &str, expect: Result<(&[&str], &[&str]), &[&str]>| {
        let root = Root { location: "r.txt".to_owned(), kind: FileKind::Requirements };
        let files = HashMap::from([("r.txt".to_owned(), fill(text).into_bytes())]);
        let found = read_listed(&[root], &mut Folder(files), &environment(), &variables);
        let found = found.map(|listed| (show_all(&listed.set), show_errors(&listed.refused)));
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let expect = expect.map(|(set, refused)| (owned(set), owned(refused))).map_err(owned);
        assert_eq!(found.map_err(|errors| show_errors(&errors)), expect, "{text}");
    };
    check("a==1 --hash=sha256:$A", Ok((&["a[] ==1 =1 a"], &[])));
    check(
        "-e .\na==1 --hash=sha256:$A\ngit+https://h/x#egg=x\nb==2\n./d\nhttps://h/y.zip",
        Ok((
            &["a[] ==1 =1 a", "b[] ==2 =2 "],
            &["editable 1:1", "vcs 3:1", "directory 5:1", "no-name 6:1"],
        )),
    );
    check("-e .\na==1 --hash=sha256:x", Err(&["editable 1:1", "malformed-digest 2:6"]));
}

#[test]
fn g30_directory_and_editable() {
    refuses(
        "a==1 --hash=sha256:$A\n.\n./x\n-e .\n--editable=git+https://h/x#egg=x\nfile:///x --hash=sha256:$A",
        &["directory 2:1", "directory 3:1", "editable 4:1", "editable 5:1", "directory 6:1"],
    );
}

#[test]
fn g31_local_wheel_without_a_digest() {
    accepts("./a-1-py3-none-any.whl", &["a[] ./a-1-py3-none-any.whl "]);
}

#[test]
fn g32_url_without_a_name() {
    refuses(
        "https://h/archive/main.zip\na\nhttps://h/x\n./y.zip --hash=sha256:$A",
        &["no-name 1:1", "no-name 3:1", "no-name 4:1"],
    );
}
