//! What is said when there is no solution.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use countermark_lock::catalogue::CatalogueError;
use countermark_lock::request::{Prereleases, Request};

use crate::world::{World, bare, project, release, wants, wishes};

/// Says what was asked, what came back, and what could be done.
struct Told(String);

impl Told {
    fn case(&mut self, title: &str, world: &World, request: &Request) {
        let error = world.resolve(request).unwrap_err();
        assert_eq!(error.code(), "no-solution", "{title}");
        writeln!(self.0, "== {title}\n{error}").unwrap();
        for hint in error.hints() {
            writeln!(self.0, "hint: {hint}").unwrap();
        }
        writeln!(self.0).unwrap();
    }
}

#[test]
fn explanations() {
    let mut told = Told(String::new());
    wishes_alone(&mut told);
    in_the_middle(&mut told);
    not_opted_in(&mut told);
    not_for_this_target(&mut told);
    by_the_request(&mut told);
    many(&mut told);
    insta::assert_snapshot!(told.0);
}

fn wishes_alone(told: &mut Told) {
    let world = World::new([release("lib", "1.0"), release("lib", "2.0"), release("one", "1.0")]);
    told.case("two wishes", &world, &wants(&["lib>=2", "lib<2"]));
    told.case("a version that does not exist", &world, &wants(&["lib==1.5"]));
    told.case("a version that does not exist, of few", &world, &wants(&["one>1"]));
    told.case("a project that does not exist", &world, &wants(&["lbi"]));
    told.case("a project that does not exist, in a version", &world, &wants(&["lbi>=2"]));
    let quarantined = CatalogueError::Quarantined {
        project: project("bad"),
        index: "https://index.example.org/simple".into(),
    };
    told.case("quarantine", &World::default().refusing(quarantined), &wants(&["bad"]));
}

fn in_the_middle(told: &mut Told) {
    let world = || {
        World::new([
            release("app", "1.0").needs(&["lib>=1,<2"]),
            release("app", "1.1").needs(&["lib>=1,<2"]),
            release("tool", "3.0").needs(&["lib>=2"]).extra("x"),
            release("lib", "1.0"),
            release("lib", "2.0"),
            release("far", "1.0").needs(&["app"]),
        ])
    };
    told.case("a wish against a requirement", &world(), &wants(&["app", "lib>=2"]));
    told.case("two requirements", &world(), &wants(&["app", "tool"]));
    told.case("two requirements, one of them far", &world(), &wants(&["far", "tool==3.0"]));
    let world = World::new([
        release("app", "1.0").extra("fast").needs(&["speed>=2; extra == 'fast'"]),
        release("speed", "1.0"),
        release("speed", "2.0"),
    ]);
    told.case("an extra", &world, &wants(&["app[fast]", "speed<2"]));
    let world = World::new([
        release("app", "1.0").needs(&["gone"]),
        release("app", "2.0").needs(&["gone>=2"]),
    ]);
    told.case("a requirement that does not exist", &world, &wants(&["app"]));
    let world = World::new([release("app", "1.0").broken("its METADATA is empty")]);
    told.case("metadata", &world, &wants(&["app"]));
    let world = World::new([release("app", "1.0").needs(&["lib @ https://u:p@example.org/l.whl"])]);
    told.case("a URL in the middle", &world, &wants(&["app"]));
}

fn not_opted_in(told: &mut Told) {
    let world = World::new([
        release("lib", "1.0"),
        release("lib", "2.0a1"),
        release("lib", "2.0a2"),
        release("app", "1.0").needs(&["lib>=2.0a1"]),
        release("old", "1.0"),
        release("old", "1.1").yanked("deletes files"),
    ]);
    told.case("a prerelease", &world, &wants(&["lib>1"]));
    told.case("a prerelease in the middle", &world, &wants(&["app"]));
    let request = Request { prereleases: Prereleases::Disallow, ..wants(&["lib>=2.0a1"]) };
    told.case("a prerelease that is not allowed", &world, &request);
    told.case("a yanked release", &world, &wants(&["old>1"]));
}

fn not_for_this_target(told: &mut Told) {
    let world = World::new([
        release("new", "1.0").python(">=3.13"),
        release("new", "1.1").python(">=3.13"),
        release("new", "2.0").python(">=3.14"),
        release("hidden", "1.0").metadata_python("<3.10"),
        bare("native", "1.0").wheel("cp312-cp312-win_amd64"),
        bare("native", "1.1").wheel("cp311-cp311-win_amd64").wheel("cp313-cp313-win_amd64"),
        bare("source", "1.0").sdist(),
    ]);
    told.case("another Python", &world, &wants(&["new"]));
    told.case("another Python, in metadata", &world, &wants(&["hidden"]));
    told.case("no wheel", &world, &wants(&["native"]));
    told.case("no wheel, but a source package", &world, &wants(&["source"]));
}

fn by_the_request(told: &mut Told) {
    let world = World::new([
        release("app", "1.0").needs(&["lib>=2"]),
        release("lib", "1.0").uploaded("2024-01-01T00:00:00Z"),
        release("lib", "2.0").uploaded("2024-06-01T00:00:00Z"),
        release("timeless", "1.0"),
    ]);
    let mut request = wants(&["app"]);
    request.constraints = wishes("constraints.txt", &["lib<2"]);
    told.case("a constraint", &world, &request);
    let mut request = wants(&["app", "lib>=2"]);
    request.overrides = wishes("overrides.txt", &["lib==3"]);
    told.case("an override", &world, &request);
    let mut request = wants(&["lib>=2"]);
    request.exclude_newer = Some("2024-03-01T00:00:00Z".parse().unwrap());
    told.case("too new", &world, &request);
    request.wishes = wishes("requirements.in", &["timeless"]);
    request.exclude_newer_project = BTreeMap::from([(project("other"), None)]);
    request.excludes = BTreeSet::from([project("other")]);
    told.case("no upload time", &world, &request);
    let url = "https://user:secret@files.example.org/lib-9.0-py3-none-any.whl";
    let world = world.at(url, release("lib", "9.0"));
    let request = wants(&["lib<9", &format!("lib @ {url}")]);
    told.case("a URL against a version", &world, &request);
}

fn many(told: &mut Told) {
    let mut releases = Vec::new();
    for n in 1..60 {
        releases.push(release("sdk", &format!("1.{n}")).needs(&[&format!("core=={n}.0"), "http"]));
        releases.push(release("core", &format!("{n}.0")).needs(&["http<2"]));
    }
    releases.extend(["1.0", "2.0"].map(|number| release("http", number)));
    let world = World::new(releases);
    told.case("many releases", &world, &wants(&["sdk", "http>=2"]));
    let mut releases = Vec::new();
    for n in 0..60 {
        let next = format!("p{}", n + 1);
        let other = format!("q{n}");
        releases.push(release(&format!("p{n}"), "1").needs(&[&next, &other, "end<2"]));
        releases.push(release(&format!("p{n}"), "2").needs(&[&next, &other]));
        releases.push(release(&other, "1").needs(&["end>=1"]));
    }
    releases.push(release("p60", "1").needs(&["end<2"]));
    releases.push(release("p60", "2").needs(&["end<1"]));
    releases.extend(["1", "2"].map(|number| release("end", number)));
    let world = World::new(releases);
    told.case("a long way", &world, &wants(&["p0", "end>=2"]));
}
