//! Names of files of which a lock has digests alone, as requirements files and `Pipfile.lock` do.
//!
//! A ledger writes the name beside each digest, for people. It takes names from what it has already, from
//! what this user's installs remember, and from the configured index. A wrong name changes no answer:
//! the digest decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_client::ledger::Loaded;
use countermark_client::ledger::fetch::{self, Fetching};
use countermark_client::ledger::listed::{self, Wanted, parse_name};
use countermark_client::report::Problem;
use countermark_client::store::{Known, Store};
use countermark_ledger::check::Subject;
use countermark_ledger::file::FileId;
use countermark_packaging::digest::{Digest, Sha256};
use countermark_trust::Class;

use crate::cli::{IndexArgs, StoreArgs};
use crate::commands::install::open_store;
use crate::progress::Teller;
use crate::session::{self, Session};
use crate::setup;

/// Where files can be asked for.
pub(super) struct Online<'a> {
    pub(super) session: Session,
    pub(super) store: Arc<Store>,
    pub(super) interrupted: Arc<AtomicBool>,
    pub(super) teller: &'a Teller,
}

impl<'a> Online<'a> {
    /// By the options of a command.
    pub(super) fn open(
        index: &IndexArgs,
        store: &StoreArgs,
        teller: &'a Teller,
    ) -> Result<Self, Vec<Problem>> {
        session::refuse_weakening(index)?;
        let folders = setup::folders(store)?;
        let session = session::open("vet", index, &[], None)?;
        session::tell(&session.settings, teller);
        let store = Arc::new(open_store(&session, &folders, store.cache_dir.is_some())?);
        Ok(Self { session, store, interrupted: setup::interrupted(), teller })
    }

    /// Whether nobody may be asked.
    pub(super) fn is_offline(&self) -> bool {
        self.session.settings.http.offline
    }

    /// How other ledgers are fetched.
    pub(super) fn fetching(&self) -> Fetching<'_> {
        Fetching {
            http: &self.session.http,
            state: self.store.state(),
            offline: self.is_offline(),
            time: fetch::LONGEST,
            stop: &self.interrupted,
            reporter: self.teller,
        }
    }

    /// Refuses to go on after the user said stop.
    pub(super) fn go_on(&self) -> Result<(), Vec<Problem>> {
        if self.interrupted.load(std::sync::atomic::Ordering::Relaxed) {
            let message = "interrupted; nothing was changed";
            return Err(vec![Problem::new("interrupted", Class::Unavailable, message)]);
        }
        Ok(())
    }
}

/// Gives names to the files that have none, as far as anybody knows; gives why some are not known.
pub(super) fn fill(
    files: &mut [Subject],
    known: &BTreeMap<Sha256, String>,
    online: &Online<'_>,
) -> Vec<String> {
    for file in &mut *files {
        if file.file.is_none() {
            file.file = known.get(&file.digest).filter(|name| fits(file, name)).cloned();
        }
    }
    let mut wanted = Wanted::new();
    for file in files.iter().filter(|file| file.file.is_none()) {
        wanted.entry(file.project.clone()).or_default().insert(file.digest);
    }
    let names = online.store.names();
    let mut found: BTreeMap<Sha256, String> = BTreeMap::new();
    for (project, digests) in &wanted {
        for (digest, known) in names.of(project) {
            if let (Some(digest), Known::File { filename, .. }) = (digest.as_sha256(), known)
                && digests.contains(&digest)
            {
                found.insert(digest, filename);
            }
        }
    }
    take(files, &found);
    wanted.retain(|project, digests| {
        digests.retain(|digest| !found.contains_key(digest));
        let is_open = !digests.is_empty();
        is_open && files.iter().any(|file| file.project == *project && file.file.is_none())
    });
    if wanted.is_empty() || online.is_offline() {
        return Vec::new();
    }
    let index = &online.session.index;
    let listed = listed::ask(index, &wanted, online.teller, &online.interrupted);
    found = listed.files.iter().map(|(digest, file)| (*digest, name(file))).collect();
    take(files, &found);
    for (project, digests) in &wanted {
        let news = digests.iter().filter_map(|digest| {
            let filename = found.get(digest)?.clone();
            Some((Digest::from(*digest), Known::File { filename, sha256: None }))
        });
        // Without the memory the index is asked again next time.
        let _ = names.remember(project, news);
    }
    listed.unknown
}

/// Takes the names that the ledger has.
pub(super) fn take_known(files: &mut [Subject], loaded: &Loaded) {
    if files.iter().any(|file| file.file.is_none()) {
        take(files, &known(files, loaded));
    }
}

/// The names that a ledger has for digests without one.
pub(super) fn known(files: &[Subject], loaded: &Loaded) -> BTreeMap<Sha256, String> {
    let wanted: BTreeSet<Sha256> =
        files.iter().filter(|file| file.file.is_none()).map(|file| file.digest).collect();
    let mut found = BTreeMap::new();
    let mut take = |file: &FileId| {
        if wanted.contains(&file.digest) {
            found.entry(file.digest).or_insert_with(|| file.name.clone());
        }
    };
    let exempt = loaded.ledger.exemptions.iter().flat_map(|it| &it.files);
    let seen = loaded.facts.files.iter().map(|it| &it.file);
    let related = loaded.relations.0.iter().flat_map(|it| [&it.from, &it.to]);
    exempt.chain(seen).chain(related).for_each(&mut take);
    for digest in &wanted {
        for entry in loaded.reviews.covering(digest) {
            entry.review.files.iter().for_each(&mut take);
        }
    }
    found
}

fn name(file: &countermark_lock::catalogue::ReleaseFile) -> String {
    file.filename.as_str().to_owned()
}

fn take(files: &mut [Subject], names: &BTreeMap<Sha256, String>) {
    for file in files.iter_mut().filter(|file| file.file.is_none()) {
        file.file = names.get(&file.digest).filter(|name| fits(file, name)).cloned();
    }
}

/// Whether it is the name of a file of the release.
fn fits(file: &Subject, name: &str) -> bool {
    parse_name(&file.project, name).is_some_and(|parsed| *parsed.version() == file.version)
}
