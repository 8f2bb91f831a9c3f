//! `vet suggest`: the least that has to be read.

use countermark_testkit::wheel::Wheel;
use serde_json::Value;

use super::scene::{Scene, requirements, served, wheel};

fn plan(run: &crate::support::Run) -> Value {
    serde_json::from_str(&run.expect(0).stdout).expect("JSON")
}

#[test]
fn a_difference_goes_before_a_full_reading_and_lines_are_counted_once() {
    let [old, new, jug] =
        [wheel("cup", "1.0", 200), wheel("cup", "1.1", 203), wheel("jug", "2.0", 50)];
    let scene = Scene::begun(std::slice::from_ref(&old));
    scene.vet(&["suggest"]).expect(0).says("nothing is missing");
    let moved = [new, jug];
    scene.server.change(|index| {
        moved.iter().fold(index, |index, wheel| index.file(&wheel.name, served(wheel)))
    });
    scene.lock(&moved);
    let run = scene.vet(&["suggest"]);
    run.expect(0).says("3 lines instead of 203").says("read jug-2.0").says("50 lines");
    run.says("countermark vet diff cup 1.0 1.1")
        .says("countermark vet certify cup==1.1 --from 1.0");
    let json = plan(&scene.vet(&["suggest", "--format", "json"]));
    assert_eq!((json["lines"].as_u64(), json["steps_without_lines"].as_u64()), (Some(53), Some(0)));
    // Nothing is asked for a second time, and nothing at all without a network.
    scene.server.forget_requests();
    let again = plan(&scene.vet(&["suggest", "--offline", "--format", "json"]));
    assert_eq!(again, json);
    assert_eq!(scene.server.request_lines(), Vec::<String>::new());
}

#[test]
fn what_cannot_be_counted_is_told() {
    let [old, new] = [wheel("cup", "1.0", 20), wheel("cup", "1.1", 23)];
    let scene = Scene::begun(std::slice::from_ref(&old));
    scene.lock(std::slice::from_ref(&new));
    let run = scene.vet(&["suggest"]);
    run.expect(0).says("note[not-counted]").says("does not list").says("nobody counted");
    let run = scene.vet(&["suggest", "--offline"]);
    run.expect(0).says("nothing may be asked").says("nobody counted");
    // An index that serves something else is not believed.
    let other = wheel("cup", "1.1", 40).build();
    scene.server.change(|index| index.file("cup", served(&new).but_serves(other)));
    let run = scene.vet(&["suggest"]);
    run.expect(0).says("note[not-counted]").says("nobody counted").never_says("40 lines");
}

#[test]
fn digests_alone_get_their_names_from_the_index() {
    let [old, new] = [wheel("cup", "1.0", 20), wheel("cup", "1.1", 23)];
    let scene = Scene::new(&[old.clone(), new.clone()]);
    scene.world.write("requirements.txt", requirements(&[old]));
    scene.vet(&["init"]).expect(0);
    scene.world.write("requirements.txt", requirements(&[new]));
    scene
        .vet(&["suggest"])
        .expect(0)
        .says("cup-1.1-py3-none-any.whl")
        .says("3 lines instead of 23");
}

#[test]
fn one_file_of_a_release_is_read_and_the_others_may_follow() {
    let old = wheel("cup", "1.0", 20);
    let scene = Scene::begun(std::slice::from_ref(&old));
    let wheels: Vec<Wheel> = ["linux_x86_64", "macosx_11_0_arm64", "win_amd64"]
        .map(|platform| {
            let wheel = wheel("cup", "1.1", 23).file("platform.py", platform.as_bytes());
            Wheel { tag: format!("cp311-cp311-{platform}"), ..wheel }
        })
        .into();
    scene.server.change(|index| {
        wheels.iter().fold(index, |index, wheel| index.file(&wheel.name, served(wheel)))
    });
    scene.lock(&wheels);
    scene.server.forget_requests();
    let run = scene.vet(&["suggest"]);
    run.expect(0).says("in 1 step").says("countermark vet relate cup==1.1").says("2 files");
    run.says("certify cup==1.1 --from 1.0 --file \"sha256:").says("2 files are assumed to follow");
    // What only follows is not counted, so it is not downloaded either.
    let lines = scene.server.request_lines();
    let asked = |name: &str| lines.iter().filter(|line| line.contains(name)).count();
    assert_eq!(wheels.iter().filter(|it| asked(&it.filename()) > 0).count(), 1, "{lines:?}");
    let json = plan(&scene.vet(&["suggest", "--format", "json"]));
    assert_eq!(json["steps"].as_array().map(Vec::len), Some(1), "{json}");
    assert_eq!(json["follow"][0]["files"].as_array().map(Vec::len), Some(2), "{json}");
    let each = plan(&scene.vet(&["suggest", "--each-file", "--format", "json"]));
    assert_eq!(each["steps"].as_array().map(Vec::len), Some(3), "{each}");
    assert_eq!(each["follow"].as_array().map(Vec::len), Some(0), "{each}");
}
