//! `vet aggregate`: two teams' ledgers as one.

use countermark_ledger::format;

use super::scene::{ALICE, key, key_table, review, wheel};
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
