use std::collections::BTreeMap;

use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;
use countermark_packaging::name::{NamePattern, ProjectName};
use countermark_packaging::version::Version;
use jiff::civil::date;
use sha2::Digest as _;

use super::*;
use crate::check::Entry;
use crate::criteria::{Criteria, CriterionName};
use crate::fact::{FileFact, Roles};
use crate::file::FileId;
use crate::ledger::{AuthorKey, Exemption, Import, OwnReviews, TrustedPublisher, Violation};
use crate::review::How;

const NOW: Date = date(2026, 6, 1);
const PUBLISHER: &str = "github:acme/app/release.yml";

fn place(line: u32) -> Place {
    Place { file: "ledger.toml".to_owned(), line, column: 1, span: 0..0 }
}

fn project(name: &str) -> ProjectName {
    ProjectName::parse(name).unwrap()
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn run() -> Vec<CriterionName> {
    vec![CriterionName::parse("safe-to-run").unwrap()]
}

fn file(name: &str, release: &str) -> FileId {
    let name = format!("{name}-{release}.tar.gz");
    let digest = Sha256(sha2::Sha256::digest(&name).into());
    FileId { name, digest }
}

fn exemption(name: &str, releases: &[&str]) -> Exemption {
    Exemption {
        project: project(name),
        version: version(releases[0]),
        files: releases.iter().map(|release| file(name, release)).collect(),
        criteria: run(),
        on: NOW,
        reason: None,
        place: place(1),
    }
}

fn ledger() -> Ledger {
    Ledger {
        name: "example.org/acme".to_owned(),
        initialised: date(2026, 1, 1),
        required: run(),
        maximum_age_days: None,
        counts_unknown_roles: true,
        descriptions: BTreeMap::new(),
        criteria: Criteria::new(&BTreeMap::new()).unwrap(),
        requirements: Vec::new(),
        keys: Vec::new(),
        own_reviews: Vec::new(),
        imports: Vec::new(),
        exemptions: Vec::new(),
        trusted: Vec::new(),
        violations: Vec::new(),
    }
}

fn review(name: &str, release: &str, how: How) -> Review {
    Review {
        project: project(name),
        version: version(release),
        files: vec![file(name, release)],
        criteria: run(),
        how,
        author: "alice@example.org".to_owned(),
        on: date(2026, 5, 1),
        until: None,
        notes: String::new(),
        signature: Some("good".to_owned()),
    }
}

fn delta(name: &str, from: &str, to: &str) -> Review {
    review(name, to, How::Delta { from: version(from), files: vec![file(name, from)] })
}

struct Pile(Vec<Review>);

impl Pile {
    fn entries(&self, wanted: impl Fn(&Review) -> bool) -> Vec<Entry> {
        let found = self.0.iter().filter(|review| wanted(review));
        found
            .map(|it| Entry { review: it.clone(), place: place(1), id: StatementId::of(it).0 })
            .collect()
    }
}

impl Reviews for Pile {
    fn covering(&self, digest: &Sha256) -> Vec<Entry> {
        self.entries(|review| review.files.iter().any(|file| file.digest == *digest))
    }

    fn of_project(&self, project: &ProjectName) -> Vec<Entry> {
        self.entries(|review| review.project == *project)
    }
}

/// Counts what says that it does.
struct Says;

impl Signatures for Says {
    fn verify(&self, _: &Origin, review: &Review) -> Result<(), Refused> {
        match review.signature.as_deref() {
            Some("good") => Ok(()),
            _ => Err(Refused { code: "review-bad-signature", message: "no".to_owned() }),
        }
    }
}

fn subject(name: &str, release: &str) -> Subject {
    let file = file(name, release);
    Subject {
        project: project(name),
        version: version(release),
        file: Some(file.name),
        digest: file.digest,
        place: place(1),
    }
}

struct Case {
    ledger: Ledger,
    reviews: Vec<Review>,
    facts: Facts,
    locked: Vec<Subject>,
}

impl Case {
    fn new(exemptions: Vec<Exemption>, locked: &[(&str, &str)]) -> Self {
        let locked = locked.iter().map(|(name, release)| subject(name, release)).collect();
        let ledger = Ledger { exemptions, ..ledger() };
        Self { ledger, reviews: Vec::new(), facts: Facts::default(), locked }
    }

    fn with(mut self, review: Review) -> Self {
        self.reviews.push(review);
        self
    }

    fn needless(&self) -> Needless {
        let own = Pile(self.reviews.clone());
        needless(&Standing {
            ledger: &self.ledger,
            own: &own,
            imports: &[],
            facts: &self.facts,
            relations: &[],
            signatures: &Says,
            now: NOW,
            subjects: &self.locked,
        })
    }

    /// The names of the files that go.
    fn gone(&self) -> Vec<String> {
        self.needless().exemptions.into_iter().flat_map(|it| it.gone).map(|it| it.name).collect()
    }
}

#[test]
fn an_exemption_stays_while_something_rests_on_it() {
    let exemptions = || vec![exemption("a", &["1.0"]), exemption("b", &["1.0"])];
    let case = Case::new(exemptions(), &[("a", "1.0")]);
    assert_eq!(case.gone(), ["b-1.0.tar.gz"]);
    assert_eq!(Case::new(exemptions(), &[("a", "1.0"), ("b", "1.0")]).gone(), [""; 0]);
    // A review that counts takes its place, one that does not count does not.
    let case = Case::new(exemptions(), &[("a", "1.0"), ("b", "1.0")]);
    let good = review("b", "1.0", How::Full);
    let forged = Review { signature: Some("forged".to_owned()), ..good.clone() };
    assert_eq!(case.with(forged).gone(), [""; 0]);
    let case = Case::new(exemptions(), &[("a", "1.0"), ("b", "1.0")]);
    assert_eq!(case.with(good).gone(), ["b-1.0.tar.gz"]);
}

#[test]
fn the_beginning_of_a_chain_stays_although_nobody_locks_it() {
    let case = || Case::new(vec![exemption("a", &["1.0"])], &[("a", "2.0")]);
    assert_eq!(case().with(delta("a", "1.0", "2.0")).gone(), [""; 0]);
    assert_eq!(case().with(review("a", "2.0", How::Full)).gone(), ["a-1.0.tar.gz"]);
}

#[test]
fn what_a_difference_may_start_from_stays_until_the_project_passes() {
    let exemptions = || vec![exemption("a", &["1.0"]), exemption("b", &["1.0"])];
    let case = Case::new(exemptions(), &[("a", "2.0")]);
    assert_eq!(case.gone(), ["b-1.0.tar.gz"]);
    assert_eq!(case.needless().waiting, [project("a")]);
    // A difference from elsewhere does not make it pass.
    let case = Case::new(exemptions(), &[("a", "2.0")]).with(delta("a", "0.9", "2.0"));
    assert_eq!(case.needless().waiting, [project("a")]);
    let case = Case::new(exemptions(), &[("a", "2.0")]).with(review("a", "2.0", How::Full));
    assert_eq!(case.gone(), ["a-1.0.tar.gz", "b-1.0.tar.gz"]);
    assert_eq!(case.needless().waiting, []);
    // One that does not help the file that it exempts is no start.
    let mut case = Case::new(vec![exemption("a", &["2.0"])], &[("a", "2.0")]);
    case.ledger.violations = vec![Violation {
        project: project("a"),
        version: Some(version("2.0")),
        files: vec![file("a", "2.0")],
        on: NOW,
        reason: "it sends keys away".to_owned(),
        place: place(3),
    }];
    assert_eq!(case.gone(), ["a-2.0.tar.gz"]);
}

#[test]
fn files_of_one_exemption_go_one_by_one() {
    let case = Case::new(vec![exemption("a", &["1.0", "1.1", "1.2"])], &[("a", "1.1")]);
    let cut = &case.needless().exemptions[0];
    let names = |files: &[FileId]| files.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&cut.gone), ["a-1.0.tar.gz", "a-1.2.tar.gz"]);
    assert_eq!(names(&cut.left), ["a-1.1.tar.gz"]);
}

#[test]
fn of_two_ways_the_file_that_is_locked_keeps_its_own() {
    // 2.0 passes by its own exemption, or by the one of 1.0 and a delta.
    let both = vec![exemption("a", &["1.0"]), exemption("a", &["2.0"])];
    let case = Case::new(both, &[("a", "2.0")]).with(delta("a", "1.0", "2.0"));
    assert_eq!(case.gone(), ["a-1.0.tar.gz"]);
}

fn trusted() -> TrustedPublisher {
    TrustedPublisher {
        publisher: PUBLISHER.to_owned(),
        projects: vec![NamePattern::parse("a*").unwrap()],
        criteria: run(),
        from: date(2026, 1, 1),
        until: date(2026, 12, 1),
        reason: "they are careful".to_owned(),
        place: place(4),
    }
}

fn fact(name: &str, release: &str) -> FileFact {
    FileFact {
        project: project(name),
        version: version(release),
        file: file(name, release),
        uploaded: Some(date(2026, 5, 1)),
        publisher: Some(PUBLISHER.to_owned()),
        before: None,
        publisher_before: None,
        adds: Vec::new(),
    }
}

#[test]
fn trust_that_ends_does_not_replace_an_exemption() {
    let mut case = Case::new(vec![exemption("a", &["1.0"])], &[("a", "1.0")]);
    case.ledger.trusted = vec![trusted()];
    case.facts.files = vec![fact("a", "1.0")];
    assert_eq!(case.gone(), [""; 0]);
    // The trust does something once the exemption is gone.
    case.ledger.exemptions.clear();
    assert_eq!(case.needless().idle, []);
    case.locked.clear();
    assert_eq!(case.needless().idle, [Idle::Trusted(0)]);
}

#[test]
fn facts_stay_for_what_answers_rest_on() {
    let mut case = Case::new(Vec::new(), &[("a", "3.0")]).with(delta("a", "1.0", "2.0"));
    let before = FileFact { before: Some(file("a", "2.5")), ..fact("a", "3.0") };
    let releases = ["1.0", "2.0", "2.5", "2.7"].map(|release| fact("a", release));
    case.facts.files = [vec![before], releases.to_vec(), vec![fact("b", "1.0")]].concat();
    let roles = |name| Roles { project: project(name), accounts: Vec::new(), on: NOW };
    case.facts.roles = vec![roles("a"), roles("b")];
    let left = case.needless().facts;
    let names: Vec<_> = left.files.iter().map(|it| it.version.to_string()).collect();
    assert_eq!(names, ["3.0", "1.0", "2.0", "2.5"]);
    assert_eq!(left.roles, [roles("a")]);
    // The same again takes nothing more away.
    case.facts = left.clone();
    assert_eq!(case.needless().facts, left);
}

#[test]
fn imports_and_own_reviews_that_bring_nothing_are_told() {
    let theirs = ledger();
    let brings = Pile(vec![review("a", "1.0", How::Full)]);
    let nothing = Pile(vec![review("b", "1.0", How::Full)]);
    let import = |name: &str| Import {
        name: name.to_owned(),
        url: format!("https://example.org/{name}"),
        fetched: Some(NOW),
        ledger: None,
        reviews: None,
        commits: None,
        mapping: BTreeMap::from([(run()[0].clone(), run())]),
        keys: Vec::new(),
        exclude: Vec::new(),
        place: place(1),
    };
    let ours = Ledger {
        imports: vec![import("brings"), import("nothing"), import("absent")],
        own_reviews: vec![OwnReviews {
            author: "alice@example.org".to_owned(),
            projects: vec![NamePattern::parse("a").unwrap()],
            reason: "they wrote it".to_owned(),
            place: place(9),
        }],
        ..ledger()
    };
    let imports = [
        ImportedBook { name: "brings", ledger: &theirs, reviews: &brings },
        ImportedBook { name: "nothing", ledger: &theirs, reviews: &nothing },
    ];
    let found = needless(&Standing {
        ledger: &ours,
        own: &Pile(Vec::new()),
        imports: &imports,
        facts: &Facts::default(),
        relations: &[],
        signatures: &Says,
        now: NOW,
        subjects: &[subject("a", "1.0")],
    });
    assert_eq!(found.idle, [Idle::Import(1), Idle::OwnReviews(0)]);
}

#[test]
fn what_ends_is_told_in_its_order() {
    let key = |author: &str, until| AuthorKey {
        author: author.to_owned(),
        key: "k".repeat(100),
        file: None,
        accounts: Vec::new(),
        from: None,
        until,
        place: place(7),
    };
    let mut ours = Ledger { maximum_age_days: Some(100), ..ledger() };
    ours.trusted = vec![TrustedPublisher { until: date(2026, 7, 1), ..trusted() }];
    ours.keys = vec![key("bob", Some(date(2026, 6, 20))), key("carol", None)];
    let old = Review { on: date(2026, 3, 1), ..review("a", "1.0", How::Full) };
    let own = Review { until: Some(date(2026, 6, 2)), ..review("b", "1.0", How::Full) };
    let late = review("c", "1.0", How::Full);
    let reviews = || [&old, &own, &late].map(|it| (it.clone(), place(3)));
    let told = |last| -> Vec<String> {
        due(&ours, reviews(), last).iter().map(|it| format!("{} {}", it.until, it.what)).collect()
    };
    let all = [
        "2026-06-02 b==1.0 by alice@example.org".to_owned(),
        "2026-06-09 a==1.0 by alice@example.org".to_owned(),
        format!("2026-06-20 bob ({}…)", "k".repeat(60)),
        format!("2026-07-01 {PUBLISHER} for a*"),
    ];
    assert_eq!(told(date(2026, 7, 1)), all);
    assert_eq!(told(date(2026, 6, 30)), all[..3]);
    assert_eq!(told(date(2026, 6, 1)), all[..0]);
    // An age beyond the calendar is none, and no reason to stop.
    ours.maximum_age_days = Some(u32::MAX);
    assert_eq!(due(&ours, reviews(), date(2026, 7, 1)).len(), 3);
}
