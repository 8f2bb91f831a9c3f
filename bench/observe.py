#!/usr/bin/env python3
"""How often pins of real locks disagree, why, and whether planted changes are found.

    bench/observe.py [--binary target/release/countermark] [--work .work/observe] [--crawl]

Reads locks that source packages of the configured index bring (named below, downloaded once), and those
that their own tools wrote on the spot (`.ci/locks.py` leaves them in .work/locks). Each package is a
project of its own. Prints the count of each class; there must be no alarm. Then one digest is changed
in a copy of each lock that has a digest somebody could change, in one more that lies below `tests/`
and below `tests/fixtures/`, in locks that lie below tests already, and in the middle of the history of a
git repository, and each of these changes must be found as an alarm that names it, and nothing else. Every
format that was read has one. With `--crawl` the same folders run through `observe crawl` with a database, which
must raise the same alarms, and its report must have the same findings.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import io
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Source packages that bring locks of their own.
PACKAGES = {
    "advanced-alchemy": "1.9.3",
    "anthropic": "2.9.0",
    "attrs": "26.1.0",
    "cattrs": "26.2.1",
    "click": "8.5.1",
    "conda-lock": "4.0.3",
    "copier": "9.9.1",
    "flask": "3.1.3",
    "langchain-anthropic": "1.7.9",
    "langchain-core": "1.8.2",
    "langchain-openai": "1.7.4",
    "langchain-text-splitters": "1.1.3",
    "langgraph": "1.2.9",
    "mcp": "2.3.0",
    "mercurial": "7.2rc1",
    "openai": "3.9.0",
    "pdm": "2.9.3",
    "pdm-backend": "2.5.0",
    "poetry": "2.5.1",
    "polyfactory": "3.5.0",
    "pydantic-settings": "2.9.1",
    "starlette": "1.9.0",
    "svcs": "26.2.0",
    "werkzeug": "3.1.9",
}
NAMES = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "conda-lock.yml")
LONGEST = 4 << 20
LEAST_LOCKS = 50
LEAST_PACKAGES = 12


def index():
    """The index that pip uses."""
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode == 0:
        return found.stdout.strip()
    from pip._internal.models.index import PyPI

    return PyPI.simple_url


def page(name):
    url = f"{index().rstrip('/')}/{name}/"
    headers = {"Accept": "application/vnd.pypi.simple.v1+json"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return json.load(answer)


def download(packages, name, version):
    """The locks in a source package, in a folder of their own; an error as a text."""
    folder = packages / f"{name}-{version}"
    if (folder / "done").exists():
        return None
    wanted = f"{name}-{version}.tar.gz".replace("-", "_")
    try:
        files = page(name)["files"]
        file = next(f for f in files if f["filename"].replace("-", "_") == wanted)
        with urllib.request.urlopen(file["url"], timeout=60) as answer:
            archive = tarfile.open(fileobj=io.BytesIO(answer.read(64 << 20)))
    except (OSError, ValueError, StopIteration, tarfile.TarError) as error:
        return f"{name} {version} could not be had: {error!r}"
    shutil.rmtree(folder, ignore_errors=True)
    for member in archive:
        path = pathlib.PurePosixPath(member.name)
        if not member.isfile() or member.size > LONGEST * 8 or ".." in path.parts:
            continue
        is_text = path.suffix in (".txt", ".in") and member.size < LONGEST
        if path.name not in NAMES and not is_text:
            continue
        content = archive.extractfile(member).read()
        if is_text and b"--hash=" not in content:
            continue
        target = folder / pathlib.Path(*path.parts[1:])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "done").touch()
    return None


def corpus(work):
    """Folders of projects with locks: of source packages, and made on the spot."""
    packages = work / "packages"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        told = pool.map(lambda pair: download(packages, *pair), PACKAGES.items())
        for line in filter(None, told):
            print("!!", line)
    made = work / "made"
    shutil.rmtree(made, ignore_errors=True)
    projects = ROOT / ".work" / "locks" / "projects"
    for name in (*NAMES, "requirements.txt"):
        for path in sorted(projects.glob(f"*/{name}")):
            target = made / path.parent.name / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    of_packages = sorted(path for path in packages.iterdir() if has_locks(path))
    return of_packages, sorted(made.iterdir()) if made.exists() else []


def conda(work, statements):
    """A project with a lock as conda-lock writes it: no source package brings one with a pip part."""
    entries, projects = [], set()
    for statement in statements:
        wheels = [(name, digest) for name, digest in statement["files"] if name and name.endswith("-none-any.whl")]
        if statement["format"] != "uv" or below_tests(statement["path"]) or not wheels or statement["project"] in projects:
            continue
        projects.add(statement["project"])
        name, digest = wheels[0]
        entries.append(
            f"- name: {statement['project']}\n  version: '{statement['version']}'\n  manager: pip\n"
            f"  platform: linux-64\n  dependencies: {{}}\n  url: https://files.example.org/packages/{name}\n"
            f"  hash:\n    sha256: {digest.split(':')[1]}\n  category: main\n  optional: false\n"
        )
    folder = work / "made" / "conda"
    folder.mkdir(parents=True, exist_ok=True)
    head = "version: 1\nmetadata:\n  platforms: [linux-64]\n  channels: []\npackage:\n"
    (folder / "conda-lock.yml").write_text(head + "".join(entries), "utf-8")
    return folder


def has_locks(folder):
    return any(path.is_file() and path.name != "done" for path in folder.rglob("*"))


def observe(binary, work, folders, output):
    environment = {**os.environ, "COUNTERMARK_STATE_DIR": str(work / "state")}
    command = [binary, "observe", "--once", "--quiet", "--fail-on", "never", "--output", output]
    started = time.monotonic()
    done = subprocess.run([*map(str, command), *map(str, folders)], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"observe ended with {done.returncode}: {done.stderr}")
    report = json.loads((output / "report.json").read_text("utf-8"))
    lines = (output / "observations.jsonl").read_text("utf-8").splitlines()[1:]
    return report, [json.loads(line) for line in lines], time.monotonic() - started


def counts(report):
    for entry in report["classes"]:
        print(f"   {entry['class']:<16} {entry['number']:>6} {entry['percent']:>6} %")


def below_tests(path):
    return any(part.startswith(("test", "fixture")) for part in pathlib.PurePosixPath(path).parts[:-1])


def victims(statements, report):
    """One digest of each lock that others could know, of as many releases as there are locks."""
    chosen, taken = [], set()
    made_up = {
        (pin["repository"], pin["path"])
        for finding in report["findings"]
        if finding["class"] == "fixture"
        for side in finding["sides"]
        for pin in side["pins"]
    }
    plain = [it for it in statements if not below_tests(it["path"])]
    elsewhere = {(it["project"], it["version"], digest) for it in plain for _, digest in it["files"]}
    by_lock = collections.defaultdict(list)
    for statement in statements:
        by_lock[statement["repository"], statement["path"]].append(statement)
    for lock, entries in sorted(by_lock.items()):
        # What is made up for a test has no truth to change; what others say as well is true.
        is_below_tests = below_tests(lock[1])
        if is_below_tests and lock in made_up:
            continue
        for entry in sorted(entries, key=lambda it: hashlib.sha256(it["project"].encode()).digest()):
            release = entry["project"], entry["version"]
            digests = [digest for _, digest in entry["files"] if digest.startswith("sha256:")]
            names = {name for name, _ in entry["files"]}
            # Without names and with one digest nothing but the index can tell; that is told apart.
            is_found = None not in names or len(digests) > 1
            if release in taken or not digests or not is_found or entry["origin"] == "local":
                continue
            if len(names) == 1 and len(digests) > 1 and None not in names:
                continue
            if is_below_tests:
                digests = [digest for digest in digests if (*release, digest) in elsewhere]
                if not digests:
                    continue
            taken.add(release)
            chosen.append((*lock, entry["format"], digests[0].split(":")[1], is_below_tests))
            break
    return chosen


def git(folder, *arguments):
    settings = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True)


def plant(work, folders, chosen):
    """Copies with one changed digest each: (folder, digest, format, where) of each."""
    by_name = {folder.name: folder for folder in folders}
    planted = work / "planted"
    shutil.rmtree(planted, ignore_errors=True)
    found = []
    for number, (repository, path, form, old, is_below_tests) in enumerate(chosen):
        new = hashlib.sha256(f"planted {number}".encode()).hexdigest()
        text = (by_name[repository] / path).read_text("utf-8")
        target = planted / f"victim-{number}" / pathlib.PurePosixPath(path).name
        where = "plain"
        # Those of tests are below tests, where somebody could hope that nobody looks.
        if is_below_tests:
            where = "tests already"
            target = planted / f"victim-{number}" / pathlib.PurePosixPath(path)
        elif number % 5 == 3:
            where = "tests/"
            target = target.parent / "tests" / target.name
        elif number % 5 == 4:
            where = "tests/fixtures/"
            target = target.parent / "tests" / "fixtures" / target.name
        elif number % 5 == 2:
            where = "history"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        if where == "history":
            git(target.parent, "init", "--quiet", ".")
            git(target.parent, "add", ".")
            git(target.parent, "commit", "--quiet", "-m", "lock")
        target.write_text(text.replace(old, new), "utf-8")
        if where == "history":
            git(target.parent, "commit", "--quiet", "-a", "-m", "change")
            target.write_text(text, "utf-8")
            git(target.parent, "commit", "--quiet", "-a", "-m", "change back")
        assert new in text.replace(old, new), path
        found.append((planted / f"victim-{number}", f"sha256:{new}", form, where))
    return found


def crawl(binary, work, folders, planted, findings):
    """What is wrong with what a crawl with a database finds in the same folders."""
    home = work / "crawl"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    database = home / "observatory.sqlite"
    listed = ", ".join(json.dumps(str(folder)) for folder in folders)
    config = f'[observe]\ndatabase = "{database}"\ncache = "{home / "cache"}"\nfolders = [{listed}]\n'
    (home / "observe.toml").write_text(config, "utf-8")
    environment = {**os.environ, "COUNTERMARK_STATE_DIR": str(home / "state")}
    started = time.monotonic()
    command = [binary, "observe", "crawl", "--once", "--quiet", home / "observe.toml"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - started
    if done.returncode != 1:
        return [f"crawl ended with {done.returncode}: {done.stderr[-500:]}"]
    with sqlite3.connect(database) as connection:
        alarms = [name for (name,) in connection.execute("SELECT name FROM observe_alarms")]
    print(f"{len(alarms)} alarms of `observe crawl`, {seconds:.1f} s")
    new = {digest for _, digest, _, _ in planted}
    wrong = [f"crawl: {digest} raised no alarm" for digest in sorted(new) if not any(digest in it for it in alarms)]
    wrong += [f"crawl: an alarm about what nobody changed: {it}" for it in alarms if not any(digest in it for digest in new)]
    command = [binary, "observe", "report", "--database", database, "--format", "json", "--fail-on", "never"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        return [*wrong, f"observe report ended with {done.returncode}: {done.stderr[-500:]}"]
    ours, theirs = (
        collections.Counter((it["class"], it["project"], it["version"], it["file"]) for it in some)
        for some in (findings, json.loads(done.stdout)["findings"])
    )
    wrong += [f"only without a database: {it}" for it in list(ours - theirs)[:5]]
    wrong += [f"only with a database: {it}" for it in list(theirs - ours)[:5]]
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / ".work" / "observe")
    parser.add_argument("--crawl", action="store_true", help="the same with a database")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    builds = [ROOT / "target" / kind / "countermark" for kind in ("release", "debug")]
    binary = arguments.binary or next((path for path in builds if path.exists()), builds[0])
    packages, made = corpus(work)
    folders = packages + made
    _, statements, _ = observe(binary.resolve(), work, packages, work / "output")
    made.append(conda(work, statements))
    folders = packages + made
    report, statements, seconds = observe(binary.resolve(), work, folders, work / "output")
    read = report["read"]
    print(f"{len(packages)} source packages with locks, {len(made)} projects locked on the spot")
    print(
        f"{read['locks']} locks, {read['pins']} pins, {read['files']} file names of which"
        f" {read['shared']} are in two locks or more; {report['unread_count']} could not be read;"
        f" {seconds:.1f} s"
    )
    counts(report)
    wrong = []
    if report["alarms"]:
        wrong.append(f"{report['alarms']} false alarms")
        for finding in report["findings"][: report["alarms"]]:
            print("   ", finding["project"], finding["version"], finding["file"], finding["evidence"])
    if read["locks"] < LEAST_LOCKS or len(packages) < LEAST_PACKAGES:
        wrong.append(f"fewer than {LEAST_LOCKS} locks or {LEAST_PACKAGES} source packages")
    planted = plant(work, folders, victims(statements, report))
    unplanted = {it["format"] for it in statements} - {form for _, _, form, _ in planted}
    wrong += [f"no change was planted in a lock of the format {form}" for form in sorted(unplanted)]
    report, _, seconds = observe(binary.resolve(), work, folders + [it[0] for it in planted], work / "planted-output")
    alarms = [finding for finding in report["findings"] if finding["class"] == "two-digests"]
    held = [{digest for side in it["sides"] for digest in side["digests"]} for it in alarms]
    new = {digest for _, digest, _, _ in planted}
    tally = collections.Counter()
    for folder, digest, form, where in planted:
        is_found = any(digest in digests for digests in held)
        tally[form, is_found] += 1
        tally[where, is_found] += 1
        if not is_found:
            wrong.append(f"the change in {folder.name} ({form}, {where}) was not found")
    others = [it for it, digests in zip(alarms, held) if not digests & new]
    if others:
        wrong.append(f"{len(others)} alarms about what nobody changed")
        print(json.dumps(others[:3], indent=1))
    print(f"{len(planted)} changes planted, {len(alarms)} alarms, {seconds:.1f} s; found:")
    for key in dict.fromkeys(key for key, _ in tally):
        found = tally[key, True]
        print(f"   {key:<16} {found:>3} of {found + tally[key, False]}")
    if arguments.crawl:
        everything = folders + [it[0] for it in planted]
        wrong += crawl(binary.resolve(), work, everything, planted, report["findings"])
    for line in wrong:
        print("!!", line)
    sys.exit(1 if wrong else 0)


main()
