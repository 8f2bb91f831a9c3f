//! Compares what statements say: files by their names, and digests without names as sets.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::{Algorithm, Digest};

use super::class::{CLASSES, Explains, fixture_of};
use super::dispute::{Dispute, Held, Pair};
use super::finding::{Finding, Side};
use super::ground::{Ground, Release};
use super::statement::Statement;
use crate::gate::entry::is_made_up;

/// So many sets of digests of one release are compared with each other.
const MAXIMUM_SETS: usize = 200;

/// Everything about which these statements disagree, alarms first.
#[must_use]
pub fn compare(statements: &[Statement]) -> Vec<Finding> {
    let ground = Ground::of(statements);
    let mut findings = Vec::new();
    for statement in statements {
        findings.extend(CLASSES.iter().find_map(|class| class.alone(statement, &ground)));
    }
    by_name(&ground, &mut findings);
    let told = told(&findings);
    for (release, statements) in &ground.releases {
        by_set(*release, statements, &told, &ground, &mut findings);
    }
    let order = |finding: &Finding| {
        let class = super::class::all().position(|class| class.code() == finding.class);
        (class, finding.project.clone(), finding.version.clone(), finding.file.clone())
    };
    findings.sort_by_cached_key(order);
    findings
}

fn by_name(ground: &Ground<'_>, findings: &mut Vec<Finding>) {
    for (file, occurrences) in &ground.names {
        for algorithm in Algorithm::ALL {
            let of_algorithm = occurrences.iter().copied();
            let open: Vec<_> =
                of_algorithm.filter(|it| it.digest.algorithm() == algorithm).collect();
            let mut dispute = Dispute { file, open };
            for class in CLASSES {
                if !dispute.is_open() {
                    break;
                }
                findings.extend(class.take(&mut dispute, ground));
            }
        }
    }
}

/// Digests of which something was said by name. Names that mean nothing say nothing.
fn told(findings: &[Finding]) -> BTreeSet<Digest> {
    let by_name = findings.iter().filter(|finding| finding.class != "writer-defect");
    by_name.flat_map(|finding| &finding.sides).flat_map(|side| side.digests.clone()).collect()
}

fn by_set<'a>(
    release: Release<'a>,
    statements: &[&'a Statement],
    told: &BTreeSet<Digest>,
    ground: &Ground<'a>,
    findings: &mut Vec<Finding>,
) {
    // What is pinned without a version is not of one release.
    if release.1.is_none() || statements.len() < 2 {
        return;
    }
    let mut groups: BTreeMap<(String, Algorithm), Vec<Held<'a>>> = BTreeMap::new();
    for statement in statements {
        if fixture_of(statement, ground).is_some() {
            continue;
        }
        let place = ground.origins.place(statement);
        for algorithm in Algorithm::ALL {
            let digests = statement.files.iter().map(|stated| &stated.digest);
            let digests: BTreeSet<&Digest> = digests
                .filter(|digest| digest.algorithm() == algorithm && !is_made_up(digest))
                .collect();
            if !digests.is_empty() {
                let sets = groups.entry((place.clone(), algorithm)).or_default();
                hold(sets, digests, statement);
            }
        }
    }
    for sets in groups.values().filter(|sets| sets.len() > 1) {
        compare_sets(release, sets, told, ground, findings);
    }
}

fn hold<'a>(sets: &mut Vec<Held<'a>>, digests: BTreeSet<&'a Digest>, statement: &'a Statement) {
    if let Some(held) = sets.iter_mut().find(|held| held.digests == digests) {
        held.statements.push(statement);
    } else if sets.len() < MAXIMUM_SETS {
        sets.push(Held { digests, statements: vec![statement] });
    }
}

/// The digests that only one of two sets holds, for each of them.
type Differing<'a> = Vec<Vec<&'a Digest>>;

/// An alarm about sets: its class, what shows it, and which sets are concerned.
type Alarm = (&'static dyn Explains, String, Vec<usize>);

fn compare_sets<'a>(
    release: Release<'a>,
    sets: &[Held<'a>],
    told: &BTreeSet<Digest>,
    ground: &Ground<'a>,
    findings: &mut Vec<Finding>,
) {
    // One finding a class: who holds which of the sets.
    let mut calm: BTreeMap<&'static str, (String, BTreeSet<usize>)> = BTreeMap::new();
    // An alarm is about what differs, whoever holds it.
    let mut alarms: BTreeMap<Differing<'_>, Alarm> = BTreeMap::new();
    for (at, one) in sets.iter().enumerate() {
        for (further, other) in sets.iter().enumerate().skip(at + 1) {
            let pair = Pair { release, one, other, all: sets };
            let is_told = |differs: Vec<&Digest>| {
                differs.is_empty() || differs.iter().any(|digest| told.contains(*digest))
            };
            // What both sides hold alone is said by name.
            if is_told(pair.only_one()) && is_told(pair.only_other()) {
                continue;
            }
            let found =
                CLASSES.iter().find_map(|class| Some((*class, class.explain(&pair, ground)?)));
            let Some((class, evidence)) = found else { continue };
            if !class.is_alarm() {
                let (_, holders) =
                    calm.entry(class.code()).or_insert_with(|| (evidence, BTreeSet::new()));
                holders.extend([at, further]);
                continue;
            }
            let mut key = vec![pair.only_one(), pair.only_other()];
            key.sort_unstable();
            let (_, _, holders) =
                alarms.entry(key).or_insert_with(|| (class, evidence, Vec::new()));
            holders.extend([at, further]);
        }
    }
    for (key, (class, evidence, holders)) in alarms {
        let side = |digests: &Vec<&Digest>| {
            let holds = |held: &&Held<'a>| digests.iter().all(|it| held.digests.contains(it));
            let holders = holders.iter().map(|&at| &sets[at]).filter(holds);
            let statements: Vec<&Statement> =
                holders.flat_map(|held| held.statements.iter().copied()).collect();
            (!digests.is_empty()).then(|| Side::new(digests.iter().copied(), statements))
        };
        let sides = key.iter().filter_map(side).collect();
        findings.push(Finding::new(class.code(), sets[0].statements[0], evidence, sides));
    }
    for (code, (evidence, holders)) in calm {
        let side = |&at: &usize| {
            Side::new(sets[at].digests.iter().copied(), sets[at].statements.iter().copied())
        };
        let sides = holders.iter().map(side).collect();
        findings.push(Finding::new(code, sets[0].statements[0], evidence, sides));
    }
}
