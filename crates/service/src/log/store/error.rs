//! Why a store did not do what it was asked.

use countermark_trust::Class;

/// Why a store cannot be opened, read or written. Which store it is says whoever shows it. It can be
/// cloned, since one failed transaction is the answer to everybody whose records were in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no room. Nothing of it was acknowledged; reading goes on.
    #[error("there is no room for more records")]
    Full,
    /// Somebody else holds it longer than we wait.
    #[error("it is held by another process")]
    Locked,
    /// It cannot be opened or written.
    #[error("it cannot be opened or written: {reason}")]
    Unwritable {
        /// From the system or the database.
        reason: String,
    },
    /// The server of the database cannot be reached, or the connection broke.
    #[error("the database cannot be reached: {reason}")]
    Unreachable {
        /// From the connection.
        reason: String,
    },
    /// It is damaged, or not a database.
    #[error("it is damaged: {reason}")]
    Damaged {
        /// What was seen.
        reason: String,
    },
    /// It is a database of another program.
    #[error("it is the database of another program")]
    Foreign,
    /// It was written by a newer version.
    #[error("it has version {found}, expected {known} or less")]
    Newer {
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// More than one question or request may hold.
    #[error("expected at most {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The head is not the one that the caller began from: somebody else moved it.
    #[error("expected a head of {expected} entries, found {found}")]
    HeadMoved {
        /// What the caller began from.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// The lead passed to somebody else.
    #[error("the lead of term {term} passed to somebody else")]
    LostLead {
        /// The term of the caller.
        term: i64,
    },
    /// A row that was to get a place has one, does not exist, or is not the next.
    #[error("the row {id} cannot get a place: it is not pending or not the next")]
    NotPending {
        /// Its number.
        id: i64,
    },
    /// It is being closed.
    #[error("it is being closed")]
    Closed,
    /// The database said no for another reason.
    #[error("the database said: {reason}")]
    Database {
        /// What it said.
        reason: String,
    },
}

impl StoreError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Foreign | Self::Newer { .. } | Self::TooMany { .. } => Class::Usage,
            Self::Full
            | Self::Locked
            | Self::Unwritable { .. }
            | Self::Unreachable { .. }
            | Self::Damaged { .. }
            | Self::HeadMoved { .. }
            | Self::LostLead { .. }
            | Self::NotPending { .. }
            | Self::Closed
            | Self::Database { .. } => Class::Unavailable,
        }
    }

    /// Whether somebody else leads now, so that the caller has to begin anew and nothing is wrong.
    #[must_use]
    pub fn is_overtaken(&self) -> bool {
        matches!(self, Self::HeadMoved { .. } | Self::LostLead { .. } | Self::NotPending { .. })
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Full => Some("free some space; nothing that was acknowledged was lost"),
            Self::Locked => Some("stop the other process, or wait for it"),
            Self::Unwritable { .. } => Some("look at the folder, its owner and its mode"),
            Self::Unreachable { .. } => {
                Some("look at the address of the database and whether it runs")
            }
            Self::Damaged { .. } => {
                Some("stop the log, run `countermark log fsck`, and put a copy back")
            }
            Self::Foreign => Some("name another database"),
            Self::Newer { .. } => Some("use the newer version of countermark"),
            Self::TooMany { .. } => Some("ask for less at once"),
            Self::HeadMoved { .. }
            | Self::LostLead { .. }
            | Self::NotPending { .. }
            | Self::Closed
            | Self::Database { .. } => None,
        }
    }
}
