//! What records say about a file that is about to be pinned.
//!
//! An answer without a record of the file is never a yes, and neither is a record with a digest of
//! another algorithm, which says nothing about ours.

use countermark_packaging::digest::Digest;

use super::lookup::Logged;
use super::record::ObserverKind;

/// What was found about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement<'a> {
    /// At least one observer saw these bytes, and no observer of an index saw others.
    Seen {
        /// The records that agree.
        by: Vec<&'a Logged>,
        /// What distributions have for the file and is something else: their own build, perhaps.
        differing: Vec<&'a Logged>,
    },
    /// No record can be compared with these bytes.
    NotSeen,
    /// Only distributions have a record, and it is something else. A private rebuild, or another
    /// origin: told, and proof of nothing.
    Differs {
        /// The records.
        found: Vec<&'a Logged>,
    },
    /// An index gave out two files under one name.
    Equivocation(Contradiction<'a>),
}

/// Two digests of one file that cannot both be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contradiction<'a> {
    /// Two observers of an index saw different bytes, or one at two times.
    Records {
        /// The record with the smaller number.
        first: &'a Logged,
        /// The other one.
        second: &'a Logged,
    },
    /// An observer of an index saw other bytes than we have.
    Ours {
        /// The record.
        record: &'a Logged,
    },
}

/// Holds what is about to be pinned against the records of a log. `digests` are those that the pin
/// accepts for this file; only strong ones are compared.
#[must_use]
pub fn judge<'a>(file: &str, digests: &[Digest], records: &'a [Logged]) -> Judgement<'a> {
    let records: Vec<&Logged> = records.iter().filter(|it| it.observation.file() == file).collect();
    let of_index = |it: &Logged| it.observation.observer().kind() == ObserverKind::Index;
    for (number, first) in records.iter().enumerate() {
        for second in &records[number + 1..] {
            if first.observation.contradicts(&second.observation) {
                return Judgement::Equivocation(Contradiction::Records { first, second });
            }
        }
    }
    let (mut by, mut differing) = (Vec::new(), Vec::new());
    for record in records {
        let found = record.observation.digest();
        let mut comparable =
            digests.iter().filter(|digest| digest.algorithm() == found.algorithm()).peekable();
        if comparable.peek().is_none() {
            continue;
        }
        if comparable.any(|digest| digest == found) {
            by.push(record);
        } else if of_index(record) {
            return Judgement::Equivocation(Contradiction::Ours { record });
        } else {
            differing.push(record);
        }
    }
    match (by.is_empty(), differing.is_empty()) {
        (false, _) => Judgement::Seen { by, differing },
        (true, false) => Judgement::Differs { found: differing },
        (true, true) => Judgement::NotSeen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::record::Observation;

    /// `kind observer digest-byte algorithm`.
    fn logged(index: u64, text: &str) -> Logged {
        let [kind, observer, byte, algorithm] =
            text.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let length = if algorithm == "sha256" { 32 } else { 64 };
        let text = format!(
            "observation/v1\nproject a\nfile a-1.tar.gz\ndigest {algorithm}:{}\nsize -\nuploaded -\n\
             observer {kind}:{observer}\nfirst-seen 2026-11-22T08:00:00Z\n",
            byte.repeat(length)
        );
        Logged { index, observation: Observation::parse(text.as_bytes()).unwrap() }
    }

    fn check(records: &[&str], expect: &str) {
        let records: Vec<Logged> =
            records.iter().zip(0..).map(|(text, index)| logged(index, text)).collect();
        let ours = Digest::parse(&format!("sha256:{}", "aa".repeat(32))).unwrap();
        let numbers = |records: &[&Logged]| -> String {
            records.iter().map(|it| it.index.to_string()).collect::<Vec<_>>().join(",")
        };
        let found = match judge("a-1.tar.gz", &[ours], &records) {
            Judgement::Seen { by, differing } => {
                format!("seen {} not {}", numbers(&by), numbers(&differing))
            }
            Judgement::NotSeen => "not seen".to_owned(),
            Judgement::Differs { found } => format!("differs {}", numbers(&found)),
            Judgement::Equivocation(Contradiction::Records { first, second }) => {
                format!("records {} {}", first.index, second.index)
            }
            Judgement::Equivocation(Contradiction::Ours { record }) => {
                format!("ours {}", record.index)
            }
        };
        assert_eq!(found, expect, "{records:?}");
    }

    #[test]
    fn records_say_yes_no_nothing_or_prove_something() {
        check(&[], "not seen");
        check(&["index one.org aa sha256"], "seen 0 not ");
        check(&["distribution one.org aa sha256"], "seen 0 not ");
        check(&["index one.org aa sha256", "index two.org aa sha256"], "seen 0,1 not ");
        check(&["index one.org bb sha256"], "ours 0");
        check(&["distribution one.org bb sha256"], "differs 0");
        check(&["distribution one.org bb sha256", "index two.org aa sha256"], "seen 1 not 0");
        check(&["distribution one.org bb sha256", "index two.org bb sha256"], "ours 1");
        check(&["distribution one.org bb sha256", "distribution two.org cc sha256"], "differs 0,1");
        check(&["index one.org aa sha256", "index two.org bb sha256"], "records 0 1");
        check(&["index one.org bb sha256", "index one.org cc sha256"], "records 0 1");
        // Another algorithm says nothing about our digest, but two of it contradict each other.
        check(&["index one.org bb sha512"], "not seen");
        check(&["index one.org bb sha512", "index one.org aa sha256"], "seen 1 not ");
        check(&["index one.org bb sha512", "index one.org cc sha512"], "records 0 1");
    }

    #[test]
    fn a_record_of_another_file_says_nothing() {
        let records = [logged(0, "index one.org aa sha256")];
        let digests = [records[0].observation.digest().clone()];
        assert!(matches!(judge("a-1.tar.gz", &digests, &records), Judgement::Seen { .. }));
        assert_eq!(judge("a-2.tar.gz", &digests, &records), Judgement::NotSeen);
        assert_eq!(judge("a-1.tar.gz", &[], &records), Judgement::NotSeen);
        // A pin that accepts several digests is content with any of them.
        let more =
            [Digest::parse(&format!("sha256:{}", "bb".repeat(32))).unwrap(), digests[0].clone()];
        assert!(matches!(judge("a-1.tar.gz", &more, &records), Judgement::Seen { .. }));
    }
}
