use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Sha256;
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::requirement::Requirement;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::constraints::Constraints;
use super::pyproject::Section;
use super::{pyproject, requirements};

fn requirement(text: &str) -> Requirement {
    Requirement::parse(text).unwrap()
}

fn project(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

#[test]
fn a_requirement_is_added_where_it_belongs() {
    let check = |before: &str, added: &str, after: &str| {
        let found = requirements::add("r.in", before.as_bytes(), &requirement(added)).unwrap();
        assert_eq!(String::from_utf8(found).unwrap(), after, "{before:?}");
    };
    check("", "b>1", "b>1\n");
    check("a\nc\n", "b", "a\nb\nc\n");
    check("a\nc", "d", "a\nc\nd");
    check("a # x\r\n# about c\r\nc\r\n", "b", "a # x\r\nb\r\n# about c\r\nc\r\n");
    check("# the file\n\n# about b\nb\nc\n", "a", "# the file\n\na\n# about b\nb\nc\n");
    check("# the file\nb\nc\n", "a", "# the file\na\nb\nc\n");
    check("c\na\n# end\n", "b", "c\na\n# end\nb\n");
    check("c\n", "a", "c\na\n");
    check("-r x.in\nA_b \\\n  >1\nd\n\n# end\n", "e", "-r x.in\nA_b \\\n  >1\nd\ne\n\n# end\n");
    check("a \\\n  >1\nd\n", "c", "a \\\n  >1\nc\nd\n");
    check("${X}\nb\n", "a", "${X}\nb\na\n");
    // A line of the project is replaced, its comment stays and its digests go.
    let digest = "0".repeat(64);
    check(
        &format!("A_b[x]>1 \\\n  --hash=sha256:{digest} # why\nc\n"),
        "a-b==2",
        "a-b==2 # why\nc\n",
    );
    let refuse = |before: &str, code: &str| {
        let error = requirements::add("r.in", before.as_bytes(), &requirement("a")).unwrap_err();
        assert_eq!(error.code, code);
    };
    refuse("a; os_name=='x'\na; os_name=='y'\n", "duplicate-conflict");
    refuse("b \\", "syntax");
    refuse("b \\\n", "syntax");
}

#[test]
fn a_requirement_is_taken_out() {
    let check = |before: &str, after: Option<&str>| {
        let found = requirements::remove("r.in", before.as_bytes(), &project("b")).unwrap();
        assert_eq!(found.map(|bytes| String::from_utf8(bytes).unwrap()).as_deref(), after);
    };
    check("a\n", None);
    check("a\nB>1 # x\nc\n", Some("a\nc\n"));
    check("a\nb", Some("a"));
    check("b", Some(""));
    check("a\r\nb[x] \\\r\n  >1\r\n", Some("a\r\n"));
    check("b; os_name=='x'\n# keep\nb; os_name=='y'\n", Some("# keep\n"));
    check("a\nb \\\n\nc\n", Some("a\nc\n"));
    check("-c b\n./b\nbb\n", None);
}

#[test]
fn other_encodings_stay() {
    let latin = b"# -*- coding: latin-1 -*-\n# \xe9\na\n";
    let found = requirements::add("r.in", latin, &requirement("b")).unwrap();
    assert_eq!(found, b"# -*- coding: latin-1 -*-\n# \xe9\na\nb\n");
    assert_eq!(requirements::remove("r.in", &found, &project("b")).unwrap().unwrap(), latin);
}

const EXTRA: &str = "x";

fn sections() -> [(Section, &'static str, &'static str); 3] {
    [
        (Section::Dependencies, "[project]\nname = 'p'\ndependencies = ", "\nversion = '1'\n"),
        (
            Section::Extra(ExtraName::parse(EXTRA).unwrap()),
            "[project]\nname='p'\n\n[project.optional-dependencies]\ny = []\nX = ",
            " # end\n[tool.x]\n",
        ),
        (Section::Group("Dev".to_owned()), "[dependency-groups]\ndev = ", "\nother = ['b']"),
    ]
}

#[test]
fn a_list_of_a_project_is_edited_in_its_own_style() {
    let check = |before: &str, added: &str, after: &str| {
        for (section, head, tail) in sections() {
            let text = format!("{head}{before}{tail}");
            let found = pyproject::add("p", &text, &section, &requirement(added)).unwrap();
            assert_eq!(found, format!("{head}{after}{tail}"), "{before}");
        }
    };
    check("[]", "b", "[\"b\"]");
    check("['a']", "b>1", "['a', 'b>1']");
    check("['a',]", "b", "['a', 'b',]");
    check("['a', 'c']", "b", "['a', 'b', 'c']");
    check("['b', 'c']", "a", "['a', 'b', 'c']");
    check("['c', 'b']", "a", "['c', 'b', 'a']");
    check("[\n]", "b", "[\n    \"b\",\n]");
    check("[\n\t'a',\n]", "b", "[\n\t'a',\n\t'b',\n]");
    check("[\r\n  'a', # a, b\r\n]", "b", "[\r\n  'a', # a, b\r\n  'b',\r\n]");
    check("[\n  \"a\" # a, b\n]", "b", "[\n  \"a\", # a, b\n  \"b\"\n]");
    check("[\n  'a',\n  # about c\n  'c',\n]", "b", "[\n  'a',\n  'b',\n  # about c\n  'c',\n]");
    check("[\n  'b',\n  'c',\n]", "a", "[\n  'a',\n  'b',\n  'c',\n]");
    check(
        "['a',\n 'c']",
        "b",
        "['a', 'b',\n 'c']".replace("'a', 'b',\n 'c'", "'a',\n 'b', 'c'").as_str(),
    );
    check("['a',\n 'c']", "d", "['a',\n 'c', 'd']");
    check("[{include-group = 'q'}, 'a']", "b", "[{include-group = 'q'}, 'a', 'b']");
    // The item of the project is replaced.
    check("['a', 'B_b>1', 'c']", "b-b[x]>2", "['a', 'b-b[x]>2', 'c']");
    // A marker has quotation marks.
    check("[\"a\"]", "b; os_name == 'x'", "[\"a\", 'b; os_name == \"x\"']");
    let text = "[project]\ndependencies = ['a; os_name == \"x\"', 'a']\n";
    let error = pyproject::add("p", text, &Section::Dependencies, &requirement("a")).unwrap_err();
    assert_eq!((error.code, error.place.line, error.place.column), ("duplicate-conflict", 2, 38));
    let refused = |text: &str| {
        let error = pyproject::add("p", text, &Section::Dependencies, &requirement("a"));
        error.unwrap_err().code
    };
    assert_eq!(refused("[project"), "syntax");
    assert_eq!(refused("[project]\ndependencies = 'a'"), "invalid-value");
    assert_eq!(refused("[tool.x]"), "missing-key");
}

#[test]
fn an_item_is_taken_out_of_a_list() {
    let check = |before: &str, after: Option<&str>| {
        for (section, head, tail) in sections() {
            let text = format!("{head}{before}{tail}");
            let found = pyproject::remove("p", &text, &section, &project("b")).unwrap();
            assert_eq!(found, after.map(|after| format!("{head}{after}{tail}")), "{before}");
        }
    };
    check("['a']", None);
    check("[{include-group = 'b'}]", None);
    check("['b']", Some("[]"));
    check("['b',]", Some("[]"));
    check("['a', 'b']", Some("['a']"));
    check("['B>1', 'a']", Some("['a']"));
    check("[\n  'a',\n  'b', # why\n]", Some("[\n  'a',\n]"));
    check("[\n  'a',\n  'b'\n]", Some("[\n  'a'\n]"));
    check("[\n  'a', 'b',\n]", Some("[\n  'a',\n]"));
    check("['b; os_name == \"x\"', 'a', \"b\"]", Some("['a']"));
    let none = pyproject::remove("p", "[project]\nname='p'", &Section::Dependencies, &project("b"));
    assert_eq!(none.unwrap(), None);
}

#[test]
fn lists_that_are_not_there_are_made() {
    let check = |before: &str, section: Section, after: &str| {
        let found = pyproject::add("p", before, &section, &requirement("b")).unwrap();
        assert_eq!(found, after);
    };
    check(
        "[project]\nname = 'p' # p\n\n[tool.x]\n",
        Section::Dependencies,
        "[project]\nname = 'p' # p\ndependencies = [\n    \"b\",\n]\n\n[tool.x]\n",
    );
    check(
        "[project]\r\nname = 'p'\r\n",
        Section::Group("dev".to_owned()),
        "[project]\r\nname = 'p'\r\n\r\n[dependency-groups]\r\ndev = [\r\n    \"b\",\r\n]\r\n",
    );
    check(
        "[project]\nname = 'p'\n[project.optional-dependencies]\ny = ['z']\n",
        Section::Extra(ExtraName::parse("x").unwrap()),
        "[project]\nname = 'p'\n[project.optional-dependencies]\ny = ['z']\nx = [\n    \"b\",\n]\n",
    );
}

fn given(
    digests: &[(&str, &str, &[u8])],
) -> BTreeMap<(ProjectName, countermark_packaging::version::Version), BTreeSet<Sha256>> {
    let release = |(name, version, numbers): &(&str, &str, &[u8])| {
        let digests = numbers.iter().map(|number| Sha256([*number; 32])).collect();
        ((project(name), version.parse().unwrap()), digests)
    };
    digests.iter().map(release).collect()
}

#[test]
fn constraints_get_digests_in_place() {
    let text = "# upper\r\nA_b===1.0;python_version=='3.9' # old\r\na-b===2;python_version>='3.10'\r\n\r\nc==1 \\\r\n  --hash=sha256:FF\r\n";
    let text = text.replace("FF", &"f".repeat(64));
    let constraints = Constraints::parse("c.txt", text.as_bytes()).unwrap();
    let shown: Vec<String> = constraints
        .pins()
        .iter()
        .map(|pin| {
            format!("{} {} {}:{}", pin.project, pin.version, pin.place.line, pin.marker.is_some())
        })
        .collect();
    assert_eq!(shown, ["a-b 1.0 2:true", "a-b 2 3:true", "c 1 5:false"]);
    let digests = given(&[("a-b", "1.0", &[2, 1]), ("a-b", "2", &[3]), ("c", "1", &[4])]);
    let found = constraints.with_digests(&digests).unwrap();
    let expect = "# upper\r\nA_b===1.0;python_version=='3.9' \\\r\n    --hash=sha256:01 \\\r\n    --hash=sha256:02 # old\r\na-b===2;python_version>='3.10' \\\r\n    --hash=sha256:03\r\n\r\nc==1 \\\r\n    --hash=sha256:04\r\n";
    let expect = (1..5).fold(expect.to_owned(), |text, number| {
        let short = format!("sha256:0{number}");
        text.replace(&short, &format!("sha256:{}", format!("0{number}").repeat(32)))
    });
    assert_eq!(String::from_utf8(found.clone()).unwrap(), expect);
    let again = Constraints::parse("c.txt", &found).unwrap();
    assert_eq!(again.with_digests(&digests).unwrap(), found);
    let few = given(&[("a-b", "1.0", &[1]), ("c", "1", &[])]);
    let errors = constraints.with_digests(&few).unwrap_err();
    let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let expect =
        ["c.txt:3:1: there is no digest for a-b 2", "c.txt:5:1: there is no digest for c 1"];
    assert_eq!(shown, expect);
}

#[test]
fn constraints_that_pin_nothing_are_all_told() {
    let text = "a\nb>=1\nc==1.*\nd @ https://h.example.org/d-1.zip\ne===weird\nf==1,<2\ng[x]==1\nh==1\n-c other\ni=1\n";
    let errors = Constraints::parse("c.txt", text.as_bytes()).unwrap_err();
    let shown: Vec<(u32, &str)> =
        errors.iter().map(|error| (error.place.line, error.code)).collect();
    let not_pinned = "not-pinned";
    let expect = [
        (1, not_pinned),
        (2, not_pinned),
        (3, not_pinned),
        (4, not_pinned),
        (5, not_pinned),
        (6, not_pinned),
        (7, "syntax"),
        (10, "syntax"),
    ];
    assert_eq!(shown, expect);
}

const NAMES: [&str; 6] = ["aa", "b-c", "dd", "m", "q.q", "zz"];

proptest! {
    #[test]
    fn adding_and_removing_gives_the_same_file(
        lines in vec(
            (select(&NAMES[..]), select(vec!["", ">=1", " == 2 # c", "[x]; os_name=='n'", " \\\n  >1"])),
            0..6,
        ),
        between in vec(select(vec!["", "# note\n", "\n", "-r x\n", "${V}\n", "  # via x\n"]), 6),
        end in select(vec!["", "\n", "\n\n", "\n# end", "\n# end\n"]),
        windows in any::<bool>(),
    ) {
        let mut text = String::new();
        for ((name, rest), between) in lines.iter().zip(between) {
            text = format!("{text}{}{between}{name}{rest}", if text.is_empty() { "" } else { "\n" });
        }
        text.push_str(end);
        if windows {
            text = text.replace('\n', "\r\n");
        }
        for name in ["a", "c", "n", "zzz"] {
            let added = requirements::add("r", text.as_bytes(), &requirement(name)).unwrap();
            prop_assert_ne!(&added[..], text.as_bytes());
            let removed = requirements::remove("r", &added, &project(name)).unwrap().unwrap();
            prop_assert_eq!(String::from_utf8(removed).unwrap(), text.clone());
        }
    }

    #[test]
    fn adding_and_removing_gives_the_same_project(
        items in vec(
            (select(&NAMES[..]), select(vec!["'", "\""]), select(vec!["", " ", "\n", "\n\t", "\n    ", "\n # x, 'y'\n  "]), select(vec!["", " ", "  # c, ]\n"])),
            0..5,
        ),
        trailing in any::<bool>(),
        end in select(vec!["", "\n", " ", "\n# end\n"]),
        windows in any::<bool>(),
    ) {
        let last = items.len().saturating_sub(1);
        let list: String = items.iter().enumerate().map(|(at, (name, quote, before, after))| {
            let comma = if at < last || trailing { "," } else { "" };
            format!("{before}{quote}{name}{quote}{comma}{after}")
        }).collect();
        for (section, head, tail) in sections() {
            let mut text = format!("{head}[{list}{end}]{tail}");
            if windows {
                text = text.replace('\n', "\r\n");
            }
            for name in ["a", "c", "n", "zzz"] {
                let added = pyproject::add("p", &text, &section, &requirement(name)).unwrap();
                prop_assert_ne!(&added, &text);
                let removed = pyproject::remove("p", &added, &section, &project(name)).unwrap();
                prop_assert_eq!(removed.unwrap(), text.clone());
            }
        }
    }
}
