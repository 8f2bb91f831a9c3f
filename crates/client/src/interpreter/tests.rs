//! Against real interpreters: `python3` on `PATH`, and every version that pyenv has.

use crate::system::unix::fs::PermissionsExt as _;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

/// The interpreter that `python3` means here, links and shims resolved by itself.
pub(crate) fn python3() -> PathBuf {
    let mut command = Command::new("python3");
    command.args(["-I", "-c", "import sys; print(sys._base_executable)"]);
    PathBuf::from(run(&mut command).trim())
}

/// `python3`, the system's, and those of pyenv, from 3.8 on.
pub(crate) fn pythons() -> Vec<PathBuf> {
    let mut found = vec![python3(), PathBuf::from("/usr/bin/python3")];
    let versions = std::env::var_os("PYENV_ROOT").map(|root| PathBuf::from(root).join("versions"));
    for version in versions.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten() {
        let name = version.as_ref().unwrap().file_name().into_string().unwrap();
        let is_supported = name.strip_prefix("3.").is_some_and(|rest| {
            rest.split('.')
                .next()
                .and_then(|minor| minor.parse().ok())
                .is_some_and(|minor: u32| minor >= 8)
        });
        if is_supported {
            found.push(version.unwrap().path().join("bin/python3"));
        }
    }
    found.retain(|path| path.exists());
    found.sort();
    found.dedup();
    found
}

pub(crate) fn run(command: &mut Command) -> String {
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PYTHON")
            || name.as_encoded_bytes().starts_with(b"PIP_")
        {
            command.env_remove(name);
        }
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What `python -m venv --without-pip` makes.
pub(crate) fn make_venv(python: &Path, folder: &Path) {
    run(Command::new(python).args(["-m", "venv", "--without-pip"]).arg(folder));
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap()
}

/// Without `-S`: the interpreter as everybody else sees it.
const WHAT_PYTHON_SAYS: &str = r"
import json, os, platform, sys, sysconfig
scheme = sysconfig.get_preferred_scheme('prefix') if sys.version_info >= (3, 10) else 'posix_prefix'
paths = sysconfig.get_paths(scheme)
print(json.dumps({
    'executable': sys.executable, 'prefix': sys.prefix, 'base_prefix': sys.base_prefix,
    'purelib': paths['purelib'], 'platlib': paths['platlib'], 'scripts': paths['scripts'],
    'data': paths['data'], 'stdlib': paths['stdlib'], 'version': platform.python_version(),
    'cache_tag': sys.implementation.cache_tag,
}))
";

fn what_we_say(interpreter: &Interpreter) -> BTreeMap<String, String> {
    let layout = interpreter.layout();
    [
        ("executable", interpreter.executable()),
        ("prefix", interpreter.prefix()),
        ("base_prefix", interpreter.base_prefix()),
        ("purelib", &layout.purelib),
        ("platlib", &layout.platlib),
        ("scripts", &layout.scripts),
        ("data", &layout.data),
        ("stdlib", interpreter.standard_library()),
        ("version", Path::new(&interpreter.markers().python_full_version)),
        ("cache_tag", Path::new(interpreter.cache_tag().unwrap())),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_str().unwrap().to_owned()))
    .into()
}

#[test]
fn what_is_worked_out_is_what_python_says() {
    let root = tempfile::tempdir().unwrap();
    for (index, python) in pythons().into_iter().enumerate() {
        let env = real(root.path()).join(format!("env-{index}"));
        make_venv(&python, &env);
        for executable in [python.clone(), env.join("bin/python"), env.join("bin/python3")] {
            let said = run(Command::new(&executable).args(["-I", "-c", WHAT_PYTHON_SAYS]));
            let said: BTreeMap<String, String> = serde_json::from_str(&said).unwrap();
            let interpreter = read_interpreter(&executable, None).unwrap();
            assert_eq!(what_we_say(&interpreter), said, "{executable:?}");
            assert_eq!(interpreter.is_virtual(), executable != python);
            assert!(!interpreter.base_executable().starts_with(&env));
            assert_eq!(real(interpreter.base_executable()), real(&executable));
        }
    }
}

/// What pip would install into, with `pip` itself as the judge where the interpreter has it.
const WHAT_PIP_SAYS: &str = r"
import json, sys
try:
    from pip._internal.locations import get_scheme
    from pip._vendor.packaging import tags, markers
except ImportError:
    sys.exit(print('null'))
def scheme(**arguments):
    found = get_scheme('Name', **arguments)
    return {name: getattr(found, name) for name in ('purelib', 'platlib', 'scripts', 'headers', 'data')}
print(json.dumps({
    'own': scheme(), 'prefix': scheme(prefix='/some/prefix'),
    'tags': [str(tag) for tag in tags.sys_tags()],
    'markers': {name: value for name, value in markers.default_environment().items()},
}))
";

#[derive(serde::Deserialize)]
struct SaidByPip {
    own: BTreeMap<String, PathBuf>,
    prefix: BTreeMap<String, PathBuf>,
    tags: BTreeSet<String>,
    markers: BTreeMap<String, String>,
}

#[test]
fn schemes_tags_and_markers_are_those_of_pip() {
    use countermark_packaging::scheme::Scheme;
    let root = tempfile::tempdir().unwrap();
    for (index, python) in pythons().into_iter().enumerate() {
        let env = real(root.path()).join(format!("env-{index}"));
        run(Command::new(&python)
            .args(["-m", "venv", "--without-pip", "--system-site-packages"])
            .arg(&env));
        for executable in [python, env.join("bin/python")] {
            let said = run(Command::new(&executable).args(["-I", "-c", WHAT_PIP_SAYS]));
            let Some(said) = serde_json::from_str::<Option<SaidByPip>>(&said).unwrap() else {
                eprintln!("no pip in {executable:?}");
                continue;
            };
            let interpreter = read_interpreter(&executable, None).unwrap();
            assert_eq!(interpreter.has_system_site_packages(), interpreter.is_virtual());
            let folders = |layout: &Layout| -> BTreeMap<String, PathBuf> {
                Scheme::ALL
                    .iter()
                    .map(|scheme| (scheme.name().to_owned(), layout.folder(*scheme, "Name")))
                    .collect()
            };
            assert_eq!(folders(interpreter.layout()), said.own, "{executable:?}");
            let prefix = interpreter.prefix_layout(Path::new("/some/prefix"));
            // Debian's pip of 2023 puts `local` below any prefix; today's pip does not.
            if said.prefix["data"] == Path::new("/some/prefix") {
                assert_eq!(folders(&prefix), said.prefix, "{executable:?}");
            }
            // Older versions of pip have another order and lack `cpXY-none-any`; the order is
            // compared with a current `packaging` where the tags are computed.
            let tags: BTreeSet<String> =
                interpreter.tags().iter().map(ToString::to_string).collect();
            let (major, minor) = interpreter.release();
            let differ: Vec<&String> = tags.symmetric_difference(&said.tags).collect();
            let newer = format!("cp{major}{minor}-none-any");
            assert!(differ.iter().all(|tag| **tag == newer), "{executable:?}: {differ:?}");
            let markers = interpreter.markers();
            assert_eq!(markers.platform_version, said.markers["platform_version"]);
            assert_eq!(markers.platform_release, said.markers["platform_release"]);
            assert_eq!(markers.implementation_version, said.markers["implementation_version"]);
            assert_eq!(markers.python_full_version, said.markers["python_full_version"]);
            assert_eq!(markers.python_version, said.markers["python_version"]);
            assert_eq!(markers.platform_machine, said.markers["platform_machine"]);
        }
    }
}

#[test]
fn nothing_in_an_environment_runs_while_it_is_looked_at() {
    let root = tempfile::tempdir().unwrap();
    let env = real(root.path()).join("env");
    make_venv(&python3(), &env);
    let site = read_interpreter(&env.join("bin/python"), None).unwrap().layout().purelib.clone();
    let trace = root.path().join("trace");
    let leave = format!("import pathlib; pathlib.Path({trace:?}).touch()\n");
    for name in ["evil.pth", "sitecustomize.py", "usercustomize.py", "json.py", "sysconfig.py"] {
        fs::write(site.join(name), &leave).unwrap();
    }
    read_interpreter(&env.join("bin/python"), None).unwrap();
    assert!(!trace.exists(), "something in site-packages was run");
    // The same without our care leaves the trace, so this test can fail.
    run(Command::new(env.join("bin/python")).args(["-I", "-c", "pass"]));
    assert!(trace.exists());

    fs::remove_file(&trace).unwrap();
    fs::remove_file(env.join("bin/python")).unwrap();
    fs::write(env.join("bin/python"), format!("#!/bin/sh\n: > {trace:?}\n")).unwrap();
    fs::set_permissions(env.join("bin/python"), fs::Permissions::from_mode(0o755)).unwrap();
    let interpreter = read_interpreter(&env.join("bin/python"), None).unwrap();
    assert!(!trace.exists(), "the environment's own program was run");
    assert_eq!(interpreter.prefix(), env);
    run(&mut Command::new(env.join("bin/python")));
    assert!(trace.exists());
}

#[test]
fn a_warm_run_starts_no_interpreter() {
    let root = tempfile::tempdir().unwrap();
    let cache = root.path().join("cache");
    let env = real(root.path()).join("env");
    make_venv(&python3(), &env);
    let executable = env.join("bin/python");
    let cold = read_interpreter(&executable, Some(&cache)).unwrap();
    let entries: Vec<PathBuf> =
        fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    // A mark that no interpreter would print.
    let text = fs::read_to_string(entry).unwrap();
    let release = format!("\"platform_release\":\"{}\"", cold.markers().platform_release);
    fs::write(entry, text.replace(&release, "\"platform_release\":\"marked\"")).unwrap();
    let warm = read_interpreter(&executable, Some(&cache)).unwrap();
    assert_eq!(warm.markers().platform_release, "marked");
    // A damaged memory is ignored and replaced.
    fs::write(entry, "{").unwrap();
    let again = read_interpreter(&executable, Some(&cache)).unwrap();
    assert_eq!(again.markers(), cold.markers());
    assert_eq!(fs::read_to_string(entry).unwrap(), text);
}

#[test]
fn interpreters_that_cannot_be_used() {
    let root = tempfile::tempdir().unwrap();
    let program = |name: &str, text: &str| {
        let path = root.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let check = |path: &Path, class: Class, expect: &str| {
        let error = read_interpreter(path, None).unwrap_err();
        assert_eq!(error.class(), class, "{error}");
        let message = error.to_string();
        assert!(message.contains(expect), "{message}");
    };
    check(&program("silent", "exit 0"), Class::Unavailable, "cannot be read");
    check(
        &program("failing", "echo one >&2; echo two >&2; exit 1"),
        Class::Unavailable,
        "itself: two",
    );
    check(&program("old", "echo '{\"too_old\": \"3.6\"}'"), Class::Usage, "3.6 is not supported");
    check(
        &program("older", "echo 'Unknown option: -I' >&2; exit 2"),
        Class::Usage,
        "version 2 is not supported",
    );
    check(&program("loud", "exec yes"), Class::Unavailable, "printed more");
    check(&root.path().join("missing"), Class::Unavailable, "cannot be run");
    fs::create_dir_all(root.path().join("env/bin")).unwrap();
    fs::write(root.path().join("env/pyvenv.cfg"), "home = /nonexistent/bin\n").unwrap();
    check(&root.path().join("env/bin/python"), Class::Usage, "/nonexistent/bin");
}

fn search<'a>(folder: &'a Path, path: &'a OsStr) -> Search<'a> {
    Search {
        requested: None,
        virtual_env: None,
        conda_prefix: None,
        path: Some(path),
        pyenv_version: None,
        folder,
    }
}

#[test]
fn the_interpreter_that_is_meant() {
    let root = tempfile::tempdir().unwrap();
    let root = real(root.path());
    let python = python3();
    let version = read_interpreter(&python, None).unwrap();
    let (major, minor) = version.release();
    for name in ["one", "two"] {
        make_venv(&python, &root.join(name));
    }
    let [one, two] = ["one", "two"].map(|name| root.join(name));
    let path = std::env::join_paths([&two.join("bin"), python.parent().unwrap()]).unwrap();
    let plain = search(&root, &path);
    let check = |search: Search<'_>, expect: &Path, found_by: FoundBy| {
        let (interpreter, by) = find_interpreter(&search, None).unwrap();
        assert_eq!((interpreter.executable(), by), (expect, found_by), "{search:?}");
    };
    check(plain, &two.join("bin/python3"), FoundBy::Path);
    let variable = Some(one.as_os_str());
    check(Search { virtual_env: variable, ..plain }, &one.join("bin/python"), FoundBy::VirtualEnv);
    check(
        Search { conda_prefix: variable, ..plain },
        &one.join("bin/python"),
        FoundBy::CondaPrefix,
    );
    let empty = Some(OsStr::new(""));
    check(Search { virtual_env: empty, ..plain }, &two.join("bin/python3"), FoundBy::Path);
    let asked = |text| Search { requested: Some(text), virtual_env: variable, ..plain };
    let minor_version = format!("{major}.{minor}");
    let named = format!("python{minor_version}");
    check(asked("one"), &one.join("bin/python"), FoundBy::Request);
    check(asked("./one"), &one.join("bin/python"), FoundBy::Request);
    check(asked("one/bin/python3"), &one.join("bin/python3"), FoundBy::Request);
    check(asked("python3"), &two.join("bin/python3"), FoundBy::Request);
    check(asked(&minor_version), &two.join("bin").join(&named), FoundBy::Request);
    let full_version = version.version().to_string();
    check(asked(&full_version), &two.join("bin").join(&named), FoundBy::Request);
    let broken = Search { virtual_env: Some(OsStr::new("/nonexistent")), ..plain };
    for search in [asked("python9"), asked("3.99"), asked("./none"), broken] {
        let error = find_interpreter(&search, None).unwrap_err();
        assert!(matches!(error, InterpreterError::NotFound { .. }), "{error}");
        assert_eq!(error.class(), Class::Usage);
    }
}

#[test]
fn an_externally_managed_installation_is_refused_and_its_environments_are_not() {
    let root = tempfile::tempdir().unwrap();
    let mut interpreter = read_interpreter(&python3(), None).unwrap();
    let mut facts = (*interpreter.facts).clone();
    facts.stdlib = root.path().to_owned();
    interpreter.facts = Arc::new(facts);
    assert!(interpreter.refuse_externally_managed().is_ok());
    fs::write(root.path().join("EXTERNALLY-MANAGED"), "[externally-managed]\nError=use apt\n")
        .unwrap();
    let error = interpreter.refuse_externally_managed().unwrap_err();
    assert_eq!(error.class(), Class::Usage);
    assert!(error.to_string().ends_with("is externally managed: use apt"), "{error}");
    assert!(error.hint().unwrap().contains("--venv"));
    let environment = interpreter.in_environment("/env".into(), "/env/bin/python".into());
    assert!(environment.refuse_externally_managed().is_ok());
}
