#!/usr/bin/env python3
"""What source distributions and wheels of the same release share: the table of docs/vet-relate.md.

Takes a lock with digests and, release after release, lets `countermark vet relate` download the source
distribution and the wheel that this machine's Python would take, both held against the digests of the
lock. Nothing of a package is run. Prints a table in Markdown, with what is not explained, and how many
are covered; with `--write` it takes the place of what stands between the two marks in that page.

    bench/relate.py LOCK [--program target/debug/countermark] [--work FOLDER] [--write docs/vet-relate.md]

What was downloaded is kept in the folder of `--work`, so that a second run asks the index for pages only;
without it everything goes at the end.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)")
SHOWN = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("lock", type=pathlib.Path)
    parser.add_argument("--program", type=pathlib.Path, default="target/debug/countermark")
    parser.add_argument("--work", type=pathlib.Path, help="keep downloads here")
    parser.add_argument("--write", type=pathlib.Path, help="the page whose table is replaced")
    parser.add_argument("--only", nargs="*", default=[], help="only these projects")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="relate-bench-") as temporary:
        work = arguments.work or pathlib.Path(temporary)
        rows = [measure(arguments, work, name, version)
                for name, version in pins(arguments.lock)
                if not arguments.only or name in arguments.only]
    table = render(rows)
    print(table)
    if arguments.write:
        page = arguments.write.read_text()
        before, rest = page.split(BEGIN)
        after = rest.split(END)[1]
        arguments.write.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")
    return 0


def pins(lock):
    found = [PIN.match(line) for line in lock.read_text().splitlines()]
    return [(match[1], match[2]) for match in found if match]


def measure(arguments, work, name, version):
    """One release, as the program reports it."""
    command = [arguments.program.resolve(), "vet", "relate", f"{name}=={version}",
               "--lock", arguments.lock.resolve(), "--usable", "--dry-run", "--format", "json",
               "--keep", work / "files", "--cache-dir", work / "cache", "--no-progress"]
    environment = {**os.environ, "COUNTERMARK_STATE_DIR": str(work / "state")}
    run = subprocess.run(command, capture_output=True, text=True, cwd=work, env=environment)
    try:
        release = json.loads(run.stdout)["releases"][0]
    except (ValueError, IndexError):
        reason = next(iter(run.stderr.splitlines()), "no answer")
        return name, version, None, reason
    if release["error"]:
        return name, version, None, release["error"]["message"]
    pairs = [pair for pair in release["relations"] if not pair["from"]["name"].endswith(".whl")]
    print(f"{name} {version}: {len(pairs)}", file=sys.stderr)
    return name, version, pairs[0] if pairs else None, "no source distribution, or no wheel"


def render(rows):
    lines = ["| release | same | permitted | compiled | not explained | covered |",
             "|---|---:|---|---:|---|---|"]
    tally = collections.Counter()
    for name, version, pair, reason in rows:
        release = f"{name} {version}"
        if pair is None:
            tally["alone"] += 1
            lines.append(f"| {release} | | | | {reason} | |")
            continue
        permitted = collections.Counter(one["code"] for one in pair["permitted"])
        extra = [code for code in permitted
                 if code not in ("metadata", "record", "wheel", "licence", "listing")]
        verdict = "yes"
        if not pair["covers"]:
            verdict = "no"
        elif pair["compiled"]:
            verdict = "but for compiled"
        tally[verdict] += 1
        lines.append(f"| {release} | {pair['same']} | {', '.join(extra)} | "
                     f"{len(pair['compiled']) or ''} | {unexplained(pair)} | {verdict} |")
    both = tally["yes"] + tally["but for compiled"] + tally["no"]
    lines += ["", f"{len(rows)} releases, {both} with a source distribution and a wheel: "
              f"{tally['yes']} covered, {tally['but for compiled']} covered but for what is compiled, "
              f"{tally['no']} not covered."]
    return "\n".join(lines)


def unexplained(pair):
    by_code = collections.defaultdict(list)
    for one in pair["unexplained"]:
        by_code[one["code"]].append(one["path"])
    parts = []
    for code, paths in by_code.items():
        shown = ", ".join(f"`{path}`" for path in paths[:SHOWN])
        more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
        parts.append(f"{code}: {shown}{more}")
    return "; ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
