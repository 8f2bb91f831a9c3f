#!/usr/bin/env python3
"""Locks inputs of several kinds, and lets other installers say what they make of what we wrote.

    .ci/written.py [PROGRAM]        by default target/release/countermark

Every input is locked into requirements.txt and pylock.toml. Then:

- pip (two versions), uv and countermark install each lock into new environments, pip with its resolver
  on; what is there afterwards has to be what the lock says for this environment, in the reading of
  the library `packaging`;
- uv reads the lock of several targets as each of them;
- a lock whose digests are changed is refused by all of them;
- the same command gives the same bytes with empty caches, with full ones, and over its own output;
- every pylock.toml is held against PEP 751, by `packaging.pylock` and by the rules that it leaves out;
- pins in files that uv, pip-tools and pip wrote stay.

The tools are installed by name from the configured index into .work/written.
"""

import concurrent.futures
import dataclasses
import importlib.metadata
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / ".work" / "written"
PYTHON = os.path.realpath(sys.executable)
HERE = "{}.{}".format(*sys.version_info)
CUT_OFF = "2026-09-01T00:00:00Z"

TOOLS = {
    "library": ["packaging>=26"],
    "pip": ["pip==26.3"],
    "pip 25.1": ["pip==25.1"],
    "pip-tools": ["pip-tools>=7.5"],
}


@dataclasses.dataclass
class Case:
    """An input, and what a person knows of its lock."""

    files: dict
    arguments: list = dataclasses.field(default_factory=list)
    has: set = dataclasses.field(default_factory=set)
    lacks: set = dataclasses.field(default_factory=set)
    # (platform for uv, version of Python, what markers see) of targets that are not this one.
    targets: list = dataclasses.field(default_factory=list)


LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix",
         "platform_machine": "x86_64"}
WINDOWS = {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt",
           "platform_machine": "AMD64"}
MACOS = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix",
         "platform_machine": "x86_64"}

PROJECT = """\
[project]
name = "made-here"
version = "0.1"
requires-python = ">=3.10"
dependencies = ["click"]
[project.optional-dependencies]
net = ["requests[socks]<2.33"]
unasked = ["flask"]
[dependency-groups]
test = ["iniconfig", { include-group = "lint" }]
lint = ["pluggy"]
docs = ["docutils"]
"""

WORKSPACE = """\
[project]
name = "made-here"
version = "0.1"
requires-python = ">=3.10"
dependencies = ["member", "click"]
[tool.uv.workspace]
members = ["parts/*"]
[tool.uv.sources]
member = { workspace = true }
"""

MEMBER = """\
[project]
name = "member"
version = "0.1"
dependencies = ["idna<3.8"]
"""

CASES = {
    "extras": Case({"requirements.in": "requests[socks]<2.33\nhttpx[http2]\n"}, has={"pysocks", "h2"}),
    "markers": Case(
        {"requirements.in": 'colorama; sys_platform == "win32"\ntomli; python_version < "3.10"\n'
                            'iniconfig; python_version >= "3"\nclick\n'},
        has={"iniconfig", "click"}, lacks={"colorama", "tomli"}),
    "url": Case({"requirements.in": "six @ {url:six:six-1.16.0-py2.py3-none-any.whl}\npython-dateutil\n"},
                has={"six", "python-dateutil"}),
    "targets": Case(
        {"requirements.in": "pytest\nmarkupsafe\nclick\nimportlib-metadata\n"},
        ["--platform", "linux", "--platform", "windows", "--platform", "macos-intel",
         "--python-version", "3.9", "--python-version", HERE],
        has={"pytest", "markupsafe"}, lacks={"colorama"},
        targets=[("x86_64-unknown-linux-gnu", "3.9", LINUX), ("windows", "3.9", WINDOWS),
                 ("windows", HERE, WINDOWS), ("x86_64-apple-darwin", "3.9", MACOS),
                 ("x86_64-apple-darwin", HERE, MACOS)]),
    "groups": Case({"pyproject.toml": PROJECT}, ["--extra", "net", "--group", "test"],
                   has={"click", "pysocks", "iniconfig", "pluggy"}, lacks={"flask", "docutils"}),
    "workspace": Case({"pyproject.toml": WORKSPACE, "parts/member/pyproject.toml": MEMBER},
                      has={"click", "idna"}, lacks={"member", "made-here"}),
    "prerelease": Case({"requirements.in": "opentelemetry-semantic-conventions<0.60b0\nzipp>=0a0\n"},
                       has={"opentelemetry-semantic-conventions"}),
    "overrides": Case(
        {"requirements.in": "flask\n", "overrides.txt": "werkzeug==3.0.6\n",
         "constraints.txt": "jinja2<3.1.5\n"},
        ["--override", "overrides.txt", "-c", "constraints.txt", "--exclude", "blinker"],
        has={"flask", "werkzeug"}, lacks={"blinker"}),
    "lowest": Case({"requirements.in": "jinja2>=3.1\nmarkupsafe>=2.1.1\n"}, ["--resolution", "lowest"],
                   has={"jinja2"}),
    "all-files": Case({"requirements.in": "markupsafe==3.0.2\n"}, ["--all-files"], has={"markupsafe"}),
}
# pip holds requirements against what distributions say; these say what nobody overrides for pip.
WITHOUT_DEPENDENCIES = {"overrides"}

CONSTRAINTS = """\
# tested together
click===8.1.8
colorama===0.4.6;sys_platform=='win32'
iniconfig===2.0.0;python_version<'3'
iniconfig===2.1.0;python_version>='3'
"""


# --- running things ------------------------------------------------------------------------------


def index():
    """The index that pip uses."""
    if os.environ.get("PIP_INDEX_URL"):
        return os.environ["PIP_INDEX_URL"]
    found = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"],
                           capture_output=True, text=True)
    if found.returncode == 0:
        return found.stdout.strip()
    from pip._internal.models.index import PyPI

    return PyPI.simple_url


def run(*command, cwd=None, state=None, check=True):
    """Runs a program; `state` is the folder of countermark's caches."""
    dropped = ("VIRTUAL_ENV", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "CI")
    environment = {key: value for key, value in os.environ.items() if key not in dropped}
    state = state or WORK / "state"
    environment |= {
        "COUNTERMARK_CACHE_DIR": str(state / "cache"),
        "COUNTERMARK_STATE_DIR": str(state / "state"),
        "PIP_CACHE_DIR": str(WORK / "pip-cache"),
        "UV_CACHE_DIR": str(WORK / "uv-cache"),
        "PIP_INDEX_URL": INDEX,
        "UV_DEFAULT_INDEX": INDEX,
        "NO_COLOR": "1",
    }
    if "PIP_CERT" in environment:
        environment.setdefault("SSL_CERT_FILE", environment["PIP_CERT"])
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=170)
    if check and done.returncode:
        shown = " ".join(str(part) for part in command)
        raise Failure(f"{shown} ends with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
    return done


class Failure(Exception):
    """Something is not as it has to be."""


def must(condition, message):
    if not condition:
        raise Failure(message)


INDEX = index()
UV = WORK / "uv" / "bin" / "uv"


def tool(name):
    """The Python of an environment with a tool."""
    home = WORK / "tools" / name.replace(" ", "-")
    if not (home / "done").exists():
        shutil.rmtree(home, ignore_errors=True)
        run(UV, "venv", "--quiet", "--seed", "--python", PYTHON, home)
        run(UV, "pip", "install", "--quiet", "--python", home / "bin" / "python", *TOOLS[name])
        (home / "done").touch()
    return home / "bin" / "python"


def address(project, filename):
    """Where the index has a file."""
    page = f"{INDEX.rstrip('/')}/{project}/"
    request = urllib.request.Request(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        files = json.load(answer)["files"]
    return next(urllib.parse.urljoin(page, file["url"]) for file in files if file["filename"] == filename)


def laid_out(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = re.sub(r"\{url:([^:}]+):([^}]+)\}", lambda found: address(found[1], found[2]), text)
        path.write_text(text)
    return folder


# --- what a lock says ----------------------------------------------------------------------------


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(path):
    """(name, version, marker, digests) of a requirements file that we wrote."""
    from packaging.requirements import Requirement
    from packaging.utils import parse_wheel_filename

    text = re.sub(r"(?m)^\s*#.*\n", "", path.read_text()).replace("\\\n", " ")
    for line in text.splitlines():
        if line.startswith("-") or not line.strip():
            continue
        digests = re.findall(r"--hash=(\S+)", line)
        requirement = Requirement(re.sub(r"\s--hash=\S+", "", line))
        if requirement.url:
            wheel = urllib.parse.urlsplit(requirement.url).path.rsplit("/", 1)[-1]
            version = str(parse_wheel_filename(urllib.parse.unquote(wheel))[1])
        else:
            pin, = requirement.specifier
            must(pin.operator == "==", f"{line} is no pin")
            version = pin.version
        yield normal(requirement.name), version, requirement.marker, digests


def expected(path, markers=None):
    """Project to version, for this environment or for one with these values of markers."""
    if path.name == "requirements.txt":
        found = {}
        for name, version, marker, digests in entries(path):
            must(digests, f"{name} has no digest")
            must(all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in digests), f"{name}: {digests}")
            if marker is None or marker.evaluate(markers or {}):
                must(name not in found, f"{name} has two pins for one environment")
                found[name] = version
        return found
    from packaging.pylock import Pylock

    lock = Pylock.from_dict(tomllib.loads(path.read_text()))
    if markers is None:
        return {package.name: str(package.version) for package, _ in lock.select()}
    found = {}
    for package in lock.packages:
        if package.marker is None or package.marker.evaluate(markers, context="lock_file"):
            must(package.name not in found, f"{package.name} has two entries for one environment")
            found[package.name] = str(package.version)
    return found


def seen_by(version, values):
    """What markers see on a target."""
    return dict(values, python_version=version, python_full_version=f"{version}.0",
                implementation_name="cpython", platform_python_implementation="CPython",
                implementation_version=f"{version}.0")


# --- the specification ---------------------------------------------------------------------------

FILE = {"upload-time", "url", "path", "size", "hashes"}
KEYS = {
    "lock": {"lock-version", "environments", "requires-python", "extras", "dependency-groups",
             "default-groups", "created-by", "packages", "tool"},
    "package": {"name", "version", "marker", "requires-python", "dependencies", "vcs", "directory",
                "archive", "index", "sdist", "wheels", "attestation-identities", "tool"},
    "wheels": FILE | {"name"},
    "sdist": FILE | {"name"},
    "archive": FILE | {"subdirectory"},
}


def validate(path, text=None):
    """Holds a pylock.toml against PEP 751."""
    from packaging.pylock import Pylock, is_valid_pylock_path

    must(is_valid_pylock_path(path), f"{path.name} is no name for a lock")
    data = tomllib.loads(path.read_text() if text is None else text)
    Pylock.from_dict(data)
    keys("lock", data)
    must(data["lock-version"] == "1.0", "the version of the format is not 1.0")
    names = [(package["name"], package.get("version", "")) for package in data["packages"]]
    must(names == sorted(names, key=lambda pair: pair[0]), "the packages are not in order")
    for package in data["packages"]:
        keys("package", package)
        kinds = [kind for kind in ("vcs", "directory", "archive") if kind in package]
        released = [kind for kind in ("wheels", "sdist") if kind in package]
        must(len(kinds) == 1 and not released or not kinds and released, f"{package['name']} has {kinds + released}")
        must(("index" in package) <= bool(released), f"{package['name']} has an index and no release")
        must(not without_user(package.get("index", "")), f"{package['name']}: an index with credentials")
        for kind in ("wheels", "sdist", "archive"):
            found = package.get(kind, [])
            check_files(package, kind, found if isinstance(found, list) else [found])
        for dependency in package.get("dependencies", []):
            matching = [other for other in data["packages"]
                        if all(other.get(key) == value for key, value in dependency.items())]
            must(len(matching) == 1, f"{package['name']} depends on {dependency}, which {len(matching)} entries are")


def keys(kind, table):
    unknown = set(table) - KEYS[kind]
    must(not unknown, f"keys that the standard does not have: {sorted(unknown)} in {kind}")


def without_user(url):
    """Whether an address has credentials."""
    return "@" in urllib.parse.urlsplit(url).netloc


def check_files(package, kind, files):
    from packaging.utils import parse_wheel_filename

    seen = set()
    for file in files:
        keys(kind, file)
        told = f"{package['name']}: {file.get('name', kind)}"
        must("url" in file or "path" in file, f"{told} has no place")
        must(not without_user(file.get("url", "")), f"{told} has credentials")
        must(re.fullmatch(r"[0-9a-f]{64}", file["hashes"].get("sha256", "")), f"{told} has no strong digest")
        must(file.get("size", 0) > 0, f"{told} has no size")
        if "upload-time" in file:
            must(file["upload-time"].utcoffset() is not None, f"{told}: a time without a zone")
        if kind == "wheels":
            must(file["name"] not in seen, f"{told} is there twice")
            seen.add(file["name"])
            project, version, _, _ = parse_wheel_filename(file["name"])
            must((project, str(version)) == (package["name"], package["version"]), f"{told} is of another release")


def refused(path):
    """A validator that says yes to everything finds nothing: each of these is wrong."""
    text = path.read_text()
    digest = re.search(r'sha256 = "[0-9a-f]{64}"', text)[0]
    wrong = {
        "another version of the format": text.replace('lock-version = "1.0"', 'lock-version = "2.0"'),
        "no digest": text.replace(digest, ""),
        "a weak digest": text.replace(digest, 'md5 = "0123"'),
        "credentials": text.replace('url = "https://', 'url = "https://me:secret@', 1),
        "an unknown key": text.replace("created-by", "made-by = 'x'\ncreated-by"),
        "no name": re.sub(r'(?m)^name = "[^"]*"\n', "", text, count=1),
        "a file of another release": re.sub(r'(?m)^version = ".*"$', 'version = "0.0.0.1"', text, count=1),
    }
    for what, changed in wrong.items():
        must(changed != text, f"the check `{what}` changes nothing")
        try:
            validate(path, changed)
        except Exception:
            continue
        raise Failure(f"a pylock.toml with {what} was found to be good")


# --- installing ----------------------------------------------------------------------------------


def environment(folder):
    shutil.rmtree(folder, ignore_errors=True)
    run(UV, "venv", "--quiet", "--python", PYTHON, folder)
    return folder


def there(folder):
    site = next((folder / "lib").glob("python*/site-packages"))
    found = importlib.metadata.distributions(path=[str(site)])
    return {normal(item.metadata["Name"]): item.version for item in found}


def by_pip(which):
    def install(lock, folder, name):
        # pip's own resolver looks at everything, and complains of what the lock lacks.
        alone = ["--no-deps"] if name in WITHOUT_DEPENDENCIES else []
        hashes = ["--require-hashes"] if lock.suffix == ".txt" else []
        return [tool(which), "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet",
                "--no-compile", "--only-binary", ":all:", "--disable-pip-version-check", *alone, *hashes,
                "-r", lock]
    return install


def by_uv(lock, folder, name):
    python = ["--python", folder / "bin" / "python"]
    if lock.suffix == ".toml":
        return [UV, "pip", "sync", "--preview", "--quiet", *python, lock]
    alone = ["--no-deps"] if name in WITHOUT_DEPENDENCIES else []
    return [UV, "pip", "install", "--quiet", "--require-hashes", "--no-build", *alone, *python, "-r", lock]


def by_us(lock, folder, name):
    alone = ["--no-deps"] if name in WITHOUT_DEPENDENCIES else []
    return [PROGRAM, "install", "--quiet", *alone, "--python", folder, "-r", lock]


INSTALLERS = {"pip": by_pip("pip"), "pip 25.1": by_pip("pip 25.1"), "uv": by_uv, "countermark": by_us}


def readers(lock):
    """pip reads pylock.toml from version 26.1 on."""
    return [who for who in INSTALLERS if who != "pip 25.1" or lock.suffix == ".txt"]


def installed(lock, name, work):
    """Each installer gets what the lock says."""
    says = expected(lock)
    for who in readers(lock):
        folder = environment(work / f"env-{lock.stem}-{who.replace(' ', '-')}")
        run(*INSTALLERS[who](lock, folder, name))
        found = there(folder)
        must(found == says, f"{who} makes {compared(found, says)} of {lock.name}")
    return says


def compared(found, says):
    different = sorted(set(found.items()) ^ set(says.items()))
    return ", ".join(f"{project} {version}" for project, version in different)


def read_by_uv(lock, case, work):
    """What uv would install on the other targets, by the same lock."""
    folder = environment(work / "env-dry")
    for platform, version, values in case.targets:
        says = expected(lock, seen_by(version, values))
        command = [*by_uv(lock, folder, ""), "--dry-run", "--python-platform", platform,
                   "--python-version", version]
        command.remove("--quiet")
        answer = run(*command).stderr
        found = dict(re.findall(r"(?m)^ \+ (\S+?)==(\S+)", answer))
        must(found == says, f"uv on {platform}, {version}: {compared(found, says)} of {lock.name}")


# --- the checks ----------------------------------------------------------------------------------


def lock(case, output, folder, state):
    run(PROGRAM, "lock", "--quiet", "-o", output, "--exclude-newer", CUT_OFF, "--python", PYTHON,
        *case.arguments, cwd=folder, state=state)
    return (folder / output).read_bytes()


def check(name, case):
    """One input; what was seen."""
    work = WORK / "cases" / name
    folder = laid_out(work / "project", case.files)
    shutil.rmtree(work / "states", ignore_errors=True)
    says = {}
    for output in ("requirements.txt", "pylock.toml"):
        path, state = folder / output, work / "states" / output
        first = lock(case, output, folder, state)
        path.unlink()
        must(lock(case, output, folder, state) == first, f"{output}: other bytes with caches that are full")
        must(lock(case, output, folder, state) == first, f"{output}: other bytes over itself")
        path.unlink()
        must(lock(case, output, folder, work / "states" / "again") == first,
             f"{output}: other bytes with other caches")
        shutil.rmtree(work / "states" / "again")
        if output == "pylock.toml":
            validate(path)
        says[output] = installed(path, name, work)
        read_by_uv(path, case, work)
    left, right = says.values()
    must(left == right, f"the formats differ: {compared(left, right)}")
    must(case.has <= left.keys(), f"{case.has - left.keys()} are missing")
    must(not case.lacks & left.keys(), f"{case.lacks & left.keys()} are not wanted")
    shutil.rmtree(work)
    return f"{len(left)} projects, {len(case.targets)} other targets"


def check_digests():
    """Everybody refuses a lock whose digests are those of other bytes, so everybody looks."""
    work = WORK / "cases" / "digests"
    case = Case({"requirements.in": "click\niniconfig\n"})
    folder = laid_out(work / "project", case.files)
    count = 0
    for output in ("requirements.txt", "pylock.toml"):
        text = lock(case, output, folder, None).decode()
        path = folder / output
        at = text.index("iniconfig")
        flip = lambda found: found[1] + ("1" if found[2] == "0" else "0")
        changed = text[:at] + re.sub(r'(sha256(?::| = "))([0-9a-f])', flip, text[at:], count=1)
        path.write_text(changed)
        must(changed != text, f"{output}: nothing was changed")
        if output == "pylock.toml":
            refused(path)
        for who in readers(path):
            folder_of = environment(work / f"env-{path.stem}-{who.replace(' ', '-')}")
            done = run(*INSTALLERS[who](path, folder_of, ""), check=False)
            must(done.returncode != 0, f"{who} installs {output} with another digest")
            must("iniconfig" not in there(folder_of), f"{who} leaves what it refused")
            count += 1
        # And the next lock says what stands behind the digest, and repairs it.
        told = run(PROGRAM, "lock", "-o", output, "--exclude-newer", CUT_OFF, "--python", PYTHON, cwd=folder)
        must(path.read_text() == text, f"{output}: a digest of other bytes stayed")
        must("iniconfig" in told.stderr, f"{output}: nothing was said of the other digest")
    shutil.rmtree(work)
    return f"{count} refusals"


def check_constraints():
    """Digests in place; pip and uv take the file for constraints with digests."""
    work = WORK / "cases" / "constraints"
    wanted = {"wanted.txt": "click\niniconfig\n", "pinned.txt": "click==8.1.8\niniconfig==2.1.0\n"}
    folder = laid_out(work / "project", {"constraints.txt": CONSTRAINTS, **wanted})
    path = folder / "constraints.txt"
    command = [PROGRAM, "lock", "--quiet", "--constraints", "constraints.txt", "--python", PYTHON]
    run(*command, cwd=folder, state=work / "one")
    text = path.read_text()
    stripped = re.sub(r"(\s*\\\n)?\s+--hash=\S+", "", text)
    must(stripped == CONSTRAINTS, f"more than digests was written:\n{text}")
    must(text.count("--hash=sha256:") >= 4, "a line has no digest")
    run(*command, cwd=folder, state=work / "one")
    must(path.read_text() == text, "other bytes the second time")
    path.write_text(CONSTRAINTS)
    run(*command, cwd=folder, state=work / "two")
    must(path.read_text() == text, "other bytes with other caches")
    # pip takes digests of constraints from 26.1 on.
    for who in ("pip", "uv", "countermark"):
        env = environment(work / f"env-{who.replace(' ', '-')}")
        # uv takes the digests of constraints, and not their versions for pins.
        asked = folder / ("pinned.txt" if who == "uv" else "wanted.txt")
        run(*INSTALLERS[who](asked, env, ""), "-c", path)
        found = there(env)
        says = {"click": "8.1.8", "iniconfig": "2.1.0"}
        must(found == says, f"{who} makes {compared(found, says)} of it")
    shutil.rmtree(work)
    return "4 pins, 3 installers"


OLD = {"click": "8.1.7", "itsdangerous": "2.1.2"}


def writers():
    """Who writes old pins, into which file, with which command."""
    uv = [UV, "pip", "compile", "--quiet", "--python", PYTHON, "requirements.in", "-o"]
    yield "uv", "requirements.txt", [*uv, "requirements.txt"]
    yield "uv, with digests", "requirements.txt", [*uv, "requirements.txt", "--generate-hashes"]
    yield "uv, universal", "requirements.txt", [*uv, "requirements.txt", "--universal"]
    yield "uv", "pylock.toml", [*uv, "pylock.toml"]
    compile_ = [tool("pip-tools").parent / "pip-compile", "--quiet", "requirements.in", "-o"]
    yield "pip-compile", "requirements.txt", [*compile_, "requirements.txt", "--strip-extras"]
    yield ("pip-compile, with digests", "requirements.txt",
           [*compile_, "requirements.txt", "--generate-hashes", "--no-strip-extras"])
    yield ("pip", "pylock.toml",
           [tool("pip"), "-m", "pip", "lock", "--quiet", "-r", "requirements.in", "-o", "pylock.toml"])


def check_kept():
    """Pins of others stay until somebody asks for more."""
    count = 0
    pinned = "".join(f"{name}=={version}\n" for name, version in OLD.items())
    for who, output, command in writers():
        count += 1
        folder = laid_out(WORK / "cases" / "kept" / str(count), {"requirements.in": pinned + "jinja2<3.1.5\n"})
        run(*command, cwd=folder)
        path = folder / output
        (folder / "requirements.in").write_text("click\nitsdangerous\njinja2\nidna\n")
        base = [PROGRAM, "lock", "--quiet", "-o", output, "--python", PYTHON, "--exclude-newer", CUT_OFF]
        done = run(*base, cwd=folder, check=False)
        must(done.returncode == 0, f"{who}: {done.stderr}")
        says = expected(path)
        kept = {name: says.get(name) for name in OLD}
        must(kept == OLD, f"{who}: {kept} is left of {OLD} in {output}")
        must(says["jinja2"] == "3.1.4" and "idna" in says, f"{who}: {says} in {output}")
        env = environment(folder / "env")
        run(*by_uv(path, env, ""))
        must(there(env) == says, f"{who}: {compared(there(env), says)} of {output}")
        run(*base, "-P", "click", cwd=folder)
        moved = expected(path)
        must(moved["click"] != OLD["click"] and moved["itsdangerous"] == OLD["itsdangerous"],
             f"{who}: one pin was to move, and it is {moved}")
        shutil.rmtree(folder)
    return f"{count} files of others"


def prepare():
    """The tools; and this script goes on below the library that judges."""
    WORK.mkdir(parents=True, exist_ok=True)
    if not UV.exists():
        run(sys.executable, "-m", "venv", WORK / "uv")
        run(WORK / "uv" / "bin" / "pip", "install", "--quiet", "uv")
    for name in TOOLS:
        tool(name)
    sys.path[:0] = [str(path) for path in tool("library").parent.parent.glob("lib/python*/site-packages")]


def main():
    prepare()
    shutil.rmtree(WORK / "cases", ignore_errors=True)
    checks = {name: (lambda name=name, case=case: check(name, case)) for name, case in CASES.items()}
    checks |= {"digests": check_digests, "constraints": check_constraints, "kept": check_kept}
    if ONLY:
        checks = {name: todo for name, todo in checks.items() if name in ONLY}
    failed, printing = 0, threading.Lock()

    def one(name):
        nonlocal failed
        began = time.monotonic()
        try:
            word, said = "good", checks[name]()
        except Exception as error:
            word, said = "BAD", f"{type(error).__name__}: {error}"
        with printing:
            failed += word == "BAD"
            print(f"{word:5} {name:12} {time.monotonic() - began:5.1f} s  {said}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(one, checks))
    print(f"{len(checks) - failed} of {len(checks)} are as they have to be")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/countermark").resolve()
    ONLY = sys.argv[2:]
    main()
