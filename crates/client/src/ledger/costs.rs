//! What reading costs: lines of a file, and lines of the difference of two files. What
//! `ledger::suggest` chooses by.
//!
//! Files come from the store or the configured index and are held against the digest by which they are
//! asked for, before anything looks into them; what the index says of them only tells where they are.
//! What was counted is remembered in the private state folder under the digests, so nothing is counted
//! twice:
//!
//! ```text
//! countermark-costs 1
//! full <SHA-256> <lines>
//! delta <SHA-256 from> <SHA-256 to> <lines>
//! end <BLAKE3 of everything before>
//! ```
//!
//! A file that is damaged, too long or of another version is as good as none. What cannot be had costs
//! nothing that anybody knows, which is said and is no error: a price is no verdict.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use countermark_ledger::file::FileId;
use countermark_lock::catalogue::ReleaseFile;
use countermark_packaging::digest::{Digest, Sha256};
use countermark_packaging::name::ProjectName;
use countermark_trust::Pin;
use countermark_trust::change::Contents;

use super::listed::{self, Listed, Wanted, parse_name, release_file};
use crate::contents::{self, Fetched, count_changed_lines, count_lines, read_contents};
use crate::index::IndexClient;
use crate::report::Progress;
use crate::sight::Context;
use crate::store::{read_bounded, write_renamed};

const NAME: &str = "costs";
const HEADER: &str = "countermark-costs 1";

/// Prices that are remembered.
const MAX_LINES: usize = 100_000;

/// Longer than that many lines of the longest form.
const MAX_BYTES: u64 = 16 << 20;

/// Files that are open at a time.
const AT_ONCE: usize = 24;

/// Bytes that one run downloads to count lines, as the index says how large files are; a file of which
/// it does not say it counts as [`UNKNOWN_SIZE`].
const MAX_DOWNLOADED: u64 = 2 << 30;

/// After so long a run counts no more: a suggestion is asked for by somebody who waits.
const PATIENCE: Duration = Duration::from_secs(90);

/// Bytes of a file whose size nobody says.
const UNKNOWN_SIZE: u64 = 16 << 20;

/// What is to be counted: a file in full, and its difference from others of its project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whose.
    pub project: ProjectName,
    /// The file that somebody has to read.
    pub file: FileId,
    /// Those that it may be compared with.
    pub before: Vec<FileId>,
}

/// Prices, in lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    full: BTreeMap<Sha256, u64>,
    delta: BTreeMap<(Sha256, Sha256), u64>,
}

impl Prices {
    /// Lines of a file.
    #[must_use]
    pub fn full(&self, file: &Sha256) -> Option<u64> {
        self.full.get(file).copied()
    }

    /// Lines of a difference.
    #[must_use]
    pub fn delta(&self, from: &Sha256, to: &Sha256) -> Option<u64> {
        self.delta.get(&(*from, *to)).copied()
    }

    /// What was counted by earlier runs.
    #[must_use]
    pub fn read(state: &Path) -> Self {
        read_whole(&state.join(NAME)).unwrap_or_default()
    }

    /// Remembers, together with what another run remembered meanwhile.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn write(&self, state: &Path) -> io::Result<()> {
        let path = state.join(NAME);
        let mut all = Self::read(state);
        // The oldest are not known; a full memory begins anew.
        if all.len() + self.len() > MAX_LINES {
            all = Self::default();
        }
        all.full.extend(&self.full);
        all.delta.extend(&self.delta);
        std::fs::create_dir_all(state)?;
        write_renamed(state, &path, all.render().as_bytes())
    }

    fn len(&self) -> usize {
        self.full.len() + self.delta.len()
    }

    fn render(&self) -> String {
        let mut text = format!("{HEADER}\n");
        // Writing to a string cannot fail.
        for (file, lines) in &self.full {
            let _ = writeln!(text, "full {} {lines}", file.hex());
        }
        for ((from, to), lines) in &self.delta {
            let _ = writeln!(text, "delta {} {} {lines}", from.hex(), to.hex());
        }
        let _ = writeln!(text, "end {}", blake3::hash(text.as_bytes()).to_hex());
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut prices = Self::default();
        let mut lines = text.lines();
        if lines.next()? != HEADER {
            return None;
        }
        for line in lines.filter(|line| !line.starts_with("end ")) {
            let words: Vec<&str> = line.split(' ').collect();
            let hex = |text: &str| Sha256::parse_hex(text).ok();
            match words[..] {
                ["full", file, lines] => {
                    prices.full.insert(hex(file)?, lines.parse().ok()?);
                }
                ["delta", from, to, lines] => {
                    prices.delta.insert((hex(from)?, hex(to)?), lines.parse().ok()?);
                }
                _ => return None,
            }
        }
        Some(prices)
    }

    /// What of a question is not answered.
    fn open<'a>(&self, question: &'a Question) -> Option<Open<'a>> {
        let file = &question.file;
        let full = self.full(&file.digest).is_none();
        let unknown = |before: &&FileId| self.delta(&before.digest, &file.digest).is_none();
        let before: Vec<&FileId> = question.before.iter().filter(unknown).collect();
        (full || !before.is_empty()).then_some(Open { question, before })
    }
}

fn read_whole(path: &Path) -> Option<Prices> {
    let text = read_bounded(path, MAX_BYTES).ok()?;
    let end = text.strip_suffix('\n')?.rfind('\n')? + 1;
    let sum = text.get(end..)?.strip_prefix("end ")?.trim_end();
    let found = blake3::hash(text.get(..end)?.as_bytes()).to_hex();
    if sum == found.as_str() { Prices::parse(&text) } else { None }
}

/// What is not known of a question.
struct Open<'a> {
    question: &'a Question,
    before: Vec<&'a FileId>,
}

impl Open<'_> {
    fn files(&self) -> impl Iterator<Item = &FileId> {
        std::iter::once(&self.question.file).chain(self.before.iter().copied())
    }
}

/// Counts what is not known yet and adds it. Gives a sentence for each file of which nothing could be
/// counted, the first reason for it; stops early when the user says stop.
pub fn count(
    context: Context<'_>,
    index: &IndexClient,
    questions: &[Question],
    prices: &mut Prices,
) -> Vec<String> {
    let known = prices.clone();
    let open: Vec<Open<'_>> = questions.iter().filter_map(|one| known.open(one)).collect();
    if open.is_empty() {
        return Vec::new();
    }
    let mut told = Vec::new();
    let mut wanted = Wanted::new();
    for one in &open {
        let files = one.files().map(|file| file.digest);
        wanted.entry(one.question.project.clone()).or_default().extend(files);
    }
    let listed = if context.offline {
        Listed::default()
    } else {
        listed::ask(index, &wanted, context.reporter, context.interrupted)
    };
    told.extend(listed.unknown.iter().cloned());
    let mut budget = MAX_DOWNLOADED;
    let mut rest = &open[..];
    let begun = Instant::now();
    while !rest.is_empty() && !context.interrupted.load(Ordering::Relaxed) {
        if begun.elapsed() > PATIENCE {
            let message = format!(
                "the lines of {} files were not counted: {} seconds are enough for one run; the next one \
                 goes on, and `--usable` asks about fewer files",
                rest.len(),
                PATIENCE.as_secs()
            );
            told.insert(0, message);
            break;
        }
        let what = format!("counting lines: {} files to go", rest.len());
        context.reporter.progress(Progress::Working { what: &what });
        let (batch, after) = rest.split_at(batch(rest));
        rest = after;
        one_batch(context, batch, &listed, &mut budget, prices, &mut told);
    }
    context.reporter.progress(Progress::Done);
    told
}

/// How many questions have no more files than may be open; at least one.
fn batch(open: &[Open<'_>]) -> usize {
    let mut files = 0;
    let fits = open.iter().take_while(|one| {
        files += 1 + one.before.len();
        files <= AT_ONCE
    });
    fits.count().max(1)
}

fn one_batch(
    context: Context<'_>,
    batch: &[Open<'_>],
    listed: &Listed,
    budget: &mut u64,
    prices: &mut Prices,
    told: &mut Vec<String>,
) {
    let wanted: BTreeMap<Sha256, (&ProjectName, &FileId)> = batch
        .iter()
        .flat_map(|one| one.files().map(|file| (file.digest, (&one.question.project, file))))
        .collect();
    let mut files: Vec<(Sha256, ReleaseFile)> = Vec::new();
    for (digest, (project, file)) in &wanted {
        match located(context, *digest, project, file, listed, budget) {
            Ok(found) => files.push((*digest, found)),
            Err(reason) => told.push(reason),
        }
    }
    let asked: Vec<(&ReleaseFile, Pin)> = files
        .iter()
        .filter_map(|(digest, file)| Some((file, Pin::new([Digest::from(*digest)]).ok()?)))
        .collect();
    let mut sides: BTreeMap<Sha256, (Fetched, Contents)> = BTreeMap::new();
    for ((digest, _), fetched) in files.iter().zip(contents::fetch(context, &asked)) {
        let side = fetched.map_err(|problem| problem.message).and_then(|fetched| {
            let contents = read_contents(fetched.distribution()).map_err(|it| it.to_string())?;
            Ok((fetched, contents))
        });
        match side {
            Ok(side) => drop(sides.insert(*digest, side)),
            Err(reason) => told.push(reason),
        }
    }
    for one in batch {
        if let Err(reason) = price(one, &sides, prices) {
            told.push(reason);
        }
    }
}

/// Where a file is: in the store, or where the index says, as long as there are bytes to spend.
fn located(
    context: Context<'_>,
    digest: Sha256,
    project: &ProjectName,
    file: &FileId,
    listed: &Listed,
    budget: &mut u64,
) -> Result<ReleaseFile, String> {
    if context.store.folder(digest).exists()
        && let Some(filename) = parse_name(project, &file.name)
    {
        return Ok(release_file(filename, String::new(), None));
    }
    if context.offline {
        return Err(format!("`{}` is not in the store, and nothing may be asked", file.name));
    }
    let Some(found) = listed.files.get(&digest) else {
        return Err(format!("the index does not list `{}` with its digest", file.name));
    };
    let size = found.size.unwrap_or(UNKNOWN_SIZE);
    if size > *budget {
        return Err(format!(
            "`{}` is not downloaded: {MAX_DOWNLOADED} bytes are enough",
            file.name
        ));
    }
    *budget -= size;
    Ok(found.clone())
}

fn price(
    one: &Open<'_>,
    sides: &BTreeMap<Sha256, (Fetched, Contents)>,
    prices: &mut Prices,
) -> Result<(), String> {
    let digest = one.question.file.digest;
    let Some((file, contents)) = sides.get(&digest) else { return Ok(()) };
    if prices.full(&digest).is_none() {
        let lines = count_lines(file.distribution(), contents).map_err(|it| it.to_string())?;
        prices.full.insert(digest, lines);
    }
    for before in &one.before {
        let Some((old, old_contents)) = sides.get(&before.digest) else { continue };
        let diffs =
            contents::diff((old.distribution(), old_contents), (file.distribution(), contents));
        let lines = count_changed_lines(diffs.map_err(|it| it.to_string())?);
        prices.delta.insert((before.digest, digest), lines);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> Sha256 {
        Sha256([byte; 32])
    }

    fn prices() -> Prices {
        Prices {
            full: BTreeMap::from([(digest(1), 12), (digest(2), 0)]),
            delta: BTreeMap::from([((digest(1), digest(2)), 3)]),
        }
    }

    #[test]
    fn prices_are_remembered_with_those_of_other_runs() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(Prices::read(state.path()), Prices::default());
        prices().write(state.path()).unwrap();
        let more = Prices { full: BTreeMap::from([(digest(3), 9)]), ..Prices::default() };
        more.write(state.path()).unwrap();
        let read = Prices::read(state.path());
        assert_eq!((read.full(&digest(1)), read.full(&digest(3))), (Some(12), Some(9)));
        assert_eq!(read.delta(&digest(1), &digest(2)), Some(3));
        assert_eq!(read.delta(&digest(2), &digest(1)), None, "a difference has a direction");
    }

    #[test]
    fn a_damaged_memory_is_none() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join(NAME);
        let text = prices().render();
        for (index, _) in text.bytes().enumerate().step_by(7) {
            let mut bytes = text.clone().into_bytes();
            bytes[index] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(Prices::read(state.path()), Prices::default(), "byte {index}");
        }
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Prices::read(state.path()), prices());
    }
}
