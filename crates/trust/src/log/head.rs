//! The head of a log under a policy: whose signatures it has, when it was made, and whether it
//! continues what was seen before.
//!
//! The steps are those of [tlog-proof](https://c2sp.org/tlog-proof), "Verifying a tlog proof", 2 and 3,
//! with the times of cosignatures as the age of the checkpoint. What no witness has signed is the log's
//! own word.

use countermark_tlog::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use countermark_tlog::cosignature::Timestamped;
use countermark_tlog::hash::Hash;
use countermark_tlog::note::{NoteError, VerifierKey};
use countermark_tlog::proof::{ProofError, roots_of_consistency, with_prefix};
use jiff::{SignedDuration, Timestamp};

use super::evidence::Evidence;
use super::memory::Seen;
use super::policy::LogPolicy;
use super::refused::Refused;
use crate::policy::show_age;

/// How far the clocks of others may be ahead of ours.
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// A checkpoint that is signed and cosigned as the policy asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    signed: SignedCheckpoint,
    witnesses: Vec<Timestamped>,
    time: Option<Timestamp>,
}

/// On which day a key has to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Today, and the checkpoint may not be too old.
    Now,
    /// On the day of the checkpoint, which may be long ago.
    Then,
}

impl Head {
    /// Reads a checkpoint and holds it against the policy: a key of the log that counts now signed it,
    /// enough witnesses cosigned it, it is neither too old nor from the future. Whether it continues
    /// what was seen before is another question, [`Self::check_follows`].
    ///
    /// # Errors
    /// [`Refused`].
    pub fn open(policy: &LogPolicy, bytes: &[u8], now: Timestamp) -> Result<Self, Refused> {
        Self::open_at(policy, bytes, now, When::Now)
    }

    pub(super) fn open_at(
        policy: &LogPolicy,
        bytes: &[u8],
        now: Timestamp,
        when: When,
    ) -> Result<Self, Refused> {
        let origin = policy.origin().ok_or(Refused::NoLog)?;
        let keys: Vec<VerifierKey> = policy.keys.iter().map(|key| key.vkey.clone()).collect();
        let counting: Vec<VerifierKey> =
            policy.keys.iter().filter(|key| key.counts(now)).map(|key| key.vkey.clone()).collect();
        let signed = match when {
            When::Now => SignedCheckpoint::open(bytes, origin, &counting),
            When::Then => SignedCheckpoint::open(bytes, origin, &keys),
        };
        let signed = signed.map_err(|error| match error {
            CheckpointError::Note(NoteError::Unsigned)
                if SignedCheckpoint::open(bytes, origin, &keys).is_ok() =>
            {
                Refused::KeyOutOfTime { origin: origin.to_owned(), day: day(now) }
            }
            error => refused(origin, error),
        })?;
        let witnesses = signed
            .cosignatures(&policy.witnesses)
            .map_err(|source| Refused::BadSignature { origin: origin.to_owned(), source })?;
        let (witnesses, time) = attested(policy, &signed, witnesses, now)?;
        let head = Self { signed, witnesses, time };
        match when {
            When::Now => head.check_age(policy, now)?,
            When::Then => head.check_key_then(policy, now)?,
        }
        Ok(head)
    }

    fn check_age(&self, policy: &LogPolicy, now: Timestamp) -> Result<(), Refused> {
        let Some(allowed) = policy.maximum_age else { return Ok(()) };
        let origin = || self.origin().to_owned();
        let time = self.time.ok_or_else(|| Refused::NoTime { origin: origin() })?;
        if now.duration_since(time) > allowed {
            return Err(Refused::Stale { origin: origin(), time, allowed: show_age(allowed) });
        }
        Ok(())
    }

    /// That a key signed that counted when the checkpoint was made; today, where nobody says when.
    fn check_key_then(&self, policy: &LogPolicy, now: Timestamp) -> Result<(), Refused> {
        let then = self.time.unwrap_or(now);
        let has_signed = |key: &VerifierKey| self.signed.signed().iter().any(|it| it.key == *key);
        if policy.keys.iter().any(|key| key.counts(then) && has_signed(&key.vkey)) {
            return Ok(());
        }
        Err(Refused::KeyOutOfTime { origin: self.origin().to_owned(), day: day(then) })
    }

    /// Whether the log has only grown since it was seen last. `consistency` is the proof from there to
    /// here; the smaller tree's root may be left out of it where RFC 6962 leaves it out.
    ///
    /// # Errors
    /// [`Refused`], with evidence where two signed views exclude each other.
    pub fn check_follows(
        &self,
        policy: &LogPolicy,
        seen: Option<&Seen>,
        consistency: &[Hash],
        now: Timestamp,
    ) -> Result<(), Refused> {
        let origin = || self.origin().to_owned();
        let before = seen.map_or(0, Seen::size);
        let wrong = |source| Refused::NotConsistent { origin: origin(), seen: before, source };
        let Some(seen) = seen.filter(|seen| seen.size() > 0) else {
            return no_hashes(consistency).map_err(wrong);
        };
        if self.size() < before {
            return Err(self.rolled_back(policy, seen, now));
        }
        if self.size() == before {
            if seen.root() == self.root() {
                return no_hashes(consistency).map_err(wrong);
            }
            return Err(self.fork(policy, seen, &[], now));
        }
        let (old, new, proof) = roots(seen, self.size(), consistency).map_err(wrong)?;
        if new != *self.root() {
            return Err(wrong(ProofError::Root { expected: *self.root(), computed: new }));
        }
        if old != *seen.root() {
            return Err(self.fork(policy, seen, &proof, now));
        }
        Ok(())
    }

    /// That the log is smaller than it was, with the evidence if it says that this is the later view.
    fn rolled_back(&self, policy: &LogPolicy, seen: &Seen, now: Timestamp) -> Refused {
        let keys: Vec<VerifierKey> = policy.keys.iter().map(|key| key.vkey.clone()).collect();
        let larger = seen.text().to_owned();
        let evidence = Evidence::rolled_back(self.origin(), &keys, self.note(), larger, now);
        Refused::RolledBack {
            origin: self.origin().to_owned(),
            seen: seen.size(),
            found: self.size(),
            evidence: evidence.into_iter().collect(),
        }
    }

    /// That the log has two views, with the evidence. What was seen before may have been signed by a key
    /// whose days are over: that it signed two views is true all the same.
    fn fork(&self, policy: &LogPolicy, seen: &Seen, proof: &[Hash], now: Timestamp) -> Refused {
        let keys: Vec<VerifierKey> = policy.keys.iter().map(|key| key.vkey.clone()).collect();
        let notes = [seen.text().to_owned(), self.note()];
        let mut evidence = Vec::new();
        evidence.extend(Evidence::fork(self.origin(), &keys, &notes, proof, now));
        if evidence.is_empty() {
            return Refused::OtherTree {
                origin: self.origin().to_owned(),
                seen: seen.size(),
                remembered: *seen.root(),
            };
        }
        for witness in &policy.witnesses {
            evidence.extend(Evidence::witness(self.origin(), witness, &notes, proof, now));
        }
        let (origin, seen, found) = (self.origin().to_owned(), seen.size(), self.size());
        Refused::Fork { origin, seen, found, evidence }
    }

    /// The log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.signed.checkpoint().origin()
    }

    /// How many entries it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.signed.size()
    }

    /// The root of its tree.
    #[must_use]
    pub fn root(&self) -> &Hash {
        self.signed.root()
    }

    /// What was signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        self.signed.checkpoint()
    }

    /// The signed text.
    #[must_use]
    pub fn note(&self) -> String {
        self.signed.note().to_text()
    }

    /// The witnesses that the policy lists and that cosigned, each once.
    #[must_use]
    pub fn witnesses(&self) -> &[Timestamped] {
        &self.witnesses
    }

    /// When it was made: the newest time at which as many witnesses had seen it as the policy asks for,
    /// or what the log says itself where the policy lists none.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// What to remember of it, once it is known to continue what was seen before.
    #[must_use]
    pub fn to_seen(&self) -> Seen {
        Seen::new(self.signed.note(), self.signed.checkpoint())
    }
}

/// The witnesses that count, and the time of the checkpoint.
fn attested(
    policy: &LogPolicy,
    signed: &SignedCheckpoint,
    mut witnesses: Vec<Timestamped>,
    now: Timestamp,
) -> Result<(Vec<Timestamped>, Option<Timestamp>), Refused> {
    let origin = || signed.checkpoint().origin().to_owned();
    let from_future = |time: Timestamp| now.duration_since(time) < -TOLERANCE;
    let quorum = policy.quorum;
    if quorum == 0 {
        let time = signed.checkpoint().stated_time().map(moment);
        return match time.filter(|time| from_future(*time)) {
            Some(time) => Err(Refused::FromFuture { origin: origin(), time, now }),
            None => Ok((witnesses, time)),
        };
    }
    let found = witnesses.len();
    let latest = witnesses.iter().map(|it| moment(it.time)).max();
    // The clock of one witness may be wrong; it does not count then, and the others may suffice.
    witnesses.retain(|it| !from_future(moment(it.time)));
    if witnesses.len() < quorum {
        return Err(match latest.filter(|_| found >= quorum) {
            Some(time) => Refused::FromFuture { origin: origin(), time, now },
            None => Refused::TooFewWitnesses { origin: origin(), found, quorum },
        });
    }
    witnesses.sort_by_key(|it| std::cmp::Reverse(it.time));
    let time = witnesses.get(quorum - 1).map(|it| moment(it.time));
    Ok((witnesses, time))
}

/// Seconds since 1970 as a time; what is too far away for one is the last of all times.
fn moment(seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

fn day(time: Timestamp) -> jiff::civil::Date {
    time.to_zoned(jiff::tz::TimeZone::UTC).date()
}

fn no_hashes(proof: &[Hash]) -> Result<(), ProofError> {
    if proof.is_empty() {
        return Ok(());
    }
    Err(ProofError::Length { expected: 0, found: proof.len() })
}

/// Both roots that follow from a consistency proof, and the proof in the form from which they follow.
fn roots(
    seen: &Seen,
    size: u64,
    consistency: &[Hash],
) -> Result<(Hash, Hash, Vec<Hash>), ProofError> {
    let proof = match roots_of_consistency(seen.size(), size, consistency) {
        Ok((old, new)) => return Ok((old, new, consistency.to_vec())),
        Err(ProofError::Length { expected, found })
            if seen.size().is_power_of_two() && found + 1 == expected =>
        {
            with_prefix(seen.size(), seen.root(), consistency)
        }
        Err(error) => return Err(error),
    };
    let (old, new) = roots_of_consistency(seen.size(), size, &proof)?;
    Ok((old, new, proof))
}

/// An error of the signed text as a refusal.
fn refused(origin: &str, error: CheckpointError) -> Refused {
    match error {
        CheckpointError::Note(
            source @ (NoteError::Signature { .. }
            | NoteError::Unsigned
            | NoteError::Ambiguous { .. }
            | NoteError::SignsOtherwise { .. }),
        ) => Refused::BadSignature { origin: origin.to_owned(), source },
        error => Refused::BadCheckpoint(error),
    }
}
