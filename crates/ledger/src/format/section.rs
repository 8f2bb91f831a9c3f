//! What the kinds of sections of a `ledger.toml` have in common, for edits and merges.

use std::collections::{BTreeMap, BTreeSet};

use super::decided;
use crate::criteria::{Criteria, CriterionName, SAFE_TO_DEPLOY, SAFE_TO_RUN};
use crate::file::FileId;
use crate::ledger::{
    AuthorKey, Exemption, Import, Ledger, OwnReviews, Requirement, TrustedPublisher, Violation,
};

/// A kind of section of a `ledger.toml`: `[[exemption]]`, `[[key]]` and the others.
pub trait Section: Clone {
    /// The name between the brackets.
    const KEY: &'static str;

    /// Those of a ledger, in the order of the file.
    fn of(ledger: &Ledger) -> Vec<Self>;

    /// Replaces those of a ledger.
    fn set(ledger: &mut Ledger, sections: Vec<Self>);

    /// Writes one.
    fn write(&self, text: &mut String);

    /// Whether it belongs before another one; never where the order is that of people.
    fn is_before(&self, other: &Self) -> bool;

    /// What it is about: two branches that change what is about the same thing have to agree.
    fn about(&self) -> String;

    /// What becomes of it when both branches changed it: nothing inside says that it goes, nothing at
    /// all that people have to say.
    fn agree(
        base: Option<&Self>,
        ours: Option<&Self>,
        theirs: Option<&Self>,
    ) -> Option<Option<Self>> {
        let _ = (base, ours, theirs);
        None
    }
}

/// A criterion of the ledger's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: CriterionName,
    /// What it means.
    pub description: String,
    /// All that it implies, but itself.
    pub implies: Vec<CriterionName>,
}

impl Section for Definition {
    const KEY: &'static str = "criteria";

    fn of(ledger: &Ledger) -> Vec<Self> {
        let define = |(name, description): (&CriterionName, &String)| {
            // The built-in implication is there without being written.
            let built_in =
                |it: &CriterionName| name.as_str() == SAFE_TO_DEPLOY && it.as_str() == SAFE_TO_RUN;
            let implied = ledger.criteria.implied(name);
            let implies = implied.filter(|it| *it != name && !built_in(it)).cloned().collect();
            Self { name: name.clone(), description: description.clone(), implies }
        };
        ledger.descriptions.iter().map(define).collect()
    }

    fn set(ledger: &mut Ledger, sections: Vec<Self>) {
        let direct: BTreeMap<_, _> =
            sections.iter().map(|it| (it.name.clone(), it.implies.clone())).collect();
        // A name that nobody defines is found when the text is read again.
        if let Ok(criteria) = Criteria::new(&direct) {
            ledger.criteria = criteria;
        }
        ledger.descriptions = sections.into_iter().map(|it| (it.name, it.description)).collect();
    }

    fn write(&self, text: &mut String) {
        decided::definition(text, self);
    }

    fn is_before(&self, other: &Self) -> bool {
        self.name < other.name
    }

    fn about(&self) -> String {
        self.name.to_string()
    }
}

macro_rules! sections {
    ($($type:ident $key:literal $field:ident {
        write: $write:expr,
        before: $before:expr,
        about: $about:expr,
        $(agree: $agree:expr,)?
    })*) => {$(
        impl Section for $type {
            const KEY: &'static str = $key;

            fn of(ledger: &Ledger) -> Vec<Self> {
                ledger.$field.clone()
            }

            fn set(ledger: &mut Ledger, sections: Vec<Self>) {
                ledger.$field = sections;
            }

            fn write(&self, text: &mut String) {
                let write: fn(&mut String, &Self) = $write;
                write(text, self);
            }

            fn is_before(&self, other: &Self) -> bool {
                let before: fn(&Self, &Self) -> bool = $before;
                before(self, other)
            }

            fn about(&self) -> String {
                let about: fn(&Self) -> String = $about;
                about(self)
            }

            $(fn agree(
                base: Option<&Self>,
                ours: Option<&Self>,
                theirs: Option<&Self>,
            ) -> Option<Option<Self>> {
                ($agree)(base, ours, theirs)
            })?
        }
    )*};
}

sections! {
    Requirement "requirement" requirements {
        write: decided::requirement,
        before: |_, _| false,
        about: |it| patterns(&it.projects),
    }
    AuthorKey "key" keys {
        write: |text, it| decided::key(text, "[[key]]", it),
        before: |_, _| false,
        about: |it| it.key.clone(),
    }
    OwnReviews "own-reviews" own_reviews {
        write: decided::own_reviews,
        before: |_, _| false,
        about: |it| format!("{} {}", it.author, patterns(&it.projects)),
    }
    Import "import" imports {
        write: decided::import,
        before: |a, b| a.name < b.name,
        about: |it| it.name.clone(),
        agree: later_fetch,
    }
    Exemption "exemption" exemptions {
        write: decided::exemption,
        before: |a, b| (&a.project, &a.version, &a.files) < (&b.project, &b.version, &b.files),
        about: exempted,
        agree: files_of_both,
    }
    TrustedPublisher "trusted" trusted {
        write: decided::trusted,
        before: |_, _| false,
        about: |it| format!("{} {}", it.publisher, patterns(&it.projects)),
    }
    Violation "violation" violations {
        write: decided::violation,
        before: |a, b| (&a.project, &a.version, &a.files) < (&b.project, &b.version, &b.files),
        about: |it| {
            let files: Vec<String> = it.files.iter().map(|file| file.digest.hex()).collect();
            format!("{} {}", it.project, files.join(" "))
        },
    }
}

fn patterns(patterns: &[countermark_packaging::name::NamePattern]) -> String {
    let mut names: Vec<String> = patterns.iter().map(ToString::to_string).collect();
    names.sort();
    names.join(" ")
}

/// An exemption is about a release, as what it passes, since when and why; its files come and go.
fn exempted(one: &Exemption) -> String {
    let criteria: Vec<&str> = one.criteria.iter().map(CriterionName::as_str).collect();
    let reason = one.reason.as_deref().unwrap_or_default();
    format!("{} {} {} {} {reason}", one.project, one.version, criteria.join(" "), one.on)
}

/// Each file for itself: what one branch took out is out, what one put in is in.
fn files_of_both(
    base: Option<&Exemption>,
    ours: Option<&Exemption>,
    theirs: Option<&Exemption>,
) -> Option<Option<Exemption>> {
    let files = |one: Option<&Exemption>| -> BTreeSet<FileId> {
        one.map(|one| one.files.iter().cloned().collect()).unwrap_or_default()
    };
    let (base_files, ours_files, theirs_files) = (files(base), files(ours), files(theirs));
    let all = ours_files.union(&theirs_files);
    let kept: Vec<FileId> = all
        .filter(|file| {
            let (ours, theirs) = (ours_files.contains(file), theirs_files.contains(file));
            (ours && theirs) || !base_files.contains(file)
        })
        .cloned()
        .collect();
    let one = ours.or(theirs)?;
    Some((!kept.is_empty()).then(|| Exemption { files: kept, ..one.clone() }))
}

/// Two branches that fetched one ledger at different times: the later one. What people decide about it
/// has to be the same.
fn later_fetch(
    _base: Option<&Import>,
    ours: Option<&Import>,
    theirs: Option<&Import>,
) -> Option<Option<Import>> {
    let (ours, theirs) = (ours?, theirs?);
    let decided = |one: &Import| {
        let mut text = String::new();
        let bare =
            Import { fetched: None, ledger: None, reviews: None, commits: None, ..one.clone() };
        decided::import(&mut text, &bare);
        text
    };
    if decided(ours) != decided(theirs) {
        return None;
    }
    let later = if theirs.fetched > ours.fetched { theirs } else { ours };
    Some(Some(later.clone()))
}
