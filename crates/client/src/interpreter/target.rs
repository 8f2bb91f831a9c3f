//! The environment that `download --python-version … --platform …` is for: no interpreter is
//! asked, everything follows from what was said.
//!
//! Tags follow pip (`--python-version`, `--platform`, `--implementation`, `--abi`). Markers follow
//! the target, where pip evaluates them for the interpreter that runs pip.

use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::tags::{
    CompatibleTags, InterpreterTags, UnknownPlatform, cpython_abis, platforms_for,
};
use countermark_trust::Class;

/// What was asked for; what is missing comes from `default`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetRequest {
    /// `3`, `3.12`, `3.12.1` or `312`.
    pub python_version: Option<String>,
    /// `manylinux_2_28_x86_64` and the like, best first.
    pub platforms: Vec<String>,
    /// `cp`, `pp` or `py`.
    pub implementation: Option<String>,
    /// `cp312` and the like, best first.
    pub abis: Vec<String>,
}

/// Tags and markers of an environment that need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetEnvironment {
    /// What `requires-python` is compared with.
    pub python_full_version: String,
    /// Best first.
    pub tags: CompatibleTags,
    /// Of the target; `platform_release` and `platform_version` are empty, as nobody knows them.
    pub markers: MarkerEnvironment,
}

/// Why there is no such environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a version of Python 3.
    #[error("`{0}` is not a version of Python 3")]
    Version(String),
    /// A name that no wheel has.
    #[error("`{0}` is not an implementation; known are cp, pp and py")]
    Implementation(String),
    /// Not an ABI tag.
    #[error("`{0}` is not an ABI tag")]
    Abi(String),
    /// Not a platform tag.
    #[error(transparent)]
    Platform(#[from] UnknownPlatform),
    /// Markers depend on the operating system, and the platforms have several.
    #[error("`{0}` and `{1}` are different systems")]
    SeveralSystems(String, String),
    /// No platform was given and there is no interpreter to take it from.
    #[error("a platform is needed")]
    NoPlatform,
}

impl TargetError {
    /// All of them are about what was typed.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Version(_)
            | Self::Implementation(_)
            | Self::Abi(_)
            | Self::Platform(_)
            | Self::SeveralSystems(..)
            | Self::NoPlatform => Class::Usage,
        }
    }

    /// What to type instead.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Version(_) => Some("write `--python-version 3.12`"),
            Self::Abi(_) => Some("write `--abi cp312`, `--abi abi3` or `--abi none`"),
            Self::SeveralSystems(..) => Some("download for one system at a time"),
            Self::Implementation(_) => None,
            Self::Platform(_) | Self::NoPlatform => {
                Some("write `--platform manylinux_2_28_x86_64`, or `macosx_11_0_arm64`")
            }
        }
    }
}

/// What an interpreter contributes where the request is silent.
#[derive(Clone, Debug)]
pub struct TargetDefaults<'a> {
    /// Its tags.
    pub tags: &'a InterpreterTags,
    /// Its markers.
    pub markers: &'a MarkerEnvironment,
}

impl TargetEnvironment {
    /// Works out the environment.
    ///
    /// # Errors
    /// [`TargetError`]; without `defaults` a version and a platform are needed.
    pub fn new(
        request: &TargetRequest,
        defaults: Option<&TargetDefaults<'_>>,
    ) -> Result<Self, TargetError> {
        let default_markers = defaults.map(|defaults| defaults.markers);
        let (version, full_version) = match &request.python_version {
            Some(text) => parse_version(text).ok_or_else(|| TargetError::Version(text.clone()))?,
            None => match defaults {
                Some(defaults) => {
                    (defaults.tags.version, defaults.markers.python_full_version.clone())
                }
                None => return Err(TargetError::Version(String::new())),
            },
        };
        let implementation = match &request.implementation {
            Some(name) if matches!(name.as_str(), "cp" | "pp" | "py") => name.clone(),
            Some(name) => return Err(TargetError::Implementation(name.clone())),
            None => defaults.map_or("cp".into(), |found| found.tags.implementation.clone()),
        };
        let platforms = match (&request.platforms[..], defaults) {
            ([], Some(defaults)) => defaults.tags.platforms.clone(),
            ([], None) => return Err(TargetError::NoPlatform),
            (platforms, _) => expand_platforms(platforms)?,
        };
        let abis = abis(request, defaults, &implementation, version)?;
        let system = System::of_all(&request.platforms)?;
        let markers = markers(version, &full_version, &implementation, system, default_markers);
        let tags = InterpreterTags { implementation, version, abis, platforms }.compatible();
        Ok(Self { python_full_version: full_version, tags, markers })
    }
}

/// `312` is read as pip reads it: one digit, then the rest.
fn parse_version(text: &str) -> Option<((u32, u32), String)> {
    let numbers: Vec<u32> = if text.contains('.') {
        text.split('.').map(parse_number).collect::<Option<_>>()?
    } else if text.is_ascii() && text.len() > 1 {
        vec![parse_number(&text[..1])?, parse_number(&text[1..])?]
    } else {
        vec![parse_number(text)?]
    };
    let version = |major, minor, patch| ((major, minor), format!("{major}.{minor}.{patch}"));
    match numbers[..] {
        [3] => Some(version(3, 0, 0)),
        [3, minor] => Some(version(3, minor, 0)),
        [3, minor, patch] => Some(version(3, minor, patch)),
        _ => None,
    }
}

fn parse_number(text: &str) -> Option<u32> {
    let is_number = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

fn expand_platforms(platforms: &[String]) -> Result<Vec<String>, TargetError> {
    let mut expanded: Vec<String> = Vec::new();
    for platform in platforms {
        for tag in platforms_for(platform)? {
            if !expanded.contains(&tag) {
                expanded.push(tag);
            }
        }
    }
    Ok(expanded)
}

fn abis(
    request: &TargetRequest,
    defaults: Option<&TargetDefaults<'_>>,
    implementation: &str,
    version: (u32, u32),
) -> Result<Vec<String>, TargetError> {
    let is_tag = |abi: &&String| {
        !abi.is_empty()
            && abi
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if let Some(wrong) = request.abis.iter().find(|abi| !is_tag(abi)) {
        return Err(TargetError::Abi(wrong.clone()));
    }
    if !request.abis.is_empty() {
        return Ok(request.abis.clone());
    }
    Ok(match defaults {
        Some(defaults)
            if defaults.tags.implementation == implementation
                && defaults.tags.version == version =>
        {
            defaults.tags.abis.clone()
        }
        _ if implementation == "cp" => cpython_abis(version, false, false),
        _ => Vec::new(),
    })
}

/// The part of markers that a platform tag decides.
#[derive(Clone, Debug, PartialEq, Eq)]
struct System {
    os_name: &'static str,
    sys_platform: &'static str,
    platform_system: &'static str,
    machine: String,
}

impl System {
    fn of(platform: &str) -> Option<Self> {
        let lower = platform.to_ascii_lowercase().replace(['-', '.'], "_");
        let known = |os_name, sys_platform, platform_system, machine: &str| {
            Some(Self { os_name, sys_platform, platform_system, machine: machine.to_owned() })
        };
        match lower.split('_').next()? {
            "win32" => known("nt", "win32", "Windows", "x86"),
            "win" => match lower.strip_prefix("win_")? {
                "amd64" => known("nt", "win32", "Windows", "AMD64"),
                "arm64" => known("nt", "win32", "Windows", "ARM64"),
                other => known("nt", "win32", "Windows", other),
            },
            // macosx_11_0_arm64
            "macosx" => known("posix", "darwin", "Darwin", lower.splitn(4, '_').nth(3)?),
            // manylinux_2_28_x86_64, musllinux_1_2_x86_64
            "manylinux" | "musllinux" => {
                known("posix", "linux", "Linux", lower.splitn(4, '_').nth(3)?)
            }
            // manylinux2014_x86_64, linux_x86_64
            name if name.contains("linux") => {
                known("posix", "linux", "Linux", lower.split_once('_')?.1)
            }
            _ => None,
        }
    }

    /// The one system of all platforms; `None` where no platform names one.
    fn of_all(platforms: &[String]) -> Result<Option<Self>, TargetError> {
        let mut found: Option<(Self, &String)> = None;
        for platform in platforms {
            match (Self::of(platform), &found) {
                (Some(system), Some((first, name))) if system != *first => {
                    return Err(TargetError::SeveralSystems((*name).clone(), platform.clone()));
                }
                (Some(system), None) => found = Some((system, platform)),
                _ => {}
            }
        }
        Ok(found.map(|(system, _)| system))
    }
}

fn markers(
    version: (u32, u32),
    full_version: &str,
    implementation: &str,
    system: Option<System>,
    defaults: Option<&MarkerEnvironment>,
) -> MarkerEnvironment {
    let mut markers = defaults.cloned().unwrap_or_default();
    markers.python_version = format!("{}.{}", version.0, version.1);
    full_version.clone_into(&mut markers.python_full_version);
    if let Some(system) = system {
        system.os_name.clone_into(&mut markers.os_name);
        system.sys_platform.clone_into(&mut markers.sys_platform);
        system.platform_system.clone_into(&mut markers.platform_system);
        markers.platform_machine = system.machine;
        markers.platform_release = String::new();
        markers.platform_version = String::new();
    }
    let (name, python_implementation) = match implementation {
        "pp" => ("pypy", "PyPy"),
        _ => ("cpython", "CPython"),
    };
    name.clone_into(&mut markers.implementation_name);
    python_implementation.clone_into(&mut markers.platform_python_implementation);
    markers.implementation_version =
        if name == "cpython" { full_version.to_owned() } else { String::new() };
    markers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: &str, platforms: &[&str]) -> TargetRequest {
        TargetRequest {
            python_version: Some(version.into()),
            platforms: platforms.iter().map(|&name| name.into()).collect(),
            ..TargetRequest::default()
        }
    }

    #[test]
    fn a_linux_server() {
        let target =
            TargetEnvironment::new(&request("3.12", &["manylinux_2_28_x86_64"]), None).unwrap();
        let first = target.tags.iter().next().unwrap().to_string();
        assert_eq!(first, "cp312-cp312-manylinux_2_28_x86_64");
        let tags: Vec<String> = target.tags.iter().map(ToString::to_string).collect();
        for (tag, expect) in [
            ("cp312-cp312-manylinux2014_x86_64", true),
            ("cp37-abi3-manylinux_2_5_x86_64", true),
            ("py3-none-any", true),
            ("cp312-cp312-manylinux_2_29_x86_64", false),
            ("cp311-cp311-manylinux_2_28_x86_64", false),
        ] {
            assert_eq!(tags.iter().any(|found| found == tag), expect, "{tag}");
        }
        let markers = target.markers;
        assert_eq!(markers.sys_platform, "linux");
        assert_eq!(markers.platform_machine, "x86_64");
        assert_eq!(markers.python_full_version, "3.12.0");
        assert_eq!(markers.implementation_name, "cpython");
    }

    #[test]
    fn versions() {
        for (text, expect) in [
            ("3", Some("3.0.0")),
            ("312", Some("3.12.0")),
            ("3.12.4", Some("3.12.4")),
            ("2.7", None),
            ("3.x", None),
            ("", None),
            ("3.12.1.1", None),
            ("³12", None),
        ] {
            let found = parse_version(text).map(|(_, full)| full);
            assert_eq!(found.as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn systems() {
        let check = |platform, expect: Option<(&str, &str)>| {
            let found = System::of(platform);
            let found = found.as_ref().map(|found| (found.sys_platform, found.machine.as_str()));
            assert_eq!(found, expect, "{platform}");
        };
        check("win_amd64", Some(("win32", "AMD64")));
        check("win32", Some(("win32", "x86")));
        check("macosx_11_0_arm64", Some(("darwin", "arm64")));
        check("macosx-10.9-x86_64", Some(("darwin", "x86_64")));
        check("manylinux2014_aarch64", Some(("linux", "aarch64")));
        check("musllinux_1_2_x86_64", Some(("linux", "x86_64")));
        check("linux_armv7l", Some(("linux", "armv7l")));
        check("any", None);
    }

    #[test]
    fn mistakes_are_told_apart() {
        let check = |request: &TargetRequest, expect: TargetError| {
            assert_eq!(TargetEnvironment::new(request, None), Err(expect));
        };
        check(&request("2.7", &["win32"]), TargetError::Version("2.7".into()));
        check(&request("3.12", &[]), TargetError::NoPlatform);
        let several = TargetError::SeveralSystems("win32".into(), "linux_x86_64".into());
        check(&request("3.12", &["win32", "linux_x86_64"]), several);
        let mut strange = request("3.12", &["win32"]);
        strange.abis = vec!["cp312 ".into()];
        check(&strange, TargetError::Abi("cp312 ".into()));
        strange.implementation = Some("cpython".into());
        check(&strange, TargetError::Implementation("cpython".into()));
        let unknown = request("3.12", &["beos_5"]);
        assert!(matches!(TargetEnvironment::new(&unknown, None), Err(TargetError::Platform(_))));
    }
}
