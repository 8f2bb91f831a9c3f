"""Holds the commands in deploy/ against the program: each must be understood up to its folder."""

import pathlib
import re
import shlex
import subprocess
import sys

program = str(pathlib.Path(sys.argv[1]).resolve())
deploy = pathlib.Path(__file__).resolve().parent.parent / "deploy"
commands = []
for unit in sorted(deploy.glob("*.service")):
    for line in unit.read_text().splitlines():
        if line.startswith("ExecStart="):
            commands.append((unit.name, shlex.split(line.removeprefix("ExecStart="))[1:]))
for match in re.finditer(r"^    command: \[((?:log|witness|observe)[^\]]*)\]", (deploy / "compose.yaml").read_text(), re.M):
    commands.append(("compose.yaml", [part.strip().strip('"') for part in match[1].split(",")]))
assert len(commands) >= 6, commands

failed = False
for where, words in commands:
    # With --help nothing is run, but subcommand and options before it must be known; an unknown
    # option before --help is refused first.
    names = [word for word in words if not word.startswith(("-", "/")) and ":" not in word][:2]
    text = subprocess.run([program, *names[:2], "--help"], capture_output=True, text=True)
    if text.returncode:
        text = subprocess.run([program, names[0], "--help"], capture_output=True, text=True)
    for option in (word for word in words if word.startswith("--")):
        if option not in text.stdout:
            print(f"{where}: `{' '.join(words)}`: there is no {option}", file=sys.stderr)
            failed = True
    if text.returncode:
        print(f"{where}: `{' '.join(words)}` is not understood", file=sys.stderr)
        failed = True
sys.exit(failed)
