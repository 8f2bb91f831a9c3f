//! Only what moved: against another file, and against git's past.

use super::{gate, honest, requirements};
use crate::support::World;
use countermark_testkit::index::IndexServer;

fn git(world: &World, arguments: &[&str]) {
    let settings = [
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@example.org",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "init.defaultBranch=main",
    ];
    let mut command = world.program("git", &[&settings[..], arguments].concat());
    let output = command.output().expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn commit(world: &World) {
    git(world, &["add", "."]);
    git(world, &["commit", "-q", "-m", "a step"]);
}

#[test]
fn only_what_moved_since_a_revision() {
    let world = World::new();
    git(&world, &["init", "-q"]);
    world.write("app/requirements.txt", "kettle==1.0\n");
    commit(&world);
    world.write("app/requirements.txt", "kettle==1.0\nteapot==1.2\n");
    let run = world.run(&["gate", "--offline", "app/requirements.txt", "--since", "HEAD"]);
    run.expect(1).says("1 of 2 entries").says("teapot is new: 1.2").says("high[no-digest] teapot");
    run.never_says("kettle 1.0: no digest");
    assert!(!run.stdout.contains("no-digest] kettle"), "{}", run.stdout);
    // Nothing moved: nothing is judged.
    commit(&world);
    let run = world.run(&["gate", "--offline", "app/requirements.txt", "--since", "HEAD"]);
    run.expect(0).says("0 of 2 entries");
    // A lock that was not there is new as a whole.
    world.write("new.txt", "jug==1.0\n");
    world.run(&["gate", "--offline", "new.txt", "--since", "HEAD"]).expect(1).says("jug is new");
}

#[test]
fn what_a_lock_takes_in_is_judged_with_it() {
    let world = World::new();
    git(&world, &["init", "-q"]);
    // Files may take in each other; paths count from the file that names them.
    world.write("app/requirements.txt", "-r more/base.txt\n");
    world.write("app/more/base.txt", "-r ../requirements.txt\nkettle==1.0\n");
    commit(&world);
    let at = ["gate", "--offline", "app/requirements.txt"];
    world.run(&at).expect(1).says("high[no-digest] kettle").says("at app/more/base.txt:2:1");
    let since = [&at[..], &["--since", "HEAD"]].concat();
    world.run(&since).expect(0);
    world.write("app/more/base.txt", "kettle==1.0\njug==1.0\n");
    let run = world.run(&since);
    run.expect(1).says("high[no-digest] jug");
    assert!(!run.stdout.contains("no-digest] kettle"), "{}", run.stdout);
    for elsewhere in ["https://example.org/more.txt", "${HOME}/more.txt"] {
        world.write("app/requirements.txt", format!("-r {elsewhere}\n"));
        world.run(&at).expect(2).says("error[include-elsewhere]").says(elsewhere);
    }
    world.write("app/requirements.txt", "-r gone.txt\n");
    world.run(&at).expect(2).says("error[file-unreadable]");
}

#[test]
fn a_place_of_files_is_an_index() {
    let world = World::new();
    let honest = format!("teapot==1.2 --hash=sha256:{}\n", super::digest(super::WHEEL));
    world.write("requirements.txt", format!("--find-links ./wheels\n{honest}"));
    world.run(&["gate", "--offline", "requirements.txt"]).expect(0);
    world.write("requirements.txt", format!("--find-links https://example.net/\n{honest}"));
    let run = world.run(&["gate", "--offline", "requirements.txt"]);
    run.expect(1).says("medium[unknown-index]").says("https://example.net/");
}

#[test]
fn revisions_that_are_none() {
    let world = World::new();
    world.write("requirements.txt", requirements());
    let run = world.run(&["gate", "--offline", "requirements.txt", "--since", "HEAD"]);
    run.expect(2).says("error[revision]").says("in no git repository");
    git(&world, &["init", "-q"]);
    commit(&world);
    for revision in ["no-such-branch", "--output=stolen", "HEAD:requirements.txt", ""] {
        let since = format!("--since={revision}");
        let run = world.run(&["gate", "--offline", "requirements.txt", &since]);
        run.expect(2).says("error[revision]");
    }
    assert!(!world.path("stolen").exists());
}

#[test]
fn against_another_file() {
    let server = IndexServer::start(honest());
    let world = World::new();
    world.write("old.txt", "kettle==1.0\n");
    world.write("requirements.txt", format!("kettle==1.0\n{}", requirements()));
    gate(&world, &server, &["requirements.txt", "--base", "old.txt"])
        .expect(0)
        .says("teapot is new: 1.2");
    gate(&world, &server, &["requirements.txt"]).expect(1);
    // The same release with other bytes.
    world.write("old.txt", requirements());
    let changed = "teapot==1.2 --hash=sha256:".to_owned() + &super::digest("other") + "\n";
    world.write("requirements.txt", changed);
    world
        .run(&["gate", "--offline", "requirements.txt", "--base", "old.txt"])
        .expect(1)
        .says("high[digest-changed] teapot 1.2");
}

#[test]
fn the_list_of_what_is_let_pass_can_only_shrink() {
    let world = World::new();
    git(&world, &["init", "-q"]);
    let line = |project: &str| {
        format!(
            "{{ lock = \"requirements.txt\", rule = \"no-digest\", project = \"{project}\", \
             version = \"1.0\", because = \"old\" }},\n"
        )
    };
    let list = |projects: &[&str]| {
        let lines: String = projects.iter().map(|project| line(project)).collect();
        format!("passed = [\n{lines}]\n")
    };
    world.write("requirements.txt", "kettle==1.0\n");
    world.write("countermark-gate.toml", list(&["kettle"]));
    commit(&world);
    world.write("requirements.txt", "kettle==1.0\nteapot==1.0\n");
    world.write("countermark-gate.toml", list(&["kettle", "teapot"]));
    let run = world.run(&["gate", "--offline", "requirements.txt", "--since", "HEAD"]);
    run.expect(1).says("added to the baseline, which may only shrink: no-digest of teapot 1.0");
    world.write("requirements.txt", requirements());
    world.write("countermark-gate.toml", list(&[]));
    world.run(&["gate", "--offline", "requirements.txt", "--since", "HEAD"]).expect(0);
}
