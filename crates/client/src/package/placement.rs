//! Where an environment is, as one root and paths below it.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use countermark_packaging::scheme::Scheme;

use crate::interpreter::Layout;

/// A layout whose folders all lie below one root. Links in the way to them are resolved, so that
/// nothing below the root has to be followed later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The folder that is locked, and that a change is staged in.
    pub root: PathBuf,
    /// Absolute.
    pub layout: Layout,
}

impl Placement {
    /// The placement of a layout whose folders may exist or not.
    ///
    /// # Errors
    /// When a folder cannot be resolved.
    pub fn new(layout: &Layout) -> io::Result<Self> {
        let layout = Layout {
            purelib: resolve(&layout.purelib)?,
            platlib: resolve(&layout.platlib)?,
            scripts: resolve(&layout.scripts)?,
            headers: resolve(&layout.headers)?,
            data: resolve(&layout.data)?,
        };
        let mut root = layout.data.clone();
        for folder in [&layout.purelib, &layout.platlib, &layout.scripts, &layout.headers] {
            while !folder.starts_with(&root) {
                if !root.pop() {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
            }
        }
        Ok(Self { root, layout })
    }

    /// The path below the root, `/` between components; `None` for one that is not below it or not
    /// UTF-8.
    #[must_use]
    pub fn relative(&self, path: &Path) -> Option<String> {
        let mut text = String::new();
        for component in path.strip_prefix(&self.root).ok()?.components() {
            let Component::Normal(name) = component else { return None };
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(name.to_str()?);
        }
        Some(text)
    }

    /// The path below the root for people: bytes that are not UTF-8 as `\xff`. Two paths can look
    /// the same, so it is never compared.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        let mut text = String::new();
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        for chunk in below.as_os_str().as_encoded_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
        }
        text
    }

    /// The folder of each scheme below the root, in the order of [`Scheme::ALL`].
    #[must_use]
    pub fn folders(&self, project: &str) -> Option<[String; 5]> {
        let mut folders: [String; 5] = Default::default();
        for (folder, scheme) in folders.iter_mut().zip(Scheme::ALL) {
            *folder = self.relative(&self.layout.folder(scheme, project))?;
        }
        Some(folders)
    }

    /// The folder that a dist-info lies in.
    #[must_use]
    pub fn site(&self, platlib: bool) -> &Path {
        if platlib { &self.layout.platlib } else { &self.layout.purelib }
    }
}

/// Resolves links in the part of a path that exists.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut rest = Vec::new();
    let mut existing = path;
    loop {
        match fs::canonicalize(existing) {
            Ok(real) => return Ok(rest.iter().rev().fold(real, |path, name| path.join(name))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        rest.push(name);
        existing = parent;
    }
}

/// A path below a folder that may be the root itself.
pub(crate) fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// A path with `..` taken literally, without asking the disk.
pub(crate) fn normalized(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in path.components() {
        if component == Component::ParentDir {
            result.pop();
        } else {
            result.push(component);
        }
    }
    result
}

/// `to` as seen from the folder `from`, both below one root: what RECORD lists.
#[must_use]
pub fn relative_between(from: &str, to: &str) -> String {
    let mut from = from.split('/').filter(|part| !part.is_empty()).peekable();
    let mut to = to.split('/').filter(|part| !part.is_empty()).peekable();
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    let ups = from.map(|_| "..");
    ups.chain(to).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_paths_are_relative_to_the_site_folder() {
        for (from, to, expect) in [
            ("lib/python3.11/site-packages", "lib/python3.11/site-packages/a/b.py", "a/b.py"),
            ("lib/python3.11/site-packages", "bin/run", "../../../bin/run"),
            ("", "bin/run", "bin/run"),
            ("a", "ab", "../ab"),
        ] {
            assert_eq!(relative_between(from, to), expect);
        }
    }

    #[test]
    fn the_root_holds_every_folder() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        crate::system::unix::fs::symlink("lib", base.join("lib64")).unwrap();
        fs::create_dir(base.join("lib")).unwrap();
        let layout = Layout {
            purelib: base.join("lib/site"),
            platlib: base.join("lib64/site"),
            scripts: base.join("bin"),
            headers: base.join("include"),
            data: base.clone(),
        };
        let placement = Placement::new(&layout).unwrap();
        assert_eq!(placement.root, base);
        assert_eq!(placement.layout.platlib, placement.layout.purelib);
        assert_eq!(placement.relative(&base.join("bin/x")).as_deref(), Some("bin/x"));
        assert_eq!(placement.relative(Path::new("/etc/x")), None);
        let apart = Layout { scripts: base.parent().unwrap().join("b"), ..layout };
        assert_eq!(Placement::new(&apart).unwrap().root, base.parent().unwrap());
    }
}
