//! Names that never leave the machine: what the log was told is looked at, byte by byte.

use super::{Place, wheels};

#[test]
fn names_of_a_private_index_and_of_patterns_stay_here() {
    let place = Place::honest();
    // The index is not called public.
    place.policy("mode = \"require\"");
    place.lock("alpha\nbeta\n", &[]).expect(0).says("not asked about 2 names");
    place.run(&["install", "alpha", "--venv", "env"]).expect(0);
    place.run(&["install", "-r", "requirements.txt", "--venv", "again"]).expect(0);
    place.run(&["add", "beta"]).expect(0);
    let file = place.world.write("alpha-1.0-py3-none-any.whl", wheels()[0].build());
    place.run(&["hash", file.to_str().expect("UTF-8")]).expect(0);
    assert!(!place.log.was_told("alpha") && !place.log.was_told("beta"));
    // A pattern counts on a public index too.
    let public = place.public();
    place.policy(&format!("mode = \"require\"\nprivate = [\"al*\"]\n{public}"));
    std::fs::remove_file(place.world.path("requirements.txt")).expect("a lock");
    place.lock("alpha\nbeta\n", &["--proofs"]).expect(0).says("not asked about 1 name");
    place.run(&["log", "lookup", "alpha==1.0"]).expect(2).says("error[private-name]");
    place.run(&["log", "lookup", "alpha-1.0-py3-none-any.whl"]).expect(2).says("private-name");
    assert!(place.log.was_told("beta"));
    assert!(!place.log.was_told("alpha"), "{:?}", place.log.requests());
}

#[test]
fn of_two_indexes_nobody_knows_which_has_a_pinned_file() {
    let place = Place::honest().mode("require");
    let bytes = wheels()[0].build();
    place.world.write("requirements.txt", crate::support::pinned("alpha", "1.0", &bytes));
    let install = ["install", "-r", "requirements.txt", "--venv", "env", "--extra-index-url"];
    let other = "http://127.0.0.1:9/simple/";
    place.run(&[&install[..], &[other, "--find-links", "."]].concat());
    place.run(&[&install[..], &[other]].concat());
    assert!(!place.log.was_told("alpha"));
    place.run(&install[..5]).expect(0);
    assert!(place.log.was_told("alpha"));
}

#[test]
fn what_a_path_names_is_nobodys_business() {
    let place = Place::honest().mode("require");
    let wheel = &wheels()[0];
    let file = place.world.write(&wheel.filename(), wheel.build());
    place.lock(&format!("alpha @ file://{}\n", file.display()), &[]).expect(0);
    assert!(!place.log.was_told("alpha"));
}
