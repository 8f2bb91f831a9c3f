//! A ledger that was read from its folder, ready to be asked: its keys and those of its imports read, the
//! reviews where the rules look for them.
//!
//! Decides whose keys count for whose reviews: those of `[[key]]` for our own file, those of an import's
//! `[[import.key]]` for the import's. What its author says elsewhere of keys counts for nothing.

use std::collections::BTreeMap;

use countermark_ledger::check::{
    Book, Checker, Entry, ImportedBook, Origin, Refused, Reviews, Signatures,
};
use countermark_ledger::format::{self, ReviewFile};
use countermark_ledger::review::Review;
use countermark_ledger::signature::{self, Commits, KeyMistake, Keys};
use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Imported, Loaded};
use crate::report::Problem;

/// A ledger with its keys.
#[derive(Debug)]
pub struct Opened {
    /// As it stands in the folder.
    pub loaded: Loaded,
    own: Signed,
    imports: BTreeMap<String, Signed>,
}

/// Who signs the reviews of one file.
#[derive(Debug)]
struct Signed {
    keys: Keys,
    commits: Commits,
}

impl Opened {
    /// Reads the keys. `commits` are those that added reviews to our own file; `now` is when signatures are
    /// verified.
    ///
    /// # Errors
    /// Every key that cannot be used, and records of commits that are none.
    pub fn new(loaded: Loaded, commits: Commits, now: Timestamp) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let certificates = &loaded.certificates;
        let mut keys = |written: &[_]| {
            let read = Keys::new(written, certificates, now);
            read.unwrap_or_else(|mistakes| {
                problems.extend(mistakes.iter().map(problem));
                Keys::none(now)
            })
        };
        let own = Signed { keys: keys(&loaded.ledger.keys), commits };
        let mut imports = BTreeMap::new();
        for import in &loaded.ledger.imports {
            imports.insert(import.name.clone(), keys(&import.keys));
        }
        let commits_of = |imported: &Imported| match &imported.commits[..] {
            [] => Ok(Commits::new()),
            bytes => Commits::parse(bytes).map_err(|error| {
                let message = format!("the import `{}`: {error}", imported.name);
                let problem = Problem::new("import-commits", error.class(), message);
                Box::new(problem.with_hint("`countermark vet import` fetches it again"))
            }),
        };
        let mut recorded: BTreeMap<&str, Commits> = BTreeMap::new();
        for imported in &loaded.imports {
            match commits_of(imported) {
                Ok(commits) => drop(recorded.insert(&imported.name, commits)),
                Err(wrong) => problems.push(*wrong),
            }
        }
        let signed = |(name, keys): (String, Keys)| {
            let commits = recorded.remove(name.as_str()).unwrap_or_default();
            (name, Signed { keys, commits })
        };
        let imports = imports.into_iter().map(signed).collect();
        if problems.is_empty() { Ok(Self { loaded, own, imports }) } else { Err(problems) }
    }

    /// Asks the rules, as on a day in UTC.
    pub fn ask<T>(&self, on: Date, question: impl FnOnce(&Checker<'_>) -> T) -> T {
        let own = Reading(&self.loaded.reviews);
        let theirs: Vec<Reading<'_>> =
            self.loaded.imports.iter().map(|import| Reading(&import.reviews)).collect();
        let imports: Vec<ImportedBook<'_>> = self
            .loaded
            .imports
            .iter()
            .zip(&theirs)
            .map(|(import, reviews)| ImportedBook {
                name: &import.name,
                ledger: &import.ledger,
                reviews,
            })
            .collect();
        let Loaded { ledger, facts, relations, .. } = &self.loaded;
        let book = Book::new(ledger, &own, &imports, facts, &relations.0, self);
        question(&Checker::new(&book, on))
    }

    /// Verifies the signature of every review, ours and imported, and gives what does not count: which
    /// review, and why.
    #[must_use]
    pub fn verify_all(&self) -> Vec<(Origin, format::Entry, Refused)> {
        let own = self.loaded.reviews.iter().map(|entry| (Origin::Own, entry));
        let theirs = self.loaded.imports.iter().flat_map(|import| {
            let origin = Origin::Import(import.name.clone());
            import.reviews.iter().map(move |entry| (origin.clone(), entry))
        });
        own.chain(theirs)
            .filter_map(|(origin, entry)| {
                let refused = self.verify(&origin, &entry.review).err()?;
                Some((origin, entry, refused))
            })
            .collect()
    }
}

impl Signatures for Opened {
    fn verify(&self, origin: &Origin, review: &Review) -> Result<(), Refused> {
        let signed = match origin {
            Origin::Own => Some(&self.own),
            Origin::Import(name) => self.imports.get(name),
        };
        let Some(Signed { keys, commits }) = signed else {
            // Reviews of an import that the ledger does not name are not looked at in the first place.
            let message = "its ledger is not imported".to_owned();
            return Err(Refused { code: "review-unknown-key", message });
        };
        match signature::verify(review, keys, commits) {
            Ok(_) => Ok(()),
            Err(refusal) => Err(Refused { code: refusal.code(), message: refusal.to_string() }),
        }
    }
}

fn problem(mistake: &KeyMistake) -> Problem {
    let found = Problem::of(mistake.code(), mistake.class(), mistake).at(&mistake.place);
    match mistake.hint() {
        Some(hint) => found.with_hint(hint),
        None => found,
    }
}

/// The reviews of one file, for the rules.
struct Reading<'a>(&'a ReviewFile);

impl Reviews for Reading<'_> {
    fn covering(&self, digest: &Sha256) -> Vec<Entry> {
        self.0.covering(digest).into_iter().map(entry).collect()
    }

    fn of_project(&self, project: &ProjectName) -> Vec<Entry> {
        self.0.of_project(project).into_iter().map(entry).collect()
    }
}

fn entry(found: format::Entry) -> Entry {
    Entry { review: found.review, place: found.place, id: found.id.0 }
}

/// The end of a day in UTC: signatures of that day are not of a day to come.
///
/// # Errors
/// When the day is outside of the calendar.
pub fn end_of(day: Date) -> Result<Timestamp, Box<Problem>> {
    let end = day.at(23, 59, 59, 0).to_zoned(TimeZone::UTC);
    end.map(|zoned| zoned.timestamp()).map_err(|_| {
        let message = format!("`{day}` is outside of the calendar");
        Box::new(Problem::new("bad-option", Class::Usage, message))
    })
}
