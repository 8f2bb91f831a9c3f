//! Sets of releases, by their position among those that a project has.
//!
//! The resolver reasons about sets of versions: are these two disjoint, does this one lie in that
//! one. Ranges of PEP 440 have no exact answer to that (`>1.0` leaves out `1.0.post1`, `==1.0`
//! takes `1.0+cpu`, `===` compares texts), but what exists on an index is a finite list, and
//! `VersionSpecifiers::contains` answers for each member of it. So a set is written down as
//! positions in the sorted list of what exists, and every operation on sets is exact.

use std::fmt;

use pubgrub::VersionSet;

/// A set of positions: the numbers at which membership changes, strictly increasing. An odd number
/// of them means that the set has no end. Each set has one form only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Positions(Vec<u32>);

impl Positions {
    /// The positions below `count` for which `accepts` is true; everything when it is true for
    /// all of them (also where there are none), so that sets of one meaning are equal.
    pub(super) fn collect(count: u32, mut accepts: impl FnMut(u32) -> bool) -> Self {
        let mut changes = Vec::new();
        let mut inside = false;
        for position in 0..count {
            if accepts(position) != inside {
                inside = !inside;
                changes.push(position);
            }
        }
        if count == 0 {
            return Self::full();
        }
        if inside && changes != [0] {
            changes.push(count);
        }
        Self(changes)
    }

    /// The positions from `start` to before `end`, of `count`; everything when those are all.
    pub(super) fn run(start: u32, end: u32, count: u32) -> Self {
        match start < end {
            _ if start == 0 && end == count => Self::full(),
            true => Self(vec![start, end]),
            false => Self::empty(),
        }
    }

    /// The one member, if there is exactly one.
    pub(super) fn single(&self) -> Option<u32> {
        match self.0[..] {
            [only, next] if next == only + 1 => Some(only),
            _ => None,
        }
    }

    /// The members below `count`, in increasing order.
    pub(super) fn below(&self, count: u32) -> impl DoubleEndedIterator<Item = u32> + '_ {
        self.0.chunks(2).flat_map(move |run| {
            let end = run.get(1).copied().unwrap_or(count).min(count);
            run[0].min(end)..end
        })
    }

    fn is_member(&self, position: u32) -> bool {
        self.0.partition_point(|&change| change <= position) % 2 == 1
    }
}

impl VersionSet for Positions {
    type V = u32;

    fn empty() -> Self {
        Self(Vec::new())
    }

    fn singleton(position: u32) -> Self {
        Self(vec![position, position + 1])
    }

    fn complement(&self) -> Self {
        match self.0.split_first() {
            Some((0, rest)) => Self(rest.to_vec()),
            _ => Self([0].into_iter().chain(self.0.iter().copied()).collect()),
        }
    }

    fn intersection(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        let (mut in_left, mut in_right, mut inside) = (false, false, false);
        let mut changes = Vec::new();
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(&&a), Some(&&b)) => a.min(b),
                (Some(&&a), None) => a,
                (None, Some(&&b)) => b,
                (None, None) => return Self(changes),
            };
            in_left ^= left.next_if(|&&change| change == next).is_some();
            in_right ^= right.next_if(|&&change| change == next).is_some();
            if (in_left && in_right) != inside {
                inside = !inside;
                changes.push(next);
            }
        }
    }

    fn contains(&self, position: &u32) -> bool {
        self.is_member(*position)
    }

    fn full() -> Self {
        Self(vec![0])
    }
}

/// Only for the log of the solver.
impl fmt::Display for Positions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, run) in self.0.chunks(2).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            match run {
                [start, end] => write!(formatter, "{separator}{start}..{end}")?,
                _ => write!(formatter, "{separator}{}..", run[0])?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const COUNT: u32 = 12;

    fn of(members: &[bool]) -> Positions {
        let count = u32::try_from(members.len()).unwrap();
        Positions::collect(count, |position| members[position as usize])
    }

    fn members(set: &Positions) -> Vec<bool> {
        (0..COUNT).map(|position| set.contains(&position)).collect()
    }

    proptest! {
        #[test]
        fn sets_are_what_they_were_made_of(a in vec(any::<bool>(), COUNT as usize)) {
            let set = of(&a);
            prop_assert_eq!(members(&set), a.clone());
            let listed: Vec<u32> = (0..COUNT).filter(|&p| a[p as usize]).collect();
            prop_assert_eq!(set.below(COUNT).collect::<Vec<_>>(), listed.clone());
            prop_assert_eq!(set.below(COUNT).rev().collect::<Vec<_>>(),
                listed.iter().rev().copied().collect::<Vec<_>>());
            if a.iter().any(|in_it| !in_it) {
                prop_assert_eq!(set.single(), (listed.len() == 1).then(|| listed[0]));
            }
        }

        #[test]
        fn operations_are_those_of_sets(
            a in vec(any::<bool>(), COUNT as usize), b in vec(any::<bool>(), COUNT as usize),
        ) {
            let (left, right) = (of(&a), of(&b));
            let zip = |f: fn(bool, bool) -> bool| -> Vec<bool> {
                a.iter().zip(&b).map(|(&a, &b)| f(a, b)).collect()
            };
            prop_assert_eq!(members(&left.intersection(&right)), zip(|a, b| a && b));
            prop_assert_eq!(members(&left.union(&right)), zip(|a, b| a || b));
            prop_assert_eq!(members(&left.complement()), zip(|a, _| !a));
            prop_assert_eq!(left.complement().complement(), left.clone());
            prop_assert_eq!(left.is_disjoint(&right), left.intersection(&right).0.is_empty());
            prop_assert_eq!(
                left.subset_of(&right), left.intersection(&right.complement()).0.is_empty()
            );
        }
    }

    #[test]
    fn everything_that_exists_is_everything() {
        assert_eq!(of(&[true; 3]), Positions::full());
        assert_eq!(Positions::collect(0, |_| false), Positions::full());
        assert_eq!(of(&[false; 3]), Positions::empty());
        assert_eq!(of(&[false, true]), Positions::singleton(1));
    }
}
