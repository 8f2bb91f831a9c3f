//! A team that has a ledger, asked about what a pin would move to.
//!
//! The ledger is the one that `vet init` makes on the day before the incident: what was pinned is exempt,
//! and nobody has read anything else. The wildcard is one entry: the publisher of the project, trusted for
//! a year. Facts are gathered from the index of the incident, as `update` does.

use std::collections::BTreeMap;

use countermark_client::ledger::book::Opened;
use countermark_client::ledger::facts::{Gatherer, PinnedFiles, Question};
use countermark_client::ledger::{Loaded, answers};
use countermark_ledger::check::{Obstacle, Subject};
use countermark_ledger::criteria::CriterionName;
use countermark_ledger::fact::Facts;
use countermark_ledger::file::FileId;
use countermark_ledger::format::{Relations, ReviewFile};
use countermark_ledger::ledger::Ledger;
use countermark_ledger::review::{How, Review};
use countermark_ledger::signature::{self, Commits};
use countermark_packaging::lock::Place;
use countermark_tlog::note::{KeyType, SignerKey};
use countermark_trust::policy::LedgerAnswer;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Whose word counts in the team.
const AUTHOR: &str = "reader@example.org";

/// What a team decided and knows.
pub(crate) struct Team {
    decisions: String,
    reviews: Vec<Review>,
    facts: Facts,
    today: Date,
    now: Timestamp,
}

/// What the ledger says of a file, and which of its rules stand in the way of trust.
pub(crate) struct Said {
    pub(crate) answer: LedgerAnswer,
    pub(crate) refused: Vec<String>,
}

fn key() -> SignerKey {
    SignerKey::from_seed("reader", KeyType::Ed25519, &[7; 32]).unwrap()
}

impl Team {
    /// As `vet init` leaves it, with the pinned files exempt.
    pub(crate) fn new(pinned: &[&PinnedFiles], now: Timestamp) -> Self {
        let today = now.to_zoned(TimeZone::UTC).date();
        let mut decisions = format!(
            "[ledger]\nversion = 1\nname = \"example.org/team\"\ninitialised = 2026-01-02\n\
             criteria = [\"safe-to-deploy\"]\n\n[[key]]\nauthor = \"{AUTHOR}\"\nkey = \"{}\"\n",
            key().verifier()
        );
        for one in pinned {
            let files: Vec<String> = one.files.iter().map(|file| format!("\"{file}\"")).collect();
            decisions.push_str(&format!(
                "\n[[exemption]]\nproject = \"{}\"\nversion = \"{}\"\nfiles = [{}]\ncriteria = \
                 [\"safe-to-deploy\"]\non = 2026-01-02\n",
                one.project,
                one.version,
                files.join(", ")
            ));
        }
        Self { decisions, reviews: Vec::new(), facts: Facts::default(), today, now }
    }

    /// With a wildcard on the publisher of a project, and what the index says of its files.
    pub(crate) fn trusting(
        mut self,
        publisher: &str,
        until: &str,
        gatherer: Gatherer<'_>,
        question: Question<'_>,
    ) -> Self {
        self.decisions.push_str(&format!(
            "\n[[trusted]]\npublisher = \"{publisher}\"\nprojects = [\"{}\"]\ncriteria = \
             [\"safe-to-deploy\"]\nfrom = 2026-01-02\nuntil = {until}\nreason = \"they are known\"\n",
            question.after.project
        ));
        let gathered = gatherer.files(&[question]);
        assert_eq!(gathered.notes, [], "the index of an incident answers everything");
        self.facts.files = gathered.files;
        self
    }

    /// With a review of these files by somebody who counts.
    pub(crate) fn having_read(mut self, files: &PinnedFiles) -> Self {
        let mut review = Review {
            project: files.project.clone(),
            version: files.version.clone(),
            files: files.files.clone(),
            criteria: vec![CriterionName::parse("safe-to-deploy").unwrap()],
            how: How::Full,
            author: AUTHOR.to_owned(),
            on: self.today,
            until: None,
            notes: String::new(),
            signature: None,
        };
        review.signature = Some(signature::sign(&review, &key()).unwrap());
        self.reviews.push(review);
        self
    }

    /// Asks about the files of a release.
    pub(crate) fn ask(&self, files: &PinnedFiles) -> Said {
        let ledger = Ledger::parse("ledger.toml", self.decisions.as_bytes())
            .unwrap_or_else(|errors| panic!("{}\n{errors:#?}", self.decisions));
        let text = countermark_ledger::format::write(&self.reviews);
        let loaded = Loaded {
            ledger,
            reviews: ReviewFile::parse("reviews.toml", text.into_bytes()).unwrap(),
            facts: self.facts.clone(),
            relations: Relations::default(),
            imports: Vec::new(),
            certificates: BTreeMap::new(),
        };
        let opened = Opened::new(loaded, Commits::new(), self.now).unwrap();
        let subjects: Vec<Subject> = files.files.iter().map(|it| subject(files, it)).collect();
        opened.ask(self.today, |checker| {
            let asked = files.files.iter().map(|it| (Some(it.name.as_str()), Some(it.digest)));
            let answer = answers::ask(checker, &subjects, None).of(
                &files.project,
                Some(&files.version),
                asked,
            );
            let mut refused: Vec<String> = Vec::new();
            for judgement in checker.check(&subjects) {
                refused.extend(judgement.obstacles.iter().filter_map(|it| match it {
                    Obstacle::Trust(refusal) => Some(refusal.code().to_owned()),
                    Obstacle::Relation { .. } | Obstacle::Exemption { .. } => None,
                }));
            }
            Said { answer, refused }
        })
    }
}

fn subject(files: &PinnedFiles, file: &FileId) -> Subject {
    Subject {
        project: files.project.clone(),
        version: files.version.clone(),
        file: Some(file.name.clone()),
        digest: file.digest,
        place: Place { file: "the new lock".to_owned(), line: 1, column: 1, span: 0..0 },
    }
}
