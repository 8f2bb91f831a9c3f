//! What two files of one release share: the rule of `docs/vet-relate.md`.
//!
//! Decides whether a review of one file says something about another: of a source distribution about a
//! wheel, and of a wheel about another wheel. Never of a wheel about a source distribution, which has a
//! build script. Each file of the wheel is the same as the file in the place that corresponds, differs in a
//! permitted way, is compiled, or is not explained; one that is not explained is enough for a review
//! not to cover the wheel. Names choose what is compared, bytes decide.
//!
//! Trusts nobody: both archives may be made to look alike. What is permitted is so by grammar, and not
//! because nothing bad was found.

mod declared;
mod finding;
mod info;
mod origin;
mod roots;
mod side;
mod text;
mod version;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use countermark_trust::Class;

use crate::file::FileId;
use crate::relation::Relation;

pub use finding::{Finding, Permit, Reason, Verdict};
pub use side::{MAX_TEXT, MAX_TEXTS, Member, Side, is_saying};

use origin::Origin;
use side::{Place, places};

/// Why two files cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelateError {
    /// A wheel, or another source distribution, says nothing about one: it has a build script.
    #[error("`{to}` is a source distribution: no other file says something about it")]
    ToSource {
        /// The file.
        to: String,
    },
    /// They are of two releases.
    #[error("`{from}` and `{to}` are not of one release")]
    OtherRelease {
        /// One file.
        from: String,
        /// The other.
        to: String,
    },
    /// They are the same file.
    #[error("`{from}` and `{to}` are the same file")]
    Same {
        /// One file.
        from: String,
        /// The other.
        to: String,
    },
}

impl RelateError {
    /// Whose fault it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::ToSource { .. } | Self::OtherRelease { .. } | Self::Same { .. } => Class::Usage,
        }
    }

    /// The stable name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ToSource { .. } => "relate-to-source",
            Self::OtherRelease { .. } => "relate-other-release",
            Self::Same { .. } => "relate-same-file",
        }
    }
}

/// Two files of a release, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What is written down.
    pub relation: Relation,
    /// Every file that is not the same, sorted: what is not explained first.
    pub findings: Vec<Finding>,
    /// Names at the top of the wheel with the folder of the source distribution that they come from, where
    /// that is not its root.
    pub roots: Vec<(String, String)>,
}

/// Whether the two can be compared at all.
///
/// # Errors
/// When they are not of one release, are the same, or the second is no wheel.
pub fn check_pair(from: &Side, to: &Side) -> Result<(), RelateError> {
    let names = || (from.filename.as_str().to_owned(), to.filename.as_str().to_owned());
    if !to.is_wheel() {
        return Err(RelateError::ToSource { to: names().1 });
    }
    let (from_name, to_name) = names();
    if from.project() != to.project() || from.version() != to.version() {
        return Err(RelateError::OtherRelease { from: from_name, to: to_name });
    }
    if from.digest == to.digest {
        return Err(RelateError::Same { from: from_name, to: to_name });
    }
    Ok(())
}

/// The paths of both of which the texts are needed: of files that differ and might do so in a permitted
/// way. Those that [`is_saying`] names are not among them.
#[must_use]
pub fn wanted(from: &Side, to: &Side) -> [BTreeSet<String>; 2] {
    let (places, _) = places(to);
    let origin = Origin::new(from, to, &places);
    let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
    let fits = |side: &Side, path: &str| side.files.get(path).is_some_and(|it| it.size <= MAX_TEXT);
    for (place, raw) in &places {
        let Some(member) = to.files.get(*raw) else { continue };
        if !origin::may_differ(place) || origin.same(place, member) || !fits(to, raw) {
            continue;
        }
        let counterparts = origin.counterparts(place);
        let may_be_made =
            origin::is_version_place(place) || origin::is_reexport_place(place, member);
        if counterparts.is_empty() && !may_be_made {
            continue;
        }
        after.insert((*raw).to_owned());
        before.extend(counterparts.into_iter().filter(|path| fits(from, path)));
    }
    [before, after]
}

/// Compares two files of a release. Texts that were not kept are taken for different.
///
/// # Errors
/// See [`check_pair`].
pub fn relate(from: &Side, to: &Side) -> Result<Comparison, RelateError> {
    check_pair(from, to)?;
    let (places, collisions) = places(to);
    let origin = Origin::new(from, to, &places);
    let (mut same, mut findings) = (0_u32, Vec::new());
    for (place, raw) in &places {
        let Some(member) = to.files.get(*raw) else { continue };
        let path = place.shown();
        let verdict = if collisions.contains(&path) {
            Verdict::Unexplained(Reason::Collision)
        } else {
            origin.judge(place, raw, member)
        };
        if verdict == Verdict::Same {
            same += 1;
        } else {
            findings.push(Finding { path, verdict });
        }
    }
    if !places.contains_key(&Place::Info("entry_points.txt".to_owned())) && origin.loses_points() {
        let path = ".dist-info/entry_points.txt".to_owned();
        findings.push(Finding { path, verdict: Verdict::Unexplained(Reason::EntryPoints) });
    }
    let dropped = origin.dropped(&places);
    let verdict = Verdict::Unexplained(Reason::Dropped);
    findings.extend(dropped.into_iter().map(|path| Finding { path, verdict }));
    Ok(compared(from, to, same, findings, origin.roots()))
}

fn compared(
    from: &Side,
    to: &Side,
    same: u32,
    mut findings: Vec<Finding>,
    roots: Vec<(String, String)>,
) -> Comparison {
    let rank = |finding: &Finding| match finding.verdict {
        Verdict::Unexplained(reason) => (0, Some(reason), None),
        Verdict::Compiled => (1, None, None),
        Verdict::Permitted(permit) => (2, None, Some(permit)),
        Verdict::Same => (3, None, None),
    };
    findings.sort_by(|a, b| (rank(a), &a.path).cmp(&(rank(b), &b.path)));
    let texts = |pick: fn(&Verdict) -> bool| {
        let picked = findings.iter().filter(|finding| pick(&finding.verdict));
        picked.map(Finding::to_string).collect::<Vec<_>>()
    };
    let id = |side: &Side| FileId { name: side.filename.as_str().to_owned(), digest: side.digest };
    let relation = Relation {
        project: to.project().clone(),
        version: to.version().clone(),
        from: id(from),
        to: id(to),
        same,
        permitted: texts(|it| matches!(it, Verdict::Permitted(_))),
        compiled: texts(|it| matches!(it, Verdict::Compiled)),
        unexplained: texts(|it| matches!(it, Verdict::Unexplained(_))),
    };
    Comparison { relation, findings, roots }
}
