//! Asks witnesses to cosign a checkpoint, before it is published.
//!
//! Every witness is asked at once, and none is waited for longer than [`PATIENCE`]; one that failed is
//! left alone for a while, so that a dead witness does not slow the log down for ever. What comes back
//! is taken only if it is a good cosignature by the key that is configured; all else is told and dropped.
//! How many are enough is the client's decision.
//!
//! Specification: [tlog-witness](https://c2sp.org/tlog-witness), "add-checkpoint", as a client.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use countermark_client::http::{Client, Reply, Submission};
use countermark_tlog::checkpoint::SignedCheckpoint;
use countermark_tlog::tile::WIDTH;
use countermark_tlog::witness::AddCheckpoint;
use url::Url;

use crate::log::api::nodes::NodeCache;
use crate::log::config::Cosigner;
use crate::log::sequencer::Cosigners;
use crate::log::tiles::TileStore;

/// How long all witnesses together may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a witness that failed is left alone.
const PAUSE: Duration = Duration::from_secs(30);

/// The most bytes of an answer.
const MAXIMUM_ANSWER: u64 = 16 << 10;

/// The witnesses of a log.
#[derive(Debug)]
pub struct Witnesses {
    client: Arc<Client>,
    nodes: NodeCache,
    list: Mutex<Arc<Vec<Cosigner>>>,
    known: Mutex<BTreeMap<String, Known>>,
}

/// What is known of a witness.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The size that it cosigned last.
    size: u64,
    failed: Option<Instant>,
}

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("its address cannot be used")]
    Address,
    #[error("{0}")]
    Http(#[from] countermark_client::http::HttpError),
    #[error("{0}")]
    Proof(#[from] crate::log::api::nodes::NodeError),
    #[error("the request cannot be made: {0}")]
    Request(#[from] countermark_tlog::witness::RequestError),
    #[error("it answered {status}: {text}")]
    Status { status: u16, text: String },
    #[error("it has cosigned {found} entries, but the log has only {size}")]
    Ahead { found: u64, size: u64 },
    #[error("its answer is no cosignature by the configured key")]
    NoCosignature,
    #[error("no answer in time")]
    Late,
}

impl Witnesses {
    /// These witnesses; proofs are made from these tiles.
    #[must_use]
    pub fn new(client: Arc<Client>, tiles: Arc<dyn TileStore>, list: Vec<Cosigner>) -> Self {
        Self {
            client,
            nodes: NodeCache::new(tiles),
            list: Mutex::new(Arc::new(list)),
            known: Mutex::default(),
        }
    }

    /// Asks these from now on.
    pub fn replace(&self, list: Vec<Cosigner>) {
        *self.list.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(list);
    }

    fn known(&self, witness: &Cosigner) -> Known {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&witness.key.to_string()).copied().unwrap_or_default()
    }

    fn remember(&self, witness: &Cosigner, known: Known) {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(witness.key.to_string(), known);
    }

    /// The lines of a witness's answer.
    async fn ask(
        &self,
        witness: &Cosigner,
        checkpoint: &SignedCheckpoint,
    ) -> Result<String, Refused> {
        let mut old = self.known(witness).size.min(checkpoint.size());
        // Once more if the witness knows another size than we thought.
        for _ in 0..2 {
            let answer = self.submit(witness, checkpoint, old).await?;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            match answer.status {
                200 => return Ok(text),
                409 => {
                    let found: u64 = text.trim_end().parse().map_err(|_| Refused::NoCosignature)?;
                    if found > checkpoint.size() {
                        return Err(Refused::Ahead { found, size: checkpoint.size() });
                    }
                    old = found;
                }
                status => {
                    let text = text.trim().chars().take(200).collect();
                    return Err(Refused::Status { status, text });
                }
            }
        }
        Err(Refused::Status { status: 409, text: "it changed its mind".to_owned() })
    }

    async fn submit(
        &self,
        witness: &Cosigner,
        checkpoint: &SignedCheckpoint,
        old: u64,
    ) -> Result<Reply, Refused> {
        let mut proof = self.nodes.prove_prefix(old, checkpoint.size()).await?;
        // The form of RFC 6962, as witnesses read it: they know the older root.
        if old.is_power_of_two() && !proof.is_empty() {
            proof.remove(0);
        }
        let request = AddCheckpoint::new(old, proof, checkpoint.note().clone())?;
        let url = below(&witness.url, "add-checkpoint").ok_or(Refused::Address)?;
        let submission = Submission::new(&url, "text/plain; charset=utf-8", request.to_text())
            .allow_plain_http();
        Ok(self.client.ask(&submission, MAXIMUM_ANSWER).await?)
    }

    fn take(
        checkpoint: &mut SignedCheckpoint,
        witness: &Cosigner,
        lines: &str,
    ) -> Result<(), Refused> {
        let keys = std::slice::from_ref(&witness.key);
        let mut taken = false;
        for line in lines.lines().take(usize::from(WIDTH)) {
            taken |= matches!(checkpoint.add_cosignature(line, keys), Ok(Some(_)));
        }
        if taken { Ok(()) } else { Err(Refused::NoCosignature) }
    }
}

#[async_trait]
impl Cosigners for Witnesses {
    async fn cosign(&self, checkpoint: SignedCheckpoint) -> SignedCheckpoint {
        let list = Arc::clone(&self.list.lock().unwrap_or_else(PoisonError::into_inner));
        let is_due = |it: &&Cosigner| {
            it.key.can_verify() && self.known(it).failed.is_none_or(|at| at.elapsed() >= PAUSE)
        };
        let asking = list.iter().filter(is_due).map(async |witness| {
            let asking = self.ask(witness, &checkpoint);
            let answer = tokio::time::timeout(PATIENCE, asking).await;
            (witness, answer.unwrap_or(Err(Refused::Late)))
        });
        let answers = futures_util::future::join_all(asking).await;
        let mut cosigned = checkpoint.clone();
        for (witness, answer) in answers {
            let taken = answer.and_then(|lines| Self::take(&mut cosigned, witness, &lines));
            let name = witness.key.name();
            match taken {
                Ok(()) => {
                    self.remember(witness, Known { size: checkpoint.size(), failed: None });
                }
                Err(error) => {
                    tracing::warn!(witness = name, %error, "a witness did not cosign");
                    let failed = Some(Instant::now());
                    self.remember(witness, Known { failed, ..self.known(witness) });
                }
            }
        }
        cosigned
    }
}

/// An address below a prefix, whether or not that ends with a slash.
fn below(prefix: &Url, name: &str) -> Option<Url> {
    let mut url = prefix.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(name);
    Some(url)
}
