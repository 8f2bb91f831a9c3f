# Compiles one source file for each line of standard input, and never runs what it compiled.
#
# Run with -I -S -B, so that nothing of any environment is imported. A line is a JSON object; the
# answer is a JSON object on a line of its own, followed by `length` bytes where it has them.
import binascii
import hashlib
import importlib.util
import json
import marshal
import os
import stat
import struct
import sys
import warnings

MAX_SOURCE = 64 << 20


def read_source(job, stdin):
    if job["path"] is None:
        return stdin.read(job["length"]), job["modified"], 0o600
    path = binascii.a2b_base64(job["path"])
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a regular file")
        if status.st_size > MAX_SOURCE:
            raise OSError("larger than %d bytes" % MAX_SOURCE)
        data = file.read(MAX_SOURCE + 1)
    # Rounded as the import system rounds it when it compares.
    return data, int(status.st_mtime), status.st_mode


def compile_source(job, stdin):
    try:
        data, modified, mode = read_source(job, stdin)
    except OSError as error:
        return {"kind": "unreadable", "message": str(error)}, b""
    if job["sha256"] is not None and hashlib.sha256(data).hexdigest() != job["sha256"]:
        return {"kind": "changed"}, b""
    try:
        code = compile(data, job["name"], "exec", dont_inherit=True, optimize=job["optimization"])
        payload = marshal.dumps(code)
    except Exception as error:
        message = "%s: %s" % (type(error).__name__, error)
        return {"kind": "invalid", "message": message[:300]}, b""
    mask = 0xFFFFFFFF
    header = struct.pack("<III", 0, modified & mask, len(data) & mask)
    pyc = importlib.util.MAGIC_NUMBER + header + payload
    answer = {"kind": "compiled", "sha256": hashlib.sha256(pyc).hexdigest(), "size": len(pyc)}
    answer["source_hash"] = importlib.util.source_hash(data).hex()
    if job["output"] is None:
        return answer, pyc
    try:
        path = binascii.a2b_base64(job["output"])
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        with open(os.open(path, flags, (mode | 0o200) & 0o666), "wb") as file:
            file.write(pyc)
    except OSError as error:
        return {"kind": "unwritable", "message": str(error)}, b""
    return answer, b""


def main():
    warnings.simplefilter("ignore")
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    for line in stdin:
        answer, payload = compile_source(json.loads(line), stdin)
        answer["length"] = len(payload)
        stdout.write(json.dumps(answer).encode() + b"\n" + payload)
        stdout.flush()


main()
