use super::super::{LoadError, Loaded};
use super::*;

struct Files(Vec<(&'static str, &'static str)>);

impl Loader for Files {
    fn load(
        &mut self,
        location: &str,
        _: FileKind,
        _: Option<&Place>,
    ) -> Result<Loaded, LoadError> {
        let found = self.0.iter().find(|(name, _)| *name == location);
        let (name, text) = found
            .ok_or_else(|| LoadError { message: format!("no `{location}`"), unavailable: false })?;
        Ok(Loaded { location: (*name).to_owned(), text: text.as_bytes().to_vec() })
    }
}

fn read_all(files: &[(&'static str, &'static str)]) -> Result<Statements, Vec<SourceError>> {
    let root = Root { location: files[0].0.to_owned(), kind: FileKind::Requirements };
    read(&[root], &mut Files(files.to_vec()), &|name| (name == "SET").then(|| "1.5".to_owned()))
}

fn shown(statement: &Statement) -> String {
    let kind = if statement.kind == FileKind::Constraints { "-c " } else { "" };
    let place = &statement.place;
    let subject = match &statement.subject {
        Subject::Requirement(requirement) => requirement.to_string(),
        Subject::Directory { path, extras, marker, editable } => {
            let extras: Vec<&str> = extras.iter().map(ExtraName::as_str).collect();
            let marker = marker.as_ref().map(|marker| format!("; {marker}")).unwrap_or_default();
            let editable = if *editable { "-e " } else { "" };
            format!("{editable}{path}[{}]{marker}", extras.join(","))
        }
    };
    format!("{kind}{subject} {}:{}", place.file, place.line)
}

#[test]
fn lines_say_what_people_wish() {
    let check = |text: &'static str, expect: &str| {
        let found =
            read_all(&[("r.in", text)]).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        let found: Vec<String> = found.statements.iter().map(shown).collect();
        assert_eq!(found, [format!("{expect} r.in:1")], "{text}");
    };
    check("Flask>=3 # why", "flask>=3");
    check(
        "flask[Async, x]>=3,<4 ; python_version<'3.9'",
        "flask[async,x]>=3,<4; python_version < \"3.9\"",
    );
    check("flask==${SET}", "flask==1.5");
    check(
        "flask==1 --hash=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "flask==1",
    );
    check(
        "a @ https://h.example.org/a-1.zip#sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 ; os_name=='nt'",
        "a @ https://h.example.org/a-1.zip#sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 ; os_name == \"nt\"",
    );
    check(
        "https://h.example.org/a_b-1-py3-none-any.whl; os_name=='nt'",
        "a-b @ https://h.example.org/a_b-1-py3-none-any.whl ; os_name == \"nt\"",
    );
    check("https://h.example.org/x.zip#egg=q", "q @ https://h.example.org/x.zip#egg=q");
    check("./wheels/a-1-py3-none-any.whl", "a @ ./wheels/a-1-py3-none-any.whl");
    check(".", ".[]");
    check("./lib[x] ; os_name=='nt'", "./lib[x]; os_name == \"nt\"");
    check("lib[x] @ ./lib", "./lib[x]");
    check("-e .[dev,test]", "-e .[dev,test]");
    check("--editable=../lib", "-e ../lib[]");
}

#[test]
fn what_nobody_can_lock_is_refused_at_its_place() {
    let check = |text: &'static str, code: &str, column: u32| {
        let errors = read_all(&[("r.in", text)]).unwrap_err();
        let found: Vec<_> = errors.iter().map(|e| (e.code, e.place.column)).collect();
        assert_eq!(found, [(code, column)], "{text}");
    };
    check("git+https://h.example.org/x", "vcs", 1);
    check("x @ git+https://h.example.org/x", "vcs", 5);
    check("-e git+https://h.example.org/x#egg=x", "vcs", 1);
    check("-e file:///x", "editable", 1);
    check("x @ file:///x", "directory", 5);
    check("https://h.example.org/x.zip", "no-name", 1);
    check("flask>>1", "syntax", 7);
    check("flask==${UNSET}", "unset-variable", 8);
    check("-e ./x[_]", "syntax", 1);
}

#[test]
fn files_include_files_and_set_options() {
    let found = read_all(&[
        ("r.in", "--index-url https://i.example.org/\n-r b.in\n-c c.txt\na\n"),
        ("b.in", "b\n--pre\n"),
        ("c.txt", "a<2\n"),
    ]);
    let found = found.unwrap();
    let shown: Vec<String> = found.statements.iter().map(shown).collect();
    assert_eq!(shown, ["b b.in:1", "-c a<2 c.txt:1", "a r.in:4"]);
    assert_eq!(found.options.len(), 2);
    let errors = read_all(&[("r.in", "-r r.in\n-r none\nx y\n")]).unwrap_err();
    let codes: Vec<&str> = errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, ["include-cycle", "file-unreadable", "syntax"]);
    let errors = read_all(&[("r.in", "-c c.txt"), ("c.txt", "a[x]<2\n./dir\n")]).unwrap_err();
    let codes: Vec<&str> = errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, ["syntax", "directory"]);
}
