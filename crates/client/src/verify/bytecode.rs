//! Compiled files of an environment: compiled again from sources that were checked, and compared.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Finding, Kind};
use crate::bytecode::{CheckJob, Checked, PycName, check_files};
use crate::interpreter::Interpreter;
use crate::package::placement::Placement;

/// No module is longer, and no compiled one either.
const MAX_BYTES: u64 = 64 << 20;

/// Looks at compiled files below the root. One whose source is not among the checked files is a
/// finding by itself: Python could run it, and nothing says what it should be.
pub(super) fn check_compiled(
    interpreter: &Interpreter,
    placement: &Placement,
    compiled: &[String],
    checked_sources: &BTreeSet<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut pairs = Vec::new();
    for path in compiled {
        match source_of(path).filter(|(source, _)| checked_sources.contains(source)) {
            Some((source, name)) => pairs.push((path, source, name)),
            None => findings.push(finding(path, Kind::Extra, "no package has its source")),
        }
    }
    let load = |index: usize| {
        let (path, source, name) = &pairs[index];
        job(&placement.root, path, source, name)
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let answers = match check_files(interpreter, pairs.len(), workers, load) {
        Ok(answers) => answers,
        Err(error) => {
            let detail = format!("{} compiled files were not checked: {error}", pairs.len());
            findings.push(Finding { kind: Kind::Unreadable, project: None, path: None, detail });
            return findings;
        }
    };
    for ((path, ..), answer) in pairs.iter().zip(answers) {
        match answer {
            None => findings.push(finding(path, Kind::Unreadable, "it cannot be read")),
            Some(Checked::Differs { reason, .. }) => {
                let detail = format!("it is not what its source compiles to: {reason}");
                findings.push(finding(path, Kind::Changed, &detail));
            }
            Some(Checked::Unchecked(reason)) => {
                findings.push(finding(path, Kind::Unreadable, &reason));
            }
            Some(Checked::Same { .. } | Checked::OtherInterpreter) => {}
        }
    }
    findings
}

fn finding(path: &str, kind: Kind, detail: &str) -> Finding {
    Finding { kind, project: None, path: Some(path.to_owned()), detail: detail.to_owned() }
}

/// PEP 3147 backwards: the source of `a/__pycache__/b.<tag>.pyc` is `a/b.py`.
fn source_of(path: &str) -> Option<(String, PycName)> {
    let (folder, file) = path.rsplit_once('/')?;
    let name = PycName::parse(file)?;
    let folder = folder.strip_suffix("__pycache__")?;
    Some((format!("{folder}{}.py", name.stem), name))
}

fn job(root: &Path, path: &str, source: &str, name: &PycName) -> Option<CheckJob> {
    let source_path = root.join(source);
    let bytecode = read(&root.join(path))?;
    let text = read(&source_path)?;
    let modified = source_path.metadata().ok()?.modified().ok()?;
    let modified = modified.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    Some(CheckJob {
        bytecode,
        source: text,
        modified: i64::try_from(modified).ok()?,
        optimization: name.optimization,
        name: source_path.to_str()?.to_owned(),
    })
}

fn read(path: &PathBuf) -> Option<Vec<u8>> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return None;
    }
    fs::read(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_lies_one_folder_up() {
        let source = |path| source_of(path).map(|(source, _)| source);
        assert_eq!(source("s/p/__pycache__/a.cpython-311.pyc").as_deref(), Some("s/p/a.py"));
        assert_eq!(source("__pycache__/a.cpython-311.opt-1.pyc").as_deref(), Some("a.py"));
        assert_eq!(source("s/p/a.pyc"), None);
        assert_eq!(source("a.pyc"), None);
    }
}
