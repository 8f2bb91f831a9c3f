//! `tree` and `why`: what they say of locks of several formats, and of locks that say nothing.

use crate::support::World;

const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What `countermark lock` and others write.
fn requirements() -> String {
    let entry =
        |pin: &str, via: &str| format!("{pin} \\\n    --hash=sha256:{DIGEST}\n    # via{via}\n");
    let entries = [
        entry("kettle==2.1", "\n    #   jug\n    #   teapot"),
        entry("jug==1.0", " -r requirements.in"),
        entry("teapot==1.2", " -r requirements.in"),
    ];
    entries.concat()
}

fn world() -> World {
    let world = World::new();
    world.write("requirements.txt", requirements());
    world
}

#[test]
fn the_lock_of_the_folder_is_shown() {
    let world = world();
    let run = world.run(&["tree"]);
    run.expect(0);
    assert_eq!(run.stdout, "jug 1.0\n└── kettle 2.1\nteapot 1.2\n└── kettle 2.1\n");
    let run = world.run(&["tree", "--invert", "requirements.txt"]);
    assert_eq!(run.expect(0).stdout, "kettle 2.1\n├── jug 1.0\n└── teapot 1.2\n");
    let run = world.run(&["tree", "--package", "Teapot", "--depth", "0"]);
    assert_eq!(run.expect(0).stdout, "teapot 1.2\n");
}

#[test]
fn every_chain_is_printed() {
    let world = world();
    let run = world.run(&["why", "kettle"]);
    let expect = "-r requirements.in → jug 1.0 → kettle 2.1\n\
                  -r requirements.in → teapot 1.2 → kettle 2.1\n";
    assert_eq!(run.expect(0).stdout, expect);
    let run = world.run(&["why", "kettle", "--limit", "1"]);
    run.expect(0).says("note[more-chains]: there are more chains than these 1");
    assert_eq!(run.stdout.lines().count(), 1);
    let run = world.run(&["why", "jug"]);
    assert_eq!(run.expect(0).stdout, "-r requirements.in → jug 1.0\n");
}

#[test]
fn programs_read_it() {
    let world = world();
    let run = world.run(&["tree", "--format", "json"]);
    let tree: serde_json::Value = serde_json::from_str(&run.expect(0).stdout).unwrap();
    assert_eq!(tree["packages"][0]["dependencies"][0]["name"], "kettle");
    assert_eq!(tree["packages"][0]["wanted_by"][0], "-r requirements.in");
    assert_eq!(tree["packages"][1]["asked_for"], false);
    assert_eq!(tree["tells_dependencies"], true);
    let run = world.run(&["why", "kettle", "--format", "json"]);
    let why: serde_json::Value = serde_json::from_str(&run.expect(0).stdout).unwrap();
    assert_eq!(why["chains"][1]["releases"][0]["name"], "teapot");
    assert_eq!(why["chains"][1]["wanted_by"][0], "-r requirements.in");
}

#[test]
fn what_is_not_in_the_lock_is_refused() {
    let world = world();
    let run = world.run(&["why", "ketle"]);
    run.expect(2).says("error[not-locked]: `requirements.txt` has no `ketle`");
    run.says("hint: did you mean `kettle`?");
    let run = world.run(&["tree", "--package", "spoon", "--package", "_"]);
    run.expect(2).says("`requirements.txt` has no `spoon`").says("`_` must begin and end");
    run.never_says("did you mean");
}

#[test]
fn the_one_lock_has_to_be_clear() {
    let world = World::new();
    world.run(&["tree"]).expect(2).says("error[no-lock]: there is no lock in this folder");
    world.write("requirements.in", "teapot\n");
    world.run(&["why", "teapot"]).expect(2).says("error[no-lock]");
    world.write("requirements.txt", requirements());
    world.write("pylock.dev.toml", "not looked at");
    let run = world.run(&["tree"]);
    run.expect(2).says(
        "error[several-locks]: there are several locks in this folder: `pylock.dev.toml`, \
         `requirements.txt`",
    );
    world.run(&["tree", "requirements.txt"]).expect(0);
    world.run(&["tree", "pylock.dev.toml"]).expect(2).says("error[syntax]");
    world.run(&["tree", "gone.lock"]).expect(2).says("error[file-unreadable]");
}

#[test]
fn a_lock_that_tells_nothing_is_a_list() {
    let world = World::new();
    world.write("requirements.txt", format!("b==1 --hash=sha256:{DIGEST}\na==2\n"));
    let run = world.run(&["tree"]);
    run.expect(0).says(
        "note[no-dependencies]: `requirements.txt` does not tell who wants what, so this is a list",
    );
    assert_eq!(run.stdout, "a 2\nb 1\n");
    let run = world.run(&["why", "a"]);
    run.expect(3).says("error[no-dependencies]: `requirements.txt` does not tell who wants what");
}

#[test]
fn a_lock_cannot_move_the_cursor() {
    let world = World::new();
    let text = format!(
        "lock-version = \"1.0\"\ncreated-by = \"x\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\n\
         archive = {{ url = \"https://h.example.org/a-1.zip\", hashes = {{ sha256 = \"{DIGEST}\" }} }}\n\
         [packages.tool.countermark]\nwanted-by = [\"\\u001b[2Jtext\"]\n\
         [tool.countermark]\nversion = 1\n"
    );
    world.write("pylock.toml", text);
    let run = world.run(&["why", "a"]);
    run.expect(0).says("[2Jtext → a 1").never_says("\u{1b}");
}
