"""A made-up federation of any size: the cost of an audit must be linear in files."""

import datetime
import json
import os
import subprocess
import time

RELEASES = 200


def run(program, work, projects):
    """Judges a quarter of the projects and all of them, and prints time and memory."""
    for count in (projects // 4, projects):
        folder = work / f"synthetic-{count}"
        folder.mkdir()
        make(folder, count)
        seconds, peak = measure(program, folder)
        files = count * RELEASES * 2
        print(f"synthetic: {count} projects, {files} files: {seconds:.1f} s, "
              f"{files / seconds / 1e6:.2f} million files a second, peak {peak / 1024:.0f} MiB")


def make(folder, count):
    start = datetime.datetime(2015, 1, 1)
    days = [(start + datetime.timedelta(days=12 * number)).strftime("%Y-%m-%d")
            for number in range(RELEASES)]
    versions = [f"{number // 20}.{number % 20}.0" for number in range(RELEASES)]
    with (folder / "records.csv").open("w") as records, (folder / "facts.jsonl").open("w") as facts:
        records.write("project,version,date\n")
        for number in range(count):
            name = f"synthetic-{number:05}"
            stem = name.replace("-", "_")
            files = {}
            for version, day in zip(versions, days):
                records.write(f"{name},{version},{day}\n")
                digest = f"{hash((name, version)) & (2**64 - 1):016x}" * 4
                files[version] = [
                    [f"{stem}-{version}-py3-none-any.whl", "bdist_wheel", 1000, f"{day}T10:00:00Z",
                     digest, False],
                    [f"{stem}-{version}.tar.gz", "sdist", 1000, f"{day}T10:00:05Z", digest, False]]
            facts.write(json.dumps({"pkg": name, "files": files, "roles": [["Owner", "robot"]],
                                    "organization": None, "last_serial": number}) + "\n")


def measure(program, folder):
    command = [program, "audit", "--isolated", "--cache-dir", folder / "cache", "--records",
               folder / "records.csv", "--replay", folder / "facts.jsonl", "--fail-on", "never"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command}: exit {process.returncode}")
    return seconds, usage.ru_maxrss
