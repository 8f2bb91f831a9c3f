#!/usr/bin/env python3
"""Reads lock files that their own tools wrote, and compares every entry and digest.

Each tool is installed by name from the configured index into .work/locks, in several versions, and
locks a small project; and some source packages of the index bring locks of their own. What our
readers see (the example `document`) is held against a reading of a few lines with the standard
library. A file that cannot be made here (no network, a tool that does not run on this Python) is
told and counts as nothing; a file that is there and is read differently fails.
"""

import concurrent.futures
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / ".work" / "locks"
READER = ROOT / "target" / "debug" / "examples" / "document"
UV = WORK / "uv" / "bin" / "uv"
SECONDS = 120

# A version, or "" for the newest one.
TOOLS = {
    "uv": ["0.4.30", "0.7.22", ""],
    "poetry": ["1.1.15", "1.3.2", "1.8.5", ""],
    "pdm": ["2.4.9", "2.10.4", ""],
    "pipenv": ["2022.12.19", ""],
    "pip": ["25.1", ""],
    "pip-tools": ["7.4.1", ""],
}

WANTED = ["flask>=3,<3.1", "attrs", 'colorama; sys_platform == "win32"', "requests[socks]<2.33"]

# Source packages that bring locks, and which of those are broken on purpose.
PACKAGES = {
    "polyfactory": "3.5.0",
    "starlette": "1.9.0",
    "poetry": "2.5.1",
    "pdm": "2.9.3",
    "pdm-backend": "2.5.0",
    "conda-lock": "4.0.3",
}
NAMES = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "conda-lock.yml")
BROKEN = (
    "/poetry-2.5.1/tests/fixtures/invalid_lock/",
    "/poetry-2.5.1/tests/fixtures/incompatible_lock/",
    # Files with two digests each.
    "/pdm-2.9.3/tests/fixtures/projects/demo-package/",
    # No version, and files that are not below `files`.
    "/pdm-backend-2.5.0/tests/fixtures/projects/demo-package-include/",
    "/pdm-backend-2.5.0/tests/fixtures/projects/demo-package-include-error/",
    "/pdm-backend-2.5.0/tests/fixtures/projects/demo-package-with-tests/",
)


def run(*command, cwd=None, quiet=True):
    environment = {
        **os.environ,
        "POETRY_VIRTUALENVS_IN_PROJECT": "true",
        "PDM_CHECK_UPDATE": "0",
        "PIPENV_VENV_IN_PROJECT": "1",
        "PIPENV_IGNORE_VIRTUALENVS": "1",
        "VIRTUAL_ENV": "",
    }
    environment.setdefault("SSL_CERT_FILE", environment.get("PIP_CERT", ""))
    if not environment["SSL_CERT_FILE"]:
        del environment["SSL_CERT_FILE"]
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        check=True,
        timeout=SECONDS,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
    )


def index():
    """The index that pip uses."""
    found = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
    )
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    if found.returncode == 0:
        return found.stdout.strip()
    from pip._internal.models.index import PyPI

    return PyPI.simple_url


def environment(tool, version):
    """The programs of a tool, installed."""
    home = WORK / f"{tool}-{version or 'newest'}"
    if not (home / "done").exists():
        shutil.rmtree(home, ignore_errors=True)
        run(UV, "venv", "--seed", "--python", sys.executable, home)
        wanted = f"{tool}=={version}" if version else tool
        python = home / "bin" / "python"
        # What a tool is not made for, and does not refuse by itself.
        extra = {"pip-tools": ["pip<25.1"] if version else []}.get(tool, [])
        run(UV, "pip", "install", "--python", python, "--upgrade", wanted, *extra)
        (home / "done").touch()
    return home / "bin"


def project(folder, tool, version):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    quoted = ", ".join(json.dumps(item) for item in WANTED)
    standard = (
        '[project]\nname = "made-here"\nversion = "0.1"\nrequires-python = ">=3.11"\n'
        f"dependencies = [{quoted}]\n"
    )
    files = {"requirements.in": "\n".join(WANTED) + "\n", "pyproject.toml": standard}
    if tool == "poetry":
        # Poetry's own way to the default index asks for documents that not every index has.
        rank = "default = true" if version.startswith(("1.1", "1.3")) else 'priority = "primary"'
        source = f'[[tool.poetry.source]]\nname = "the-index"\nurl = "{index()}/"\n{rank}\n'
        files["pyproject.toml"] += source
    if tool == "poetry" and version.startswith("1"):
        files["pyproject.toml"] = source + (
            '[tool.poetry]\nname = "made-here"\nversion = "0.1"\ndescription = ""\nauthors = []\n'
            '[tool.poetry.dependencies]\npython = "^3.11"\nflask = ">=3,<3.1"\nattrs = "*"\n'
            "colorama = {version = \"*\", markers = \"sys_platform == 'win32'\"}\n"
            'requests = {version = "<2.33", extras = ["socks"]}\n'
        )
    if tool == "pipenv":
        files["Pipfile"] = (
            f'[[source]]\nname = "the-index"\nurl = "{index()}"\nverify_ssl = true\n'
            '[packages]\nflask = ">=3,<3.1"\nattrs = "*"\n'
            "colorama = {version = \"*\", markers = \"sys_platform == 'win32'\"}\n"
            'requests = {version = "<2.33", extras = ["socks"]}\n'
        )
        del files["pyproject.toml"]
    for name, text in files.items():
        (folder / name).write_text(text)


def commands(tool, version, programs):
    """What writes a lock, and the files that it writes."""
    if tool == "uv":
        yield [programs / "uv", "lock"], "uv.lock"
        if version != "0.4.30":
            yield (
                [programs / "uv", "export", "--format", "requirements-txt", "-o", "requirements.txt"],
                "requirements.txt",
            )
        if not version:
            yield (
                [programs / "uv", "pip", "compile", "requirements.in", "-o", "pylock.toml"],
                "pylock.toml",
            )
    elif tool == "poetry":
        yield [programs / "poetry", "lock", "-n"], "poetry.lock"
    elif tool == "pdm":
        yield [programs / "pdm", "lock"], "pdm.lock"
    elif tool == "pipenv":
        yield [programs / "pipenv", "--python", sys.executable, "lock"], "Pipfile.lock"
    elif tool == "pip":
        yield [programs / "pip", "lock", "-r", "requirements.in"], "pylock.toml"
    elif tool == "pip-tools":
        yield (
            [programs / "pip-compile", "--generate-hashes", "requirements.in"],
            "requirements.txt",
        )


def made(pair):
    """The locks that one version of a tool writes."""
    tool, version = pair
    title = f"{tool} {version or '(newest)'}"
    found, told = [], []
    try:
        programs = environment(tool, version)
        folder = WORK / "projects" / f"{tool}-{version or 'newest'}"
        project(folder, tool, version)
        for command, name in commands(tool, version, programs):
            run(*command, cwd=folder)
            found.append(folder / name)
    except (subprocess.SubprocessError, OSError) as error:
        output = (getattr(error, "stdout", None) or str(error)).strip().splitlines()
        told.append(f"{title} wrote nothing: {output[-1] if output else error}")
    return title, found, told


def downloaded(pair):
    """The locks in a source package."""
    name, version = pair
    folder = WORK / "packages" / f"{name}-{version}"
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        page = urllib.request.Request(
            f"{index().rstrip('/')}/{name}/",
            headers={"Accept": "application/vnd.pypi.simple.v1+json"},
        )
        try:
            with urllib.request.urlopen(page, timeout=60) as answer:
                files = json.load(answer)["files"]
            wanted = f"{name.replace('-', '_')}-{version}.tar.gz"
            url = next(f["url"] for f in files if f["filename"].replace("-", "_") == wanted.replace("-", "_"))
            with urllib.request.urlopen(url, timeout=60) as answer:
                archive = tarfile.open(fileobj=io.BytesIO(answer.read(32 << 20)))
        except (OSError, ValueError, StopIteration, tarfile.TarError) as error:
            return name, [], [f"{name} {version} could not be had: {error}"]
        for member in archive:
            path = pathlib.PurePosixPath(member.name)
            if member.isfile() and path.name in NAMES and ".." not in path.parts:
                target = folder / pathlib.Path(*path.parts[1:])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extractfile(member).read())
        (folder / "done").touch()
    found = [path for lock in NAMES for path in sorted(folder.rglob(lock))]
    return f"source package of {name}", found, []


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def number(version):
    """Versions are equal when their release and what follows are."""
    text = str(version).lower().lstrip("v")
    head, rest = re.match(r"([0-9.]*)(.*)", text).groups()
    parts = head.strip(".").split(".")
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return ".".join(parts) + rest


def expected(path):
    """(name, version, digests) of each entry, by the standard library."""
    text = path.read_text("utf-8")
    if path.name == "requirements.txt":
        for line in re.sub(r"(?m)^\s*#.*$", "", text).replace("\\\n", " ").splitlines():
            found = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", line.strip())
            if found:
                yield normal(found[1]), number(found[2]), re.findall(r"--hash=(\S+)", line)
        return
    if path.name == "Pipfile.lock":
        lock = json.loads(text)
        for section, entries in lock.items():
            if section != "_meta":
                for name, entry in entries.items():
                    version = entry.get("version", "")
                    yield normal(name), number(version[2:]) if version else None, entry.get("hashes", [])
        return
    if path.name == "conda-lock.yml":
        # The form that conda-lock writes: a list whose items begin with `- name:`.
        for item in re.split(r"(?m)^\s*- (?=name: )", text)[1:]:
            field = lambda key: re.search(rf"(?m)^\s*{key}: ['\"]?([^'\"\n]*)", "  " + item)
            if field("manager")[1] == "pip":
                digests = [f"sha256:{d}" for d in re.findall(r"(?m)^\s+sha256: (\S+)", item)]
                yield normal(field("name")[1]), number(field("version")[1]), digests
        return
    lock = tomllib.loads(text)
    metadata = lock.get("metadata", {})
    for entry in lock.get("package", lock.get("packages", [])):
        name, version = normal(entry["name"]), entry.get("version")
        if path.name == "uv.lock":
            files = entry.get("wheels", []) + ([entry["sdist"]] if "sdist" in entry else [])
        elif path.name == "pylock.toml":
            files = entry.get("wheels", [])
            files += [entry[key] for key in ("sdist", "archive") if key in entry]
        else:
            tables = {normal(key): files for key, files in metadata.get("files", {}).items()}
            files = entry.get("files")
            if files is None:
                keys = (name, normal(f"{name} {version}"))
                files = next((tables[key] for key in keys if key in tables), [])
        digests = []
        for file in files:
            if "hashes" in file:
                digests += [f"{algorithm}:{value}" for algorithm, value in file["hashes"].items()]
            elif "hash" in file:
                digests.append(file["hash"])
        yield name, number(version) if version else None, digests


def compare(path):
    answer = subprocess.run([READER, path], capture_output=True, text=True)
    found = json.loads(answer.stdout)
    if any(part in str(path) for part in BROKEN):
        return None if "errors" in found else "is broken on purpose and was read"
    if "errors" in found:
        return "was refused: " + "; ".join(found["errors"][:3])
    theirs = sorted((n, v or "", sorted(d)) for n, v, d in expected(path))
    ours = sorted(
        (
            entry["name"],
            number(entry["version"]) if entry["version"] else "",
            sorted(digest for file in entry["files"] for digest in file["digests"]),
        )
        for entry in found["packages"]
    )
    if ours != theirs:
        differs = [pair for pair in zip(ours, theirs) if pair[0] != pair[1]][:1]
        return f"{len(ours)} entries, expected {len(theirs)}; first difference: {differs}"
    digests = sum(len(entry[2]) for entry in ours)
    print(f"   {path.name}: {len(ours)} entries, {digests} digests, {len(found['notes'])} notes")
    return None


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    run("cargo", "build", "--quiet", "-p", "countermark-packaging", "--example", "document", cwd=ROOT)
    if not UV.exists():
        run(sys.executable, "-m", "venv", WORK / "uv")
        run(WORK / "uv" / "bin" / "pip", "install", "--quiet", "uv")
    pairs = [(tool, version) for tool, versions in TOOLS.items() for version in versions]
    failed = read = 0
    told = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = [pool.submit(downloaded, pair) for pair in PACKAGES.items()]
        results += [pool.submit(made, pair) for pair in pairs]
        for result in results:
            title, paths, more = result.result()
            told += more
            if paths:
                print(f"-- {title}")
            for path in paths:
                wrong = compare(path)
                read += wrong is None
                if wrong:
                    failed += 1
                    print(f"   {path.relative_to(WORK)} {wrong}")
    for line in told:
        print("!!", line)
    print(f"{read} locks were read as they are, {failed} were not, {len(told)} could not be made")
    if failed or not read:
        sys.exit(1)


main()
