//! The policy that `init` writes into a project that has none.

use super::Policy;

/// For how many days an exception is drafted.
pub const HORIZON_DAYS: i64 = 30;

impl Policy {
    /// The text of a policy for most projects, with comments, as it stands in `countermark.toml`.
    #[must_use]
    pub const fn recommended() -> &'static str {
        include_str!("recommended.toml")
    }
}
