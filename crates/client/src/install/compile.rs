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

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::system::fs::FlockOperation;
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
    let key = key(interpreter, tag);
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
            lists[wanted.index] = Some(publish(store, &wanted, &key, list)?);
        }
    }
    let place = |(entry, folders): &(&Entry, [String; 5]), list: Vec<Made>| {
        let own = own_caches(entry, folders);
        let files = list.into_iter().filter_map(|made| {
            let file = entry.tree.files().get(made.position)?;
            let path = join(&folders[file.scheme.index()], &cached_path(&file.path, tag)?);
            if own.contains(&path) {
                return None;
            }
            let (name, blake3, seal) = (made.position.to_string(), made.blake3, made.seal);
            Some(Compiled { path, name, blake3, seal })
        });
        CompiledSet { folder: entry.folder.join(format!("c-{key}")), files: files.collect() }
    };
    let lists = lists.into_iter().map(Option::unwrap_or_default);
    Ok(entries.iter().zip(lists).map(|(entry, list)| place(entry, list)).collect())
}

/// Files that the wheel itself brings where compiled ones would go. They win.
fn own_caches(entry: &Entry, folders: &[String; 5]) -> HashSet<String> {
    let files = entry.tree.files().iter().filter(|file| file.path.contains("__pycache__/"));
    files.map(|file| join(&folders[file.scheme.index()], &file.path)).collect()
}

/// Drops the list of a wheel's compiled files unless all of them are what it says by now, so that
/// they are compiled again. For after [`super::stage::StageError::Stale`]. That a file is not there
/// needs no words: another run may have replaced it. One with other bytes does.
///
/// # Errors
/// When the list cannot be removed.
pub(super) fn forget(
    store: &Store,
    interpreter: &Interpreter,
    entry: &Entry,
    reporter: &dyn Reporter,
) -> Result<(), InstallError> {
    let Some(tag) = interpreter.cache_tag() else { return Ok(()) };
    let key = key(interpreter, tag);
    let _held = lock(store)?;
    let folder = entry.folder.join(format!("c-{key}"));
    let mut whole = true;
    for made in read_list(store, entry, &key).unwrap_or_default() {
        match crate::store::hash(&folder.join(made.position.to_string())) {
            Ok(found) if found == made.blake3 => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(_) | Err(_) if whole => note_changed(entry, made.position, reporter),
            Ok(_) | Err(_) => {}
        }
        whole = false;
    }
    if whole {
        return Ok(());
    }
    let path = list_path(store, entry, &key);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn note_changed(entry: &Entry, position: usize, reporter: &dyn Reporter) {
    let path = entry.tree.files().get(position).map_or("", |file| &file.path);
    let wheel = entry.tree.artifact().filename();
    let text = format!("the stored compiled form of `{path}` in `{wheel}` was altered");
    let hint = "it is compiled again from its source, which is checked first";
    reporter.note(Note::new("store-altered", text).with_hint(hint));
}

/// Names what an interpreter compiles: its tag and the magic number of its bytecode.
fn key(interpreter: &Interpreter, tag: &str) -> String {
    format!("{tag}-{}", hex(&interpreter.magic()))
}

/// One run of this user at a time replaces compiled files together with their lists. Held until
/// the returned folder, which is private, is closed. What another user replaces in a shared store
/// meanwhile is noticed when it is linked.
fn lock(store: &Store) -> Result<File, InstallError> {
    let folder = File::open(store.seals()).map_err(failed("lock", store.seals()))?;
    crate::system::fs::flock(&folder, FlockOperation::LockExclusive)
        .map_err(|errno| failed("lock", store.seals())(errno.into()))?;
    Ok(folder)
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
                    let stat = crate::system::fs::lstat(&output)
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

/// Puts what was compiled into the store and seals it. What another run published in the meantime
/// stays; the answer is the list that holds.
fn publish(
    store: &Store,
    wanted: &Wanted<'_>,
    key: &str,
    list: Vec<Made>,
) -> Result<Vec<Made>, InstallError> {
    let _held = lock(store)?;
    if let Some(theirs) = read_list(store, wanted.entry, key) {
        return Ok(theirs);
    }
    let target = wanted.entry.folder.join(format!("c-{key}"));
    let from: &Path = wanted.staging.path();
    if fs::rename(from, &target).is_err() {
        // What a run that was killed or another user left has no seal of ours. It goes as a whole,
        // so that nobody meets half of it.
        let old = store.temporary_folder()?;
        fs::rename(&target, old.path().join("old")).map_err(failed("replace", &target))?;
        fs::rename(from, &target).map_err(failed("publish", &target))?;
    }
    write_list(store, wanted.entry, key, &list)?;
    Ok(list)
}

fn write_list(store: &Store, entry: &Entry, key: &str, list: &[Made]) -> Result<(), InstallError> {
    let mut text = format!("boot {}\n", store.boot());
    for Made { position, blake3, seal } in list {
        let blake3 = blake3::Hash::from_bytes(*blake3).to_hex();
        let seal = seal.map(|seal| seal.to_string()).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{position} {blake3} {seal}");
    }
    text.push_str("end\n");
    let path = list_path(store, entry, key);
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
