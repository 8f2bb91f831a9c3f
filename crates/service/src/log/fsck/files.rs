//! Which public files there are, and how their bytes differ.

use std::collections::BTreeMap;

use super::{Difference, FsckError, Report, Subject, is_public};
use crate::log::tiles::{Child, FULL, Kind, TilePath};

/// How deep folders of tiles are: `tile`, a level, six groups of digits.
const DEPTH: usize = 9;
/// How many partial tiles are remembered; a log that prunes has a few thousand.
const REMEMBERED: usize = 1 << 20;

/// The widths of partial tiles, by their place.
#[derive(Debug, Default)]
pub(super) struct Files {
    partials: BTreeMap<(Kind, u64), Vec<u16>>,
    count: usize,
}

impl Files {
    /// The partial tiles in the place of this one that are narrower; they are forgotten if it is full.
    pub(super) fn take_partials(&mut self, path: TilePath) -> Vec<u16> {
        let key = (path.kind, path.index);
        let all = match path.width {
            FULL => self.partials.remove(&key),
            _ => self.partials.get(&key).cloned(),
        };
        all.unwrap_or_default().into_iter().filter(|width| *width < path.width).collect()
    }
}

/// Looks into every folder once. What has no place in the log is told.
pub(super) async fn walk(subject: &Subject<'_>, report: &mut Report) -> Result<Files, FsckError> {
    let Subject { store, tiles, .. } = subject;
    let mut files = Files::default();
    let mut size = store.head().await?.size;
    let mut folders = vec!["tile".to_owned()];
    while let Some(folder) = folders.pop() {
        for child in tiles.list(&folder).await? {
            match child {
                Child::Folder(name) => {
                    let folder = format!("{folder}/{name}");
                    let is_deep = folder.split('/').count() > DEPTH;
                    if is_deep || !may_be_folder(&folder) {
                        report.add(Difference::Unexpected { path: folder });
                    } else {
                        folders.push(folder);
                    }
                }
                Child::Object(name) => {
                    let text = format!("{folder}/{name}");
                    let path = TilePath::parse(&text);
                    if path.is_some_and(|path| !is_public(path, size)) {
                        // The log may have gone on.
                        size = store.head().await?.size;
                    }
                    match path.filter(|path| is_public(*path, size)) {
                        Some(path) if path.width < FULL && files.count < REMEMBERED => {
                            files.count += 1;
                            let place = files.partials.entry((path.kind, path.index));
                            place.or_default().push(path.width);
                        }
                        Some(_) => {}
                        None => report.add(Difference::Unexpected { path: text }),
                    }
                }
            }
        }
    }
    Ok(files)
}

/// Whether a folder has a name as the specification makes them; what is in it is looked at by its own name.
fn may_be_folder(folder: &str) -> bool {
    let last = folder.rsplit('/').next().unwrap_or_default();
    let digits = |text: &str| text.len() == 3 && text.bytes().all(|it| it.is_ascii_digit());
    let is_level = last.parse::<u8>().is_ok_and(|level| level < 64 && level.to_string() == last);
    match folder.split('/').count() {
        2 => last == "entries" || is_level,
        _ => last.strip_prefix('x').or(last.strip_suffix(".p")).is_some_and(digits),
    }
}

/// The bytes of a partial tile or bundle, which are the first ones of a wider one.
pub(super) fn beginning(path: TilePath, bytes: &[u8]) -> Vec<u8> {
    let mut length = 0_usize;
    for _ in 0..path.width {
        length += match path.kind {
            Kind::Hashes(_) => 32,
            Kind::Entries => {
                let prefix =
                    bytes.get(length..length + 2).and_then(|it| <[u8; 2]>::try_from(it).ok());
                prefix.map_or(0, |prefix| 2 + usize::from(u16::from_be_bytes(prefix)))
            }
        };
    }
    bytes.get(..length).unwrap_or(bytes).to_vec()
}

/// Where bytes differ, if they do.
pub(super) fn compare(path: TilePath, expected: &[u8], found: &[u8]) -> Option<Difference> {
    if expected == found {
        return None;
    }
    let common = expected.iter().zip(found).take_while(|(one, other)| one == other).count();
    Some(Difference::Tile { path: path.to_string(), at: common as u64 })
}
