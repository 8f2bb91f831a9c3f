"""An index on loopback that keeps what it was asked for, for bench/lock.py.

It is a process of its own: the peak memory of a program counts from that of the one that starts it.
What it says of caching is what a public index says: pages are good for ten minutes, files for ever.
"""

import hashlib
import http.server
import json
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

JSON = "application/vnd.pypi.simple.v1+json"
FOREVER = ("Cache-Control", "max-age=365000000, immutable, public")


def configured_index():
    """The index that pip is configured for."""
    run = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"],
                         capture_output=True, text=True)
    if run.returncode == 0 and run.stdout.strip():
        return run.stdout.strip().rstrip("/") + "/"
    from pip._internal.models.index import PyPI

    return PyPI.simple_url.rstrip("/") + "/"


class Mirror:
    """The index, as seen by who started it."""

    def __init__(self, folder):
        command = [sys.executable, __file__, str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def counted(self):
        """Bytes and requests since the last call."""
        with urllib.request.urlopen(urllib.parse.urljoin(self.url, "/counted")) as answer:
            return tuple(json.load(answer))

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Served:
    """Serves pages, metadata and files; each is fetched once and then comes from the folder."""

    def __init__(self, folder):
        self.folder, self.upstream = folder, configured_index()
        self.bytes, self.requests = 0, 0
        self.counting, self.fetching = threading.Lock(), {}
        (folder / "pages").mkdir(parents=True, exist_ok=True)
        (folder / "files").mkdir(exist_ok=True)
        handler = type("Handler", (Handler,), {"mirror": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/simple/"

    def lock(self, key):
        with self.counting:
            return self.fetching.setdefault(key, threading.Lock())

    def page(self, project):
        """The page, with URLs of ours; None if there is none."""
        kept = self.folder / "pages" / f"{project}.json"
        with self.lock(project):
            if not kept.exists():
                request = urllib.request.Request(f"{self.upstream}{project}/", headers={"Accept": JSON})
                try:
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        document = json.load(answer)
                except urllib.error.HTTPError as error:
                    if error.code == 404:
                        return None
                    raise
                for file in document["files"]:
                    where = urllib.parse.urljoin(request.full_url, file["url"])
                    file["url"] = "/files/" + urllib.parse.quote(where, safe="") + "/" + file["filename"]
                    file.pop("core-metadata", None)
                    file.pop("data-dist-info-metadata", None)
                kept.write_text(json.dumps(document))
        return kept.read_bytes()

    def file(self, quoted, name):
        """The path of the file with this address; None if it is not there."""
        where = urllib.parse.unquote(quoted)
        kept = self.folder / "files" / (hashlib.sha256((where + name).encode()).hexdigest()[:24])
        if name.endswith(".metadata"):
            where += ".metadata"
        missing = kept.with_suffix(".missing")
        with self.lock(str(kept)):
            if not kept.exists() and not missing.exists():
                try:
                    with urllib.request.urlopen(where, timeout=120) as answer, \
                            kept.with_suffix(".part").open("wb") as part:
                        shutil.copyfileobj(answer, part)
                    kept.with_suffix(".part").rename(kept)
                except urllib.error.HTTPError as error:
                    if error.code not in (403, 404):
                        raise
                    missing.touch()
        return kept if kept.exists() else None

    def count(self, size):
        with self.counting:
            self.bytes += size
            self.requests += 1

    def counted(self):
        """Bytes and requests since the last call."""
        with self.counting:
            counted = self.bytes, self.requests
            self.bytes = self.requests = 0
            return counted


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    mirror: Served

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = [part for part in self.path.split("?")[0].split("/") if part]
        if parts == ["counted"]:
            counted = json.dumps(self.mirror.counted()).encode()
            self.answer(200, "application/json", counted)
            self.mirror.counted()
            return None
        if len(parts) == 2 and parts[0] == "simple":
            page = self.mirror.page(parts[1])
            headers = [("Cache-Control", "max-age=600, public")]
            return self.answer(200, JSON, page, headers) if page else self.answer(404, "text/plain", b"")
        if len(parts) == 3 and parts[0] == "files":
            path = self.mirror.file(parts[1], urllib.parse.unquote(parts[2]))
            return self.send_file(path) if path else self.answer(404, "text/plain", b"")
        return self.answer(404, "text/plain", b"")

    def answer(self, code, kind, body, headers=()):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.mirror.count(len(body))
            self.wfile.write(body)

    def send_file(self, path: pathlib.Path):
        size = path.stat().st_size
        kind = "application/octet-stream"
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if asked and (asked[1] or asked[2]):
            first = int(asked[1]) if asked[1] else max(0, size - int(asked[2]))
            last = min(int(asked[2]), size - 1) if asked[1] and asked[2] else size - 1
            if first > last:
                return self.answer(416, kind, b"", [("Content-Range", f"bytes */{size}")])
            with path.open("rb") as file:
                file.seek(first)
                body = file.read(last - first + 1)
            return self.answer(206, kind, body, [("Content-Range", f"bytes {first}-{last}/{size}"),
                                                 ("Accept-Ranges", "bytes"), FOREVER])
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header(*FOREVER)
        self.end_headers()
        if self.command == "GET":
            self.mirror.count(size)
            self.wfile.flush()
            with path.open("rb") as file:
                self.connection.sendfile(file)
        return None

    def log_message(self, *_):
        pass


def main():
    served = Served(pathlib.Path(sys.argv[1]))
    print(served.url, flush=True)
    served.server.serve_forever()


if __name__ == "__main__":
    main()
