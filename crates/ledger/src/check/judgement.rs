//! What the rules found: of each file which criteria it meets and by what, or what is missing.

use std::collections::HashSet;
use std::sync::Arc;

use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use jiff::civil::Date;

use super::counts::NotCounted;
use super::proof::{Node, NodeId, Proof};
use super::source::Origin;
use super::trusted::NotTrusted;
use crate::criteria::CriterionName;
use crate::file::FileId;

/// A file that somebody asks about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// The name of the file, where the lock has one.
    pub file: Option<String>,
    /// Its digest, which decides.
    pub digest: Sha256,
    /// Where it is wanted.
    pub place: Place,
}

/// The answer about a subject.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// What was asked.
    pub subject: Subject,
    /// What it has to meet, in the order of the ledger; at least one.
    pub required: Vec<Required>,
    /// Where anybody calls it known bad, or a file with the same content. Then nothing else matters.
    pub known_bad: Vec<KnownBad>,
    /// Reviews that were looked at on the way and do not count, with why. Of a file that meets its
    /// criteria these are only those that came before the one that decided.
    pub ignored: Vec<Ignored>,
    /// Exemptions, publishers and relations that were looked at and do not do; of files that fail only.
    pub obstacles: Vec<Obstacle>,
}

impl Judgement {
    /// Whether it meets everything.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.required.iter().all(Required::is_met)
    }

    /// What it does not meet.
    pub fn missing(&self) -> impl Iterator<Item = &CriterionName> {
        self.required.iter().filter(|it| !it.is_met()).map(|it| &it.criterion)
    }

    /// Whether a review counted although it is not known who holds roles on the project.
    #[must_use]
    pub fn rests_on_unknown_roles(&self) -> bool {
        self.required
            .iter()
            .filter_map(Required::reason)
            .any(|reason| reason.review().is_some_and(|review| review.roles_unknown))
    }
}

/// One criterion that a file has to meet.
#[derive(Clone, Debug)]
pub struct Required {
    /// Which.
    pub criterion: CriterionName,
    /// Everything that was looked at for it, shared by the files of the project.
    pub(crate) proof: Arc<Proof>,
    pub(crate) node: NodeId,
}

impl Required {
    /// Whether the file meets it.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.proof.node(self.node).support.is_some()
    }

    /// By what it is met.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        self.proof.node(self.node).support.as_ref().map(|support| &support.reason)
    }

    /// Whether that rests on the trust in a publisher, from which no difference may start.
    #[must_use]
    pub fn is_by_publisher(&self) -> bool {
        self.is_met() && self.proof.node(self.node).is_by_publisher
    }

    /// What would support the file if other files met the criterion: those files, and by what.
    pub fn missing(&self) -> impl Iterator<Item = Missing<'_>> {
        let node = self.proof.node(self.node);
        let open = if node.support.is_some() { &[] } else { node.open.as_slice() };
        open.iter().map(|edge| {
            let premises = || edge.premises.iter().map(|id| self.proof.node(*id));
            Missing {
                reason: &edge.reason,
                files: premises().filter(|it| it.support.is_none()).map(|it| &it.file).collect(),
                by_publisher: match edge.reason {
                    Reason::Delta { .. } => {
                        premises().filter(|it| it.is_by_publisher).map(|it| &it.file).collect()
                    }
                    _ => Vec::new(),
                },
                compiled: &edge.compiled_missing,
            }
        })
    }
}

/// Something that would support a file and lacks something itself.
#[derive(Clone, Debug)]
pub struct Missing<'a> {
    /// What would support it.
    pub reason: &'a Reason,
    /// Files that do not meet the criterion.
    pub files: Vec<&'a FileId>,
    /// Files that meet it by the trust in a publisher only, from which no difference may start.
    pub by_publisher: Vec<&'a FileId>,
    /// Compiled extensions that nobody vouches for.
    pub compiled: &'a [String],
}

/// By what a file meets a criterion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Somebody read it in full.
    Full(ReviewRef),
    /// Somebody read the difference from these files, which meet the criterion.
    Delta {
        /// The review.
        review: ReviewRef,
        /// The release that it starts from.
        from: Version,
        /// Its files.
        files: Vec<FileId>,
    },
    /// Its content is that of another file of the release, which meets the criterion.
    Relation {
        /// The other file.
        from: FileId,
        /// Who vouches for the compiled extensions; none where there are none.
        compiled: Option<ReviewRef>,
    },
    /// The ledger lets it pass.
    Exemption {
        /// Since when.
        on: Date,
        /// Why, where it says.
        why: Option<String>,
        /// Where it stands.
        place: Place,
    },
    /// Its publisher is trusted.
    Trusted {
        /// Who.
        publisher: String,
        /// Until when.
        until: Date,
        /// The file before, which meets the criterion; none where there was none.
        before: Option<FileId>,
        /// Where it stands.
        place: Place,
    },
}

impl Reason {
    /// `full`, `delta`, `relation`, `exemption`, `trusted`: for programs.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Full(_) => "full",
            Self::Delta { .. } => "delta",
            Self::Relation { .. } => "relation",
            Self::Exemption { .. } => "exemption",
            Self::Trusted { .. } => "trusted",
        }
    }

    /// The review that it is or needs.
    #[must_use]
    pub const fn review(&self) -> Option<&ReviewRef> {
        match self {
            Self::Full(review) | Self::Delta { review, .. } => Some(review),
            Self::Relation { compiled, .. } => compiled.as_ref(),
            Self::Exemption { .. } | Self::Trusted { .. } => None,
        }
    }
}

/// Which review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewRef {
    /// Whose ledger has it.
    pub origin: Origin,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub on: Date,
    /// The last day on which it counts, by itself or by the age that our ledger allows.
    pub until: Option<Date>,
    /// Digest of its statement.
    pub id: Sha256,
    /// Where it stands.
    pub place: Place,
    /// Nobody knows who holds roles on the project, so the author may be one of them.
    pub roles_unknown: bool,
}

/// That a file is known bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownBad {
    /// Who says so.
    pub origin: Origin,
    /// The file that is bad.
    pub file: FileId,
    /// Whether it is another file, to which this one is related.
    pub is_related: bool,
    /// Since when.
    pub on: Date,
    /// What is bad.
    pub reason: String,
    /// Where it stands.
    pub place: Place,
}

/// Something other than a review that does not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// A publisher is trusted, but not for this.
    #[error("{0}")]
    Trust(NotTrusted),
    /// Another file of the release differs in ways that nothing explains.
    #[error("{} has {} that nothing explains in {}: {}", .to.name, count(.unexplained.len()), .from.name, some(.unexplained))]
    Relation {
        /// The other file.
        from: FileId,
        /// The file.
        to: FileId,
        /// Files of `to` that nothing explains.
        unexplained: Vec<String>,
    },
    /// An exemption that does not do.
    #[error("the exemption at {place} {why}")]
    Exemption {
        /// Where it stands.
        place: Place,
        /// `is for safe-to-run`, `is for another project`.
        why: String,
    },
}

impl Obstacle {
    /// A name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Trust(refusal) => refusal.code(),
            Self::Relation { .. } => "relation-unexplained",
            Self::Exemption { .. } => "exemption-other",
        }
    }
}

fn count(number: usize) -> String {
    if number == 1 { "a file".to_owned() } else { format!("{number} files") }
}

/// The first few names of a list.
fn some(names: &[String]) -> String {
    let more = if names.len() > 3 { ", …" } else { "" };
    names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ") + more
}

/// A review that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Which.
    pub review: ReviewRef,
    /// The file for which it was looked at.
    pub file: FileId,
    /// Why.
    pub why: NotCounted,
}

impl Judgement {
    /// Puts together what the searches for each criterion found.
    pub(super) fn of(subject: Subject, required: Vec<Required>) -> Self {
        let (mut known_bad, mut ignored, mut obstacles) = (Vec::new(), Vec::new(), Vec::new());
        for one in &required {
            let is_met = one.is_met();
            for node in one.looked_at() {
                push_new(&mut ignored, &node.ignored);
                if !is_met {
                    push_new(&mut obstacles, &node.obstacles);
                }
            }
            push_new(&mut known_bad, &one.proof.node(one.node).known_bad);
        }
        Self { subject, required, known_bad, ignored, obstacles }
    }
}

fn push_new<T: Clone + PartialEq>(to: &mut Vec<T>, from: &[T]) {
    for one in from {
        if to.len() < MOST_REMARKS && !to.contains(one) {
            to.push(one.clone());
        }
    }
}

/// So many reviews that do not count are kept for a file: enough for a person, and the time for
/// comparing them stays small.
const MOST_REMARKS: usize = 100;

/// So many files of a chain are asked for reviews that do not count.
const MOST_FILES: usize = 1000;

impl Required {
    /// The file and those that its answer rests on, nearest first.
    pub(crate) fn looked_at(&self) -> impl Iterator<Item = &Node> {
        let (mut seen, mut order) = (HashSet::from([self.node]), vec![self.node]);
        let mut next = 0;
        while next < order.len() && order.len() < MOST_FILES {
            let node = self.proof.node(order[next]);
            let edges = node.support.iter().chain(&node.open);
            let premises = edges.flat_map(|edge| edge.premises.iter().copied());
            order.extend(premises.filter(|id| seen.insert(*id)));
            next += 1;
        }
        order.into_iter().map(|id| self.proof.node(id))
    }
}
