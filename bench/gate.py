#!/usr/bin/env python3
"""Times `countermark gate --offline` on a lock with 1,000 entries.

    bench/gate.py --countermark PATH [--entries 1000] [--files 20] [--runs 20]

The lock is a `uv.lock` that is written here, with made-up projects whose digests are those of their
names. Each run is a new process. Printed are the median, the fastest and the slowest, and the peak of
memory. The measure is 0.2 s for 1,000 entries in a release build; `--most SECONDS` makes a slower median
fail.
"""

import argparse
import hashlib
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time


def lock(entries, files):
    """A `uv.lock`."""
    lines = ['version = 1', 'requires-python = ">=3.9"', ""]
    for number in range(entries):
        name, version = f"project-{number}", f"1.{number % 40}.0"
        base = f"https://files.example.org/packages/{number:04}"
        stem = f"project_{number}-{version}"

        def entry(filename):
            digest = hashlib.sha256(filename.encode()).hexdigest()
            return f'{{ url = "{base}/{filename}", hash = "sha256:{digest}", size = {1000 + number} }}'

        lines += ["[[package]]", f'name = "{name}"', f'version = "{version}"']
        lines += ['source = { registry = "https://index.example.org/simple" }']
        if number:
            lines += ["dependencies = [", f'    {{ name = "project-{number - 1}" }},', "]"]
        lines += [f"sdist = {entry(stem + '.tar.gz')}", "wheels = ["]
        for file in range(files - 1):
            tag = f"cp3{9 + file % 6}-cp3{9 + file % 6}-manylinux_2_{17 + file}_x86_64"
            lines += [f"    {entry(f'{stem}-{tag}.whl')},"]
        lines += ["]", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--countermark", required=True)
    parser.add_argument("--entries", type=int, default=1000)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--most", type=float)
    arguments = parser.parse_args()
    program = str(pathlib.Path(arguments.countermark).resolve())
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "uv.lock"
        path.write_text(lock(arguments.entries, arguments.files))
        command = [program, "gate", "--offline", "--isolated", "--quiet", "uv.lock"]
        command += ["--index-url", "https://index.example.org/simple/"]
        environment = {"HOME": folder, "PATH": os.environ.get("PATH", "")}
        times = []
        for run in range(arguments.runs + 1):
            start = time.perf_counter()
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
            spent = time.perf_counter() - start
            if done.returncode != 0:
                sys.exit(f"gate ends with {done.returncode}:\n{done.stdout.decode()}{done.stderr.decode()}")
            # The first run reads the program from disk.
            if run:
                times.append(spent)
        size = path.stat().st_size
    median = statistics.median(times)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{arguments.entries} entries, {arguments.files} files each, {size / 1e6:.1f} MB")
    print(f"median {median:.3f} s, fastest {min(times):.3f} s, slowest {max(times):.3f} s, peak {peak:.0f} MB")
    if arguments.most is not None and median > arguments.most:
        sys.exit(f"slower than {arguments.most} s")


if __name__ == "__main__":
    main()
