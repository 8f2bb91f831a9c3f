#!/usr/bin/env python3
"""Puts the rows of the hash gauntlet before countermark, pip, uv and peep, and prints who was right.

    bench/gauntlet.py --countermark PATH --pip PATH --uv PATH [--peep FOLDER]
    bench/gauntlet.py --row 12 --row 45 --verbose        # some rows, with what was printed
    bench/gauntlet.py --markdown FILE                    # writes the table between its marks

Without `--countermark`, `--pip` and `--uv` what is on PATH (and the build in `target/`) is taken.
`--peep` is a folder made with `pip install --target FOLDER --no-deps peep==3.1.2 pip==9.0.3
"setuptools<66"`: peep needs an old pip, and runs with it in the environment of the row.

Each form of each row runs in a folder of its own: a copied environment with one package in it, an
empty home and cache, nothing of the machine's configuration, and an index on loopback that can lie.
A refusal is right when the exit code is not 0 (of countermark: exactly the code of the row) and
neither the environment nor anything beside it changed; an installation is right when the pinned
bytes are there. pip and uv run as people run them, `install -r FILE`; where that is wrong, the row
is tried again with `--require-hashes`.

Outcomes: right; wrong; silent (it does the right thing, without the words that the row asks for);
strict (wrong or silent, but right with `--require-hashes`); `–` (the row is no question for this
tool, or is not tried here). Needs Python 3.9 and the standard library; row 35
also `openssl`.
"""

import argparse
import pathlib
import re
import shutil
import sys
import tempfile

from gauntlet_parts.rows import ALPHA, BETA, NOT_TRIED, ROWS
from gauntlet_parts.index import File, Index, certificate
from gauntlet_parts.tools import Countermark, Peep, Pip, Place, Uv, template

ROOT = pathlib.Path(__file__).resolve().parent.parent

#: Around the table in a Markdown file.
MARKS = ("<!-- gauntlet: begin -->", "<!-- gauntlet: end -->")


class Trial:
    """One row for one tool: runs it in fresh places, and judges."""

    def __init__(self, tool, root, original, verbose):
        self.tool, self.root, self.original, self.verbose = tool, root, original, verbose
        self.count = 0
        self.root.mkdir(parents=True)

    def place(self):
        self.count += 1
        return Place(self.root / f"run{self.count}", self.original)

    def run(self, place, index, arguments, variables=None):
        command = self.tool.install(place.work, index.url, arguments)
        run = place.run(self.tool, command, variables)
        self.show(arguments, run)
        return run

    def show(self, arguments, run):
        if self.verbose:
            print(f"    $ {self.tool.name} {' '.join(arguments)} -> {run.code}")
            print("".join(f"    | {line}\n" for line in run.text.strip().splitlines()[-12:]), end="")

    def attempt(self, text, index=None, files=None, more=(), instead=None, variables=None, prepare=None):
        """Installs from a requirements file; gives the place, the run, and how it was before."""
        place = self.place()
        server = Index(*(index if index is not None else [File.of(ALPHA), File.of(BETA)]))
        text = text.replace("{base}", server.base).replace("{work}", str(place.work))
        place.write("requirements.txt", text)
        for name, content in (files or {}).items():
            place.write(name, content)
        if prepare and prepare(place) == NOT_TRIED:
            return None, NOT_TRIED, None, server
        before = place.snapshot()
        arguments = [*(instead or ["-r", "requirements.txt"]), *more]
        run = self.run(place, server, arguments, variables)
        server.close()
        return place, run, before, server

    def judge_refusal(self, place, run, before, code):
        if not self.tool.wants(code)(run.code):
            return f"exit {run.code}"
        return None if place.snapshot() == before else "something was changed"

    @staticmethod
    def judge_text(run, says=(), never_says=(), says_one=()):
        wrong = [text for text in never_says if text in run.text]
        if wrong:
            return f"says `{wrong[0]}`"
        missing = [text for text in says if text not in run.text]
        if missing:
            return f"{SILENT} `{missing[0]}`"
        return None if not says_one or any(text in run.text for text in says_one) else f"{SILENT} so"

    def refuses(self, text, code, says=(), never_says=(), asks_nothing=False, never_asks=None, **how):
        place, run, before, server = self.attempt(text, **how)
        if run == NOT_TRIED:
            return NOT_TRIED
        if asks_nothing and server.requests:
            return f"asked for {server.requests[0]} first"
        if never_asks and any(never_asks in path for path in server.requests):
            return "took all that was sent" if never_asks == "gave up" else f"asked for {never_asks}"
        return self.judge_refusal(place, run, before, code) or self.judge_text(run, says, never_says)

    def accepts(self, text, installs=(ALPHA,), says=(), says_one=(), never_asks=None, **how):
        place, run, _, server = self.attempt(text, **how)
        if never_asks and any(never_asks in path for path in server.requests):
            return f"asked for {never_asks}"
        return self.judge_install(place, run, installs) or self.judge_text(run, says, (), says_one)

    @staticmethod
    def judge_install(place, run, wheels):
        if run.code != 0:
            return f"exit {run.code}"
        for wheel in wheels:
            module = place.site / f"{wheel.name}.py"
            if not module.exists() or module.read_bytes() != wheel.members[module.name]:
                return f"{wheel.name} is not what was pinned" if module.exists() else "nothing is installed"
            strays = [name for name in ("newer.py", "public.py", "evil.py") if (place.site / name).exists()]
            if strays:
                return f"{strays[0]} is installed"
        return None

    def refuses_lock(self, text, code):
        place = self.place()
        server = Index(File.of(ALPHA))
        place.write("pylock.toml", text.replace("{base}", server.base))
        before = place.snapshot()
        run = self.run(place, server, ["-r", "pylock.toml"])
        server.close()
        return self.judge_refusal(place, run, before, code)

    def accepts_of_two(self, text, first, second):
        place = self.place()
        one, two = Index(*first), Index(*second)
        place.write("requirements.txt", text)
        run = self.run(place, one, ["-r", "requirements.txt", "--extra-index-url", two.url])
        one.close()
        two.close()
        return self.judge_install(place, run, [ALPHA])

    def refuses_again(self, text, code, change):
        """Installed, changed, and asked for again."""
        place = self.place()
        server = Index(File.of(ALPHA))
        place.write("requirements.txt", text)
        copies = {"COUNTERMARK_LINK_MODE": "copy", "UV_LINK_MODE": "copy"}
        first = self.run(place, server, ["-r", "requirements.txt"], copies)
        if first.code != 0:
            return f"exit {first.code} the first time"
        change(place)
        before = place.snapshot()
        run = self.run(place, server, ["-r", "requirements.txt"], copies)
        server.close()
        return self.judge_refusal(place, run, before, code)

    def installs_altered_cache(self, text):
        """Every unpacked copy of the module in the cache is replaced, and the wheel asked for again."""
        place = self.place()
        server = Index(File.of(ALPHA))
        place.write("requirements.txt", text)
        first = self.run(place, server, ["-r", "requirements.txt"])
        if first.code != 0:
            return f"exit {first.code} the first time"
        right = ALPHA.members["alpha.py"]
        shutil.rmtree(place.work / "env")
        shutil.copytree(self.original, place.work / "env", symlinks=True)
        for path in [*(place.root / "cache").rglob("*"), *(place.root / "home").rglob("*")]:
            if path.is_file() and path.read_bytes() == right:
                path.write_bytes(right.replace(b"1.0", b"6.6"))
        run = self.run(place, server, ["-r", "requirements.txt"])
        server.close()
        return self.judge_install(place, run, [ALPHA])

    def redirected_to_http(self):
        authority = certificate(self.root)
        if authority is None:
            return NOT_TRIED
        plain = Index(File.of(ALPHA))
        secured = Index(File.of(ALPHA, location=plain.file_url(ALPHA.filename)), certificate=authority)
        place = self.place()
        place.write("requirements.txt", ALPHA.pin())
        before = place.snapshot()
        trust = {"SSL_CERT_FILE": str(authority), "PIP_CERT": str(authority)}
        run = self.run(place, secured, ["-r", "requirements.txt"], trust)
        followed = bool(plain.requests)
        plain.close()
        secured.close()
        if not secured.requests:
            return NOT_TRIED
        return "it was followed" if followed else self.judge_refusal(place, run, before, 1)

    def runs(self, arguments, code, files=None, says=(), never_says=()):
        place = self.place()
        for name, content in (files or {}).items():
            place.write(name, content)
        command = [self.tool.program, *arguments]
        if self.tool.name == "peep":
            command = self.tool.install(place.work, "", [])[:2] + arguments
        run = place.run(self.tool, command)
        self.show(arguments, run)
        missing = [text for text in says if text not in run.text]
        if missing:
            return f"`{missing[0]}` is not printed"
        right = run.code == 0 if code == 0 else self.tool.wants(code)(run.code)
        return self.judge_text(run, (), never_says) if right else f"exit {run.code}"

    def escaped(self, name):
        return any(self.root.rglob(name))


#: How verdicts about missing words begin.
SILENT = "does not say"


def judge(tool, number, work, original, verbose):
    """`right`, `wrong`, `silent`, `strict` or `–`, and the reason."""
    _, function, for_tools = ROWS[number]
    if tool.name not in for_tools:
        return "–", None
    best = None
    for strict in (False, True) if tool.name in ("pip", "uv") else (False,):
        tool.strict = strict
        trial = Trial(tool, work / f"{number}-{tool.name}-{strict}", original, verbose)
        reasons = [reason for reason in function(trial) if reason]
        shutil.rmtree(trial.root, ignore_errors=True)
        tool.strict = False
        if NOT_TRIED in reasons:
            return "–", NOT_TRIED
        if not reasons:
            return ("strict", best[1]) if strict else ("right", None)
        best = best or worst(reasons)
    return best


def worst(reasons):
    loud = [reason for reason in reasons if not reason.startswith(SILENT)]
    return ("wrong", loud[0]) if loud else ("silent", reasons[0])


def table(tools, results):
    names = [f"{tool.name} {version}" for tool, version in tools]
    lines = [f"| # | input | {' | '.join(names)} |", f"|---|---|{'---|' * len(names)}"]
    for number, outcomes in sorted(results.items()):
        cells = " | ".join(outcomes[tool.name][0] for tool, _ in tools)
        lines.append(f"| {number:02} | {ROWS[number][0]} | {cells} |")
    for outcome in ("right", "strict", "silent", "wrong"):
        counts = []
        for tool, _ in tools:
            tried = [one[tool.name][0] for one in results.values() if one[tool.name][0] != "–"]
            counts.append(f"{tried.count(outcome)} of {len(tried)}")
        lines.append(f"| | {outcome} | {' | '.join(counts)} |")
    return "\n".join(lines) + "\n"


def write_markdown(path, text):
    """Replaces what is between the marks, or writes a new file."""
    old = path.read_text() if path.exists() else f"{MARKS[0]}\n{MARKS[1]}\n"
    pattern = f"{re.escape(MARKS[0])}.*{re.escape(MARKS[1])}"
    if not re.search(pattern, old, re.S):
        sys.exit(f"{path} has no {MARKS[0]} … {MARKS[1]}")
    path.write_text(re.sub(pattern, lambda _: f"{MARKS[0]}\n{text}{MARKS[1]}", old, count=1, flags=re.S))


def find(arguments):
    builds = [ROOT / "target" / kind / "countermark" for kind in ("release", "debug")]
    built = next((path for path in builds if path.exists()), None)
    countermark = arguments.countermark or shutil.which("countermark") or built
    pip, uv = arguments.pip or shutil.which("pip"), arguments.uv or shutil.which("uv")
    places = [(Countermark, countermark), (Pip, pip), (Uv, uv), (Peep, arguments.peep)]
    tools = []
    for kind, place in places:
        if place and kind.name not in arguments.without:
            tool = kind(pathlib.Path(place).resolve() if kind is Countermark else place)
            tools.append((tool, tool.version()))
    return tools


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("countermark", "pip", "uv", "peep"):
        parser.add_argument(f"--{name}", help="where it is")
    parser.add_argument("--without", action="append", default=[], help="leave a tool out")
    parser.add_argument("--row", action="append", type=int, help="only this row; may be given again")
    parser.add_argument("--markdown", type=pathlib.Path, help="write the table into this file")
    parser.add_argument("--verbose", action="store_true", help="show what the tools print")
    arguments = parser.parse_args()
    tools = find(arguments)
    if not tools:
        sys.exit("no tool was found; give `--pip` or `--uv`")
    results = {}
    with tempfile.TemporaryDirectory(prefix="gauntlet-") as folder:
        work = pathlib.Path(folder)
        original = template(work)
        for number in arguments.row or sorted(ROWS):
            results[number] = {}
            for tool, _ in tools:
                outcome, reason = judge(tool, number, work, original, arguments.verbose)
                results[number][tool.name] = (outcome, reason)
                told = f": {reason}" if reason else ""
                print(f"{number:02} {tool.name:11} {outcome}{told}", flush=True)
    text = table(tools, results)
    print("\n" + text)
    if arguments.markdown:
        write_markdown(arguments.markdown, text)
    ours = [one["countermark"][0] for one in results.values() if "countermark" in one]
    sys.exit(1 if any(outcome == "wrong" for outcome in ours) else 0)


if __name__ == "__main__":
    main()
