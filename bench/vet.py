#!/usr/bin/env python3
"""How long `countermark vet` takes on made-up ledgers, and how that grows.

    cargo build --release -p countermark
    cargo build --release -p countermark-ledger --example vet_ledgers
    bench/vet.py [--reviews 50000 100000 200000 500000] [--runs 5]

The lock has 1,000 files; our ledger and 19 imports share the reviews. The whole command is the release binary,
offline, with a state folder of its own: the first run reads our own reviews whole, later ones know that these
bytes were read. In brackets are seconds of the processor: where others use the machine, only those compare. Peak
memory is that of the process, as the system counts it. The parts are those of
crates/ledger/examples/vet_ledgers.rs, in one process, with made-up costs of readings.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TODAY = "2026-11-22"


def run(command, folder, environment, codes):
    """Seconds by the clock and of the processor, and peak MiB, of a command."""
    begin = time.perf_counter()
    with open(folder / "out", "wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        sys.exit(f"{' '.join(map(str, command))}: {process.returncode}\n{(folder / 'out').read_text()[-2000:]}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def shown(runs):
    """The medians, and the most memory."""
    clock, processor = (median(it[number] for it in runs) for number in (0, 1))
    return f"{clock:.2f} s ({processor:.2f} s) | {max(it[2] for it in runs):.0f}"


def median(values):
    return statistics.median(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, nargs="+", default=[50_000, 100_000, 200_000, 500_000])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--target", type=pathlib.Path, default=ROOT / "target" / "release")
    arguments = parser.parse_args()
    binary, example = arguments.target / "countermark", arguments.target / "examples" / "vet_ledgers"
    print("| reviews | MB | pass | `vet`, first | `vet` | MiB | `suggest` | MiB | open, ms | check, ms | suggest, ms |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for count in arguments.reviews:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            subprocess.run([example, "write", folder, str(count)], check=True)
            size = sum(it.stat().st_size for it in folder.rglob("reviews.toml")) / 1e6
            kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
            environment = {**kept, "HOME": str(folder / "home"), "XDG_STATE_HOME": str(folder / "state"),
                           "XDG_CACHE_HOME": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder / "config")}
            vet = [binary, "vet", "pylock.toml", "--date", TODAY]
            suggest = [binary, "vet", "suggest", "pylock.toml", "--date", TODAY, "--offline"]
            first = run(vet, folder, environment, (0, 1))
            again = [run(vet, folder, environment, (0, 1)) for _ in range(arguments.runs)]
            suggested = [run(suggest, folder, environment, (0, 1)) for _ in range(arguments.runs)]
            parts = {}
            for _ in range(arguments.runs):
                text = subprocess.run([example, "parts", folder], check=True, capture_output=True, text=True).stdout
                for line in text.splitlines():
                    key, value = line.split()
                    parts.setdefault(key, []).append(float(value))
            part = {key: median(values) for key, values in parts.items()}
            print(f"| {count:,} | {size:.0f} | {part['met']:.0f} | {first[0]:.2f} s ({first[1]:.2f} s)"
                  f" | {shown(again)} | {shown(suggested)}"
                  f" | {part['open']:.0f} | {part['check']:.0f} | {part['suggest']:.0f} |", flush=True)
    print(f"\nLoad of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
