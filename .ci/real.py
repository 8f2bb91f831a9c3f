#!/usr/bin/env python3
"""Installs real wheels with countermark and with pip, and compares the trees file by file.

The sets are the repository's example and, where the data beside the repository is there, its
benchmark sets. Differences that are meant are listed in differences(); any other one fails.
Also: `pip check` passes, and every top-level module of the small sets can be imported.
"""

import csv
import io
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / ".work" / "real"
PROGRAM = ROOT / "target" / "release" / "countermark"
PIP = "pip==26.3"


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, **options)


def sets():
    for path in sorted(ROOT.glob("examples/*/requirements.txt")):
        yield path.parent.name, path
    for name in ("small", "binary", "big"):
        path = ROOT.parent / "shared" / "bench" / f"{name}.txt"
        if path.is_file():
            yield name, path


def tree(env):
    """Every file below an environment that belongs to a package, with its normalised bytes."""
    files = {}
    for path in sorted(env.rglob("*")):
        relative = path.relative_to(env).as_posix()
        if path.is_dir() or path.is_symlink() or relative.startswith((".countermark", "lib64/")):
            continue
        if "__pycache__" in relative:
            continue
        files[relative] = (os.access(path, os.X_OK), path.read_bytes().replace(bytes(env), b"@env@"))
    return files


def record_rows(text):
    rows = {}
    for path, digest, size in csv.reader(io.StringIO(text.decode())):
        name = path.rsplit("/", 1)[-1]
        if name in OWN_FILES or path.startswith("../../../bin/") or name.endswith(".pyc"):
            continue
        rows[path] = (digest, size)
    return rows


# Written by each installer about itself, or made by the environment and not by a package.
OWN_FILES = {"INSTALLER", "REQUESTED", "countermark.json", "direct_url.json"}
ENVIRONMENT = ("pyvenv.cfg", ".gitignore", "CACHEDIR.TAG", "bin/activate", "bin/Activate.ps1")


def differences(ours, theirs):
    """Each difference that is not meant."""
    for path in sorted(set(ours) | set(theirs)):
        name = path.rsplit("/", 1)[-1]
        if name in OWN_FILES or path.startswith(ENVIRONMENT) or path.startswith("bin/python"):
            continue
        if path not in ours:
            yield f"only with pip: {path}"
        elif path not in theirs:
            yield f"only with countermark: {path}"
        elif name == "RECORD":
            if record_rows(ours[path][1]) != record_rows(theirs[path][1]):
                yield f"other rows: {path}"
        elif ours[path][1] != theirs[path][1]:
            yield f"other bytes: {path}"
        elif ours[path][0] != theirs[path][0]:
            yield f"other mode: {path}"


def compare(name, requirements, pip):
    ours, theirs = WORK / name / "ours", WORK / name / "pip"
    shutil.rmtree(WORK / name, ignore_errors=True)
    python = os.path.realpath(sys.executable)
    run(PROGRAM, "install", "-q", "-r", requirements, "--venv", ours, "--python", python)
    run(python, "-m", "venv", "--without-pip", theirs)
    run(pip, "-m", "pip", "--python", theirs, "install", "--quiet", "--no-deps", "--no-compile",
        "--require-hashes", "--only-binary", ":all:", "-r", requirements)
    found = list(differences(tree(ours), tree(theirs)))
    for difference in found[:20]:
        print(f"  {difference}")
    run(pip, "-m", "pip", "--python", ours, "check")
    run(PROGRAM, "verify", "--quiet", "--python", ours, "-r", requirements, stdout=subprocess.DEVNULL)
    print(f"{name}: {len(tree(ours))} files, {len(found)} differences from {PIP}")
    failures = len(found)
    if name != "big":
        failures += imports(ours)
    shutil.rmtree(WORK / name)
    return failures


def imports(env):
    """Imports every top-level package in a process of its own."""
    site = next((env / "lib").glob("python*/site-packages"))
    failed = 0
    for item in sorted(site.iterdir()):
        if (item / "__init__.py").is_file() and item.name.isidentifier():
            done = subprocess.run([env / "bin/python", "-B", "-c", f"import {item.name}"],
                                  capture_output=True, text=True, check=False)
            if done.returncode:
                failed += 1
                print(f"  import {item.name}: {done.stderr.strip().splitlines()[-1]}")
    return failed


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    tools = ROOT / ".work" / "pip"
    if not (tools / "bin" / "python").exists():
        run(sys.executable, "-m", "venv", tools)
    run(tools / "bin" / "python", "-m", "pip", "install", "--quiet", PIP)
    failures = sum(compare(name, path, tools / "bin" / "python") for name, path in sets())
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
