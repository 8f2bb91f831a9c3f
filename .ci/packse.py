#!/usr/bin/env python3
"""Runs the scenarios of the package `packse`: in memory, and served to the command.

Its source package is fetched by name from the configured index into .work/packse, once, and held
against the digest below. What passes and what does not apply, with the reasons, is printed; the list
of exceptions is crates/lock/tests/packse.xfails, and it is exact. Without a network nothing is run.
"""

import hashlib
import io
import os
import pathlib
import subprocess
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / ".work" / "packse"
NAME, VERSION = "packse", "0.3.59"
SHA256 = "718bcca5dd1e9321f5c2918d5975ffd772f0c3b150cf29b03979677a003d73d2"
SCENARIOS = 148


class Links(HTMLParser):
    """The addresses of a page, by the text of their links."""

    def __init__(self):
        super().__init__()
        self.found, self.href = {}, None

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.href = dict(attributes).get("href")

    def handle_data(self, data):
        if self.href:
            self.found[data.strip()] = self.href
            self.href = None


def index():
    """The index that pip uses."""
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode == 0:
        return found.stdout.strip()
    from pip._internal.models.index import PyPI

    return PyPI.simple_url


def fetched():
    """The bytes of the source package."""
    page = f"{index().rstrip('/')}/{NAME}/"
    filename = f"{NAME}-{VERSION}.tar.gz"
    request = urllib.request.Request(page, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        links = Links()
        links.feed(answer.read(20_000_000).decode())
    url = urllib.parse.urljoin(page, links.found[filename])
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read(100_000_000)


def scenarios():
    """The folder of scenarios; made once."""
    folder = WORK / f"{NAME}-{VERSION}" / "scenarios"
    if folder.is_dir():
        return folder
    content = fetched()
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        sys.exit(f"the source package has SHA-256 {digest}, expected {SHA256}")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = [m for m in archive if "/scenarios/" in m.name and m.name.endswith(".toml")]
        archive.extractall(WORK, members, filter="data")
    return folder


def main():
    try:
        folder = scenarios()
    except (urllib.error.URLError, TimeoutError) as error:
        print(f"the scenarios could not be fetched, and were not run: {error}")
        return
    count = sum(1 for _ in folder.rglob("*.toml"))
    if count != SCENARIOS:
        sys.exit(f"there are {count} scenarios, expected {SCENARIOS}")
    environment = {**os.environ, "COUNTERMARK_SCENARIOS": str(folder)}
    tests = [
        ["--test", "resolve", "scenarios_of_packse"],
        ["--test", "cli", "other_scenarios"],
    ]
    for test in tests:
        # With the features of the whole workspace, as the tests were built: nothing is compiled again.
        command = ["cargo", "test", "--quiet", "--workspace", *test, "--", "--nocapture"]
        print(" ".join(command[:6]), flush=True)
        subprocess.run(command, cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
