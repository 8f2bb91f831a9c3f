//! `ledger`: what nobody vouches for.

use jiff::Timestamp;

use super::{Answer, Document, Evidence, Reason, Rule};
use crate::policy::ledger::{LedgerAnswer, LedgerMode};
use crate::policy::{Policy, Subject};

/// See [`Rule::document`].
pub(super) struct Ledger;

impl Rule for Ledger {
    fn code(&self) -> &'static str {
        "ledger"
    }

    fn document(&self) -> Document {
        Document {
            title: "no file that nobody vouches for",
            what: "A release with a file that does not meet the criteria of the ledger of reviews: no \
                   review under a key that counts, no exemption, no publisher who is trusted for it. \
                   `\"warn\"` tells it, `\"require\"` refuses it. A file that the ledger knows to be bad \
                   is refused in both, and no exception lets it pass. The ledger is a folder beside the \
                   lock; nothing is asked over a network.",
            why: "All other rules look at the outside of a release. What a few lines in a module do, a \
                  person sees who reads them, and one reading serves everybody who has the same bytes.",
            stops: "Every release that a project moves to before somebody whose word counts has looked \
                    at it. Trust in a publisher undoes that for their releases: what it lets pass is in \
                    the page of the incidents.",
            example: "ledger = \"require\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Ledger
    }

    fn is_active(&self, policy: &Policy) -> bool {
        policy.ledger().mode != LedgerMode::Off
    }

    fn decides(&self, policy: &Policy) -> bool {
        policy.ledger().mode == LedgerMode::Require
    }

    fn check(&self, _policy: &Policy, subject: &Subject<'_>, _now: Timestamp) -> Answer {
        match subject.ledger {
            Some(LedgerAnswer::Met) => Answer::Yes,
            Some(LedgerAnswer::NotMet { message, found }) => {
                Answer::No(Reason::release(message.clone(), found))
            }
            Some(LedgerAnswer::Violation { message }) => Answer::No(Reason::last_word(message)),
            Some(LedgerAnswer::Undecided { message }) => {
                Answer::Unknown(Reason::release(message.clone(), "the ledger could not decide"))
            }
            None => {
                let message = format!(
                    "nobody asked the ledger about {} {}",
                    subject.project, subject.version
                );
                Answer::Unknown(Reason::release(message, "the ledger was not asked"))
            }
        }
    }
}
