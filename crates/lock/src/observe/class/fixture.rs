//! `fixture`: data that tests read and nobody installs.

use countermark_report::Document;

use super::{Class, Explains};
use crate::gate::entry::is_made_up;
use crate::observe::dispute::{Dispute, digests_of};
use crate::observe::finding::Finding;
use crate::observe::ground::{Folder, Ground, Occurrence};
use crate::observe::statement::Statement;

/// See [`Class::document`].
pub(super) struct Fixture;

impl Class for Fixture {
    fn code(&self) -> &'static str {
        "fixture"
    }

    fn document(&self) -> Document {
        Document {
            title: "A test's own data",
            what: "A digest that no file can have (one letter, or a short run of letters, again and again); \
                   or a lock below a folder such as `tests` or `fixtures` that pins a release which no \
                   lock outside of such folders pins; or a lock below a folder such as `fixtures` or \
                   `testdata` with impossible digests in it, with two digests for three files or more, or \
                   with another digest than everybody for at least two files and half of those that \
                   can be compared. A path alone explains \
                   nothing: `tests/requirements.txt` is installed by somebody, and one changed digest \
                   in a lock that is otherwise right is an alarm there too.",
            why: "Programs that read locks have tests, and their tests have locks with made-up content.",
            remedy: "Nothing, unless somebody installs from it.",
            example: "`teapot-1.2.tar.gz` with `sha256:0000…` in `tests/fixtures/poetry.lock`",
        }
    }
}

impl Explains for Fixture {
    fn take(&self, dispute: &mut Dispute<'_>, ground: &Ground<'_>) -> Vec<Finding> {
        let (mut evidence, mut taken, mut open) = (None, Vec::new(), Vec::new());
        for occurrence in std::mem::take(&mut dispute.open) {
            match shown(&occurrence, ground) {
                Some(found) => {
                    evidence.get_or_insert(found);
                    taken.push(occurrence);
                }
                None => open.push(occurrence),
            }
        }
        dispute.open = open;
        let left = digests_of(&dispute.open);
        let of_tests = digests_of(&taken);
        // Tests with the right digest are right.
        let disagrees = of_tests.len() > 1 || !of_tests.is_subset(&left) && !left.is_empty();
        let Some(evidence) = evidence.filter(|_| disagrees) else { return Vec::new() };
        taken.extend(&dispute.open);
        dispute.finding(self.code(), evidence, &taken).into_iter().collect()
    }
}

/// What shows that nobody installs this.
fn shown(occurrence: &Occurrence<'_>, ground: &Ground<'_>) -> Option<String> {
    if is_made_up(occurrence.digest) {
        return Some("no file can have such a digest".to_owned());
    }
    of_statement(occurrence.statement, ground)
}

/// What shows that nobody installs what a statement says.
pub(in crate::observe) fn of_statement(
    statement: &Statement,
    ground: &Ground<'_>,
) -> Option<String> {
    let (Folder::Fixtures(folder) | Folder::Tests(folder)) = Folder::of(&statement.lock.path)
    else {
        return None;
    };
    if !ground.is_pinned_outside_of_tests(statement) {
        let release = statement.release();
        return Some(format!("below `{folder}`, and no lock outside of tests pins {release}"));
    }
    ground.made_up.get(&statement.lock).cloned()
}
