//! Asks a log.

mod answers;
mod pin;
mod reach;
mod state;

pub use pin::{PinToCheck, ServedBy, Withheld};
pub use reach::ReachError;
