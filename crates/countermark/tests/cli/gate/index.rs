//! An index that lies, and one that does not answer.

use countermark_testkit::index::{Behaviour, IndexServer, Scenario};

use super::{SDIST, WHEEL, digest, file, findings, gate, honest, requirements, uv};
use crate::support::World;

/// What the gate finds in both formats: with names of files, and without.
fn check(scenario: Scenario, in_uv: &[&str], in_requirements: &[&str]) {
    let server = IndexServer::start(scenario);
    let world = World::new();
    world.write("uv.lock", uv(&server));
    world.write("requirements.txt", requirements());
    for (lock, expect) in [("uv.lock", in_uv), ("requirements.txt", in_requirements)] {
        let run = gate(&world, &server, &[lock, "--format", "json"]);
        assert_eq!(findings(&run), expect, "{lock}: {}", run.stderr);
        let fails = expect.iter().any(|one| one.starts_with("high") || one.starts_with("medium"));
        run.expect(i32::from(fails));
    }
}

#[test]
fn a_digest_changed() {
    let changed = honest().project("teapot", |project| {
        project.files[0].advertised.digests[0].1 = digest("another");
    });
    check(changed, &["high digest-differs teapot"], &["medium unknown-digest teapot"]);
    let all = honest().project("teapot", |project| {
        for file in &mut project.files {
            file.advertised.digests[0].1 = digest("another");
        }
    });
    check(all, &["high digest-differs teapot"; 2], &["high digest-differs teapot"]);
}

#[test]
fn a_file_a_release_and_a_project_are_gone() {
    let one = honest().project("teapot", |project| drop(project.files.remove(0)));
    check(one, &["medium file-removed teapot"], &["medium unknown-digest teapot"]);
    let release = Scenario::new().file("teapot", file("teapot-1.1.tar.gz"));
    check(release, &["high release-removed teapot"], &["high release-removed teapot"]);
    check(Scenario::new(), &["high project-gone teapot"], &["high project-gone teapot"]);
}

#[test]
fn a_status_and_a_withdrawal() {
    let quarantined = honest().status("teapot", "quarantined", Some("stolen"));
    check(quarantined, &["high quarantined teapot"], &["high quarantined teapot"]);
    let archived = honest().status("teapot", "archived", None);
    check(archived, &["note project-status teapot"], &["note project-status teapot"]);
    let yanked = honest().project("teapot", |project| {
        project.files[1].advertised.yanked = Some(String::new());
    });
    check(yanked, &["low yanked-release teapot"], &["low yanked-release teapot"]);
}

#[test]
fn a_newcomer_is_a_note() {
    let late = file("teapot-1.2-cp39-cp39-linux_x86_64.whl")
        .advertise(|said| said.upload_time = Some("2025-01-01T09:00:00Z".to_owned()));
    check(honest().file("teapot", late), &["note new-files teapot"], &["note new-files teapot"]);
}

#[test]
fn an_index_that_is_down_is_neither_good_nor_bad() {
    let down = Behaviour::Status { code: 503, retry_after: None };
    let server = IndexServer::start(honest().on("/simple/teapot/", down));
    let world = World::new();
    world.write("uv.lock", uv(&server));
    let run = gate(&world, &server, &["uv.lock"]);
    run.expect(3).says("could not check: index of 1 entry").never_says("high[");
    gate(&world, &server, &["uv.lock", "--format", "markdown"])
        .expect(3)
        .says("Not everything could be checked");
    // A "no" stays one.
    world.write("requirements.txt", "teapot==1.2\n");
    gate(&world, &server, &["uv.lock", "requirements.txt"]).expect(1);
    // Nobody is asked when nobody wants that, and it is said.
    let before = server.requests().len();
    let run = gate(&world, &server, &["uv.lock", "--offline"]);
    run.expect(0).says("not looked at: index of 1 entry: no index was asked");
    assert_eq!(server.requests().len(), before);
}

#[test]
fn an_index_that_does_not_answer_is_left_alone() {
    let down = Behaviour::Status { code: 503, retry_after: None };
    let mut scenario = Scenario::new();
    let mut text = String::new();
    for number in 0..60 {
        scenario = scenario.on(&format!("/simple/cup{number}/"), down.clone());
        text.push_str(&format!("cup{number}==1.0 --hash=sha256:{}\n", digest("cup")));
    }
    let server = IndexServer::start(scenario);
    let world = World::new();
    world.write("requirements.txt", text);
    gate(&world, &server, &["requirements.txt"]).expect(3).says("no more was asked");
    assert!(server.requests().len() < 40, "{}", server.requests().len());
}

#[test]
fn nobody_connects_to_where_a_lock_points() {
    let (configured, named) = (IndexServer::start(Scenario::new()), IndexServer::start(honest()));
    let world = World::new();
    world.write("uv.lock", uv(&named));
    let run = gate(&world, &configured, &["uv.lock", "--format", "json"]);
    run.expect(1);
    assert_eq!(findings(&run), ["medium unknown-index teapot"]);
    assert!(named.requests().is_empty());
}

#[test]
fn two_indexes() {
    let (one, other) = (
        IndexServer::start(honest()),
        IndexServer::start(honest().project("teapot", |it| {
            it.files[0].advertised.digests[0].1 = digest("rebuilt");
        })),
    );
    let world = World::new();
    world.write("uv.lock", uv(&one));
    let extra = other.simple_url();
    let more = ["uv.lock", "--extra-index-url", &extra, "--format", "json"];
    let run = gate(&world, &one, &more);
    run.expect(0);
    assert_eq!(findings(&run), ["low private-rebuild teapot"]);
    world.write("countermark.toml", "[policy]\ntwo-indexes = \"refuse\"\n");
    let run = gate(&world, &one, &more);
    run.expect(1);
    assert_eq!(findings(&run), ["high two-indexes teapot", "low private-rebuild teapot"]);
}

#[test]
fn one_changed_url_among_many_is_found() {
    let server = IndexServer::start(honest());
    let world = World::new();
    let changed = uv(&server).replace(
        &format!("{}/files/{WHEEL}", server.url()),
        &format!("https://files.example.net/{WHEEL}"),
    );
    world.write("uv.lock", changed);
    let run = gate(&world, &server, &["uv.lock"]);
    run.expect(1).says("high[foreign-host] teapot 1.2").says("files.example.net").never_says(SDIST);
}
