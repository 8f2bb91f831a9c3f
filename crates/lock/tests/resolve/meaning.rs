//! What each part of a request means.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use countermark_lock::catalogue::CatalogueError;
use countermark_lock::request::{Prereleases, Request, Sources, Strategy};
use countermark_lock::resolution::{ResolvedSource, Via};
use countermark_lock::resolve::{ResolveError, resolve};

use crate::world::{World, bare, linux, pins, project, release, target, version, wants, wishes};

/// Checks what is pinned, `none` when there is no solution.
fn check(world: &World, request: &Request, expect: &str) {
    let found = match world.resolve(request) {
        Ok(resolution) => pins(&resolution).join(" "),
        Err(ResolveError::NoSolution { .. }) => "none".to_owned(),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(found, expect);
}

fn web() -> World {
    World::new([
        release("app", "1.0").needs(&["lib>=1", "log"]),
        release("app", "2.0").needs(&["lib>=2,<3", "log"]),
        release("lib", "1.0"),
        release("lib", "2.0"),
        release("lib", "2.5"),
        release("lib", "3.0"),
        release("log", "0.1"),
    ])
}

#[test]
fn the_highest_that_satisfy_everything() {
    check(&web(), &wants(&["app"]), "app==2.0 lib==2.5 log==0.1");
    check(&web(), &wants(&["app", "lib<2.5"]), "app==2.0 lib==2.0 log==0.1");
    check(&web(), &wants(&["app", "lib>=3"]), "app==1.0 lib==3.0 log==0.1");
    check(&web(), &wants(&["app==2.0", "lib>=3"]), "none");
    check(&web(), &wants(&["absent"]), "none");
    check(&web(), &wants(&[]), "");
}

#[test]
fn the_lowest_where_that_is_asked_for() {
    let lowest = |strategy| Request { strategy, ..wants(&["app"]) };
    check(&web(), &lowest(Strategy::Lowest), "app==1.0 lib==1.0 log==0.1");
    check(&web(), &lowest(Strategy::LowestDirect), "app==1.0 lib==3.0 log==0.1");
}

#[test]
fn who_wants_what_is_said() {
    let mut request = wants(&["app"]);
    request.constraints = wishes("constraints.txt", &["lib<3", "unrelated<1"]);
    request.overrides = wishes("overrides.txt", &["log>=0"]);
    let resolution = web().resolve(&request).unwrap();
    let via = |name: &str| resolution.releases[&project(name)].via.clone();
    assert_eq!(via("app"), [Via::Wish("-r requirements.in".into())]);
    assert_eq!(via("lib"), [Via::Wish("-c constraints.txt".into()), Via::Release(project("app"))]);
    assert_eq!(
        via("log"),
        [Via::Wish("--override overrides.txt".into()), Via::Release(project("app"))]
    );
    let app = &resolution.releases[&project("app")];
    assert_eq!(app.dependencies, BTreeSet::from([project("lib"), project("log")]));
    assert_eq!(app.source, ResolvedSource::Index("https://index.example.org/simple".into()));
}

#[test]
fn markers_and_extras_add_what_they_say() {
    let world = World::new([
        release("app", "1.0").extra("fast").extra("all").needs(&[
            "win; sys_platform == 'win32'",
            "old; python_version < '3.9'",
            "speed>=2; extra == 'fast' and sys_platform == 'linux'",
            "color; extra == 'all'",
            "app[fast]; extra == 'all'",
        ]),
        release("app", "2.0"),
        release("speed", "2.0"),
        release("color", "1.0"),
        release("win", "1.0"),
    ]);
    check(&world, &wants(&["app"]), "app==2.0");
    check(&world, &wants(&["app<2"]), "app==1.0");
    check(&world, &wants(&["app[fast]<2"]), "app[fast]==1.0 speed==2.0");
    check(&world, &wants(&["app[all]<2"]), "app[all,fast]==1.0 color==1.0 speed==2.0");
    check(&world, &wants(&["app<2", "app[fast]"]), "app[fast]==1.0 speed==2.0");
    check(
        &world,
        &wants(&["app[fast]<2", "app[all]==1"]),
        "app[all,fast]==1.0 color==1.0 speed==2.0",
    );
    check(&world, &wants(&["app[none]"]), "app[none]==2.0");
    let noted = world.resolve(&wants(&["app[none]"])).unwrap().notes;
    assert_eq!(noted, ["app 2.0 has no extra `none`"]);
    check(&world, &wants(&["app; sys_platform == 'win32'"]), "");

    let request = wants(&["app<2"]);
    let windows = target("3.12", "win_amd64");
    let found = resolve(&request, &windows, &world, &AtomicBool::new(false)).unwrap();
    assert_eq!(pins(&found), ["app==1.0", "win==1.0"]);
}

#[test]
fn an_extra_keeps_to_the_version_of_its_project() {
    let mut releases: Vec<_> = (1..40)
        .map(|n| release("app", &format!("{n}.0")).extra("x").needs(&["dep; extra == 'x'"]))
        .collect();
    releases.push(release("dep", "1.0").needs(&["app<3"]));
    let world = World::new(releases);
    check(&world, &wants(&["app[x]", "dep"]), "app[x]==2.0 dep==1.0");
    let asked = world.questions.borrow().iter().filter(|q| q.starts_with("metadata app")).count();
    // The first one that was tried, and the one that does.
    assert_eq!(asked, 2);
}

#[test]
fn prereleases_are_taken_as_uv_takes_them() {
    let world = || {
        World::new([
            release("both", "1.0"),
            release("both", "2.0a1"),
            release("only", "1.0rc1"),
            release("user", "1.0").needs(&["both>=2.0a1"]),
        ])
    };
    let check = |mode, wishes: &[&str], expect: &str| {
        let request = Request { prereleases: mode, ..wants(wishes) };
        check(&world(), &request, expect);
    };
    use Prereleases::{Allow, Disallow, Explicit, IfNecessary, IfNecessaryOrExplicit};
    check(IfNecessaryOrExplicit, &["both"], "both==1.0");
    check(IfNecessaryOrExplicit, &["both>=1.0a0"], "both==2.0a1");
    check(IfNecessaryOrExplicit, &["both>1"], "none");
    check(IfNecessaryOrExplicit, &["only"], "only==1.0rc1");
    check(IfNecessaryOrExplicit, &["user"], "none");
    check(IfNecessaryOrExplicit, &["user", "both>=1.0a0"], "both==2.0a1 user==1.0");
    check(Explicit, &["only"], "none");
    check(Explicit, &["only>=1.0rc1"], "only==1.0rc1");
    check(IfNecessary, &["both>=1.0a0"], "both==1.0");
    check(IfNecessary, &["only"], "only==1.0rc1");
    check(Disallow, &["only>=1.0rc1"], "none");
    check(Allow, &["user"], "both==2.0a1 user==1.0");
    let mut request = wants(&["user"]);
    request.constraints = wishes("c.txt", &["both>=0a1"]);
    self::check(&world(), &request, "both==2.0a1 user==1.0");
}

#[test]
fn yanked_releases_are_taken_only_when_pinned() {
    let world = World::new([
        release("a", "1.0"),
        release("a", "2.0").yanked("lost its files"),
        release("user", "1.0").needs(&["a==2.0"]),
    ]);
    check(&world, &wants(&["a"]), "a==1.0");
    check(&world, &wants(&["a>=2"]), "none");
    check(&world, &wants(&["user"]), "none");
    check(&world, &wants(&["user", "a==2"]), "a==2.0 user==1.0");
    check(&world, &wants(&["a===2.0"]), "a==2.0");
    let resolution = world.resolve(&wants(&["a==2.0"])).unwrap();
    assert_eq!(resolution.notes, ["a 2.0 is yanked: lost its files"]);
    let mut request = wants(&["a>=2"]);
    request.preferences = BTreeMap::from([(project("a"), vec![version("2.0")])]);
    check(&world, &request, "a==2.0");
}

#[test]
fn python_counts_on_the_page_and_in_metadata() {
    let world = World::new([
        release("a", "1.0"),
        release("a", "2.0").metadata_python(">=3.13"),
        release("a", "3.0").python(">=3.13"),
        release("b", "1.0").python("<3.12"),
        release("c", "1.0").python(">=3.12.1"),
    ]);
    check(&world, &wants(&["a"]), "a==1.0");
    check(&world, &wants(&["a>1"]), "none");
    check(&world, &wants(&["b"]), "none");
    check(&world, &wants(&["c"]), "none");
    let notes = world.resolve(&wants(&["a"])).unwrap().notes;
    assert_eq!(notes, ["a 2.0 was left out: it needs Python >=3.13"]);
    let found = resolve(&wants(&["a", "c"]), &linux("3.13.1"), &world, &AtomicBool::new(false));
    assert_eq!(pins(&found.unwrap()), ["a==3.0", "c==1.0"]);
}

#[test]
fn only_files_that_the_target_can_use_count() {
    let world = World::new([
        bare("a", "1.0").sdist().wheel("py3-none-any"),
        bare("a", "2.0").sdist().wheel("cp311-cp311-win_amd64"),
        bare("b", "1.0").sdist(),
        bare("c", "1.0")
            .wheel("py3-none-any")
            .wheel("cp312-cp312-manylinux_2_28_x86_64")
            .wheel("cp312-cp312-win_amd64"),
    ]);
    check(&world, &wants(&["a"]), "a==1.0");
    check(&world, &wants(&["b"]), "none");
    let named = Sources::Named(BTreeSet::from([project("b")]));
    let request = Request { sources: named, ..wants(&["a", "b"]) };
    check(&world, &request, "a==1.0 b==1.0");
    check(&world, &Request { sources: Sources::All, ..wants(&["a"]) }, "a==2.0");
    let resolution = world.resolve(&wants(&["c"])).unwrap();
    let c = &resolution.releases[&project("c")];
    let names: Vec<&str> = c.usable.iter().map(|file| file.filename.as_str()).collect();
    assert_eq!(names, ["c-1.0-cp312-cp312-manylinux_2_28_x86_64.whl", "c-1.0-py3-none-any.whl"]);
    assert_eq!(c.all_files.len(), 3);
}

#[test]
fn constraints_overrides_and_excludes() {
    let mut request = wants(&["app"]);
    request.constraints = wishes("c.txt", &["lib<2.5", "absent>=9"]);
    check(&web(), &request, "app==2.0 lib==2.0 log==0.1");
    request.overrides = wishes("o.txt", &["lib==1.0"]);
    check(&web(), &request, "app==2.0 lib==1.0 log==0.1");
    request.overrides = wishes("o.txt", &["lib; sys_platform == 'win32'"]);
    check(&web(), &request, "app==2.0 log==0.1");
    request.excludes = BTreeSet::from([project("log")]);
    check(&web(), &request, "app==2.0");
    request.excludes = BTreeSet::from([project("app")]);
    check(&web(), &request, "");
}

#[test]
fn what_is_too_new_does_not_exist() {
    let world = World::new([
        release("a", "1.0").uploaded("2024-01-01T00:00:00Z"),
        release("a", "2.0a1").uploaded("2024-02-01T00:00:00Z"),
        release("a", "2.0").uploaded("2024-03-01T00:00:00Z"),
        release("b", "1.0"),
        release("c", "1.0b1").uploaded("2024-01-01T00:00:00Z"),
        release("c", "1.0").uploaded("2024-03-01T00:00:00Z"),
    ]);
    let mut request = wants(&["a"]);
    request.exclude_newer = Some("2024-03-01T00:00:00Z".parse().unwrap());
    check(&world, &request, "a==1.0");
    request.exclude_newer = Some("2024-03-01T00:00:01Z".parse().unwrap());
    check(&world, &request, "a==2.0");
    request.exclude_newer = Some("2023-01-01T00:00:00Z".parse().unwrap());
    check(&world, &request, "none");
    request.exclude_newer_project = BTreeMap::from([(project("a"), None)]);
    check(&world, &request, "a==2.0");
    request.exclude_newer = Some("2024-02-02T00:00:00Z".parse().unwrap());
    request.wishes = wishes("r.in", &["b"]);
    check(&world, &request, "none");
    request.wishes = wishes("r.in", &["c"]);
    check(&world, &request, "c==1.0b1");
}

#[test]
fn existing_pins_are_kept_where_they_do() {
    let mut request = wants(&["app"]);
    let keep = |name: &str, versions: &[&str]| {
        (project(name), versions.iter().map(|text| version(text)).collect::<Vec<_>>())
    };
    request.preferences = BTreeMap::from([keep("lib", &["2.0"]), keep("other", &["1"])]);
    check(&web(), &request, "app==2.0 lib==2.0 log==0.1");
    request.preferences = BTreeMap::from([keep("app", &["1.0"]), keep("lib", &["1.0"])]);
    check(&web(), &request, "app==1.0 lib==1.0 log==0.1");
    request.preferences = BTreeMap::from([keep("app", &["2.0"]), keep("lib", &["3.0", "2.0"])]);
    check(&web(), &request, "app==2.0 lib==2.0 log==0.1");
    request.preferences = BTreeMap::from([keep("app", &["7.0"]), keep("lib", &["1.0"])]);
    check(&web(), &request, "app==2.0 lib==2.5 log==0.1");
}

#[test]
fn local_versions_and_arbitrary_equality() {
    let world = World::new([
        release("a", "1.0"),
        release("a", "1.0+cpu"),
        release("a", "1.0.post1"),
        release("b", "1.0+cpu"),
    ]);
    check(&world, &wants(&["a==1.0"]), "a==1.0+cpu");
    check(&world, &wants(&["a===1.0"]), "a==1.0");
    check(&world, &wants(&["a<=1.0"]), "a==1.0+cpu");
    check(&world, &wants(&["a>1.0"]), "none");
    check(&world, &wants(&["b==1.0"]), "b==1.0+cpu");
    check(&world, &wants(&["b!=1.0"]), "none");
}

#[test]
fn urls() {
    let url = "https://user:secret@files.example.org/lib-9.0-py3-none-any.whl#sha256=ab";
    let other = "https://files.example.org/lib-8.0-py3-none-any.whl";
    let world = || {
        World::new([
            release("app", "1.0").needs(&["lib>=2"]),
            release("strict", "1.0").needs(&["lib<9"]),
            release("sneaky", "1.0").needs(&[&format!("lib @ {other}")]),
            release("sneaky", "0.5"),
            release("lib", "2.0"),
            release("tool", "1.0"),
        ])
        .at(url, release("lib", "9.0").needs(&["tool"]))
        .at(other, release("lib", "8.0"))
        .at(
            "https://x.example.org/top.whl",
            release("top", "1.0").needs(&[&format!("lib @ {other}")]),
        )
    };
    let wish = format!("lib @ {url}");
    check(&world(), &wants(&["app", &wish]), "app==1.0 lib==9.0 tool==1.0");
    check(&world(), &wants(&["strict", &wish]), "none");
    check(&world(), &wants(&["sneaky"]), "sneaky==0.5");
    check(&world(), &wants(&["sneaky==1.0"]), "none");
    check(&world(), &wants(&["sneaky", &format!("lib @ {other}")]), "lib==8.0 sneaky==1.0");
    check(&world(), &wants(&["sneaky==1.0", &wish]), "none");
    check(&world(), &wants(&["top @ https://x.example.org/top.whl"]), "lib==8.0 top==1.0");
    let optional = "https://x.example.org/optional.whl";
    let needs = format!("lib @ {other} ; extra == 'x'");
    let with_extra =
        || world().at(optional, release("optional", "1.0").extra("x").needs(&[&needs]));
    check(&with_extra(), &wants(&[&format!("optional @ {optional}")]), "optional==1.0");
    check(
        &with_extra(),
        &wants(&[&format!("optional[x] @ {optional}")]),
        "lib==8.0 optional[x]==1.0",
    );
    let mut request = wants(&["app"]);
    request.constraints = wishes("c.txt", &[&wish]);
    check(&world(), &request, "app==1.0 lib==9.0 tool==1.0");
    let resolution = world().resolve(&request).unwrap();
    assert_eq!(
        resolution.releases[&project("lib")].source,
        ResolvedSource::Url("https://files.example.org/lib-9.0-py3-none-any.whl".into())
    );
    let error = world().resolve(&wants(&[&wish, &format!("lib @ {other}")])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`lib` is wanted from two URLs: \
         https://files.example.org/lib-8.0-py3-none-any.whl (requirements.in:2) and \
         https://files.example.org/lib-9.0-py3-none-any.whl (requirements.in:1)"
    );
    let error = world().resolve(&wants(&["lib @ https://x.example.org/none"])).unwrap_err();
    assert_eq!(error.code(), "url-unlockable");
}

#[test]
fn releases_without_usable_metadata_are_left_out_and_named() {
    let world = World::new([
        release("a", "1.0"),
        release("a", "2.0").broken("it is empty"),
        release("b", "1.0").needs(&["c; python_version ~= 'x'"]),
    ]);
    let resolution = world.resolve(&wants(&["a"])).unwrap();
    assert_eq!(pins(&resolution), ["a==1.0"]);
    assert_eq!(
        resolution.notes,
        ["a 2.0 was left out: it has metadata that cannot be used: it is empty"]
    );
    check(&world, &wants(&["a>=2"]), "none");
    check(&world, &wants(&["b"]), "none");
}

#[test]
fn a_release_may_require_itself() {
    let world = World::new([
        release("a", "1.0").needs(&["a", "a>=1"]),
        release("a", "2.0").needs(&["a<2"]),
    ]);
    check(&world, &wants(&["a"]), "a==1.0");
}

#[test]
fn stopping_stops() {
    let stopped = AtomicBool::new(true);
    let error = resolve(&wants(&["app"]), &linux("3.12"), &web(), &stopped).unwrap_err();
    assert_eq!(error.code(), "interrupted");
}

/// One pigeon more than there are holes: whatever is learned from a conflict says little of the next.
fn pigeons(count: usize) -> (World, Vec<String>) {
    let mut releases = Vec::new();
    for pigeon in 1..=count {
        for hole in 1..count {
            let name = format!("pigeon{pigeon}");
            let need = format!("hole{hole}=={pigeon}");
            releases.push(release(&name, &hole.to_string()).needs(&[need.as_str()]));
        }
    }
    for hole in 1..count {
        releases.extend((1..=count).map(|it| release(&format!("hole{hole}"), &it.to_string())));
    }
    (World::new(releases), (1..=count).map(|pigeon| format!("pigeon{pigeon}")).collect())
}

#[test]
fn a_search_through_everything_ends() {
    let (world, wanted) = pigeons(6);
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    check(&world, &wants(&wanted), "none");
}

#[test]
fn a_project_in_quarantine_is_not_taken() {
    let quarantined = CatalogueError::Quarantined {
        project: project("log"),
        index: "https://index.example.org/simple".into(),
    };
    let world = web().refusing(quarantined);
    check(&world, &wants(&["app"]), "none");
    check(&world, &wants(&["lib"]), "lib==3.0");
}
