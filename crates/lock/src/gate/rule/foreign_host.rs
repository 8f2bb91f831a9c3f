//! `foreign-host`: a file of an index that lies elsewhere.

use std::collections::BTreeSet;

use countermark_packaging::lock::document::{FileEntry, LockSource};
use countermark_report::{Document, Severity};

use super::{Ground, Rule, Said, shortened, some_of};
use crate::gate::entry::Entry;
use crate::gate::finding::{Finding, Kind};
use crate::gate::location::{file_name, host_of, is_local_address};

/// See [`Rule::document`].
pub(super) struct ForeignHost;

impl Rule for ForeignHost {
    fn code(&self) -> &'static str {
        "foreign-host"
    }

    fn document(&self) -> Document {
        Document {
            title: "A file on a host that is not the index's",
            what: "A URL of a file whose host is neither the index's own nor one on which the index has \
                   files of that project now. Where no index was asked, the one host on which nearly \
                   all other files of the lock are is expected.",
            why: "Installers fetch the URL of a lock without asking the index. One changed URL, with a \
                  digest that fits, is all that an attack in a pull request needs.",
            remedy: "Find out who changed the line. `countermark relock --check` says where a lock \
                     points.",
            example: "one of 2,000 URLs of `uv.lock` on another host",
        }
    }

    fn check(&self, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
        if !matches!(entry.package.source, LockSource::Index(_)) {
            return;
        }
        let own: BTreeSet<String> = ground
            .indexes
            .iter()
            .map(String::as_str)
            .chain(entry.index())
            .filter_map(host_of)
            .collect();
        let policy = ground.policy.indexes_for(&entry.package.project).unwrap_or_default();
        let listed: Option<BTreeSet<&String>> =
            entry.open_pages().map(|pages| pages.iter().flat_map(|page| &page.hosts).collect());
        let listed = listed.filter(|hosts| !hosts.is_empty());
        for file in &entry.package.files {
            let Some(url) = file.url.as_deref() else { continue };
            let Some(host) = host_of(url) else {
                self.check_local(entry, file, said);
                continue;
            };
            if own.contains(&host) || policy.iter().any(|index| index.has(url)) {
                continue;
            }
            let expected = match &listed {
                Some(hosts) if hosts.contains(&host) => continue,
                Some(hosts) => some_of(&hosts.iter().collect::<Vec<_>>()),
                None => {
                    let usual = ground.survey.usual_host(&ground.lock.file, entry.index(), &host);
                    let Some(usual) = usual else { continue };
                    usual.to_owned()
                }
            };
            let name = file_name(file.name.as_deref(), Some(url));
            let message = "the file is fetched from a host that is not the index's";
            let kind = (Kind::Disagreement, Severity::High);
            said.push(
                Finding::new(self.code(), kind, entry.package, message)
                    .file(name.unwrap_or_default(), &file.place)
                    .against(expected, host)
                    .hint("find out who changed the URL; `countermark relock --check` looks at all of them"),
            );
        }
    }
}

impl ForeignHost {
    /// A file of the machine in an entry that names an index elsewhere.
    fn check_local(&self, entry: &Entry<'_>, file: &FileEntry, said: &mut Said) {
        let (Some(url), Some(host)) = (file.url.as_deref(), entry.index().and_then(host_of)) else {
            return;
        };
        if !is_local_address(url) {
            return;
        }
        let name = file_name(file.name.as_deref(), Some(url));
        let message = "the file is taken from the machine, not from the index";
        said.push(
            Finding::new(self.code(), (Kind::Disagreement, Severity::High), entry.package, message)
                .file(name.unwrap_or_default(), &file.place)
                .against(host, shortened(url))
                .hint("find out who changed the URL"),
        );
    }
}
