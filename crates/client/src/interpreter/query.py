# Prints what countermark has to know about the interpreter that runs this, as one JSON object.
#
# Run with -I -S -B: no site module, so no .pth file, no sitecustomize and no user folder is looked
# at; only the standard library of the installation that the executable belongs to is imported.
# Everything that needs judgement (tags, ABIs, layouts of other prefixes) is left to the reader.
import json
import os
import sys

if sys.version_info < (3, 8):
    json.dump({"too_old": "%d.%d" % sys.version_info[:2]}, sys.stdout)
    sys.exit(0)

import importlib.util
import platform
import sysconfig

# Stands for a prefix that is not known yet.
PREFIX = "/@prefix@"


def full_version(info):
    text = "%d.%d.%d" % (info.major, info.minor, info.micro)
    if info.releaselevel != "final":
        text += info.releaselevel[0] + str(info.serial)
    return text


def paths(scheme, variables):
    found = sysconfig.get_paths(scheme, vars=dict.fromkeys(variables, PREFIX))
    return {
        "purelib": found["purelib"],
        "platlib": found["platlib"],
        "scripts": found["scripts"],
        "headers": found["include"],
        "data": found["data"],
    }


def scheme_of_prefix():
    if hasattr(sysconfig, "get_preferred_scheme"):
        return sysconfig.get_preferred_scheme("prefix")
    names = sysconfig.get_scheme_names()
    for name in (sys.implementation.name + "_" + os.name, sys.implementation.name):
        if name in names:
            return name
    return os.name + "_prefix" if os.name + "_prefix" in names else os.name


def libc():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):
        return None


def files_behind_the_answer():
    # When one of these is another file, the answer may be another one.
    found = {sys.executable, os.path.realpath(sys.executable), sysconfig.__file__}
    for name, module in list(sys.modules.items()):
        if name.startswith("_sysconfigdata"):
            found.add(module.__file__)
    try:
        with open("/proc/self/maps") as maps:
            for line in maps:
                path = line.rstrip("\n").partition("/")[2]
                name = path.rpartition("/")[2]
                if name.startswith(("libc.so", "libc-", "ld-musl", "libpython")):
                    found.add("/" + path)
    except OSError:
        pass
    return sorted(path for path in found if path)


own = scheme_of_prefix()
other = "posix_prefix" if own in ("posix_local", "osx_framework_library") else own
venv = "venv" if "venv" in sysconfig.get_scheme_names() else other
home = ("installed_base", "base", "installed_platbase", "platbase", "prefix", "exec_prefix")

json.dump(
    {
        "version": list(sys.version_info),
        "implementation": sys.implementation.name,
        "markers": {
            "implementation_name": sys.implementation.name,
            "implementation_version": full_version(sys.implementation.version),
            "os_name": os.name,
            "platform_machine": platform.machine(),
            "platform_python_implementation": platform.python_implementation(),
            "platform_release": platform.release(),
            "platform_system": platform.system(),
            "platform_version": platform.version(),
            "python_full_version": platform.python_version(),
            "python_version": ".".join(platform.python_version_tuple()[:2]),
            "sys_platform": sys.platform,
        },
        "platform": sysconfig.get_platform(),
        "macos_version": platform.mac_ver()[0],
        "is_64bit": sys.maxsize > 2**32,
        "libc": libc(),
        "ext_suffix": sysconfig.get_config_var("EXT_SUFFIX"),
        "version_nodot": sysconfig.get_config_var("py_version_nodot"),
        "is_debug": bool(sysconfig.get_config_var("Py_DEBUG")),
        "is_free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "cache_tag": sys.implementation.cache_tag,
        "magic": importlib.util.MAGIC_NUMBER.hex(),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "stdlib": sysconfig.get_path("stdlib"),
        "own": paths(own, ()),
        "of_venv": paths(venv, ("base", "platbase")),
        "of_prefix": paths(other, home),
        "files": files_behind_the_answer(),
    },
    sys.stdout,
)
