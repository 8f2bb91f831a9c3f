//! The folder of proofs beside a lock: what it lacks is asked for, what no file of the lock has goes away.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use countermark_client::log::{PinToCheck, proof_name};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_lock::pins::Pins;
use countermark_trust::Class;
use countermark_trust::log::proofs::SUFFIX;

use super::check::{Asking, all_pins, proofs_of};
use crate::commands::report::replace_file;

/// The folder, and what is to be in it.
#[derive(Debug)]
pub(crate) struct Beside {
    folder: PathBuf,
    /// New proofs, by the names of their files.
    fresh: BTreeMap<String, String>,
    /// The names of all that stay.
    kept: BTreeSet<String>,
}

impl Beside {
    /// The folder of this lock.
    pub(crate) fn of(lock: &Path) -> Self {
        Self { folder: proofs_of(lock), fresh: BTreeMap::new(), kept: BTreeSet::new() }
    }

    /// Whether the lock has proofs already: then they are kept up to date without being asked for.
    pub(crate) fn is_there(&self) -> bool {
        self.folder.is_dir()
    }

    /// Asks about new pins, and about those that have no proof that verifies. A proof that does is left
    /// as it is, so that the folder changes only where the lock does.
    pub(crate) fn ask(
        &mut self,
        asking: &Asking<'_>,
        pins: &Pins,
        new: &[PinToCheck],
    ) -> Vec<Problem> {
        let client = asking.client();
        let is_new = |pin: &PinToCheck| new.iter().any(|other| other.filename == pin.filename);
        let (mut asked, mut kept) = (Vec::new(), BTreeSet::new());
        for pin in all_pins(pins) {
            let (is_new, has_proof) = (is_new(&pin), client.has_proof(&self.folder, &pin));
            if has_proof {
                kept.extend(proof_name(&pin.filename));
            }
            if is_new || !has_proof {
                asked.push(PinToCheck { stands: !is_new, ..pin });
            }
        }
        let outcome = asking.with_proofs(&asked);
        let mut without = 0;
        for pin in &asked {
            let Some(name) = proof_name(&pin.filename) else { continue };
            match outcome.proof(pin) {
                Some(text) if !kept.contains(&name) => drop(self.fresh.insert(name.clone(), text)),
                Some(_) => {}
                None if !kept.contains(&name) => without += 1,
                None => {}
            }
            if self.fresh.contains_key(&name) {
                kept.insert(name);
            }
        }
        if without > 0 {
            let files = if without == 1 { "file has" } else { "files have" };
            let message = format!("{without} {files} no proof");
            asking.teller.note(Note::new("no-proof", message));
        }
        self.kept = kept;
        outcome.problems
    }

    /// Writes what is new, each file by one rename, and takes away what is of no file of the lock.
    ///
    /// # Errors
    /// When the file system says no.
    pub(crate) fn write(&self) -> Result<(), Vec<Problem>> {
        let failed = |path: &Path, error: &std::io::Error| {
            let message = format!("cannot write `{}`", path.display());
            let problem = Problem::new("write-failed", Class::Unavailable, message);
            vec![problem.with_detail(error.to_string())]
        };
        if !self.fresh.is_empty() {
            fs::create_dir_all(&self.folder).map_err(|error| failed(&self.folder, &error))?;
        }
        for (name, text) in &self.fresh {
            replace_file(&self.folder.join(name), text.as_bytes())?;
        }
        let Ok(items) = fs::read_dir(&self.folder) else { return Ok(()) };
        for item in items.filter_map(Result::ok) {
            let name = item.file_name();
            let is_stale = name
                .to_str()
                .is_some_and(|name| name.ends_with(SUFFIX) && !self.kept.contains(name));
            if is_stale {
                fs::remove_file(item.path()).map_err(|error| failed(&item.path(), &error))?;
            }
        }
        Ok(())
    }
}
