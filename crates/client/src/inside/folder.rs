//! Copies of the index's files in a folder, put beside what the index says of them.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use countermark_audit::fact::{IndexFile, Inside, ProjectFacts};

use super::fetch::Inspected;
use super::{InsideError, Look, look_inside};
use crate::parallel::in_parallel;

/// What was found in a folder.
#[derive(Debug, Default)]
pub struct Attached {
    /// Files of the index that are there and were looked into.
    pub looked: usize,
    /// What could not be read or contradicts itself; what could be read of it is attached.
    pub faults: Vec<InsideError>,
}

/// Looks into every file of the index that is in the folder under its name, and attaches what was
/// found to the facts. Other files of the folder are passed over.
pub fn attach(facts: &mut ProjectFacts, folder: &Path) -> Attached {
    let mut here: Vec<&mut IndexFile> = facts
        .releases
        .iter_mut()
        .flat_map(|release| &mut release.files)
        .filter(|file| is_plain(&file.filename) && folder.join(&file.filename).is_file())
        .collect();
    let names: Vec<String> = here.iter().map(|file| file.filename.clone()).collect();
    let looks = in_parallel(&names, |name| look_at(folder, name));
    let mut attached = Attached::default();
    for (file, look) in here.iter_mut().zip(looks) {
        match look {
            Ok(Look { inside, fault }) => {
                attached.looked += 1;
                file.inside = Some(inside);
                attached.faults.extend(fault);
            }
            Err(error) => attached.faults.push(error),
        }
    }
    attached
}

/// Attaches what was found in files that were downloaded.
pub fn attach_inspected(facts: &mut ProjectFacts, inspected: &[Inspected]) {
    // By name: there may be as many as the index lists.
    let found: HashMap<&str, &Inside> = inspected
        .iter()
        .filter_map(|one| Some((one.filename.as_str(), one.inside.as_ref()?)))
        .collect();
    for file in facts.releases.iter_mut().flat_map(|release| &mut release.files) {
        if let Some(inside) = found.get(file.filename.as_str()) {
            file.inside = Some((*inside).clone());
        }
    }
}

fn look_at(folder: &Path, filename: &str) -> Result<Look, InsideError> {
    let file = File::open(folder.join(filename))
        .map_err(|source| InsideError::Read { filename: filename.to_owned(), source })?;
    look_inside(&file, filename)
}

/// One component and no other path: the name is the index's.
fn is_plain(filename: &str) -> bool {
    !filename.is_empty()
        && !matches!(filename, "." | "..")
        && !filename.contains(['/', '\\', '\0', ':'])
}
