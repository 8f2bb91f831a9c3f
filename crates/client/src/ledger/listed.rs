//! Which files are meant by digests, as the configured index says: their names and where they are.
//!
//! A claim, for names that people read and for where to download from; whatever is downloaded is held
//! against the digest by which it was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use countermark_lock::catalogue::ReleaseFile;
use countermark_packaging::digest::{Digest, Sha256};
use countermark_packaging::filename::{DistributionFilename, SdistFilename};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple;
use futures_util::stream::{self, StreamExt as _};

use crate::index::IndexClient;
use crate::receive::until_interrupted;
use crate::report::{Progress, Reporter};

/// Projects that are asked for at a time.
const AT_A_TIME: usize = 12;

/// Digests of files, by their project.
pub type Wanted = BTreeMap<ProjectName, BTreeSet<Sha256>>;

/// What the index lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Files with a digest that was asked for.
    pub files: BTreeMap<Sha256, ReleaseFile>,
    /// Why there was no answer about a project, a sentence each, sorted.
    pub unknown: Vec<String>,
}

/// Asks for the files of these digests; from a thread that runs nothing asynchronous. Of a run that the
/// user stopped there is no answer.
#[must_use]
pub fn ask(
    index: &IndexClient,
    wanted: &Wanted,
    reporter: &dyn Reporter,
    interrupted: &AtomicBool,
) -> Listed {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let unknown = vec![format!("the network cannot be set up: {error}")];
            return Listed { unknown, ..Listed::default() };
        }
    };
    reporter.progress(Progress::Asking { projects: wanted.len() });
    let asking = wanted.iter().map(|(project, digests)| async move {
        let pages = index.project_pages(project).await;
        reporter.progress(Progress::Asked);
        let pages = pages.map_err(|error| error.to_string())?;
        let files = pages.iter().flat_map(|page| &page.page.files);
        Ok(files.filter_map(|file| listed(project, file, digests)).collect::<Vec<_>>())
    });
    let answers: Vec<Result<Vec<(Sha256, ReleaseFile)>, String>> = runtime.block_on(async {
        let all = stream::iter(asking).buffer_unordered(AT_A_TIME).collect::<Vec<_>>();
        tokio::select! {
            all = all => all,
            () = until_interrupted(interrupted) => Vec::new(),
        }
    });
    reporter.progress(Progress::Done);
    let mut found = Listed::default();
    for answer in answers {
        match answer {
            // Where several indexes have it, the first one counts, as everywhere.
            Ok(files) => {
                for (digest, file) in files {
                    found.files.entry(digest).or_insert(file);
                }
            }
            Err(reason) => found.unknown.push(reason),
        }
    }
    found.unknown.sort();
    found
}

/// A file of a page, if it claims to be one of those that are wanted.
fn listed(
    project: &ProjectName,
    file: &simple::File,
    wanted: &BTreeSet<Sha256>,
) -> Option<(Sha256, ReleaseFile)> {
    let digest = file.digests.iter().find_map(Digest::as_sha256)?;
    wanted.contains(&digest).then_some(())?;
    let filename = parse_name(project, &file.filename)?;
    Some((digest, release_file(filename, file.url.clone(), file.size)))
}

/// The name of a file of a project; source distributions of old had other forms.
#[must_use]
pub fn parse_name(project: &ProjectName, name: &str) -> Option<DistributionFilename> {
    let sdist = SdistFilename::parse_for(project, name).map(DistributionFilename::Sdist);
    sdist.or_else(|_| DistributionFilename::parse(name)).ok().filter(|it| it.name() == project)
}

/// A file of which nothing else is known.
pub(crate) fn release_file(
    filename: DistributionFilename,
    url: String,
    size: Option<u64>,
) -> ReleaseFile {
    ReleaseFile {
        filename,
        url,
        digests: Vec::new(),
        size,
        requires_python: None,
        yanked: None,
        uploaded: None,
        metadata: None,
    }
}
