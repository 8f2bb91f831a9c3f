#!/usr/bin/env python3
"""An artifact host whose signatures GnuPG made: a good one is no finding, a bad one is, by its rule.

Needs a command that was built with the feature `openpgp`; makes everything else itself.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

PROGRAM = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/debug/countermark").resolve()


def main():
    if shutil.which("gpg") is None:
        print("gpg is not here; nothing was signed")
        return 0
    version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
    if "openpgp" not in version.stdout:
        sys.exit(f"{PROGRAM} was built without OpenPGP: {version.stdout.strip()}")
    with tempfile.TemporaryDirectory(prefix="signed-") as work:
        work = pathlib.Path(work)
        make(work)
        expect(work, {})
        (work / "host" / "kettle-1.1.tar.gz").write_bytes(b"not what was signed")
        expect(work, {"bad-signature": ["1.1"]})
        (work / "host" / "kettle-1.0.tar.gz.asc").unlink()
        expect(work, {"bad-signature": ["1.0", "1.1"]})
    print("signatures beside artifacts are judged as expected")
    return 0


def make(work):
    home = work / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--batch", "--quiet", "--homedir", home, "--pinentry-mode", "loopback",
           "--passphrase", ""]
    run = {"check": True, "capture_output": True}
    subprocess.run([*gpg, "--quick-generate-key", "kitchen <releases@example.org>", "ed25519", "sign"],
                   **run)
    (work / "keys.asc").write_bytes(subprocess.run([*gpg, "--armor", "--export"], **run).stdout)
    host = work / "host"
    host.mkdir()
    releases = []
    for version in ("1.0", "1.1"):
        artifact = host / f"kettle-{version}.tar.gz"
        artifact.write_bytes(f"kettle {version}".encode())
        subprocess.run([*gpg, "--armor", "--detach-sign", artifact], **run)
        releases.append({"version": version, "files": [{"filename": artifact.name, "kind": "sdist"}]})
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)
    facts = [{"format": "countermark-facts/1", "index": "https://index.example.org/simple/",
              "read": "2999-01-01T00:00:00Z"},
             {"name": "kettle", "presence": "present", "releases": releases}]
    (work / "facts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in facts))
    (work / "federation.toml").write_text(
        '[[records]]\nkind = "artifact-host"\npath = "host"\nkeys = "keys.asc"\nofficial = "true"\n')


def expect(work, wanted):
    command = [PROGRAM, "audit", "--isolated", "--replay", "facts.jsonl", "--cache-dir", "cache",
               "--format", "json", "--fail-on", "never"]
    result = subprocess.run(command, cwd=work, capture_output=True, text=True)
    if result.returncode not in (0, 3):
        sys.exit(result.stderr)
    found = {}
    for finding in json.loads(result.stdout)["findings"]:
        if finding["rule"] in ("bad-signature", "digest-differs") and not finding["explained"]:
            found.setdefault(finding["rule"], []).extend(finding["versions"])
    found = {rule: sorted(versions) for rule, versions in found.items()}
    if found != wanted:
        sys.exit(f"expected {wanted}, found {found}\n{result.stdout}")


if __name__ == "__main__":
    sys.exit(main())
