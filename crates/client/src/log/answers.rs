//! What a log proved of files before, so that the same pin is not asked about in every run.
//!
//! ```text
//! countermark-log-answers 1
//! <key> <size of the tree> <root> <unix time of the checkpoint>      oldest first
//! end <BLAKE3 of everything before>
//! ```
//!
//! The key is a digest over the name of the file and its digest, so the file names no project. Only a
//! yes is kept, and only after the whole answer was verified. It counts for as long as the checkpoint in
//! which it was proved is young enough: later somebody may have seen other bytes under that name, and
//! the next look has to find that. A file that is damaged, too long or of another version is as good
//! as none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;

use countermark_packaging::digest::Digest;
use jiff::{SignedDuration, Timestamp};

use super::state::State;

const NAME: &str = "answers";
const HEADER: &str = "countermark-log-answers 1";

/// Answers that are kept; the oldest are forgotten first.
const MAX_LINES: usize = 20_000;

/// Longer than that many lines of the longest form.
const MAX_BYTES: u64 = 4 << 20;

/// Hexadecimal digits of a key.
const KEY_LENGTH: usize = 64;

/// How long an answer counts where the policy has no limit on the age of checkpoints.
pub(super) const DEFAULT_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Names a file with its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(String);

impl Key {
    pub(super) fn of(filename: &str, digest: &Digest) -> Self {
        // No file name has a line break: names come from the readers of `packaging`.
        Self(blake3::hash(format!("{filename}\n{digest}\n").as_bytes()).to_hex().to_string())
    }
}

/// The checkpoint in which something was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProvedIn {
    pub(super) size: u64,
    /// Base64, as checkpoints have it.
    pub(super) root: String,
    pub(super) time: Timestamp,
}

/// What is known of these files, and young enough.
pub(super) fn known(
    state: &State,
    wanted: &BTreeSet<Key>,
    maximum_age: SignedDuration,
    now: Timestamp,
) -> BTreeMap<Key, ProvedIn> {
    if wanted.is_empty() {
        return BTreeMap::new();
    }
    let Some(text) = read_whole(state) else { return BTreeMap::new() };
    let is_young = |proved: &ProvedIn| {
        let age = now.duration_since(proved.time);
        // A checkpoint of the future is nobody's that can be believed.
        age <= maximum_age && age >= -maximum_age
    };
    let parsed = lines(&text).filter_map(|line| {
        let key = Key(line.get(..KEY_LENGTH)?.to_owned());
        wanted.contains(&key).then(|| Some((key, parse(line.get(KEY_LENGTH..)?)?)))?
    });
    parsed.filter(|(_, proved)| is_young(proved)).collect()
}

/// Keeps what was proved in one checkpoint. Runs at the same time wait for each other.
///
/// # Errors
/// When the file system says no.
pub(super) fn keep(state: &State, news: &BTreeSet<Key>, proved: &ProvedIn) -> io::Result<()> {
    if news.is_empty() {
        return Ok(());
    }
    let _turn = state.turn()?;
    let before = read_whole(state).unwrap_or_default();
    let is_new =
        |line: &&str| line.get(..KEY_LENGTH).is_some_and(|key| news.contains(&Key(key.into())));
    let kept: Vec<&str> = lines(&before).filter(|line| !is_new(line)).collect();
    let excess = (kept.len() + news.len()).saturating_sub(MAX_LINES).min(kept.len());
    let mut text = format!("{HEADER}\n");
    for line in &kept[excess..] {
        text.push_str(line);
        text.push('\n');
    }
    for key in news.iter().take(MAX_LINES) {
        let (size, root, time) = (proved.size, &proved.root, proved.time.as_second());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} {size} {root} {time}", key.0);
    }
    let _ = writeln!(text, "end {}", blake3::hash(text.as_bytes()).to_hex());
    state.write(NAME, &text)
}

/// The whole file, if it is what was written last.
fn read_whole(state: &State) -> Option<String> {
    let text = state.read(NAME, MAX_BYTES).ok()??;
    let body = text.strip_suffix('\n')?;
    let end = body.rfind('\n')? + 1;
    let sum = body.get(end..)?.strip_prefix("end ")?;
    let found = blake3::hash(text.get(..end)?.as_bytes()).to_hex();
    (sum == found.as_str() && text.starts_with(HEADER)).then_some(text)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().skip(1).filter(|line| !line.starts_with("end "))
}

fn parse(line: &str) -> Option<ProvedIn> {
    let mut parts = line.strip_prefix(' ')?.split(' ');
    let size = parts.next()?.parse().ok()?;
    let root = parts.next()?.to_owned();
    let time = Timestamp::from_second(parts.next()?.parse().ok()?).ok()?;
    parts.next().is_none().then_some(ProvedIn { size, root, time })
}

#[cfg(test)]
mod tests {
    use countermark_packaging::digest::{Algorithm, Digest};

    use super::*;

    fn key(name: &str, fill: u8) -> Key {
        Key::of(name, &Digest::new(Algorithm::Sha256, &[fill; 32]).unwrap())
    }

    fn proved(second: i64) -> ProvedIn {
        let time = Timestamp::from_second(second).unwrap();
        ProvedIn { size: 7, root: "cm9vdA==".to_owned(), time }
    }

    fn wanted(keys: &[&Key]) -> BTreeSet<Key> {
        keys.iter().copied().cloned().collect()
    }

    #[test]
    fn a_yes_counts_while_its_checkpoint_is_young_and_only_for_these_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path(), "log").unwrap();
        let (one, two, other) = (key("a-1.whl", 1), key("b-1.whl", 1), key("a-1.whl", 2));
        keep(&state, &wanted(&[&one, &two]), &proved(1000)).unwrap();
        let age = SignedDuration::from_secs(60);
        let at = |second| {
            let now = Timestamp::from_second(second).unwrap();
            known(&state, &wanted(&[&one, &other]), age, now).into_keys().collect::<Vec<_>>()
        };
        assert_eq!(at(1060), std::slice::from_ref(&one));
        assert_eq!(at(1061), []);
        assert_eq!(at(940), std::slice::from_ref(&one));
        assert_eq!(at(939), []);
        keep(&state, &wanted(&[&one]), &proved(2000)).unwrap();
        assert_eq!(at(2000), [one]);
    }

    #[test]
    fn a_damaged_file_is_none_and_the_oldest_are_forgotten_first() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path(), "log").unwrap();
        let now = Timestamp::from_second(1000).unwrap();
        let first = key("first", 0);
        keep(&state, &wanted(&[&first]), &proved(1000)).unwrap();
        let text = state.read(NAME, MAX_BYTES).unwrap().unwrap();
        state.write(NAME, &text.replace(" 7 ", " 8 ")).unwrap();
        assert!(known(&state, &wanted(&[&first]), DEFAULT_AGE, now).is_empty());
        state.write(NAME, &text).unwrap();
        assert_eq!(known(&state, &wanted(&[&first]), DEFAULT_AGE, now).len(), 1);
        let many: BTreeSet<Key> = (0..MAX_LINES).map(|n| key(&n.to_string(), 0)).collect();
        keep(&state, &many, &proved(1000)).unwrap();
        assert!(known(&state, &wanted(&[&first]), DEFAULT_AGE, now).is_empty());
        assert_eq!(known(&state, &many, DEFAULT_AGE, now).len(), MAX_LINES);
    }
}
