//! Every version of every lock on all commits of a repository that can be reached.
//!
//! A merge is compared with all of its parents: what is new in none of them but in the merge is seen,
//! and what it only took over was seen where it was made.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use countermark_lock::observe::{Lock, Moment, Unread};
use countermark_packaging::lock::document::MAXIMUM_SIZE;
use jiff::Timestamp;

use super::remembered::Remembered;
use super::{Collected, Deadline, Reading, Sink, TreesError, Version, add, is_candidate};
use crate::records::git::process::Git;

/// So many commits are asked for at once.
const BATCH: usize = 500;

/// The most bytes of git's answer about them.
const MAXIMUM_ANSWER: u64 = 256 << 20;

/// The most bytes of the list of all commits.
const MAXIMUM_LIST: u64 = 256 << 20;

/// The most versions of locks of a repository in one run.
const MAXIMUM_VERSIONS: usize = 200_000;

/// So many bytes of locks are read into memory at once.
const MAXIMUM_CHUNK: u64 = 64 << 20;

/// The most bytes of locks of a repository in one run.
const MAXIMUM_BYTES: u64 = 4 << 30;

/// A content of a path, on a commit.
struct Change {
    commit: String,
    date: Option<Timestamp>,
    path: String,
    content: String,
}

/// Reads what was not read before of a repository.
pub(super) fn read(
    root: &Path,
    name: &str,
    reading: &Reading<'_>,
    into: &mut Collected,
) -> Result<(), TreesError> {
    let git = Git::new(root);
    if !reading.history {
        return read_head(&git, name, root, reading, into);
    }
    let deadline = Deadline::after(reading.time);
    let list = git.run(&["rev-list", "--all", "--reverse", "--date-order"], MAXIMUM_LIST)?;
    let list = String::from_utf8_lossy(&list);
    let mut known = Remembered::read(root, name, reading);
    // What was read stays known when its commits are gone, as after a forced push. But a folder in
    // which none of them is has another repository today.
    if !list.lines().any(|commit| known.commits.contains(commit)) {
        known = Remembered::default();
    }
    let mut pending: Vec<String> = list
        .lines()
        .filter(|commit| is_name(commit) && !known.commits.contains(*commit))
        .map(str::to_owned)
        .collect();
    if pending.len() > reading.commits {
        let left = pending.len() - reading.commits;
        pending.drain(..left);
        into.notes.push(format!("{name}: {left} older commits were not read (`--max-commits`)"));
    }
    if is_shallow(&git)? {
        into.notes.push(format!("{name} is a shallow clone: its history is cut off"));
    }
    let outcome = read_commits(&git, &pending, name, &mut known, &deadline, reading, into);
    known.write(root, name, reading);
    into.versions += known.versions;
    into.unread.append(&mut known.unread);
    into.statements.extend(std::mem::take(&mut known.statements).into_vec());
    outcome
}

fn read_commits(
    git: &Git,
    pending: &[String],
    name: &str,
    known: &mut Remembered,
    deadline: &Deadline,
    reading: &Reading<'_>,
    into: &mut Collected,
) -> Result<(), TreesError> {
    let mut seen: HashSet<(String, String)> = HashSet::new();
    let (mut versions, mut bytes) = (0, 0);
    let mut done = 0;
    for batch in pending.chunks(BATCH) {
        if reading.is_stopped() {
            return Err(TreesError::Stopped);
        }
        let is_full = versions >= MAXIMUM_VERSIONS || bytes >= MAXIMUM_BYTES;
        if deadline.is_over() || is_full {
            let left = pending.len() - done;
            into.notes.push(format!("{name}: {left} commits are left for the next run"));
            return Ok(());
        }
        reading.work(&format!("reading {name}: {done} of {} commits", pending.len()));
        let mut changes = changes(git, batch)?;
        changes.retain(|change| seen.insert((change.path.clone(), change.content.clone())));
        versions += changes.len();
        bytes += read_changes(git, &changes, name, reading, known)?;
        known.commits.extend(batch.iter().cloned());
        done += batch.len();
    }
    Ok(())
}

/// What is at the head now, in a repository without files of its own; others are read as folders.
fn read_head(
    git: &Git,
    name: &str,
    root: &Path,
    reading: &Reading<'_>,
    into: &mut Collected,
) -> Result<(), TreesError> {
    if !crate::records::git::is_bare(root)
        || !git.succeeds(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?
    {
        return Ok(());
    }
    let head = git.run(&["rev-list", "--max-count=1", "--timestamp", "HEAD", "--"], 1024)?;
    let head = String::from_utf8_lossy(&head);
    let (date, commit) = head.trim().split_once(' ').unwrap_or_default();
    let list = git.run(&["ls-tree", "-r", "-z", "--full-tree", "HEAD"], MAXIMUM_ANSWER)?;
    let mut changes = Vec::new();
    for entry in list.split(|byte| *byte == 0) {
        let entry = String::from_utf8_lossy(entry);
        let Some((head, path)) = entry.split_once('\t') else { continue };
        let words: Vec<&str> = head.split(' ').collect();
        let ["100644" | "100755", "blob", content] = words[..] else { continue };
        if is_candidate(path) {
            changes.push(Change {
                commit: commit.to_owned(),
                date: date.parse().ok().and_then(|date| Timestamp::from_second(date).ok()),
                path: path.to_owned(),
                content: content.to_owned(),
            });
        }
    }
    let mut known = Remembered::default();
    read_changes(git, &changes, name, reading, &mut known)?;
    into.versions += known.versions;
    into.unread.append(&mut known.unread);
    into.statements.extend(known.statements.into_vec());
    Ok(())
}

fn is_shallow(git: &Git) -> Result<bool, TreesError> {
    let answer = git.run(&["rev-parse", "--is-shallow-repository"], 1024)?;
    Ok(answer.trim_ascii() == b"true")
}

fn is_name(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What changed on these commits, as far as it may be a lock.
fn changes(git: &Git, commits: &[String]) -> Result<Vec<Change>, TreesError> {
    let arguments = [
        "diff-tree",
        "--stdin",
        "-r",
        "-c",
        "--root",
        "--raw",
        "-z",
        "--no-renames",
        "--no-abbrev",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--format=tformat:%x01%H %ct",
    ];
    let answer = git.run_for(&arguments, commits, MAXIMUM_ANSWER)?;
    parse_changes(&answer).map_err(|reason| git.unreadable(reason).into())
}

/// Reads `git diff-tree --raw -z -c` with `%x01%H %ct` before each commit.
fn parse_changes(bytes: &[u8]) -> Result<Vec<Change>, String> {
    let unexpected = |field: &[u8]| {
        let shown: String = String::from_utf8_lossy(field).chars().take(100).collect();
        format!("git answered in a form that is not known: {shown:?}")
    };
    let mut found = Vec::new();
    let mut commit: Option<(String, Option<Timestamp>)> = None;
    let mut fields = bytes.split(|byte| *byte == 0);
    while let Some(field) = fields.next() {
        let field = field.strip_prefix(b"\n").unwrap_or(field);
        if field.is_empty() {
            continue;
        }
        let text = std::str::from_utf8(field).map_err(|_| unexpected(field))?;
        if let Some(head) = text.strip_prefix('\u{1}') {
            let (name, time) = head.split_once(' ').ok_or_else(|| unexpected(field))?;
            let date = time.trim().parse().ok().and_then(|it| Timestamp::from_second(it).ok());
            commit = Some((name.to_owned(), date));
            continue;
        }
        // One colon for each parent; then so many modes and names, and those of the commit.
        let rest = text.trim_start_matches(':');
        let parents = text.len() - rest.len();
        let words: Vec<&str> = rest.split(' ').collect();
        let (Some((commit, date)), 1..) = (&commit, parents) else { return Err(unexpected(field)) };
        if words.len() != 2 * (parents + 1) + 1 {
            return Err(unexpected(field));
        }
        let (mode, content) = (words[parents], words[2 * parents + 1]);
        let path = fields.next().ok_or_else(|| unexpected(field))?;
        // A path that is no text is that of no lock that anybody can name.
        let Ok(path) = std::str::from_utf8(path) else { continue };
        if matches!(mode, "100644" | "100755") && is_name(content) && is_candidate(path) {
            found.push(Change {
                commit: commit.clone(),
                date: *date,
                path: path.to_owned(),
                content: content.to_owned(),
            });
        }
    }
    Ok(found)
}

/// Reads these contents, and gives how many bytes they had.
fn read_changes(
    git: &Git,
    changes: &[Change],
    name: &str,
    reading: &Reading<'_>,
    known: &mut Remembered,
) -> Result<u64, TreesError> {
    let names: Vec<String> = changes
        .iter()
        .map(|change| change.content.clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let sizes = sizes(git, &names)?;
    let mut rest = names.as_slice();
    let mut total = 0;
    while !rest.is_empty() {
        if reading.is_stopped() {
            return Err(TreesError::Stopped);
        }
        let mut bytes = 0;
        let fits = rest.iter().take_while(|name| {
            let size = sizes.get(name.as_str()).copied().unwrap_or(0);
            bytes += size.min(MAXIMUM_SIZE as u64);
            bytes <= MAXIMUM_CHUNK
        });
        let (chunk, after) = rest.split_at(fits.count().max(1));
        rest = after;
        let is_read = |name: &&String| {
            sizes.get(name.as_str()).is_some_and(|size| *size <= MAXIMUM_SIZE as u64)
        };
        let wanted: Vec<String> = chunk.iter().filter(is_read).cloned().collect();
        let mut contents: HashMap<&str, Vec<u8>> = HashMap::new();
        git.objects(&wanted, MAXIMUM_SIZE as u64, &mut |number, bytes| {
            total += bytes.len() as u64;
            contents.insert(&wanted[number], bytes.to_vec());
        })?;
        let chunk: BTreeSet<&str> = chunk.iter().map(String::as_str).collect();
        let mut versions = Vec::new();
        for change in changes.iter().filter(|change| chunk.contains(change.content.as_str())) {
            let lock = Lock { repository: name.to_owned(), path: change.path.clone() };
            let moment = Moment { commit: Some(change.commit.clone()), date: change.date, line: 0 };
            match contents.get(change.content.as_str()) {
                Some(bytes) => versions.push(Version { lock, moment, bytes: bytes.clone() }),
                None => known.unread.push(Unread {
                    place: format!("{lock}@{}", &change.commit[..12.min(change.commit.len())]),
                    reason: "it is too large, or not in this clone".to_owned(),
                }),
            }
        }
        let mut sink = Sink {
            statements: &mut known.statements,
            unread: &mut known.unread,
            versions: &mut known.versions,
        };
        add(&versions, reading.index, &mut sink);
    }
    Ok(total)
}

/// How long contents are; one that is not there has none.
fn sizes(git: &Git, names: &[String]) -> Result<HashMap<String, u64>, TreesError> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let arguments = ["cat-file", "--batch-check", "--buffer"];
    let answer = git.run_for(&arguments, names, MAXIMUM_ANSWER)?;
    let answer = String::from_utf8_lossy(&answer);
    let size = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, "blob", size] = words[..] else { return None };
        Some((name.to_owned(), size.parse().ok()?))
    };
    Ok(answer.lines().filter_map(size).collect())
}
