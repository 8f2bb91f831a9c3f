//! From what an interpreter says to the tags it supports, as `packaging.tags.sys_tags` computes
//! them inside the interpreter (platform compatibility tags; PEP 425, 600, 656).
//!
//! Off-spec: a `_manylinux` module in the environment is not asked (PEP 600 allows it to veto
//! tags), because nothing in the environment may run while we look at it.

use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::tags::{
    InterpreterTags, Libc, cpython_abis, linux_platforms, macos_platforms, windows_platforms,
};

use super::facts::{Facts, Markers};
use super::libc::parse_version;

/// The tags of the interpreter that gave these facts.
pub(crate) fn interpreter_tags(facts: &Facts) -> InterpreterTags {
    let version = (facts.version.0, facts.version.1);
    let implementation = short_name(&facts.implementation).to_owned();
    let abis = if implementation == "cp" {
        cpython_abis(version, facts.is_free_threaded, facts.is_debug)
    } else {
        facts.ext_suffix.as_deref().and_then(generic_abi).into_iter().collect()
    };
    InterpreterTags { implementation, version, abis, platforms: platforms(facts) }
}

/// The marker variables in the form that markers are evaluated with.
pub(crate) fn marker_environment(markers: &Markers) -> MarkerEnvironment {
    let Markers {
        implementation_name,
        implementation_version,
        os_name,
        platform_machine,
        platform_python_implementation,
        platform_release,
        platform_system,
        platform_version,
        python_full_version,
        python_version,
        sys_platform,
    } = markers.clone();
    MarkerEnvironment {
        implementation_name,
        implementation_version,
        os_name,
        platform_machine,
        platform_python_implementation,
        platform_release,
        platform_system,
        platform_version,
        python_full_version,
        python_version,
        sys_platform,
    }
}

/// The abbreviation of an implementation's name in tags (PEP 425, "Python Tag").
pub(crate) fn short_name(implementation: &str) -> &str {
    match implementation {
        "cpython" => "cp",
        "pypy" => "pp",
        "ironpython" => "ip",
        "jython" => "jy",
        "python" => "py",
        other => other,
    }
}

/// The ABI tag that the suffix of extension modules shows: `.pypy310-pp73-x86_64-linux-gnu.so` is
/// for `pypy310_pp73`.
fn generic_abi(ext_suffix: &str) -> Option<String> {
    let parts: Vec<&str> = ext_suffix.split('.').collect();
    let [_, tag, _] = parts.as_slice() else {
        return None;
    };
    let pieces: Vec<&str> = tag.split('-').collect();
    let abi = match tag {
        tag if tag.starts_with("cpython") => format!("cp{}", pieces.get(1)?),
        tag if tag.starts_with("cp") => (*pieces.first()?).to_owned(),
        tag if tag.starts_with("pypy") => pieces.get(..2)?.join("-"),
        tag if tag.starts_with("graalpy") => pieces.get(..3)?.join("-"),
        tag if !tag.is_empty() => (*tag).to_owned(),
        _ => return None,
    };
    Some(abi.replace('-', "_"))
}

fn platforms(facts: &Facts) -> Vec<String> {
    let platform = facts.platform.replace(['-', '.'], "_");
    if let Some(architecture) = platform.strip_prefix("linux_") {
        // A 32-bit interpreter on a 64-bit kernel.
        let architecture = match architecture {
            "x86_64" if !facts.is_64bit => "i686",
            "aarch64" if !facts.is_64bit => "armv8l",
            other => other,
        };
        return match facts.libc.as_deref().and_then(parse_libc) {
            Some(libc) => linux_platforms(architecture, libc),
            None => vec![format!("linux_{architecture}")],
        };
    }
    if facts.platform.starts_with("macosx-") {
        let version = parse_version(&facts.macos_version);
        let version = version.or_else(|| Some((facts.macos_version.parse().ok()?, 0)));
        return version
            .map(|version| macos_platforms(version, &facts.markers.platform_machine))
            .unwrap_or_default();
    }
    match facts.platform.as_str() {
        "win32" => windows_platforms("x86"),
        other => match other.strip_prefix("win-") {
            Some(architecture) => windows_platforms(architecture),
            None => vec![platform],
        },
    }
}

fn parse_libc(text: &str) -> Option<Libc> {
    let (name, version) = text.split_once(' ')?;
    let (major, minor) = parse_version(version)?;
    match name {
        "glibc" => Some(Libc::Glibc(major, minor)),
        "musl" => Some(Libc::Musl(major, minor)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::sample;
    use super::*;

    fn first_tag(change: impl Fn(&mut Facts)) -> String {
        let mut facts = sample();
        change(&mut facts);
        let tags = interpreter_tags(&facts).compatible();
        tags.iter().find(|tag| !tag.platform.starts_with("linux")).unwrap().to_string()
    }

    #[test]
    fn kinds_of_interpreters() {
        assert_eq!(first_tag(|_| ()), "cp311-cp311-manylinux_2_36_x86_64");
        assert_eq!(
            first_tag(|facts| {
                facts.version.1 = 13;
                facts.is_free_threaded = true;
                facts.is_debug = true;
            }),
            "cp313-cp313td-manylinux_2_36_x86_64"
        );
        assert_eq!(
            first_tag(|facts| facts.libc = Some("musl 1.2".into())),
            "cp311-cp311-musllinux_1_2_x86_64"
        );
        assert_eq!(first_tag(|facts| facts.libc = None), "py311-none-any".replace("py", "cp"));
        assert_eq!(first_tag(|facts| facts.is_64bit = false), "cp311-cp311-manylinux_2_36_i686");
        assert_eq!(
            first_tag(|facts| {
                facts.implementation = "pypy".into();
                facts.ext_suffix = Some(".pypy311-pp73-x86_64-linux-gnu.so".into());
            }),
            "pp311-pypy311_pp73-manylinux_2_36_x86_64"
        );
        assert_eq!(
            first_tag(|facts| {
                facts.platform = "macosx-11.0-arm64".into();
                facts.macos_version = "14.2.1".into();
                facts.markers.platform_machine = "arm64".into();
            }),
            "cp311-cp311-macosx_14_0_arm64"
        );
        assert_eq!(first_tag(|facts| facts.platform = "win-amd64".into()), "cp311-cp311-win_amd64");
    }

    #[test]
    fn abis_of_extension_modules() {
        for (suffix, expect) in [
            (".pypy310-pp73-x86_64-linux-gnu.so", Some("pypy310_pp73")),
            (".cpython-311-x86_64-linux-gnu.so", Some("cp311")),
            (".graalpy231-310-native-x86_64-linux.so", Some("graalpy231_310_native")),
            (".cp310-win_amd64.pyd", Some("cp310")),
            (".so", None),
            ("", None),
        ] {
            assert_eq!(generic_abi(suffix).as_deref(), expect, "{suffix}");
        }
    }
}
