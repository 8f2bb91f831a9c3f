"""An index on loopback whose pages and bytes can disagree, and the wheels that it serves."""

import base64
import hashlib
import http.server
import io
import json
import ssl
import subprocess
import tarfile
import threading
import warnings
import zipfile

#: Zeros that an endless answer sends before it gives up on the client.
ENDLESS = 64 << 20


#: A certificate of one server, and of nobody else.
OPENSSL = """
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = 127.0.0.1
[extensions]
subjectAltName = IP:127.0.0.1
basicConstraints = CA:FALSE
"""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def record_line(name, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


class Wheel:
    """A pure wheel of one module; tests change what they are about."""

    def __init__(self, name, version="1.0", files=None, requires=(), metadata=None, record=None):
        self.name, self.version = name, version
        self.filename = f"{name}-{version}-py3-none-any.whl"
        members = {f"{name}.py": f"VERSION = '{version}'\n".encode(), **(files or {})}
        info = f"{name}-{version}.dist-info"
        metadata = metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        metadata += "".join(f"Requires-Dist: {one}\n" for one in requires)
        members[f"{info}/METADATA"] = metadata.encode()
        members[f"{info}/WHEEL"] = (
            b"Wheel-Version: 1.0\nGenerator: gauntlet\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        lines = "".join(record_line(path, data) for path, data in members.items())
        lines += f"{info}/RECORD,,\n"
        members[f"{info}/RECORD"] = (record(lines) if record else lines).encode()
        self.members = members
        self.data = self.build()

    def build(self, extra=()):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
            # Two members of one name are what a row is about.
            warnings.simplefilter("ignore")
            for path, data in [*self.members.items(), *extra]:
                info = path if isinstance(path, zipfile.ZipInfo) else zipfile.ZipInfo(path)
                info.external_attr = info.external_attr or 0o644 << 16
                archive.writestr(info, data)
        return out.getvalue()

    @property
    def digest(self):
        return sha256(self.data)

    def pin(self):
        return f"{self.name}=={self.version} --hash=sha256:{self.digest}\n"


def sdist(name, version, setup):
    """A source package with this `setup.py`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, data in {
            "setup.py": setup,
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        }.items():
            info = tarfile.TarInfo(f"{name}-{version}/{path}")
            info.size = len(data.encode())
            archive.addfile(info, io.BytesIO(data.encode()))
    return out.getvalue()


def fragment(claims):
    """What an HTML page can say: one digest."""
    return "".join(f"#{name}={value}" for name, value in list(claims.items())[:1])


class File:
    """A listed file: what is said of it, and what is sent.

    `claims` is what the page says (`{"sha256": …}`), the truth by default; `manner` is how it is
    sent: `well`, `truncated`, `html`, `endless`; `location` makes it a redirect.
    """

    def __init__(self, filename, data, claims=None, size=True, manner="well", headers=None, location=None):
        self.filename, self.data = filename, data
        self.claims = {"sha256": sha256(data)} if claims is None else claims
        self.size = len(data) if size is True else size
        self.manner, self.headers, self.location = manner, headers or {}, location

    @classmethod
    def of(cls, wheel, **how):
        return cls(wheel.filename, wheel.data, **how)


class Index:
    """Serves files by project at `/simple/`, `/files/` and records what was asked."""

    def __init__(self, *files, certificate=None):
        self.files = {}
        for file in files:
            self.files.setdefault(file.filename.split("-")[0], []).append(file)
        self.requests = []
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                index.answer(self)

            do_HEAD = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.base = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        self.url = f"{self.base}/simple/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def file_url(self, filename):
        return f"{self.base}/files/{filename}"

    def answer(self, request):
        path = request.path.split("?")[0]
        self.requests.append(path)
        parts = [part for part in path.split("/") if part]
        try:
            if len(parts) == 2 and parts[0] == "simple" and parts[1] in self.files:
                self.page(request, parts[1])
            elif len(parts) == 2 and parts[0] == "files":
                found = [f for files in self.files.values() for f in files if f.filename == parts[1]]
                self.file(request, found[0]) if found else request.send_error(404)
            else:
                request.send_error(404)
        except (BrokenPipeError, ConnectionResetError):
            request.close_connection = True

    def page(self, request, project):
        listed = [
            {
                "filename": file.filename,
                "url": self.file_url(file.filename),
                "hashes": file.claims,
                **({"size": file.size} if file.size is not None else {}),
            }
            for file in self.files[project]
        ]
        if "json" in request.headers.get("Accept", ""):
            page = {"meta": {"api-version": "1.1"}, "name": project, "files": listed, "versions": ["1.0"]}
            self.send(request, json.dumps(page).encode(), "application/vnd.pypi.simple.v1+json", {})
            return
        links = "".join(
            f'<a href="{one["url"]}{fragment(one["hashes"])}">{one["filename"]}</a>\n' for one in listed
        )
        page = f"<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n"
        self.send(request, page.encode(), "text/html; charset=utf-8", {})

    def file(self, request, file):
        if file.location:
            request.send_response(302)
            request.send_header("Location", file.location)
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif file.manner == "html":
            page = b"<!DOCTYPE html>\n<html><title>Please log in</title></html>\n"
            self.send(request, page, "text/html", file.headers)
        elif file.manner == "endless":
            self.endless(request)
        elif file.manner == "truncated":
            self.send(request, file.data[: len(file.data) // 2], None, file.headers, len(file.data))
            request.close_connection = True
        else:
            self.send(request, file.data, None, file.headers)

    def send(self, request, data, kind, headers, length=None):
        request.send_response(200)
        request.send_header("Content-Type", kind or "application/octet-stream")
        request.send_header("Content-Length", str(length or len(data)))
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(data)

    def endless(self, request):
        request.send_response(200)
        request.send_header("Content-Type", "application/octet-stream")
        request.send_header("Connection", "close")
        request.end_headers()
        request.close_connection = True
        if request.command == "HEAD":
            return
        for _ in range(ENDLESS >> 16):
            request.wfile.write(bytes(1 << 16))
        self.requests.append("gave up")


def certificate(folder):
    """A self-signed certificate with its key, by openssl; `None` where that is not there."""
    path, settings = folder / "certificate.pem", folder / "openssl.cnf"
    settings.write_text(OPENSSL)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-config", str(settings), "-keyout", str(folder / "key.pem"), "-out", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    path.write_bytes(path.read_bytes() + (folder / "key.pem").read_bytes())
    return path
