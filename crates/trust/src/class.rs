//! The one table from an answer to its class, exit code and HTTP status.

/// What kind of answer an error is. "Rejected" and "could not check" are different, and neither
/// is success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A check said no.
    Rejected,
    /// Arguments, a policy, a lock or another file of the user cannot be used.
    Usage,
    /// Nothing could be decided: unreachable, truncated, no permission, no space.
    Unavailable,
    /// Proof that somebody misbehaved, saved to a file that the message names.
    Alarm,
}

impl Class {
    /// The exit code of the process that ends with this answer.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Rejected => 1,
            Self::Usage => 2,
            Self::Unavailable => 3,
            Self::Alarm => 4,
        }
    }

    /// The answer for many files: an alarm before a rejection before an undecided check. A usage
    /// error is found before any file is looked at, so it wins over everything but an alarm.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        if self.severity() >= other.severity() { self } else { other }
    }

    fn severity(self) -> u8 {
        match self {
            Self::Alarm => 4,
            Self::Usage => 3,
            Self::Rejected => 2,
            Self::Unavailable => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Class::{Alarm, Rejected, Unavailable, Usage};

    #[test]
    fn the_worst_answer_decides() {
        for (left, right, expect) in [
            (Rejected, Unavailable, Rejected),
            (Unavailable, Rejected, Rejected),
            (Alarm, Usage, Alarm),
            (Rejected, Usage, Usage),
            (Unavailable, Unavailable, Unavailable),
        ] {
            assert_eq!(left.worst(right), expect);
        }
    }

    #[test]
    fn exit_codes_are_the_published_ones() {
        assert_eq!(
            [Rejected, Usage, Unavailable, Alarm].map(super::Class::exit_code),
            [1, 2, 3, 4]
        );
    }
}
