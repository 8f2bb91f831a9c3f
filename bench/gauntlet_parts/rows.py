"""The rows: what is put before an installer, and what a right answer is.

A row yields one verdict per form that it has: `None` where the installer was right, else the reason
why not. `for_tools` names the installers that a row is a question for.
"""

import base64
import hashlib
import subprocess
import zipfile

from .index import File, Wheel, record_line, sdist

ALPHA, BETA = Wheel("alpha"), Wheel("beta")
WRONG = "0" * 62 + "aa"
HEX = ALPHA.digest

ROWS = {}


def row(number, title, for_tools=("countermark", "pip", "uv", "peep")):
    def add(function):
        ROWS[number] = (title, function, for_tools)
        return function

    return add


def comment(hexadecimal):
    digest = base64.urlsafe_b64encode(bytes.fromhex(hexadecimal)).rstrip(b"=").decode()
    return f"# sha256: {digest}\n"


def peep(wheel):
    return comment(wheel.digest)


def line(t, requirement, hexadecimal):
    """A requirement with a digest, as this tool reads it: peep's stand in comments."""
    if t.tool.name == "peep":
        return f"{comment(hexadecimal)}{requirement}\n"
    return f"{requirement} --hash=sha256:{hexadecimal}\n"


def pin(t, wheel=ALPHA):
    return line(t, f"{wheel.name}=={wheel.version}", wheel.digest)


def digest(algorithm, data=ALPHA.data):
    return hashlib.new(algorithm, data).hexdigest()


def url(wheel=ALPHA, rest=""):
    return f"{{base}}/files/{wheel.filename}{rest}"


READS_COMMENTS = ("countermark", "peep")


@row(1, "peep comment `# sha256:` above a pin")
def _(t):
    yield t.accepts(peep(ALPHA) + "alpha==1.0\n")
    yield t.refuses(peep(ALPHA) + "beta==1.0\n", 1)


@row(2, "the same with padding", READS_COMMENTS)
def _(t):
    yield t.accepts(peep(ALPHA).strip() + "=\nalpha==1.0\n")


@row(3, "`#sha256:`, or a digest with spaces in it", READS_COMMENTS)
def _(t):
    yield t.refuses(peep(ALPHA).replace("# ", "#") + "alpha==1.0\n", 2, says=["requirements.txt:1"])
    yield t.refuses(peep(ALPHA).replace(": ", ": q ") + "alpha==1.0\n", 2, says=["requirements.txt:1"])


@row(4, "lines between the comment and its pin", READS_COMMENTS)
def _(t):
    yield t.accepts(peep(ALPHA) + "\n# why\n\nalpha==1.0\n")


@row(5, "an option line between the comment and its pin", READS_COMMENTS)
def _(t):
    yield t.refuses(peep(ALPHA) + "-i {base}/simple/\nalpha==1.0\n", 2)


@row(6, "a `--hash` line that belongs to nothing")
def _(t):
    yield t.refuses(f"alpha==1.0\n  --hash=sha256:{HEX}\n", 2)


@row(7, "comment and `--hash` disagree", READS_COMMENTS)
def _(t):
    yield t.refuses(peep(ALPHA) + f"alpha==1.0 --hash=sha256:{WRONG}\n", 2)
    yield t.refuses(peep(BETA) + f"alpha==1.0 --hash=sha256:{HEX}\n", 2)


NOT_PEEP = ("countermark", "pip", "uv")


@row(8, "upper-case hex digest", NOT_PEEP)
def _(t):
    yield t.accepts(f"alpha==1.0 --hash=sha256:{HEX.upper()}\n")


@row(9, "truncated or empty digest", NOT_PEEP)
def _(t):
    for value in (HEX[:63], HEX[:62], ""):
        yield t.refuses(f"alpha==1.0 --hash=sha256:{value}\n", 2, asks_nothing=True)


@row(10, "only md5, or only sha1", NOT_PEEP)
def _(t):
    for name in ("md5", "sha1"):
        yield t.refuses(f"alpha==1.0 --hash={name}:{digest(name)}\n", 2)


@row(11, "algorithm in capitals", NOT_PEEP)
def _(t):
    yield t.refuses(f"alpha==1.0 --hash=SHA256:{HEX}\n", 2)


@row(12, "sha512 wrong, sha256 right", NOT_PEEP)
def _(t):
    yield t.refuses(f"alpha==1.0 --hash=sha512:{WRONG * 2} --hash=sha256:{HEX}\n", 1)
    yield t.refuses(f"alpha==1.0 --hash=sha256:{HEX} --hash=sha512:{WRONG * 2}\n", 1)


@row(13, "sha512 right, sha256 wrong", NOT_PEEP)
def _(t):
    right = digest("sha512")
    yield t.refuses(f"alpha==1.0 --hash=sha512:{right} --hash=sha256:{WRONG}\n", 1)
    yield t.refuses(f"alpha==1.0 --hash=sha256:{WRONG} --hash=sha512:{right}\n", 1)


@row(14, "URL `#md5=` right, `--hash` wrong", NOT_PEEP)
def _(t):
    yield t.refuses(f"alpha @ {url()}#md5={digest('md5')} --hash=sha256:{WRONG}\n", 1)


@row(15, "URL `#sha256=` wrong, `--hash` right", NOT_PEEP)
def _(t):
    yield t.refuses(f"alpha @ {url()}#sha256={WRONG} --hash=sha256:{HEX}\n", 2)


@row(16, "`sha256=` in a URL's query", NOT_PEEP)
def _(t):
    yield t.refuses(f"alpha @ {url()}?t=x&sha256={HEX}\n", 1)


@row(17, "one requirement twice, disjoint digests", NOT_PEEP)
def _(t):
    lines = [ALPHA.pin(), f"alpha==1.0 --hash=sha256:{WRONG}\n"]
    yield t.refuses("".join(lines), 2)
    yield t.refuses("".join(reversed(lines)), 2)


@row(18, "`x>=1` with a digest")
def _(t):
    yield t.refuses(line(t, "alpha>=1", HEX), 2)
    for operator in ("==", "==="):
        constraint = {"constraints.txt": f"alpha{operator}1.0\n"}
        yield t.accepts(line(t, "alpha>=1", HEX), files=constraint, more=["-c", "constraints.txt"])


@row(19, "`x==1.*` with a digest")
def _(t):
    yield t.refuses(line(t, "alpha==1.*", HEX), 2)


@row(20, "`x===1.0`; `x==1.0,>=0.5`")
def _(t):
    yield t.accepts(line(t, "alpha===1.0", HEX))
    yield t.accepts(line(t, "alpha==1.0,>=0.5", HEX))


@row(21, "false marker with a wrong digest")
def _(t):
    never = line(t, "alpha==1.0; python_version < '3'", WRONG)
    yield t.accepts(never + pin(t, BETA), installs=[BETA], never_asks="alpha")


@row(22, "BOM, CRLF, a continuation into a comment", NOT_PEEP)
def _(t):
    text = f"alpha==1.0 \\\r\n  --hash=sha256:{HEX} \\\r\n# comment\r\n{BETA.pin()}"
    for prefix in ("", "\ufeff"):
        yield t.accepts(prefix + text, installs=[ALPHA, BETA])


@row(23, "`-rFILE`, `--requirement=FILE`, `-r FILE`")
def _(t):
    for form in (["-rx.txt"], ["--requirement=x.txt"], ["-r", "x.txt"]):
        yield t.accepts("", files={"x.txt": pin(t)}, instead=form)


@row(24, "a name beside `-r`")
def _(t):
    yield t.refuses(pin(t), 2, more=["beta"])


@row(25, "`-c` constraints that carry digests")
def _(t):
    for digest_, right in ((HEX, True), (WRONG, False)):
        files = {"constraints.txt": line(t, "alpha==1.0", digest_)}
        how = {"files": files, "more": ["-c", "constraints.txt"]}
        yield t.accepts("alpha\n", **how) if right else t.refuses("alpha\n", 1, **how)


@row(26, "a setting that weakens checking")
def _(t):
    wrong = line(t, "alpha==1.0", WRONG)
    option = {"uv": "--no-verify-hashes"}.get(t.tool.name, "--trusted-host=127.0.0.1")
    yield t.refuses(wrong, 2, more=[option])
    yield t.refuses(pin(t), 2, more=[option])
    if t.tool.name != "uv":
        yield t.refuses(option + "\n" + pin(t), 2)
    variables = {"PIP_TRUSTED_HOST": "127.0.0.1", "UV_NO_VERIFY_HASHES": "1"}
    yield t.refuses(wrong, 1, variables=variables)
    told = ["trusted", "TRUSTED", "NO_VERIFY_HASHES"]
    yield t.accepts(pin(t), variables=variables, says_one=told)


@row(27, "an empty requirements file")
def _(t):
    yield t.refuses("", 2)
    yield t.refuses("# nothing\n", 2)


#: A verdict: the row cannot be put here.
NOT_TRIED = "not tried"

#: A project that builds without anything else, and says that it did.
PROJECT = {
    "pyproject.toml": (
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        "[project]\nname = 'beta'\nversion = '1.0'\n"
    ),
    "backend.py": f"""
import pathlib
DATA = {BETA.data!r}
def build_wheel(folder, *_):
    (pathlib.Path(folder) / {BETA.filename!r}).write_bytes(DATA)
    return {BETA.filename!r}
build_editable = build_wheel
def get_requires_for_build_wheel(*_):
    return []
get_requires_for_build_editable = get_requires_for_build_wheel
""",
}


def repository(branch):
    """Makes `work/repository`, a git repository with the project on a branch of this name."""

    def prepare(place):
        for name, text in PROJECT.items():
            place.write(f"repository/{name}", text)
        who = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
        try:
            for step in (["init", "-q"], ["checkout", "-q", "-b", branch], ["add", "."], [*who, "commit", "-qm", "x"]):
                subprocess.run(["git", *step], cwd=place.work / "repository", check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return NOT_TRIED
        return None

    return prepare


def branch_line(t, branch):
    link = f"git+file://{{work}}/repository@{branch}"
    return line(t, f"{link}#egg=beta", WRONG) if t.tool.name == "peep" else f"beta @ {link}\n"


@row(28, "a VCS branch among hashed entries")
def _(t):
    text = branch_line(t, "main") + pin(t)
    yield t.refuses(text, 2, prepare=repository("main"))
    wrong = branch_line(t, "main") + line(t, "alpha==1.0", WRONG)
    shown = peep(ALPHA).split()[2] if t.tool.name == "peep" else HEX
    yield t.refuses(wrong, 2, prepare=repository("main"), says=["git", shown])


@row(29, "a VCS branch named like a commit")
def _(t):
    branch = WRONG[:40]
    yield t.refuses(pin(t) + branch_line(t, branch), 2, prepare=repository(branch))


@row(30, "a directory or `-e` in a hashed set")
def _(t):
    files = {f"project/{name}": text for name, text in PROJECT.items()}
    yield t.refuses(pin(t) + "./project\n", 2, files=files)
    yield t.refuses(pin(t) + "-e ./project\n", 2, files=files)


@row(31, "a local wheel without a digest")
def _(t):
    shown = peep(ALPHA).split()[2] if t.tool.name == "peep" else HEX
    files = {ALPHA.filename: ALPHA.data}
    yield t.refuses(f"./{ALPHA.filename}\n", 1, files=files, says=[shown])


@row(32, "URLs from which no name can be derived")
def _(t):
    text = line(t, "{base}/one/main.zip", WRONG) + line(t, "{base}/two", WRONG)
    yield t.refuses(text, 2, says=["one", "two"])


@row(34, "`Content-Disposition: ../../x`")
def _(t):
    name = {"Content-Disposition": 'attachment; filename="../../escaped.whl"'}
    link = f"{url()}#egg=alpha" if t.tool.name == "peep" else f"alpha @ {url()}"
    yield t.refuses(line(t, link, WRONG), 1, index=[File.of(ALPHA, headers=name)])
    yield t.accepts(line(t, link, HEX), index=[File.of(ALPHA, headers=name)])
    yield "a file was written outside" if t.escaped("escaped") else None


@row(35, "a redirect from https to http", NOT_PEEP)
def _(t):
    yield t.redirected_to_http()


@row(36, "truncated body; an HTML page instead")
def _(t):
    for manner in ("truncated", "html"):
        blames = ["DO NOT MATCH", "DIDN'T MATCH", "not the file that was pinned", "Hash mismatch"]
        yield t.refuses(pin(t), 3, index=[File.of(ALPHA, manner=manner)], never_says=blames)


@row(37, "declared size differs from the body", NOT_PEEP)
def _(t):
    for size in (len(ALPHA.data) - 1, len(ALPHA.data) + 1):
        yield t.refuses(pin(t), 1, index=[File.of(ALPHA, size=size)])
        lock = pylock(f"url = '{url()}', size = {size}, hashes = {{sha256 = '{HEX}'}}")
        yield t.refuses_lock(lock, 1)


@row(38, "a body that never ends")
def _(t):
    yield t.refuses(pin(t), 3, index=[File.of(ALPHA, manner="endless")], never_asks="gave up")


@row(39, "an sdist whose digest is wrong")
def _(t):
    data = sdist("alpha", "1.0", f"open({str(t.root / 'ran')!r}, 'w').close()\n")
    file = File("alpha-1.0.tar.gz", data, claims={})
    code = 3 if t.tool.name == "countermark" else 1
    yield t.refuses(line(t, "alpha==1.0", WRONG), code, index=[file])
    yield "the build ran" if (t.root / "ran").exists() else None


@row(40, "a wheel whose digest is wrong")
def _(t):
    other = Wheel("alpha", files={"unpacked_evil.py": b"import os\n"})
    file = File(ALPHA.filename, other.data, claims={})
    yield t.refuses(pin(t), 1, index=[file])
    yield "it was unpacked" if t.escaped("unpacked_evil.py") else None
    # Bytes that cannot be unpacked: who says so before the digest has tried to.
    middle = ALPHA.data.index(b"alpha.py") + 12
    broken = File(ALPHA.filename, ALPHA.data[:middle] + b"\xff" * 8 + ALPHA.data[middle + 8 :], claims={})
    tried = ["extract", "unzip", "zip archive", "deflate", "Bad CRC", "BadZipFile"]
    yield t.refuses(pin(t), 1, index=[broken], never_says=tried)


@row(41, "the index claims the pin, serves other bytes")
def _(t):
    other = Wheel("alpha", files={"evil.py": b"import os\n"})
    file = File(ALPHA.filename, other.data, claims={"sha256": HEX})
    yield t.refuses(pin(t), 1, index=[file])


@row(42, "the index's claim is wrong, the bytes are right")
def _(t):
    file = File.of(ALPHA, claims={"sha256": WRONG})
    yield t.accepts(pin(t), index=[file], says=[WRONG])


@row(44, "a wheel added later to a pinned release")
def _(t):
    newer = Wheel("alpha", files={"newer.py": b""})
    newer.filename = "alpha-1.0-1-py3-none-any.whl"
    yield t.accepts(pin(t), index=[File.of(newer), File.of(ALPHA)], says=[newer.filename])


@row(45, "two indexes, one has the pinned file")
def _(t):
    other = Wheel("alpha", files={"public.py": b""})
    for first, second in (([other], [ALPHA]), ([ALPHA], [other])):
        yield t.accepts_of_two(pin(t), [File.of(one) for one in first], [File.of(one) for one in second])


@row(46, "a dependency that the file does not list")
def _(t):
    needy = Wheel("alpha", requires=["beta>=1"])
    yield t.refuses(pin(t, needy), 1, index=[File.of(needy), File.of(BETA)])
    index = [File.of(needy)]
    yield t.accepts(pin(t, needy), installs=[needy], index=index, more=["--no-deps"])


@row(49, "installed, but its files were changed")
def _(t):
    def change(place):
        (place.site / "alpha.py").write_text("VERSION = 'evil'\n")

    yield t.refuses_again(pin(t), 1, change)


@row(50, "installed, with no record of what it came from", NOT_PEEP)
def _(t):
    def by_hand(place):
        for path, data in Wheel("alpha", files={"alpha.py": b"VERSION = 'who knows'\n"}).members.items():
            (place.site / path).parent.mkdir(exist_ok=True)
            (place.site / path).write_bytes(data)

    more = ["--strict"] if t.tool.name == "countermark" else []
    yield t.refuses(pin(t), 1, prepare=by_hand, more=more)


@row(51, "an unpacked wheel in the cache was altered", NOT_PEEP)
def _(t):
    yield t.installs_altered_cache(pin(t))


@row(54, "RECORD disagrees, or a file is not in it", NOT_PEEP)
def _(t):
    evil = {"hidden.py": b"import os\n"}
    line = record_line("hidden.py", evil["hidden.py"])
    for record in (
        lambda text: text.replace(line, ""),
        lambda text: text.replace(line, record_line("hidden.py", b"other bytes")),
        lambda text: record_line("ghost.py", b"") + text,
    ):
        wheel = Wheel("alpha", files=evil, record=record)
        yield t.refuses(pin(t, wheel), 1, index=[File.of(wheel)])


@row(55, "two members of one name; headers disagree", NOT_PEEP)
def _(t):
    twice = Wheel("alpha")
    twice.data = twice.build(extra=[("alpha.py", b"VERSION = 'second'\n")])
    forged = Wheel("alpha")
    # The local header says another name than the central directory, which comes last.
    forged.data = forged.data.replace(b"alpha.py", b"gamma.py", 1)
    for wheel in (twice, forged):
        yield t.refuses(pin(t, wheel), 1, index=[File.of(wheel)])


@row(56, "a member `../x`, an absolute path, a symlink", NOT_PEEP)
def _(t):
    link = zipfile.ZipInfo("alpha_link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    for extra in (("../escaped.py", b""), (str(t.root / "escaped.py"), b""), (link, b"/etc/passwd")):
        name = extra[0] if isinstance(extra[0], str) else extra[0].filename
        wheel = Wheel("alpha", record=lambda text, at=(name, extra[1]): record_line(*at) + text)
        wheel.data = wheel.build(extra=[extra])
        yield t.refuses(pin(t, wheel), 1, index=[File.of(wheel)])
    yield "a file was written outside" if t.escaped("escaped.py") else None


@row(57, "METADATA of another name or version", NOT_PEEP)
def _(t):
    for name, version in (("beta", "1.0"), ("alpha", "2.0")):
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        wheel = Wheel("alpha", metadata=metadata)
        yield t.refuses(pin(t, wheel), 1, index=[File.of(wheel)])


def pylock(wheel):
    return (
        "lock-version = '1.0'\ncreated-by = 'gauntlet'\n[[packages]]\nname = 'alpha'\n"
        f"version = '1.0'\nwheels = [{{{wheel}}}]\n"
    )


def hashes(**values):
    pairs = ", ".join(f"{name} = '{value}'" for name, value in values.items())
    return pylock(f"url = '{url()}', hashes = {{{pairs}}}")


@row(58, "pylock: only md5", NOT_PEEP)
def _(t):
    yield t.refuses_lock(hashes(md5=digest("md5")), 2)


@row(59, "pylock: md5 right, sha256 wrong", NOT_PEEP)
def _(t):
    yield t.refuses_lock(hashes(md5=digest("md5"), sha256=WRONG), 1)
    yield t.refuses_lock(hashes(md5=WRONG[:32], sha256=HEX), 1)


@row(60, "pylock: unknown algorithm, or empty `hashes`", NOT_PEEP)
def _(t):
    yield t.refuses_lock(hashes(), 2)
    yield t.refuses_lock(hashes(crc32="12345678"), 2)


@row(62, "pylock: `lock-version = \"2.0\"`", NOT_PEEP)
def _(t):
    yield t.refuses_lock(hashes(sha256=HEX).replace("'1.0'", "'2.0'", 1), 2)


@row(68, "`hash a missing-file b`", ("countermark", "pip", "peep"))
def _(t):
    files = {ALPHA.filename: ALPHA.data, BETA.filename: BETA.data}
    shown = [peep(wheel).split()[2] if t.tool.name == "peep" else wheel.digest for wheel in (ALPHA, BETA)]
    arguments = ["hash", ALPHA.filename, "missing-file", BETA.filename]
    yield t.runs(arguments, 1, files=files, says=shown, never_says=["Traceback"])


@row(69, "`port` with one malformed digest", READS_COMMENTS)
def _(t):
    text = peep(ALPHA) + "alpha==1.0\n# sha256: qqqq\ngamma==1.0\n" + peep(BETA) + "beta==1.0\n"
    yield t.runs(["port", "r.txt"], 2, files={"r.txt": text}, says=[HEX, BETA.digest], never_says=["Traceback"])


@row(70, "`port` of a URL without a digest", READS_COMMENTS)
def _(t):
    link = "https://localhost:1/alpha-1.0-py3-none-any.whl#egg=alpha"
    yield t.runs(["port", "r.txt"], 0, files={"r.txt": link + "\n"}, says=[link])
