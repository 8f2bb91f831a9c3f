"""Faults planted into copies of a snapshot, each found by the name of its rule.

Chooses its projects by their facts, not by name: the first that has what a fault needs.
"""

import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import zipfile


def run(program, records, work):
    """Plants each fault and says what was found. False when one was not."""
    good = True
    for plant in (other_bytes, other_commit, late_file, swapped_role, bad_signature):
        folder = work / f"planted-{plant.__name__}"
        shutil.copytree(records, folder, symlinks=True)
        outcome = plant(program, folder)
        if outcome is None:
            print(f"planted {plant.__name__.replace('_', ' ')}: not tried, the program has no OpenPGP "
                  "or there is no gpg")
            continue
        rule, project, found = outcome
        here = [one for one in found if one["rule"] == rule and one["projects"] == [project]
                and not one["explained"]]
        severity = here[0]["severity"] if here else "NOT FOUND"
        print(f"planted {plant.__name__.replace('_', ' ')}: {rule} on {project}: {severity}")
        good &= bool(here)
    return good


def snapshot(folder):
    path = folder / "index-snapshot.jsonl"
    return path, [json.loads(line) for line in path.read_text().splitlines()]


def write(path, projects):
    path.write_text("".join(json.dumps(project) + "\n" for project in projects))


def findings(program, folder, *options):
    command = [program, "audit", "--isolated", "--cache-dir", folder / "cache", "--format", "json",
               "--replay", "index-snapshot.jsonl", *options]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if result.returncode not in (0, 1):
        raise SystemExit(result.stderr)
    return json.loads(result.stdout)["findings"]


def official(folder):
    """A project with its newest release that a person labelled as official and that has both files."""
    labels = [json.loads(line) for line in (folder / "labelled-releases.jsonl").read_text().splitlines()]
    wanted = {}
    for label in labels:
        if label["cls"] == "OFFICIAL" and label.get("files") == "sdist+wheel":
            wanted[label["pkg"]] = label["version"]
    _, projects = snapshot(folder)
    for project in projects:
        roles = {account for _, account in project.get("roles") or []}
        if project["pkg"] in wanted and len(roles) == 1:
            return project["pkg"], wanted[project["pkg"]]
    raise SystemExit("no project of the snapshot has an official release with two files")


def sdist_of(project, version):
    return next(file for file in project["files"][version] if file[1] == "sdist")


def host_entry(folder, host, more=""):
    (folder / "federation.toml").write_text(
        '[[records]]\nkind = "openstack-releases"\npath = "."\n\n'
        f'[[records]]\nkind = "artifact-host"\npath = "{host}"\n{more}')


def other_bytes(program, folder):
    name, version = official(folder)
    _, projects = snapshot(folder)
    project = next(one for one in projects if one["pkg"] == name)
    host = folder / "host"
    host.mkdir()
    (host / sdist_of(project, version)[0]).write_bytes(b"these are other bytes than the index has")
    host_entry(folder, "host")
    return "digest-differs", name, findings(program, folder)


def other_commit(program, folder):
    name, version = official(folder)
    path, projects = snapshot(folder)
    project = next(one for one in projects if one["pkg"] == name)
    wheel = next(file for file in project["files"][version] if file[1] == "bdist_wheel")
    stem = "-".join(wheel[0].split("-")[:2])
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        base = f"{stem}.dist-info"
        archive.writestr(f"{base}/METADATA",
                         f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n")
        archive.writestr(f"{base}/WHEEL", "Wheel-Version: 1.0\nGenerator: made\n"
                         "Root-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{base}/pbr.json", json.dumps({"git_version": "badc0de", "is_release": True}))
        archive.writestr(f"{base}/RECORD", "")
    artifacts = folder / "artifacts"
    artifacts.mkdir()
    (artifacts / wheel[0]).write_bytes(data.getvalue())
    wheel[2], wheel[4] = len(data.getvalue()), hashlib.sha256(data.getvalue()).hexdigest()
    write(path, projects)
    return "commit-differs", name, findings(program, folder, "--artifacts", "artifacts")


def late_file(program, folder):
    name, version = official(folder)
    path, projects = snapshot(folder)
    project = next(one for one in projects if one["pkg"] == name)
    first = project["files"][version][0]
    day = first[3][:10].split("-")
    late = f"{day[0]}-{day[1]}-{min(int(day[2]) + 7, 28):02}" if int(day[2]) <= 21 else None
    late = late or (f"{day[0]}-{int(day[1]) + 1:02}-05" if int(day[1]) < 12 else f"{int(day[0]) + 1}-01-05")
    added = first[0].split("-")[0] + f"-{version}-cp312-cp312-manylinux_2_28_x86_64.whl"
    project["files"][version].append([added, "bdist_wheel", 1000, f"{late}T{first[3][11:]}", "0" * 64, False])
    write(path, projects)
    return "late-file", name, findings(program, folder)


def swapped_role(program, folder):
    name, _ = official(folder)
    path, projects = snapshot(folder)
    shutil.copy(path, folder / "before.jsonl")
    project = next(one for one in projects if one["pkg"] == name)
    project["roles"] = [["Owner", "somebody-else"]]
    write(path, projects)
    return "role-change", name, findings(program, folder, "--previous", "before.jsonl")


def bad_signature(program, folder):
    if shutil.which("gpg") is None or not has_openpgp(program):
        return None
    name, version = official(folder)
    _, projects = snapshot(folder)
    project = next(one for one in projects if one["pkg"] == name)
    host = folder / "host"
    host.mkdir()
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--batch", "--quiet", "--homedir", home, "--pinentry-mode", "loopback",
           "--passphrase", ""]
    subprocess.run([*gpg, "--quick-generate-key", "a release key <releases@example.org>", "ed25519",
                    "sign"], check=True, capture_output=True)
    (folder / "key.asc").write_bytes(
        subprocess.run([*gpg, "--armor", "--export"], check=True, capture_output=True).stdout)
    filename = sdist_of(project, version)[0]
    (host / filename).write_bytes(b"what was signed")
    subprocess.run([*gpg, "--armor", "--detach-sign", host / filename], check=True, capture_output=True)
    (host / filename).write_bytes(b"what lies there now")
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, capture_output=True)
    host_entry(folder, "host", 'keys = "key.asc"\n')
    return "bad-signature", name, findings(program, folder)


def has_openpgp(program):
    result = subprocess.run([program, "--version"], capture_output=True, text=True)
    return "openpgp" in result.stdout or "openpgp" in str(pathlib.Path(program))
