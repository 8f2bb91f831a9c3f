#!/usr/bin/env python3
"""How often does the recommended policy refuse an honest update?

    bench/honest_updates.py LOCK... [--updates 120] [--index-url URL] [--keep FOLDER]

Takes the names of some locks, and of each project pairs of consecutive earlier releases from the
configured index (pip's, unless one is given), by exact name. Every file is downloaded once, held against
the digest that the index claims, and looked into with the library's own reader; nothing is run. Printed
are the share of updates that the recommended policy refuses apart from age, and what each refusal was;
age apart, because it delays every update and refuses none in the end; and how many of the names would be
taken for a look-alike at first use.
"""

import argparse
import collections
import datetime
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target" / "debug" / "examples" / "honest_updates"
VERSION = re.compile(r"\d+(\.\d+)*(\.?post\d+)?")
LINUX = re.compile(r"manylinux\w*x86_64|linux_x86_64")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("locks", nargs="+", type=pathlib.Path)
    parser.add_argument("--updates", type=int, default=120, help="how many, at least, if there are")
    parser.add_argument("--each", type=int, default=3, help="of one project, at most")
    parser.add_argument("--index-url")
    parser.add_argument("--python", default="cp311", help="which wheels of compiled projects")
    parser.add_argument("--largest", type=float, default=12, help="of one file, in MB")
    parser.add_argument("--keep", type=pathlib.Path, help="where downloads stay")
    arguments = parser.parse_args()
    subprocess.run(["cargo", "build", "-q", "-p", "countermark-client", "--example",
                    "honest_updates"], cwd=ROOT, check=True)
    index = (arguments.index_url or default_index()).rstrip("/")
    names = sorted({name for lock in arguments.locks for name in names_of(lock)})
    with tempfile.TemporaryDirectory(prefix="honest-updates-") as work:
        folder = arguments.keep or pathlib.Path(work)
        folder.mkdir(parents=True, exist_ok=True)
        updates = collect(index, names, folder, arguments)
        report(updates, first_uses(names, updates))


def default_index():
    """The index that pip would ask."""
    configured = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"],
                                capture_output=True, text=True)
    if configured.returncode == 0 and configured.stdout.strip():
        return configured.stdout.strip()
    code = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
    return subprocess.check_output([sys.executable, "-c", code], text=True).strip()


def names_of(lock):
    for line in lock.read_text().splitlines():
        found = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[^]]*\])?==", line)
        if found:
            yield re.sub(r"[-_.]+", "-", found[1]).lower()


def page(index, name):
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    request = urllib.request.Request(f"{index}/{name}/", headers=accept)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer), answer.url


def releases(listing, name, python):
    """Final releases with the one file that would be used, newest first."""
    found = {}
    for file in listing["files"]:
        if file.get("yanked") or not file.get("upload-time"):
            continue
        stem = file["filename"]
        if stem.endswith(".whl"):
            parts = stem[:-4].split("-")
            version, tags = parts[1], parts[-3:]
            rank = wheel_rank(tags, python)
        elif stem.endswith(".tar.gz"):
            version, rank = stem[:-7].rsplit("-", 1)[-1], 9
        else:
            continue
        if rank is None or not VERSION.fullmatch(version):
            continue
        if version not in found or rank < found[version][0]:
            found[version] = (rank, file)
    key = lambda item: [int(part) for part in re.findall(r"\d+", item[0])]
    return [(version, *best) for version, best in sorted(found.items(), key=key, reverse=True)]


def wheel_rank(tags, python):
    interpreter, abi, platform = tags
    if platform == "any" and "py3" in interpreter:
        return 1
    if not LINUX.search(platform):
        return None
    if interpreter == python and abi == python:
        return 2
    if abi == "abi3" and number(interpreter) <= number(python):
        return 3
    return 4 if interpreter.startswith("py") and "py3" in interpreter else None


def number(interpreter):
    """`cp39.cp310` is (3, 9)."""
    found = re.match(r"cp(\d)(\d*)", interpreter)
    return (int(found[1]), int(found[2] or 0)) if found else (99, 0)


def collect(index, names, folder, arguments):
    updates = []
    limit = arguments.largest * 1e6
    # In rounds, so that every project has its newest update before any has its second.
    pairs = {}
    for name in names:
        try:
            listing, base = page(index, name)
        except OSError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        listed = releases(listing, name, arguments.python)
        small = lambda one: (one[2].get("size") or 0) <= limit
        # From a wheel, as the policy wants it; to whatever the next release has.
        pairs[name] = [(old, new, base) for new, old in zip(listed, listed[1:])
                       if small(old) and small(new) and old[1] < 9][:arguments.each]
    for turn in range(arguments.each):
        for name in names:
            if len(updates) >= arguments.updates and turn > 0 or turn >= len(pairs.get(name, ())):
                continue
            old, new, base = pairs[name][turn]
            paths = [download(folder, base, one[2]) for one in (old, new)]
            if None in paths:
                continue
            updates.append((name, old[0], new[0], *paths, new[2]["upload-time"],
                            [answer for answer in judge(name, new[0], *paths, new[2]["upload-time"])]))
    return updates


def download(folder, base, file):
    path = folder / file["filename"]
    expected = file["hashes"].get("sha256")
    if not path.exists():
        url = urllib.parse.urljoin(base, file["url"])
        try:
            with urllib.request.urlopen(url, timeout=120) as answer:
                path.write_bytes(answer.read())
        except OSError as error:
            print(f"{file['filename']}: {error}", file=sys.stderr)
            return None
    if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        print(f"{file['filename']}: the bytes are not those that the index claims", file=sys.stderr)
        path.unlink()
        return None
    return path


def judge(name, version, before, after, uploaded):
    """The answers of the policy, at the moment of the upload."""
    line = "\t".join([name, version, str(before), str(after), uploaded, uploaded])
    run = subprocess.run([PROGRAM], input=line + "\n", capture_output=True, text=True, check=True)
    lines = (line.split("\t", 2) for line in run.stdout.splitlines())
    return [answer for answer in lines if answer[0] != "end"]


def first_uses(names, updates):
    long_ago = "2020-01-01T00:00:00Z"
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = []
    for name in names:
        line = "\t".join([name, "1", "-", "x.whl", long_ago, now])
        run = subprocess.run([PROGRAM], input=line + "\n", capture_output=True, text=True, check=True)
        found += [line.split("\t", 2)[2] for line in run.stdout.splitlines()
                  if line.startswith("rejected\tlook-alikes")]
    return found


def report(updates, alike):
    refused = collections.defaultdict(list)
    undecided, errors, count = [], [], 0
    for name, old, new, _, _, _, answers in updates:
        apart = [answer for answer in answers if answer[1] != "minimum-age"]
        count += any(answer[0] == "rejected" for answer in apart)
        for verdict, rule, message in apart:
            if verdict == "rejected":
                refused[rule].append(message)
            elif verdict == "undecided":
                undecided.append(message)
            else:
                errors.append(f"{name} {old} to {new}: {message}")
    projects = len({update[0] for update in updates})
    total = max(len(updates), 1)
    print(f"{len(updates)} honest updates of {projects} projects")
    print(f"refused apart from age: {count} ({100 * count / total:.1f} %)")
    for rule, messages in sorted(refused.items()):
        print(f"  {rule}: {len(messages)}")
        for message in messages:
            print(f"    {message}")
    print(f"undecided: {len(undecided)}")
    for message in undecided:
        print(f"    {message}")
    print(f"not readable: {len(errors)}")
    for message in errors:
        print(f"    {message}")
    young = sum(any(answer[1] == "minimum-age" for answer in update[-1]) for update in updates)
    print(f"age: on the day of the upload {young} of {len(updates)} are refused, a week later none")
    print(f"look-alikes at first use, of the names of the locks: {len(alike)}")
    for message in alike:
        print(f"    {message}")


if __name__ == "__main__":
    main()
