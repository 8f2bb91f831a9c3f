//! What a log answers, honest or not.

use countermark_packaging::digest::{Digest, Sha256};
use countermark_tlog::checkpoint::Checkpoint;
use countermark_tlog::cosignature;
use countermark_tlog::hash::leaf_hash;
use countermark_tlog::note::{KeyType, SignerKey};
use countermark_tlog::proof::memory::MemoryNodes;
use countermark_tlog::proof::{batch, prove_prefix, root_of};
use countermark_tlog::tile::{Bundle, Tile};
use countermark_trust::log::record::Observation;
use countermark_trust::log::wire::{Description, Entry, LookupAnswer, LookupRequest};

use super::scenario::{Lie, LogScenario};

/// What is sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub code: u16,
    /// `Content-Type`.
    pub kind: &'static str,
    /// `Cache-Control`.
    pub cache: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// A tree that a log shows: its own, or another one.
#[derive(Debug)]
struct View {
    records: Vec<Observation>,
    entries: Vec<String>,
    tree: MemoryNodes,
}

impl View {
    fn new(records: &[Observation]) -> Self {
        let entries: Vec<String> = records.iter().map(Observation::text).collect();
        let tree = MemoryNodes::of(&entries);
        Self { records: records.to_vec(), entries, tree }
    }
}

/// A log without sockets: a scenario with its trees.
#[derive(Debug)]
pub struct Log {
    pub(super) scenario: LogScenario,
    honest: View,
    other: Option<View>,
    /// How many answers with a checkpoint were given.
    answered: usize,
}

impl Log {
    /// A log that did not answer anything yet.
    #[must_use]
    pub fn new(scenario: LogScenario) -> Self {
        let other = scenario.lies.iter().find_map(|lie| match lie {
            Lie::Fork { records, .. } => Some(View::new(records)),
            _ => None,
        });
        Self { honest: View::new(&scenario.records), scenario, other, answered: 0 }
    }

    fn lies(&self, lie: &Lie) -> bool {
        self.scenario.lies.contains(lie)
    }

    /// Answers a request. What a server does besides, such as being slow, it does not do.
    pub fn answer(&mut self, method: &str, path: &str, body: &[u8]) -> Answer {
        match (method, path.trim_start_matches('/')) {
            ("POST", "lookup") => {
                self.answered += 1;
                self.lookup(body)
            }
            ("GET", "checkpoint") => {
                self.answered += 1;
                text(self.checkpoint(), "text/plain; charset=utf-8", "no-cache")
            }
            ("GET", "log.json") => text(self.description(), "application/json", "no-cache"),
            ("GET", path) => self.tile(path).unwrap_or_else(not_found),
            _ => not_found(),
        }
    }

    /// The tree that is shown now, and how much of it.
    fn view(&self) -> (&View, u64, bool) {
        let mut shown = (&self.honest, self.honest.tree.size(), true);
        for lie in &self.scenario.lies {
            match lie {
                Lie::Fork { after, .. } if self.answered > *after => {
                    // It was made from the same lie.
                    if let Some(other) = &self.other {
                        shown = (other, other.tree.size(), false);
                    }
                }
                Lie::Rollback { after, size } if self.answered > *after => {
                    shown.1 = (*size).min(shown.1);
                }
                _ => {}
            }
        }
        shown
    }

    fn checkpoint(&self) -> String {
        let (view, size, is_honest) = self.view();
        let mut seconds = self.scenario.now.as_second();
        for lie in &self.scenario.lies {
            match lie {
                Lie::Stale(time) => seconds -= time.as_secs().cast_signed(),
                Lie::Future(time) => seconds += time.as_secs().cast_signed(),
                _ => {}
            }
        }
        let seconds = u64::try_from(seconds).unwrap_or_default();
        let root = match root_of(size, &view.tree) {
            Ok(root) => root,
            Err(never) => match never {},
        };
        let checkpoint =
            Checkpoint::new(&self.scenario.origin, size, root).expect("a size and root");
        let checkpoint =
            if self.lies(&Lie::NoTime) { checkpoint } else { checkpoint.with_time(seconds) };
        let text = checkpoint.to_text();
        let other;
        let mut keys: Vec<&SignerKey> = vec![&self.scenario.key];
        keys.extend(&self.scenario.also);
        if self.lies(&Lie::UnknownKey) {
            other = SignerKey::from_seed(&self.scenario.origin, KeyType::Ed25519, &[99; 32])
                .expect("a name that was one before");
            keys = vec![&other];
        }
        let signed = checkpoint.sign(&keys).expect("a text that was just made");
        let mut note = signed.note().clone();
        for witness in &self.scenario.witnesses[..self.cosigning(is_honest)] {
            let signature = cosignature::sign(&text, witness, seconds).expect("a witness's key");
            note.add(signature).expect("few signatures");
        }
        let text = note.to_text();
        if self.lies(&Lie::BadSignature) { damaged_signature(&text) } else { text }
    }

    /// How many of the witnesses cosign.
    fn cosigning(&self, is_honest: bool) -> usize {
        let all = self.scenario.witnesses.len();
        let mut count = if is_honest { all } else { 0 };
        for lie in &self.scenario.lies {
            match lie {
                Lie::FewWitnesses(few) => count = count.min(*few),
                Lie::LyingWitness(some) => count = count.max(*some),
                _ => {}
            }
        }
        count.min(all)
    }

    fn lookup(&self, body: &[u8]) -> Answer {
        let request = match LookupRequest::parse(body) {
            Ok(request) => request,
            Err(error) => {
                return Answer { code: 400, ..text(error.to_string(), "text/plain", "no-store") };
            }
        };
        if self.lies(&Lie::EmptyAnswer) {
            return text("", "application/json", "no-store");
        }
        let (view, size, _) = self.view();
        let asked = |index: &u64| request.asks_for(&view.records[*index as usize]);
        let mut wanted: Vec<u64> = (0..size).filter(asked).collect();
        if self.lies(&Lie::NoRecords) {
            wanted.clear();
        }
        if self.lies(&Lie::UnrelatedRecord) {
            wanted.extend((0..size).find(|index| !asked(index)));
            wanted.sort_unstable();
        }
        let proof = batch::prove(&wanted, size, &view.tree).expect("indices in ascending order");
        let consistency = match request.seen {
            seen if seen > 0 && seen < size => {
                prove_prefix(seen, size, &view.tree).expect("a smaller size")
            }
            _ => Vec::new(),
        };
        let entry =
            |index: &u64| Entry { index: *index, record: view.entries[*index as usize].clone() };
        let records = wanted.iter().map(entry).collect();
        let mut answer =
            LookupAnswer { checkpoint: self.checkpoint(), consistency, records, proof };
        self.spoil(&mut answer);
        text(answer.write(), "application/json", "no-store")
    }

    /// Lies about an answer that was honest so far.
    fn spoil(&self, answer: &mut LookupAnswer) {
        for lie in &self.scenario.lies {
            match lie {
                Lie::SwappedRecord => {
                    change_first(answer, |record| {
                        let mut fields = record.into_fields();
                        fields.digest = Digest::from(Sha256([0x5a; 32]));
                        fields
                    });
                }
                Lie::RenamedRecord => {
                    change_first(answer, |record| {
                        let mut fields = record.into_fields();
                        fields.file = format!("renamed-{}", fields.file);
                        fields
                    });
                }
                Lie::ShortAnswer => drop(answer.records.pop()),
                Lie::MissingProof => answer.proof.clear(),
                Lie::LongProof => answer.proof.push(leaf_hash(b"one more")),
                Lie::MissingConsistency => answer.consistency.clear(),
                _ => {}
            }
        }
    }

    fn description(&self) -> Vec<u8> {
        let scenario = &self.scenario;
        let mut keys = vec![scenario.vkey()];
        keys.extend(scenario.also.as_ref().map(|key| key.verifier().to_string()));
        let mut observers: Vec<String> =
            scenario.records.iter().map(|it| it.observer().to_string()).collect();
        observers.sort();
        observers.dedup();
        let (origin, witnesses) = (scenario.origin.clone(), scenario.witness_vkeys());
        Description { origin, keys, witnesses, observers, size: self.view().1 }.write()
    }

    /// A tile or a bundle of the tree that is shown; partial ones of any width, as a log that prunes
    /// none has them.
    fn tile(&self, path: &str) -> Option<Answer> {
        let (view, size, _) = self.view();
        let mut body = if let Ok(bundle) = Bundle::parse(path) {
            let largest = Bundle::in_tree(bundle.index(), size)?;
            let first = bundle.first_entry() as usize;
            let end = first + usize::from(bundle.width());
            (bundle.width() <= largest.width())
                .then(|| Bundle::write(&view.entries[first..end]).ok())??
        } else {
            let tile = Tile::parse(path).ok()?;
            let largest = Tile::in_tree(tile.level(), tile.index(), size)?;
            let Ok(bytes) = tile.write(&view.tree);
            (tile.width() <= largest.width()).then_some(bytes)?
        };
        if self.lies(&Lie::ForgedTile) {
            let last = body.len().checked_sub(1)?;
            body[last] ^= 1;
        }
        Some(text(body, "application/octet-stream", "public, max-age=31536000, immutable"))
    }
}

fn change_first(
    answer: &mut LookupAnswer,
    change: impl FnOnce(Observation) -> countermark_trust::log::record::Fields,
) {
    let Some(first) = answer.records.first_mut() else { return };
    let record = Observation::parse(first.record.as_bytes()).expect("a record of this log");
    first.record = Observation::new(change(record)).expect("a changed record").text();
}

/// One bit of the first signature is another one.
fn damaged_signature(note: &str) -> String {
    let start = note.find("\n\n").map_or(0, |end| end + 2);
    let end = note[start..].find('\n').map_or(note.len(), |end| start + end);
    // Twelve characters before the end are inside the signature.
    let place = end - 12;
    let other = if note.as_bytes()[place] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &note[..place], &note[place + 1..])
}

fn text(body: impl Into<Vec<u8>>, kind: &'static str, cache: &'static str) -> Answer {
    Answer { code: 200, kind, cache, body: body.into() }
}

fn not_found() -> Answer {
    Answer { code: 404, ..text("not found\n", "text/plain", "no-store") }
}
