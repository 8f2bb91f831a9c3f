//! Asks a log.

mod answers;
mod pin;
mod place;
mod reach;
mod state;

pub use pin::{PinToCheck, ServedBy, Withheld};
pub use place::LogPlace;
pub use reach::ReachError;
