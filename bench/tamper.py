#!/usr/bin/env python3
"""Changes what was checked, in the store and in environments, and prints what installers make of it.

    bench/tamper.py --uv PATH [--countermark PATH] [--verbose] [--write]

Each case runs in a folder of its own: an empty home and cache, an index on loopback with one wheel,
and a requirements file with its digest. The wheel is installed once, something is changed, and then
it is installed again, into the same environment or a new one, as the case says; where a tool has a
command that checks an environment, that is run as well. `--write` puts the table into docs/tamper.md.
Needs Python 3.9 and the standard library.
"""

import argparse
import base64
import functools
import hashlib
import http.server
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "tamper.md"
MARKS = ("<!-- tamper: begin -->", "<!-- tamper: end -->")

#: Of the same length.
GOOD, EVIL = "WHO = 'honest'\n", "WHO = 'robber'\n"
WHEEL = "teapot-1.0-py3-none-any.whl"
MODULE, STRAY = "teapot/__init__.py", "stray.pth"


def wheel(path):
    """Writes the wheel, and gives its digest."""
    info = "teapot-1.0.dist-info/"
    files = {
        MODULE: GOOD,
        info + "METADATA": "Metadata-Version: 2.1\nName: teapot\nVersion: 1.0\n",
        info + "WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }

    def row(name, text):
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        return f"{name},sha256={digest.decode()},{len(text)}\n"

    record = "".join(row(name, text) for name, text in files.items()) + info + "RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, info + "RECORD": record}.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o100644 << 16
            archive.writestr(member, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Index:
    """The wheel on a page, served from a folder."""

    def __init__(self, folder):
        (folder / "simple" / "teapot").mkdir(parents=True)
        self.digest = wheel(folder / "simple" / "teapot" / WHEEL)
        page = f'<!DOCTYPE html><a href="{WHEEL}#sha256={self.digest}">{WHEEL}</a>'
        (folder / "simple" / "teapot" / "index.html").write_text(page)

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/simple/"


class Place:
    """A folder with a home, a cache and environments."""

    def __init__(self, root, index, tool):
        self.root, self.index, self.tool = root, index, tool
        (root / "home").mkdir(parents=True)
        text = f"teapot==1.0 --hash=sha256:{index.digest}\n"
        (root / "requirements.txt").write_text(text)

    def run(self, arguments):
        # What a person might be asked about is shown: nothing of the machine's own settings is.
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root / "home")}
        result = subprocess.run(
            [str(argument) for argument in arguments], cwd=self.root, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        )
        if self.tool.verbose:
            print("$", *arguments, f"\n{result.stdout}{result.stderr}[exit {result.returncode}]")
        return result.returncode, result.stdout + result.stderr

    def install(self, name, *more):
        return self.tool.install(self, name, *more)

    def site(self, name):
        return next((self.root / name / "lib").glob("python*/site-packages"))

    def module(self, name):
        return self.site(name) / MODULE

    def stored(self):
        """The module as it lies in the cache."""
        found = [
            path for path in (self.root / "home" / ".cache").rglob("*")
            if path.is_file() and not path.is_symlink() and path.read_bytes() == GOOD.encode()
        ]
        (only,) = found
        return only


class Countermark:
    name = "countermark"

    def __init__(self, program, verbose):
        self.program, self.verbose = program, verbose

    def version(self):
        return subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]

    def install(self, place, name, *more):
        return place.run([self.program, "install", "-r", "requirements.txt", "--venv", name,
                          "-i", place.index.url, *more])

    def check(self, place, name):
        return place.run([self.program, "verify", "--python", name])


class Uv:
    name = "uv"

    def __init__(self, program, verbose):
        self.program, self.verbose = program, verbose

    def version(self):
        return subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]

    def install(self, place, name, *more):
        if not (place.root / name).exists():
            place.run([self.program, "venv", "--no-config", name])
        return place.run([self.program, "pip", "sync", "--no-config", "--require-hashes", "--python", name,
                          "--index-url", place.index.url, "requirements.txt", *more])

    def check(self, place, name):
        # The nearest thing: it looks at metadata.
        return place.run([self.program, "pip", "check", "--no-config", "--python", name])


def append(path):
    with path.open("a") as file:
        file.write("import os\n")


def edit_unseen(path):
    """Other bytes of the same length in the same inode, with the times put back."""
    before = path.stat()
    with path.open("r+") as file:
        file.write(EVIL)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def judge(place, name, run, evil, words):
    """What became of a change: whether it is in the environment, and whether anybody was told."""
    code, output = run
    told = any(word in output for word in words)
    is_there = evil(place, name) if (place.root / name).exists() else False
    checked, report = place.tool.check(place, name) if is_there else (0, "")
    found = checked != 0 and any(word in report for word in words)
    if code != 0:
        return "**refused**, and says what was changed" if told else "refused, without the reason"
    if not is_there:
        return "**not installed**, and told" if told else "not installed, not told"
    if told:
        return "there, and told"
    if found:
        return "there without a word; `verify` finds it"
    return "there, without a word"


def altered(place, name):
    return place.module(name).read_text() != GOOD


def strayed(place, name):
    return (place.site(name) / STRAY).exists()


WORDS = ("was changed", "was altered", "environment-changed", "store-altered", MODULE)


def stored_append(place):
    append(place.stored())
    return judge(place, "b", place.install("b"), altered, WORDS)


def stored_unseen(place):
    edit_unseen(place.stored())
    return judge(place, "b", place.install("b"), altered, WORDS)


def stored_unseen_full(place):
    if place.tool.name != "countermark":
        return "–"
    edit_unseen(place.stored())
    return judge(place, "b", place.install("b", "--check", "full"), altered, WORDS)


def stored_stray(place):
    stored = place.stored()
    # Beside the package in uv's cache, beside the numbered files in ours.
    folder = stored.parent if place.tool.name == "countermark" else stored.parent.parent
    (folder / STRAY).write_text("import os\n")
    return judge(place, "b", place.install("b"), strayed, (STRAY,))


def environment_stray(place):
    (place.site("a") / STRAY).write_text("import os\n")
    return judge(place, "a", place.install("a"), strayed, (STRAY,))


def shared_edit(place):
    place.install("b")
    append(place.module("a"))
    if not altered(place, "b"):
        return "isolated: the other one has its own file"
    return judge(place, "b", place.install("b"), altered, WORDS)


def edited_again(place):
    place.install("a", "--link-mode", "copy", "--reinstall")
    append(place.module("a"))
    return judge(place, "a", place.install("a"), altered, WORDS)


def poisoned(place):
    """The cache comes from elsewhere with other bytes of the same sizes; the machine is new."""
    path = place.stored()
    path.unlink()
    path.write_text(EVIL)
    shutil.rmtree(place.root / "home" / ".local", ignore_errors=True)
    return judge(place, "b", place.install("b"), altered, WORDS)


CASES = [
    ("code appended to a stored file, then a new environment", stored_append),
    ("a stored file edited in place, size and time restored", stored_unseen),
    ("the same with `--check full`, the default under CI", stored_unseen_full),
    ("a stray `.pth` in the store, then a new environment", stored_stray),
    ("a stray `.pth` in an environment, installed again", environment_stray),
    ("an edit in one environment, another installed again", shared_edit),
    ("an environment edited and installed again", edited_again),
    ("a restored cache with other bytes of the same sizes", poisoned),
]


def table(tools):
    rows = [["", *(f"{tool.name} {tool.version()}" for tool in tools)]]
    for title, case in CASES:
        row = [title]
        for tool in tools:
            with tempfile.TemporaryDirectory(prefix="tamper-") as folder:
                root = pathlib.Path(folder)
                index = Index(root / "index")
                place = Place(root / "work", index, tool)
                if tool.verbose:
                    print(f"== {title}: {tool.name}")
                code, output = place.install("a")
                if code != 0:
                    sys.exit(f"{tool.name} does not install at all:\n{output}")
                row.append(case(place))
                index.server.shutdown()
        rows.append(row)
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    built = [ROOT / "target" / kind / "countermark" for kind in ("release", "debug")]
    found = next((path for path in built if path.exists()), shutil.which("countermark"))
    parser.add_argument("--countermark", default=found, metavar="PATH")
    parser.add_argument("--uv", default=shutil.which("uv"), metavar="PATH")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if not arguments.countermark:
        parser.error("build countermark first, or give --countermark")
    program = os.path.abspath
    tools = [Countermark(program(arguments.countermark), arguments.verbose)]
    if arguments.uv:
        tools.append(Uv(program(arguments.uv), arguments.verbose))
    text = table(tools)
    print(text)
    if arguments.write:
        begin, end = MARKS
        page = DOCUMENT.read_text()
        system = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
        between = f"{begin}\n{text}\n\nMeasured with {system}.\n{end}"
        page = re.sub(re.escape(begin) + ".*" + re.escape(end), lambda _: between, page, flags=re.S)
        DOCUMENT.write_text(page)


if __name__ == "__main__":
    main()
