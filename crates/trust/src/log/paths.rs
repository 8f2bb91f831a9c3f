//! The hashes of a tree that follow from some of its leaves and their common proof, so that a shorter
//! proof can be made of a longer one: for one record, or for the records of an accusation.

use std::collections::HashMap;

use countermark_tlog::hash::{Hash, node_hash};

/// The hash over the leaves from one number to before another, for each range that is known.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    size: u64,
    hashes: HashMap<(u64, u64), Hash>,
}

impl Paths {
    /// From leaves in ascending order and the proof for all of them, which was verified.
    pub(super) fn new(leaves: &[(u64, Hash)], size: u64, proof: &[Hash]) -> Self {
        let mut paths = Self { size, hashes: HashMap::new() };
        if !leaves.is_empty() {
            paths.walk(leaves, 0, size, &mut proof.iter());
        }
        paths
    }

    /// The same recursion that verified the proof; it is as deep as the tree is high.
    fn walk<'a>(
        &mut self,
        leaves: &[(u64, Hash)],
        start: u64,
        end: u64,
        proof: &mut impl Iterator<Item = &'a Hash>,
    ) -> Option<Hash> {
        let hash = match leaves {
            [] => *proof.next()?,
            [(_, leaf)] if end - start == 1 => *leaf,
            _ => {
                let middle = split(start, end);
                let (left, right) =
                    leaves.split_at(leaves.partition_point(|(index, _)| *index < middle));
                let left = self.walk(left, start, middle, proof)?;
                let right = self.walk(right, middle, end, proof)?;
                node_hash(&left, &right)
            }
        };
        self.hashes.insert((start, end), hash);
        Some(hash)
    }

    /// The inclusion proof of one leaf, from its sibling up to the child of the root. None where
    /// its path is not known.
    pub(super) fn inclusion(&self, index: u64) -> Option<Vec<Hash>> {
        let (mut start, mut end) = (0, self.size);
        let mut path = Vec::new();
        if index >= end {
            return None;
        }
        while end - start > 1 {
            let middle = split(start, end);
            if index < middle {
                path.push(*self.hashes.get(&(middle, end))?);
                end = middle;
            } else {
                path.push(*self.hashes.get(&(start, middle))?);
                start = middle;
            }
        }
        path.reverse();
        self.hashes.contains_key(&(start, end)).then_some(path)
    }

    /// The common proof of some of the leaves, in ascending order.
    pub(super) fn batch(&self, indices: &[u64]) -> Option<Vec<Hash>> {
        let mut proof = Vec::new();
        if !indices.is_empty() {
            self.collect(indices, 0, self.size, &mut proof)?;
        }
        Some(proof)
    }

    fn collect(&self, indices: &[u64], start: u64, end: u64, proof: &mut Vec<Hash>) -> Option<()> {
        if indices.is_empty() {
            proof.push(*self.hashes.get(&(start, end))?);
        } else if end - start > 1 {
            let middle = split(start, end);
            let (left, right) = indices.split_at(indices.partition_point(|index| *index < middle));
            self.collect(left, start, middle, proof)?;
            self.collect(right, middle, end, proof)?;
        }
        Some(())
    }
}

/// Where a range of at least two leaves is split: after the largest power of two that is smaller.
fn split(start: u64, end: u64) -> u64 {
    start + (1 << (63 - (end - start - 1).leading_zeros()))
}

#[cfg(test)]
mod tests {
    use countermark_tlog::hash::leaf_hash;
    use countermark_tlog::proof::memory::MemoryNodes;
    use countermark_tlog::proof::{batch, prove_inclusion};

    use super::*;

    #[test]
    fn shorter_proofs_are_those_that_the_tree_gives() {
        for size in 1..=33_u64 {
            let entries: Vec<String> = (0..size).map(|number| number.to_string()).collect();
            let tree = MemoryNodes::of(&entries);
            let leaf = |index: u64| leaf_hash(entries[index as usize].as_bytes());
            for wanted in [vec![0], (0..size).step_by(3).collect(), (0..size).collect::<Vec<_>>()] {
                let proof = batch::prove(&wanted, size, &tree).unwrap();
                let leaves: Vec<_> = wanted.iter().map(|index| (*index, leaf(*index))).collect();
                let paths = Paths::new(&leaves, size, &proof);
                for index in &wanted {
                    let expect = prove_inclusion(*index, size, &tree).unwrap();
                    assert_eq!(paths.inclusion(*index), Some(expect), "{index} of {size}");
                }
                let some: Vec<u64> = wanted.iter().copied().step_by(2).collect();
                let expect = batch::prove(&some, size, &tree).unwrap();
                assert_eq!(paths.batch(&some), Some(expect), "{some:?} of {size}");
                assert_eq!(paths.inclusion(size), None);
            }
        }
    }

    #[test]
    fn leaves_below_what_is_known_have_no_proof() {
        let tree = MemoryNodes::of(["a", "b", "c", "d", "e"]);
        let leaves = [(1, leaf_hash(b"b"))];
        let paths = Paths::new(&leaves, 5, &batch::prove(&[1], 5, &tree).unwrap());
        // Of both only the hash over them is known.
        assert_eq!(paths.inclusion(2), None);
        assert_eq!(paths.inclusion(3), None);
        assert_eq!(paths.batch(&[2]), None);
        assert_eq!(paths.batch(&[1, 3]), None);
        assert_eq!(Paths::new(&[], 5, &[]).inclusion(0), None);
    }
}
