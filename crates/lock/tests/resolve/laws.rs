//! Laws, on small universes in which everything can be tried.

use std::collections::BTreeMap;

use countermark_lock::request::{Request, Strategy as Order};
use countermark_lock::resolution::Resolution;
use countermark_lock::resolve::ResolveError;
use countermark_packaging::name::ProjectName;
use countermark_packaging::requirement::Requirement;
use countermark_packaging::version::Version;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::world::{World, project, release, version, wants};

const PROJECTS: [&str; 5] = ["a", "b", "c", "d", "e"];
const VERSIONS: [&str; 4] = ["1", "2", "2.post1", "3"];
const CLAUSES: [&str; 12] =
    ["", "", "", "==1", "!=2", ">=2", ">2", "<=2", "<3", "~=2.0", "==2.*", ">=9"];

/// What each release requires.
type Universe = BTreeMap<(usize, usize), Vec<String>>;

fn requirement() -> impl Strategy<Value = String> {
    let extra = select(vec!["", "", "", "[x]"]);
    (select(PROJECTS.to_vec()), extra, select(CLAUSES.to_vec()))
        .prop_map(|(name, extra, clause)| format!("{name}{extra}{clause}"))
}

/// Some requirements are those of the extra `x`.
fn dependency() -> impl Strategy<Value = String> {
    (requirement(), prop::bool::weighted(0.25))
        .prop_map(|(text, of_extra)| if of_extra { format!("{text}; extra == 'x'") } else { text })
}

fn universe() -> impl Strategy<Value = Universe> {
    btree_map((0..PROJECTS.len(), 0..VERSIONS.len()), vec(dependency(), 0..4), 1..18)
}

fn world(universe: &Universe) -> World {
    World::new(universe.iter().map(|((name, number), requirements)| {
        let requirements: Vec<&str> = requirements.iter().map(String::as_str).collect();
        release(PROJECTS[*name], VERSIONS[*number]).extra("x").needs(&requirements)
    }))
}

/// A choice of one version, or none, of each project, and whether its extra is taken.
type Choice = BTreeMap<ProjectName, (Version, bool)>;

/// Whether a choice contains what each of its members and each wish wants.
fn is_closed(universe: &Universe, wishes: &[String], choice: &Choice) -> bool {
    let holds = |text: &String| {
        let requirement = Requirement::parse(text).unwrap();
        choice.get(&requirement.name).is_some_and(|(version, extra)| {
            requirement.specifiers().unwrap().contains(version)
                && (*extra || requirement.extras.is_empty())
        })
    };
    wishes.iter().all(holds)
        && universe.iter().all(|((name, number), requirements)| {
            let chosen = choice.get(&project(PROJECTS[*name]));
            let Some((_, extra)) =
                chosen.filter(|(chosen, _)| *chosen == version(VERSIONS[*number]))
            else {
                return true;
            };
            let (of_extra, always): (Vec<_>, Vec<_>) =
                requirements.iter().partition(|text| text.contains("extra"));
            let of_extra: Vec<String> =
                of_extra.iter().map(|text| text.split(';').next().unwrap().to_owned()).collect();
            always.into_iter().all(holds) && (!extra || of_extra.iter().all(holds))
        })
}

/// Tries everything.
fn has_solution(universe: &Universe, wishes: &[String]) -> bool {
    let options: Vec<Vec<Option<(Version, bool)>>> = (0..PROJECTS.len())
        .map(|name| {
            let versions = universe.keys().filter(|key| key.0 == name);
            let taken = versions.flat_map(|(_, number)| {
                [false, true].map(|extra| Some((version(VERSIONS[*number]), extra)))
            });
            std::iter::once(None).chain(taken).collect()
        })
        .collect();
    let mut counters = vec![0; options.len()];
    loop {
        let choice = counters.iter().enumerate().filter_map(|(name, &option)| {
            Some((project(PROJECTS[name]), options[name][option].clone()?))
        });
        if is_closed(universe, wishes, &choice.collect()) {
            return true;
        }
        let Some(next) = (0..options.len()).find(|&name| counters[name] + 1 < options[name].len())
        else {
            return false;
        };
        counters[next] += 1;
        counters[..next].fill(0);
    }
}

fn choice(resolution: &Resolution) -> Choice {
    let releases = resolution.releases.iter();
    releases
        .map(|(name, resolved)| {
            (name.clone(), (resolved.version.clone(), !resolved.extras.is_empty()))
        })
        .collect()
}

fn ask(world: &World, request: &Request) -> Option<Resolution> {
    match world.resolve(request) {
        Ok(resolution) => Some(resolution),
        Err(ResolveError::NoSolution { explanation, .. }) => {
            assert!(!explanation.lines.is_empty());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn request(wishes: &[String]) -> Request {
    wants(&wishes.iter().map(String::as_str).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_solution_is_found_when_there_is_one(
        universe in universe(),
        wishes in vec(requirement(), 1..4),
        order in select(vec![Order::Highest, Order::Lowest, Order::LowestDirect]),
    ) {
        let request = Request { strategy: order, ..request(&wishes) };
        match ask(&world(&universe), &request) {
            Some(found) => prop_assert!(is_closed(&universe, &wishes, &choice(&found))),
            None => prop_assert!(!has_solution(&universe, &wishes)),
        }
    }

    #[test]
    fn nothing_is_in_a_solution_that_nobody_wants(
        universe in universe(), wishes in vec(requirement(), 1..4),
    ) {
        let Some(found) = ask(&world(&universe), &request(&wishes)) else { return Ok(()) };
        for (name, resolved) in &found.releases {
            prop_assert!(!resolved.via.is_empty(), "{}", name);
            for dependency in &resolved.dependencies {
                prop_assert!(found.releases.contains_key(dependency));
            }
        }
    }

    #[test]
    fn what_was_found_is_kept(
        universe in universe(),
        wishes in vec(requirement(), 1..4),
        order in select(vec![Order::Lowest, Order::LowestDirect]),
    ) {
        let world = world(&universe);
        let first = Request { strategy: order, ..request(&wishes) };
        let Some(found) = ask(&world, &first) else { return Ok(()) };
        let kept = found.releases.iter();
        let kept = kept.map(|(name, resolved)| (name.clone(), vec![resolved.version.clone()]));
        let again = Request { preferences: kept.collect(), ..request(&wishes) };
        prop_assert_eq!(choice(&ask(&world, &again).unwrap()), choice(&found));
    }

    #[test]
    fn the_order_of_wishes_does_not_matter(
        universe in universe(),
        wishes in vec(requirement(), 2..5),
        swaps in vec((any::<Index>(), any::<Index>()), 3),
    ) {
        let world = world(&universe);
        let mut other = wishes.clone();
        for (left, right) in swaps {
            other.swap(left.index(wishes.len()), right.index(wishes.len()));
        }
        let pins = |wishes: &[String]| ask(&world, &request(wishes)).map(|found| choice(&found));
        prop_assert_eq!(pins(&wishes), pins(&other));
    }
}
