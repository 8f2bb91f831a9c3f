//! That an older tree is the beginning of a newer one: nothing was changed or taken away.

use super::{Nodes, ProofError, ProveError, range_root, split};
use crate::hash::{EMPTY_ROOT, Hash, MAXIMUM_SIZE, node_hash};

/// The proof of [RFC 6962, section 2.1.2](https://www.rfc-editor.org/rfc/rfc6962.html#section-2.1.2)
/// that the tree of `old_size` leaves is the beginning of the tree of `new_size` leaves. It is empty
/// where there is nothing to prove: the older tree is empty, or both have one size.
pub fn prove_consistency<N: Nodes>(
    old_size: u64,
    new_size: u64,
    nodes: &N,
) -> Result<Vec<Hash>, ProveError<N::Error>> {
    let mut proof = prove_prefix(old_size, new_size, nodes)?;
    // Whoever checks knows the root of the older tree, so a subtree that is all of it is left out.
    if old_size.is_power_of_two() && !proof.is_empty() {
        proof.remove(0);
    }
    Ok(proof)
}

/// The same proof with the older tree's subtree written out where [`prove_consistency`] leaves it
/// out (the older size is a power of two). Only so do *both* roots follow from the proof itself, see
/// [`roots_of_consistency`]; it is the form in which a fork is proved.
pub fn prove_prefix<N: Nodes>(
    old_size: u64,
    new_size: u64,
    nodes: &N,
) -> Result<Vec<Hash>, ProveError<N::Error>> {
    if old_size > new_size || new_size > MAXIMUM_SIZE {
        return Err(ProveError::Range { wanted: old_size, size: new_size });
    }
    if old_size == 0 || old_size == new_size {
        return Ok(Vec::new());
    }
    let mut ranges = Vec::new();
    let (mut start, mut end) = (0, new_size);
    while old_size != end {
        let middle = start + split(end - start);
        if old_size <= middle {
            ranges.push((middle, end));
            end = middle;
        } else {
            ranges.push((start, middle));
            start = middle;
        }
    }
    ranges.push((start, end));
    let hashes = ranges.into_iter().rev().map(|(start, end)| range_root(nodes, start, end));
    hashes.collect::<Result<_, _>>().map_err(ProveError::Nodes)
}

/// Checks that the older tree is the beginning of the newer one. That the newer root fits and the older
/// one does not is told as [`ProofError::OldRoot`].
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old_size > new_size || new_size > MAXIMUM_SIZE {
        return Err(ProofError::Range { wanted: old_size, size: new_size });
    }
    if old_size == 0 || old_size == new_size {
        if !proof.is_empty() {
            return Err(ProofError::Length { expected: 0, found: proof.len() });
        }
        let expected = if old_size == 0 { &EMPTY_ROOT } else { new_root };
        if old_root != expected {
            return Err(ProofError::OldRoot { expected: *old_root, computed: *expected });
        }
        // An empty tree has one root only, and any other tree begins with it.
        if new_size == 0 && *new_root != EMPTY_ROOT {
            return Err(ProofError::Root { expected: *new_root, computed: EMPTY_ROOT });
        }
        return Ok(());
    }
    let written_out;
    let proof = if old_size.is_power_of_two() {
        written_out = with_prefix(old_size, old_root, proof);
        &written_out
    } else {
        proof
    };
    let (old, new) = match roots_of_consistency(old_size, new_size, proof) {
        // The caller sent one hash less.
        Err(ProofError::Length { expected, found }) if old_size.is_power_of_two() => {
            return Err(ProofError::Length { expected: expected - 1, found: found - 1 });
        }
        roots => roots?,
    };
    if new != *new_root {
        return Err(ProofError::Root { expected: *new_root, computed: new });
    }
    if old != *old_root {
        return Err(ProofError::OldRoot { expected: *old_root, computed: old });
    }
    Ok(())
}

/// Writes the root of the older tree before a proof of [`prove_consistency`], where it was left out: the
/// form that [`roots_of_consistency`] reads.
#[must_use]
pub fn with_prefix(old_size: u64, old_root: &Hash, proof: &[Hash]) -> Vec<Hash> {
    let prefix = old_size.is_power_of_two().then_some(*old_root);
    prefix.into_iter().chain(proof.iter().copied()).collect()
}

/// The roots of the older and of the newer tree that follow from a proof in the form of
/// [`prove_prefix`], which is that of RFC 6962 unless the older size is a power of two.
///
/// If the newer root is the one that a log signed and the older one is not the one that it signed for
/// that size, then the log has forked, and the proof is the evidence: who can find a second proof that
/// gives the newer root has found a collision of SHA-256.
pub fn roots_of_consistency(
    old_size: u64,
    new_size: u64,
    proof: &[Hash],
) -> Result<(Hash, Hash), ProofError> {
    if old_size > new_size || new_size > MAXIMUM_SIZE {
        return Err(ProofError::Range { wanted: old_size, size: new_size });
    }
    if old_size == 0 || old_size == new_size {
        return Err(ProofError::NoRoots { old_size, new_size });
    }
    // The last leaf of the older tree and its subtree, of 2^shift leaves, from which the proof starts.
    let last = old_size - 1;
    let shift = last.trailing_ones();
    // Where the paths of the two last leaves part. There the older one has a zero, so this is above the
    // trailing ones.
    let inner = 64 - (last ^ (new_size - 1)).leading_zeros();
    let below = inner - shift;
    let border = (last >> inner).count_ones();
    let expected = 1 + (below + border) as usize;
    if proof.len() != expected {
        return Err(ProofError::Length { expected, found: proof.len() });
    }
    let (mut old, mut new) = (proof[0], proof[0]);
    let (path, above) = proof[1..].split_at(below as usize);
    for (step, hash) in path.iter().enumerate() {
        if last >> (shift as usize + step) & 1 == 1 {
            old = node_hash(hash, &old);
            new = node_hash(hash, &new);
        } else {
            new = node_hash(&new, hash);
        }
    }
    for hash in above {
        old = node_hash(hash, &old);
        new = node_hash(hash, &new);
    }
    Ok((old, new))
}
