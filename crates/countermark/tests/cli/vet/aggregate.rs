//! `vet aggregate`: two teams' ledgers as one.

use countermark_ledger::format;

use super::scene::{ALICE, DAY, key, key_table, review, wheel};
use crate::support::World;

const HEAD: &str = "[ledger]\nversion = 1\nname = \"example.org/team\"\ninitialised = 2026-11-22\n\
                    criteria = [\"safe-to-deploy\"]\n";

#[test]
fn two_teams_become_one_ledger_with_its_signatures() {
    let world = World::new();
    let [cup, jug] = [wheel("cup", "1.0", 9), wheel("jug", "2.0", 9)];
    for (team, wheel) in [("web", &cup), ("data", &jug)] {
        world.write(&format!("{team}/ledger.toml"), format!("{HEAD}{}", key_table(ALICE, &key(7))));
        let reviews = [review(wheel, None, &key(7))];
        world.write(&format!("{team}/reviews.toml"), format::write(&reviews));
    }
    let all = ["vet", "aggregate", "web", "data", "--output", "all"];
    world.run(&all).expect(2).says("vet-name");
    let named = [&all[..], &["--name", "example.org/all"]].concat();
    world.run(&named).expect(0).says("all: 2 reviews, 1 keys and 0 violations of 2 ledgers");
    let first = world.read("all/reviews.toml");
    let turned = ["vet", "aggregate", "data", "web", "--output", "all"];
    world.run(&turned).expect(0);
    assert_eq!(world.read("all/reviews.toml"), first, "the order makes no difference");
    assert!(world.read("all/ledger.toml").contains("name = \"example.org/all\""));
    for wheel in [&cup, &jug] {
        let signed = review(wheel, None, &key(7)).signature.expect("signed");
        assert!(first.contains(&signed), "signatures stay");
    }
    // One of them learns that a file is bad.
    let bad = format!(
        "{HEAD}{}\n[[violation]]\nproject = \"cup\"\nfiles = [\"{}\"]\non = 2026-11-22\nreason = \"it phones home\"\n",
        key_table(ALICE, &key(8)),
        super::scene::file_of(&cup)
    );
    world.write("data/ledger.toml", bad);
    let before = world.read("all/ledger.toml");
    let run = world.run(&all);
    run.expect(1).says("error[reviewed-and-bad]").says("it phones home").says("web/reviews.toml:4");
    run.says("error[author-keys]");
    assert_eq!(world.read("all/ledger.toml"), before, "nothing is written");
    let one = [&all[..], &["--allow", "reviewed-and-bad"]].concat();
    world.run(&one).expect(1).says("error[author-keys]").never_says("error[reviewed-and-bad]");
    let both = [&one[..], &["--allow", "author-keys"]].concat();
    world.run(&both).expect(0).says("vet-allowed").says("1 violations");
    world
        .run(&[&all[..], &["--allow", "author-key"]].concat())
        .expect(2)
        .says("did you mean `author-keys`?");
    world.run(&["vet", "aggregate", "web", "all", "--output", "all"]).expect(2).says("vet-output");
    world.run(&["vet", "aggregate", "nowhere", "--output", "all"]).expect(2).says("no-ledger");
}

/// Which commit signed a review is known to whoever has the repository; a list of that in an aggregate would
/// be the word of whoever made the aggregate, so none is taken.
#[test]
fn reviews_that_a_commit_signs_count_for_nobody_who_takes_in_the_aggregate() {
    let world = World::new();
    let cup = wheel("cup", "1.0", 9);
    let by_key = review(&cup, None, &key(7));
    let by_commit =
        countermark_ledger::review::Review { signature: Some("git".to_owned()), ..by_key.clone() };
    let id = countermark_ledger::statement::StatementId::of(&by_commit);
    let keys = key_table(ALICE, &key(7));
    world.write("web/ledger.toml", format!("{HEAD}{keys}"));
    let digest = super::scene::file_of(&cup).digest.hex();
    world.write(
        "requirements.txt",
        format!(
            "cup==1.0 --hash=sha256:{digest}
"
        ),
    );
    let judged = |review: &countermark_ledger::review::Review| {
        let _ = std::fs::remove_dir_all(world.path("all"));
        let _ = std::fs::remove_dir_all(world.path("ledger"));
        world.write("web/reviews.toml", format::write([review]));
        world.write("ledger/ledger.toml", HEAD.replace("team", "ours"));
        world.write("ledger/reviews.toml", "");
        let all = ["vet", "aggregate", "web", "--output", "all", "--name", "example.org/all"];
        let run = world.run(&all);
        run.expect(0);
        assert!(!world.path("all/commits").exists());
        // A list that somebody puts there is not read.
        let list =
            format!("countermark.commits/v1\n{id} {} {}\n", "a".repeat(40), key(7).verifier());
        world.write("all/commits", list);
        let words = ["vet", "import", "add", "all", "--name", "all", "--date", DAY];
        let add = [&words[..], &["--map-builtin", "--accept-keys"]].concat();
        world.run(&add).expect(0);
        assert!(!world.read("ledger/ledger.toml").contains("commits ="));
        (run, world.run(&["vet", "--date", DAY]))
    };
    let (aggregated, checked) = judged(&by_commit);
    aggregated.says("1 reviews are signed by the commit that added them");
    checked.expect(1);
    // The same words, signed with the key, count.
    judged(&by_key).1.expect(0);
}
