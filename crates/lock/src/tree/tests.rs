use countermark_packaging::lock::document;

use super::*;

fn graph(file: &str, text: &str) -> Graph {
    let document =
        document::parse(file, text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?}"));
    Graph::new(&document, text.as_bytes())
}

fn project(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

/// A `poetry.lock` of names with what they depend on.
fn poetry(packages: &[(&str, &str, &[&str])]) -> Graph {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (name, version, dependencies) in packages {
        let _ = write!(
            text,
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ndescription = \"\"\n\
             optional = false\npython-versions = \">=3.8\"\ngroups = [\"main\"]\nfiles = []\n\n\
             [package.dependencies]\n"
        );
        for dependency in *dependencies {
            let _ = writeln!(text, "{dependency} = \"*\"");
        }
        text.push('\n');
    }
    text.push_str(
        "[metadata]\nlock-version = \"2.1\"\npython-versions = \">=3.8\"\ncontent-hash = \"\"\n",
    );
    graph("poetry.lock", &text)
}

#[track_caller]
fn shows(graph: &Graph, shape: &Shape, expect: &str) {
    assert_eq!(render(graph, shape), expect);
}

fn chains(graph: &Graph, name: &str, at_most: usize) -> (Vec<String>, bool) {
    let found = graph.why(&project(name), at_most);
    let shown = |chain: &Vec<usize>| {
        chain.iter().map(|node| graph.title(*node)).collect::<Vec<_>>().join(" > ")
    };
    (found.chains.iter().map(shown).collect(), found.is_cut)
}

const WEB: &[(&str, &str, &[&str])] = &[
    ("app", "1", &["web", "shell"]),
    ("other", "1", &["web"]),
    ("shell", "8", &[]),
    ("web", "3", &["shell", "text"]),
    ("text", "2", &["web"]),
];

#[test]
fn a_tree_repeats_nothing_and_ends_in_circles() {
    let graph = poetry(WEB);
    assert!(graph.tells());
    let all = "\
app 1
├── shell 8
└── web 3
    ├── shell 8
    └── text 2
        └── web 3 (*)
other 1
└── web 3 (*)
(*) shown above with all that is below it
";
    shows(&graph, &Shape::default(), all);
    let flat = "app 1\n├── shell 8\n└── web 3\nother 1\n└── web 3\n";
    shows(&graph, &Shape { depth: Some(1), ..Shape::default() }, flat);
    shows(&graph, &Shape { depth: Some(0), ..Shape::default() }, "app 1\nother 1\n");
    let inverted = "\
shell 8
├── app 1
└── web 3
    ├── app 1
    ├── other 1
    └── text 2
        └── web 3 (*)
(*) shown above with all that is below it
";
    shows(&graph, &Shape { invert: true, ..Shape::default() }, inverted);
    let of = Shape { packages: vec![project("text")], depth: Some(1), ..Shape::default() };
    shows(&graph, &of, "text 2\n└── web 3\n");
    let of = Shape { invert: true, ..of };
    shows(&graph, &of, "text 2\n└── web 3\n");
}

#[test]
fn what_only_leads_to_itself_is_shown_too() {
    let graph = poetry(&[("b", "1", &["a"]), ("a", "1", &["b"]), ("c", "1", &[])]);
    let all = "a 1\n└── b 1\n    └── a 1 (*)\nc 1\n(*) shown above with all that is below it\n";
    shows(&graph, &Shape::default(), all);
    let inverted =
        "c 1\na 1\n└── b 1\n    └── a 1 (*)\n(*) shown above with all that is below it\n";
    shows(&graph, &Shape { invert: true, ..Shape::default() }, inverted);
    assert_eq!(chains(&graph, "b", 9), (vec!["a 1 > b 1".to_owned()], false));
    assert_eq!(chains(&graph, "a", 9), (vec!["a 1".to_owned()], false));
}

#[test]
fn every_chain_is_told_the_shortest_first() {
    let graph = poetry(WEB);
    let (found, is_cut) = chains(&graph, "shell", 9);
    let expect = ["app 1 > shell 8", "app 1 > web 3 > shell 8", "other 1 > web 3 > shell 8"];
    assert_eq!((found, is_cut), (expect.map(str::to_owned).to_vec(), false));
    assert_eq!(chains(&graph, "shell", 1), (vec!["app 1 > shell 8".to_owned()], true));
    assert_eq!(chains(&graph, "app", 9), (vec!["app 1".to_owned()], false));
    assert_eq!(chains(&graph, "none", 9), (vec![], false));
}

#[test]
fn a_tangle_is_given_up() {
    let names: Vec<String> = (0..60).map(|number| format!("p{number}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let packages: Vec<(&str, &str, &[&str])> =
        all.iter().map(|name| (*name, "1", &all[..])).collect();
    let graph = poetry(&packages);
    let (found, is_cut) = chains(&graph, "p59", 1000);
    assert_eq!((found[0].as_str(), is_cut), ("p0 1 > p59 1", true));
    assert!(render(&graph, &Shape::default()).lines().count() <= 60 * 60 + 1);
}

#[test]
fn very_long_chains_are_cut() {
    let names: Vec<String> = (0..=1_000).map(|number| format!("p{number:04}")).collect();
    let next: Vec<[&str; 1]> = names.iter().skip(1).map(|name| [name.as_str()]).collect();
    let mut packages: Vec<(&str, &str, &[&str])> =
        names.iter().zip(&next).map(|(name, next)| (name.as_str(), "1", &next[..])).collect();
    packages.push((&names[1_000], "1", &[]));
    let text = render(&poetry(&packages), &Shape::default());
    assert_eq!(text.lines().count(), 201);
    assert!(text.ends_with("└── p0200 1 …\n"), "{}", &text[text.len() - 40..]);
}

#[test]
fn comments_of_requirements_files_tell_it() {
    let digest = "0".repeat(64);
    let text = "# made\nclick==8 \\\n    --hash=sha256:D\n    # via\n    #   -c limits.txt\n    #   flask\n    #   -r a.in\nflask==3 ; os_name == 'nt'\n    # via -r a.in\nflask==2 ; os_name != 'nt'\n    # via my-app (pyproject.toml)\nwerkzeug==3  # via flask, pyproject.toml\n# via flask\n\n# via flask\nlonely==1\n    # about it\n    # flask\n";
    for text in [text.to_owned(), text.replace('\n', "\r\n")] {
        let graph = graph("requirements.txt", &text.replace('D', &digest));
        let all = "\
click 8
flask 2 ; os_name != \"nt\"
├── click 8
└── werkzeug 3
flask 3 ; os_name == \"nt\"
├── click 8
└── werkzeug 3
lonely 1
werkzeug 3
";
        assert!(graph.tells());
        shows(&graph, &Shape::default(), all);
        let click = &graph.nodes()[graph.releases(&project("click"))[0]];
        assert_eq!(click.wanted_by, ["-r a.in"]);
        let werkzeug = &graph.nodes()[graph.releases(&project("werkzeug"))[0]];
        assert_eq!(werkzeug.wanted_by, ["pyproject.toml"]);
    }
    let alone = graph("requirements.txt", "a==1\n    # via -r r.in\n");
    assert!(alone.tells());
    let graph = graph("requirements.txt", "a==1\nb==2\n");
    assert!(!graph.tells());
    shows(&graph, &Shape::default(), "a 1\nb 2\n");
}

#[test]
fn a_lock_of_ours_says_what_is_asked_for() {
    let hash = "0".repeat(64);
    let package = |name: &str, more: &str, tool: &str| {
        format!(
            "[[packages]]\nname = \"{name}\"\nversion = \"1\"\n{more}wheels = [{{ name = \
             \"{name}-1-py3-none-any.whl\", url = \"https://h.example.org/{name}-1-py3-none-any.whl\", \
             hashes = {{ sha256 = \"{hash}\" }} }}]\n{tool}"
        )
    };
    let tool = "[packages.tool.countermark]\nwanted-by = [\"-r a.in\"]\n";
    let text = format!(
        "lock-version = \"1.0\"\ncreated-by = \"x\"\n{}{}{}[tool.countermark]\nversion = 1\n",
        package("a", "dependencies = [{ name = \"b\" }]\n", tool),
        package("b", "", tool),
        package("c", "", ""),
    );
    let graph = graph("pylock.toml", &text);
    // `c` is in the lock, so it is shown, although nobody says why.
    shows(&graph, &Shape::default(), "a 1\n└── b 1\nb 1\nc 1\n");
    assert_eq!(chains(&graph, "b", 9).0, ["b 1", "a 1 > b 1"]);
}

#[test]
fn members_of_a_workspace_are_asked_for() {
    let text = r#"version = 1
revision = 3
requires-python = ">=3.12"

[[package]]
name = "a"
version = "0.1.0"
source = { editable = "." }
dependencies = [
    { name = "b" },
    { name = "six" },
]

[[package]]
name = "b"
version = "0.1.0"
source = { editable = "b" }

[[package]]
name = "six"
version = "1.17.0"
source = { registry = "https://index.example.org/simple" }
wheels = [
    { url = "https://h.example.org/six-1.17.0-py2.py3-none-any.whl", hash = "sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274", size = 11050 },
]
"#;
    let graph = graph("uv.lock", text);
    shows(&graph, &Shape::default(), "a 0.1.0\n├── b 0.1.0\n└── six 1.17.0\nb 0.1.0\n");
    assert_eq!(chains(&graph, "b", 9).0, ["b 0.1.0", "a 0.1.0 > b 0.1.0"]);
}
