//! Requirements without a digest: nothing is installed, and the lines to paste are given for all of
//! them at once. What is printed is a first sight: the digest of what was downloaded just now, which
//! nobody has judged.

use countermark_packaging::digest::Digest;
use countermark_packaging::lock::{Wanted, WantedSource};
use countermark_packaging::name::ExtraName;
use countermark_packaging::simple::File;
use countermark_trust::Class;
use futures_util::stream::{self, StreamExt as _};
use url::Url;

use super::Context;
use super::plan::percent_decoded;
use super::select::newest;
use crate::http::RedactedUrl;
use crate::index::{IndexPage, PageSource, first_offer};
use crate::log::{PinToCheck, ServedBy};
use crate::receive::{DeclaredSize, Location};
use crate::report::Problem;

/// What was seen of a requirement that has no digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstSight {
    /// The line to paste.
    pub line: String,
    /// The file, as a log can be asked about it.
    pub pin: PinToCheck,
}

/// Files looked at at once.
const AT_ONCE: usize = 8;

/// Downloads what each requirement means now, and gives its line; a requirement for which that
/// fails gives a problem.
pub(super) async fn look(
    context: &Context<'_>,
    unhashed: &[&Wanted],
) -> (Vec<FirstSight>, Vec<Problem>) {
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    let mut looks = stream::iter(unhashed).map(|wanted| line(context, wanted)).buffered(AT_ONCE);
    while let Some(result) = looks.next().await {
        match result {
            Ok(line) => lines.push(line),
            Err(problem) => problems.push(*problem),
        }
    }
    (lines, problems)
}

async fn line(context: &Context<'_>, wanted: &Wanted) -> Result<FirstSight, Box<Problem>> {
    let place = |problem: Problem| Box::new(problem.at(&wanted.place));
    let Found { what, location, filename, served_by } =
        find(context, wanted).await.map_err(place)?;
    let receiver = context.receiver();
    let received = receiver.receive(&location, &filename, None, DeclaredSize::Unknown).await;
    let (download, _) = received.map_err(|problem| place(*problem))?;
    let sha256 = download.first_sight().sha256();
    let digest = sha256.hex();
    let extras: Vec<&str> = wanted.extras.iter().map(ExtraName::as_str).collect();
    let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let marker = wanted.marker.as_ref().map(|marker| format!(" ; {marker}")).unwrap_or_default();
    let hash = format!("--hash=sha256:{digest}");
    let line = match what {
        What::Version(version) => {
            format!("{}{extras}=={version}{marker} \\\n    {hash}", wanted.project)
        }
        What::Url(url) => format!("{}{extras} @ {url}{marker} \\\n    {hash}", wanted.project),
        What::Path(path) => format!("{path}{extras}{marker} \\\n    {hash}"),
    };
    let (project, digests) = (wanted.project.clone(), vec![Digest::from(sha256)]);
    Ok(FirstSight {
        line,
        pin: PinToCheck { project, filename, digests, served_by, stands: false },
    })
}

enum What {
    Version(String),
    Url(String),
    Path(String),
}

/// Where a file is, and who says so.
struct Found {
    what: What,
    location: Location,
    filename: String,
    served_by: ServedBy,
}

async fn find(context: &Context<'_>, wanted: &Wanted) -> Result<Found, Problem> {
    match &wanted.source {
        WantedSource::Url { url: text, .. } => {
            let unusable = || Problem::new("bad-url", Class::Usage, "the URL cannot be used");
            let mut url = Url::parse(text).map_err(|_| unusable())?;
            url.set_fragment(None);
            let name = url.path_segments().and_then(Iterator::last).unwrap_or_default();
            let name = percent_decoded(name);
            let location = if url.scheme() == "file" {
                Location::Path(url.to_file_path().map_err(|()| unusable())?)
            } else {
                Location::Url(url)
            };
            // What is printed ends up in logs: a credential, which the file may have from a
            // variable, is not shown, and who pastes the line puts it back.
            let what = What::Url(RedactedUrl::of_text(text).to_string());
            Ok(Found { what, location, filename: name, served_by: ServedBy::Nobody })
        }
        WantedSource::Path { path, .. } => {
            let full = context.folder.join(path);
            let name = full.file_name().and_then(|name| name.to_str()).unwrap_or("file").to_owned();
            let (what, location) = (What::Path(path.clone()), Location::Path(full));
            Ok(Found { what, location, filename: name, served_by: ServedBy::Nobody })
        }
        WantedSource::Index { specifiers, pinned, .. } => {
            let pages = context.index.project_pages(&wanted.project).await.map_err(|error| {
                let mut problem = Problem::of(error.code(), error.class(), &error);
                problem.hint = error.hint().map(str::to_owned);
                problem
            })?;
            // Without a digest, the first index that has the name is the only one that counts.
            let files = first_offer(&pages);
            let found = newest(files, specifiers, pinned.as_ref(), context.python, context.tags);
            let Some((version, files)) = found else {
                let message =
                    format!("no index lists a file of `{}` for this interpreter", wanted.project);
                return Err(Problem::new("not-listed", Class::Unavailable, message));
            };
            let file: &File = files[0];
            let url = Url::parse(&file.url).map_err(|_| {
                Problem::new("bad-url", Class::Unavailable, "the index gives an unusable URL")
            })?;
            let location = match url.scheme() {
                "file" => Location::Path(url.to_file_path().unwrap_or_default()),
                _ => Location::Url(url),
            };
            let has = |page: &&IndexPage| page.page.files.iter().any(|one| std::ptr::eq(one, file));
            let served_by = match pages.iter().find(has).map(|page| &page.source) {
                Some(PageSource::Index(index)) => ServedBy::Index(index.url.to_string()),
                Some(PageSource::Links(_)) | None => ServedBy::Nobody,
            };
            let (what, filename) = (What::Version(version.to_string()), file.filename.clone());
            Ok(Found { what, location, filename, served_by })
        }
    }
}
