#!/usr/bin/env python3
"""Compares `countermark lock` with `uv pip compile --generate-hashes` and `uv lock`.

    bench/lock.py --uv PATH [--runs 5] [--inputs bench-small,bench-big,bench-binary] [--keep FOLDER]

All ask the same index on loopback, which keeps what it fetched from the configured one (`--keep` is
its folder). Runs alternate, A B C A B C; printed are medians, and the medians of the ratios run by
run. `cold` begins with empty caches, `warm` with those of the run before; the lock is new each time.
uv writes down what the index claims; countermark downloads what it writes down, and how many bytes that
were is printed beside.
"""

import argparse
import pathlib
import shutil
import statistics
import sys
import tempfile

from install import PROGRAM, Bench
from lock_parts import Mirror

ROOT = pathlib.Path(__file__).resolve().parent
CUT_OFF = "2026-09-01T00:00:00Z"


class LockBench(Bench):
    """One input."""

    def __init__(self, arguments, name, mirror, work):
        super().__init__(arguments, None, work)
        self.name, self.mirror = name, mirror
        self.variables.pop("CI", None)
        text = (ROOT / "inputs" / f"{name}.in").read_text()
        self.input = work / "requirements.in"
        self.input.write_text(text)
        wanted = [line for line in text.splitlines() if line and not line.startswith("#")]
        self.project = work / "project"
        self.project.mkdir()
        (self.project / "pyproject.toml").write_text(
            '[project]\nname = "bench"\nversion = "0"\nrequires-python = ">=3.11,<3.12"\n'
            f"dependencies = {wanted!r}\n"
            "[tool.uv]\nenvironments = [\"sys_platform == 'linux'\"]\n")

    def commands(self):
        output = self.work / "out.txt"
        output.unlink(missing_ok=True)
        (self.project / "uv.lock").unlink(missing_ok=True)
        index = ["--index-url", self.mirror.url]
        uv = [self.arguments.uv]
        return {
            "countermark lock": [PROGRAM, "lock", "-q", self.input, "-o", output, *index,
                                 "--python", self.python, "--exclude-newer", CUT_OFF],
            "uv pip compile": [*uv, "pip", "compile", "-q", "--generate-hashes", self.input, "-o",
                               self.work / "uv.txt", "--only-binary", ":all:", *index,
                               "--python", self.python, "--exclude-newer", CUT_OFF, "--no-header"],
            "uv lock": [*uv, "lock", "-q", "--project", self.project, *index,
                        "--python", self.python, "--exclude-newer", CUT_OFF, "--no-build"],
        }

    def forget(self):
        for folder in ("uv-cache", "cache", "state"):
            self.discard(self.work / folder)

    def measure(self, cold):
        times, bytes_, peaks = {}, {}, {}
        for _ in range(self.arguments.runs):
            (self.work / "uv.txt").unlink(missing_ok=True)
            for who, command in self.commands().items():
                if cold:
                    self.forget()
                self.mirror.counted()
                seconds, peak = self.timed(command)
                times.setdefault(who, []).append(seconds)
                peaks.setdefault(who, []).append(peak)
                bytes_.setdefault(who, []).append(self.mirror.counted())
        return times, bytes_, peaks


def show(name, kind, times, bytes_, peaks):
    ours = times["countermark lock"]
    for who, seconds in times.items():
        ratio = statistics.median(a / b for a, b in zip(ours, seconds))
        size, requests = bytes_[who][-1]
        print(f"{name:14} {kind:4} {who:17} {statistics.median(seconds):7.3f} s  "
              f"ours/this {ratio:5.2f}  {max(peaks[who]) / 1024:6.0f} MiB  "
              f"{size / 1e6:8.1f} MB in {requests} answers")
    sys.stdout.flush()


def measure(arguments, name, mirror, place):
    """One input; what the index does not have yet it fetches before the clock runs."""
    place.mkdir()
    bench = LockBench(arguments, name, mirror, place)
    for command in bench.commands().values():
        bench.timed(command)
    if not arguments.warm_only:
        show(name, "cold", *bench.measure(cold=True))
        for command in bench.commands().values():
            bench.timed(command)
    show(name, "warm", *bench.measure(cold=False))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uv", default=shutil.which("uv"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--inputs", default="bench-small,bench-big,bench-binary")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--warm-only", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lock-bench-") as folder:
        work = pathlib.Path(folder)
        mirror = Mirror(arguments.keep or work / "mirror")
        try:
            for name in arguments.inputs.split(","):
                measure(arguments, name, mirror, work / name)
        finally:
            mirror.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
