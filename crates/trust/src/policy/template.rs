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

    /// The same for a project that has a ledger of reviews, which is then asked.
    #[must_use]
    pub fn recommended_with_ledger() -> String {
        Self::recommended().replace("\n# ledger = ", "\nledger = ")
    }
}
