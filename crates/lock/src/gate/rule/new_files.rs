//! `new-files`: files of a locked release that the lock does not have.

use countermark_packaging::lock::document::LockFormat;
use countermark_report::{Document, Severity};
use jiff::{SignedDuration, Timestamp};

use super::{Ground, Rule, Said, one_name, some_of};
use crate::gate::entry::Entry;
use crate::gate::facts::ListedFile;
use crate::gate::finding::{Finding, Kind};

/// Files of one release are uploaded one after the other.
const ONE_UPLOAD: SignedDuration = SignedDuration::from_hours(24);

/// See [`Rule::document`].
pub(super) struct NewFiles;

impl Rule for NewFiles {
    fn code(&self) -> &'static str {
        "new-files"
    }

    fn document(&self) -> Document {
        Document {
            title: "Files on the index that the lock does not have",
            what: "Files of a locked release that are on the index and not in the lock, and that were \
                   uploaded more than a day after the files of the lock. Where the index tells no times, \
                   every such file, of formats that list the files of all platforms.",
            why: "They are not installed, as the lock does not list them. A wheel that is added to an old \
                  release is usually one for a new platform, and was sometimes an attack on everybody \
                  without a lock.",
            remedy: "Nothing, or write the lock again.",
            example: "a wheel for a new version of Python, added to last year's release",
        }
    }

    fn needs_index(&self) -> bool {
        true
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        let Some(pages) = entry.open_pages() else { return };
        if entry.package.files.is_empty() || one_name::explains(entry, ground) {
            return;
        }
        let Some(page) = pages.iter().find(|page| entry.listed(page).next().is_some()) else {
            return;
        };
        let (locked, others): (Vec<_>, Vec<_>) =
            entry.listed(page).partition(|file| is_locked(entry, file));
        let youngest = locked.iter().filter_map(|file| file.uploaded).max();
        let is_news = |file: &&&ListedFile| match file.uploaded.zip(youngest) {
            Some((uploaded, youngest)) => uploaded.duration_since(youngest) > ONE_UPLOAD,
            None => lists_all(ground.lock.format),
        };
        let news: Vec<&&ListedFile> = others.iter().filter(is_news).collect();
        if news.is_empty() || locked.is_empty() {
            return;
        }
        let names: Vec<String> = news
            .iter()
            .map(|file| match file.uploaded {
                Some(uploaded) => format!("{} of {}", file.name, day(uploaded)),
                None => file.name.clone(),
            })
            .collect();
        let message = "the index has files of this release that the lock does not";
        let finding =
            Finding::new(self.code(), (Kind::News, Severity::Note), entry.package, message);
        said.push(finding.against("", some_of(&names)));
    }
}

/// Whether a format lists every file of a release, whatever the platform and the version of Python:
/// the others list those that the project can use.
const fn lists_all(format: LockFormat) -> bool {
    match format {
        LockFormat::Poetry | LockFormat::Pipfile => true,
        LockFormat::Uv
        | LockFormat::Pdm
        | LockFormat::Requirements
        | LockFormat::Pylock
        | LockFormat::Conda => false,
    }
}

fn is_locked(entry: &Entry<'_>, file: &ListedFile) -> bool {
    entry.named.iter().any(|named| named.name == file.name)
        || entry.nameless.iter().any(|(digest, _)| file.digests.contains(digest))
}

fn day(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}
