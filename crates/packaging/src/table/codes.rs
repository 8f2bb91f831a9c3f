//! The codes of mistakes in tables, beside those of [`crate::lock::codes`] that are used as they are:
//! `syntax`, `encoding`, `too-large`, `control-character`, `missing-key`, `invalid-value`.

macro_rules! codes {
    ($($(#[$documentation:meta])* $name:ident $code:literal)*) => {
        $($(#[$documentation])* pub const $name: &str = $code;)*
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
    /// A word that stands for what somebody still has to write.
    PLACEHOLDER "placeholder"
}
