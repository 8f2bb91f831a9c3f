//! From a finished stage to the renames that bring it in.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::journal::Step;

/// Something of the environment is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InTheWay {
    /// Below the root of the environment.
    pub path: String,
}

/// The steps for a change, or everything that is in the way of it.
#[derive(Debug, Default)]
pub struct Steps {
    /// In the order in which they are taken.
    pub steps: Vec<Step>,
    /// Must be empty for the steps to be taken.
    pub in_the_way: Vec<InTheWay>,
}

/// Compares the stage with the environment. `outgoing` are the files of packages that are replaced
/// or removed. What is there already with the same bytes stays; a compiled file gives way; anything
/// else that nobody asked to replace is in the way.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn steps(root: &Path, stage: &Path, outgoing: &BTreeSet<String>) -> io::Result<Steps> {
    let mut result = Steps::default();
    result.steps.extend(outgoing.iter().cloned().map(Step::Out));
    let mut incoming = Vec::new();
    let mut walk = Walk { root, stage, outgoing, result: &mut result, incoming: &mut incoming };
    walk.folder("")?;
    result.steps.extend(incoming);
    Ok(result)
}

struct Walk<'a> {
    root: &'a Path,
    stage: &'a Path,
    outgoing: &'a BTreeSet<String>,
    result: &'a mut Steps,
    incoming: &'a mut Vec<Step>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &str) -> io::Result<()> {
        let mut items: Vec<_> =
            fs::read_dir(self.stage.join(folder))?.collect::<io::Result<Vec<_>>>()?;
        items.sort_by_key(fs::DirEntry::file_name);
        for item in items {
            let name = item.file_name();
            let name = name.to_str().ok_or(io::ErrorKind::InvalidData)?;
            let path = crate::package::placement::join(folder, name);
            self.item(path, item.file_type()?.is_dir())?;
        }
        Ok(())
    }

    fn item(&mut self, path: String, is_folder: bool) -> io::Result<()> {
        let target = match fs::symlink_metadata(self.root.join(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.incoming.push(Step::In(path));
                return Ok(());
            }
            other => other?,
        };
        if self.outgoing.contains(&path) {
            self.incoming.push(Step::In(path));
        } else if is_folder && target.is_dir() {
            self.folder(&path)?;
        } else if !is_folder && target.is_file() && is_compiled(&path) {
            self.result.steps.push(Step::Out(path.clone()));
            self.incoming.push(Step::In(path));
        } else if is_folder || !target.is_file() || !self.same(&path)? {
            self.result.in_the_way.push(InTheWay { path });
        }
        Ok(())
    }

    fn same(&self, path: &str) -> io::Result<bool> {
        let (ours, theirs) = (self.stage.join(path), self.root.join(path));
        Ok(crate::store::hash(&ours)? == crate::store::hash(&theirs)?)
    }
}

/// What an import writes, and may write again.
pub(super) fn is_compiled(path: &str) -> bool {
    path.ends_with(".pyc") && path.rsplit('/').nth(1) == Some("__pycache__")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn check(
        env: &[(&str, &str)],
        stage: &[(&str, &str)],
        out: &[&str],
    ) -> (Vec<String>, Vec<String>) {
        let (root, staged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        env.iter().for_each(|(path, text)| put(root.path(), path, text));
        stage.iter().for_each(|(path, text)| put(staged.path(), path, text));
        let outgoing = out.iter().map(|path| (*path).to_owned()).collect();
        let found = steps(root.path(), staged.path(), &outgoing).unwrap();
        let show = |step: &Step| match step {
            Step::Out(path) => format!("-{path}"),
            Step::In(path) => format!("+{path}"),
        };
        let in_the_way = found.in_the_way.into_iter().map(|one| one.path).collect();
        (found.steps.iter().map(show).collect(), in_the_way)
    }

    #[test]
    fn whole_folders_come_in_where_nothing_is() {
        let (steps, in_the_way) = check(&[("s/a.py", "")], &[("s/p/q/x", ""), ("s/p/y", "")], &[]);
        assert_eq!((steps, in_the_way), (vec!["+s/p".to_owned()], vec![]));
    }

    #[test]
    fn replaced_files_go_before_others_come() {
        let (steps, in_the_way) =
            check(&[("p/x", "old"), ("p/z", "")], &[("p/x", "new"), ("p/y", "")], &["p/x", "p/z"]);
        assert_eq!(steps, ["-p/x", "-p/z", "+p/x", "+p/y"]);
        assert!(in_the_way.is_empty());
    }

    #[test]
    fn the_same_stays_and_another_is_in_the_way() {
        let (steps, in_the_way) = check(
            &[("same", "1"), ("other", "1"), ("folder/x", ""), ("file", "")],
            &[("same", "1"), ("other", "2"), ("folder", ""), ("file/x", "")],
            &[],
        );
        assert_eq!(
            (steps, in_the_way),
            (vec![], vec!["file".into(), "folder".into(), "other".into()])
        );
    }

    #[test]
    fn compiled_files_give_way() {
        let (steps, in_the_way) = check(
            &[("__pycache__/a.pyc", "1"), ("b.pyc", "1")],
            &[("__pycache__/a.pyc", "2"), ("b.pyc", "2")],
            &[],
        );
        assert_eq!(steps, ["-__pycache__/a.pyc", "+__pycache__/a.pyc"]);
        assert_eq!(in_the_way, ["b.pyc"]);
    }

    #[test]
    fn a_link_to_a_folder_is_in_the_way() {
        let (root, staged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        crate::system::unix::fs::symlink("/tmp", root.path().join("p")).unwrap();
        put(staged.path(), "p/x", "");
        let found = steps(root.path(), staged.path(), &BTreeSet::new()).unwrap();
        assert_eq!(found.in_the_way, [InTheWay { path: "p".into() }]);
    }
}
