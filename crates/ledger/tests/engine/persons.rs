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
