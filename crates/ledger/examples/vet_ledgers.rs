//! Made-up ledgers for `bench/vet.py`, and how long the parts of a check of them take.
//!
//! `vet_ledgers write FOLDER REVIEWS` makes a lock of 1,000 files, our ledger and 19 others with so many
//! reviews in all, each with a real signature. `vet_ledgers parts FOLDER` reads them, checks, and suggests.
//!
//! There are 2,500 projects of 20 releases; the lock has the last release of 1,000 of them. Half of the
//! reviews are full ones, the others differences from the release before; one in twenty is not signed, is
//! signed by a key that nobody named, or is over. Our ledger exempts the fifth release of each project.

#![expect(clippy::disallowed_methods, reason = "a program that measures reads files and a clock")]
#![expect(clippy::unwrap_used, reason = "what it reads it made itself")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use countermark_ledger::check::{
    Book, Checker, Entry, ImportedBook, Judgement, Origin, Refused, Reviews, Signatures, Subject,
};
use countermark_ledger::criteria::{Criteria, CriterionName};
use countermark_ledger::fact::Facts;
use countermark_ledger::file::FileId;
use countermark_ledger::format::{self, ReviewFile};
use countermark_ledger::ledger::{AuthorKey, Exemption, Import, Ledger};
use countermark_ledger::report::{Report, text};
use countermark_ledger::review::{How, Review};
use countermark_ledger::signature::{self, Commits, Keys};
use countermark_ledger::suggest::{Costs, suggest};
use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_tlog::note::{KeyType, SignerKey};
use jiff::civil::{Date, date};
use sha2::Digest as _;

const PROJECTS: u64 = 2_500;
const LOCKED: u64 = 1_000;
const RELEASES: u64 = 20;
const EXEMPT: u64 = 4;
const LEDGERS: u64 = 20;
const TODAY: Date = date(2026, 11, 22);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", folder, reviews] => write(Path::new(folder), reviews.parse().unwrap()),
        ["parts", folder] => parts(Path::new(folder)),
        _ => eprintln!("vet_ledgers write FOLDER REVIEWS | vet_ledgers parts FOLDER"),
    }
}

/// The same numbers every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

fn project(number: u64) -> ProjectName {
    ProjectName::parse(&format!("project-{number:04}")).unwrap()
}

fn file(project: u64, release: u64) -> FileId {
    let name = format!("project_{project:04}-1.{release}-py3-none-any.whl");
    FileId { digest: sha256(name.as_bytes()), name }
}

fn version(release: u64) -> Version {
    format!("1.{release}").parse().unwrap()
}

fn place(file: &str) -> Place {
    Place { file: file.to_owned(), line: 1, column: 1, span: 0..0 }
}

fn author(ledger: u64) -> String {
    format!("reader-{ledger}@example.org")
}

fn signer(ledger: u64) -> SignerKey {
    let seed = sha256(format!("seed {ledger}").as_bytes());
    SignerKey::from_seed(&author(ledger), KeyType::Ed25519, &seed.0).unwrap()
}

fn key(ledger: u64) -> AuthorKey {
    AuthorKey {
        author: author(ledger),
        key: signer(ledger).verifier().to_string(),
        file: None,
        accounts: Vec::new(),
        from: None,
        until: None,
        place: place("ledger.toml"),
    }
}

fn deploy() -> Vec<CriterionName> {
    vec![CriterionName::parse("safe-to-deploy").unwrap()]
}

fn empty(name: &str) -> Ledger {
    Ledger {
        name: name.to_owned(),
        initialised: date(2026, 1, 1),
        required: deploy(),
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

fn reviews(ledger: u64, count: u64) -> Vec<Review> {
    let mut dice = Dice(ledger + 1);
    let (good, stranger) = (signer(ledger), signer(ledger + 1000));
    let mut review = || {
        let (number, release) = (dice.below(PROJECTS), 1 + dice.below(RELEASES - 1));
        let before = release - 1;
        let how = match dice.below(2) {
            0 => How::Full,
            _ => How::Delta { from: version(before), files: vec![file(number, before)] },
        };
        let [month, day] = [10, 28].map(|end| 1 + i8::try_from(dice.below(end)).unwrap());
        let mut review = Review {
            project: project(number),
            version: version(release),
            files: vec![file(number, release)],
            criteria: deploy(),
            how,
            author: author(ledger),
            on: date(2026, month, day),
            until: None,
            // Two readings rarely end in the same words.
            notes: format!("read on a train, number {}", dice.below(1 << 30)),
            signature: None,
        };
        let flaw = dice.below(60);
        if flaw == 2 {
            review.until = Some(date(2026, 11, 1));
        }
        let by = if flaw == 1 { &stranger } else { &good };
        review.signature = (flaw > 0).then(|| signature::sign(&review, by).unwrap());
        review
    };
    (0..count).map(|_| review()).collect()
}

fn write(folder: &Path, count: u64) {
    let ledger = folder.join("ledger");
    fs::create_dir_all(&ledger).unwrap();
    let mut ours = empty("example.org/team");
    ours.keys.push(key(0));
    let exempt = |number: u64| Exemption {
        project: project(number),
        version: version(EXEMPT),
        files: vec![file(number, EXEMPT)],
        criteria: deploy(),
        on: date(2026, 1, 1),
        reason: None,
        place: place("ledger.toml"),
    };
    ours.exemptions.extend((0..LOCKED).map(exempt));
    for number in 1..LEDGERS {
        let name = format!("team-{number}");
        let theirs = ledger.join("imports").join(&name);
        fs::create_dir_all(&theirs).unwrap();
        let decided = empty(&format!("example.org/{name}")).write();
        let said = format::write(&reviews(number, count / LEDGERS));
        ours.imports.push(Import {
            url: format!("https://{name}.example.org/ledger"),
            fetched: Some(date(2026, 11, 20)),
            ledger: Some(sha256(decided.as_bytes())),
            reviews: Some(sha256(said.as_bytes())),
            commits: None,
            mapping: BTreeMap::from([(deploy()[0].clone(), deploy())]),
            keys: vec![key(number)],
            exclude: Vec::new(),
            place: place("ledger.toml"),
            name,
        });
        fs::write(theirs.join("ledger.toml"), decided).unwrap();
        fs::write(theirs.join("reviews.toml"), said).unwrap();
    }
    fs::write(ledger.join("reviews.toml"), format::write(&reviews(0, count / LEDGERS))).unwrap();
    fs::write(ledger.join("ledger.toml"), ours.write()).unwrap();
    let mut lock = "lock-version = \"1.0\"\ncreated-by = \"vet_ledgers\"\n".to_owned();
    for number in 0..LOCKED {
        let FileId { name, digest } = file(number, RELEASES - 1);
        lock.push_str(&format!(
            "\n[[packages]]\nname = \"{}\"\nversion = \"{}\"\nwheels = [{{ url = \
             \"https://files.example.org/{name}\", hashes = {{ sha256 = \"{}\" }} }}]\n",
            project(number),
            version(RELEASES - 1),
            digest.hex()
        ));
    }
    fs::write(folder.join("pylock.toml"), lock).unwrap();
}

/// A ledger's reviews and whose keys count for them.
struct Side {
    name: String,
    ledger: Ledger,
    reviews: ReviewFile,
    keys: Keys,
    commits: Commits,
}

fn entry(found: format::Entry) -> Entry {
    Entry { review: found.review, place: found.place, id: found.id.0 }
}

impl Reviews for Side {
    fn covering(&self, digest: &Sha256) -> Vec<Entry> {
        self.reviews.covering(digest).into_iter().map(entry).collect()
    }

    fn of_project(&self, project: &ProjectName) -> Vec<Entry> {
        self.reviews.of_project(project).into_iter().map(entry).collect()
    }
}

struct Sides(Vec<Side>);

impl Signatures for Sides {
    fn verify(&self, origin: &Origin, review: &Review) -> Result<(), Refused> {
        let name = origin.import().unwrap_or_default();
        let side = self.0.iter().find(|it| it.name == name).unwrap();
        match signature::verify(review, &side.keys, &side.commits) {
            Ok(_) => Ok(()),
            Err(refusal) => Err(Refused { code: refusal.code(), message: refusal.to_string() }),
        }
    }
}

/// Lines of made-up readings.
struct Lines;

impl Costs for Lines {
    fn full(&self, file: &FileId) -> Option<u64> {
        Some(500 + u64::from(file.digest.0[0]) * 40)
    }

    fn delta(&self, from: &FileId, to: &FileId) -> Option<u64> {
        Some(10 + u64::from(from.digest.0[0] ^ to.digest.0[1]) * 4)
    }
}

fn side(name: &str, folder: &Path, keys: &[AuthorKey]) -> Side {
    let now = TODAY.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    let decided = fs::read(folder.join("ledger.toml")).unwrap();
    let said = fs::read(folder.join("reviews.toml")).unwrap();
    let digest = sha256(&said);
    Side {
        name: name.to_owned(),
        ledger: Ledger::parse("ledger.toml", &decided).unwrap(),
        reviews: ReviewFile::open("reviews.toml", said, &digest).unwrap(),
        keys: Keys::new(keys, &BTreeMap::new(), now).unwrap(),
        commits: Commits::new(),
    }
}

fn told(what: &str, since: Instant) -> Instant {
    println!("{what} {:.1}", since.elapsed().as_secs_f64() * 1000.0);
    Instant::now()
}

fn parts(folder: &Path) {
    let start = Instant::now();
    let folder = folder.join("ledger");
    let ours =
        Ledger::parse("ledger.toml", &fs::read(folder.join("ledger.toml")).unwrap()).unwrap();
    let mut sides = vec![side("", &folder, &ours.keys)];
    for import in &ours.imports {
        sides.push(side(&import.name, &folder.join("imports").join(&import.name), &import.keys));
    }
    let sides = Sides(sides);
    let since = told("open", start);
    let subject = |number: u64| {
        let FileId { name, digest } = file(number, RELEASES - 1);
        let (project, version) = (project(number), version(RELEASES - 1));
        Subject { project, version, file: Some(name), digest, place: place("pylock.toml") }
    };
    let subjects: Vec<Subject> = (0..LOCKED).map(subject).collect();
    let (facts, relations) = (Facts::default(), Vec::new());
    let imports = sides.0[1..].iter();
    let imports: Vec<ImportedBook<'_>> = imports
        .map(|it| ImportedBook { name: &it.name, ledger: &it.ledger, reviews: it })
        .collect();
    let book = Book::new(&ours, &sides.0[0], &imports, &facts, &relations, &sides);
    let checker = Checker::new(&book, TODAY);
    let judgements = checker.check(&subjects);
    let since = told("check", since);
    let report = Report {
        on: TODAY,
        ledger: ours.name.clone(),
        subjects: vec!["pylock.toml".to_owned()],
        judgements,
        unjudged: Vec::new(),
        notes: Vec::new(),
    };
    let shown = text::write(&report, text::Options::default());
    let since = told("report", since);
    let plan = suggest(&checker, &report.judgements, &Lines, &[]);
    told("suggest", since);
    let count: usize = sides.0.iter().map(|it| it.reviews.len()).sum();
    let met = report.judgements.iter().filter(|it| Judgement::passes(it)).count();
    println!("reviews {count}\nmet {met}\nsteps {}\nbytes {}", plan.steps.len(), shown.len());
}
