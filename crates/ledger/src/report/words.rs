//! What reasons are called in texts.

use countermark_report::harmless::harmless;

use crate::check::{Ignored, KnownBad, Origin, Reason, ReviewRef, Subject};

/// By what a file meets a criterion.
#[must_use]
pub fn reason(reason: &Reason) -> String {
    let text = match reason {
        Reason::Full(review) => format!("{} read it in full{}", review.author, when(review)),
        Reason::Delta { review, from, .. } => {
            format!("{} read the difference from {from}{}", review.author, when(review))
        }
        Reason::Relation { from, compiled: None } => {
            format!("its content is that of {}", from.name)
        }
        Reason::Relation { from, compiled: Some(review) } => format!(
            "its content is that of {}, and {} vouches for its compiled extensions{}",
            from.name,
            review.author,
            when(review)
        ),
        Reason::Exemption { on, why: Some(why), .. } => format!("exempt since {on}: {why}"),
        Reason::Exemption { on, why: None, .. } => format!("exempt since {on}"),
        Reason::Trusted { publisher, until, before: None, .. } => {
            format!("{publisher} is trusted until {until}")
        }
        Reason::Trusted { publisher, until, before: Some(before), .. } => {
            format!("{publisher} is trusted until {until}, and published {} before", before.name)
        }
    };
    harmless(&text).into_owned()
}

/// ` on 2026-11-22`, and from where.
fn when(review: &ReviewRef) -> String {
    let mut text = format!(" on {}", review.on);
    if let Origin::Import(name) = &review.origin {
        text.push_str(&format!(" (`{name}`)"));
    }
    if review.roles_unknown {
        text.push_str("; roles on the project are not known");
    }
    text
}

/// What would support a file if others met the criterion.
#[must_use]
pub fn open(reason: &Reason, compiled: &[String]) -> String {
    let text = match reason {
        Reason::Full(_) | Reason::Exemption { .. } => self::reason(reason),
        // Whether its author holds a role matters once it counts.
        Reason::Delta { review, from, .. } => {
            let review = ReviewRef { roles_unknown: false, ..review.clone() };
            format!("{} read the difference from {from}{}", review.author, when(&review))
        }
        Reason::Relation { from, .. } if compiled.is_empty() => {
            format!("its content is that of {}", from.name)
        }
        Reason::Relation { from, .. } => format!(
            "its content is that of {}, but for compiled extensions, for which nobody vouches: {}",
            from.name,
            compiled.join(", ")
        ),
        Reason::Trusted { publisher, .. } => {
            format!("{publisher} is trusted, if the file before does")
        }
    };
    harmless(&text).into_owned()
}

/// That a file is known bad.
#[must_use]
pub fn known_bad(bad: &KnownBad) -> String {
    let who = match &bad.origin {
        Origin::Own => String::new(),
        Origin::Import(name) => format!(" by `{name}`"),
    };
    let which = if bad.is_related {
        format!("shares content with {}, ", bad.file.name)
    } else {
        String::new()
    };
    harmless(&format!("{which}known bad{who} since {}: {}", bad.on, bad.reason)).into_owned()
}

/// A review that does not count.
#[must_use]
pub fn ignored(ignored: &Ignored) -> String {
    let review = &ignored.review;
    let text = format!(
        "review by {} on {} at {}: {}",
        review.author, review.on, review.place, ignored.why
    );
    harmless(&text).into_owned()
}

/// What a subject is called where its release is named beside it.
#[must_use]
pub fn file(subject: &Subject) -> String {
    match &subject.file {
        Some(name) => harmless(name).into_owned(),
        None => subject.digest.to_string(),
    }
}

/// `1 file`, `2 files`.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
