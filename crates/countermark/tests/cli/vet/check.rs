//! `vet` alone: does every file meet its criteria?

use crate::support::World;

#[test]
fn a_folder_without_a_lock_is_told() {
    World::new().run(&["vet"]).expect(2);
}
