use crate::system::unix::fs::MetadataExt as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::interpreter::read_interpreter;
use crate::interpreter::tests::{make_venv, python3, pythons, run};

/// Constructs of every kind that ends up in a code object.
const SOURCE: &str = r#"
"""Documentation."""
from __future__ import annotations
import os.path as path

BIG = 123456789012345678901234567890
VALUES = (1, -1, 2.5, 1j, b"bytes", "text", "größe", None, True, ..., (1, (2, 3)), -5)

def function(argument, /, other=1, *rest, keyword="k", **more):
    """More."""
    assert argument in {"one", "two", "three", 4, 5.0, b"six", None}
    inner = [lambda value: value + argument for _ in rest]
    try:
        yield from inner
    except (KeyError, ValueError) as error:
        raise RuntimeError(f"{error!r:>{other}}") from error
    finally:
        del inner

class Class(dict):
    attribute: int = 5
    async def method(self):
        async with self as value:
            return await value, __class__, self[1:2, ::3]
"#;

struct Place {
    root: tempfile::TempDir,
    interpreter: Interpreter,
}

impl Place {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            interpreter: read_interpreter(&python3(), None).unwrap(),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(name)
    }

    fn job(&self, name: &str, text: impl AsRef<[u8]>) -> CompileJob {
        fs::write(self.at(name), text).unwrap();
        CompileJob {
            source: self.at(name),
            sha256: None,
            name: name.to_owned(),
            output: self.at(&format!("{name}c")),
            optimization: Optimization::None,
        }
    }

    fn compile(&self, jobs: &[CompileJob]) -> Vec<Compiled> {
        compile_files(&self.interpreter, jobs, 2).unwrap()
    }
}

fn sha256(bytes: &[u8]) -> Sha256 {
    use sha2::Digest as _;
    Sha256(sha2::Sha256::digest(bytes).into())
}

#[test]
fn files_that_compile_and_files_that_do_not() {
    let place = Place::new();
    let trace = place.at("trace");
    let effects = format!("open({trace:?}, 'w').close()\nraise SystemExit\n");
    let latin = b"# coding: latin-1\nx = '\xe9'\n".as_slice();
    let wrong = CompileJob { sha256: Some(sha256(b"other")), ..place.job("wrong.py", "x = 1\n") };
    let right = CompileJob { sha256: Some(sha256(b"x = 1\n")), ..place.job("right.py", "x = 1\n") };
    let taken = place.job("taken.py", "x = 1\n");
    fs::write(&taken.output, "something").unwrap();
    let missing = CompileJob { source: place.at("nowhere.py"), ..place.job("missing.py", "") };
    crate::system::unix::fs::symlink(place.at("right.py"), place.at("link.py")).unwrap();
    let link = CompileJob { source: place.at("link.py"), ..place.job("through.py", "") };
    let jobs = [
        place.job("effects.py", &effects),
        place.job("latin.py", latin),
        place.job("empty.py", ""),
        place.job("syntax.py", "def (:\n"),
        place.job("nul.py", "x = 1\0\n"),
        place.job("codec.py", "# coding: no-such-codec\nx = 1\n"),
        place.job("deep.py", "(".repeat(5000)),
        wrong,
        right,
        taken,
        missing,
        link,
    ];
    let outcomes = place.compile(&jobs);
    let kinds: Vec<&str> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Compiled::Written { .. } => "written",
            Compiled::Invalid(_) => "invalid",
            Compiled::SourceChanged => "changed",
            Compiled::Failed(_) => "failed",
        })
        .collect();
    let expect = [
        "written", "written", "written", "invalid", "invalid", "invalid", "invalid", "changed",
        "written", "failed", "failed", "failed",
    ];
    assert_eq!(kinds, expect, "{outcomes:?}");
    assert!(!trace.exists(), "a source was run");
    for (job, outcome) in jobs.iter().zip(&outcomes) {
        if let Compiled::Written { sha256: digest, size } = outcome {
            let bytes = fs::read(&job.output).unwrap();
            assert_eq!((*digest, *size), (sha256(&bytes), bytes.len() as u64));
        } else {
            assert_eq!(job.output.exists(), job.name == "taken.py", "{}", job.name);
        }
    }
    assert_eq!(fs::read(place.at("taken.pyc")).unwrap(), b"something");
    let Compiled::Invalid(message) = &outcomes[3] else { panic!("{outcomes:?}") };
    assert!(message.starts_with("SyntaxError: ") && message.contains("syntax.py, line 1"));
    // The control: the same source leaves its trace when it is run.
    let _ = Command::new(python3()).arg(place.at("effects.py")).status();
    assert!(trace.exists());
}

#[test]
fn nothing_to_do_starts_nothing_and_no_interpreter_is_an_error() {
    let place = Place::new();
    assert_eq!(place.compile(&[]), []);
    let job = place.job("a.py", "x = 1\n");
    let gone = place.interpreter.in_environment("/env".into(), "/env/bin/python".into());
    // The base of an environment is what compiles, wherever the environment is.
    assert!(matches!(compile_files(&gone, &[job], 5).unwrap()[..], [Compiled::Written { .. }]));
}

/// `compileall` with the same path inside, the judge.
#[test]
fn bytecode_is_what_compileall_writes() {
    for python in pythons() {
        let interpreter = read_interpreter(&python, None).unwrap();
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let mut names = Vec::new();
        for entry in fs::read_dir(interpreter.standard_library()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name.ends_with(".py") && name.as_str() < "d" {
                fs::copy(&path, root.join(&name)).unwrap();
                names.push(name);
            }
        }
        assert!(names.len() > 20);
        let jobs: Vec<CompileJob> = names
            .iter()
            .map(|name| CompileJob {
                source: root.join(name),
                sha256: None,
                name: root.join(name).to_str().unwrap().to_owned(),
                output: root.join(format!("{name}c")),
                optimization: Optimization::None,
            })
            .collect();
        let outcomes = compile_files(&interpreter, &jobs, 2).unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Compiled::Written { .. })));
        run(Command::new(&python).args(["-I", "-m", "compileall", "-q"]).arg(&root));
        let mut equal = 0;
        for name in &names {
            let stem = name.strip_suffix(".py").unwrap();
            let theirs = root
                .join("__pycache__")
                .join(format!("{stem}.{}.pyc", interpreter.cache_tag().unwrap()));
            let [theirs, ours] =
                [theirs, root.join(format!("{name}c"))].map(|path| fs::read(path).unwrap());
            equal += usize::from(theirs == ours);
            assert_eq!(theirs[..HEADER], ours[..HEADER], "{python:?} {name}");
            let [theirs, ours] = [theirs, ours]
                .map(|bytes| marshal::digest_code(&bytes[HEADER..], interpreter.release()));
            assert!(theirs.is_ok());
            assert_eq!(theirs, ours, "{python:?} {name}");
        }
        eprintln!("{python:?}: {equal} of {} files are equal in every byte", names.len());
    }
}

/// One file in the store, linked into two environments: valid in both, with the paths of each.
#[test]
fn linked_bytecode_is_loaded_and_shows_the_real_path() {
    let place = Place::new();
    let tag = place.interpreter.cache_tag().unwrap().to_owned();
    let module = "def where():\n    return where.__code__.co_filename\nclass A:\n    def method(self): pass\n";
    let job = place.job("module.py", module);
    assert!(matches!(place.compile(std::slice::from_ref(&job))[..], [Compiled::Written { .. }]));
    for name in ["one", "two"] {
        let env = place.at(name);
        make_venv(&python3(), &env);
        let interpreter = read_interpreter(&env.join("bin/python"), None).unwrap();
        let site = &interpreter.layout().purelib;
        fs::create_dir(site.join("__pycache__")).unwrap();
        let linked = site.join("__pycache__").join(format!("module.{tag}.pyc"));
        fs::hard_link(&job.source, site.join("module.py")).unwrap();
        fs::hard_link(&job.output, &linked).unwrap();
        let before = fs::metadata(&linked).unwrap();
        let says = "import module; print(module.where()); print(module.A.method.__code__.co_filename); print(module.__cached__)";
        let said = run(Command::new(env.join("bin/python")).args(["-W", "ignore", "-c", says]));
        let path = site.join("module.py");
        assert_eq!(said, format!("{0}\n{0}\n{1}\n", path.display(), linked.display()));
        let after = fs::metadata(&linked).unwrap();
        assert_eq!(
            (before.ino(), before.mtime_nsec()),
            (after.ino(), after.mtime_nsec()),
            "compiled anew"
        );
    }
}

/// Lets `python` import or compile a module and returns the bytecode it wrote.
fn written_by(python: &Path, folder: &Path, arguments: &[&str], suffix: &str) -> Vec<u8> {
    let _ = fs::remove_dir_all(folder.join("__pycache__"));
    run(Command::new(python).args(arguments).current_dir(folder));
    let found: Vec<PathBuf> = fs::read_dir(folder.join("__pycache__"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [path] = &found[..] else { panic!("{found:?}") };
    assert!(path.to_str().unwrap().ends_with(suffix), "{path:?}");
    fs::read(path).unwrap()
}

fn check_one(interpreter: &Interpreter, job: &CheckJob) -> Checked {
    let mut found = check_files(interpreter, 1, 1, |_| Some(job.clone())).unwrap();
    found.pop().unwrap().unwrap()
}

#[test]
fn bytecode_that_an_import_wrote_is_told_from_other_bytecode() {
    const SAME: Checked = Checked::Same { is_stale: false };
    for python in pythons() {
        let interpreter = read_interpreter(&python, None).unwrap();
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().canonicalize().unwrap();
        let path = folder.join("module.py");
        fs::write(&path, SOURCE).unwrap();
        let modified = fs::metadata(&path).unwrap().mtime();
        let job = |bytecode: &[u8], optimization| CheckJob {
            bytecode: bytecode.to_vec(),
            source: SOURCE.into(),
            modified,
            optimization,
            name: "another/path.py".into(),
        };
        let check =
            |bytecode: &[u8], optimization| check_one(&interpreter, &job(bytecode, optimization));
        let tag = interpreter.cache_tag().unwrap();
        let mut written = BTreeMap::new();
        for (flags, suffix, optimization) in [
            ("", "", Optimization::None),
            ("-O", ".opt-1", Optimization::Asserts),
            ("-OO", ".opt-2", Optimization::Docstrings),
        ] {
            let arguments: Vec<&str> = [flags, "-c", "import module"]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect();
            let bytecode =
                written_by(&python, &folder, &arguments, &format!("module.{tag}{suffix}.pyc"));
            assert_eq!(check(&bytecode, optimization), SAME, "{python:?} {flags}");
            written.insert(optimization, bytecode);
        }
        let bytecode = &written[&Optimization::None];
        for (optimization, other) in &written {
            let is_own = *optimization == Optimization::None;
            assert_eq!(check(other, Optimization::None) == SAME, is_own, "{optimization:?}");
        }
        for mode in ["checked-hash", "unchecked-hash"] {
            let arguments = ["-m", "compileall", "-q", "--invalidation-mode", mode, "module.py"];
            let hashed = written_by(&python, &folder, &arguments, ".pyc");
            assert_eq!(check(&hashed, Optimization::None), SAME, "{python:?} {mode}");
            let mut stale = hashed.clone();
            stale[8] ^= 1;
            let is_stale = mode == "checked-hash";
            assert_eq!(check(&stale, Optimization::None), Checked::Same { is_stale }, "{mode}");
        }
        let mut stale = bytecode.clone();
        stale[8] ^= 1;
        assert_eq!(check(&stale, Optimization::None), Checked::Same { is_stale: true });
        let mut other = bytecode.clone();
        other[0] ^= 1;
        assert_eq!(check(&other, Optimization::None), Checked::OtherInterpreter);
        let evil = SOURCE.replace("BIG = 1", "BIG = 2");
        let evil = check_one(
            &interpreter,
            &CheckJob { source: evil.into(), ..job(bytecode, Optimization::None) },
        );
        assert!(matches!(evil, Checked::Differs { is_stale: false, .. }), "{evil:?}");
        for (bytes, expect) in [
            (&bytecode[..10], "its header"),
            (&bytecode[..HEADER], "not a code object"),
            (&bytecode[..bytecode.len() - 1], "ends too early"),
            (&[bytecode.as_slice(), b"x"].concat(), "goes on after"),
        ] {
            let Checked::Differs { reason, .. } = check(bytes, Optimization::None) else {
                panic!("{expect}")
            };
            assert!(reason.contains(expect), "{reason}");
        }
        // The path is free, but a text, and one text.
        let own = b"module.py";
        let at = bytecode.windows(own.len()).position(|window| window == own).unwrap();
        for (change, is_same) in [(b'M', true), (b'\xff', false)] {
            let mut renamed = bytecode.clone();
            renamed[at] = change;
            let found = check(&renamed, Optimization::None);
            assert_eq!(found == SAME, is_same, "{found:?}");
        }
        let invalid = check_one(
            &interpreter,
            &CheckJob { source: b"def (".into(), ..job(bytecode, Optimization::None) },
        );
        assert!(
            matches!(&invalid, Checked::Differs { reason, .. } if reason.contains("cannot be compiled")),
            "{invalid:?}"
        );
    }
}

/// Compares two files as values inside Python, apart from the file name. Only run on mutations that
/// our reader takes for the same.
const ARE_EQUAL: &str = r"
import marshal, sys, types
def shape(value):
    if isinstance(value, types.CodeType):
        names = [n for n in dir(value) if n.startswith('co_') and n not in ('co_filename', 'co_lines', 'co_positions', 'co_lnotab', 'co_branches')]
        return ('code', [(n, shape(getattr(value, n))) for n in names])
    if isinstance(value, (tuple, list)):
        return (type(value).__name__, [shape(item) for item in value])
    if isinstance(value, frozenset):
        return ('frozenset', sorted(map(repr, map(shape, value))))
    return (type(value).__name__, repr(value))
texts = [open(path, 'rb').read()[16:] for path in sys.argv[1:]]
first, *others = [repr(shape(marshal.loads(text))) for text in texts]
sys.exit(any(other != first for other in others))
";

#[test]
fn every_flipped_bit_is_another_program_or_the_same_one() {
    let place = Place::new();
    let job = place.job("module.py", SOURCE);
    assert!(matches!(place.compile(std::slice::from_ref(&job))[..], [Compiled::Written { .. }]));
    let bytecode = fs::read(&job.output).unwrap();
    let version = place.interpreter.release();
    let expect = marshal::digest_code(&bytecode[HEADER..], version).unwrap();
    let mut same = vec![job.output.clone()];
    for at in HEADER..bytecode.len() {
        for bit in 0..8 {
            let mut changed = bytecode.clone();
            changed[at] ^= 1 << bit;
            if marshal::digest_code(&changed[HEADER..], version) == Ok(expect) {
                let path = place.at(&format!("{at}-{bit}"));
                fs::write(&path, changed).unwrap();
                same.push(path);
            }
        }
    }
    let total = (bytecode.len() - HEADER) * 8;
    eprintln!("{} of {total} flips are the same program", same.len() - 1);
    assert!(same.len() > 10 && same.len() * 20 < total, "{}", same.len());
    run(Command::new(python3()).args(["-I", "-c", ARE_EQUAL]).args(&same));
    // The judge can tell programs apart.
    let mut changed = bytecode.clone();
    let at = changed.windows(5).position(|window| window == b"bytes").unwrap();
    changed[at] = b'B';
    fs::write(place.at("changed"), changed).unwrap();
    let status = Command::new(python3())
        .args(["-I", "-c", ARE_EQUAL])
        .args([&job.output, &place.at("changed")])
        .status();
    assert!(!status.unwrap().success());
}
