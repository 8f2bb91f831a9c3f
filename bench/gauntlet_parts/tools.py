"""The installers, each in a folder of its own with an environment that has a package in it."""

import os
import pathlib
import shutil
import subprocess
import sys

from .index import Wheel

KEEPER = Wheel("keeper")

#: Seconds after which a run is stopped.
LIMIT = 90

#: Names that old versions of pip import from where they no longer are.
SHIM = """
import collections, collections.abc
for name in collections.abc.__all__:
    if not hasattr(collections, name):
        setattr(collections, name, getattr(collections.abc, name))
"""


class Run:
    """How a run ended, and what it printed."""

    def __init__(self, code, text):
        self.code, self.text = code, text


class Tool:
    """One installer. `strict` adds `--require-hashes` where the tool has it."""

    strict = False

    def __init__(self, program):
        self.program = str(program)

    def version(self):
        text = subprocess.run([self.program, "--version"], capture_output=True, text=True).stdout
        return text.split()[1]

    def environment(self, _work):
        return {}

    def install(self, work, index, arguments):
        raise NotImplementedError

    def wants(self, code):
        """Whether an exit code is this refusal: the others have one code for all of them."""
        return lambda found: found != 0 and code != 0


class Countermark(Tool):
    name = "countermark"

    def install(self, work, index, arguments):
        return [self.program, "install", "--venv", "env", "--index-url", index, *arguments]

    def wants(self, code):
        return lambda found: found == code


class Pip(Tool):
    name = "pip"

    def install(self, work, index, arguments):
        command = [self.program, "--python", "env/bin/python", "install", "--no-input"]
        command += ["--disable-pip-version-check", "--no-build-isolation", "--retries", "0"]
        strict = ["--require-hashes"] if self.strict else []
        return [*command, *strict, "--index-url", index, *arguments]

    def environment(self, work):
        return {"PIP_CONFIG_FILE": os.devnull, "PIP_CACHE_DIR": str(work.parent / "cache")}


class Uv(Tool):
    name = "uv"

    def install(self, work, index, arguments):
        command = [self.program, "pip", "install", "--python", "env/bin/python", "--no-build-isolation"]
        strict = ["--require-hashes"] if self.strict else []
        return [*command, *strict, "--default-index", index, *arguments]

    def environment(self, work):
        return {"UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(work.parent / "cache"), "UV_HTTP_RETRIES": "0"}


class Peep(Tool):
    """A folder with `peep.py`, the `pip` that it works with, and `pkg_resources`."""

    name = "peep"

    def version(self):
        text = (pathlib.Path(self.program) / "peep.py").read_text()
        line = next(line for line in text.splitlines() if line.startswith("__version__"))
        return ".".join(part.strip() for part in line.split("=")[1].split(","))

    def environment(self, work):
        shim = work.parent / "shim"
        shim.mkdir(exist_ok=True)
        (shim / "sitecustomize.py").write_text(SHIM)
        path = f"{shim}{os.pathsep}{pathlib.Path(self.program).resolve()}"
        return {"PYTHONPATH": path, "PIP_CONFIG_FILE": os.devnull, "PYTHONWARNINGS": "ignore"}

    def install(self, work, index, arguments):
        run = ["env/bin/python", str(pathlib.Path(self.program).resolve() / "peep.py"), "install"]
        return [*run, "--index-url", index, "--disable-pip-version-check", *arguments]


class Place:
    """A folder for one run: `work/env` has the package `keeper`, `home` is empty."""

    def __init__(self, root, template):
        self.root = root
        self.work = root / "work"
        self.work.mkdir(parents=True)
        (root / "home").mkdir()
        shutil.copytree(template, self.work / "env", symlinks=True)
        site = self.site
        for path, data in KEEPER.members.items():
            (site / path).parent.mkdir(exist_ok=True)
            (site / path).write_bytes(data)

    @property
    def site(self):
        return next((self.work / "env" / "lib").glob("python3*")) / "site-packages"

    def write(self, name, text):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def run(self, tool, command, more=None):
        variables = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.root / "home")}
        variables |= {"TMPDIR": str(self.root / "tmp"), "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
        (self.root / "tmp").mkdir(exist_ok=True)
        variables |= tool.environment(self.work) | (more or {})
        try:
            done = subprocess.run(
                command,
                cwd=self.work,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=LIMIT,
            )
        except subprocess.TimeoutExpired:
            return Run(124, "stopped: it did not end")
        return Run(done.returncode, done.stdout.decode(errors="replace"))

    def snapshot(self):
        """Everything below the folder with the environment, compiled files of imports and uv's empty
        lock file aside."""
        files = {}
        for path in sorted(self.work.rglob("*")):
            if "__pycache__" in path.parts or path == self.work / "env" / ".lock":
                continue
            mode = path.lstat().st_mode
            content = os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes()
            files[str(path.relative_to(self.work))] = (mode, content)
        return files


def template(folder):
    """An environment without pip, to be copied for each run."""
    path = folder / "template"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(path)], check=True)
    return path
