#!/usr/bin/env python3
"""The audit against a federation whose every release was labelled by a person.

Reads a folder with `index-snapshot.jsonl`, `expected-findings.tsv`, `labelled-releases.jsonl`,
`custody.toml` and the records (a releases tree below `deliverables/`, or `deliverables.tar.zst`, and
the files of governance beside it). Prints recall, the number of alerts, the share that nobody expects,
and the naive comparison's number of alerts beside them; then what is found of faults that are planted
into copies of the snapshot; then times. Exits with 1 when a line of the list is not reported, or when
more than one alert in five is not on it.

    bench/audit.py FOLDER [--program target/release/countermark] [--times 5]
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import audit_planted
import audit_synthetic

ALARMS = ("high", "medium")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, default="target/release/countermark")
    parser.add_argument("--times", type=int, default=5, help="runs for each time that is printed")
    parser.add_argument("--synthetic", type=int, default=0, metavar="PROJECTS",
                        help="also judge so many made-up projects of 200 releases")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    failed = False
    with tempfile.TemporaryDirectory(prefix="audit-bench-") as work:
        work = pathlib.Path(work)
        records = unpack(arguments.folder, work)
        for scope in ("zero", "custody"):
            failed |= not measure(program, records, work, scope)
        failed |= not audit_planted.run(program, records, work)
        times(program, records, work, arguments.times)
        if arguments.synthetic:
            audit_synthetic.run(program, work, arguments.synthetic)
    return 1 if failed else 0


def unpack(folder, work):
    """A copy in which the tree is unpacked: what lies around it must not be changed."""
    records = work / "records"
    shutil.copytree(folder, records, copy_function=shutil.copyfile)
    for path in [records, *records.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    archive = records / "deliverables.tar.zst"
    if not (records / "deliverables").is_dir():
        subprocess.run(["tar", "--zstd", "-xf", archive, "-C", records], check=True)
    return records


def audit(program, records, work, *options, cache="cache"):
    command = [program, "audit", "--isolated", "--cache-dir", work / cache,
               "--replay", "index-snapshot.jsonl", *options]
    result = subprocess.run(command, cwd=records, capture_output=True, text=True)
    if result.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))}: exit {result.returncode}\n{result.stderr}")
    return result


def findings_of(program, records, work, *options):
    report = json.loads(audit(program, records, work, "--format", "json", *options).stdout)
    return [one for one in report["findings"] if not one["explained"]]


def expected(records):
    for line in (records / "expected-findings.tsv").read_text().splitlines():
        if line and not line.startswith("#") and not line.startswith("project\t"):
            project, version, kind, level, scope = line.split("\t")
            yield {"project": project, "versions": version.split(), "kind": kind, "level": level,
                   "scope": scope}


def is_reported(line, finding):
    """Whether a finding is what a line of the list asks for, at its level."""
    level = "low" if line["level"] == "line" else line["level"]
    if finding["severity"] != level:
        return False
    if line["project"].startswith("("):
        count = int(line["project"].strip("()").split()[0])
        return len(finding["projects"]) == count
    if finding["projects"] != [line["project"]]:
        return False
    if line["versions"] == ["-"]:
        return finding["rule"] not in ("rogue-release", "after-records", "placeholder")
    return set(line["versions"]) <= set(finding["versions"])


def is_in_scope(line, scope):
    """With custody, what it says of a name is no finding any more."""
    settled = ("gnocchi", "heat", "cyborg")
    return scope == "zero" or line["project"] not in settled


def measure(program, records, work, scope):
    options = [] if scope == "zero" else ["--federation", "custody.toml"]
    findings = findings_of(program, records, work, *options)
    lines = [line for line in expected(records) if is_in_scope(line, scope)]
    missed = [line for line in lines if not any(is_reported(line, one) for one in findings)]
    alarms = [one for one in findings if one["severity"] in ALARMS]
    noise = [one for one in alarms if not any(is_reported(line, one) for line in lines)]
    text = audit(program, records, work, "--least", "medium", *options).stdout
    labels = [json.loads(line)["cls"] for line in
              (records / "labelled-releases.jsonl").read_text().splitlines()]
    naive = sum(label != "OFFICIAL" for label in labels)
    share = len(noise) / len(alarms) if alarms else 0.0
    print(f"{scope:8} recall {len(lines) - len(missed)} of {len(lines)}; "
          f"{len(alarms)} alerts at medium or above, {len(noise)} of them ({share:.0%}) not on the "
          f"list; {len(text.splitlines())} lines; naive comparison: {naive} alerts")
    for line in missed:
        print(f"  missed: {line['project']} {' '.join(line['versions'])} {line['level']}: {line['kind']}")
    for one in noise:
        print(f"  not on the list: {one['severity']} {one['projects']} {one['versions']} {one['rule']}")
    return not missed and share <= 0.2


def times(program, records, work, count):
    """Alternating runs: the whole audit with a cold and with a warm index of the records, and beside
    it the least that has to be done (reading every file) and libyaml's parser alone."""
    def clock(call):
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    files = sorted((records / "deliverables").rglob("*.yaml"))
    audit(program, records, work, cache="warm")
    runs = {"cold": lambda number: audit(program, records, work, cache=f"cold-{number}"),
            "warm": lambda _: audit(program, records, work, cache="warm"),
            "reading the files alone": lambda _: [path.read_bytes() for path in files]}
    parser = libyaml()
    if parser:
        runs["libyaml, parsing alone"] = lambda _: parser(files)
    values = {name: [] for name in runs}
    for number in range(count):
        for name, run in runs.items():
            values[name].append(clock(lambda: run(number)))
    for name, times_ in values.items():
        times_.sort()
        print(f"{len(files)} records files, {name}: {times_[len(times_) // 2]:.2f} s "
              f"({times_[0]:.2f} to {times_[-1]:.2f})")


def libyaml():
    """A parser of all files with libyaml, if it is installed for this Python."""
    try:
        import yaml
        loader = yaml.CBaseLoader
    except (ImportError, AttributeError):
        return None
    return lambda files: [yaml.load(path.read_bytes(), Loader=loader) for path in files]


if __name__ == "__main__":
    sys.exit(main())
