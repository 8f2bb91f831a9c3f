use countermark_packaging::lock::requirements::Loaded;

use super::*;

/// Files by path; a folder is what a path has before a `/`.
#[derive(Clone)]
struct World(Vec<(&'static str, &'static str)>);

impl Files for World {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, LoadError> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        Ok(found.map(|(_, text)| text.as_bytes().to_vec()))
    }

    fn folders(&mut self, path: &str) -> Result<Vec<String>, LoadError> {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let inside = self.0.iter().filter_map(|(name, _)| name.strip_prefix(&prefix));
        let names = inside.filter_map(|rest| Some(rest.split_once('/')?.0.to_owned()));
        Ok(names.collect::<BTreeSet<String>>().into_iter().collect())
    }
}

impl Loader for World {
    fn load(
        &mut self,
        location: &str,
        _: FileKind,
        _: Option<&Place>,
    ) -> Result<Loaded, LoadError> {
        let found = Files::read(self, location)?;
        let text = found.ok_or_else(|| LoadError {
            message: format!("there is no `{location}`"),
            unavailable: false,
        })?;
        Ok(Loaded { location: location.to_owned(), text })
    }
}

type Outcome = Result<Inputs, Vec<SourceError>>;

fn read_with(files: &[(&'static str, &'static str)], selection: &Selection) -> Outcome {
    let mut world = World(files.to_vec());
    let (mut loader, first) = (world.clone(), files[0].0);
    if first.ends_with(".toml") {
        return read(&[], Some((first, selection)), &mut loader, &|_| None, &mut world);
    }
    let root = Root { location: first.to_owned(), kind: FileKind::Requirements };
    read(&[root], None, &mut loader, &|_| None, &mut world)
}

fn named(extras: &[&str], groups: &[&str]) -> Selection {
    Selection {
        extras: Chosen::Named(
            extras.iter().map(|extra| ExtraName::parse(extra).unwrap()).collect(),
        ),
        groups: Chosen::Named(groups.iter().map(|group| (*group).to_owned()).collect()),
        ..Selection::default()
    }
}

fn shown(wishes: &[Wish]) -> Vec<String> {
    wishes.iter().map(|wish| format!("{} <- {}", wish.requirement, wish.origin.label())).collect()
}

#[track_caller]
fn check(files: &[(&'static str, &'static str)], selection: &Selection, expect: &[&str]) -> Inputs {
    let inputs = read_with(files, selection).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert_eq!(shown(&inputs.wishes), expect);
    inputs
}

#[track_caller]
fn refuse(files: &[(&'static str, &'static str)], selection: &Selection, expect: &[(&str, &str)]) {
    let errors = read_with(files, selection).unwrap_err();
    let found: Vec<(String, String)> =
        errors.iter().map(|error| (error.code.to_owned(), error.to_string())).collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(c, t)| (c.as_str(), t.as_str())).collect();
    assert_eq!(found, expect);
}

const PROJECT: &str = r#"
[project]
name = "My.Proj"
requires-python = ">=3.9"
dependencies = ["flask >=3", "my-proj[fast]; os_name == 'posix'"]

[project.optional-dependencies]
fast = ["uvloop; implementation_name == 'cpython'"]
Docs = ["sphinx"]
all = ["my_proj[docs,fast,all]"]

[dependency-groups]
dev = ["pytest", {include-group = "Lint_Tools"}]
lint-tools = ["ruff"]
docs = ["furo"]
"#;

#[test]
fn a_project_is_what_it_depends_on() {
    let own = [
        "flask>=3 <- pyproject.toml",
        "uvloop; os_name == \"posix\" and implementation_name == \"cpython\" <- pyproject.toml ([fast])",
    ];
    let dev = ["pytest <- pyproject.toml (group dev)", "ruff <- pyproject.toml (group dev)"];
    let files = [("pyproject.toml", PROJECT)];
    let inputs = check(&files, &Selection::default(), &[own, dev].concat());
    assert_eq!(inputs.requires_python.unwrap().to_string(), ">=3.9");
    let members: Vec<_> = inputs.excludes.iter().map(ProjectName::as_str).collect();
    assert_eq!(members, ["my-proj"]);
    let place = match &inputs.wishes[0].origin {
        Origin::File { place, .. } => (place.line, place.column),
        Origin::CommandLine => unreachable!("it is from a file"),
    };
    assert_eq!(place, (5, 17));
    check(&files, &Selection { default_groups: false, ..Selection::default() }, &own);
    let only = Selection { project: false, default_groups: false, ..named(&[], &["LINT-tools"]) };
    check(&files, &only, &["ruff <- pyproject.toml (group lint-tools)"]);
    let all = Selection {
        extras: Chosen::All,
        groups: Chosen::All,
        project: false,
        default_groups: false,
    };
    check(
        &files,
        &all,
        &[
            "flask>=3 <- pyproject.toml",
            "uvloop; os_name == \"posix\" and implementation_name == \"cpython\" <- pyproject.toml ([fast])",
            "sphinx <- pyproject.toml ([docs])",
            "uvloop; implementation_name == \"cpython\" <- pyproject.toml ([fast])",
            "pytest <- pyproject.toml (group dev)",
            "ruff <- pyproject.toml (group dev)",
            "furo <- pyproject.toml (group docs)",
            "ruff <- pyproject.toml (group lint-tools)",
        ],
    );
}

#[test]
fn names_that_are_chosen_exist() {
    let hint = |selection: &Selection| {
        let errors = read_with(&[("pyproject.toml", PROJECT)], selection).unwrap_err();
        errors.into_iter().map(|error| (error.message, error.hint)).collect::<Vec<_>>()
    };
    let found = hint(&named(&["fsat"], &["lint"]));
    let expect = [
        ("there is no extra `fsat`", "did you mean `fast`?"),
        ("there is no dependency group `lint`", "there are `dev`, `docs`, `lint-tools`"),
    ];
    let expect = expect.map(|(message, hint)| (message.to_owned(), Some(hint.to_owned())));
    assert_eq!(found, expect);
}

#[test]
fn what_cannot_be_read_is_refused_with_all_places() {
    let check = |text: &'static str, expect: &[(&str, &str)]| {
        refuse(&[("pyproject.toml", text)], &Selection::default(), expect);
    };
    check(
        "[project]\nname = 'a'\ndependencies = ['b', 'c >> 1', 3]\n",
        &[
            ("invalid-value", "pyproject.toml:3:26: expected a version, found '>'"),
            (
                "invalid-value",
                "pyproject.toml:3:32: `dependencies` must be a text in quotes, found a number",
            ),
        ][..],
    );
    check(
        "[dependency-groups]\ndev = [{include-group = 'b'}]\nb = [{include-group = 'dev'}]\n",
        &[("include-cycle", "pyproject.toml:3:23: the group `dev` includes itself")],
    );
    check(
        "[dependency-groups]\ndev = [{include-group = 'x'}]\n",
        &[("unknown-selection", "pyproject.toml:2:25: there is no dependency group `x`")],
    );
    check(
        "[dependency-groups]\na-b = []\nA_b = []\n",
        &[("duplicate-conflict", "pyproject.toml:2:1: the group `a-b` is here already, as `A_b`")],
    );
    check(
        "[project]\nname = 'a'\ndynamic = ['dependencies']\n",
        &[(
            "invalid-value",
            "pyproject.toml:3:12: `dependencies` of this project are dynamic, so only a build knows them",
        )],
    );
    check(
        "[tool.poetry.dependencies]\npython = '^3.9'\n",
        &[(
            "missing-key",
            "pyproject.toml:1:14: `tool.poetry.dependencies` is no standard way to say what a project depends on",
        )],
    );
    check(
        "[build-system]\n",
        &[(
            "missing-key",
            "pyproject.toml:1:1: the file has neither [project] nor [dependency-groups]",
        )],
    );
    check(
        "[project]\ndependencies = []\n",
        &[("missing-key", "pyproject.toml:1:1: `name` is missing from [project]")],
    );
}

#[test]
fn dynamic_parts_that_nobody_wants_are_no_error() {
    let text = "[project]\nname = 'a'\ndynamic = ['version', 'optional-dependencies']\ndependencies = ['b']\n";
    check(&[("pyproject.toml", text)], &Selection::default(), &["b <- pyproject.toml"]);
    let text =
        "[project]\nname = 'a'\ndynamic = ['dependencies']\n[dependency-groups]\ndev = ['b']\n";
    let only = Selection { project: false, ..Selection::default() };
    check(&[("pyproject.toml", text)], &only, &["b <- pyproject.toml (group dev)"]);
}

#[test]
fn a_workspace_is_locked_as_one() {
    let root = r#"
[project]
name = "root"
dependencies = ["a[x]", "flask"]
[tool.uv.workspace]
members = ["libs/*", "tool"]
exclude = ["libs/old*"]
[tool.uv.sources]
a = { workspace = true }
six = { url = "https://h.example.org/six-1-py3-none-any.whl" }
[tool.uv]
constraint-dependencies = ["flask<4"]
override-dependencies = ["werkzeug==3.0"]
exclude-dependencies = ["Bad.One"]
prerelease = "allow"
resolution = "lowest-direct"
exclude-newer = 2024-05-01
environments = ["os_name == 'nt'"]
cache-dir = "x"
"#;
    let inputs = check(
        &[
            ("pyproject.toml", root),
            (
                "libs/a/pyproject.toml",
                "[project]\nname='a'\nrequires-python='>=3.10'\ndependencies=['six', 'b; os_name==\"nt\"']\noptional-dependencies.x=['rich']\n",
            ),
            (
                "libs/b/pyproject.toml",
                "[project]\nname='b'\ndependencies=['root', 'attrs']\n[tool.uv]\nresolution='highest'",
            ),
            ("libs/old-1/pyproject.toml", "not TOML"),
            ("libs/none/README", ""),
            ("libs/.hidden/pyproject.toml", "not TOML"),
            ("tool/pyproject.toml", "[project]\nname='tool'\ndependencies=['click']\n"),
        ],
        &Selection::default(),
        &[
            "six @ https://h.example.org/six-1-py3-none-any.whl <- libs/a/pyproject.toml",
            "attrs; os_name == \"nt\" <- libs/b/pyproject.toml",
            "rich <- libs/a/pyproject.toml ([x])",
            "flask <- pyproject.toml",
            "attrs <- libs/b/pyproject.toml",
            "click <- tool/pyproject.toml",
        ],
    );
    assert_eq!(inputs.constraints.len(), 1);
    assert_eq!(inputs.overrides.len(), 1);
    let excludes: Vec<_> = inputs.excludes.iter().map(ProjectName::as_str).collect();
    assert_eq!(excludes, ["a", "b", "bad-one", "root", "tool"]);
    assert_eq!(inputs.told.prereleases, Some(Prereleases::Allow));
    assert_eq!(inputs.told.strategy, Some(Strategy::LowestDirect));
    assert_eq!(inputs.told.exclude_newer.unwrap().0, "2024-05-01");
    assert_eq!(inputs.requires_python.unwrap().to_string(), ">=3.10");
    assert_eq!(
        inputs.notes,
        [
            "libs/b/pyproject.toml:5:1: a member's setting for the whole workspace is not followed",
            "pyproject.toml:18:1: `tool.uv.environments` is not followed",
        ]
    );
}

#[test]
fn sources_say_where_a_project_comes_from() {
    let refuse = |source: &'static str, code: &str| {
        let text =
            format!("[project]\nname='r'\ndependencies=['a']\n[tool.uv.sources]\na = {source}\n");
        let text: &'static str = text.leak();
        let errors = read_with(&[("pyproject.toml", text)], &Selection::default()).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), [code], "{source}");
    };
    refuse("{ git = 'https://h.example.org/x' }", "vcs");
    refuse("{ workspace = true }", "unknown-selection");
    refuse("{ workspace = false }", "invalid-value");
    refuse("{ path = '../gone' }", "file-unreadable");
    refuse("{ url = 'https://h.example.org/x.zip', marker = 'x' }", "invalid-value");
    refuse("[{ index = 'a' }, { index = 'b' }]", "invalid-value");
    refuse("{ editable = true }", "missing-key");
    let text = "[project]\nname='r'\ndependencies=['a', 'b', 'c']\n[tool.uv.sources]\na.index = 'inner'\nb.path = '../b'\nc.path='c-1-py3-none-any.whl'\n";
    let inputs = check(
        &[
            ("r/pyproject.toml", text),
            ("b/pyproject.toml", "[project]\nname='b'\ndependencies=['d']"),
        ],
        &Selection::default(),
        &[
            "a <- r/pyproject.toml",
            "d <- b/pyproject.toml",
            "c @ r/c-1-py3-none-any.whl <- r/pyproject.toml",
        ],
    );
    let a = ProjectName::parse("a").unwrap();
    assert_eq!(inputs.indexes[&a].0, "inner");
}

#[test]
fn requirements_files_reach_projects() {
    let inputs = check(
        &[
            ("requirements.in", "-e .[fast]\n./lib; os_name == 'nt'\nrich\n-c c.txt\n--pre\n"),
            ("pyproject.toml", PROJECT),
            ("lib/pyproject.toml", "[project]\nname='lib'\ndependencies=['my-proj', 'attrs']\n"),
            ("c.txt", "rich<14\n"),
        ],
        &Selection::default(),
        &[
            "flask>=3 <- pyproject.toml",
            "uvloop; os_name == \"posix\" and implementation_name == \"cpython\" <- pyproject.toml ([fast])",
            "uvloop; implementation_name == \"cpython\" <- pyproject.toml ([fast])",
            "flask>=3; os_name == \"nt\" <- pyproject.toml",
            "uvloop; os_name == \"nt\" and os_name == \"posix\" and implementation_name == \"cpython\" <- pyproject.toml ([fast])",
            "attrs; os_name == \"nt\" <- lib/pyproject.toml",
            "rich <- -r requirements.in",
        ],
    );
    assert_eq!(shown(&inputs.constraints), ["rich<14 <- -r c.txt"]);
    assert_eq!(inputs.options.len(), 1);
    let members: Vec<_> = inputs.members.keys().map(String::as_str).collect();
    assert_eq!(members, ["", "lib"]);
    refuse(
        &[("requirements.in", "-e ./gone\n-e .[nope]\n"), ("pyproject.toml", PROJECT)],
        &Selection::default(),
        &[
            ("file-unreadable", "requirements.in:1:1: there is no `gone/pyproject.toml`"),
            ("unknown-selection", "requirements.in:2:1: `pyproject.toml` has no extra `nope`"),
        ],
    );
}

#[test]
fn extras_that_ask_for_each_other_under_markers_end() {
    use std::fmt::Write as _;
    let mut text = "[project]\nname='r'\n[project.optional-dependencies]\n".to_owned();
    for number in 0..40 {
        let next = number + 1;
        let _ = writeln!(
            text,
            "e{number} = [\"r[e{next}]; os_name=='a{number}'\", \"r[e{next}]; os_name=='b{number}'\"]"
        );
    }
    text.push_str("e40 = ['x']\n");
    let errors = read_with(&[("pyproject.toml", text.leak())], &named(&["e0"], &[])).unwrap_err();
    let codes: Vec<&str> = errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, ["too-large"]);
}
