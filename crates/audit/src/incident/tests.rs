use super::*;
use crate::constraints::Pins;
use crate::dossier::{Identity, Judgement};
use crate::federation::{Person, Service};
use crate::record::{Commit, OfficialFile, OfficialRelease, Signature};
use crate::roles::fixture::{Project, World, name, release as files};

fn world() -> World {
    let mut world = World::new(vec![
        Project::new("teapot", "Owner:ci Owner:zoe Maintainer:ann"),
        Project::new("kettle", "Owner:ci"),
        Project::new("jug", "Maintainer:ci Owner:ann"),
    ]);
    world.projects[0].facts.releases = vec![
        files("1.0", &[("teapot-1.0.tar.gz", 1), ("teapot-1.0-py3-none-any.whl", 2)]),
        files("1.1", &[("teapot-1.1.tar.gz", 3)]),
        files("2.0", &[("teapot-2.0.tar.gz", 4), ("teapot-2.0-py3-none-any.whl", 5)]),
    ];
    world.federation.services = vec![
        Service {
            name: "uploads".into(),
            kind: "index".into(),
            url: Some("https://index.example.org".into()),
            account: Some("ci".into()),
            holders: vec!["eve".into()],
            note: None,
        },
        Service {
            name: "images".into(),
            kind: "image-registry".into(),
            url: None,
            account: None,
            holders: Vec::new(),
            note: None,
        },
    ];
    let person = Person { contact: Some("eve@example.org".into()), ..Person::default() };
    world.federation.people.insert("eve".into(), person);
    world
}

fn plan(world: &World, version: &str, pins: &Pins, log: &[LogEntry]) -> Result<String, Unknown> {
    world.with(|dossiers, _| {
        let material = Material { pins, log, log_file: Some("log.jsonl") };
        release(&dossiers[0], version, material).map(|page| page.text())
    })
}

#[track_caller]
fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
}

#[track_caller]
fn has_not(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(!text.contains(line), "{line:?} is in\n{text}");
    }
}

#[test]
fn the_plan_for_a_release_is_filled_in() {
    let mut world = world();
    world.projects[0].judgement = Judgement::Unexplained;
    let mut pins = Pins::read("c.txt", "teapot===2.0\nteapot==1.0\nkettle==2.0\n");
    pins.append(Pins::read("r.txt", "teapot>=1\n==\n"));
    let log = [LogEntry::new(world.now, "ann", "told the list").unwrap()];
    let text = plan(&world, "2.0", &pins, &log).unwrap();
    has(
        &text,
        &[
            "Pulling teapot 2.0\n",
            "nothing explains it",
            "Owner `ci` (release account): upload, yank, delete, change roles",
            "Owner `zoe` (not expected)",
            "Maintainer `ann` (not expected): upload\n",
            "Tell the index's security contact now",
            "Yank the release teapot 2.0 on the index, with a reason that names the notice (`ci`)",
            "`ci` (held by eve): revoke every token",
            "`zoe` and `ann`: what tokens they have is theirs to revoke.",
            "nothing explains `1.0` and `1.1` either",
            "installers take 1.1 by default, which nothing explains either: yank it too",
            "images: find images that contain it",
            "c.txt:1 pins it",
            "r.txt:1 allows several versions",
            "not understood, look yourself: r.txt:2",
            &format!("teapot-2.0.tar.gz sha256:{}", "04".repeat(32)),
            "It was not made by us.",
            "2026-06-01T12:00:00Z ann: told the list",
            "countermark incident log --log log.jsonl --who NAME",
        ],
    );
    has_not(&text, &["c.txt:2", "c.txt:3", "The release before it is", "`zoe`: revoke"]);
    // Steps are in the order in which they are safe.
    let place = |needle: &str| text.find(needle).unwrap();
    assert!(place("Keep a copy") < place("Yank the release"));
    assert!(place("Yank the release") < place("Delete only if"));
}

#[test]
fn the_plan_follows_the_facts() {
    let none = Pins::default();
    let mut world = world();
    // Not the highest, official, partly yanked.
    let text = plan(&world, "1.0", &none, &[]).unwrap();
    let highest = plan(&world, "2.0", &none, &[]).unwrap();
    has(&highest, &["installers take 1.1 by default.", "The release before it is 1.1."]);
    has_not(&highest, &["either"]);
    has_not(&text, &["Without it", "Tell the index's security contact now", "The release before"]);
    has(&text, &["made by us", "It was made by us and must not be used", "None of the files"]);
    world.projects[0].facts.releases[0].files[0].yanked = Some(String::new());
    has(&plan(&world, "1.0", &none, &[]).unwrap(), &["1 of 2 files are yanked already"]);
    world.projects[0].facts.releases[0].files[1].yanked = Some("bad".into());
    let text = plan(&world, "1.0.0", &none, &[]).unwrap();
    has(&text, &["All of its files are yanked already."]);
    has_not(&text, &["Yank the release"]);
    // Nobody of ours can act.
    world.projects[0].facts.roles = Some(crate::roles::fixture::roles("Owner:zoe"));
    let text = plan(&world, "1.1", &none, &[]).unwrap();
    has(&text, &["(`zoe` if they can be trusted, else the index's security contact)"]);
    world.projects[0].facts.roles = None;
    let text = plan(&world, "1.1", &none, &[]).unwrap();
    has(&text, &["Not known: the index does not say", "no owner is known"]);
}

#[test]
fn what_is_not_there_is_an_error_with_what_is_near() {
    let none = Pins::default();
    let error = plan(&world(), "2.1", &none, &[]).unwrap_err();
    assert_eq!((error.code(), error.class()), ("unknown-release", Class::Usage));
    assert_eq!(error.hint().unwrap(), "near it: 1.1, 2.0, 1.0");
    world().with(|dossiers, _| {
        let error = find_project(dossiers, &name("teaport")).unwrap_err();
        assert_eq!(error.to_string(), "`teaport` is none of the 3 projects");
        assert_eq!(error.hint().unwrap(), "near it: teapot");
        let error = find_project(dossiers, &name("something-else")).unwrap_err();
        assert_eq!(error.hint(), None);
        let federation = &dossiers[0].context.federation;
        let error = account("zo", federation, dossiers).unwrap_err();
        assert_eq!(
            (error.code(), error.hint().unwrap().as_str()),
            ("unknown-account", "near it: zoe, ci")
        );
    });
}

#[test]
fn a_hostile_version_is_in_no_command() {
    let mut world = world();
    world.projects[0].facts.releases.push(files("9; rm -r *", &[("teapot-9.zip", 9)]));
    let pins = Pins::default();
    let text = world.with(|dossiers, _| {
        let material = Material { pins: &pins, log: &[], log_file: None };
        release(&dossiers[0], "9; rm -r *", material).map(|page| page.text()).unwrap()
    });
    has(&text, &["`countermark incident log --log incident-teapot.jsonl --who NAME WHAT`"]);
}

#[test]
fn a_hostile_version_makes_no_lines_of_a_mail() {
    let mut world = world();
    let version = "9\n\nAll is well.\u{200b}";
    world.projects[0].facts.releases.push(files(version, &[("teapot-9.zip", 9)]));
    let pins = Pins::default();
    let page = world.with(|dossiers, _| {
        let material = Material { pins: &pins, log: &[], log_file: None };
        release(&dossiers[0], version, material).unwrap()
    });
    for text in [page.text(), page.markdown()] {
        assert!(text.contains("Subject: teapot 9\\n\\nAll is well.\\u{200b} on"), "{text}");
        assert!(!text.contains("\nAll is well") && !text.contains('\u{200b}'), "{text}");
    }
}

#[test]
fn distances_are_counted() {
    for (one, other, expect) in [
        ("", "", Some(0)),
        ("teapot", "teapot", Some(0)),
        ("teapot", "teaport", Some(1)),
        ("teapot", "eapots", Some(2)),
        ("teapot", "tea", None),
        ("teapot", "kettle", None),
    ] {
        assert_eq!(distance(one, other, 2), expect, "{one} {other}");
    }
}

fn account_text(world: &World, account_name: &str) -> String {
    world.with(|dossiers, _| {
        account(account_name, dossiers[0].context.federation, dossiers).unwrap().text()
    })
}

#[test]
fn an_account_reaches_what_it_reaches() {
    let mut world = world();
    let text = account_text(&world, "CI");
    has(
        &text,
        &[
            "uploads: held by eve",
            "can upload, yank, delete and change roles on 2 projects: teapot, kettle",
            "can upload to 1 project: jug",
            "uploads (index, https://index.example.org)",
            "Nobody can manage 1 project any more, because nobody else owns them: kettle",
            "Only people whom nobody expects can manage 1 project: teapot (`zoe`)",
        ],
    );
    let text = account_text(&world, "zoe");
    has(&text, &["`federation.toml` does not say", "No project is locked", "Have `ci` remove it"]);
    // Somebody who is expected beside it can be asked, until the day on which that person leaves.
    let mut covered = self::world();
    covered.projects[0].expected = Some(crate::dossier::Expected {
        owners: ["ci", "zoe"].map(str::to_owned).into(),
        ..Default::default()
    });
    has(&account_text(&covered, "ci"), &["Have `zoe` remove `ci` and add its successor."]);
    let left = Person { left: Some("2026-01-01".parse().unwrap()), ..Person::default() };
    covered.federation.people.insert("zoe".into(), left);
    has(&account_text(&covered, "ci"), &["nobody expects can manage 1 project: teapot (`zoe`)"]);
    let text = account_text(&world, "ann");
    has(
        &text,
        &[
            "change roles on 1 project: jug",
            "can upload to 1 project: teapot",
            "ask the index's security contact to freeze",
        ],
    );
    // A person who only holds a service.
    has(&account_text(&world, "eve"), &["eve, eve@example.org", "uploads (index"]);
    world.projects[2].facts.roles = None;
    has(&account_text(&world, "ci"), &["Of 1 project the roles are not known"]);
}

#[test]
fn the_standing_plan_names_what_it_lacks() {
    let mut world = world();
    let text = |world: &World| {
        world.with(|dossiers, overview| standing(overview.context, dossiers).text())
    };
    let shown = text(&world);
    has(
        &shown,
        &[
            "eve, eve@example.org; on the index `eve`",
            "`ci` owns 2 of 3 projects",
            "uploads (index, https://index.example.org, account `ci`): held by eve",
            "`--account ci`",
            "no `contact`",
            "uploads: only eve holds it",
            "images: nobody is named who holds it",
            "2 projects have one owner",
        ],
    );
    world.federation.contact = Some("https://example.org/help".into());
    world.federation.services[0].holders.push("ann".into());
    world.federation.services.pop();
    world.projects[1].facts.roles = Some(crate::roles::fixture::roles("Owner:ci Owner:ann"));
    world.projects[2].identity = Identity::ByCustody;
    let shown = text(&world);
    has(&shown, &["all together: https://example.org/help", "`ci` owns 2 of 2 projects"]);
    has_not(&shown, &["What this plan lacks"]);
    // The holder leaves.
    world.federation.people.get_mut("eve").unwrap().left = Some("2026-05-05".parse().unwrap());
    let shown = text(&world);
    has(&shown, &["uploads: eve holds it and has left", "uploads: only ann holds it"]);
    has_not(&shown, &["eve@example.org"]);
}

fn job(world: &World, version: &str, official: &[(usize, &str, OfficialRelease)]) -> String {
    world.with(|dossiers, _| {
        let mut dossiers: Vec<_> = dossiers
            .iter()
            .map(|it| crate::dossier::Dossier {
                name: it.name,
                context: it.context,
                facts: it.facts,
                previous: None,
                records: None,
                releases: it
                    .releases
                    .iter()
                    .map(|case| ReleaseCase {
                        text: case.text,
                        version: case.version.clone(),
                        index: case.index,
                        official: Vec::new(),
                        judgement: case.judgement.clone(),
                    })
                    .collect(),
                kept: it.kept.clone(),
                identity: Identity::Ours,
                custody: None,
                expected: it.expected.clone(),
            })
            .collect();
        for (project, version, official) in official {
            let releases = &mut dossiers[*project].releases;
            if !releases.iter().any(|it| it.text == *version) {
                releases.push(ReleaseCase {
                    text: version,
                    version: version.parse().ok(),
                    index: None,
                    official: Vec::new(),
                    judgement: Judgement::Missing(crate::dossier::Missing::Gap),
                });
            }
            let case = releases.iter_mut().find(|it| it.text == *version).unwrap();
            case.official.push(official);
        }
        failed_job(&dossiers, &name("teapot"), version).unwrap().text()
    })
}

fn official(approved: &str, place: &str, commit: Option<&str>) -> OfficialRelease {
    let mut official = OfficialRelease::new("1.1");
    official.approved = approved.parse().ok();
    official.place = Some(place.into());
    official.commit = commit.and_then(|letter| Commit::parse(&letter.repeat(40)));
    official
}

#[test]
fn a_failed_job_says_what_is_half_published() {
    let mut world = world();
    // Most others have a wheel too.
    world.projects[0]
        .facts
        .releases
        .push(files("0.9", &[("teapot-0.9.tar.gz", 6), ("teapot-0.9-py3-none-any.whl", 7)]));
    world.projects[1].facts.releases = vec![files("5.0", &[("kettle-5.0.tar.gz", 1)])];
    let day = |time| official(time, "a.yaml:1", None);
    let shown = job(
        &world,
        "1.1",
        &[
            (0, "1.1", day("2026-03-01T10:00:00Z")),
            (1, "5.0", day("2026-03-01T23:59:59Z")),
            (2, "7.0", day("2026-03-01T00:00:00Z")),
            (2, "8.0", OfficialRelease { version: "8.0".into(), ..day("2026-03-02T00:00:00Z") }),
        ],
    );
    has(
        &shown,
        &[
            "teapot 1.1: half published, without the wheel (teapot-1.1.tar.gz)",
            "kettle 5.0: published whole",
            "jug 7.0: not published",
            "Upload the wheel of teapot 1.1 from the job's kept artifacts",
            "Bring the rest of the batch to an end in the same way, beginning with what the others depend on: jug 7.0",
        ],
    );
    has_not(&shown, &["8.0"]);
    // The same commit on another day, and the same unit without days.
    let shown = job(
        &world,
        "1.1",
        &[
            (0, "1.1", official("2026-03-01T10:00:00Z", "a.yaml:1", Some("a"))),
            (1, "5.0", official("2026-04-01T10:00:00Z", "b.yaml:1", Some("a"))),
            (2, "7.0", official("2026-04-01T10:00:00Z", "b.yaml:1", Some("b"))),
        ],
    );
    has(&shown, &["kettle 5.0"]);
    has_not(&shown, &["jug"]);
    let shown = job(
        &world,
        "1.1",
        &[(0, "1.1", official("", "a.yaml:1", None)), (2, "7.0", official("", "a.yaml:9", None))],
    );
    has(&shown, &["jug 7.0: not published"]);
}

#[test]
fn a_whole_release_needs_nothing() {
    let world = world();
    has(&job(&world, "2.0", &[]), &["teapot 2.0: published whole", "The records do not list it"]);
    has(&job(&world, "2.0", &[]), &["Nothing: every file"]);
    // The record names a file that is not there.
    let mut named = official("", "a.yaml:1", None);
    named.files = vec![OfficialFile {
        filename: "teapot-2.0-cp312-cp312-linux_x86_64.whl".into(),
        sha256: None,
        size: None,
        signature: Signature::NotLooked,
    }];
    has(&job(&world, "2.0", &[(0, "2.0", named)]), &["half published, without the wheel"]);
    let gone = official("2026-03-01T10:00:00Z", "a.yaml:1", None);
    has(
        &job(&world, "3.0", &[(0, "3.0", gone)]),
        &["teapot 3.0: not published", "Run the job for teapot 3.0 again"],
    );
}
