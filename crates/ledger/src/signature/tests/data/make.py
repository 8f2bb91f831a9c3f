#!/usr/bin/env python3
"""Makes the signatures of this folder, with ssh-keygen, openssl and gpg.

They are made once and kept: tests need none of the three programs. Security keys are played by openssl,
as PROTOCOL.u2f of OpenSSH describes what they sign.
"""

import base64
import hashlib
import pathlib
import struct
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent
STATEMENT = f"""countermark.review/v1
project kettle
version 1.1
file sha256:{"11" * 32} kettle-1.1-py3-none-any.whl
file sha256:{"22" * 32} kettle-1.1.tar.gz
criterion safe-to-deploy
how full
author alice@example.org
on 2026-11-22
until -
notes "read in full\\nno network"
"""


def main():
    lines = []
    with tempfile.TemporaryDirectory(prefix="keys-") as work:
        work = pathlib.Path(work)
        (work / "statement").write_text(STATEMENT)
        for name, kind, bits in [("ed25519", "ed25519", None), ("p256", "ecdsa", 256), ("p384", "ecdsa", 384),
                                 ("p521", "ecdsa", 521), ("rsa1024", "rsa", 1024), ("rsa2048", "rsa", 2048),
                                 ("rsa4096", "rsa", 4096)]:
            size = [] if bits is None else ["-b", str(bits)]
            run("ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "", "-f", work / name)
            if name == "rsa1024":
                lines.append((name, public(work / name), "-"))
                continue
            for digest in ("sha512", "sha256"):
                lines.append((f"{name}-{digest}", public(work / name), sign(work, name, digest)))
        lines.append(("other-purpose", public(work / "ed25519"), sign(work, "ed25519", "sha512", "file")))
        run("ssh-keygen", "-q", "-s", work / "rsa2048", "-I", "alice", work / "p256.pub")
        lines.append(("certificate", (work / "p256-cert.pub").read_text().strip(), "-"))
        for name in ("sk-ed25519", "sk-p256"):
            key, touched = security_key(work, name, 1)
            lines.append((name, key, touched))
            lines.append((f"{name}-untouched", key, security_key(work, name, 0)[1]))
        openpgp(work)
    (HERE / "ssh.txt").write_text("".join("\t".join(line) + "\n" for line in lines))


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, **options).stdout


def public(path):
    return path.with_name(path.name + ".pub").read_text().strip()


def sign(work, name, digest, purpose="countermark-review"):
    armored = run("ssh-keygen", "-q", "-Y", "sign", "-O", f"hashalg={digest}", "-n", purpose, "-f", work / name,
                  input=STATEMENT.encode()).decode()
    return "ssh " + "".join(line for line in armored.splitlines() if not line.startswith("-----"))


def string(value):
    return struct.pack(">I", len(value)) + value


def number(value):
    value = value.lstrip(b"\0")
    return string(b"\0" + value if value[0] & 0x80 else value)


def security_key(work, name, flags):
    """The public key and a signature of a key that was touched, or was not."""
    pem = work / f"{name}.pem"
    is_curve = name == "sk-p256"
    if not pem.exists():
        kind = ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"] if is_curve else ["ed25519"]
        run("openssl", "genpkey", "-algorithm", *kind, "-out", pem)
    der = run("openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER")
    if is_curve:
        kind, key = b"sk-ecdsa-sha2-nistp256@openssh.com", string(b"nistp256") + string(der[-65:])
    else:
        kind, key = b"sk-ssh-ed25519@openssh.com", string(der[-32:])
    blob = string(kind) + key + string(b"ssh:")
    hashed = hashlib.sha512(STATEMENT.encode()).digest()
    message = b"SSHSIG" + string(b"countermark-review") + string(b"") + string(b"sha512") + string(hashed)
    trailer = struct.pack(">BI", flags, 7)
    (work / "message").write_bytes(hashlib.sha256(b"ssh:").digest() + trailer + hashlib.sha256(message).digest())
    if is_curve:
        signature = run("openssl", "dgst", "-sha256", "-sign", pem, work / "message")
        first = 4 + signature[3]
        signature = number(signature[4:first]) + number(signature[first + 2:])
    else:
        signature = run("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", pem, "-in", work / "message")
    whole = (b"SSHSIG" + struct.pack(">I", 1) + string(blob) + string(b"countermark-review") + string(b"")
             + string(b"sha512") + string(string(kind) + string(signature) + trailer))
    return f"{kind.decode()} {base64.b64encode(blob).decode()}", f"ssh {base64.b64encode(whole).decode()}"


def openpgp(work):
    home = work / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--batch", "--quiet", "--homedir", home, "--pinentry-mode", "loopback", "--passphrase", ""]
    made, signed = "--faked-system-time=20261101T000000!", "--faked-system-time=20261122T120000!"
    for name in ("alice", "bob"):
        run(*gpg, made, "--quick-generate-key", f"{name}@example.org", "ed25519", "sign", "0")
        certificate = run(*gpg, "--armor", "--export", f"{name}@example.org")
        (HERE / f"{name}.asc").write_bytes(certificate)
        listed = run(*gpg, "--with-colons", "--list-keys", f"{name}@example.org").decode().splitlines()
        fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
        if name == "alice":
            (HERE / "alice.fingerprint").write_text(fingerprint + "\n")
    for name, options in [("alice", []), ("bob", []), ("sha1", ["--digest-algo", "SHA1"])]:
        user = "alice" if name == "sha1" else name
        signature = run(*gpg, signed, "--local-user", f"{user}@example.org", *options, "--detach-sign",
                        input=STATEMENT.encode())
        (HERE / f"{name}.sig").write_text(f"openpgp {base64.b64encode(signature).decode()}\n")
    run("gpgconf", "--homedir", home, "--kill", "all")


if __name__ == "__main__":
    main()
