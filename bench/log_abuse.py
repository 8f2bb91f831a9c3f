#!/usr/bin/env python3
"""The server of a log under abuse: does it keep serving, and does its memory stay bounded?

    bench/log_abuse.py [--program target/release/countermark] [--records 20000] [--seconds 15]

Starts the real process on a log with some records, and measures honest look-ups and the memory of the
process: alone, under 1,000 connections that send a byte of a head each second, under as many as its cap
and more, under bodies that are too large, endless or never end, under readers who do not read, under bad
UTF-8 and path tricks on raw connections, and after all of it. Prints a line each, and ends with 1 if an
honest look-up failed, if an answer to abuse was a 2xx or none at all where there has to be one, or if
the memory grew beyond what the limits allow.
"""

import argparse
import hashlib
import json
import pathlib
import resource
import shutil
import socket
import sys
import tempfile
import threading
import time

from log_parts import Log, connect

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What the limits of the server allow: bodies and answers (256 MiB) and heads (16 KiB each), and the process.
MOST_MEMORY = 256 + 2048 / 64 + 160
HEAD = b"GET /checkpoint HTTP/1.1\r\nHost: "


class Honest(threading.Thread):
    """Somebody who looks up, on connections that are kept and on new ones in turn."""

    def __init__(self, address, files):
        super().__init__(daemon=True)
        self.address, self.files = address, files
        self.waits, self.failures, self.ends = [], [], threading.Event()

    def run(self):
        number, kept = 0, None
        while not self.ends.is_set():
            number += 1
            start = time.perf_counter()
            try:
                if number % 10 == 1 or kept is None:
                    kept = connect(self.address, 20)
                name = self.files[number * 7919 % len(self.files)]
                body = json.dumps({"version": 1, "seen": 0, "files": [name]}).encode()
                status, answer = ask(kept, b"POST /lookup HTTP/1.1\r\nHost: x\r\n"
                                     b"Content-Type: application/json\r\nContent-Length: "
                                     + str(len(body)).encode() + b"\r\n\r\n" + body)
                if status != 200 or name.encode() not in answer:
                    self.failures.append(f"{status}")
                    kept = None
            except OSError as error:
                self.failures.append(str(error))
                kept = None
            self.waits.append(time.perf_counter() - start)
            time.sleep(0.002)

    def end(self):
        self.ends.set()
        self.join()


def ask(connection, data):
    """Sends, and reads one answer whose length is stated."""
    connection.sendall(data)
    return read(connection)


def read(connection):
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(65536)
        if not more:
            return 0, got
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            break
        body += more
    return int(head.split(b" ")[1]), body


def status_of(address, data, timeout=15):
    """The status of the answer; 0 when the server hung up without one, -1 when it said nothing."""
    try:
        with connect(address, timeout) as connection:
            try:
                connection.sendall(data)
            except OSError:
                # It answered and hung up before all was sent.
                pass
            return read(connection)[0]
    except ConnectionError:
        return 0
    except TimeoutError:
        return -1


def slow(address, count, seconds):
    """So many connections, each of which sends a byte of a head each second; how many are left."""
    held = []
    for _ in range(count):
        try:
            connection = connect(address, 5)
            connection.sendall(HEAD)
            held.append(connection)
        except OSError:
            pass
    opened, ends = len(held), time.monotonic() + seconds
    while time.monotonic() < ends:
        turn = time.monotonic() + 1
        for connection in list(held):
            try:
                connection.sendall(b"x")
                connection.setblocking(False)
                try:
                    if connection.recv(1) == b"":
                        raise ConnectionResetError
                except BlockingIOError:
                    pass
                connection.settimeout(5)
            except OSError:
                held.remove(connection)
                connection.close()
        time.sleep(max(0, turn - time.monotonic()))
    left = len(held)
    for connection in held:
        connection.close()
    return f"{opened:,} opened, {left:,} left after {seconds} s"


def post(path, body, length=None, kind="application/json"):
    length = len(body) if length is None else length
    head = f"POST /{path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    return head.encode() + body


def bodies(address, seconds):
    """Bodies that are too large: stated, unstated, and sent all the same; those that stall or never end."""
    wrong, refused, stalled = [], 0, []
    big = b"x" * (1 << 20)
    chunk = b"100000\r\n" + big + b"\r\n"
    chunked = b"POST /%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for path in ("lookup", "append"):
        cases = [post(path, b"", 1 << 40), post(path, big * 9), chunked % path.encode() + chunk * 12,
                 post(path, b"[" * 100_000), post(path, b"\xff\xfe" * 1000), post(path, b"{}")]
        for case in cases:
            status = status_of(address, case)
            # 0: it hung up while the rest was still being sent, and its answer was lost with that.
            if status not in (0, 400, 403, 411, 413, 415, 422, 401):
                wrong.append(f"{path}: {status} for {case[:60]!r}")
            refused += 1
    # As many large bodies at once as memory would hold six times, none of them ever finished.
    for _ in range(400):
        try:
            connection = connect(address, 5)
            connection.setblocking(False)
            connection.send(post("append", b"x" * 200_000, 8 << 20))
            stalled.append(connection)
        except OSError:
            pass
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        for connection in stalled:
            try:
                connection.send(b"x" * 65536)
            except OSError:
                pass
        time.sleep(0.05)
    for connection in stalled:
        connection.close()
    return f"{refused} refused, {len(stalled)} bodies that never end", wrong


def unread(address, files, seconds):
    """Answers of 10,000 records that nobody reads."""
    names = [files[number % len(files)] for number in range(10_000)]
    body = json.dumps({"version": 1, "seen": 0, "files": sorted(set(names))}).encode()
    open_ones = []
    for _ in range(100):
        try:
            connection = connect(address, 5)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(post("lookup", body))
            open_ones.append(connection)
        except OSError:
            pass
    time.sleep(seconds)
    for connection in open_ones:
        connection.close()
    return f"{len(open_ones)} answers of {len(set(names)):,} records that nobody reads"


PATHS = (
    b"/tile/../../keys/log.key", b"/tile/%2e%2e/%2e%2e/keys/log.key", b"/tile/0/..%2f..%2fkeys%2flog.key",
    b"/../log.toml", b"//log.toml", b"/./checkpoint/../keys/log.key", b"/tile\\..\\..\\log.toml",
    b"/tile/0/000%00", b"/tile/0/%ff%fe", b"/tile/0/\xff\xfe", b"/tile/99999999999999999999/000",
    b"/tile/0/x" + b"9" * 300, b"/tile/-1/000", b"/tile/0/000.p/0", b"/tile/0/000.p/256", b"/tile/0/000.p/-1",
    b"/tile/entries/000/../../../../log.toml", b"/" + b"a" * 5000, b"/?" + b"a" * 5000,
    b"/keys/log.key", b"/log.sqlite", b"/log.sqlite-wal", b"/public/checkpoint/",
    b"/project/..%2f..%2fetc%2fpasswd", b"/file/%2e%2e%2fpasswd", b"/digest/sha256:%zz", b"/proof/-1/..",
)
HEADS = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n", b"GET /checkpoint HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
    b"GET /checkpoint HTTP/1.1\r\nA: " + b"b" * 100_000 + b"\r\n\r\n", b"\x00" * 5000, b"\r\n" * 5000,
    b"POST /lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
    b"POST /lookup HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /lookup HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: \xff\r\n\r\n", b"DELETE /checkpoint HTTP/1.1\r\nHost: x\r\n\r\n",
)


def tricks(address, secrets, seconds):
    """Paths and heads that mean to get at something else; none may be answered with a 2xx or a 5xx."""
    wrong, count, ends = [], 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        cases = [b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" for path in PATHS]
        for case in cases + list(HEADS):
            try:
                with connect(address, 25) as connection:
                    connection.sendall(case)
                    try:
                        connection.shutdown(socket.SHUT_WR)
                    except OSError:
                        pass
                    answer = b""
                    while more := connection.recv(65536):
                        answer += more
            except ConnectionError:
                answer = b""
            except TimeoutError:
                wrong.append(f"no end: {case[:60]!r}")
                continue
            status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
            if status >= 500 or 200 <= status < 300 or any(secret in answer for secret in secrets):
                wrong.append(f"{status} for {case[:60]!r}")
            count += 1
    return f"{count:,} of {len(PATHS) + len(HEADS)} kinds refused", wrong


class Abuse:
    def __init__(self, log, files):
        self.log, self.files, self.wrong, self.rows = log, files, [], []

    def measure(self, name, work):
        """Runs something while somebody looks up honestly."""
        honest = [Honest(self.log.address, self.files) for _ in range(2)]
        peaks, ends = [], threading.Event()

        def watch():
            while not ends.wait(0.05):
                peaks.append(self.log.memory()[0])

        watching = threading.Thread(target=watch)
        for thread in (*honest, watching):
            thread.start()
        said, wrong = work(), []
        if isinstance(said, tuple):
            said, wrong = said
        for thread in honest:
            thread.end()
        ends.set()
        watching.join()
        waits = sorted(wait for thread in honest for wait in thread.waits)
        failures = [failure for thread in honest for failure in thread.failures]
        at = lambda share: waits[int((len(waits) - 1) * share)] * 1000
        row = {"under": name, "what": said, "answered": len(waits) - len(failures), "failed": len(failures),
               "p50_ms": round(at(0.5), 2), "p99_ms": round(at(0.99), 2), "worst_ms": round(waits[-1] * 1000, 1),
               "memory_mib": round(max(peaks), 1), "after_mib": round(self.log.memory()[0], 1)}
        self.rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
        self.wrong += [f"{name}: {it}" for it in wrong]
        if failures:
            self.wrong.append(f"{name}: {len(failures)} honest look-ups failed: {failures[0]}")
        if max(peaks) > MOST_MEMORY:
            self.wrong.append(f"{name}: {max(peaks):.0f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "target/release/countermark")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=15)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    work = pathlib.Path(tempfile.mkdtemp(prefix="log-abuse-"))
    log = Log(arguments.program, work / "log")
    try:
        files = [f"project{number // 25}-1.{number % 25}.tar.gz" for number in range(arguments.records)]
        with (work / "records.jsonl").open("w") as lines:
            for file in files:
                digest = hashlib.sha256(file.encode()).hexdigest()
                print(json.dumps({"project": file.split("-")[0], "file": file,
                                  "digest": f"sha256:{digest}", "size": 1}), file=lines)
        log.run("append", log.folder, work / "records.jsonl")
        log.run("checkpoint", log.folder)
        # All of this comes from one address here, which the limit of requests would end at once.
        log.serve("--rate", "0")
        secrets = [(log.folder / "keys/log.key").read_bytes()[:40], b"[storage]", b"root:x:"]
        abuse, seconds = Abuse(log, files), arguments.seconds
        address = log.address
        abuse.measure("nothing", lambda: time.sleep(seconds / 2) or "")
        abuse.measure("1,000 slow connections", lambda: slow(address, 1_000, seconds + 10))
        abuse.measure("3,000 slow ones, the cap is 2,048", lambda: slow(address, 3_000, seconds))
        abuse.measure("bodies", lambda: bodies(address, seconds))
        abuse.measure("answers that nobody reads", lambda: unread(address, files, seconds))
        abuse.measure("path tricks, bad heads, bad UTF-8", lambda: tricks(address, secrets, seconds))
        abuse.measure("nothing any more", lambda: time.sleep(seconds / 2) or "")
        log.stop()
        told = (log.folder / "server.log").read_text()
        if "panicked" in told:
            abuse.wrong.append("it panicked; see below\n" + told)
    finally:
        if log.process is not None:
            log.stop()
        shutil.rmtree(work)
    print("| honest look-ups under | what | answered | p50 / p99 / worst, ms | memory, MiB |\n|---|---|---|---|---|")
    for row in abuse.rows:
        print(f"| {row['under']} | {row['what']} | {row['answered']:,} of {row['answered'] + row['failed']:,} | "
              f"{row['p50_ms']} / {row['p99_ms']} / {row['worst_ms']} | {row['memory_mib']:.0f}, "
              f"then {row['after_mib']:.0f} |")
    if abuse.wrong:
        sys.exit("\n".join(abuse.wrong))


if __name__ == "__main__":
    main()
