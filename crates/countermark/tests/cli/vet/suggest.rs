//! `vet suggest`: the least that has to be read.

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
