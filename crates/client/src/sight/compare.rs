//! Digests that already stand in the output: they are never used, and shown where they are not those
//! of what came.

use countermark_lock::catalogue::ReleaseFile;
use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use super::Seen;
use crate::report::Note;

/// What an old lock says of one release that is in the new one as well.
#[derive(Clone, Debug)]
pub struct OldDigests<'a> {
    /// The project.
    pub project: &'a ProjectName,
    /// The release.
    pub version: &'a Version,
    /// Digests, each with the file that the lock gives it to, where the format says so.
    pub digests: Vec<(Option<&'a str>, Digest)>,
    /// Everything that the index lists of the release; digests of files that the new lock leaves
    /// out are told from those that no file has.
    pub listed: &'a [ReleaseFile],
}

/// Notes for every old digest that is not that of the bytes. `seen` are the files of the new lock.
#[must_use]
pub fn compare_with_old(old: &[OldDigests<'_>], seen: &[Seen]) -> Vec<Note> {
    old.iter().flat_map(|release| compare(release, seen)).collect()
}

fn compare(release: &OldDigests<'_>, seen: &[Seen]) -> Vec<Note> {
    let new: Vec<&Seen> = seen.iter().filter(|seen| seen.project == *release.project).collect();
    let hint = "it is not kept; if you did not write it, find out who did";
    let mut notes = Vec::new();
    let mut unknown = Vec::new();
    for (filename, digest) in &release.digests {
        let is_seen = |seen: &&&Seen| Digest::from(seen.file.sha256) == *digest;
        let same_name = |seen: &&&Seen| Some(seen.file.filename.as_str()) == *filename;
        let of_name = new.iter().find(same_name);
        match (of_name, new.iter().find(is_seen)) {
            (Some(named), _) if digest.as_sha256().is_some_and(|old| old != named.file.sha256) => {
                let message = format!(
                    "the lock said {digest} of `{}`, whose bytes have sha256:{}",
                    named.file.filename,
                    named.file.sha256.hex()
                );
                notes.push(Note::new("stale-digest", message).with_hint(hint));
            }
            (_, Some(_)) => {}
            // Another algorithm, or a file that is not locked any more: the index says whose it is.
            _ if is_listed(release, digest) || digest.as_sha256().is_none() => {}
            _ => unknown.push(digest),
        }
    }
    // A lock without names has dozens of digests for some releases; one note is enough for them.
    if let Some((first, others)) = unknown.split_first() {
        let (project, version) = (release.project, release.version);
        let message = match others.len() {
            0 => format!(
                "the lock said {first} of {project} {version}, of which the index lists no such file"
            ),
            count => format!(
                "the lock said {first} and {count} more of {project} {version}, of which the index \
                 lists no such files"
            ),
        };
        notes.push(Note::new("stale-digest", message).with_hint(hint));
    }
    notes
}

fn is_listed(release: &OldDigests<'_>, digest: &Digest) -> bool {
    release.listed.iter().any(|file| file.digests.contains(digest))
}
