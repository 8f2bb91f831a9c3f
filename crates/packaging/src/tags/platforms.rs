//! Platform tags of operating systems.

/// The C library of a Linux system, with its version as (major, minor).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Libc {
    /// GNU libc; wheels for it are tagged `manylinux`.
    Glibc(u32, u32),
    /// musl; wheels for it are tagged `musllinux`.
    Musl(u32, u32),
}

/// A platform tag that names no platform we know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{platform}` is no platform tag that is known here")]
pub struct UnknownPlatform {
    /// The tag.
    pub platform: String,
}

/// The glibc versions that have a tag of their own besides `manylinux_2_…`.
const LEGACY_MANYLINUX: [((u32, u32), &str); 3] =
    [((2, 17), "manylinux2014"), ((2, 12), "manylinux2010"), ((2, 5), "manylinux1")];

/// The architectures for which manylinux wheels exist, apart from i686 and armv7l.
const MANYLINUX_ARCHITECTURES: [&str; 9] =
    ["x86_64", "aarch64", "ppc64", "ppc64le", "s390x", "loongarch64", "riscv64", "i686", "armv7l"];

/// Platform tags of a Linux system, best first, as `packaging` gives them for an interpreter whose
/// `sysconfig.get_platform()` is `linux-` and this architecture.
#[must_use]
pub fn linux_platforms(architecture: &str, libc: Libc) -> Vec<String> {
    let architectures = match architecture {
        "armv8l" => vec!["armv8l", "armv7l"],
        other => vec![other],
    };
    let mut platforms: Vec<String> =
        architectures.iter().map(|architecture| format!("linux_{architecture}")).collect();
    match libc {
        Libc::Glibc(major, minor) => {
            if architectures.iter().any(|a| MANYLINUX_ARCHITECTURES.contains(a)) {
                let oldest = oldest_glibc(&architectures);
                for architecture in &architectures {
                    platforms.extend(manylinux(architecture, (major, minor), oldest));
                }
            }
        }
        Libc::Musl(major, minor) => {
            for architecture in &architectures {
                platforms.extend(musllinux(architecture, (major, minor)));
            }
        }
    }
    platforms
}

/// 2.5 on x86, 2.17 elsewhere.
fn oldest_glibc(architectures: &[&str]) -> (u32, u32) {
    let x86 = architectures.iter().any(|a| matches!(*a, "x86_64" | "i686"));
    if x86 { (2, 5) } else { (2, 17) }
}

fn manylinux(architecture: &str, newest: (u32, u32), oldest: (u32, u32)) -> Vec<String> {
    // A new major version of glibc is taken to run what was built for an older one, of which 50
    // is taken to be the last minor version.
    let majors = (2..=newest.0).rev();
    let versions = majors.flat_map(|major| {
        let highest = if major == newest.0 { newest.1 } else { 50 };
        let lowest = if major == oldest.0 { oldest.1 } else { 0 };
        (lowest..=highest).rev().map(move |minor| (major, minor))
    });
    let mut platforms = Vec::new();
    for version @ (major, minor) in versions {
        platforms.push(format!("manylinux_{major}_{minor}_{architecture}"));
        let legacy = LEGACY_MANYLINUX.iter().filter(|(glibc, _)| *glibc == version);
        platforms.extend(legacy.map(|(_, name)| format!("{name}_{architecture}")));
    }
    platforms
}

fn musllinux(architecture: &str, (major, minor): (u32, u32)) -> impl Iterator<Item = String> {
    (0..=minor).rev().map(move |minor| format!("musllinux_{major}_{minor}_{architecture}"))
}

/// Platform tags of macOS, best first, as `packaging.tags.mac_platforms` gives them for a version
/// as (major, minor) and one of `arm64`, `x86_64`, `i386`, `ppc64`, `ppc`.
#[must_use]
pub fn macos_platforms(version: (u32, u32), architecture: &str) -> Vec<String> {
    let formats = |version: (u32, u32)| {
        let (major, minor) = version;
        macos_formats(version, architecture)
            .into_iter()
            .map(move |format| format!("macosx_{major}_{minor}_{format}"))
    };
    if version.0 == 10 {
        return (0..=version.1).rev().flat_map(|minor| formats((10, minor))).collect();
    }
    // Since macOS 11 the major version counts, and what was built for 10.16 is 11.
    let mut platforms: Vec<String> =
        (11..=version.0).rev().flat_map(|major| formats((major, 0))).collect();
    if version.0 >= 11 {
        for minor in (4..=16).rev() {
            if architecture == "x86_64" {
                platforms.extend(formats((10, minor)));
            } else {
                platforms.push(format!("macosx_10_{minor}_universal2"));
            }
        }
    }
    platforms
}

fn macos_formats(version: (u32, u32), architecture: &str) -> Vec<&str> {
    let several: &[&str] = match architecture {
        "x86_64" | "i386" if version < (10, 4) => return Vec::new(),
        "ppc64" if !((10, 4)..=(10, 5)).contains(&version) => return Vec::new(),
        "ppc" if version > (10, 6) => return Vec::new(),
        "x86_64" => &["intel", "fat64", "fat3", "universal2", "universal"],
        "i386" => &["intel", "fat3", "fat", "universal"],
        "ppc64" => &["fat64", "universal"],
        "ppc" => &["fat3", "fat", "universal"],
        "arm64" => &["universal2"],
        "intel" => &["universal"],
        _ => &[],
    };
    [architecture].into_iter().chain(several.iter().copied()).collect()
}

/// Platform tags of Windows for one of `amd64`, `arm64`, `x86` (also as `win32`).
#[must_use]
pub fn windows_platforms(architecture: &str) -> Vec<String> {
    match architecture {
        "x86" | "win32" => vec!["win32".to_owned()],
        other => vec![format!("win_{}", other.to_ascii_lowercase())],
    }
}

/// The platform tags that a system has of which one tag is given, best first: what `--platform`
/// means. A system with glibc 2.28 (`manylinux_2_28_x86_64`) can use everything built for an
/// older one, one with macOS 12 everything built for macOS 11, and so on.
///
/// Off pip: pip expands `macosx` and the legacy `manylinux` tags in the same way, but takes
/// `manylinux_2_28` for that one tag.
///
/// # Errors
/// When the tag names no Linux, macOS or Windows platform.
pub fn platforms_for(platform: &str) -> Result<Vec<String>, UnknownPlatform> {
    let unknown = || UnknownPlatform { platform: platform.to_owned() };
    let lower = platform.to_ascii_lowercase().replace(['-', '.'], "_");
    if lower == "any" {
        return Ok(Vec::new());
    }
    if lower == "win32" || lower.starts_with("win_") || lower.starts_with("linux_") {
        return Ok(vec![lower]);
    }
    for (glibc, name) in LEGACY_MANYLINUX {
        if let Some(architecture) = lower.strip_prefix(name).and_then(|a| a.strip_prefix('_')) {
            return Ok(manylinux(architecture, glibc, oldest_glibc(&[architecture])));
        }
    }
    let (family, version, architecture) = split_versioned(&lower).ok_or_else(unknown)?;
    match family {
        "manylinux" if version.0 == 2 && version.1 <= 255 => {
            Ok(manylinux(architecture, version, oldest_glibc(&[architecture])))
        }
        "musllinux" if version.1 <= 255 => Ok(musllinux(architecture, version).collect()),
        "macosx" if (10..=255).contains(&version.0) && version.1 <= 255 => {
            Ok(macos_platforms(version, architecture))
        }
        _ => Err(unknown()),
    }
}

/// `family_major_minor_architecture`.
fn split_versioned(platform: &str) -> Option<(&str, (u32, u32), &str)> {
    let mut parts = platform.splitn(4, '_');
    let family = parts.next()?;
    let version = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let architecture = parts.next().filter(|architecture| !architecture.is_empty())?;
    Some((family, version, architecture))
}
