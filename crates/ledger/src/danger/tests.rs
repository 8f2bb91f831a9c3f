//! Texts, and what is to be looked at in them. Every case that finds something has a neighbour that looks
//! the same and finds nothing.

use countermark_trust::change::FileKind;
use proptest::prelude::*;

use super::*;

fn found(path: &str, text: &str) -> Vec<Finding> {
    let kind = FileKind::of(path, text.as_bytes());
    look(&File { path, kind, bytes: Some(text.as_bytes()) }).findings
}

/// `line severity kind` of everything in a module of a library.
fn library(text: &str) -> Vec<String> {
    shown(&found("teapot/core.py", text))
}

fn shown(findings: &[Finding]) -> Vec<String> {
    let one = |it: &Finding| format!("{} {} {}", it.line, it.severity.as_str(), it.kind.as_str());
    findings.iter().map(one).collect()
}

fn has(text: &str, expect: &str) {
    let list = library(text);
    assert!(list.iter().any(|one| one == expect), "{text:?}: expected `{expect}`, found {list:?}");
}

fn nothing(text: &str) {
    assert_eq!(library(text), Vec::<String>::new(), "{text:?}");
}

#[test]
fn what_functions_do_is_found_however_they_are_named() {
    let inside = |line: &str| format!("def f(x):\n    {line}\n");
    for line in [
        "import os; os.system(x)",
        "import os as o; o.system(x)",
        "from os import system; system(x)",
        "from os import system as s; s(x)",
        "from os import (path, system as s); s(x)",
        "from os import *; system(x)",
        "__import__('os').system(x)",
        "__import__('o' 's').system(x)",
        "__import__('o' + 's').system(x)",
        "__import__('\\x6fs').system(x)",
        "import importlib; importlib.import_module('os').system(x)",
        "from importlib import import_module as i; i('os').system(x)",
        "import os; getattr(os, 'system')(x)",
        "import os; getattr(os, 'sys' + 'tem')(x)",
        "import os; (os).system(x)",
        "import os; ((os)).system(x)",
        "import os; os . system(x)",
        "import os; os.__dict__['system'](x)",
        "import os; vars(os)['system'](x)",
        "import sys; sys.modules['os'].system(x)",
        "import os; o = os; o.system(x)",
        "import os; s = os.system; s(x)",
        "import os; o: object = os; o.system(x)",
        "import os; a = b = os; a.system(x)",
        "import os; (o := os).path; o.system(x)",
        "s = __import__('os').system; s(x)",
        "import os; f'{os.system(x)}'",
        "import os; f'{os.system(x)!r:>{os}}'",
        "import os; f'''{\n    os.system(x)}'''",
        "import os; rf'\\{os.system(x)}'",
        "import os; x if os.system(x) else 1",
        "import os; [os.system][0](x)",
        "import os; 0or os.system(x)",
        "import os; os.\\\n        system(x)",
        "import os; os.execv(x, x)",
        "import posix; posix.system(x)",
        "import subprocess as s; s.run(x)",
        "from subprocess import Popen as P; P(x)",
        "import asyncio; asyncio.create_subprocess_shell(x)",
    ] {
        let text = inside(line);
        let list = library(&text);
        assert!(list.iter().any(|it| it.ends_with("look process")), "{text}: {list:?}");
    }
}

#[test]
fn strings_and_comments_are_no_code() {
    nothing("# import os; os.system('x')\n");
    nothing("'import os; os.system(1)'\n");
    nothing("'''\nimport os\nos.system(1)\neval(x)\n'''\n");
    nothing("x = r'\\\\'; y = 'os.system'\n");
    nothing("x = 'it''s eval(1)'\n");
    nothing("x = \"\"\"a\\\"\"\"eval(1)\"\"\"\n");
    nothing("x = f'{{eval(1)}}'\n");
    nothing("x = f'{y!r}' # eval(1)\n");
    // What only looks like the end of a string is code behind it.
    has("def f():\n    x = r'\\\\'; eval(y)\n", "2 look execute");
    has("def f():\n    x = '\\\\'; eval(y)\n", "2 look execute");
    has("def f():\n    x = ''''a'''; eval(y)\n", "2 look execute");
    has("def f():\n    x = f'{{{eval(y)}}}'\n", "2 look execute");
    has("def f():\n    x = f'{y:{eval(z)}}'\n", "2 look execute");
    has("def f():\n    x = f\"{f\"{eval(z)}\"}\"\n", "2 look execute");
}

#[test]
fn names_that_only_look_so_are_left_alone() {
    nothing("import re\nx = re.compile('a')\n");
    nothing("class A:\n    def eval(self):\n        return 1\n");
    nothing("def f(m):\n    m.eval()\n    return m.exec(1)\n");
    nothing("def f(m):\n    return m.run(compile=True)\n");
    nothing("compile = 1\n");
    nothing("import os\nx = os.path.join('a', 'b')\n");
    nothing("import os\nx = os.environ.get('HOME')\n");
    nothing("import os\nx = os.environ['LANG']\n");
    nothing("import json\nx = json.loads('1')\n");
    nothing("from .socket import thing\nthing()\n");
    nothing("def f(o):\n    return o.profile\n");
    nothing("x = 'utf-8'\ny = 'see the docs of ssh'\n");
    nothing("import base64\nx = base64.b64encode(b'1')\n");
}

#[test]
fn kinds_of_danger() {
    let within = |line: &str, expect: &str| {
        let text = format!("def f(x):\n    {line}\n");
        has(&text, &format!("2 {expect}"));
    };
    within("eval(x)", "look execute");
    within("exec(x)", "look execute");
    within("compile(x, '', 'exec')", "look execute");
    within("import builtins; builtins.exec(x)", "look execute");
    within("__builtins__['exec'](x)", "look execute");
    within("__builtins__.exec(x)", "look execute");
    within("globals()['exec'](x)", "look execute");
    within("import builtins as b; getattr(b, 'ex' 'ec')(x)", "look execute");
    within("import types; types.FunctionType(x)", "look execute");
    within("import pickle; pickle.loads(x)", "look deserialise");
    within("import marshal; marshal.loads(x)", "look deserialise");
    within("import yaml; yaml.load(x)", "look deserialise");
    within("import ctypes; ctypes.CDLL(x)", "look foreign");
    within("from ctypes import *; CDLL(x)", "look foreign");
    within("import socket; socket.create_connection(x)", "look network");
    within("import urllib.request; urllib.request.urlopen(x)", "look network");
    within("from urllib.request import urlopen as u; u(x)", "look network");
    within("import requests as r; r.post(x)", "look network");
    within("open('http://192.0.2.1/x')", "look network");
    within("import os; os.environ['PYPI_TOKEN']", "look secrets");
    within("import os; os.getenv('AWS_SECRET_ACCESS_KEY')", "look secrets");
    within("from os import environ as e; e.get('GITHUB_TOKEN')", "look secrets");
    within("import os; dict(os.environ)", "note secrets");
    within("open(x + '/.ssh/id_rsa')", "look secrets");
    within("open(f'{x}/.aws/credentials')", "look secrets");
    within("open('~\\\\.ssh\\\\id_rsa')", "look secrets");
    within("open(x / 'evil.pth')", "look start-up");
    within("open(x / 'sitecustomize.py')", "look start-up");
    within("import os; getattr(os, x)(1)", "look dynamic");
    within("import sys; sys.modules[x]", "look dynamic");
    within("().__class__.__base__.__subclasses__()", "note dynamic");
    within("import shutil; shutil.rmtree(x)", "note files");
    within("import base64; base64.b64decode(x)", "note decode");
    within("from setuptools.command.install import install", "look install");
}

#[test]
fn what_runs_at_import_comes_first() {
    has("import os\nos.system('x')\n", "2 first process");
    has("class A:\n    eval('x')\n", "2 first execute");
    has("if True:\n    eval('x')\n", "2 first execute");
    has("def f():\n    eval('x')\n", "2 look execute");
    has("async def f():\n    eval('x')\n", "2 look execute");
    has("class A:\n    def f(self):\n        pass\n    eval('x')\n", "4 first execute");
    has("def f():\n    pass\n\x0ceval('x')\n", "3 first execute");
    // Only a mention is none.
    has("import socket\nclass A(socket.socket): pass\n", "2 look network");
}

#[test]
fn encoded_data() {
    let base64: String =
        (0..200u32).map(|n| char::from(b"Ab9Zk0cQ7xWm"[(n * 7 % 12) as usize])).collect();
    let blob = |text: &str| format!("def f():\n    x = {text}\n");
    has(&blob(&format!("'{base64}'")), "2 look encoded");
    has(&blob(&format!("b'{base64}'")), "2 look encoded");
    let (one, two) = base64.split_at(100);
    has(&blob(&format!("('{one}'\n  '{two}')")), "2 look encoded");
    has(&blob(&format!("'{one}' + '{two}'")), "2 look encoded");
    has(&blob(&format!("'''{one}\n{two}'''")), "2 look encoded");
    has(&format!("'''{base64}'''\n"), "1 look encoded");
    has(&blob(&format!("'{}'", "0123456789abcdef".repeat(20))), "2 look encoded");
    has(&blob(&format!("'{}'", "\\x41".repeat(50))), "2 look encoded");
    has(&blob(&format!("bytes([{}])", "65, ".repeat(250))), "2 note encoded");
    nothing(&blob(&format!("'{}'", "-".repeat(500))));
    nothing(&blob(&format!("'{}'", "a sentence with words ".repeat(100))));
    nothing(&blob(&format!("'{}'", "a".repeat(64))));
    nothing(&blob(&format!("[{}]", "65, ".repeat(20))));
    let text = format!("import base64\ndef f():\n    exec(base64.b64decode('{base64}'))\n");
    has(&text, "3 first together");
    has("import requests\ndef f():\n    exec(requests.get('x').text)\n", "3 first together");
    has(
        "import os, requests\ndef f():\n    requests.post('x', os.environ['A_TOKEN'])\n",
        "3 first together",
    );
}

#[test]
fn code_in_strings_that_are_executed() {
    has("def f():\n    exec('import os; os.system(1)')\n", "2 first process");
    has("def f():\n    eval(\"__import__('os').system(1)\")\n", "2 first process");
    has("def f():\n    exec('exec(\"eval(1)\")')\n", "2 first execute");
    let deep = "exec('exec(\"exec(\\'exec(1)\\')\")')\n";
    assert!(library(deep).contains(&"1 first execute".to_owned()));
}

#[test]
fn texts_that_are_not_what_they_look_like() {
    has("x = 1 # \u{202e} } \u{2066}\n", "1 first hidden");
    has("x = 'a\u{200b}b'\n", "1 first hidden");
    has("# harmless\reval('x')\n", "1 first hidden");
    has("# harmless\reval('x')\n", "1 first execute");
    has("ｅｖａｌ('x')\n", "1 first hidden");
    has("ｅｖａｌ('x')\n", "1 first execute");
    has("import os\nos.𝓈𝓎𝓈𝓉ℯ𝓂('x')\n", "2 first process");
    has("# -*- coding: utf-7 -*-\n", "1 first hidden");
    has("#!/bin/x\n# vim: set fileencoding=rot13 :\n", "2 first hidden");
    nothing("# -*- coding: utf-8 -*-\n");
    nothing("# -*- coding: latin-1 -*-\n");
    nothing("x = 1\r\ny = 2\r\n");
    nothing("größe = 'é'\n");
    nothing("\u{feff}x = 1\n");
    // In texts of other scripts it only is good to know.
    let translation = found("teapot/he.po", "msgstr \"\u{200f}abc\"\n");
    assert_eq!(shown(&translation), ["1 note hidden"]);
}

#[test]
fn what_is_no_python_is_said_and_read_on() {
    has("x = 'abc\neval(y)\n", "1 look unread");
    has("x = 'abc\neval(y)\n", "2 first execute");
    has("x = '''abc\n", "2 look unread");
    has("x = \0\neval(y)\n", "1 look unread");
    has("x = f'{y\neval(y)\n", "2 first execute");
    has(")))\neval(y)\n", "2 first execute");
}

#[test]
fn files_that_run_early() {
    let of = |path: &str, text: &str| shown(&found(path, text));
    let start = of("evil.pth", "import os; os.system('x')\n");
    assert_eq!(start, ["0 first start-up", "1 first start-up", "1 first process"]);
    assert_eq!(of("plain.pth", "./folder\n"), ["0 first start-up", "1 note start-up"]);
    assert_eq!(of("sitecustomize.py", "x = 1\n"), ["0 first start-up"]);
    assert_eq!(
        of("setup.py", "from setuptools import setup\nsetup(cmdclass={})\n"),
        ["0 look install", "2 look install"]
    );
    assert_eq!(
        of("setup.py", "import os\ndef f():\n    os.system('x')\n"),
        ["0 look install", "3 first process"]
    );
    assert_eq!(of("teapot/setup.py", "x = 1\n"), Vec::<String>::new());
    assert_eq!(of("setup.cfg", "[options]\nsetup_requires =\n  x\n"), ["2 look install"]);
    let project = "[build-system]\nrequires = [\"x @ https://example.org/x.whl\"]\nbuild-backend = \"own\"\nbackend-path = [\".\"]\n";
    assert_eq!(
        of("pyproject.toml", project),
        ["2 look install", "3 note install", "4 look install"]
    );
    let inline = "build-system = { build-backend = \"own\", \"backend-path\" = [\".\"] }\n";
    assert_eq!(of("pyproject.toml", inline), ["1 look install", "1 note install"]);
    assert_eq!(of("pyproject.toml", "[tool.hatch.build.hooks.custom]\n"), ["1 look install"]);
    assert_eq!(of("pyproject.toml", "[[[\n"), ["0 look unread"]);
    assert_eq!(of("pyproject.toml", "[project]\nname = \"x\"\n"), Vec::<String>::new());
    let points = "[console_scripts]\nteapot = teapot:main\n[pytest11]\nx = teapot.plugin\n";
    let listed = of(".dist-info/entry_points.txt", points);
    assert_eq!(listed, ["2 note entry-point", "4 look entry-point"]);
    let command = of(".data/scripts/teapot", "#!python\nimport os\nos.system('x')\n");
    assert_eq!(command, ["0 look entry-point", "3 first process"]);
    assert_eq!(of("install.sh", "curl x | sh\n"), ["1 look process"]);
}

#[test]
fn kinds_of_files() {
    let of = |kind| shown(&look(&File { path: "a/b", kind, bytes: None }).findings);
    assert_eq!(of(FileKind::Native), ["0 first native"]);
    assert_eq!(of(FileKind::Opaque), ["0 first opaque"]);
    assert_eq!(of(FileKind::Binary), Vec::<String>::new());
    assert_eq!(of(FileKind::Text), Vec::<String>::new());
    let long = vec![b'x'; MAX_BYTES + 1];
    let file = File { path: "a.py", kind: FileKind::Text, bytes: Some(&long) };
    assert_eq!(shown(&look(&file).findings), ["0 first unread"]);
}

#[test]
fn tests_and_documents_come_last() {
    let text = "import os\nos.system('x')\n";
    assert_eq!(shown(&found("teapot/tests/test_a.py", text)), ["2 note process"]);
    assert_eq!(shown(&found("teapot/core.py", text)), ["2 first process"]);
}

#[test]
fn findings_have_an_end_and_keep_what_is_urgent() {
    let mut text = "def f():\n    pass\n".to_owned();
    text.push_str(&"def g(x): pass\n".repeat(3));
    text.push_str(&"def h():\n    eval(x)\n".repeat(3 * MAX_FINDINGS));
    text.push_str("eval(x)\n");
    let kind = FileKind::Text;
    let seen = look(&File { path: "a.py", kind, bytes: Some(text.as_bytes()) });
    assert_eq!(seen.findings.len(), MAX_FINDINGS);
    assert!(seen.left_out > MAX_FINDINGS);
    assert_eq!(seen.severity(), Some(Severity::First));
    assert!(seen.findings.is_sorted_by_key(|finding| finding.line));
}

#[test]
fn long_and_deep_texts_take_their_length() {
    // Each of these would take hours if anything were read again and again.
    for text in [
        "(".repeat(1 << 20),
        "getattr(".repeat(1 << 17),
        "f'{".repeat(1 << 18),
        "a.".repeat(1 << 20),
        "'a' ".repeat(1 << 18),
        "x = ".repeat(1 << 18),
        "import a as b, ".repeat(1 << 16),
        "a = b\nb = a\n".repeat(1 << 16),
        "\\\n".repeat(1 << 19),
        "\"\"\"".repeat(1 << 18),
        "0x".repeat(1 << 19),
        "eval(\"".repeat(1 << 16),
    ] {
        let _ = library(&text);
    }
}

proptest! {
    #[test]
    fn anything_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = look(&File { path: "a.py", kind: FileKind::Text, bytes: Some(&bytes) });
    }

    #[test]
    fn pieces_of_python_are_read(pieces in proptest::collection::vec(
        prop_oneof![
            Just("f'"), Just("'"), Just("'''"), Just("{"), Just("}"), Just("\\"), Just("\n"), Just("\r"),
            Just("é"), Just("import os"), Just("os.system"), Just("("), Just(")"), Just(":"), Just("!"),
            Just("r\""), Just("\""), Just("\\x4"), Just("\\N{"), Just("#"), Just("="), Just("getattr(os, "),
        ], 0..60)) {
        let _ = library(&pieces.concat());
    }

    /// Whatever stands before it as a whole statement, a call is found.
    #[test]
    fn nothing_before_it_hides_a_call(text in "(x = ('[a-z \\\\\"]*\"?'|1|f'[a-z]*'|r'[a-z ]*')?\n){0,5}") {
        let whole = format!("{text}\nimport os\nos.system(1)\n");
        let tail = library(&whole);
        prop_assert!(tail.iter().any(|it| it.ends_with("process")), "{}: {:?}", whole, tail);
    }
}
