#!/usr/bin/env python3
"""Compares `countermark install` with `uv pip sync` (and `pip install`) on the same input.

    bench/install.py --uv PATH [--pip PYTHON] [--runs 5] [--sets small,big,binary] [--write]
    bench/install.py --requirements FILE --uv PATH       # any other hashed file

Runs alternate, A B A B, so that a machine whose speed drifts drifts for both; printed are the
medians, and the median of the ratios pair by pair. Both sides make the environment, in a new
folder that is removed outside of the clock. `cold` fetches everything from an index on loopback that
this script serves; everything else is warm. `floor` only links the same files, which is the least
that an install can do. `--write` puts the table into README.md and docs/bench.md.
"""

import argparse
import http.server
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target" / "release" / "countermark"


class Index(http.server.BaseHTTPRequestHandler):
    """Project pages and files of one folder of wheels."""

    protocol_version = "HTTP/1.1"
    folder: pathlib.Path
    pages: dict

    def do_GET(self):
        parts = [part for part in self.path.split("?")[0].split("/") if part]
        if len(parts) == 2 and parts[0] == "simple" and parts[1] in self.pages:
            body = self.pages[parts[1]]
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif len(parts) == 2 and parts[0] == "files" and (self.folder / parts[1]).is_file():
            self.file(self.folder / parts[1])
        else:
            self.send_error(404)

    def file(self, path):
        size = path.stat().st_size
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.flush()
        with path.open("rb") as file:
            self.connection.sendfile(file)

    def log_message(self, *_):
        pass


def serve(folder):
    """Starts an index over the wheels and the SHA256SUMS of an offline bundle."""
    pages = {}
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        project = re.sub(r"[-_.]+", "-", name.split("-")[0]).lower()
        entry = {"filename": name, "url": f"/files/{name}", "hashes": {"sha256": digest},
                 "size": (folder / name).stat().st_size}
        pages.setdefault(project, []).append(entry)
    encoded = {
        project: json.dumps({"meta": {"api-version": "1.1"}, "name": project, "versions": [],
                             "files": files}).encode()
        for project, files in pages.items()
    }
    handler = type("Handler", (Index,), {"folder": folder, "pages": encoded})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/simple/"


class Bench:
    def __init__(self, arguments, requirements, work):
        self.arguments, self.requirements, self.work = arguments, requirements, work
        self.python = os.path.realpath(sys.executable)
        self.env = work / "env"
        clean = {k: v for k, v in os.environ.items()
                 if not k.startswith(("PIP_", "UV_", "COUNTERMARK_", "VIRTUAL_ENV", "CI"))}
        self.variables = dict(clean, UV_CACHE_DIR=str(work / "uv-cache"),
                              COUNTERMARK_CACHE_DIR=str(work / "cache"),
                              COUNTERMARK_STATE_DIR=str(work / "state"),
                              PIP_CACHE_DIR=str(work / "pip-cache"), UV_LINK_MODE="hardlink")
        for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "SSL_CERT_FILE"):
            if name in os.environ:
                self.variables[name] = os.environ[name]
        self.index = []
        self.discarded = 0

    def timed(self, *commands):
        """Seconds and peak memory (KiB) of commands one after the other, output thrown away."""
        started, peak = time.perf_counter(), 0
        for command in commands:
            process = subprocess.Popen([str(part) for part in command], env=self.variables,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            error = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
            if status:
                sys.exit(f"{command} failed:\n{error.decode()}")
            peak = max(peak, usage.ru_maxrss)
        return time.perf_counter() - started, peak

    def ours(self, *more):
        return [[PROGRAM, "install", "-q", "-r", self.requirements, "--venv", self.env,
                 "--python", self.python, *self.index, *more]]

    def uv(self, *more):
        index = ["--default-index", self.index[1]] if self.index else []
        return [[self.arguments.uv, "venv", "-q", self.env, "--python", self.python],
                [self.arguments.uv, "pip", "sync", "-q", "--require-hashes", "--python",
                 self.env / "bin" / "python", self.requirements, *index, *more]]

    def pip(self):
        return [[self.python, "-m", "venv", "--without-pip", self.env],
                [self.arguments.pip, "-m", "pip", "--python", self.env, "install", "-q",
                 "--no-deps", "--require-hashes", "--no-compile", "-r", self.requirements]]

    def discard(self, path):
        """Out of the way. Removing thousands of files now would slow whoever makes files next: ext4
        looks for inodes that were not deleted a moment ago."""
        if path.exists():
            self.discarded += 1
            trash = self.work / "trash"
            trash.mkdir(exist_ok=True)
            path.rename(trash / str(self.discarded))

    def fresh(self):
        self.discard(self.env)

    def cold(self):
        self.fresh()
        for name in ("uv-cache", "cache", "state"):
            self.discard(self.work / name)

    def pair(self, ours, theirs, before, runs):
        """Alternating runs: medians, the median ratio, and both peaks."""
        rows = []
        for _ in range(runs):
            pair = []
            for commands in (ours, theirs):
                before()
                pair.append(self.timed(*commands))
            rows.append(pair)
        times = [[run[side][0] for run in rows] for side in (0, 1)]
        return {
            "ours": statistics.median(times[0]),
            "theirs": statistics.median(times[1]),
            "ratio": statistics.median(a / b for a, b in zip(*times)),
            "memory": max(run[0][1] for run in rows) / 1024,
            "their memory": max(run[1][1] for run in rows) / 1024,
        }


def measure(name, requirements, arguments, work):
    bench = Bench(arguments, requirements, work)
    bundle = work / "bundle"
    bench.timed([PROGRAM, "download", "-q", "--bundle", "-d", bundle, "-r", requirements,
                 "--python", bench.python])
    index = serve(bundle)
    runs, rows = arguments.runs, {}
    bench.fresh()
    bench.timed(*bench.ours())
    bench.fresh()
    bench.timed(*bench.uv())
    floor = ROOT / "target" / "release" / "examples" / "link_floor"
    if floor.exists():
        copy = work / "floor"
        bench.fresh()
        bench.timed(*bench.ours())
        bench.env.rename(copy)
        rows["floor: linking alone"] = bench.pair([[floor, copy, bench.env]], bench.uv(), bench.fresh, runs)
    rows["warm, auto"] = bench.pair(bench.ours("--check", "auto"), bench.uv(), bench.fresh, runs)
    rows["warm, full"] = bench.pair(bench.ours("--check", "full"), bench.uv(), bench.fresh, runs)
    bench.fresh()
    bench.timed(*bench.ours("--compile"))
    rows["warm, bytecode"] = bench.pair(bench.ours("--compile"), bench.uv("--compile-bytecode"),
                                        bench.fresh, min(runs, 3))
    bench.fresh()
    bench.timed(*bench.ours())
    other = work / "env-uv"
    ours = bench.ours()
    bench.env, kept = other, bench.env
    bench.timed(*bench.uv())
    theirs = bench.uv()[1:]
    bench.env = kept
    rows["nothing to do"] = bench.pair(ours, theirs, lambda: None, runs)
    bench.discard(other)
    if arguments.pip:
        rows["warm, against pip"] = bench.pair(bench.ours("--check", "auto"), bench.pip(),
                                               bench.fresh, min(runs, 2))
    bench.index = ["--index-url", index]
    rows["cold, loopback index"] = bench.pair(bench.ours(), bench.uv(), bench.cold, runs)
    return rows


def table(results, arguments):
    version = subprocess.run([arguments.uv, "--version"], capture_output=True, text=True, check=True)
    head = f"Ratios to {version.stdout.split('(')[0].strip()}, wall time, environment creation on both sides"
    lines = [f"{head}; median of {arguments.runs} alternating runs "
             f"on {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
             f"CPython {platform.python_version()}. Below 1 is faster; in brackets the seconds.", ""]
    lines.append("| | " + " | ".join(results) + " |")
    lines.append("|---|" + "---|" * len(results))
    for row in next(iter(results.values())):
        cells = [f"{rows[row]['ratio']:.2f} ({rows[row]['ours']:.2f} / {rows[row]['theirs']:.2f})"
                 for rows in results.values()]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    cells = [f"{rows['cold, loopback index']['memory']:.0f} / "
             f"{rows['cold, loopback index']['their memory']:.0f} MB" for rows in results.values()]
    lines.append("| peak memory, cold | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(text):
    for path in (ROOT / "README.md", ROOT / "docs" / "bench.md"):
        if path.exists():
            old = path.read_text()
            new = re.sub(r"(<!-- bench:begin -->\n).*?(<!-- bench:end -->)",
                         lambda match: f"{match[1]}{text}\n{match[2]}", old, flags=re.S)
            path.write_text(new)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uv", required=True)
    parser.add_argument("--pip", help="a python with pip")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sets", default="small,big,binary")
    parser.add_argument("--requirements", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / ".work" / "bench")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    files = {path.stem: path.resolve() for path in arguments.requirements}
    if not files:
        folder = ROOT.parent / "shared" / "bench"
        files = {name: folder / f"{name}.txt" for name in arguments.sets.split(",")}
    arguments.work.mkdir(parents=True, exist_ok=True)
    results = {}
    for name, path in files.items():
        with tempfile.TemporaryDirectory(dir=arguments.work) as work:
            results[name] = measure(name, path, arguments, pathlib.Path(work))
        print(f"{name}: " + ", ".join(f"{row} {cells['ratio']:.2f}"
                                      for row, cells in results[name].items()), flush=True)
    text = table(results, arguments)
    print(text)
    if arguments.write:
        write(text)


if __name__ == "__main__":
    main()
