use super::*;

fn environment() -> MarkerEnvironment {
    MarkerEnvironment {
        implementation_name: "cpython".into(),
        implementation_version: "3.11.7".into(),
        os_name: "posix".into(),
        platform_machine: "x86_64".into(),
        platform_python_implementation: "CPython".into(),
        platform_release: "6.1.0-18-amd64".into(),
        platform_system: "Linux".into(),
        platform_version: "#1 SMP".into(),
        python_full_version: "3.11.7".into(),
        python_version: "3.11".into(),
        sys_platform: "linux".into(),
    }
}

#[test]
fn markers_are_evaluated() {
    let check = |text: &str, expect: bool| {
        let found = Marker::parse(text).unwrap().evaluate(&environment(), &[]);
        assert_eq!(found, Ok(expect), "{text}");
    };
    check("python_version >= '3.8'", true);
    check("python_version>='3.8'and os_name=='posix'", true);
    check("python_version < '3.9'", false);
    check("'3.8' <= python_version", true);
    check("'3.12' <= python_version", false);
    check("python_version == '3.*'", true);
    check("python_version ~= '3.9'", true);
    check("python_version === '3.11'", true);
    check("python_version in '3.10 3.11'", true);
    check("python_version not in '3.10, 3.12'", true);
    check("python_full_version < '3.11.7.post1'", true);
    check("os.name == 'posix' and sys.platform == 'linux'", true);
    check("python_implementation == 'CPython'", true);
    check("platform.python_implementation != 'PyPy'", true);
    check("sys_platform == 'win32' or sys_platform == 'linux' and os_name == 'nt'", false);
    check("(sys_platform == 'linux' or sys_platform == 'win32') and os_name == 'posix'", true);
    check("'linux' in sys_platform", true);
    check("sys_platform in 'linux2'", true);
    check("extra == 'test'", false);
    check("extra == ''", true);
    // Not a version on the left: nothing but `===` matches.
    check("platform_release >= '5'", false);
    check("platform_release != '5'", false);
    // Not a version on the right: texts.
    check("platform_release == '6.1.0-18-amd64'", true);
    check("python_version == 'three'", false);
    check("python_version != 'three'", true);
    check("sys_platform < 'm'", false);
    check("sys_platform >= 'linux'", true);
    check("sys_platform <= 'linus'", false);
}

#[test]
fn builds_between_two_tags_have_a_version() {
    let environment =
        MarkerEnvironment { python_full_version: "3.13.0a1+".into(), ..environment() };
    let marker = Marker::parse("python_full_version >= '3.13.0a1'").unwrap();
    assert_eq!(marker.evaluate(&environment, &[]), Ok(true));
}

#[test]
fn any_one_extra_suffices_and_its_spelling_does_not_matter() {
    let extras = |names: &[&str]| -> Vec<ExtraName> {
        names.iter().map(|name| ExtraName::parse(name).unwrap()).collect()
    };
    let check = |text: &str, names: &[&str], expect: bool| {
        let found = Marker::parse(text).unwrap().evaluate(&environment(), &extras(names));
        assert_eq!(found, Ok(expect), "{text} {names:?}");
    };
    check("extra == 'Foo_Bar'", &["foo-bar"], true);
    check("'Foo.Bar' == extra", &["x", "foo-bar"], true);
    check("extra == 'a' and extra == 'b'", &["a", "b"], false);
    check("extra != 'a'", &["a"], false);
    check("extra != 'a'", &["a", "b"], true);
}

#[test]
fn lock_files_ask_in_sets() {
    let extras = BTreeSet::from([ExtraName::parse("gpu").unwrap()]);
    let groups = BTreeSet::from(["Dev_Tools".to_owned()]);
    let check = |text: &str, expect: bool| {
        let marker = Marker::parse(text).unwrap();
        assert_eq!(marker.evaluate_in_lock(&environment(), &extras, &groups), Ok(expect), "{text}");
    };
    check("'gpu' in extras", true);
    check("'GPU' in extras and os_name == 'posix'", true);
    check("'cpu' in extras", false);
    check("'cpu' not in extras", true);
    check("'dev-tools' in dependency_groups", true);
    check("'gp' in extras", false);
    let error = |text: &str| {
        Marker::parse(text).unwrap().evaluate_in_lock(&environment(), &extras, &groups).unwrap_err()
    };
    assert!(matches!(
        error("extra == 'x'"),
        EvaluationError::UndefinedName { variable: "extra", .. }
    ));
}

#[test]
fn what_has_no_meaning_is_an_error_even_where_it_would_not_decide() {
    let error =
        |text: &str| Marker::parse(text).unwrap().evaluate(&environment(), &[]).unwrap_err();
    let undefined = |error| matches!(error, EvaluationError::UndefinedComparison { .. });
    assert!(undefined(error("os_name ~= 'posix'")));
    assert!(undefined(error("sys_platform === 'linux'")));
    assert!(undefined(error("python_version ~= '3'")));
    assert!(undefined(error("os_name == 'nt' and os_name ~= 'nt'")));
    assert!(matches!(
        error("'x' in extras"),
        EvaluationError::UndefinedName { variable: "extras", .. }
    ));
}

#[test]
fn markers_are_written_as_they_are_read() {
    let check = |text: &str, expect: &str| {
        let marker = Marker::parse(text).unwrap();
        assert_eq!(marker.to_string(), expect);
        assert_eq!(Marker::parse(expect).unwrap(), marker);
    };
    check("os.name=='posix'", "os_name == \"posix\"");
    check("((os_name == 'a'))", "os_name == \"a\"");
    check("os_name == 'a\"b'", "os_name == 'a\"b'");
    check("extra == 'A__b'", "extra == \"a-b\"");
    check("'A' in extras", "\"a\" in extras");
    check(
        "os_name=='a' and (os_name=='b' or os_name=='c') or (os_name=='d' and os_name=='e')",
        "os_name == \"a\" and (os_name == \"b\" or os_name == \"c\") or os_name == \"d\" and os_name == \"e\"",
    );
    check("os_name not\t in 'x'", "os_name not in \"x\"");
}

#[test]
fn markers_are_refused_where_they_go_wrong() {
    let check = |text: &str, message: &str, span| {
        let error = Marker::parse(text).unwrap_err();
        assert_eq!((error.message.as_str(), error.span), (message, span), "{text}");
    };
    check("", "expected a variable or a quoted string, found the end", 0..0);
    check("python == '3'", "`python` is no variable of markers", 0..6);
    check(
        "os_name",
        "expected one of <=, <, !=, ==, >=, >, ~=, ===, in, not in, found the end",
        7..7,
    );
    check(
        "os_name = 'x'",
        "expected one of <=, <, !=, ==, >=, >, ~=, ===, in, not in, found '='",
        8..9,
    );
    check("os_name == 'x", "expected the closing quote, found the end", 11..13);
    check("os_name == 'x\\'", "expected the closing quote, found '\\\\'", 11..14);
    check("os_name == 'x' os_name", "expected `and`, `or` or the end, found 'o'", 15..16);
    check("os_name == 'x' and", "expected a variable or a quoted string, found the end", 18..18);
    check("(os_name == 'x'", "expected `and`, `or` or `)`, found the end", 15..15);
    check("os_name not 'x'", "expected `in` after `not`, found '\\''", 12..13);
    check(
        "os_name notin 'x'",
        "expected one of <=, <, !=, ==, >=, >, ~=, ===, in, not in, found 'n'",
        8..9,
    );
    check(
        "os_name == sys_platform",
        "two variables are compared; one side must be a quoted string",
        0..23,
    );
    check("'a' == 'b'", "two quoted strings are compared; one side must be a variable", 0..10);
    check(
        "extras == 'a'",
        "`extras` is a set: only `\"…\" in extras` and `not in` are possible",
        0..13,
    );
    let deep = format!("{}os_name == 'x'{}", "(".repeat(65), ")".repeat(65));
    check(&deep, "parentheses nest more than 64 deep", 64..65);
    assert!(Marker::parse(&deep[1..deep.len() - 1]).is_ok());
}

#[test]
fn either_of_two() {
    let check = |left: &str, right: &str, expect: &str| {
        let [left, right] = [left, right].map(|text| Marker::parse(text).unwrap());
        let both = left.or(right);
        assert_eq!(both.to_string(), expect);
        assert_eq!(Marker::parse(expect), Ok(both));
    };
    let (a, b, c) = ("os_name == \"a\"", "os_name == \"b\"", "os_name == \"c\"");
    check(a, b, &format!("{a} or {b}"));
    check(a, a, a);
    check(&format!("{a} or {b}"), &format!("{b} or {c}"), &format!("{a} or {b} or {c}"));
    check(&format!("{a} and {b}"), c, &format!("{a} and {b} or {c}"));
}

#[test]
fn tells_whether_an_extra_is_asked_for() {
    let check = |text: &str, expect| {
        assert_eq!(Marker::parse(text).unwrap().names_extra(), expect, "{text}");
    };
    check("extra == 'test'", true);
    check("os_name == 'posix' and (python_version < '3' or 'test' == extra)", true);
    check("os_name == 'extra'", false);
    check("'test' in extras", false);
}
