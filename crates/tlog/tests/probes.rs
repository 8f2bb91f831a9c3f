//! Probes: what a forger would try with a good proof, for every size, and another implementation's
//! verdict on each.
//!
//! The kinds of probes are those that the Go implementation of Certificate Transparency's trees is tested
//! with: other indices, sizes and roots; hashes before, after, in between and cut off.

use countermark_tlog::proof::memory::MemoryNodes;
use countermark_tlog::proof::{self};
use countermark_tlog::{EMPTY_ROOT, Hash, leaf_hash};

const SIZES: [u64; 24] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 300];

fn tree(size: u64) -> MemoryNodes {
    MemoryNodes::of((0..size).map(u64::to_be_bytes))
}

fn theirs(hash: &Hash) -> sigstore_types::Sha256Hash {
    sigstore_types::Sha256Hash::new(*hash.as_bytes())
}

fn all_theirs(hashes: &[Hash]) -> Vec<sigstore_types::Sha256Hash> {
    hashes.iter().map(theirs).collect()
}

#[derive(Clone)]
struct Inclusion {
    leaf: Hash,
    index: u64,
    size: u64,
    proof: Vec<Hash>,
    root: Hash,
}

impl Inclusion {
    fn ours(&self) -> bool {
        proof::verify_inclusion(self.leaf, self.index, self.size, &self.proof, &self.root).is_ok()
    }

    fn theirs(&self) -> bool {
        sigstore_merkle::verify_inclusion_proof(
            &theirs(&self.leaf),
            self.index,
            self.size,
            &all_theirs(&self.proof),
            &theirs(&self.root),
        )
        .is_ok()
    }
}

#[derive(Clone)]
struct Consistency {
    sizes: (u64, u64),
    roots: (Hash, Hash),
    proof: Vec<Hash>,
}

impl Consistency {
    fn ours(&self) -> bool {
        let (old, new) = self.sizes;
        proof::verify_consistency(old, &self.roots.0, new, &self.roots.1, &self.proof).is_ok()
    }

    fn theirs(&self) -> bool {
        let (old, new) = self.sizes;
        let proof = all_theirs(&self.proof);
        sigstore_merkle::verify_consistency_proof(
            old,
            new,
            &proof,
            &theirs(&self.roots.0),
            &theirs(&self.roots.1),
        )
        .is_ok()
    }
}

/// Lists of hashes that are not the one given.
fn other_lists(proof: &[Hash], roots: &[Hash]) -> Vec<(&'static str, Vec<Hash>)> {
    let garbage = leaf_hash(b"garbage");
    let mut lists = vec![
        ("garbage after it", [proof, &[garbage]].concat()),
        ("garbage before it", [&[garbage], proof].concat()),
        ("twice", [proof, proof].concat()),
        ("nothing", Vec::new()),
    ];
    for root in roots {
        lists.push(("a root after it", [proof, &[*root]].concat()));
        lists.push(("a root before it", [&[*root], proof].concat()));
        lists.push(("a root alone", vec![*root]));
    }
    if let [_, rest @ ..] = proof {
        lists.push(("without its first", rest.to_vec()));
        lists.push(("its last replaced", [&proof[..proof.len() - 1], &[garbage]].concat()));
        lists.push(("without its last", proof[..proof.len() - 1].to_vec()));
    }
    for place in 0..proof.len() {
        let mut inserted = proof.to_vec();
        inserted.insert(place, garbage);
        lists.push(("garbage in between", inserted));
        let mut swapped = proof.to_vec();
        swapped.swap(0, place);
        lists.push(("another order", swapped));
        let mut replaced = proof.to_vec();
        replaced[place] = EMPTY_ROOT;
        lists.push(("one replaced", replaced));
    }
    lists.retain(|(_, list)| list != proof);
    lists
}

#[test]
fn probes_of_inclusion() {
    let mut probes = 0;
    for size in SIZES {
        let tree = tree(size);
        for index in [0, 1, size / 3, size / 2, size - 1] {
            let Ok(proof) = proof::prove_inclusion(index, size, &tree) else { continue };
            let leaf = leaf_hash(&index.to_be_bytes());
            let good = Inclusion { leaf, index, size, proof, root: tree.root() };
            assert!(good.ours() && good.theirs(), "{index} of {size}");
            let mut wrong = Vec::new();
            for other in [index.wrapping_sub(1), index + 1, index ^ 2, size, u64::MAX] {
                wrong.push(("another index", Inclusion { index: other, ..good.clone() }));
            }
            for leaf in [EMPTY_ROOT, tree.root(), leaf_hash(b"garbage"), leaf_hash(b"")] {
                if leaf != good.leaf {
                    wrong.push(("another leaf", Inclusion { leaf, ..good.clone() }));
                }
            }
            for root in [EMPTY_ROOT, leaf, leaf_hash(b"garbage")] {
                if root != good.root {
                    wrong.push(("another root", Inclusion { root, ..good.clone() }));
                }
            }
            wrong.push(("no tree", Inclusion { size: 0, ..good.clone() }));
            for (name, proof) in other_lists(&good.proof, &[good.root, leaf]) {
                wrong.push((name, Inclusion { proof, ..good.clone() }));
            }
            for (name, probe) in wrong {
                assert!(!probe.ours(), "{name}: {index} of {size}");
                assert!(!probe.theirs(), "the oracle accepts {name}: {index} of {size}");
                probes += 1;
            }
            // Whether a path fits in another size follows from its shape; both have to agree.
            for other in [size * 2, size / 2, size + 1, size.wrapping_sub(1), size ^ 2] {
                let probe = Inclusion { size: other, ..good.clone() };
                assert_eq!(probe.ours(), probe.theirs(), "{index} of {size}, said {other}");
                probes += 1;
            }
        }
    }
    assert!(probes > 3000, "{probes}");
}

#[test]
fn probes_of_consistency() {
    let mut probes = 0;
    for new in SIZES {
        let tree = tree(new);
        for old in SIZES.into_iter().filter(|old| *old <= new) {
            let roots = (proof::root_of(old, &tree).unwrap(), tree.root());
            let proof = proof::prove_consistency(old, new, &tree).unwrap();
            let good = Consistency { sizes: (old, new), roots, proof };
            assert!(good.ours() && good.theirs(), "{old} {new}");
            let mut wrong = Vec::new();
            let garbage = leaf_hash(b"garbage");
            for other in [
                (EMPTY_ROOT, roots.1),
                (garbage, roots.1),
                (roots.0, EMPTY_ROOT),
                (roots.0, garbage),
                (roots.1, roots.0),
                (garbage, garbage),
            ] {
                let sound = other == roots || (old == new && other.0 == other.1);
                if !sound {
                    wrong.push(("other roots", Consistency { roots: other, ..good.clone() }));
                }
            }
            if old < new {
                let sizes = (new, old);
                wrong.push(("exchanged sizes", Consistency { sizes, ..good.clone() }));
            }
            for (name, proof) in other_lists(&good.proof, &[roots.0, roots.1]) {
                wrong.push((name, Consistency { proof, ..good.clone() }));
            }
            for (name, probe) in wrong {
                assert!(!probe.ours(), "{name}: {old} {new}");
                assert!(!probe.theirs(), "the oracle accepts {name}: {old} {new}");
                probes += 1;
            }
            for sizes in [
                (old - 1, new),
                (old + 1, new),
                (old ^ 2, new),
                (old, new * 2),
                (old, new / 2),
                (old, new + 1),
                (old, new - 1),
            ] {
                let probe = Consistency { sizes, ..good.clone() };
                // Two empty proofs between one size say nothing about the size.
                if sizes.0 != sizes.1 && sizes.0 != 0 {
                    assert_eq!(probe.ours(), probe.theirs(), "{old} {new}, said {sizes:?}");
                    probes += 1;
                }
            }
        }
    }
    assert!(probes > 3000, "{probes}");
}
