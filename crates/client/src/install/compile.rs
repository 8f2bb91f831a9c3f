//! Bytecode of stored wheels: made once for a wheel and an interpreter, linked into every
//! environment that wants it.
//!
//! ```text
//! <entry>/c-<interpreter>/<n>                 compiled form of the n-th file
//! <state>/seals/<store>/<SHA-256>.<interpreter>   BLAKE3 and seal of each of them
//! ```
//!
//! Only compiled files that this user's seal vouches for are used; everything else is compiled anew
//! from sources whose bytes are compared first.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countermark_packaging::digest::Sha256;
use countermark_packaging::scheme::Scheme;
use countermark_trust::tree::{Mode, TreeFile};

use super::error::{InstallError, failed};
use super::stage::{Compiled, CompiledSet};
use crate::bytecode::{CompileJob, Compiled as Answer, Optimization, compile_files};
use crate::interpreter::Interpreter;
use crate::package::placement::join;
use crate::report::{Note, Progress, Reporter};
use crate::store::{Entry, FileSeal, Store};

/// The list of a wheel with a million modules.
const MAX_LIST: u64 = 128 << 20;

/// A compiled file of a wheel.
#[derive(Clone, Copy)]
struct Made {
    /// The position of its source in the tree, and its own name.
    position: usize,
    /// Of its bytes.
    blake3: [u8; 32],
    /// How it looked after they were computed; `None` when that was in another boot.
    seal: Option<FileSeal>,
}

/// Wheels compiled in one go, so that workers start once.
struct Wanted<'a> {
    index: usize,
    entry: &'a Entry,
    sources: Vec<usize>,
    staging: tempfile::TempDir,
}

/// For each entry the compiled files to link. A source that does not compile has none, as with pip.
///
/// # Errors
/// When the interpreter cannot compile or the store cannot be written.
pub(super) fn compiled(
    store: &Store,
    interpreter: &Interpreter,
    entries: &[(&Entry, [String; 5])],
    reporter: &dyn Reporter,
) -> Result<Vec<CompiledSet>, InstallError> {
    let Some(tag) = interpreter.cache_tag() else {
        return Ok(vec![CompiledSet::default(); entries.len()]);
    };
    let key = format!("{tag}-{}", hex(&interpreter.magic()));
    let mut lists: Vec<Option<Vec<Made>>> =
        entries.iter().map(|(entry, _)| read_list(store, entry, &key)).collect();
    let mut wanted = Vec::new();
    for (index, (entry, _)) in entries.iter().enumerate() {
        if lists[index].is_none() {
            let sources = sources(entry);
            let staging = store.temporary_folder()?;
            wanted.push(Wanted { index, entry, sources, staging });
        }
    }
    if !wanted.is_empty() {
        let made = make(interpreter, &wanted, reporter)?;
        for (wanted, list) in wanted.into_iter().zip(made) {
            publish(store, &wanted, &key, &list)?;
            lists[wanted.index] = Some(list);
        }
    }
    let place = |(entry, folders): &(&Entry, [String; 5]), list: Vec<Made>| {
        let files = list.into_iter().filter_map(|made| {
            let file = entry.tree.files().get(made.position)?;
            let path = join(&folders[file.scheme.index()], &cached_path(&file.path, tag)?);
            let (name, blake3, seal) = (made.position.to_string(), made.blake3, made.seal);
            Some(Compiled { path, name, blake3, seal })
        });
        CompiledSet { folder: entry.folder.join(format!("c-{key}")), files: files.collect() }
    };
    let lists = lists.into_iter().map(Option::unwrap_or_default);
    Ok(entries.iter().zip(lists).map(|(entry, list)| place(entry, list)).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// PEP 3147: `a/b.py` has its bytecode in `a/__pycache__/b.<tag>.pyc`.
fn cached_path(path: &str, tag: &str) -> Option<String> {
    let stem = path.strip_suffix(".py")?;
    let (folder, name) = stem.rsplit_once('/').unwrap_or(("", stem));
    Some(join(folder, &format!("__pycache__/{name}.{tag}.pyc")))
}

fn sources(entry: &Entry) -> Vec<usize> {
    let is_module = |file: &TreeFile| {
        matches!(file.scheme, Scheme::Purelib | Scheme::Platlib)
            && file.mode != Mode::Script
            && file.path.ends_with(".py")
    };
    let mut positions: Vec<usize> = (0..entry.tree.files().len())
        .filter(|&position| is_module(&entry.tree.files()[position]))
        .collect();
    positions.sort_by_key(|&position| std::cmp::Reverse(entry.tree.files()[position].size));
    positions
}

fn make(
    interpreter: &Interpreter,
    wanted: &[Wanted<'_>],
    reporter: &dyn Reporter,
) -> Result<Vec<Vec<Made>>, InstallError> {
    let mut jobs = Vec::new();
    for wheel in wanted {
        for &position in &wheel.sources {
            let file = &wheel.entry.tree.files()[position];
            jobs.push(CompileJob {
                source: wheel.entry.folder.join("f").join(position.to_string()),
                sha256: sha256_of(file),
                name: file.path.clone(),
                output: wheel.staging.path().join(position.to_string()),
                optimization: Optimization::None,
            });
        }
    }
    reporter.progress(Progress::Compiling { files: jobs.len() });
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let answers = compile_files(interpreter, &jobs, workers).map_err(|error| {
        InstallError::Refused(vec![crate::report::Problem::of("compile", error.class(), &error)])
    })?;
    let mut answers = answers.into_iter();
    let mut made = Vec::new();
    for wheel in wanted {
        let mut list = Vec::new();
        for &position in &wheel.sources {
            let output = wheel.staging.path().join(position.to_string());
            match answers.next() {
                Some(Answer::Written { .. }) => {
                    let blake3 = crate::store::hash(&output).map_err(failed("read", &output))?;
                    let stat = rustix::fs::lstat(&output)
                        .map_err(|errno| failed("read", output)(errno.into()))?;
                    list.push(Made { position, blake3, seal: Some(FileSeal::of(&stat)) });
                }
                Some(Answer::SourceChanged) => {
                    let file = &wheel.entry.tree.files()[position];
                    return Err(super::stage::StageError::Altered {
                        index: wheel.index,
                        wheel: wheel.entry.tree.artifact().filename().to_owned(),
                        path: file.path.clone(),
                    }
                    .into());
                }
                Some(Answer::Failed(message)) => {
                    let path = &wheel.entry.tree.files()[position].path;
                    let text = format!("`{path}` could not be compiled: {message}");
                    reporter.note(Note::new("not-compiled", text));
                }
                Some(Answer::Invalid(_)) | None => {}
            }
        }
        list.sort_unstable_by_key(|made| made.position);
        made.push(list);
    }
    Ok(made)
}

fn sha256_of(file: &TreeFile) -> Option<Sha256> {
    let bytes = URL_SAFE_NO_PAD.decode(&file.sha256).ok()?;
    Some(Sha256(bytes.try_into().ok()?))
}

fn list_path(store: &Store, entry: &Entry, key: &str) -> PathBuf {
    store.seals().join(format!("{}.{key}", entry.tree.artifact().sha256().hex()))
}

/// The sealed list. What lies in the store is compared with it when it is linked.
fn read_list(store: &Store, entry: &Entry, key: &str) -> Option<Vec<Made>> {
    let text = crate::store::read_bounded(&list_path(store, entry, key), MAX_LIST).ok()?;
    if !entry.folder.join(format!("c-{key}")).is_dir() {
        return None;
    }
    let (boot, body) = text.strip_suffix("end\n")?.split_once('\n')?;
    let same_boot = boot.strip_prefix("boot ")? == store.boot();
    let parse = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let position = parts.next()?.parse().ok()?;
        let blake3 = *blake3::Hash::from_hex(parts.next()?).ok()?.as_bytes();
        let seal = FileSeal::parse(parts.next()?)?;
        Some(Made { position, blake3, seal: same_boot.then_some(seal) })
    };
    body.lines().map(parse).collect()
}

fn publish(
    store: &Store,
    wanted: &Wanted<'_>,
    key: &str,
    list: &[Made],
) -> Result<(), InstallError> {
    let target = wanted.entry.folder.join(format!("c-{key}"));
    let from: &Path = wanted.staging.path();
    if fs::rename(from, &target).is_err() {
        // What another run or another user left has no seal of ours.
        fs::remove_dir_all(&target).map_err(failed("replace", &target))?;
        fs::rename(from, &target).map_err(failed("publish", &target))?;
    }
    let mut text = format!("boot {}\n", store.boot());
    for Made { position, blake3, seal } in list {
        let blake3 = blake3::Hash::from_bytes(*blake3).to_hex();
        let seal = seal.map(|seal| seal.to_string()).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{position} {blake3} {seal}");
    }
    text.push_str("end\n");
    let path = list_path(store, wanted.entry, key);
    crate::store::write_renamed(store.seals(), &path, text.as_bytes()).map_err(failed("seal", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytecode_lies_beside_its_source() {
        for (path, expect) in [
            ("a.py", Some("__pycache__/a.cpython-311.pyc")),
            ("p/q/b.c.py", Some("p/q/__pycache__/b.c.cpython-311.pyc")),
            ("a.pyi", None),
        ] {
            assert_eq!(cached_path(path, "cpython-311").as_deref(), expect);
        }
    }
}
