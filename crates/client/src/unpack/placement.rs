//! Where each file of a wheel goes (binary distribution format, "Installing a wheel" and "The
//! .data directory"), and what no wheel may bring.

use countermark_packaging::filename::WheelFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::scheme::Scheme;
use countermark_packaging::version::Version;

use super::contents::ContentsError;
use super::path::fold;
use super::zip::Entry;

/// Files by which installers say what they did; a wheel that brings one lies about its origin.
const INSTALLER_FILES: [&str; 5] =
    ["INSTALLER", "REQUESTED", "direct_url.json", "provenance_url.json", "countermark.json"];

/// How the folder begins in which a change of an environment lies while it is made: a wheel that
/// brought one would bring a journal, and the next command would follow it.
const CHANGE_FOLDER: &str = ".countermark";

/// The two folders of a wheel that are not modules.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Roots {
    /// `foo-1.0.dist-info`, as spelled in the wheel.
    pub(super) dist_info: String,
    /// `foo-1.0.data`, if there is one.
    pub(super) data: Option<String>,
}

/// Finds both folders by their endings, and compares them with the file name.
pub(super) fn find_roots(
    entries: &[Entry],
    filename: &WheelFilename,
) -> Result<Roots, ContentsError> {
    let dist_info = find_root(entries, ".dist-info").map_err(|(first, second)| {
        ContentsError::DistInfoSeveral { first: first.to_owned(), second: second.to_owned() }
    })?;
    let data = find_root(entries, ".data").map_err(|(first, second)| {
        ContentsError::DataSeveral { first: first.to_owned(), second: second.to_owned() }
    })?;
    let dist_info = dist_info.ok_or(ContentsError::DistInfoMissing)?;
    if !belongs(dist_info, ".dist-info", filename) {
        let (folder, filename) = (dist_info.to_owned(), filename.as_str().to_owned());
        return Err(ContentsError::DistInfoName { folder, filename });
    }
    if let Some(folder) = data.filter(|folder| !belongs(folder, ".data", filename)) {
        let (folder, filename) = (folder.to_owned(), filename.as_str().to_owned());
        return Err(ContentsError::DataName { folder, filename });
    }
    Ok(Roots { dist_info: dist_info.to_owned(), data: data.map(str::to_owned) })
}

/// The first component with this ending, in whatever case: readers of an environment look for
/// the ending without regard to case. The error has two different ones.
fn find_root<'a>(
    entries: &'a [Entry],
    ending: &str,
) -> Result<Option<&'a str>, (&'a str, &'a str)> {
    let mut found = None;
    let mut last = "";
    for entry in entries {
        let root = entry.name.split('/').next().unwrap_or_default();
        if root == last || found == Some(root) {
            continue;
        }
        last = root;
        if !fold(root).ends_with(ending) {
            continue;
        }
        match found {
            None => found = Some(root),
            Some(first) => return Err((first, root)),
        }
    }
    Ok(found)
}

/// Whether a folder is `NAME-VERSION` and the ending, by the names' normal forms: old wheels keep
/// the author's spelling.
fn belongs(folder: &str, ending: &str, filename: &WheelFilename) -> bool {
    let Some((name, version)) = folder.strip_suffix(ending).and_then(|stem| stem.rsplit_once('-'))
    else {
        return false;
    };
    ProjectName::parse(name).is_ok_and(|name| name == filename.name)
        && version.parse::<Version>().is_ok_and(|version| version == filename.version)
}

/// Where a member goes. `None` for the folders that hold the schemes.
pub(super) fn place<'a>(
    path: &'a str,
    roots: &Roots,
    library: Scheme,
) -> Result<Option<(Scheme, &'a str)>, ContentsError> {
    let (root, rest) = path.split_once('/').unwrap_or((path, ""));
    let inside_data = roots.data.as_deref() == Some(root);
    // Every scheme may be the root of an environment (`--target`).
    let inside = if inside_data { rest.split_once('/').map_or("", |(_, it)| it) } else { path };
    if fold(inside).starts_with(CHANGE_FOLDER) {
        return Err(ContentsError::InstallerFile { path: path.to_owned() });
    }
    if inside_data {
        return place_data(path, rest);
    }
    if root == roots.dist_info {
        return match rest {
            // A file of that name.
            "" if !path.ends_with('/') => {
                Err(ContentsError::FileMissing { path: format!("{root}/METADATA") })
            }
            _ if INSTALLER_FILES.iter().any(|name| fold(rest) == fold(name)) => {
                Err(ContentsError::InstallerFile { path: path.to_owned() })
            }
            _ => Ok(Some((library, path))),
        };
    }
    Ok(Some((library, path)))
}

fn place_data<'a>(
    path: &'a str,
    rest: &'a str,
) -> Result<Option<(Scheme, &'a str)>, ContentsError> {
    if path.ends_with('/') && rest.is_empty() {
        return Ok(None);
    }
    let unknown = || ContentsError::DataScheme { path: path.to_owned() };
    let (scheme, inside) = rest.split_once('/').ok_or_else(unknown)?;
    let scheme = Scheme::parse(scheme).ok_or_else(unknown)?;
    if inside.is_empty() {
        return Ok(None);
    }
    match scheme {
        Scheme::Purelib | Scheme::Platlib => {
            let root = fold(inside.split('/').next().unwrap_or_default());
            if root.ends_with(".dist-info") {
                return Err(ContentsError::ForeignMetadata { path: path.to_owned() });
            }
        }
        Scheme::Data if is_environment(inside) => {
            return Err(ContentsError::DataInEnvironment { path: path.to_owned() });
        }
        Scheme::Data | Scheme::Headers | Scheme::Scripts => {}
    }
    Ok(Some((scheme, inside)))
}

/// Whether a path below the prefix of an environment is its configuration or in the folders of
/// its modules.
fn is_environment(path: &str) -> bool {
    let folded = fold(path);
    let components: Vec<&str> = folded.split('/').collect();
    match components.as_slice() {
        ["pyvenv.cfg"] => true,
        ["lib" | "lib32" | "lib64", python, _, ..]
            if python.starts_with("python") || python.starts_with("pypy") =>
        {
            true
        }
        _ => components.iter().any(|it| matches!(*it, "site-packages" | "dist-packages")),
    }
}

/// Refuses what would pass for the metadata of another project beside this one's.
pub(super) fn check_library_path(
    inside: &str,
    path: &str,
    filename: &WheelFilename,
) -> Result<(), ContentsError> {
    let root = fold(inside.split('/').next().unwrap_or_default());
    let Some(stem) = [".egg-info", ".egg-link", ".egg"].iter().find_map(|it| root.strip_suffix(it))
    else {
        return Ok(());
    };
    let name = stem.split('-').next().unwrap_or_default();
    if ProjectName::parse(name).is_ok_and(|name| name == filename.name) {
        return Ok(());
    }
    Err(ContentsError::ForeignMetadata { path: path.to_owned() })
}

/// The name of the command that a file becomes, if it lands in the folder of commands.
pub(super) fn command_name(scheme: Scheme, inside: &str) -> Option<&str> {
    let name = match scheme {
        Scheme::Scripts => inside,
        Scheme::Data => {
            let (folder, name) = inside.split_once('/')?;
            matches!(fold(folder).as_str(), "bin" | "scripts").then_some(name)?
        }
        Scheme::Headers | Scheme::Platlib | Scheme::Purelib => return None,
    };
    (!name.contains('/')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots() -> Roots {
        Roots { dist_info: "foo-1.0.dist-info".into(), data: Some("foo-1.0.data".into()) }
    }

    #[test]
    fn folders_belong_by_normal_form() {
        let filename = WheelFilename::parse("Foo.Bar_baz-1.0-py3-none-any.whl").unwrap();
        let check = |folder: &str, expect: bool| {
            assert_eq!(belongs(folder, ".data", &filename), expect, "{folder}");
        };
        check("Foo.Bar_baz-1.0.data", true);
        check("foo_bar_baz-1.0.data", true);
        check("foo-bar-baz-1.0.0.data", true);
        check("foo_bar_baz-1.data", true);
        check("foo_bar-1.0.data", false);
        check("foo_bar_baz-1.1.data", false);
        check("foo_bar_baz.data", false);
        check("foo_bar_baz-1.0.DATA", false);
    }

    #[test]
    fn places() {
        let check = |path: &str, expect: Result<Option<(Scheme, &str)>, &str>| {
            let found = place(path, &roots(), Scheme::Platlib).map_err(|error| error.code());
            assert_eq!(found, expect, "{path}");
        };
        check("foo/a.py", Ok(Some((Scheme::Platlib, "foo/a.py"))));
        check("foo.pth", Ok(Some((Scheme::Platlib, "foo.pth"))));
        check(
            "foo-1.0.dist-info/METADATA",
            Ok(Some((Scheme::Platlib, "foo-1.0.dist-info/METADATA"))),
        );
        check("foo-1.0.data/", Ok(None));
        check("foo-1.0.data/scripts/", Ok(None));
        check("foo-1.0.data/scripts/x", Ok(Some((Scheme::Scripts, "x"))));
        check("foo-1.0.data/purelib/a/b", Ok(Some((Scheme::Purelib, "a/b"))));
        check("foo-1.0.data/headers/a.h", Ok(Some((Scheme::Headers, "a.h"))));
        check("foo-1.0.data/data/etc/x", Ok(Some((Scheme::Data, "etc/x"))));
        check("foo-1.0.data/data/lib/libfoo.so", Ok(Some((Scheme::Data, "lib/libfoo.so"))));
        for path in
            ["foo-1.0.data", "foo-1.0.data/x", "foo-1.0.data/other/x", "foo-1.0.data/Data/x"]
        {
            check(path, Err("data-scheme"));
        }
        for inside in [
            "pyvenv.cfg",
            "lib/python3.11/site-packages/x.py",
            "Lib/site-packages/x.py",
            "lib64/python3/os.py",
            "PYVENV.CFG",
        ] {
            check(&format!("foo-1.0.data/data/{inside}"), Err("data-in-environment"));
        }
        check("foo-1.0.data/purelib/bar-1.0.dist-info/METADATA", Err("foreign-metadata"));
        check("foo-1.0.data/platlib/foo-1.0.DIST-INFO/RECORD", Err("foreign-metadata"));
        check("foo-1.0.dist-info/INSTALLER", Err("installer-file"));
        check("foo-1.0.dist-info/countermark.json", Err("installer-file"));
        check(".countermark/journal", Err("installer-file"));
        check(".Countermark/journal", Err("installer-file"));
        check("foo-1.0.data/data/.countermark/journal", Err("installer-file"));
        check("foo-1.0.data/purelib/.countermark/journal", Err("installer-file"));
        check("foo-1.0.dist-info/Direct_URL.json", Err("installer-file"));
        check("foo-1.0.dist-info", Err("dist-info-file-missing"));
    }

    #[test]
    fn commands_from_files() {
        let check = |scheme, inside: &str, expect| {
            assert_eq!(command_name(scheme, inside), expect, "{inside}");
        };
        check(Scheme::Scripts, "x", Some("x"));
        check(Scheme::Scripts, "folder/x", None);
        check(Scheme::Data, "bin/python", Some("python"));
        check(Scheme::Data, "Scripts/x.exe", Some("x.exe"));
        check(Scheme::Data, "share/x", None);
        check(Scheme::Purelib, "bin/x", None);
    }
}
