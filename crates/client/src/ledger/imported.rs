//! The ledgers of others, as they were fetched: used while they have the digest that was recorded.

use countermark_ledger::format::{ReviewFile, codes, limits};
use countermark_ledger::ledger::{Import, Ledger};
use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::{Place, SourceError};
use sha2::Digest as _;

use super::fetch::store;
use super::folder::{COMMITS, Folder, IMPORTS, LEDGER, REVIEWS, told};
use crate::report::Problem;

/// An imported ledger.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What it is called here.
    pub name: String,
    /// Its decisions.
    pub ledger: Ledger,
    /// Its reviews.
    pub reviews: ReviewFile,
    /// The record of signed commits that added its reviews; empty where there is none.
    pub commits: Vec<u8>,
}

pub(super) fn read(folder: &Folder, ledger: &Ledger) -> Result<Vec<Imported>, Vec<Problem>> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for import in &ledger.imports {
        match read_one(folder, import) {
            Ok(read) => found.extend(read),
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// One import; none when it was never fetched.
fn read_one(folder: &Folder, import: &Import) -> Result<Option<Imported>, Vec<Problem>> {
    let Some(expected) = import.ledger else { return Ok(None) };
    let name = format!("{IMPORTS}/{}/{LEDGER}", import.name);
    let bytes = stored(folder, import, LEDGER, limits::LEDGER, &expected)?;
    let bytes = recorded(folder, import, &name, bytes, &expected)?;
    let ledger = Ledger::parse(&folder.shown(&name), &bytes).map_err(|errors| told(&errors))?;
    let name = format!("{IMPORTS}/{}/{REVIEWS}", import.name);
    let reviews = match import.reviews {
        None => ReviewFile::empty(&folder.shown(&name)),
        Some(expected) => {
            let bytes = stored(folder, import, REVIEWS, limits::REVIEWS, &expected)?;
            let bytes = bytes.ok_or_else(|| vec![gone(folder, import, &name, &expected)])?;
            ReviewFile::open(&folder.shown(&name), bytes, &expected)
                .map_err(|error| told(&[error]))?
        }
    };
    let name = format!("{IMPORTS}/{}/{COMMITS}", import.name);
    let commits = match import.commits {
        None => Vec::new(),
        Some(expected) => {
            let left = store::read(folder, &import.name, COMMITS, &expected);
            let bytes = left.map_or_else(|| folder.commits(&import.name), |it| Ok(Some(it)))?;
            recorded(folder, import, &name, bytes, &expected)?
        }
    };
    Ok(Some(Imported { name: import.name.clone(), ledger, reviews, commits }))
}

/// The bytes of a file. Where a run ended between the moment of a change and its end, those that it left
/// have the recorded digest.
fn stored(
    folder: &Folder,
    import: &Import,
    file: &str,
    limit: usize,
    expected: &Sha256,
) -> Result<Option<Vec<u8>>, Vec<Problem>> {
    match store::read(folder, &import.name, file, expected) {
        Some(bytes) => Ok(Some(bytes)),
        None => folder.bytes(&format!("{IMPORTS}/{}/{file}", import.name), limit),
    }
}

fn recorded(
    folder: &Folder,
    import: &Import,
    name: &str,
    bytes: Option<Vec<u8>>,
    expected: &Sha256,
) -> Result<Vec<u8>, Vec<Problem>> {
    let bytes = bytes.ok_or_else(|| vec![gone(folder, import, name, expected)])?;
    let found = Sha256(sha2::Sha256::digest(&bytes).into());
    if found == *expected {
        return Ok(bytes);
    }
    let place = Place { file: folder.shown(name), line: 1, column: 1, span: 0..0 };
    let message = format!("expected {expected}, as it was fetched, found {found}");
    Err(told(&[changed(message, place)]))
}

fn gone(folder: &Folder, import: &Import, name: &str, expected: &Sha256) -> Problem {
    let message = format!("expected {expected} in {}, which is not there", folder.shown(name));
    told(&[changed(message, import.place.clone())]).remove(0)
}

fn changed(message: String, place: Place) -> SourceError {
    let hint = "what was fetched is not edited; `countermark vet import` fetches it again";
    SourceError { code: codes::CHANGED_ON_DISK, message, place, hint: Some(hint.to_owned()) }
}
