//! Two branches of one ledger as one: three ways, entry by entry.
//!
//! A review is named by what it says, so two branches never disagree about one: what one of them added is
//! there, what one of them took away is not. In `ledger.toml` each section is about something; where both
//! branches changed what is about the same thing, people have to say, and nothing is guessed. In what
//! machines wrote, entries that contradict are left out and said: they can be gathered again, and what is
//! not there supports nothing.

use std::collections::BTreeMap;

use countermark_packaging::lock::SourceError;

use crate::fact::{Facts, FileFact, Roles};
use crate::format::edit::{Edit, written};
use crate::format::section::{Definition, Section};
use crate::format::{Relations, ReviewFile, write};
use crate::ledger::{
    AuthorKey, Exemption, Import, Ledger, OwnReviews, Requirement, TrustedPublisher, Violation,
};
use crate::relation::Relation;
use crate::review::Review;
use crate::statement::StatementId;

/// Which of the files of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `ledger.toml`.
    Ledger,
    /// `reviews.toml`.
    Reviews,
    /// `facts.toml`.
    Facts,
    /// `relations.toml`.
    Relations,
}

/// One of the three: what it is called in messages, and its text; empty where there was no file.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What it is called.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// The text; with our side where there is a conflict.
    pub text: String,
    /// What was decided that people may want to know.
    pub notes: Vec<String>,
    /// What people have to decide.
    pub conflicts: Vec<Conflict>,
}

/// What both branches changed in two ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What it is about.
    pub about: String,
    /// Our text of it; none where we took it away.
    pub ours: Option<String>,
    /// Their text of it.
    pub theirs: Option<String>,
}

impl Merged {
    /// The text with both sides of each conflict between marks, as git writes them.
    #[must_use]
    pub fn marked(&self) -> String {
        let mut text = self.text.clone();
        for Conflict { ours, theirs, .. } in &self.conflicts {
            let side = |side: &Option<String>| side.clone().unwrap_or_default();
            let (our_text, their_text) = (side(ours), side(theirs));
            let (our_text, their_text) =
                (our_text.trim_matches('\n'), their_text.trim_matches('\n'));
            let line =
                |text: &str| if text.is_empty() { String::new() } else { format!("{text}\n") };
            let both = format!(
                "<<<<<<< ours\n{}=======\n{}>>>>>>> theirs",
                line(our_text),
                line(their_text)
            );
            if !our_text.is_empty() && text.contains(our_text) {
                text = text.replacen(our_text, &both, 1);
            } else {
                text = format!("{}\n\n{both}\n", text.trim_end());
            }
        }
        text
    }
}

impl Kind {
    /// Each with the name of its file.
    pub const ALL: [(Self, &str); 4] = [
        (Self::Ledger, "ledger.toml"),
        (Self::Reviews, "reviews.toml"),
        (Self::Facts, "facts.toml"),
        (Self::Relations, "relations.toml"),
    ];

    /// By the last part of a path.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        Self::ALL.into_iter().find_map(|(kind, file)| (file == name).then_some(kind))
    }

    /// By what stands in some text, where no path is told.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let of_line = |line: &str| match line.trim_end() {
            "[[review]]" => Some(Self::Reviews),
            "[ledger]" => Some(Self::Ledger),
            "[[file]]" | "[[roles]]" => Some(Self::Facts),
            "[[relation]]" => Some(Self::Relations),
            _ => None,
        };
        text.lines().find_map(of_line)
    }
}

/// Merges one file.
///
/// # Errors
/// What is wrong with one of the three.
pub fn merge(
    kind: Kind,
    base: Side<'_>,
    ours: Side<'_>,
    theirs: Side<'_>,
) -> Result<Merged, Vec<SourceError>> {
    match kind {
        Kind::Reviews => reviews(base, ours, theirs),
        Kind::Ledger => ledger(base, ours, theirs),
        Kind::Facts => facts(base, ours, theirs),
        Kind::Relations => relations(base, ours, theirs),
    }
}

/// What three sides say of one thing.
struct Three<'a, T> {
    base: Option<&'a T>,
    ours: Option<&'a T>,
    theirs: Option<&'a T>,
}

enum Answer<'a, T> {
    Is(Option<&'a T>),
    Both,
}

impl<'a, T: PartialEq> Three<'a, T> {
    /// The three-way rule: what only one side changed is as that side has it.
    fn answer(&self) -> Answer<'a, T> {
        if self.ours == self.theirs || self.theirs == self.base {
            Answer::Is(self.ours)
        } else if self.ours == self.base {
            Answer::Is(self.theirs)
        } else {
            Answer::Both
        }
    }
}

fn three<'a, K: Ord, T>(
    sides: [&'a BTreeMap<K, T>; 3],
) -> impl Iterator<Item = (&'a K, Three<'a, T>)> {
    let keys: std::collections::BTreeSet<&K> = sides.iter().flat_map(|side| side.keys()).collect();
    keys.into_iter().map(move |key| {
        let [base, ours, theirs] = sides.map(|side| side.get(key));
        (key, Three { base, ours, theirs })
    })
}

fn reviews(base: Side<'_>, ours: Side<'_>, theirs: Side<'_>) -> Result<Merged, Vec<SourceError>> {
    let read = |side: Side<'_>| -> Result<BTreeMap<StatementId, Review>, Vec<SourceError>> {
        let file = ReviewFile::parse(side.file, side.text)?;
        Ok(file.iter().map(|entry| (entry.id, entry.review)).collect())
    };
    let (base, ours, theirs) = (read(base)?, read(ours)?, read(theirs)?);
    let mut merged = Merged::default();
    let mut kept: Vec<&Review> = Vec::new();
    for (_, three) in three([&base, &ours, &theirs]) {
        match three.answer() {
            Answer::Is(found) => kept.extend(found),
            // Both say the same, so only the signature can differ, and one may be missing.
            Answer::Both => {
                let sides = [three.ours, three.theirs];
                let signed = sides.into_iter().flatten().find(|it| it.signature.is_some());
                let Some(one) = signed.or(three.ours).or(three.theirs) else { continue };
                let (who, what) = (&one.author, format!("{} {}", one.project, one.version));
                merged.notes.push(match (three.ours, three.theirs) {
                    (Some(_), Some(_)) => {
                        format!("the review of {what} by {who} is signed in two ways; one stays")
                    }
                    _ => format!(
                        "the review of {what} by {who} was removed on one side and signed on the other; it stays"
                    ),
                });
                kept.push(one);
            }
        }
    }
    merged.text = write(kept);
    Ok(merged)
}

fn ledger(base: Side<'_>, ours: Side<'_>, theirs: Side<'_>) -> Result<Merged, Vec<SourceError>> {
    // Two branches that each began a ledger have nothing in common.
    let base =
        if base.text.trim().is_empty() { None } else { Some(Edit::new(base.file, base.text)?) };
    let mut ours = Edit::new(ours.file, ours.text)?;
    let theirs = Edit::new(theirs.file, theirs.text)?;
    let mut merged = Merged::default();
    let base = base.as_ref();
    // New criteria first, because what is added after them may name them; what goes of them goes last.
    sections::<Definition>(base, &mut ours, &theirs, &mut merged, false)?;
    head(base, &mut ours, &theirs, &mut merged)?;
    sections::<Requirement>(base, &mut ours, &theirs, &mut merged, true)?;
    sections::<AuthorKey>(base, &mut ours, &theirs, &mut merged, true)?;
    sections::<OwnReviews>(base, &mut ours, &theirs, &mut merged, true)?;
    sections::<Import>(base, &mut ours, &theirs, &mut merged, true)?;
    sections::<Exemption>(base, &mut ours, &theirs, &mut merged, true)?;
    sections::<TrustedPublisher>(base, &mut ours, &theirs, &mut merged, true)?;
    sections::<Violation>(base, &mut ours, &theirs, &mut merged, true)?;
    sections::<Definition>(base, &mut ours, &theirs, &mut merged, true)?;
    merged.conflicts.dedup();
    ours.text().clone_into(&mut merged.text);
    Ok(merged)
}

fn head(
    base: Option<&Edit>,
    ours: &mut Edit,
    theirs: &Edit,
    merged: &mut Merged,
) -> Result<(), Vec<SourceError>> {
    let fields = |ledger: &Ledger| -> BTreeMap<&'static str, String> {
        let criteria: Vec<String> = ledger.required.iter().map(ToString::to_string).collect();
        BTreeMap::from([
            ("name", ledger.name.clone()),
            ("initialised", ledger.initialised.to_string()),
            ("criteria", criteria.join(" ")),
            ("maximum-age", format!("{:?}", ledger.maximum_age_days)),
            ("unknown-roles", ledger.counts_unknown_roles.to_string()),
        ])
    };
    let base = base.map(|base| fields(base.ledger())).unwrap_or_default();
    let (our_fields, their_fields) = (fields(ours.ledger()), fields(theirs.ledger()));
    let mut new = ours.ledger().clone();
    let other = theirs.ledger();
    for (key, three) in three([&base, &our_fields, &their_fields]) {
        match three.answer() {
            Answer::Is(found) if found == three.ours => {}
            Answer::Is(_) => match *key {
                "name" => new.name.clone_from(&other.name),
                "initialised" => new.initialised = other.initialised,
                "criteria" => new.required.clone_from(&other.required),
                "maximum-age" => new.maximum_age_days = other.maximum_age_days,
                _ => new.counts_unknown_roles = other.counts_unknown_roles,
            },
            Answer::Both => {
                let line = |ledger: &Ledger| {
                    let text = ledger.write();
                    let line = text.lines().find(|line| line.starts_with(&format!("{key} = ")));
                    line.map(str::to_owned)
                };
                merged.conflicts.push(Conflict {
                    about: format!("`{key}` of [ledger]"),
                    ours: line(ours.ledger()),
                    theirs: line(other),
                });
            }
        }
    }
    ours.set_head(&new)
}

/// The sections of one kind, by what each is about; the second about the same thing has a number.
fn about<T: Section>(edit: &Edit) -> BTreeMap<(String, usize), (String, usize)> {
    let mut found = BTreeMap::new();
    for (index, one) in T::of(edit.ledger()).iter().enumerate() {
        let about = one.about();
        let mut number = 0;
        while found.contains_key(&(about.clone(), number)) {
            number += 1;
        }
        found.insert((about, number), (written(one), index));
    }
    found
}

fn sections<T: Section>(
    base: Option<&Edit>,
    ours: &mut Edit,
    theirs: &Edit,
    merged: &mut Merged,
    removes: bool,
) -> Result<(), Vec<SourceError>> {
    let values =
        |found: &BTreeMap<(String, usize), (String, usize)>| -> BTreeMap<(String, usize), String> {
            found.iter().map(|(key, (text, _))| (key.clone(), text.clone())).collect()
        };
    let places = [base.map(about::<T>).unwrap_or_default(), about::<T>(ours), about::<T>(theirs)];
    let [base_values, our_values, their_values] = [0, 1, 2].map(|side| values(&places[side]));
    let lists = [
        base.map(|it| T::of(it.ledger())).unwrap_or_default(),
        T::of(ours.ledger()),
        T::of(theirs.ledger()),
    ];
    let (our_texts, their_texts) = (ours.texts::<T>()?, theirs.texts::<T>()?);
    let (mut added, mut replaced, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    for (key, three) in three([&base_values, &our_values, &their_values]) {
        let [base_at, our_at, their_at] =
            [0, 1, 2].map(|side| places[side].get(key).map(|(_, index)| *index));
        let one = |side: usize, at: Option<usize>| at.and_then(|at| lists[side].get(at));
        let (becomes, text) = match three.answer() {
            Answer::Is(found) if found == three.ours => continue,
            Answer::Is(_) => {
                let text = their_at.and_then(|at| their_texts.get(at)).cloned();
                (one(2, their_at).cloned(), text)
            }
            Answer::Both => match T::agree(one(0, base_at), one(1, our_at), one(2, their_at)) {
                Some(becomes) => {
                    let text = becomes.as_ref().map(written);
                    (becomes, text)
                }
                None => {
                    let conflict = Conflict {
                        about: format!("[[{}]] {}", T::KEY, key.0),
                        ours: our_at.and_then(|at| our_texts.get(at)).cloned(),
                        theirs: their_at.and_then(|at| their_texts.get(at)).cloned(),
                    };
                    if !merged.conflicts.contains(&conflict) {
                        merged.conflicts.push(conflict);
                    }
                    continue;
                }
            },
        };
        match (our_at, becomes, text) {
            (Some(at), Some(one), Some(text)) => replaced.push((at, one, text)),
            (None, Some(one), Some(text)) => added.push((one, text)),
            (Some(at), _, _) if removes => removed.push(at),
            _ => {}
        }
    }
    ours.replace_texts(&replaced)?;
    let count = T::of(ours.ledger()).len();
    let gone: Vec<bool> = (0..count).map(|at| removed.contains(&at)).collect();
    ours.remove_those::<T>(&gone)?;
    ours.add_texts(&added)
}

fn facts(base: Side<'_>, ours: Side<'_>, theirs: Side<'_>) -> Result<Merged, Vec<SourceError>> {
    let read = |side: Side<'_>| Facts::parse(side.file, side.text.as_bytes());
    let (base, ours, theirs) = (read(base)?, read(ours)?, read(theirs)?);
    let mut merged = Merged::default();
    let roles = |facts: &Facts| -> BTreeMap<_, Roles> {
        facts.roles.iter().map(|it| (it.project.clone(), it.clone())).collect()
    };
    let mut all = Facts::default();
    for (project, three) in three([&roles(&base), &roles(&ours), &roles(&theirs)]) {
        match (three.answer(), three.ours, three.theirs) {
            (Answer::Is(found), _, _) => all.roles.extend(found.cloned()),
            // Whoever one of them saw holds a role: the more hold one, the fewer reviews count.
            (Answer::Both, Some(one), Some(other)) => {
                merged.notes.push(format!("the roles of {project} are those of both sides"));
                let mut accounts = [&one.accounts[..], &other.accounts[..]].concat();
                accounts.sort();
                accounts.dedup();
                let on = one.on.max(other.on);
                all.roles.push(Roles { project: project.clone(), accounts, on });
            }
            (Answer::Both, one, other) => all.roles.extend(one.or(other).cloned()),
        }
    }
    let files = |facts: &Facts| -> BTreeMap<_, FileFact> {
        facts.files.iter().map(|it| (it.file.digest, it.clone())).collect()
    };
    for (_, three) in three([&files(&base), &files(&ours), &files(&theirs)]) {
        match three.answer() {
            Answer::Is(found) => all.files.extend(found.cloned()),
            Answer::Both => {
                let name = three.ours.or(three.theirs).map_or("", |it| &it.file.name);
                merged.notes.push(format!(
                    "the sides saw different facts about {name}; `countermark vet facts` looks again"
                ));
            }
        }
    }
    merged.text = all.write();
    Ok(merged)
}

fn relations(base: Side<'_>, ours: Side<'_>, theirs: Side<'_>) -> Result<Merged, Vec<SourceError>> {
    let read = |side: Side<'_>| -> Result<BTreeMap<_, Relation>, Vec<SourceError>> {
        let found = Relations::parse(side.file, side.text.as_bytes())?;
        Ok(found.0.into_iter().map(|it| ((it.from.digest, it.to.digest), it)).collect())
    };
    let (base, ours, theirs) = (read(base)?, read(ours)?, read(theirs)?);
    let mut merged = Merged::default();
    let mut all = Relations::default();
    for (_, three) in three([&base, &ours, &theirs]) {
        match three.answer() {
            Answer::Is(found) => all.0.extend(found.cloned()),
            Answer::Both => {
                let names = three.ours.or(three.theirs);
                let names = names
                    .map_or(String::new(), |it| format!("{} and {}", it.from.name, it.to.name));
                merged.notes.push(format!(
                    "the sides compared {names} differently; `countermark vet relate` does it again"
                ));
            }
        }
    }
    merged.text = all.write();
    Ok(merged)
}

#[cfg(test)]
mod tests;
