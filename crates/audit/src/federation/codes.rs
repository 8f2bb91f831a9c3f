//! The codes of mistakes in `federation.toml`, beside those of [`countermark_packaging::lock::codes`]
//! and [`countermark_packaging::table::codes`] that are used as they are.

pub use countermark_packaging::table::codes::*;

macro_rules! codes {
    ($($(#[$documentation:meta])* $name:ident $code:literal)*) => {
        $($(#[$documentation])* pub const $name: &str = $code;)*
    };
}

codes! {
    /// A project that is both named and left out.
    NAMED_AND_EXCLUDED "named-and-excluded"
    /// Two facts about whose a name is from one day on.
    CUSTODY_CONFLICT "custody-conflict"
    /// An account that is expected to hold roles and belongs to somebody who left.
    ACCOUNT_CONFLICT "account-conflict"
}
