#!/usr/bin/env python3
"""How fast a log is: the tree in memory, the whole server with both databases, look-ups, the client.

    cargo build --release -p countermark
    cargo build --release -p countermark-service -p countermark-tlog -p countermark-trust --examples
    bench/log.py [--program target/release/countermark] [--examples target/release/examples]
                 [--records 1000000] [--seconds 10] [--work FOLDER] [--json] [--no-postgres]

Prints a table. Every record is about 230 bytes of text (200 in the tree alone), as real ones are. The
server is the real process, with `--rate 0`, on loopback; 32 connections of a load generator share the
machine with it. A record counts as durable when its receipt has come back. PostgreSQL is a private
cluster with `fsync` and `synchronous_commit` on. Beside each rate stands the processor time of the server
for one record or look-up, which others on the machine change less than the rate. Nothing outside of the work folder is touched; the
folder is removed.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

from log_parts import OBSERVER, ORIGIN, Log, Postgres

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONNECTIONS = 32
# Published by others, for logs as theirs are: see docs/bench.md.
OTHERS = ("TesseraCT: 10,000 a second on NVMe with 7 cores; "
          "Tessera: 2,900 on a pair of SAS disks with 12 cores, 1,600 where entries are kept from being twice")


class Bench:
    def __init__(self, arguments):
        self.arguments, self.rows, self.raw = arguments, [], {}

    def example(self, name, *words):
        command = [str(self.arguments.examples / name), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{name} {' '.join(map(str, words))} ends with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def load(self, log, what, *words):
        """What the load generator says, with the server's processor time for each record or look-up."""
        before = log.processor()
        said = json.loads(self.example("log_load", what, log.address, *words))
        said["processor_us"] = (log.processor() - before) * 1e6 / said.get("records", said.get("requests"))
        return said

    def add(self, what, value, aim=None, beside=""):
        """A row; an aim is a pair of a test's sign and a number."""
        reached = ""
        if aim:
            sign, number = aim
            good = value >= number if sign == "≥" else value <= number
            reached = f"{sign} {number:,}" + ("" if good else ": not reached")
        self.rows.append((what, value, reached, beside))
        if not self.arguments.json:
            print(f"{what}: {shown(value)} {beside} {reached}".rstrip(), file=sys.stderr, flush=True)

    def tree(self):
        used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        before = used()
        said = self.example("append_speed", 10_000_000, 200)
        rate = 10_000_000 / (used() - before)
        wall = int(re.search(r"(\d+) a second", said).group(1))
        self.add("appends to a tree in memory, a second of one core, 200 bytes each", rate,
                 ("≥", 2_000_000), f"{wall:,} a second by the clock")

    def server(self, name, folder, records, aim, database=None):
        """Appends through a server; gives the log, which is served."""
        log = Log(self.arguments.program, folder, database)
        log.serve("--rate", "0")
        first = 0
        for batch in (1_000, 100, 10):
            count = records if batch == 1_000 else records // (1_000 // batch)
            part = self.raw[f"append-{name}-{batch}"] = self.load(
                log, "append", ORIGIN, log.observer_key, OBSERVER, first, count, batch,
                CONNECTIONS)
            first += count
            self.add(f"durable records a second, {name}, batches of {batch:,}", part["a_second"],
                     aim if batch == 1_000 else None, f"p99 of a batch {part['p99_ms']:.0f} ms, {part['processor_us']:.0f} µs each")
        log.wait_for(first)
        return log

    def lookups(self, log, records):
        for names, aim in ((1, 10_000), (1_000, None)):
            part = self.raw[f"lookup-{names}"] = self.load(
                log, "lookup", records, names, CONNECTIONS, self.arguments.seconds)
            self.add(f"look-ups a second, {names:,} name{'s' * (names > 1)}, log of {log.size():,}",
                     part["a_second"], aim and ("≥", aim),
                     f"p50 {part['p50_ms']:.1f} ms, {part['processor_us']:.0f} µs each, "
                     f"answer {part['answer_bytes']:,.0f} bytes")
            self.add("p99 of these, in ms", part["p99_ms"], ("≤", 10) if aim else None)
        part = self.raw["lookup-alone"] = self.load(log, "lookup", records, 1, 1, 3)
        self.add("a look-up on an idle server, p50 in ms", part["p50_ms"])

    def client(self):
        for files in (1, 10):
            said = json.loads(self.example("verify_pins", 1_000_000, 1_000, files))
            self.raw[f"client-{files}"] = said
            sizes = (f"answer {said['answer_bytes']:,} bytes, {said['proof_hashes']:,} hashes of proof, "
                     f"question {said['request_bytes']:,} bytes")
            self.add(f"ms to verify 1,000 pins of {files} file{'s' * (files > 1)} each",
                     said["milliseconds"], ("≤", 100), sizes)

    def run(self, work):
        records = self.arguments.records
        self.tree()
        self.client()
        log = self.server("SQLite", work / "sqlite", records, ("≥", 20_000))
        try:
            self.lookups(log, records)
            self.add("peak memory of the server, MiB", log.memory()[1])
            log.stop()
            self.add("seconds from start to the first answer, that log", log.serve("--rate", "0"))
        finally:
            log.stop()
        if not self.arguments.no_postgres:
            postgres = Postgres(work / "postgres")
            try:
                log = self.server("PostgreSQL", work / "front", records // 2, ("≥", 10_000),
                                  postgres.address)
                try:
                    part = self.raw["lookup-postgres"] = self.load(
                        log, "lookup", records // 2, 1, CONNECTIONS, self.arguments.seconds)
                    self.add("look-ups a second, 1 name, PostgreSQL", part["a_second"], None,
                             f"p99 {part['p99_ms']:.1f} ms, {part['processor_us']:.0f} µs each")
                finally:
                    log.stop()
            finally:
                postgres.stop()

    def print(self):
        if self.arguments.json:
            rows = [{"what": what, "value": value, "aim": aim, "beside": beside}
                    for what, value, aim, beside in self.rows]
            print(json.dumps({"rows": rows, "raw": self.raw}, indent=1))
            return
        print("| | wanted | measured | |\n|---|---|---|---|")
        for what, value, aim, beside in self.rows:
            print(f"| {what} | {aim} | {shown(value)} | {beside} |")
        print(f"| published by others, for entries appended durably | | | {OTHERS} |")
        print(f"\nLoad of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


def shown(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    release = ROOT / "target/release"
    parser.add_argument("--program", type=pathlib.Path, default=release / "countermark")
    parser.add_argument("--examples", type=pathlib.Path, default=release / "examples")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument("--json", action="store_true")
    bench = Bench(parser.parse_args())
    work = pathlib.Path(tempfile.mkdtemp(prefix="log-", dir=bench.arguments.work))
    # The cluster's user has to be able to go through.
    work.chmod(0o711)
    try:
        bench.run(work)
    finally:
        shutil.rmtree(work)
    bench.print()


if __name__ == "__main__":
    main()
