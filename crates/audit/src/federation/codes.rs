//! The codes of mistakes in `federation.toml`, beside those of [`countermark_packaging::lock::codes`]
//! that are used as they are: `syntax`, `encoding`, `too-large`, `control-character`, `missing-key`,
//! `invalid-value`.

macro_rules! codes {
    ($($(#[$documentation:meta])* $name:ident $code:literal)*) => {
        $($(#[$documentation])* pub const $name: &str = $code;)*

        /// Every code, in the order of this page.
        pub const ALL: &[&str] = &[$($code),*];
    };
}

codes! {
    /// A key that this table does not have.
    UNKNOWN_KEY "unknown-key"
    /// A word that is none of those that may stand here: a state, a kind, a role.
    UNKNOWN_WORD "unknown-word"
    /// A code of no rule.
    UNKNOWN_RULE "unknown-rule"
    /// Not a day, or not one of the calendar.
    BAD_DATE "bad-date"
    /// Not the name of a project.
    BAD_NAME "bad-name"
    /// The same thing a second time in a list, also in another spelling.
    LISTED_TWICE "listed-twice"
    /// A project that is both named and left out.
    NAMED_AND_EXCLUDED "named-and-excluded"
    /// Two facts about whose a name is from one day on.
    CUSTODY_CONFLICT "custody-conflict"
    /// An account that is expected to hold roles and belongs to somebody who left.
    ACCOUNT_CONFLICT "account-conflict"
    /// A word that stands for what somebody still has to write.
    PLACEHOLDER "placeholder"
}
