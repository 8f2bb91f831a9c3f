//! The folders that the files of a wheel go to.
//!
//! Follows pip where the standard leaves it open: headers go below `include/site/pythonX.Y` in a
//! virtual environment, `--prefix` uses the scheme for a plain prefix, and `--target` puts
//! everything into one folder with commands in `bin`.

use std::path::{Path, PathBuf};

use countermark_packaging::scheme::Scheme;

use super::facts::Paths;

/// Absolute folders, one for each [`Scheme`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Modules of pure wheels.
    pub purelib: PathBuf,
    /// Modules of other wheels.
    pub platlib: PathBuf,
    /// Commands.
    pub scripts: PathBuf,
    /// C headers; a project's go into a folder of its name below this one.
    pub headers: PathBuf,
    /// The prefix.
    pub data: PathBuf,
}

impl Layout {
    /// The folder of a scheme. `project` names the folder below [`Layout::headers`].
    #[must_use]
    pub fn folder(&self, scheme: Scheme, project: &str) -> PathBuf {
        match scheme {
            Scheme::Data => self.data.clone(),
            Scheme::Headers => self.headers.join(project),
            Scheme::Platlib => self.platlib.clone(),
            Scheme::Purelib => self.purelib.clone(),
            Scheme::Scripts => self.scripts.clone(),
        }
    }

    /// Every folder once, the longest path first, so that the first that contains a file is the
    /// one it belongs to.
    #[must_use]
    pub fn roots(&self) -> Vec<&Path> {
        let mut roots: Vec<&Path> =
            vec![&self.purelib, &self.platlib, &self.scripts, &self.headers, &self.data];
        roots.sort_by_key(|root| (std::cmp::Reverse(root.as_os_str().len()), *root));
        roots.dedup();
        roots
    }

    /// The folders where packages are looked for: `purelib`, and `platlib` where it is another.
    #[must_use]
    pub fn site_folders(&self) -> Vec<&Path> {
        if self.purelib == self.platlib {
            vec![&self.purelib]
        } else {
            vec![&self.purelib, &self.platlib]
        }
    }

    /// The same layout in a folder that will be renamed: every path below `from` lies below `to`.
    #[must_use]
    pub fn moved(&self, from: &Path, to: &Path) -> Self {
        let place = |path: &Path| match path.strip_prefix(from) {
            Ok(rest) if rest.as_os_str().is_empty() => to.to_owned(),
            Ok(rest) => to.join(rest),
            Err(_) => path.to_owned(),
        };
        Self {
            purelib: place(&self.purelib),
            platlib: place(&self.platlib),
            scripts: place(&self.scripts),
            headers: place(&self.headers),
            data: place(&self.data),
        }
    }
}

/// The layout as the interpreter has it, outside of virtual environments.
pub(crate) fn own_layout(paths: &Paths) -> Layout {
    let Paths { purelib, platlib, scripts, headers, data } = paths.clone();
    Layout { purelib, platlib, scripts, headers, data }
}

/// The layout of a virtual environment, for a Python `version` (major, minor).
pub(crate) fn venv_layout(of_venv: &Paths, prefix: &Path, version: (u32, u32)) -> Layout {
    let headers = site_headers(prefix, version);
    Layout { headers, ..own_layout(&of_venv.below(prefix)) }
}

/// The layout below any prefix (`--prefix`).
pub(crate) fn prefix_layout(
    of_prefix: &Paths,
    prefix: &Path,
    version: (u32, u32),
    is_virtual: bool,
) -> Layout {
    let layout = own_layout(&of_prefix.below(prefix));
    if is_virtual { Layout { headers: site_headers(prefix, version), ..layout } } else { layout }
}

/// Everything in one folder (`--target`).
pub(crate) fn target_layout(folder: &Path, version: (u32, u32), is_virtual: bool) -> Layout {
    let headers =
        if is_virtual { site_headers(folder, version) } else { folder.join("include/python") };
    Layout {
        purelib: folder.to_owned(),
        platlib: folder.to_owned(),
        scripts: folder.join("bin"),
        headers,
        data: folder.to_owned(),
    }
}

fn site_headers(prefix: &Path, (major, minor): (u32, u32)) -> PathBuf {
    prefix.join(format!("include/site/python{major}.{minor}"))
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::sample;
    use super::*;

    #[test]
    fn layouts_differ_in_their_headers() {
        let facts = sample();
        let env = Path::new("/env");
        let venv = venv_layout(&facts.of_venv, env, (3, 11));
        assert_eq!(venv.purelib, Path::new("/env/lib/python3.11/site-packages"));
        assert_eq!(venv.data, env);
        let name = |layout: &Layout| layout.folder(Scheme::Headers, "Name");
        assert_eq!(name(&venv), Path::new("/env/include/site/python3.11/Name"));
        let prefix = prefix_layout(&facts.of_prefix, env, (3, 11), false);
        assert_eq!(name(&prefix), Path::new("/env/include/python3.11/Name"));
        assert_eq!(prefix_layout(&facts.of_prefix, env, (3, 11), true), venv);
        let target = target_layout(env, (3, 11), false);
        assert_eq!(name(&target), Path::new("/env/include/python/Name"));
        assert_eq!(target.scripts, Path::new("/env/bin"));
        assert_eq!(target.folder(Scheme::Platlib, "x"), env);
    }

    #[test]
    fn roots_are_longest_first_and_movable() {
        let venv = venv_layout(&sample().of_venv, Path::new("/env"), (3, 11));
        let expect = [
            "/env/lib/python3.11/site-packages",
            "/env/include/site/python3.11",
            "/env/bin",
            "/env",
        ];
        assert_eq!(venv.roots(), expect.map(Path::new));
        let moved = venv.moved(Path::new("/env"), Path::new("/tmp/x"));
        assert_eq!(moved.data, Path::new("/tmp/x"));
        assert_eq!(moved.scripts, Path::new("/tmp/x/bin"));
        assert_eq!(moved.moved(Path::new("/other"), Path::new("/y")), moved);
    }
}
