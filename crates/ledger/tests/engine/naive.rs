//! The rules once more, as plainly as they can be said: sets that grow until nothing is added. For the
//! books that the laws generate, whose project, keys and mappings are known.

use std::collections::BTreeSet;

use countermark_ledger::criteria::CriterionName;
use countermark_ledger::fact::FileFact;
use countermark_ledger::review::{How, Review};
use countermark_packaging::digest::Sha256;

use super::world::World;

/// Every review with the name of its import; empty for ours.
fn reviews(world: &World) -> impl Iterator<Item = (&str, &Review)> {
    let own = world.own.reviews.iter().map(|it| ("", it));
    let theirs = world.imports.iter();
    own.chain(
        theirs
            .flat_map(|(name, (_, shelf))| shelf.reviews.iter().map(move |it| (name.as_str(), it))),
    )
}

/// Whether it counts as this: by hand, for the three ledgers of the laws.
fn says(world: &World, origin: &str, review: &Review, criterion: &str) -> bool {
    let by_known = match origin {
        // Alice holds a role.
        "" => review.author == "bob" || review.author == "zoe",
        _ => review.author == "dora",
    };
    let is_over = review.until.is_some_and(|until| until < world.today);
    let has = |names: &[&str]| review.criteria.iter().any(|it| names.contains(&it.as_str()));
    let means = match (origin, criterion) {
        ("", "safe-to-run") => has(&["safe-to-run", "safe-to-deploy", "fips"]),
        ("", name) => has(&[name]),
        ("acme", "safe-to-run") => has(&["safe-to-deploy", "checked"]),
        ("acme", "fips") => has(&["checked"]),
        ("acme", name) => has(&[name]),
        ("beta", "safe-to-run") => has(&["safe-to-run", "safe-to-deploy"]),
        _ => false,
    };
    by_known && !is_over && review.signature.as_deref() == Some("good") && means
}

fn bad(world: &World) -> BTreeSet<Sha256> {
    let ledgers = world.imports.values().map(|(ledger, _)| ledger).chain([&world.ledger]);
    let listed = ledgers.flat_map(|it| &it.violations).flat_map(|it| &it.files);
    let mut bad: BTreeSet<Sha256> = listed.map(|it| it.digest).collect();
    loop {
        let before = bad.len();
        for relation in world.relations.iter().filter(|it| it.unexplained.is_empty()) {
            if bad.contains(&relation.from.digest) || bad.contains(&relation.to.digest) {
                bad.extend([relation.from.digest, relation.to.digest]);
            }
        }
        if bad.len() == before {
            return bad;
        }
    }
}

/// All files that meet a criterion.
pub(crate) fn met(world: &World, criterion: &CriterionName) -> BTreeSet<Sha256> {
    let (name, bad) = (criterion.as_str(), bad(world));
    let count = |how: fn(&How) -> bool, file: &Sha256, holds: &dyn Fn(&Review) -> bool| {
        reviews(world).any(|(origin, review)| {
            let names = review.files.iter().any(|it| it.digest == *file);
            names && how(&review.how) && says(world, origin, review, name) && holds(review)
        })
    };
    let files: Vec<Sha256> = world.files.values().map(|it| it.id.digest).collect();
    let mut met: BTreeSet<Sha256> = BTreeSet::new();
    for with_publishers in [false, true] {
        loop {
            let before = met.len();
            for file in files.iter().filter(|it| !bad.contains(*it)) {
                let exempt = world.ledger.exemptions.iter().any(|it| {
                    let implied =
                        it.criteria.iter().flat_map(|it| world.ledger.criteria.implied(it));
                    it.files.iter().any(|it| it.digest == *file)
                        && implied.into_iter().any(|it| it == criterion)
                });
                let full = count(|how| *how == How::Full, file, &|_| true);
                let all_met = |review: &Review| match &review.how {
                    How::Delta { files, .. } => files.iter().all(|it| met.contains(&it.digest)),
                    How::Full | How::Compiled => false,
                };
                let delta = !with_publishers
                    && count(|how| matches!(how, How::Delta { .. }), file, &all_met);
                let compiled = count(|how| *how == How::Compiled, file, &|_| true);
                let related = world.relations.iter().any(|it| {
                    it.to.digest == *file
                        && it.unexplained.is_empty()
                        && met.contains(&it.from.digest)
                        && (it.compiled.is_empty() || compiled)
                });
                let trusted = with_publishers && name != "fips" && is_trusted(world, file, &met);
                if exempt || full || delta || related || trusted {
                    met.insert(*file);
                }
            }
            if met.len() == before {
                break;
            }
        }
    }
    met
}

/// The one publisher of the laws is trusted for what is deployed, and all facts are about it.
fn is_trusted(world: &World, file: &Sha256, met: &BTreeSet<Sha256>) -> bool {
    let facts: Vec<&FileFact> =
        world.facts.files.iter().filter(|it| it.file.digest == *file).collect();
    let before = |fact: &&FileFact| fact.before.as_ref().is_none_or(|it| met.contains(&it.digest));
    !facts.is_empty() && facts.iter().all(before)
}
