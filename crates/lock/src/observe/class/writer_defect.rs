//! `writer-defect`: a writer that gave every digest of a release to one name.

use countermark_report::Document;

use super::{Class, Explains};
use crate::observe::finding::{Finding, Side};
use crate::observe::ground::{Ground, address, has_one_name};
use crate::observe::statement::Statement;

/// See [`Class::document`].
pub(super) struct WriterDefect;

impl Class for WriterDefect {
    fn code(&self) -> &'static str {
        "writer-defect"
    }

    fn document(&self) -> Document {
        Document {
            title: "The writer gave every digest to one name",
            what: "An entry with several digests, all under one file name, in a lock in which most entries \
                   with several digests are like that, or whose digests are elsewhere those of several \
                   files of the release; and in such a lock an entry whose digest is elsewhere that of \
                   another file. The names of such an entry mean nothing. Its digests do: they are \
                   compared as a set, and a digest that stands in place of another one is an alarm.",
            why: "The bytes are the right ones, only their names are not.",
            remedy: "Write the lock again with a newer version of the tool.",
            example: "six digests of a release, all of `teapot-1.2-py3-none-any.whl`",
        }
    }
}

impl Explains for WriterDefect {
    fn alone(&self, statement: &Statement, ground: &Ground<'_>) -> Option<Finding> {
        if !ground.nameless.contains(&address(statement)) {
            return None;
        }
        let file = statement.files.first()?.file.as_deref()?;
        let number = statement.files.len();
        let evidence = match (has_one_name(statement), ground.has_habit(&statement.lock)) {
            (true, true) => {
                format!("{number} digests under one name, as for most releases of the lock")
            }
            (true, false) => {
                format!("{number} digests under one name, elsewhere those of several files")
            }
            (false, _) => "the digest is elsewhere that of another file, in a lock that gives \
                           every digest of a release to one name"
                .to_owned(),
        };
        let digests = statement.files.iter().map(|stated| &stated.digest);
        let mut sides = vec![Side::new(digests, [statement])];
        for other in ground.names.get(file).into_iter().flatten().take(1) {
            sides.push(Side::new([other.digest], [other.statement]));
        }
        Some(Finding::new(self.code(), statement, evidence, sides).of_file(file))
    }
}
