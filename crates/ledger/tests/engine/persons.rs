//! One key is one person, under whatever name a ledger has it.

use countermark_ledger::check::NotCounted;

use super::world::World;

const SSH: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

/// Why dora's review of the import does not count, when alice of ours has the second of these keys and
/// dora the first.
fn codes(dora: &str, alice: &str) -> Vec<&'static str> {
    let mut world = World::of(&[
        "file A of flask 1.0",
        "key of alice with accounts alice-at-index",
        "key of alice",
        "roles of flask: alice-at-index",
        "import acme, safe-to-deploy as safe-to-deploy",
        "acme: key of dora",
        "acme: dora reviews A as safe-to-deploy",
        "lock A",
    ]);
    // The account stands beside another key of alice's.
    alice.clone_into(&mut world.ledger.keys[1].key);
    dora.clone_into(&mut world.ledger.imports[0].keys[0].key);
    let judgement = world.check().remove(0);
    judgement.ignored.iter().map(|it| NotCounted::code(&it.why)).collect()
}

#[test]
fn a_second_name_is_no_way_round_the_rule_of_roles() {
    assert_eq!(codes(&format!("{SSH} dora@work"), SSH), ["review-own-project"]);
    assert_eq!(codes(SSH, SSH), ["review-own-project"]);
    // Somebody else's key, and two texts that are no keys.
    let other = SSH.replace("INda", "INdb");
    assert_eq!(codes(&other, SSH), [""; 0]);
    assert_eq!(codes("a key", "another key"), [""; 0]);
}

#[test]
fn a_project_on_which_nobody_holds_a_role_is_one_of_unknown_roles() {
    let mut world = World::of(&[
        "file A of flask 1.0",
        "key of alice with accounts alice-at-index",
        "unknown-roles refuse",
        "roles of flask: carol-at-index",
        "alice reviews A as safe-to-deploy",
        "lock A",
    ]);
    assert!(world.passes());
    // What an index says that does not tell roles, or does not want to.
    world.facts.roles[0].accounts.clear();
    let judgement = world.check().remove(0);
    let codes: Vec<_> = judgement.ignored.iter().map(|it| NotCounted::code(&it.why)).collect();
    assert_eq!(codes, ["review-unknown-roles"]);
}
