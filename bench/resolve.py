#!/usr/bin/env python3
"""Resolves inputs of different kinds with countermark and with uv, and compares version by version.

    bench/resolve.py --countermark PATH --uv PATH [--only NAME] [--cut-off 2026-09-01T00:00:00Z]

Both get the same input, the same interpreter, the same index and the same cut-off date, and neither
may build a source package. Both must find a solution with the same versions, or both must find that
there is none. A difference is shown line by line; the run fails unless `EXPLAINED` says why. What
both gave is kept in the working folder.

`bench/inputs/*.in` are the inputs, one kind each; their first lines may be options for both tools:

    # options: --prerelease allow
    # python: 3.12
    # platform: linux
    # private: kettle==1.0, teapot==2.0      wheels that only a second, local index has; a line each
    # constraint: numpy<2, pandas<2.2        what -c, --override and --exclude get
    # override: urllib3==1.26.20
    # exclude: blinker

`{url:PROJECT:FILE}` stands for the address that the index has for a file.
"""

import argparse
import base64
import functools
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request
import zipfile

from lock_parts import JSON, configured_index

ROOT = pathlib.Path(__file__).resolve().parent
INPUTS = ROOT / "inputs"

#: Why an input may differ: (input, project) and the sentence that is printed.
EXPLAINED = {}


def options(text):
    """What the comments at the head of an input say."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"#\s*(options|python|platform|private|constraint|override|exclude):\s*(.*)", line)
        if not match:
            break
        found.setdefault(match[1], []).append(match[2].strip())
    return found


def address(project, filename):
    """Where the index has a file."""
    page = f"{configured_index()}{project}/"
    request = urllib.request.Request(page, headers={"Accept": JSON})
    with urllib.request.urlopen(request, timeout=60) as answer:
        files = json.load(answer)["files"]
    return next(urllib.parse.urljoin(page, file["url"]) for file in files if file["filename"] == filename)


def pins(text):
    """Project to version, or to the URL, of a requirements file."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(?:===?|@)\s*([^\s;\\]+)", line)
        if match:
            found.setdefault(re.sub(r"[-_.]+", "-", match[1]).lower(), []).append(match[2])
    return {name: sorted(versions) for name, versions in found.items()}


def wheel(folder, project, version):
    """A wheel of a module and nothing else, with a fixed date in it."""
    info = f"{project}-{version}.dist-info"
    files = {
        f"{project}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{name},sha256={digest.decode()},{len(text)}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    page = folder / "simple" / project
    page.mkdir(parents=True, exist_ok=True)
    path = page / f"{project}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    return path


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def private_index(wishes, folder):
    """Serves the wheels as an index that only this machine sees; JSON with upload times, so that a
    cut-off date can be told."""
    pages = {}
    for wish in wishes.split(","):
        project, version = wish.strip().split("==")
        path = wheel(folder, project, version)
        data = path.read_bytes()
        pages.setdefault(project, []).append({
            "filename": path.name,
            "url": path.name,
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
            "size": len(data),
            "upload-time": "2020-01-01T00:00:00Z",
        })

    class Pages(Quiet):
        def do_GET(self):
            parts = [part for part in self.path.split("/") if part]
            if len(parts) == 2 and parts[1] in pages:
                body = json.dumps({
                    "meta": {"api-version": "1.1"}, "name": parts[1], "files": pages[parts[1]],
                    "versions": [file["filename"].split("-")[1] for file in pages[parts[1]]],
                }).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            else:
                super().do_GET()

    handler = functools.partial(Pages, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}/simple/"


PLATFORMS = {
    "linux": "x86_64-manylinux_2_28", "linux-arm64": "aarch64-manylinux_2_28",
    "musl": "x86_64-unknown-linux-musl", "macos": "aarch64-apple-darwin",
    "macos-intel": "x86_64-apple-darwin", "windows": "windows",
}


def commands(tools, source, said, cut_off, extra, folder):
    """The two command lines."""
    given = " ".join(said.get("options", [])).split()
    for option in ("constraint", "override"):
        if said.get(option):
            (folder / f"{option}s.txt").write_text("\n".join(", ".join(said[option]).split(", ")) + "\n")
            given += [f"--{option}", f"{option}s.txt"]
    ours = [tools.countermark, "lock", source, "-o", "-", "--format", "requirements",
            "--no-annotate", "--exclude-newer", cut_off, *given]
    theirs = [tools.uv, "pip", "compile", source, "--no-header", "--no-annotate", "--only-binary",
              ":all:", "--exclude-newer", cut_off, "--quiet", *given]
    for names in said.get("exclude", []):
        (folder / "excludes.txt").write_text("\n".join(names.split(", ")) + "\n")
        ours += [part for name in names.split(", ") for part in ("--exclude", name)]
        theirs += ["--excludes", "excludes.txt"]
    for python in said.get("python", []):
        ours += ["--python-version", python]
        theirs += ["--python-version", python]
    for platform in said.get("platform", []):
        ours += ["--platform", platform]
        theirs += ["--python-platform", PLATFORMS[platform]]
    for url in extra:
        ours += ["--extra-index-url", url]
        theirs += ["--extra-index-url", url]
    return ours, theirs


def run(command, folder, home):
    environment = {**os.environ, "NO_COLOR": "1", "HOME": str(home),
                   "UV_DEFAULT_INDEX": configured_index()}
    environment.pop("VIRTUAL_ENV", None)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def compare(name, tools, cut_off, work, home):
    """Whether both agree, and what is to be said."""
    text = (INPUTS / f"{name}.in").read_text()
    said = options(text)
    folder = work / name
    folder.mkdir(parents=True)
    text = re.sub(r"\{url:([^:}]+):([^}]+)\}", lambda found: address(found[1], found[2]), text)
    (folder / "requirements.in").write_text(text)
    servers = [private_index(wishes, folder / f"index{number}")
               for number, wishes in enumerate(said.get("private", []))]
    extra = [url for _, url in servers]
    try:
        ours, theirs = (
            run(command, folder, home)
            for command in commands(tools, "requirements.in", said, cut_off, extra, folder)
        )
    finally:
        for server, _ in servers:
            server.shutdown()
    for who, result in (("countermark", ours), ("uv", theirs)):
        (folder / f"{who}.txt").write_text(result.stdout)
        (folder / f"{who}.err").write_text(result.stderr)
    if (ours.returncode == 0) != (theirs.returncode == 0):
        return False, [f"countermark ends with {ours.returncode}, uv with {theirs.returncode}",
                       *ours.stderr.splitlines()[-12:], *theirs.stderr.splitlines()[-12:]]
    if ours.returncode != 0:
        return ours.returncode == 2, [f"no solution, and both say so (exit {ours.returncode})"]
    left, right = pins(ours.stdout), pins(theirs.stdout)
    lines, good = [], True
    for project in sorted(left.keys() | right.keys()):
        if left.get(project) != right.get(project):
            why = EXPLAINED.get((name, project))
            good &= why is not None
            lines.append(f"{project}: countermark {left.get(project)}, uv {right.get(project)}"
                         + (f" ({why})" if why else ""))
    return good, lines or [f"{len(left)} projects, the same versions"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--countermark", default=str(ROOT.parent / "target/release/countermark"))
    parser.add_argument("--uv", default="uv")
    parser.add_argument("--only", action="append")
    parser.add_argument("--cut-off", default="2026-09-01T00:00:00Z")
    parser.add_argument("--work", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.countermark = os.path.abspath(arguments.countermark)
    arguments.uv = os.path.abspath(shutil.which(arguments.uv) or sys.exit(f"there is no {arguments.uv}"))
    names = sorted(path.stem for path in INPUTS.glob("*.in"))
    names = [name for name in names if not arguments.only or name in arguments.only]
    work = arguments.work or pathlib.Path(tempfile.mkdtemp(prefix="resolve-"))
    work = work.resolve()
    home = work / "home"
    home.mkdir(parents=True, exist_ok=True)
    bad = 0
    for name in names:
        good, lines = compare(name, arguments, arguments.cut_off, work, home)
        bad += not good
        print(f"{'same' if good else 'DIFFERS':8} {name}: {lines[0]}")
        for line in lines[1:]:
            print(f"         {line}")
        sys.stdout.flush()
    print(f"{len(names) - bad} of {len(names)} inputs agree; outputs in {work}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
