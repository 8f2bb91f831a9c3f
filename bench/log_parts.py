"""A log that is made for a measurement, and the server process that serves it."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.request

ORIGIN = "log.example.org/bench"
OBSERVER = "index:index.example.org/bench"


class Log:
    """A folder that `log init` made, with one observer."""

    def __init__(self, program, folder, database=None):
        self.program, self.folder = str(program), pathlib.Path(folder)
        self.process, self.address = None, None
        said = self.run("init", self.folder, "--origin", ORIGIN)
        self.key = re.search(r"log\.example\.org/bench\+\S+", said).group()
        self.run("observer", "add", self.folder, OBSERVER)
        self.observer_key = next(path for path in (self.folder / "keys").iterdir()
                                 if path.name != "log.key")
        if database:
            configuration = self.folder / "log.toml"
            text = configuration.read_text()
            assert 'database = "log.sqlite"' in text
            configuration.write_text(text.replace('database = "log.sqlite"', f'database = "{database}"'))

    def run(self, *arguments):
        """What `countermark log …` prints."""
        done = subprocess.run([self.program, "log", *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"log {arguments[0]} ends with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def serve(self, *options):
        """Starts the server; gives the seconds until it answered with a checkpoint, or with 'none yet'."""
        start = time.perf_counter()
        command = [self.program, "log", "serve", str(self.folder), "--listen", "127.0.0.1:0", *options]
        self.told = open(self.folder / "server.log", "ab")
        where = self.told.tell()
        environment = {**os.environ, "COUNTERMARK_LOG": "warn"}
        self.process = subprocess.Popen(command, stdout=self.told, stderr=self.told, env=environment)
        for _ in range(6000):
            text = (self.folder / "server.log").read_bytes()[where:].decode()
            found = re.search(r"at http://(127\.0\.0\.1:\d+)/", text)
            if found:
                break
            if self.process.poll() is not None:
                raise SystemExit(f"the server ended:\n{text}")
            time.sleep(0.01)
        self.address = found.group(1)
        while True:
            try:
                with urllib.request.urlopen(f"http://{self.address}/checkpoint", timeout=5) as answer:
                    answer.read()
                    break
            except urllib.error.HTTPError:
                # A new log has none until the first turn.
                time.sleep(0.01)
        return time.perf_counter() - start

    def stop(self):
        """Ends the server as a service manager does."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.told.close()
        self.process = None
        if code != 0:
            raise SystemExit(f"the server ended with {code}; see {self.folder / 'server.log'}")

    def size(self):
        with urllib.request.urlopen(f"http://{self.address}/checkpoint", timeout=10) as answer:
            return int(answer.read().split(b"\n")[1])

    def wait_for(self, size):
        """Until a checkpoint has so many entries."""
        for _ in range(3000):
            if self.size() >= size:
                return
            time.sleep(0.1)
        raise SystemExit(f"no checkpoint of {size} entries; the last has {self.size()}")

    def processor(self):
        """Processor seconds of the server until now; what others do on the machine does not count."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """Resident memory of the server now and at most, in MiB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        value = lambda name: int(re.search(rf"{name}:\s+(\d+)", text).group(1)) / 1024
        return value("VmRSS"), value("VmHWM")


class Postgres:
    """A private PostgreSQL that waits for the disk, on a socket in a folder."""

    def __init__(self, folder):
        binaries = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        self.bin = pathlib.Path(os.environ.get("COUNTERMARK_POSTGRES_BIN") or binaries[-1])
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(mode=0o755)
        # It refuses to run as root.
        self.user = {}
        if os.geteuid() == 0:
            self.user = {"user": "nobody", "group": "nogroup"}
            subprocess.run(["chown", "nobody:nogroup", str(self.folder)], check=True)
        data = self.folder / "data"
        self.call("initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale")
        options = f"-k {self.folder} -c listen_addresses= -c fsync=on -c synchronous_commit=on"
        self.call("pg_ctl", "-D", data, "-l", self.folder / "postgres.log", "-w", "-o", options, "start")
        self.call("createdb", "-h", self.folder, "-U", "bench", "bench")
        self.address = f"host={self.folder} user=bench dbname=bench"

    def call(self, name, *arguments):
        done = subprocess.run([str(self.bin / name), *map(str, arguments)], cwd=self.folder, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **self.user)
        if done.returncode != 0:
            raise SystemExit(f"{name} ends with {done.returncode}:\n{done.stderr}")

    def stop(self):
        self.call("pg_ctl", "-D", self.folder / "data", "-m", "fast", "-w", "stop")


def connect(address, timeout=10):
    host, port = address.split(":")
    connection = socket.create_connection((host, int(port)), timeout=timeout)
    connection.settimeout(timeout)
    return connection
