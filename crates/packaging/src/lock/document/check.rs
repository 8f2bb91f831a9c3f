//! What must hold in a lock of any format: one spelling a name, one digest a file, no entry that
//! is named and not there.
//!
//! Cycles of dependencies are legal: `pip` installs them, projects of this world have them, and no
//! format forbids them. So nothing looks for one here.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use super::reader::{Reader, Text};
use super::{FileEntry, LockPackage, MAXIMUM_ENTRIES};
use crate::digest::{Algorithm, Digest};
use crate::lock::codes;
use crate::name::ProjectName;

/// From how many files on a package whose files all have one name is taken for the work of a
/// writer that knew no names.
const MADE_UP: usize = 3;

/// The spellings of names in one file.
#[derive(Default)]
pub(super) struct Spellings<'a>(HashMap<ProjectName, &'a str>);

impl<'a> Spellings<'a> {
    /// Two spellings of one name in a file that a program writes come of a merge or of somebody
    /// who wants one of them overlooked; tools differ in which they take.
    pub(super) fn add(&mut self, reader: &mut Reader<'a>, name: &ProjectName, text: &Text<'a>) {
        let first = *self.0.entry(name.clone()).or_insert(text.value);
        if first != text.value {
            let message =
                format!("`{}` and `{first}` are two spellings of one project", text.value);
            let hint = "write the lock anew, or use one spelling";
            reader.hinted(codes::NAME_SPELLING, message, text.span.clone(), hint);
        }
    }
}

/// Looks at a package's files, and adds the package.
pub(super) fn add<'a>(
    reader: &mut Reader<'a>,
    packages: &mut Vec<LockPackage>,
    package: LockPackage,
) {
    if packages.len() == MAXIMUM_ENTRIES {
        let message = format!("more than {MAXIMUM_ENTRIES} entries are not read");
        reader.error(codes::TOO_LARGE, message, package.place.span.clone());
    }
    if packages.len() > MAXIMUM_ENTRIES {
        return;
    }
    check_files(reader, &package);
    packages.push(package);
}

/// No file has two digests of one algorithm.
fn check_files(reader: &mut Reader<'_>, package: &LockPackage) {
    let names: BTreeSet<Option<&str>> =
        package.files.iter().map(|file| file.name.as_deref()).collect();
    if names.len() == 1 && package.files.len() >= MADE_UP {
        if !names.contains(&None) && digests_differ(&package.files) {
            let message = format!(
                "every file of `{}` has the same name; the digests cannot be told apart",
                package.project
            );
            reader.note(&message, package.place.span.clone());
        }
        return;
    }
    // The first digest of each algorithm is enough to compare with.
    let mut seen: HashMap<(&str, Algorithm), (&Digest, u32)> = HashMap::new();
    for file in &package.files {
        let Some(name) = &file.name else { continue };
        for digest in &file.digests {
            let key = (name.as_str(), digest.algorithm());
            let (first, line) = *seen.entry(key).or_insert((digest, file.place.line));
            if first != digest {
                let message = format!("`{name}` has {digest} here and {first} at line {line}");
                let hint = "one of them is wrong, or two indexes have different files of this name";
                reader.hinted(codes::DIGEST_CONFLICT, message, file.place.span.clone(), hint);
                break;
            }
        }
    }
}

fn digests_differ(files: &[FileEntry]) -> bool {
    files.windows(2).any(|pair| pair[0].digests != pair[1].digests)
}

/// A dependency that an entry names.
pub(super) struct Named {
    pub(super) project: ProjectName,
    /// The version, where the format names one.
    pub(super) version: Option<crate::version::Version>,
    pub(super) span: Range<usize>,
}

/// Tells every dependency that has no entry.
pub(super) fn check_named(reader: &mut Reader<'_>, packages: &[LockPackage], named: &[Named]) {
    let mut entries: HashMap<&ProjectName, Vec<&LockPackage>> = HashMap::new();
    for package in packages {
        entries.entry(&package.project).or_default().push(package);
    }
    for Named { project, version, span } in named {
        let message = match entries.get(project) {
            None => format!("`{project}` is needed here, and there is no entry for it"),
            Some(found) => {
                let Some(version) = version else { continue };
                if found.iter().any(|entry| entry.version.as_ref() == Some(version)) {
                    continue;
                }
                format!("`{project}` {version} is needed here, and there is no entry for it")
            }
        };
        let hint = "the lock was cut off or edited; write it anew";
        reader.hinted(codes::MISSING_ENTRY, message, span.clone(), hint);
    }
}
