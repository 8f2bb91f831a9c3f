//! What of a ledger's past is not as it was.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Display;

use countermark_packaging::lock::Place;

use super::{Seen, Side, bad_files};
use crate::criteria::CriterionName;
use crate::ledger::AuthorKey;
use crate::review::{How, Review};

/// Most names that a message lists.
const MOST_NAMED: usize = 5;

/// Something that was one way, and is another now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is about.
    pub kind: ChangeKind,
    /// One sentence, lower case, without a full stop.
    pub message: String,
    /// What exactly differs, a line each.
    pub details: Vec<String>,
    /// Where it stands in what we have.
    pub before: Place,
    /// Where it stands in what was fetched; none where it is gone.
    pub now: Option<Place>,
}

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// The ledger calls itself something else.
    Renamed,
    /// A review is no longer there.
    ReviewGone,
    /// A review says something else.
    ReviewAltered,
    /// A review has another signature, or none.
    SignatureReplaced,
    /// A criterion is no longer defined.
    CriterionGone,
    /// A criterion means something else.
    CriterionChanged,
    /// A file is in no violation any more.
    ViolationWithdrawn,
    /// A key is no longer there.
    KeyGone,
    /// An author has another key in place of one, or a key another author.
    KeyReplaced,
}

impl ChangeKind {
    /// Its stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Renamed => "import-renamed",
            Self::ReviewGone => "import-review-gone",
            Self::ReviewAltered => "import-review-altered",
            Self::SignatureReplaced => "import-signature-replaced",
            Self::CriterionGone => "import-criterion-gone",
            Self::CriterionChanged => "import-criterion-changed",
            Self::ViolationWithdrawn => "import-violation-withdrawn",
            Self::KeyGone => "import-key-gone",
            Self::KeyReplaced => "import-key-replaced",
        }
    }
}

/// The beginning of a file, for what has no line in it.
fn whole(file: &str) -> Place {
    Place { file: file.to_owned(), line: 1, column: 1, span: 0..0 }
}

pub(super) fn of_name<Id>(before: &Side<'_, Id>, now: &Side<'_, Id>) -> Option<Change> {
    let (old, new) = (&before.ledger.name, &now.ledger.name);
    (old != new).then(|| Change {
        kind: ChangeKind::Renamed,
        message: format!("the ledger was called `{old}` and is called `{new}` now"),
        details: Vec::new(),
        before: whole(before.file),
        now: Some(whole(now.file)),
    })
}

/// Reviews on both sides.
#[derive(Default)]
pub(super) struct Reviews<'a> {
    pub(super) changes: Vec<Change>,
    pub(super) new: Vec<(&'a Review, &'a Place)>,
    pub(super) signed: Vec<(&'a Review, &'a Place)>,
}

/// Who says something about what: a review that is gone and one that is new with the same of these are
/// told as one that was altered.
type Subject<'a> = (&'a str, String, &'a str, u8);

fn subject(review: &Review) -> Subject<'_> {
    let how = match review.how {
        How::Full => 0,
        How::Delta { .. } => 1,
        How::Compiled => 2,
    };
    (review.project.as_str(), review.version.to_string(), &review.author, how)
}

pub(super) fn of_reviews<'a, Id: Ord + Copy>(
    before: &Side<'a, Id>,
    now: &Side<'a, Id>,
) -> Reviews<'a> {
    let index = |side: &Side<'a, Id>| -> BTreeMap<Id, Seen<'a, Id>> {
        side.reviews.iter().map(|seen| (seen.id, *seen)).collect()
    };
    let (old, new) = (index(before), index(now));
    let mut found = Reviews::default();
    // What is new, by subject; each of them is told once at most.
    let mut arrived: BTreeMap<Subject<'_>, VecDeque<Seen<'_, Id>>> = BTreeMap::new();
    for seen in now.reviews.iter().filter(|seen| !old.contains_key(&seen.id)) {
        arrived.entry(subject(seen.review)).or_default().push_back(*seen);
    }
    let mut altered = BTreeSet::new();
    for seen in &before.reviews {
        let Some(same) = new.get(&seen.id) else {
            let other = arrived.get_mut(&subject(seen.review)).and_then(VecDeque::pop_front);
            altered.extend(other.map(|it| it.id));
            found.changes.push(gone_or_altered(seen.review, seen.place, other.as_ref()));
            continue;
        };
        match (&seen.review.signature, &same.review.signature) {
            (old, new) if old == new => {}
            (None, _) => found.signed.push((same.review, same.place)),
            (Some(_), new) => found.changes.push(resigned(seen, same, new.is_some())),
        }
    }
    let is_new = |seen: &&Seen<'_, Id>| !old.contains_key(&seen.id) && !altered.contains(&seen.id);
    found.new = now.reviews.iter().filter(is_new).map(|it| (it.review, it.place)).collect();
    found
}

fn title(review: &Review) -> String {
    let Review { project, version, author, .. } = review;
    let what = match &review.how {
        How::Full => format!("{project} {version}"),
        How::Delta { from, .. } => format!("{project} {from} to {version}"),
        How::Compiled => format!("the compiled files of {project} {version}"),
    };
    format!("the review of {what} by {author}")
}

fn resigned<Id>(old: &Seen<'_, Id>, new: &Seen<'_, Id>, is_signed: bool) -> Change {
    let what = if is_signed { "has another signature" } else { "has no signature any more" };
    Change {
        kind: ChangeKind::SignatureReplaced,
        message: format!("{} {what}", title(old.review)),
        details: Vec::new(),
        before: old.place.clone(),
        now: Some(new.place.clone()),
    }
}

fn gone_or_altered<Id>(old: &Review, place: &Place, new: Option<&Seen<'_, Id>>) -> Change {
    let (kind, what) = match new {
        Some(_) => (ChangeKind::ReviewAltered, "was altered"),
        None => (ChangeKind::ReviewGone, "is gone"),
    };
    Change {
        kind,
        message: format!("{} {what}", title(old)),
        details: new.map(|new| differences(old, new.review)).unwrap_or_default(),
        before: place.clone(),
        now: new.map(|new| new.place.clone()),
    }
}

/// What two statements about one subject do not agree in.
fn differences(old: &Review, new: &Review) -> Vec<String> {
    let mut lines = Vec::new();
    let mut differ = |what: &str, old: String, new: String| {
        if old != new {
            lines.push(format!("{what}: {old}, now {new}"));
        }
    };
    let names = |of: &[CriterionName]| listed(of.iter());
    differ("criteria", names(&old.criteria), names(&new.criteria));
    differ("on", old.on.to_string(), new.on.to_string());
    let day = |day: Option<jiff::civil::Date>| day.map_or("none".to_owned(), |it| it.to_string());
    differ("until", day(old.until), day(new.until));
    if let (How::Delta { from: before, files }, How::Delta { from, files: now }) =
        (&old.how, &new.how)
    {
        differ("from", before.to_string(), from.to_string());
        if files != now {
            lines.push("from-files: other files".to_owned());
        }
    }
    if old.files != new.files {
        let (dropped, added) = (missing(&old.files, &new.files), missing(&new.files, &old.files));
        lines.push(format!("files: {dropped} gone, {added} new"));
    }
    if old.notes != new.notes {
        lines.push("notes: another text".to_owned());
    }
    lines
}

fn missing<T: Ord>(of: &[T], from: &[T]) -> usize {
    let there: BTreeSet<&T> = from.iter().collect();
    of.iter().filter(|it| !there.contains(it)).count()
}

/// The first of them, and how many more there are; an import may define thousands.
fn listed<T: Display>(items: impl Iterator<Item = T>) -> String {
    let mut items = items.map(|it| it.to_string());
    let named: Vec<String> = items.by_ref().take(MOST_NAMED).collect();
    match (named.is_empty(), items.count()) {
        (true, _) => "nothing".to_owned(),
        (false, 0) => named.join(", "),
        (false, more) => format!("{} and {more} more", named.join(", ")),
    }
}

pub(super) fn of_criteria<Id>(before: &Side<'_, Id>, now: &Side<'_, Id>) -> Vec<Change> {
    let (old, new) = (before.ledger, now.ledger);
    let change = |kind, message, details, now| {
        Some(Change { kind, message, details, before: whole(before.file), now })
    };
    let of = |name: &CriterionName| {
        if !new.criteria.has(name) {
            let message = format!("the criterion `{name}` is gone");
            return change(ChangeKind::CriterionGone, message, Vec::new(), None);
        }
        let mut details = Vec::new();
        let (was, is): (Vec<_>, Vec<_>) =
            (old.criteria.implied(name).collect(), new.criteria.implied(name).collect());
        if was != is {
            let others = |of: &[&CriterionName]| {
                listed(of.iter().copied().filter(|it| *it != name).map(ToString::to_string))
            };
            details.push(format!("implied {}, now {}", others(&was), others(&is)));
        }
        if old.descriptions.get(name) != new.descriptions.get(name) {
            details.push("its description is another text".to_owned());
        }
        if details.is_empty() {
            return None;
        }
        let message = format!("the criterion `{name}` means something else");
        change(ChangeKind::CriterionChanged, message, details, Some(whole(now.file)))
    };
    old.criteria.names().filter_map(of).collect()
}

pub(super) fn of_violations<Id>(before: &Side<'_, Id>, now: &Side<'_, Id>) -> Vec<Change> {
    let mut bad: BTreeSet<_> = bad_files(now.ledger).map(|(_, file)| &file.digest).collect();
    let withdrawn = bad_files(before.ledger).filter(|(_, file)| bad.insert(&file.digest));
    let change = |(violation, file): (&crate::ledger::Violation, &crate::file::FileId)| Change {
        kind: ChangeKind::ViolationWithdrawn,
        message: format!(
            "`{}` of {} was known to be bad, and is not any more",
            file.name, violation.project
        ),
        details: vec![
            format!("digest sha256:{}", file.digest.hex()),
            format!("known since {}: {}", violation.on, violation.reason),
        ],
        before: violation.place.clone(),
        now: None,
    };
    withdrawn.map(change).collect()
}

/// Keys on both sides.
#[derive(Default)]
pub(super) struct Keys<'a> {
    pub(super) changes: Vec<Change>,
    pub(super) new: Vec<&'a AuthorKey>,
    pub(super) moved: Vec<(&'a AuthorKey, &'a AuthorKey)>,
}

pub(super) fn of_keys<'a, Id>(before: &Side<'a, Id>, now: &Side<'a, Id>) -> Keys<'a> {
    let pair = |key: &'a AuthorKey| (key.author.as_str(), key.key.as_str());
    let old: BTreeSet<_> = before.ledger.keys.iter().map(pair).collect();
    let new: BTreeMap<_, _> = now.ledger.keys.iter().map(|key| (pair(key), key)).collect();
    let mut free = Free::default();
    for key in now.ledger.keys.iter().filter(|key| !old.contains(&pair(key))) {
        free.by_key.entry(&key.key).or_default().push_back(key);
        free.by_author.entry(&key.author).or_default().push_back(key);
    }
    let mut found = Keys::default();
    for key in &before.ledger.keys {
        if let Some(same) = new.get(&pair(key)) {
            let terms = |it: &AuthorKey| (it.from, it.until, it.accounts.clone(), it.file.clone());
            if terms(key) != terms(same) {
                found.moved.push((key, same));
            }
            continue;
        }
        found.changes.push(replaced(key, free.take(key)));
    }
    let is_new = |key: &&AuthorKey| {
        let pair = (key.author.as_str(), key.key.as_str());
        !old.contains(&pair) && !free.taken.contains(&pair)
    };
    found.new = now.ledger.keys.iter().filter(is_new).collect();
    found
}

/// Keys that were not there and may stand in for one that is gone.
#[derive(Default)]
struct Free<'a> {
    by_key: BTreeMap<&'a str, VecDeque<&'a AuthorKey>>,
    by_author: BTreeMap<&'a str, VecDeque<&'a AuthorKey>>,
    taken: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Free<'a> {
    /// The same key with another author, or the next one of the same author.
    fn take(&mut self, gone: &AuthorKey) -> Option<&'a AuthorKey> {
        let same_key = self.by_key.get_mut(gone.key.as_str());
        let same_author = self.by_author.get_mut(gone.author.as_str());
        for list in [same_key, same_author].into_iter().flatten() {
            while let Some(key) = list.pop_front() {
                if self.taken.insert((&key.author, &key.key)) {
                    return Some(key);
                }
            }
        }
        None
    }
}

fn replaced(old: &AuthorKey, new: Option<&AuthorKey>) -> Change {
    let (kind, message) = match new {
        Some(new) if new.key == old.key => {
            let message = format!("a key of {} is one of {} now", old.author, new.author);
            (ChangeKind::KeyReplaced, message)
        }
        Some(_) => {
            let message = format!("a key of {} was replaced by another one", old.author);
            (ChangeKind::KeyReplaced, message)
        }
        None => (ChangeKind::KeyGone, format!("a key of {} is gone", old.author)),
    };
    let mut details = vec![format!("key {}", old.key)];
    details.extend(new.filter(|new| new.key != old.key).map(|new| format!("now {}", new.key)));
    let now = new.map(|new| new.place.clone());
    Change { kind, message, details, before: old.place.clone(), now }
}
