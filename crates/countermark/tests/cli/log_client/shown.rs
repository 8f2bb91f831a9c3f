//! Names that others chose, on the terminal of whoever looks at them.

use countermark_tlog::checkpoint::Checkpoint;
use countermark_tlog::hash::leaf_hash;
use countermark_tlog::note::{KeyType, SignerKey};
use countermark_trust::log::evidence::Evidence;
use jiff::Timestamp;

use crate::support::World;

/// An accuser chooses the name of the log and of its key. Signed with it, the evidence is in order.
#[test]
fn the_names_in_evidence_act_on_no_terminal() {
    let origin = "log.example.org\u{202e}gro.elpmaxe";
    let key = SignerKey::from_seed(origin, KeyType::Ed25519, &[7; 32]).expect("a key");
    let note = |entry: &[u8]| {
        let checkpoint = Checkpoint::new(origin, 1, leaf_hash(entry)).expect("a checkpoint");
        checkpoint.sign(&[&key]).expect("a signature").note().to_text()
    };
    let (notes, keys) = ([note(b"a"), note(b"b")], [key.verifier().clone()]);
    let evidence = Evidence::fork(origin, &keys, &notes, &[], Timestamp::UNIX_EPOCH);
    let world = World::new();
    world.write("fork.json", evidence.expect("two histories").write());
    let run = world.run(&["log", "convict", "fork.json"]);
    run.expect(0).says("signed two histories").says("\\u{202e}gro").never_says("\u{202e}");
}
