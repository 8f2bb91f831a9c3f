//! What a rule says of itself.

/// The section of a rule in the documentation.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// One line.
    pub title: &'static str,
    /// What is reported.
    pub what: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// A line of a report, and what was behind it.
    pub example: &'static str,
}
