//! One run of the monitor: the checkpoint, the entries, what is new, and who is at fault when something does
//! not fit.

use countermark_tlog::note::VerifierKey;
use countermark_trust::Class;
use countermark_trust::log::evidence::Evidence;
use countermark_trust::log::head::Head;
use countermark_trust::log::memory::Seen;
use countermark_trust::log::wire::Entry;

use super::ask::{AskError, Asking};
use super::client::LogClient;
use super::look::LogHead;
use super::monitor::{self, News, ReadError, Watched};
use super::reach::talk;
use crate::report::Problem;

/// What a run found, after everything was verified.
#[derive(Debug)]
pub struct Monitored {
    /// What it rests on.
    pub head: LogHead,
    /// The number of the first entry that was read.
    pub from: u64,
    /// Whether nothing was read before, so that everything is new.
    pub is_first: bool,
    /// Entries about the watched names.
    pub news: Vec<News>,
    /// Alarms, and entries that are no records.
    pub problems: Vec<Problem>,
}

impl LogClient<'_> {
    /// Reads every entry since the last run.
    ///
    /// # Errors
    /// When something does not come, or is not what was signed; an alarm where that is proof against the
    /// log.
    pub fn monitor(&self, watched: &Watched, from_start: bool) -> Result<Monitored, Vec<Problem>> {
        let asking = self.asking()?;
        let (head, seen) = head(&asking).map_err(|error| vec![asking.problem(&error)])?;
        let reading =
            monitor::read(&asking.reach, &asking.state, watched, &head, seen.as_ref(), from_start);
        // The outer result is about the network, the inner one about what came.
        let read = talk(async { Ok(reading.await) });
        let read = read.map_err(|error| vec![asking.problem(&error.into())])?;
        let read = read.map_err(|error| vec![explained(&asking, &head, seen.as_ref(), error)])?;
        let mut monitored = Monitored {
            head: LogHead::of(&head),
            from: read.from,
            is_first: read.is_first,
            problems: Vec::new(),
            news: read.news,
        };
        remember(&asking, &head, seen.as_ref()).map_err(|error| vec![asking.problem(&error)])?;
        monitored.problems.extend(read.unreadable.iter().map(|index| {
            let message = format!("entry {index} of `{}` is no record", head.origin());
            let hint = "it may hide something from those who watch; tell the operator of the log";
            Problem::new("log-bad-record", Class::Rejected, message).with_hint(hint)
        }));
        for news in &monitored.news {
            monitored.problems.extend(alarm(&asking, &head, news)?);
        }
        Ok(monitored)
    }
}

/// The checkpoint, with its signatures, and not behind what was seen last.
fn head(asking: &Asking<'_>) -> Result<(Head, Option<Seen>), AskError> {
    let seen = asking.seen()?;
    let bytes = talk(asking.reach.checkpoint())?;
    let head = Head::open(asking.policy, &bytes, asking.now)?;
    if seen.as_ref().is_some_and(|seen| head.size() <= seen.size()) {
        head.check_follows(asking.policy, seen.as_ref(), &[], asking.now)?;
    }
    Ok((head, seen))
}

/// What was read is what was seen, unless somebody else saw something later meanwhile.
fn remember(asking: &Asking<'_>, head: &Head, seen: Option<&Seen>) -> Result<(), AskError> {
    let turn = asking.state.turn()?;
    if asking.seen()?.as_ref() == seen {
        asking.remember(&turn, head)?;
    }
    Ok(())
}

/// Who is at fault when the entries do not give what was signed.
fn explained(asking: &Asking<'_>, head: &Head, seen: Option<&Seen>, error: ReadError) -> Problem {
    let refused = |problem: Problem| {
        let hint = "nothing of it was used; ask again, from another network too, and tell the operator of \
                    the log";
        problem.with_detail(format!("the log {}", asking.reach.shown())).with_hint(hint)
    };
    let forged =
        |message: String| refused(Problem::new("log-forged-entries", Class::Rejected, message));
    let origin = head.origin();
    match error {
        ReadError::Reach(error) => asking.problem(&error.into()),
        ReadError::Entries(reason) => {
            forged(format!("the entries of `{origin}` are none: {reason}"))
        }
        ReadError::TooMany => refused(Problem::new(
            "log-too-many",
            Class::Rejected,
            format!("`{origin}` has more entries of these names than can be"),
        )),
        ReadError::Root => {
            let before = seen.map_or(0, Seen::size);
            match talk(monitor::growth_proof(&asking.reach, head, before)) {
                Err(error) => asking.problem(&error.into()),
                Ok(Err(reason)) => {
                    let message =
                        format!("the tiles of `{origin}` are not those that it signed: {reason}");
                    refused(Problem::new("log-forged-tiles", Class::Rejected, message))
                }
                Ok(Ok(proof)) => {
                    match head.check_follows(asking.policy, seen, &proof, asking.now) {
                        Err(refused) => asking.problem(&refused.into()),
                        Ok(()) => {
                            let message = format!(
                                "the entries that came are not the {} that `{origin}` signed",
                                head.size()
                            );
                            forged(message)
                        }
                    }
                }
            }
        }
    }
}

/// A second digest that an index observer saw, with the evidence.
fn alarm(asking: &Asking<'_>, head: &Head, news: &News) -> Result<Option<Problem>, Vec<Problem>> {
    let Some((other, text)) = &news.contradicted else { return Ok(None) };
    let mut records = vec![
        Entry { index: *other, record: text.clone() },
        Entry { index: news.index, record: news.record.text() },
    ];
    records.sort_by_key(|entry| entry.index);
    let indices: Vec<u64> = records.iter().map(|entry| entry.index).collect();
    let details: Vec<String> = records
        .iter()
        .map(|entry| {
            format!("entry {}: {}", entry.index, entry.record.trim_end().replace('\n', ", "))
        })
        .collect();
    let proof = talk(monitor::entries_proof(&asking.reach, head, &indices));
    let proof = proof.map_err(|error| vec![asking.problem(&error.into())])?;
    let message = format!("`{}` was seen with two digests", news.record.file());
    let mut problem = Problem::new("equivocation", Class::Alarm, message);
    problem.details = details;
    let keys: Vec<VerifierKey> = asking.policy.keys.iter().map(|key| key.vkey.clone()).collect();
    let evidence = proof.ok().and_then(|proof| {
        let (log, note) = (head.origin(), head.note());
        Evidence::equivocation(log, &keys, note, records, proof, None, asking.now)
    });
    if let Some(evidence) = evidence {
        problem = asking.with_evidence(problem, 0, &evidence);
    }
    let hint = "one of the two is not what you released: compare both with your own files";
    Ok(Some(problem.with_hint(hint)))
}
