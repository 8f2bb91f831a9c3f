//! The ways on which messages leave: mail, webhooks, a feed. Each delivers one message, once, and
//! says whether it arrived; what did not stays in the outbox.

pub mod atom;
pub mod mail;
pub mod webhook;

use std::path::PathBuf;

use countermark_audit::finding::Severity;
use countermark_client::http::Client;
use jiff::{SignedDuration, Timestamp};

use super::config::{AtomFeed, Destination, Target};
use super::message::Message;
use super::secret::SecretError;

/// Why a message did not arrive. Addresses of webhooks can be secrets, so none is shown: whoever
/// shows this names the destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// A password or key cannot be had.
    #[error("{0}")]
    Secret(#[from] SecretError),
    /// A setting cannot be used.
    #[error("{what} cannot be used: {reason}")]
    Setting {
        /// Which.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// The mail server, or the way there.
    #[error("the mail server did not take it: {reason}")]
    Mail {
        /// From the server or the library.
        reason: String,
    },
    /// Nothing came for too long.
    #[error("there was no answer within {seconds} s")]
    Timeout {
        /// How long we waited.
        seconds: u64,
    },
    /// The receiver of a webhook, or the way there.
    #[error("the receiver did not take it: {reason}")]
    Webhook {
        /// Without the address.
        reason: String,
        /// The wait that it asks for.
        retry_after: Option<SignedDuration>,
    },
    /// The feed cannot be written.
    #[error("`{}` cannot be written: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl SendError {
    /// The wait that the other side asks for.
    #[must_use]
    pub fn asked_wait(&self) -> Option<SignedDuration> {
        match self {
            Self::Webhook { retry_after, .. } => *retry_after,
            Self::Secret(_)
            | Self::Setting { .. }
            | Self::Mail { .. }
            | Self::Timeout { .. }
            | Self::File { .. } => None,
        }
    }
}

/// What is needed beside the message.
#[derive(Debug)]
pub struct Sender<'a> {
    /// The one HTTP client.
    pub http: &'a Client,
    /// For the client.
    pub runtime: &'a tokio::runtime::Runtime,
    /// The random name of the state, for ids.
    pub instance: &'a str,
}

impl Sender<'_> {
    /// Delivers one message. `entries` are the newest messages for this destination, newest first;
    /// only a feed shows them.
    ///
    /// # Errors
    /// See [`SendError`].
    pub fn send(
        &self,
        destination: &Destination,
        message: &Message,
        entries: &dyn Fn() -> Vec<Message>,
        now: Timestamp,
    ) -> Result<(), SendError> {
        match &destination.target {
            Target::Mail(settings) => mail::send(settings, message),
            Target::Webhook(settings) => {
                self.runtime.block_on(webhook::send(self.http, settings, message, now))
            }
            Target::Atom(feed) => self.write(feed, &entries()),
        }
    }

    fn write(&self, feed: &AtomFeed, entries: &[Message]) -> Result<(), SendError> {
        atom::write(feed, &atom::document(feed, self.instance, entries))
    }
}

/// Whether a destination hears of what has this severity.
#[must_use]
pub fn hears(destination: &Destination, severity: Severity) -> bool {
    severity >= destination.least
}
