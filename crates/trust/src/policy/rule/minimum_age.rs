//! `minimum-age`: releases that nobody has had time to look at.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Answer, Document, Evidence, Reason, Rule};
use crate::policy::{Policy, Subject, show_age};

/// See [`Rule::document`].
pub(super) struct MinimumAge;

impl Rule for MinimumAge {
    fn code(&self) -> &'static str {
        "minimum-age"
    }

    fn document(&self) -> Document {
        Document {
            title: "releases have to be some days old",
            what: "A pin with a file that was uploaded less than so long ago. The youngest file counts, \
                   also in a release that is old itself. The time is what the index says; where \
                   nothing says it, the rule is undecided.",
            why: "Malicious releases of projects that people know are found within hours or days, by \
                  those who install at once and by those who search for them. Who waits installs what \
                  survived.",
            stops: "All sixteen incidents of the table, whose releases were up for less than six days \
                    and mostly for less than one. Not an attacker who can wait, and not an index that \
                    lies about times. A correction of a vulnerability is as young as an attack: \
                    except it by name, with its reason.",
            example: "minimum-age = \"7 days\"",
        }
    }

    fn needs(&self) -> Evidence {
        Evidence::Index
    }

    fn is_active(&self, policy: &Policy) -> bool {
        policy.minimum_age().is_some()
    }

    fn check(&self, policy: &Policy, subject: &Subject<'_>, now: Timestamp) -> Answer {
        let Some(least) = policy.minimum_age() else { return Answer::Yes };
        let (project, version) = (subject.project, subject.version);
        let expected = show_age(least);
        let Some(uploaded) = subject.uploaded else {
            let message = format!(
                "nothing says when {project} {version} was uploaded; the policy wants {expected}"
            );
            return Answer::Unknown(Reason::release(message, "no time of upload is known"));
        };
        let age = now.duration_since(uploaded);
        if age >= least {
            return Answer::Yes;
        }
        let found = if age.is_negative() {
            format!("uploaded at {uploaded}, which is not yet")
        } else {
            format!("uploaded {} ago", show_age(age))
        };
        let message = format!("{project} {version} was {found}; the policy wants {expected}");
        let mut reason = Reason::release(message, found);
        reason.until = old_enough(uploaded, least);
        Answer::No(reason)
    }
}

/// The last day on which somebody needs an exception.
fn old_enough(uploaded: Timestamp, least: SignedDuration) -> Option<jiff::civil::Date> {
    let ready = uploaded.checked_add(least).ok()?;
    Some(ready.to_zoned(TimeZone::UTC).date())
}
