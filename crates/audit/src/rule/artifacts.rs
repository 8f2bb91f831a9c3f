//! What the rules about the bytes of files have in common.

use crate::dossier::{Dossier, Judgement, ReleaseCase};
use crate::fact::{IndexFile, Inside};
use crate::finding::Finding;

/// More releases of one project than this with the same fault are one finding: then it is not the
/// releases that a person has to look at, but what they have in common.
const MOST: usize = 5;

/// The releases of a project that are not known to be somebody else's.
pub(super) fn ours<'d, 'a>(dossier: &'d Dossier<'a>) -> impl Iterator<Item = &'d ReleaseCase<'a>> {
    dossier.judged(|judgement| {
        !matches!(judgement, Judgement::TheirOwn | Judgement::Departed | Judgement::Foreign)
    })
}

/// The files that the index has of a release.
pub(super) fn index_files<'a>(case: &ReleaseCase<'a>) -> &'a [IndexFile] {
    case.index.map(|release| release.files.as_slice()).unwrap_or_default()
}

/// Those of them that were looked into.
pub(super) fn looked_into<'a>(
    case: &ReleaseCase<'a>,
) -> impl Iterator<Item = (&'a IndexFile, &'a Inside)> {
    index_files(case).iter().filter_map(|file| Some((file, file.inside.as_ref()?)))
}

/// One finding a release; where there are many of one severity, one finding for all of them.
pub(super) fn gather(
    found: Vec<Finding>,
    message: impl Fn(usize) -> String,
    findings: &mut Vec<Finding>,
) {
    let mut groups: Vec<Vec<Finding>> = Vec::new();
    for finding in found {
        let is_like = |group: &&mut Vec<Finding>| {
            group[0].severity == finding.severity && group[0].explained == finding.explained
        };
        match groups.iter_mut().find(is_like) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    for group in groups {
        let count = group.len();
        if count <= MOST {
            findings.extend(group);
            continue;
        }
        let mut group = group.into_iter();
        let Some(mut first) = group.next() else { continue };
        first.message = message(count);
        for (position, other) in group.enumerate() {
            first.versions.extend(other.versions);
            first.files.extend(other.files);
            if position + 1 < MOST {
                first.evidence.extend(other.evidence);
            }
        }
        findings.push(first);
    }
}
