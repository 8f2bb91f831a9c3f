//! `vet explain`: by what a file passes, or what it lacks.

use serde_json::Value;

use super::scene::{ALICE, Scene, review, wheel};

#[test]
fn the_chain_ends_where_somebody_decided() {
    let [old, new] = [wheel("cup", "1.0", 9), wheel("cup", "1.1", 10)];
    let scene = Scene::begun(std::slice::from_ref(&old));
    scene.vet(&["explain", "cup"]).expect(0).says("meets safe-to-deploy").says("exempt");
    scene.lock(std::slice::from_ref(&new));
    scene.vet(&["explain", "Cup"]).expect(1).says("does not meet safe-to-deploy");
    scene.add(&[review(&new, Some(&old), &scene.key)]);
    let run = scene.vet(&["explain", "cup"]);
    run.expect(0).says("meets safe-to-deploy").says(ALICE).says("cup-1.0").says("exempt");
    let run = scene.vet(&["explain", "cup", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.expect(0).stdout).expect("JSON");
    assert!(report["format"].as_str().expect("a format").starts_with("countermark-vet-explain"));
    // A version that the lock has not, but the ledger.
    scene.vet(&["explain", "cup==1.0"]).expect(0).says("this is what the ledger has");
}

#[test]
fn what_nobody_has_is_told() {
    let scene = Scene::begun(&[wheel("cup", "1.0", 9)]);
    scene.vet(&["explain", "cups"]).expect(2).says("error[not-locked]").says("did you mean `cup`");
    scene.vet(&["explain", "cup==9"]).expect(2).says("the lock has cup==1.0");
    scene.vet(&["explain", "-cup"]).expect(2);
    scene.vet(&["explain", "cup==x"]).expect(2).says("error[bad-option]");
}
