//! Lists of checksums, `SHA256SUMS` and the like, with or without a signature.
//!
//! A list is a record of files: their names say projects and versions, and the digests say which
//! bytes were released. A signature is one over the text itself (clear-signed) or a file beside the
//! list. A list whose signature is refused is no record at all: whoever changed it chose what is in
//! it.
//!
//! Forms of lines: those of GNU coreutils (`sha256sum`, also `--tag`, with the escapes of names that
//! hold a line break or a backslash) and of OpenSSL (`SHA2-256(name)= digest`).

mod cleartext;
mod lines;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::collected::Collected;
use super::names::{last_component, release_of_file};
use super::setup::{PassedOver, Problems, Setup, shown};
use super::{Documents, SignatureJudge, Source, SourceError};
use crate::federation::RecordsEntry;
use crate::record::{OfficialFile, OfficialRelease, Records, Signature};
use lines::Line;

/// Longest list, in bytes: a million lines.
const MAX_LIST: u64 = 256 * 1024 * 1024;

/// Longest signature, in bytes.
const MAX_SIGNATURE: u64 = 1024 * 1024;

/// Endings of signatures beside a list, in the order in which they are looked for.
const SIGNATURES: &[&str] = &[".asc", ".sig", ".gpg", ".sign"];

/// Names of lists, in lower case.
const LISTS: &[&str] = &[
    "sha256",
    "sha256.txt",
    "sha256sum",
    "sha256sum.txt",
    "sha256sums",
    "sha256sums.txt",
    "checksums",
    "checksums.txt",
    "checksum.txt",
];

/// Endings of the names of lists, in lower case.
const LIST_ENDINGS: &[&str] = &[
    ".sha256",
    ".sha256.txt",
    ".sha256sum",
    ".sha256sums",
    "-sha256sums.txt",
    "_sha256sums.txt",
    "_checksums.txt",
    "-checksums.txt",
];

/// What is wanted of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// A list without a good signature is not used.
    Required,
    /// A list with a bad signature is not used; one without any is.
    IfThere,
    /// Signatures are not looked at.
    No,
}

/// See the module.
pub struct Checksums<'a> {
    setup: Setup<'a>,
    judge: &'a dyn SignatureJudge,
    wanted: Wanted,
}

impl<'a> Checksums<'a> {
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(
        entry: &'a RecordsEntry,
        judge: &'a dyn SignatureJudge,
    ) -> Result<Self, SourceError> {
        let setup = Setup::new(entry, &["key-dates", "keys", "signatures"])?;
        let words =
            [("required", Wanted::Required), ("if-there", Wanted::IfThere), ("no", Wanted::No)];
        let wanted = setup.word("signatures", &words, Wanted::IfThere)?;
        Ok(Self { setup, judge, wanted })
    }

    /// The text that counts, and what its signature is worth; or why nothing of it counts.
    fn signed_text(
        &self,
        path: &str,
        bytes: Vec<u8>,
        documents: &dyn Documents,
    ) -> Result<Result<(Vec<u8>, Signature), String>, SourceError> {
        let detached = self.signature_beside(path, documents)?;
        let signed = cleartext::parse(&bytes);
        if self.wanted == Wanted::No {
            return Ok(match signed {
                None => Ok((bytes, Signature::NotLooked)),
                Some(signed) => signed.map(|text| (text, Signature::NotLooked)),
            });
        }
        Ok(match (signed, detached) {
            (Some(Err(reason)), _) => Err(reason),
            (Some(Ok(text)), _) => match self.judge.open_cleartext(&bytes, None) {
                Ok(text) => Ok((text, Signature::Good { signer: String::new() })),
                Err(refused) => self.weigh(refused).map(|signature| (text, signature)),
            },
            (None, Some(signature)) => {
                let judged = self.judge.judge(&bytes, &signature, None);
                self.weigh(judged).map(|signature| (bytes, signature))
            }
            (None, None) if self.wanted == Wanted::Required => {
                Err("no signature is in it or beside it, and one is required".to_owned())
            }
            (None, None) => Ok((bytes, Signature::NotLooked)),
        })
    }

    fn signature_beside(
        &self,
        path: &str,
        documents: &dyn Documents,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        if self.wanted == Wanted::No {
            return Ok(None);
        }
        for ending in SIGNATURES {
            if let Some(bytes) = documents.read(&format!("{path}{ending}"), MAX_SIGNATURE)? {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Whether a list may be used with a signature like this.
    fn weigh(&self, signature: Signature) -> Result<Signature, String> {
        match signature {
            Signature::Good { .. } => Ok(signature),
            Signature::Bad { code, reason } => {
                Err(format!("the signature is refused ({code}): {reason}"))
            }
            Signature::Unchecked { reason } if self.wanted == Wanted::Required => {
                Err(format!("the signature is required and cannot be checked: {reason}"))
            }
            Signature::Unchecked { .. } => Ok(signature),
            Signature::Missing | Signature::NotLooked => {
                Err("the signature was not looked at".to_owned())
            }
        }
    }

    fn read_list(
        &self,
        path: &str,
        bytes: Vec<u8>,
        documents: &dyn Documents,
        collected: &mut Collected,
        records: &mut Records,
    ) -> Result<(), SourceError> {
        let file = self.setup.file(path);
        let mut problems = Problems::of(&file);
        let (text, signature) = match self.signed_text(path, bytes, documents)? {
            Ok(used) => used,
            Err(reason) => {
                problems.add(records, None, format!("nothing of this list is used: {reason}"));
                return Ok(());
            }
        };
        if let Signature::Unchecked { reason } = &signature {
            let line = format!("{file} is used though its signature was not checked: {reason}");
            records.assumptions.push(line);
        }
        let mut others = PassedOver::default();
        let place: Arc<str> = file.as_str().into();
        // A file beside an artifact may hold nothing but the digest.
        let only_file = path.rsplit('/').next().and_then(|name| name.strip_suffix(".sha256"));
        for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let position = (u32::try_from(number + 1).unwrap_or(u32::MAX), 1);
            let (name, digest) = match lines::parse(line, only_file) {
                Ok(Line::File { name, digest }) => (name, digest),
                Ok(Line::Nothing) => continue,
                Ok(Line::OtherAlgorithm) => {
                    others.add(&String::from_utf8_lossy(line));
                    continue;
                }
                Err(reason) => {
                    problems.add(records, Some(position), reason);
                    continue;
                }
            };
            let Some(filename) = last_component(&name) else {
                problems.add(records, Some(position), format!("`{}` names no file", shown(&name)));
                continue;
            };
            let named = release_of_file(filename, self.setup.project.as_ref());
            let Some(named) = named.filter(|named| self.setup.wants(&named.project)) else {
                others.add(filename);
                continue;
            };
            let Ok(project) = collected.project(named.project.as_str()) else { continue };
            let official = OfficialFile {
                filename: filename.into(),
                sha256: Some(digest),
                size: None,
                signature: signature.clone(),
            };
            let release = OfficialRelease {
                files: vec![official],
                place: Some(place.clone()),
                ..OfficialRelease::new(&named.version)
            };
            collected.add(project, release);
        }
        problems.finish(records);
        let what = match &self.setup.project {
            Some(project) => format!(
                "lines of {file} that are no SHA-256 of a wheel or sdist of `{project}`, left out"
            ),
            None => format!("lines of {file} that are no SHA-256 of a wheel or sdist, left out"),
        };
        others.say(records, &what);
        Ok(())
    }

    /// The lists: the files whose names say so, or the one file that the entry names.
    fn lists(&self, documents: &dyn Documents) -> Result<Vec<String>, SourceError> {
        let all = documents.list("", "")?;
        let mut files: Vec<String> = all.iter().filter(|it| is_list(it)).cloned().collect();
        let known: BTreeSet<&str> = all.iter().map(String::as_str).collect();
        // A clear-signed list often has the name of a signature, and then nothing is beside it.
        let lonely = all.iter().filter(|path| {
            let whole = SIGNATURES.iter().find_map(|ending| path.strip_suffix(ending));
            whole.is_some_and(|whole| is_list(whole) && !known.contains(whole))
        });
        files.extend(lonely.cloned());
        if files.is_empty() {
            files = self.setup.files(&[], documents)?;
        }
        files.sort_unstable();
        Ok(files)
    }
}

impl Source for Checksums<'_> {
    fn describe(&self) -> String {
        format!("the checksums in {}", self.setup.location())
    }

    fn read(&self, documents: &dyn Documents, records: &mut Records) -> Result<(), SourceError> {
        let lists = self.lists(documents)?;
        if lists.is_empty() {
            return Err(SourceError::NotThis {
                what: self.setup.location().to_owned(),
                expected: "a list of checksums, nor a folder with one (`SHA256SUMS`)".to_owned(),
            });
        }
        let mut collected = Collected::of_the_index();
        for path in &lists {
            // It was listed a moment ago; when it is gone by now, that is not an empty list.
            let Some(bytes) = documents.read(path, MAX_LIST)? else {
                let what = self.setup.file(path);
                return Err(SourceError::Unreadable { what, reason: "it is gone".to_owned() });
            };
            self.read_list(path, bytes, documents, &mut collected, records)?;
        }
        collected.finish(self.setup.is_undated(), records);
        self.setup.finish(self.describe(), true, documents, records)
    }
}

fn is_list(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    LISTS.contains(&name.as_str()) || LIST_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests;
