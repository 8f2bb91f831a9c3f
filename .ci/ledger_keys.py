#!/usr/bin/env python3
"""Reviews signed by ssh-keygen and gpg, judged by `countermark vet` and by the programs that signed them.

What `vet` accepts its judge accepts as well; where `vet` refuses what its judge accepts, the case says so.
"""

import base64
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib

PROGRAM = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/debug/countermark").resolve()
AUTHOR, DAY, PURPOSE = "alice@example.org", "2026-11-22", "countermark-review"
FAILURES = []


def main():
    for needed in ("ssh-keygen", "gpg"):
        if shutil.which(needed) is None:
            sys.exit(f"{needed} is not here; nothing can be judged without it")
    version = run([PROGRAM, "--version"]).stdout
    if b"openpgp" not in version:
        sys.exit(f"{PROGRAM} was built without OpenPGP: {version.decode().strip()}")
    with tempfile.TemporaryDirectory(prefix="ledger-keys-") as work:
        os.environ.update(HOME=work, GNUPGHOME=f"{work}/gnupg", XDG_STATE_HOME=f"{work}/state",
                          XDG_CACHE_HOME=f"{work}/cache", XDG_CONFIG_HOME=f"{work}/config")
        work = pathlib.Path(work)
        (work / "gnupg").mkdir(mode=0o700)
        count = ssh(work) + openpgp(work)
        run(["gpgconf", "--kill", "all"])
    if FAILURES:
        sys.exit("\n".join(FAILURES))
    print(f"{count} signatures of reviews are judged as ssh-keygen and gpg judge them")


def run(command, **options):
    return subprocess.run(command, capture_output=True, check=False, **options)


def made(command, **options):
    result = run(command, **options)
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {result.stderr.decode()}{result.stdout.decode()}")
    return result.stdout


class Ledger:
    """A ledger in which everything waits for one review."""

    def __init__(self, work, name):
        self.folder = work / name
        self.folder.mkdir()
        self.lock("1.0")
        made(self.command("init"), cwd=self.folder)
        self.lock("1.1")

    def command(self, *arguments):
        return [PROGRAM, "vet", *arguments, "--date", DAY]

    def lock(self, version):
        name = f"kettle-{version}-py3-none-any.whl"
        (self.folder / "pylock.toml").write_text(
            'lock-version = "1.0"\ncreated-by = "a test"\n\n[[packages]]\nname = "kettle"\n'
            f'version = "{version}"\n\n[[packages.wheels]]\nname = "{name}"\n'
            f'url = "https://index.example.org/{name}"\n'
            f'hashes = {{ sha256 = "{version.encode().hex() * 10 + "0000"}" }}\n')

    def add(self, *key):
        return run(self.command("key", "add", "--author", AUTHOR, *map(str, key)), cwd=self.folder)

    def certify(self, *signer):
        options = ["--yes", "--author", AUTHOR, "--notes", "all of it"]
        made(self.command("certify", "kettle==1.1", *options, *map(str, signer)), cwd=self.folder)
        self.reviews = (self.folder / "ledger/reviews.toml").read_text()
        return self.signature()

    def statement(self):
        review = tomllib.loads(self.reviews)["review"][0]
        files = "".join(f"file {file}\n" for file in review["files"])
        return (f"countermark.review/v1\nproject kettle\nversion 1.1\n{files}criterion {review['criteria'][0]}\n"
                f"how full\nauthor {AUTHOR}\non {DAY}\nuntil -\nnotes \"all of it\"\n").encode()

    def signature(self):
        kind, text = tomllib.loads(self.reviews)["review"][0]["signature"].split(" ")
        self.kind = kind
        return base64.b64decode(text)

    def accepts(self, signature):
        text = base64.b64encode(signature).decode()
        lines = [f'signature = "{self.kind} {text}"' if line.startswith("signature") else line
                 for line in self.reviews.splitlines()]
        (self.folder / "ledger/reviews.toml").write_text("\n".join(lines) + "\n")
        result = run(self.command("--all"), cwd=self.folder)
        if result.returncode not in (0, 1):
            sys.exit(f"vet ended with {result.returncode}: {result.stderr.decode()}")
        return result.returncode == 0


def expect(what, found, wanted):
    if found != wanted:
        FAILURES.append(f"{what}: expected {wanted}, found {found}")


def flips(signature):
    """Some bytes of a signature, changed one at a time."""
    for at in range(0, len(signature), max(1, len(signature) // 40)):
        yield at, signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1:]


def ssh(work):
    count = 0
    for name, options in {"ed25519": ["-t", "ed25519"], "p256": ["-t", "ecdsa", "-b", "256"],
                          "p384": ["-t", "ecdsa", "-b", "384"], "rsa": ["-t", "rsa", "-b", "2048"],
                          "rsa4096": ["-t", "rsa", "-b", "4096"]}.items():
        key = work / f"id_{name}"
        made(["ssh-keygen", "-q", *options, "-N", "", "-f", key])
        ledger = Ledger(work, name)
        made(ledger.command("key", "add", "--author", AUTHOR, f"{key}.pub"), cwd=ledger.folder)
        signature = ledger.certify("--ssh", key)
        (work / "signers").write_text(f"{AUTHOR} {pathlib.Path(f'{key}.pub').read_text()}")
        expect(f"{name}, by vet certify", verdicts(ledger, work, signature), (True, True))
        for at, changed in flips(signature):
            expect(f"{name}, byte {at}", verdicts(ledger, work, changed), (False, False))
            count += 1
        for digest in ("sha256", "sha512"):
            own = sign_ssh(ledger.statement(), key, "-n", PURPOSE, "-O", f"hashalg={digest}")
            expect(f"{name} over {digest}", verdicts(ledger, work, own), (True, True))
        other = sign_ssh(ledger.statement(), key, "-n", "file")
        expect(f"{name} for files", verdicts(ledger, work, other), (False, False))
        other = sign_ssh(ledger.statement() + b"\n", key, "-n", PURPOSE)
        expect(f"{name} over more", verdicts(ledger, work, other), (False, False))
        count += 5
    # Kinds that ssh-keygen takes and we do not.
    for name, options in {"p521": ["-t", "ecdsa", "-b", "521"], "rsa1024": ["-t", "rsa", "-b", "1024"]}.items():
        made(["ssh-keygen", "-q", *options, "-N", "", "-f", work / f"id_{name}"])
        refused = Ledger(work, name).add(work / f"id_{name}.pub")
        expect(f"{name} in a ledger", (refused.returncode, b"ledger-key-weak" in refused.stderr), (2, True))
    return count


def sign_ssh(text, key, *options):
    armored = made(["ssh-keygen", "-q", "-Y", "sign", *options, "-f", key], input=text).decode()
    return base64.b64decode("".join(line for line in armored.splitlines() if not line.startswith("---")))


def verdicts(ledger, work, signature):
    """What `vet` says, and what ssh-keygen says."""
    text = base64.encodebytes(signature).decode()
    (work / "sig").write_text(f"-----BEGIN SSH SIGNATURE-----\n{text}-----END SSH SIGNATURE-----\n")
    judge = run(["ssh-keygen", "-Y", "verify", "-f", work / "signers", "-I", AUTHOR, "-n", PURPOSE, "-s", work / "sig"],
                input=ledger.statement())
    return ledger.accepts(signature), judge.returncode == 0


def openpgp(work):
    count = 0
    made_on, signed_on = "--faked-system-time=20261101T000000!", "--faked-system-time=20261122T120000!"
    gpg = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    for name in ("ed25519", "rsa3072", "nistp256"):
        user = f"{name}@example.org"
        made([*gpg, made_on, "--quick-generate-key", user, name, "sign", "0"])
        listed = made([*gpg, "--with-colons", "--list-keys", user]).decode().splitlines()
        key = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
        (work / f"{name}.asc").write_bytes(made([*gpg, "--armor", "--export", user]))
        ledger = Ledger(work, f"openpgp-{name}")
        made(ledger.command("key", "add", "--author", AUTHOR, work / f"{name}.asc"), cwd=ledger.folder)
        # gpg signs now, and the review is of another day: as on the day itself.
        (work / "gpg.conf").write_text("faked-system-time 20261122T120000!\nquiet\n")
        shutil.copy(work / "gpg.conf", work / "gnupg/gpg.conf")
        signature = ledger.certify("--openpgp", key)
        (work / "gnupg/gpg.conf").unlink()
        judged = lambda it: (ledger.accepts(it), judge_gpg(work, it, ledger.statement()))
        expect(f"openpgp {name}, by vet certify", judged(signature), (True, True))
        for at, changed in flips(signature):
            ours, judge = judged(changed)
            if ours and not judge:
                FAILURES.append(f"openpgp {name}, byte {at}: accepted, and gpg refuses it")
            count += 1
        sign = [*gpg, signed_on, "--local-user", key, "--detach-sign"]
        more = made(sign, input=ledger.statement() + b"\n")
        expect(f"openpgp {name} over more", judged(more), (False, False))
        text = made([*sign[:-1], "--textmode", "--detach-sign"], input=ledger.statement())
        expect(f"openpgp {name} in text mode", ledger.accepts(text), False)
        count += 3
        # gpg itself refuses to sign so with curves.
        if name.startswith("rsa"):
            weak = made([*sign[:-1], "--digest-algo", "SHA1", "--detach-sign"], input=ledger.statement())
            expect(f"openpgp {name} over SHA-1", ledger.accepts(weak), False)
            count += 1
    return count


def judge_gpg(work, signature, text):
    (work / "sig").write_bytes(signature)
    return run(["gpg", "--batch", "--quiet", "--faked-system-time", "20261122T130000!", "--verify", work / "sig", "-"],
               input=text).returncode == 0


if __name__ == "__main__":
    main()
