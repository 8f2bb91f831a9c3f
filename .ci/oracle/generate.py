"""Writes what the `packaging` library says about generated and real inputs, as JSON lines.

Usage: python generate.py [--seed N] [--scale N] [requirements file ...] > expected.jsonl

The lines are read by `crates/packaging/examples/oracle.rs`, which compares them with what this
project says. Real inputs come from the requirements files given and from the metadata of the
distributions that are installed beside this script's interpreter.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import importlib.metadata
import io
import json
import os
import random
import re
import string
import sys
from unittest import mock

from packaging import _manylinux, _musllinux, metadata, tags, utils
from packaging import __version__ as packaging_version
from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

NAMES = ["flask", "Flask", "zope.interface", "a", "A-b_c", "oslo.db", "x1", "7z", "ruamel.yaml.clib"]
EXTRAS = ["test", "Test", "dev-tools", "dev_tools", "async", "s3", "A.b"]
ENVIRONMENTS = [
    {
        "implementation_name": "cpython", "implementation_version": "3.11.7", "os_name": "posix",
        "platform_machine": "x86_64", "platform_python_implementation": "CPython",
        "platform_release": "6.1.0-18-amd64", "platform_system": "Linux",
        "platform_version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1",
        "python_full_version": "3.11.7", "python_version": "3.11", "sys_platform": "linux",
    },
    {
        "implementation_name": "cpython", "implementation_version": "3.14.0rc1", "os_name": "nt",
        "platform_machine": "AMD64", "platform_python_implementation": "CPython",
        "platform_release": "10", "platform_system": "Windows", "platform_version": "10.0.19045",
        "python_full_version": "3.14.0rc1+", "python_version": "3.14", "sys_platform": "win32",
    },
    {
        "implementation_name": "pypy", "implementation_version": "7.3.13", "os_name": "posix",
        "platform_machine": "arm64", "platform_python_implementation": "PyPy",
        "platform_release": "23.1.0", "platform_system": "Darwin",
        "platform_version": "Darwin Kernel Version 23.1.0", "python_full_version": "3.8.16",
        "python_version": "3.8", "sys_platform": "darwin",
    },
    {
        "implementation_name": "", "implementation_version": "0", "os_name": "",
        "platform_machine": "", "platform_python_implementation": "", "platform_release": "",
        "platform_system": "", "platform_version": "", "python_full_version": "2.7.18",
        "python_version": "2.7", "sys_platform": "linux2",
    },
]
VERSION_VARIABLES = ["python_version", "python_full_version", "implementation_version", "platform_release"]
TEXT_VARIABLES = [
    "os_name", "sys_platform", "platform_machine", "platform_system", "platform_version",
    "platform_python_implementation", "implementation_name", "os.name", "sys.platform",
    "platform.version", "platform.machine", "platform.python_implementation",
    "python_implementation",
]
TEXTS = ["posix", "nt", "linux", "win32", "darwin", "CPython", "PyPy", "Linux", "x86_64", "", "linux2", "#1 SMP"]
OPERATORS = ["==", "!=", "<=", ">=", "<", ">", "~=", "===", "in", "not in"]
BASES = ["1.0", "1", "1.1", "2.0.0", "1.0.0", "0.9", "1!1.0", "2024.1", "0", "3.11", "1.0.1", "10.2"]


class Generator:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, items):
        return self.random.choice(items)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def number(self) -> str:
        return self.pick(["0", "1", "2", "3", "10", "11", "00", "01", "20240101", str(self.random.randrange(50))])

    def version(self, odd: float = 0.15) -> str:
        """A version, now and then in an unusual spelling or none at all."""
        separator = lambda: self.pick(["", ".", "-", "_"]) if self.chance(odd) else ""
        text = self.number() + "!" if self.chance(0.08) else ""
        if self.chance(0.6):
            text += self.pick(BASES[:6] + BASES[7:])
        else:
            text += ".".join(self.number() for _ in range(self.random.randrange(1, 5)))
        if self.chance(0.3):
            letter = self.pick(["a", "b", "rc", "alpha", "beta", "c", "pre", "preview", "RC"])
            text += separator() + letter + separator() + self.pick(["", "0", "1", "2", "01"])
        if self.chance(0.2):
            text += self.pick([".post1", "-1", ".post", ".post0", "post2", ".rev3", "-r4", ".post1"])
        if self.chance(0.2):
            text += self.pick([".dev0", ".dev1", "dev", "-dev2", ".dev", "_dev03"])
        if self.chance(0.15):
            text += "+" + self.pick(["x", "1", "local.1", "UBUNTU-1", "a_b", "1.2.3", "01", "abc", "1a"])
        if self.chance(odd):
            text = self.pick(["v" + text, "V" + text, " " + text, text + " ", text.upper(), "\t" + text + "\n"])
        return self.mutated(text) if self.chance(odd / 2) else text

    def mutated(self, text: str) -> str:
        """The text with one character taken out, put in or replaced."""
        at = self.random.randrange(len(text) + 1)
        alphabet = string.ascii_lowercase[:6] + "019.-_+!*=<>~,;()[]@'\" \t#\\/é٣"
        kind = self.random.randrange(3)
        if kind == 0 and text:
            return text[:at] + text[at + 1 :]
        if kind == 1:
            return text[:at] + self.pick(alphabet) + text[at:]
        return text[:at] + self.pick(alphabet) + text[at + 1 :]

    def specifier(self, odd: float = 0.1) -> str:
        operator = self.pick(["==", "==", "!=", "<=", ">=", "<", ">", "~=", "===", "=="])
        version = self.version(odd)
        if operator in ("==", "!=") and self.chance(0.3):
            version = self.pick(BASES) + ".*"
        elif self.chance(odd / 4):
            version += ".*"
        return operator + self.pick(["", " ", ""]) + version

    def specifiers(self, odd: float = 0.1) -> str:
        parts = [self.specifier(odd) for _ in range(self.pick([0, 1, 1, 1, 2, 2, 3]))]
        text = self.pick([",", ", ", " , "]).join(parts)
        return text + "," if self.chance(odd / 3) else text

    def quoted(self, text: str) -> str:
        quote = self.pick(["'", '"'])
        return quote + text + quote

    def comparison(self) -> str:
        space = self.pick([" ", " ", "", "  ", "\t"])
        kind = self.random.random()
        if kind < 0.45:
            variable, value = self.pick(VERSION_VARIABLES), self.pick(
                ["3.8", "3.11", "3", "3.*", "3.11.7", "2.7", "3.14.0rc1", "3.14.0rc1+local", "10", "7.3.13", "three",
                 "", "3.8, 3.11", "6.1.0-18-amd64", " 3.8 ", self.version(0)])
        elif kind < 0.8:
            variable, value = self.pick(TEXT_VARIABLES), self.pick(TEXTS)
        else:
            variable, value = "extra", self.pick([*EXTRAS, ""])
        operator = self.pick(OPERATORS if variable != "extra" else ["==", "==", "==", "!=", "in", "<"])
        if operator in ("in", "not in"):
            space = " "
        pair = [variable, self.quoted(value)]
        if self.chance(0.2):
            pair.reverse()
        return f"{pair[0]}{space}{operator}{space}{pair[1]}"

    def marker(self, depth: int = 0) -> str:
        kind = self.random.random()
        if depth > 3 or kind < 0.5:
            return self.comparison()
        if kind < 0.65:
            return f"({self.marker(depth + 1)})"
        word = self.pick(["and", "or"])
        return f"{self.marker(depth + 1)} {word} {self.marker(depth + 1)}"

    def requirement(self) -> str:
        text = self.pick(NAMES)
        if self.chance(0.25):
            extras = [self.pick(EXTRAS) for _ in range(self.random.randrange(3))]
            text += self.pick(["[", " [ "]) + self.pick([",", " , "]).join(extras) + "]"
        if self.chance(0.15):
            text += self.pick([" @ ", "@", " @"]) + self.pick(
                ["https://h/a.whl", "file:///x/y.whl#sha256=00", "git+https://h/x@v1", "https://h/;x"])
            tail = self.pick([" ; ", " ;", "\t; "])
        else:
            specifiers = self.specifiers(0.05)
            text += self.pick(["", " "]) + (f"({specifiers})" if self.chance(0.15) else specifiers)
            tail = self.pick([";", "; ", " ; "])
        if self.chance(0.4):
            text += tail + self.marker()
        return self.mutated(text) if self.chance(0.25) else text

    def wheel(self) -> str:
        name = self.pick(["flask", "Zope.Interface", "a_b", "a__b", "a-b", "x1", "é", "_a", "a_", "A.B"])
        build = self.pick(["", "", "", "-1", "-1abc", "-x1", "-02_b", "-"])
        python = self.pick(["py3", "py2.py3", "cp311", "CP39", "cp38.cp39", "3py", "", "py3.", "pp310"])
        abi = self.pick(["none", "cp311", "abi3", "cp311d.cp311", "ABI3", ""])
        platform = self.pick(["any", "linux_x86_64", "manylinux_2_17_x86_64.manylinux2014_x86_64", "win32", "Any", "x-y"])
        text = f"{name}-{self.version(0.1)}{build}-{python}-{abi}-{platform}.whl"
        return self.mutated(text) if self.chance(0.1) else text

    def sdist(self) -> str:
        name = self.pick(["flask", "a-b", "zope.interface", "a_b", "", "é", "_a", "A--B"])
        ending = self.pick([".tar.gz", ".tar.gz", ".zip", ".tar.bz2", ".TAR.GZ", ""])
        text = f"{name}-{self.version(0.1)}{ending}"
        return self.mutated(text) if self.chance(0.1) else text


def specifier_list(specifiers: SpecifierSet) -> list[str]:
    """Operator and normalised version of each clause, sorted."""
    found = set()
    for specifier in specifiers:
        text = specifier.version
        if specifier.operator != "===":
            star = ".*" if text.endswith(".*") else ""
            text = str(Version(text.removesuffix(".*"))) + star
        found.add(specifier.operator + text)
    return sorted(found)


def attempt(function, errors):
    try:
        return function()
    except errors:
        return None


def version_line(text: str):
    version = attempt(lambda: Version(text), InvalidVersion)
    return {"kind": "version", "input": text, "expect": None if version is None else str(version)}


def order_line(left: str, right: str):
    first, second = Version(left), Version(right)
    return {"kind": "order", "input": left, "other": right, "expect": (first > second) - (first < second)}


def specifiers_line(text: str):
    found = attempt(lambda: specifier_list(SpecifierSet(text)), InvalidSpecifier)
    return {"kind": "specifiers", "input": text, "expect": found}


def contains_line(text: str, version: str):
    found = SpecifierSet(text).contains(Version(version), prereleases=True)
    return {"kind": "contains", "input": text, "other": version, "expect": found}


def requirement_line(text: str):
    found = attempt(lambda: Requirement(text), InvalidRequirement)
    expect = found and {
        "name": utils.canonicalize_name(found.name),
        "extras": sorted({utils.canonicalize_name(extra) for extra in found.extras}),
        "specifiers": specifier_list(found.specifier),
        "url": found.url,
        "marker": found.marker and str(found.marker),
    }
    return {"kind": "requirement", "input": text, "expect": expect}


def marker_line(text: str, environment: int, extra: str):
    expect: object
    try:
        marker = Marker(text)
        expect = marker.evaluate({**ENVIRONMENTS[environment], "extra": extra})
    except InvalidMarker:
        expect = "invalid"
    except (UndefinedComparison, UndefinedEnvironmentName):
        expect = "undefined"
    return {"kind": "marker", "input": text, "environment": ENVIRONMENTS[environment], "extra": extra, "expect": expect}


def lock_marker_line(text: str, environment: int, extras: list[str], groups: list[str]):
    values = {**ENVIRONMENTS[environment], "extras": set(extras), "dependency_groups": set(groups)}
    try:
        expect: object = Marker(text).evaluate(values, context="lock_file")
    except InvalidMarker:
        expect = "invalid"
    except (UndefinedComparison, UndefinedEnvironmentName):
        expect = "undefined"
    return {"kind": "lock-marker", "input": text, "environment": ENVIRONMENTS[environment],
            "extras": extras, "groups": groups, "expect": expect}


def wheel_line(text: str):
    found = attempt(lambda: utils.parse_wheel_filename(text), utils.InvalidWheelFilename)
    expect = found and {
        "name": found[0],
        "version": str(found[1]),
        "build": list(found[2]),
        "tags": sorted(map(str, found[3])),
    }
    return {"kind": "wheel", "input": text, "expect": expect}


def sdist_line(text: str):
    found = attempt(lambda: utils.parse_sdist_filename(text), utils.InvalidSdistFilename)
    expect = found and {"name": found[0], "version": str(found[1])}
    return {"kind": "sdist", "input": text, "expect": expect}


def name_line(text: str):
    found = attempt(lambda: utils.canonicalize_name(text, validate=True), utils.InvalidName)
    return {"kind": "name", "input": text, "expect": found}


def metadata_line(raw: bytes):
    found, _ = metadata.parse_email(raw)
    expect = {
        "name": utils.canonicalize_name(found["name"]),
        "version": str(Version(found["version"])),
        "requires": [requirement_line(text)["expect"] for text in found.get("requires_dist", [])],
        "python": specifier_list(SpecifierSet(found.get("requires_python", ""))),
        "extras": sorted({utils.canonicalize_name(extra) for extra in found.get("provides_extra", [])}),
    }
    return {"kind": "metadata", "input": base64.b64encode(raw).decode(), "expect": expect}


def linux(arch: str, glibc: tuple[int, int] | None, musl: tuple[int, int] | None) -> list[str]:
    with (
        mock.patch.object(tags.sysconfig, "get_platform", lambda: f"linux-{arch}"),
        mock.patch.object(_manylinux, "_have_compatible_abi", lambda _, archs: any(
            arch in _manylinux._ALLOWED_ARCHS | {"i686", "armv7l"} for arch in archs)),
        mock.patch.object(_manylinux, "_get_glibc_version", lambda: glibc and _manylinux._GLibCVersion(*glibc) or (-1, -1)),
        mock.patch.object(_manylinux, "_get_manylinux_module", lambda: None),
        mock.patch.object(_musllinux, "_get_musl_version", lambda _: musl and _musllinux._MuslVersion(*musl)),
    ):
        return list(tags._linux_platforms(is_32bit=False))


def platforms():
    for arch in ["x86_64", "i686", "aarch64", "armv7l", "armv8l", "ppc64le", "s390x", "riscv64", "mips64"]:
        for minor in [5, 12, 17, 28, 36, 41]:
            yield {"system": "glibc", "arch": arch, "version": [2, minor]}, linux(arch, (2, minor), None)
        yield {"system": "glibc", "arch": arch, "version": [3, 2]}, linux(arch, (3, 2), None)
        for minor in [1, 2, 5]:
            yield {"system": "musl", "arch": arch, "version": [1, minor]}, linux(arch, None, (1, minor))
    for arch in ["x86_64", "arm64", "i386", "ppc64", "ppc", "intel"]:
        for version in [(10, 3), (10, 4), (10, 6), (10, 9), (10, 15), (11, 0), (12, 3), (14, 0), (26, 1)]:
            yield {"system": "macos", "arch": arch, "version": list(version)}, list(tags.mac_platforms(version, arch))
    for arch, tag in [("amd64", "win_amd64"), ("arm64", "win_arm64"), ("x86", "win32")]:
        yield {"system": "windows", "arch": arch, "version": [0, 0]}, [tag]


def tag_lines():
    interpreters = []
    for minor in [2, 7, 8, 9, 11, 12, 13, 14, 15]:
        interpreters.append(("cp", (3, minor), [f"cp3{minor}"]))
        interpreters.append(("cp", (3, minor), [f"cp3{minor}d", f"cp3{minor}"]))
    for minor in [13, 14]:
        interpreters.append(("cp", (3, minor), [f"cp3{minor}t"]))
        interpreters.append(("cp", (3, minor), [f"cp3{minor}td", f"cp3{minor}t"]))
    interpreters += [
        ("cp", (2, 7), ["cp27mu"]), ("cp", (3, 11), []), ("cp", (3, 11), ["abi3", "cp311", "none"]),
        ("pp", (3, 10), ["pypy310_pp73"]), ("graalpy", (3, 11), ["graalpy240_311_native"]), ("ip", (3, 4), []),
    ]
    for platform, expected in platforms():
        yield {"kind": "platforms", "input": json.dumps(platform), "platform": platform, "expect": expected}
        for name, version, abis in interpreters:
            found = [*tags.cpython_tags(version, abis, expected)] if name == "cp" else [
                *tags.generic_tags(f"{name}{version[0]}{version[1]}", list(abis), expected)]
            interpreter = {"cp": f"cp{version[0]}{version[1]}", "pp": "pp3"}.get(name)
            if expected:
                found += tags.compatible_tags(version, interpreter, expected)
            # Some lists have a tag twice; the first one counts.
            yield {"kind": "tags", "input": f"{name} {version} {abis} {json.dumps(platform)}", "platform": platform,
                   "implementation": name, "version": list(version), "abis": abis,
                   "expect": list(dict.fromkeys(map(str, found)))} if expected else None
    yield {"kind": "tags", "input": "the interpreter that runs the oracle", "platform": None,
           "platforms": list(tags.platform_tags()), "implementation": tags.interpreter_name(),
           "version": list(sys.version_info[:2]), "abis": tags._cpython_abis(sys.version_info[:2]),
           "expect": list(dict.fromkeys(map(str, tags.sys_tags())))}


def real_lines(paths: list[str]):
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                text = re.split(r"\s(?:#|--|\\)", line)[0].strip()
                if text and not text.startswith(("-", "#")):
                    yield requirement_line(text)
    for distribution in importlib.metadata.distributions():
        text = distribution.read_text("METADATA")
        if text is None:
            continue
        yield metadata_line(text.encode())
        for requirement in distribution.requires or []:
            yield requirement_line(requirement)
            marker = Requirement(requirement).marker
            for environment in range(len(ENVIRONMENTS) if marker else 0):
                yield marker_line(str(marker), environment, "")


def fixed_lines():
    """Inputs that chance would hardly find."""
    for text in ["99999999999999999999", "1.99999999999999999999", "18446744073709551615", "1.0+99999999999999999999",
                 "1.0a99999999999999999999", "", "1.0.", "1..0", "1.0.*", "٣", "1.0+", "v", "1!", "1.0-1-1", "1.0post1post2"]:
        yield version_line(text)
    for text in ["a===", "a===;os_name=='x'", "a==", "a;", "a[", "a@", "a @", "a @ b c", "a[x]@b;c", "a (>=1", "a >=1)", "a()",
                 "a(,)", "a,", "a>=1,,<2", "a[,]", "a[x,]", "a[x y]", "a~=1", "a>=1.*", "a==1.*.*", "a<1+x", "a==1.0a1.*", "a!=1.0+x.*",
                 "a ; python_version", "a ; extra == 'x' y", "a ; ()", "a ; os_name == 'x' and", "a ; not os_name == 'x'",
                 "a ; os_name not  in 'x'", "a ; os_name notin 'x'", "a; (os_name == 'x'", "a; os_name == \"x'"]:
        yield requirement_line(text)
    for text in ["", ",", ">=1,", ",>=1", ">=1 <2", ">=1;", "1.0", "=1.0", "=>1", "~=1", "~=1.0.*", "===x y", "===", "==1.0+x", ">1.0+x"]:
        yield specifiers_line(text)
    for depth in [1, 5, 60]:
        yield marker_line("(" * depth + "os_name == 'posix'" + ")" * depth, 0, "")


def file_line(text: str):
    """What pip reads in a requirements file: the requirements with their options."""
    from pip._internal.req import req_file

    def read():
        lines = req_file.RequirementsFileParser(None, req_file.get_line_parser(None))
        with mock.patch.object(req_file, "get_file_content", lambda *_, **__: ("f", text)):
            return [
                [line.requirement, sorted(f"{name}:{digest}" for name, digests in (line.opts.hashes or {}).items() for digest in digests)]
                for line in lines.parse("f", constraint=False) if line.requirement is not None
            ]

    # optparse prints what it does not understand.
    with mock.patch.dict(os.environ, {"TOKEN": "value"}), contextlib.redirect_stderr(io.StringIO()):
        found = attempt(read, Exception)
    return {"kind": "file", "input": text, "expect": found}


def file_lines(g: Generator, count: int):
    """Files of a few lines, put together of pieces that meet each other in every way."""
    digests = ["--hash=sha256:" + letter * 64 for letter in "abc"] + ["--hash sha256:" + "D" * 64]
    for _ in range(count):
        text, name = "", 0
        for _ in range(g.random.randrange(1, 14)):
            kind = g.random.random()
            if kind < 0.25:
                name += 1
                text += g.pick([f"x{name}==1", f"x{name} == 1", f"  x{name}==1", f"x{name}==1;os_name!='z'", f"x{name}"])
            elif kind < 0.45:
                text += g.pick([" ", "  ", "\t", " "]) + g.pick(digests)
            elif kind < 0.6:
                text += g.pick(["\\\n", " \\\n", " \\\r\n", "\\\\\n", "\\"])
            elif kind < 0.85:
                text += g.pick(["\n", "\r\n", "\n\n", "\n", "\r"])
            else:
                text += g.pick(["# c", " # c", "#", " # c \\", "--pre", "\n--no-index", " '", ' "', "${TOKEN}", "\x0c", "\u2028", "\\ "])
        yield file_line(text)


def all_lines(scale: int, seed: int, paths: list[str]):
    g = Generator(seed)
    for _ in range(8 * scale):
        yield version_line(g.version())
    versions = [text for text in (g.version(0.05) for _ in range(4 * scale)) if attempt(lambda: Version(text), InvalidVersion)]
    for _ in range(10 * scale):
        yield order_line(g.pick(versions), g.pick(versions))
    for _ in range(6 * scale):
        yield specifiers_line(g.mutated(g.specifiers()) if g.chance(0.2) else g.specifiers())
    for _ in range(20 * scale):
        text = g.specifiers(0)
        if attempt(lambda: SpecifierSet(text), InvalidSpecifier) is not None:
            yield contains_line(text, g.pick(versions) if g.chance(0.7) else g.near(text))
    for _ in range(10 * scale):
        yield requirement_line(g.requirement())
    for _ in range(12 * scale):
        text = g.marker()
        text = g.mutated(text) if g.chance(0.15) else text
        yield marker_line(text, g.random.randrange(len(ENVIRONMENTS)), g.pick(["", "test", "dev-tools", "A.b"]))
    for _ in range(2 * scale):
        text = " and ".join(g.pick([
            f"{g.quoted(g.pick(EXTRAS))} {g.pick(['in', 'not in'])} extras",
            f"{g.quoted(g.pick(EXTRAS))} {g.pick(['in', 'not in'])} dependency_groups",
            g.comparison(),
        ]) for _ in range(2))
        yield lock_marker_line(text, 0, [g.pick(EXTRAS)], [g.pick(EXTRAS), g.pick(EXTRAS)])
    for _ in range(4 * scale):
        yield wheel_line(g.wheel())
        yield sdist_line(g.sdist())
    for _ in range(2 * scale):
        yield name_line(g.mutated(g.pick(NAMES)))
    yield from file_lines(g, 4 * scale)
    yield from fixed_lines()
    yield from tag_lines()
    yield from real_lines(paths)


def near(self: Generator, specifiers: str) -> str:
    """A version beside one that the specifiers name: the same, a pre-release, a local version."""
    found = re.findall(r"[0-9!]+(?:\.[0-9]+)*(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?", specifiers)
    found = [text for text in found if attempt(lambda: Version(text), InvalidVersion)]
    if not found:
        return "1.0"
    text = self.pick(found) + self.pick(["", "a1", ".post1", ".dev0", ".dev1", "+x", ".0", ".1", "rc1", ".post0.dev1", ".post2"])
    return text if attempt(lambda: Version(text), InvalidVersion) else found[0]


Generator.near = near


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--scale", type=int, default=1000, help="about 84 lines each")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    print(json.dumps({"kind": "about", "input": f"packaging {packaging_version}, seed {arguments.seed}"}))
    for line in all_lines(arguments.scale, arguments.seed, arguments.files):
        if line is not None:
            print(json.dumps(line))


if __name__ == "__main__":
    main()
