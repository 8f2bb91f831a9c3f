//! A log of observations: storage, sequencing, and what an operator does with it.
