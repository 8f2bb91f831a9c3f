//! Asks a log.

mod answers;
mod pin;
mod state;

pub use pin::{PinToCheck, ServedBy, Withheld};
