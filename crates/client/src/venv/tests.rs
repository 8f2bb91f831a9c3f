use std::collections::BTreeMap;
use std::process::Command;

use super::*;
use crate::interpreter::read_interpreter;
use crate::interpreter::tests::{make_venv, python3, pythons, run};

type Tree = BTreeMap<String, String>;

/// Every path below a folder, with what it is; of files the text, of links the target.
fn tree(root: &Path) -> Tree {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let kind = if path.is_symlink() {
                format!("link to {}", fs::read_link(&path).unwrap().display())
            } else if path.is_dir() {
                folders.push(path);
                "folder".to_owned()
            } else {
                fs::read_to_string(&path).unwrap()
            };
            found.insert(name, kind);
        }
    }
    found
}

/// Takes the differences that the module's documentation lists out of both trees.
fn without_listed_differences(
    [mut ours, mut theirs]: [Tree; 2],
    (major, minor): (u32, u32),
) -> [Tree; 2] {
    let lines_without = |text: &str, keys: &[&str]| -> String {
        text.lines()
            .filter(|line| !keys.iter().any(|key| line.starts_with(key)))
            .map(|line| format!("{line}\n"))
            .collect()
    };
    let mut keys = vec!["command = "];
    if minor < 11 {
        keys.push("executable = ");
        assert!(ours.remove(&format!("include/python{major}.{minor}")).is_some());
    }
    if minor < 13 {
        assert!(ours.remove(".gitignore").is_some());
    }
    assert!(ours.remove("bin/activate.nu").is_some());
    for tree in [&mut ours, &mut theirs] {
        if let Some(text) = tree.get_mut("pyvenv.cfg") {
            *text = lines_without(text, &keys);
        }
        for (name, text) in tree.iter_mut() {
            if name.contains("ctivate") || name == ".gitignore" {
                *text = "another text".into();
            }
        }
    }
    // 3.8 has no link with the minor version.
    if minor == 8 {
        ours.remove("bin/python3.8");
    }
    [ours, theirs]
}

/// Invoked as `python3`, `venv` links that name to the base and all others to it.
fn as_if_invoked_by_python(mut tree: Tree, python: &Path) -> Tree {
    let name = format!("bin/{}", python.file_name().unwrap().to_str().unwrap());
    let target = tree.insert(name, "link to python".into()).unwrap();
    for (name, kind) in &mut tree {
        if name.starts_with("bin/python") {
            *kind = "link to python".into();
        }
    }
    tree.insert("bin/python".into(), target);
    tree
}

#[test]
fn an_environment_is_what_venv_makes() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    for (index, python) in pythons().into_iter().enumerate() {
        let [theirs, staging, finished] =
            ["theirs", "staging", "ours"].map(|name| root.join(format!("{name}-{index}")));
        make_venv(&python, &theirs);
        let base = read_interpreter(&python, None).unwrap();
        let made = create(&staging, &finished, &base, &Options::default()).unwrap();
        fs::rename(&staging, &finished).unwrap();
        let trees = [tree(&finished), as_if_invoked_by_python(tree(&theirs), &python)];
        let [ours, expect] = without_listed_differences(trees, base.release());
        assert_eq!(ours, expect, "{python:?}");

        let read = read_interpreter(&finished.join("bin/python"), None).unwrap();
        assert_eq!(read.layout(), made.layout());
        assert_eq!(read.executable(), made.executable());
        assert_eq!(read.prefix(), made.prefix());
        assert_eq!(read.base_executable(), made.base_executable());
        let says = "import site, sys; print(sys.prefix, sys.executable, site.getsitepackages(), sys.flags.no_site)";
        let said = |env: &Path| run(Command::new(env.join("bin/python")).args(["-I", "-c", says]));
        assert_eq!(
            said(&finished),
            said(&theirs).replace(theirs.to_str().unwrap(), finished.to_str().unwrap())
        );
    }
}

#[test]
fn an_environment_of_an_environment_has_the_same_base() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().canonicalize().unwrap();
    let base = read_interpreter(&python3(), None).unwrap();
    let options = Options { prompt: Some("it's"), system_site_packages: true };
    let first = create(&root.join("one"), &root.join("one"), &base, &options).unwrap();
    create(&root.join("two"), &root.join("two"), &first, &Options::default()).unwrap();
    let second = read_interpreter(&root.join("two/bin/python"), None).unwrap();
    assert_eq!(second.base_executable(), base.executable());
    let text = fs::read_to_string(root.join("one/pyvenv.cfg")).unwrap();
    assert!(text.contains("prompt = \"it's\"\n"), "{text}");
    assert!(
        read_interpreter(&root.join("one/bin/python"), None).unwrap().has_system_site_packages()
    );
    assert!(!second.has_system_site_packages());
}

#[test]
fn places_where_no_environment_can_be() {
    let root = tempfile::tempdir().unwrap();
    let base = read_interpreter(&python3(), None).unwrap();
    let staging = root.path().join("staging");
    let check = |path: &str, prompt, expect: &str| {
        let options = Options { prompt, ..Options::default() };
        let error = create(&staging, Path::new(path), &base, &options).unwrap_err();
        assert!(error.to_string().contains(expect), "{error}");
        assert_eq!(error.class(), Class::Usage);
        assert!(!staging.exists());
    };
    check("env", None, "it is not absolute");
    check("/a:b", None, "`PATH` could not name");
    check("/a\nb", None, "control characters");
    check("/a", Some("a\x1b[31m"), "control characters");
    fs::create_dir(&staging).unwrap();
    fs::write(staging.join("file"), "").unwrap();
    let error = create(&staging, Path::new("/a"), &base, &Options::default()).unwrap_err();
    assert!(matches!(error, VenvError::NotEmpty(_)), "{error}");
    let inside = staging.join("file/inside");
    let error = create(&inside, Path::new("/a"), &base, &Options::default()).unwrap_err();
    assert_eq!(error.class(), Class::Unavailable, "{error}");
}
