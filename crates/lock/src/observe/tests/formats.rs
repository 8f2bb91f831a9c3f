//! What each format says, and one changed digest in each.
