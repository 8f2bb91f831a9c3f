//! Books of a few words. Each line says one thing; `scenarios/*.txt` shows all of them.

use std::cell::Cell;
use std::collections::BTreeMap;

use countermark_ledger::check::{
    Book, Checker, Entry, ImportedBook, Judgement, Origin, Refused, Reviews, Signatures, Subject,
};
use countermark_ledger::criteria::{Criteria, CriterionName};
use countermark_ledger::fact::{Facts, FileFact, Roles};
use countermark_ledger::file::FileId;
use countermark_ledger::ledger::{
    AuthorKey, Exemption, Import, Ledger, OwnReviews, Requirement, TrustedPublisher, Violation,
};
use countermark_ledger::relation::Relation;
use countermark_ledger::review::{How, Review};
use countermark_ledger::statement::StatementId;
use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::Place;
use countermark_packaging::name::{NamePattern, ProjectName};
use countermark_packaging::version::Version;
use jiff::civil::Date;
use sha2::Digest as _;

pub(crate) const TODAY: &str = "2026-11-22";

/// A file that lines name by a letter or a word.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) project: ProjectName,
    pub(crate) version: Version,
    pub(crate) id: FileId,
}

/// Reviews in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) file: String,
    pub(crate) reviews: Vec<Review>,
}

impl Shelf {
    fn entries(&self, is_wanted: impl Fn(&Review) -> bool) -> Vec<Entry> {
        let entries = self.reviews.iter().zip(1..).filter(|(review, _)| is_wanted(review));
        entries
            .map(|(review, line)| Entry {
                review: review.clone(),
                place: place(&self.file, line),
                id: StatementId::of(review).0,
            })
            .collect()
    }
}

impl Reviews for Shelf {
    fn covering(&self, digest: &Sha256) -> Vec<Entry> {
        self.entries(|review| review.files.iter().any(|file| file.digest == *digest))
    }

    fn of_project(&self, project: &ProjectName) -> Vec<Entry> {
        self.entries(|review| review.project == *project)
    }
}

/// A book with everything that it is made of.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) today: Date,
    pub(crate) ledger: Ledger,
    pub(crate) own: Shelf,
    pub(crate) imports: BTreeMap<String, (Ledger, Shelf)>,
    pub(crate) facts: Facts,
    pub(crate) relations: Vec<Relation>,
    pub(crate) files: BTreeMap<String, Known>,
    pub(crate) lock: Vec<String>,
    own_criteria: BTreeMap<String, BTreeMap<CriterionName, Vec<CriterionName>>>,
    /// How many signatures were verified.
    pub(crate) verified: Cell<usize>,
}

/// `good`, `forged`, `stranger`: what stands for a signature here.
impl Signatures for World {
    fn verify(&self, origin: &Origin, review: &Review) -> Result<(), Refused> {
        self.verified.set(self.verified.get() + 1);
        let keys = match origin {
            Origin::Own => &self.ledger.keys,
            Origin::Import(name) => {
                &self.ledger.imports.iter().find(|it| it.name == *name).unwrap().keys
            }
        };
        let refused = |code, message: &str| Err(Refused { code, message: message.to_owned() });
        match review.signature.as_deref() {
            _ if !keys.iter().any(|key| key.author == review.author) => {
                refused("review-unknown-key", "the ledger has no key of its author")
            }
            Some("good") => Ok(()),
            Some("stranger") => refused("review-unknown-key", "it is signed by another key"),
            _ => refused("review-bad-signature", "the signature is not of this review"),
        }
    }
}

pub(crate) fn place(file: &str, line: usize) -> Place {
    Place { file: file.to_owned(), line: u32::try_from(line).unwrap(), column: 1, span: 0..0 }
}

pub(crate) fn criterion(text: &str) -> CriterionName {
    CriterionName::parse(text).unwrap()
}

fn criteria(text: &str) -> Vec<CriterionName> {
    text.split(' ').map(criterion).collect()
}

pub(crate) fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn patterns(text: &str) -> Vec<NamePattern> {
    text.split(' ').map(|it| NamePattern::parse(it).unwrap()).collect()
}

pub(crate) fn digest(text: &str) -> Sha256 {
    Sha256(sha2::Sha256::digest(text.as_bytes()).into())
}

pub(crate) fn key(author: &str, accounts: &[&str]) -> AuthorKey {
    AuthorKey {
        author: author.to_owned(),
        key: format!("a key of {author}"),
        file: None,
        accounts: accounts.iter().map(|&it| it.to_owned()).collect(),
        from: None,
        until: None,
        place: place("ledger.toml", 1),
    }
}

pub(crate) fn ledger(name: &str) -> Ledger {
    Ledger {
        name: name.to_owned(),
        initialised: date("2026-01-01"),
        required: criteria("safe-to-deploy"),
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

impl World {
    pub(crate) fn new() -> Self {
        Self {
            today: date(TODAY),
            ledger: ledger("example.org/team"),
            own: Shelf { file: "reviews.toml".to_owned(), reviews: Vec::new() },
            imports: BTreeMap::new(),
            facts: Facts::default(),
            relations: Vec::new(),
            files: BTreeMap::new(),
            lock: Vec::new(),
            own_criteria: BTreeMap::new(),
            verified: Cell::new(0),
        }
    }

    /// A world of these lines; those about expectations are left out.
    pub(crate) fn of(lines: &[&str]) -> Self {
        let mut world = Self::new();
        // Files and imports first: lines may speak of them in any order.
        let is_first = |line: &str| line.starts_with("file ") || line.starts_with("import ");
        for first in [true, false] {
            for (line, number) in lines.iter().zip(1..).filter(|(line, _)| is_first(line) == first)
            {
                world.say(line.trim(), number);
            }
        }
        world
    }

    pub(crate) fn file(&self, name: &str) -> &Known {
        self.files.get(name).unwrap_or_else(|| panic!("no file is called {name}"))
    }

    pub(crate) fn ids(&self, names: &str) -> Vec<FileId> {
        let mut ids: Vec<FileId> = names.split(' ').map(|it| self.file(it).id.clone()).collect();
        ids.sort();
        ids
    }

    pub(crate) fn subjects(&self) -> Vec<Subject> {
        let subject = |(name, line): (&String, usize)| {
            let Known { project, version, id } = self.file(name).clone();
            let (file, place) = (Some(id.name), place("pylock.toml", line));
            Subject { project, version, file, digest: id.digest, place }
        };
        self.lock.iter().zip(1..).map(subject).collect()
    }

    pub(crate) fn with<T>(&self, ask: impl FnOnce(&Checker<'_>) -> T) -> T {
        let imports: Vec<ImportedBook<'_>> = self
            .imports
            .iter()
            .map(|(name, (ledger, reviews))| ImportedBook { name, ledger, reviews })
            .collect();
        let book = Book::new(&self.ledger, &self.own, &imports, &self.facts, &self.relations, self);
        ask(&Checker::new(&book, self.today))
    }

    pub(crate) fn check(&self) -> Vec<Judgement> {
        self.with(|checker| checker.check(&self.subjects()))
    }

    pub(crate) fn passes(&self) -> bool {
        self.check().iter().all(Judgement::passes)
    }

    fn side(&mut self, import: Option<&str>) -> &mut Ledger {
        match import {
            None => &mut self.ledger,
            Some(name) => &mut self.imports.get_mut(name).unwrap().0,
        }
    }

    fn shelf(&mut self, import: Option<&str>) -> &mut Shelf {
        match import {
            None => &mut self.own,
            Some(name) => &mut self.imports.get_mut(name).unwrap().1,
        }
    }

    /// One line: of ours, or of an import that stands before a colon.
    fn say(&mut self, line: &str, number: usize) {
        let import = line.split_once(": ").map(|(name, _)| name.to_owned());
        let import = import.filter(|name| self.imports.contains_key(name));
        let text = import.as_ref().map_or(line, |name| &line[name.len() + 2..]);
        let import = import.as_deref();
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        match first {
            "today" => self.today = date(rest),
            "file" => self.say_file(rest),
            "lock" => self.lock = rest.split(' ').map(str::to_owned).collect(),
            "require" => self.say_requirement(rest, number),
            "criterion" => self.say_criterion(import, rest),
            "age" => {
                self.ledger.maximum_age_days =
                    Some(rest.strip_suffix(" days").unwrap().parse().unwrap());
            }
            "unknown-roles" => self.ledger.counts_unknown_roles = rest == "count",
            "key" => self.say_key(import, rest),
            "import" => self.say_import(rest, number),
            "exempt" => self.say_exemption(import, rest, number),
            "trust" => self.say_trust(import, rest, number),
            "fact" => self.say_fact(rest),
            "roles" => {
                let (project, accounts) =
                    rest.strip_prefix("of ").unwrap().split_once(": ").unwrap();
                self.facts.roles.push(Roles {
                    project: project.parse().unwrap(),
                    accounts: accounts
                        .split(' ')
                        .filter(|it| *it != "nobody")
                        .map(str::to_owned)
                        .collect(),
                    on: self.today,
                });
            }
            "own-reviews" => {
                let (author, projects) = rest.split_once(" for ").unwrap();
                self.ledger.own_reviews.push(OwnReviews {
                    author: author.to_owned(),
                    projects: patterns(projects),
                    reason: "they wrote most of it".to_owned(),
                    place: place("ledger.toml", number),
                });
            }
            "violation" => {
                let (files, reason) = rest.split_once(" because ").unwrap();
                let known = self.file(files.split(' ').next().unwrap()).clone();
                let violation = Violation {
                    project: known.project,
                    version: Some(known.version),
                    files: self.ids(files),
                    on: date("2026-11-20"),
                    reason: reason.to_owned(),
                    place: place(&ledger_file(import), number),
                };
                self.side(import).violations.push(violation);
            }
            _ if rest.starts_with("reviews ") => self.say_review(import, first, &rest[8..]),
            _ if rest.starts_with("covers ") || rest.starts_with("does not cover ") => {
                self.say_relation(first, rest);
            }
            _ => panic!("line {number} says nothing that is known: {line}"),
        }
    }

    /// `A of flask 1.0`, `A of flask 1.0 called flask-1.0.tar.gz`
    fn say_file(&mut self, text: &str) {
        let (text, called) =
            text.split_once(" called ").map_or((text, None), |(a, b)| (a, Some(b)));
        let (name, release) = text.split_once(" of ").unwrap();
        let (project, version) = release.split_once(' ').unwrap();
        let called = called
            .map_or_else(|| format!("{project}-{version}-{name}-py3-none-any.whl"), str::to_owned);
        let id = FileId { name: called, digest: digest(name) };
        let known =
            Known { project: project.parse().unwrap(), version: version.parse().unwrap(), id };
        self.files.insert(name.to_owned(), known);
    }

    /// `safe-to-run`, `safe-to-run for pytest acme-*`
    fn say_requirement(&mut self, text: &str, number: usize) {
        match text.split_once(" for ") {
            None => self.ledger.required = criteria(text),
            Some((names, projects)) => self.ledger.requirements.push(Requirement {
                projects: patterns(projects),
                criteria: criteria(names),
                reason: "it goes nowhere else".to_owned(),
                place: place("ledger.toml", number),
            }),
        }
    }

    /// `fips`, `fips implies safe-to-deploy`
    fn say_criterion(&mut self, import: Option<&str>, text: &str) {
        let (name, implied) = text
            .split_once(" implies ")
            .map_or((text, Vec::new()), |(name, implied)| (name, criteria(implied)));
        let own = self.own_criteria.entry(import.unwrap_or_default().to_owned()).or_default();
        own.insert(criterion(name), implied);
        let made = Criteria::new(own).unwrap();
        self.side(import).criteria = made;
    }

    /// `of alice`, `of alice with accounts alice-at-the-index`
    fn say_key(&mut self, import: Option<&str>, text: &str) {
        let text = text.strip_prefix("of ").unwrap();
        let (author, accounts) = text.split_once(" with accounts ").unwrap_or((text, ""));
        let accounts: Vec<&str> = accounts.split(' ').filter(|it| !it.is_empty()).collect();
        let made = key(author, &accounts);
        match import {
            None => self.ledger.keys.push(made),
            // Whose keys count is what our ledger says of an import, never what the import says.
            Some(name) => {
                let import = self.ledger.imports.iter_mut().find(|it| it.name == name).unwrap();
                import.keys.push(made);
            }
        }
    }

    /// `acme`, `acme, safe-to-run as safe-to-run, without flask`
    fn say_import(&mut self, text: &str, number: usize) {
        let mut clauses = text.split(", ");
        let name = clauses.next().unwrap();
        let mut import = Import {
            name: name.to_owned(),
            url: format!("https://{name}.example.org/ledger"),
            fetched: None,
            ledger: None,
            reviews: None,
            commits: None,
            mapping: BTreeMap::new(),
            keys: Vec::new(),
            exclude: Vec::new(),
            place: place("ledger.toml", number),
        };
        for clause in clauses {
            if let Some(projects) = clause.strip_prefix("without ") {
                import.exclude = patterns(projects);
            } else {
                let (theirs, ours) = clause.split_once(" as ").unwrap();
                import.mapping.insert(criterion(theirs), criteria(ours));
            }
        }
        self.ledger.imports.push(import);
        let file = format!("imports/{name}/reviews.toml");
        self.imports.insert(name.to_owned(), (ledger(name), Shelf { file, reviews: Vec::new() }));
    }

    /// `A B as safe-to-deploy`, and ` because of a reason`
    fn say_exemption(&mut self, import: Option<&str>, text: &str, number: usize) {
        let (text, reason) =
            text.split_once(" because ").map_or((text, None), |(a, b)| (a, Some(b)));
        let (text, on) = text.split_once(" on ").unwrap_or((text, "2026-01-01"));
        let (files, names) = text.split_once(" as ").unwrap();
        let known = self.file(files.split(' ').next().unwrap()).clone();
        let exemption = Exemption {
            project: known.project,
            version: known.version,
            files: self.ids(files),
            criteria: criteria(names),
            on: date(on),
            reason: reason.map(str::to_owned),
            place: place(&ledger_file(import), number),
        };
        self.side(import).exemptions.push(exemption);
    }

    /// `github:flask/flask/release.yml for flask as safe-to-deploy from 2026-01-01 until 2026-12-31`
    fn say_trust(&mut self, import: Option<&str>, text: &str, number: usize) {
        let (publisher, text) = text.split_once(" for ").unwrap();
        let (projects, text) = text.split_once(" as ").unwrap();
        let (names, text) = text.split_once(" from ").unwrap();
        let (from, until) = text.split_once(" until ").unwrap();
        let trusted = TrustedPublisher {
            publisher: publisher.to_owned(),
            projects: patterns(projects),
            criteria: criteria(names),
            from: date(from),
            until: date(until),
            reason: "they read what they release".to_owned(),
            place: place(&ledger_file(import), number),
        };
        self.side(import).trusted.push(trusted);
    }

    /// `B, by github:…, on 2026-02-01, after A by github:…, adds x.pth`
    fn say_fact(&mut self, text: &str) {
        let mut clauses = text.split(", ");
        let known = self.file(clauses.next().unwrap()).clone();
        let mut fact = FileFact {
            project: known.project,
            version: known.version,
            file: known.id,
            uploaded: None,
            publisher: None,
            before: None,
            publisher_before: None,
            adds: Vec::new(),
        };
        for clause in clauses {
            let (word, rest) = clause.split_once(' ').unwrap();
            match word {
                "by" => fact.publisher = Some(rest.to_owned()),
                "on" => fact.uploaded = Some(date(rest)),
                "adds" => fact.adds.push(rest.to_owned()),
                "after" => {
                    let (before, by) =
                        rest.split_once(" by ").map_or((rest, None), |(a, b)| (a, Some(b)));
                    fact.before = Some(self.file(before).id.clone());
                    fact.publisher_before = by.map(str::to_owned);
                }
                _ => panic!("{clause}"),
            }
        }
        self.facts.files.push(fact);
    }

    /// `A B as safe-to-deploy`, `A to B as …`, `the compiled parts of A as …`; then `, on …`, `, until …`,
    /// `, unsigned`, `, forged`, `, signed by a stranger`, `, calling it another-project`
    fn say_review(&mut self, import: Option<&str>, author: &str, text: &str) {
        let mut clauses = text.split(", ");
        let (what, names) = clauses.next().unwrap().split_once(" as ").unwrap();
        let (files, how) = if let Some(files) = what.strip_prefix("the compiled parts of ") {
            (files, How::Compiled)
        } else if let Some((from, files)) = what.split_once(" to ") {
            let version = self.file(from.split(' ').next().unwrap()).version.clone();
            (files, How::Delta { from: version, files: self.ids(from) })
        } else {
            (what, How::Full)
        };
        let known = self.file(files.split(' ').next().unwrap()).clone();
        let mut review = Review {
            project: known.project,
            version: known.version,
            files: self.ids(files),
            criteria: criteria(names),
            how,
            author: author.to_owned(),
            on: date("2026-11-01"),
            until: None,
            notes: String::new(),
            signature: Some("good".to_owned()),
        };
        for clause in clauses {
            match clause.split_once(' ').unwrap_or((clause, "")) {
                ("on", day) => review.on = date(day),
                ("until", day) => review.until = Some(date(day)),
                ("unsigned", _) => review.signature = None,
                ("forged", _) => review.signature = Some("forged".to_owned()),
                ("signed", "by a stranger") => review.signature = Some("stranger".to_owned()),
                ("calling", name) => {
                    review.project = name.strip_prefix("it ").unwrap().parse().unwrap();
                }
                _ => panic!("{clause}"),
            }
        }
        self.shelf(import).reviews.push(review);
    }

    /// `A covers B`, `A covers B but for x.so`, `A does not cover B, which has evil.py`
    fn say_relation(&mut self, from: &str, text: &str) {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (to, compiled, unexplained) = match text.strip_prefix("covers ") {
            Some(rest) => match rest.split_once(" but for ") {
                None => (rest, Vec::new(), Vec::new()),
                Some((to, compiled)) => (to, words(compiled), Vec::new()),
            },
            None => {
                let rest = text.strip_prefix("does not cover ").unwrap();
                let (to, files) = rest.split_once(", which has ").unwrap();
                (to, Vec::new(), words(files))
            }
        };
        let (from, to) = (self.file(from).clone(), self.file(to).clone());
        self.relations.push(Relation {
            project: from.project,
            version: from.version,
            from: from.id,
            to: to.id,
            same: 7,
            permitted: Vec::new(),
            compiled,
            unexplained,
        });
    }
}

fn ledger_file(import: Option<&str>) -> String {
    import.map_or_else(|| "ledger.toml".to_owned(), |name| format!("imports/{name}/ledger.toml"))
}
