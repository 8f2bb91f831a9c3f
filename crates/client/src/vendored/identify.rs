//! Which release a vendored package is, or is a copy of.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use countermark_lock::catalogue::ReleaseFile;
use countermark_packaging::digest::{Digest, Sha256};
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::File;
use countermark_packaging::tags::CompatibleTags;
use countermark_packaging::version::Version;
use countermark_trust::Class;
use futures_util::stream::{self, StreamExt as _};
use sha2::Digest as _;

use super::claimed;
use super::compare::{compare, of_record, of_tree};
use super::scan::is_importable;
use super::{Changed, Comparison, Distribution, Package, Vendored};
use crate::index::{IndexClient, IndexError, first_offer};
use crate::receive::{interrupted, until_interrupted};
use crate::report::Problem;
use crate::sight::one::Gates;
use crate::sight::{self, Depth, Sought};
use crate::store::{Entry, read_regular};

/// Packages that are looked at at once.
const AT_ONCE: usize = 4;

/// Releases of one project whose wheels are downloaded because the server gives no parts of them.
const MAX_RELEASES: usize = 12;

/// Releases of one project of which the RECORD is asked for.
const MAX_LISTED: usize = 256;

/// How many of them at once.
const RECORDS_AT_ONCE: usize = 8;

/// Wheels of one release.
const MAX_WHEELS: usize = 2;

/// Projects under whose names a package is looked for.
const MAX_PROJECTS: usize = 8;

/// Bytes of a file whose lines are compared.
const MAX_TEXT: u64 = 4 << 20;

/// What identifying works with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Project pages.
    pub index: &'a IndexClient,
    /// Of an interpreter, if there is one: of wheels for different ones, those that it can use are
    /// compared first.
    pub tags: Option<&'a CompatibleTags>,
    /// Files.
    pub sight: sight::Context<'a>,
}

/// The release that agrees best with a package.
#[derive(Debug)]
pub struct Ported {
    /// Its project.
    pub project: ProjectName,
    /// Which.
    pub version: Version,
    /// The wheel that it was compared with.
    pub filename: String,
    /// Digest of the wheel's bytes, which were downloaded.
    pub sha256: Sha256,
    /// What differs.
    pub comparison: Comparison,
    /// Releases of the project that were not looked at.
    pub unseen: usize,
    entry: Entry,
}

impl Ported {
    /// What the release has in place of a changed file.
    #[must_use]
    pub fn released(&self, changed: &Changed) -> Option<Vec<u8>> {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let file = self.entry.tree.files().get(changed.position)?;
        let path = self.entry.folder.join("f").join(changed.position.to_string());
        let bytes = read_regular(&path, MAX_TEXT).ok()?;
        let digest = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&bytes));
        (digest == file.sha256).then_some(bytes)
    }
}

/// Whether the index has the very file.
#[derive(Debug, PartialEq, Eq)]
pub enum OnIndex {
    /// It has.
    Same,
    /// A file of this name with other bytes.
    Differs {
        /// What the index claims of it.
        claimed: Vec<Digest>,
    },
    /// No file of this name.
    NotListed,
}

/// Finds the release of every package, in their order. A package for which nothing is found, or
/// nobody could be asked, has a problem in its place.
pub async fn identify(
    context: Context<'_>,
    vendored: &Vendored,
) -> Vec<Result<Ported, Box<Problem>>> {
    let looking = stream::iter(&vendored.packages)
        .map(|package| async {
            identify_one(context, vendored, package).await.map_err(|mut problem| {
                if problem.class == Class::Unavailable {
                    problem.message =
                        format!("`{}` is undecided: {}", package.name, problem.message);
                }
                problem
            })
        })
        .buffered(AT_ONCE)
        .collect();
    tokio::select! {
        found = looking => found,
        () = until_interrupted(context.sight.interrupted) => vec![Err(Box::new(interrupted()))],
    }
}

/// A project under whose name a package may have been released, with the version that is said.
struct Candidate {
    project: ProjectName,
    said: Option<Version>,
}

fn candidates(vendored: &Vendored, package: &Package) -> Vec<Candidate> {
    if let Some((project, version)) = package.recorded.clone() {
        return vec![Candidate { project, said: Some(version) }];
    }
    let own = |package: &Package| {
        let name = package.name.strip_suffix(".py").unwrap_or(&package.name);
        if is_importable(name) { ProjectName::parse(name).ok() } else { None }
    };
    let named = own(package);
    let said = |project: &ProjectName| {
        vendored.listed.iter().find(|(name, _)| name == project).map(|(_, version)| version.clone())
    };
    if let Some(project) = named.clone()
        && let Some(version) = said(&project)
    {
        return vec![Candidate { project, said: Some(version) }];
    }
    // A project may be imported under another name: whatever the lists name and no folder is called.
    let others: Vec<ProjectName> = vendored.packages.iter().filter_map(own).collect();
    let listed = vendored.listed.iter().filter(|(name, _)| !others.contains(name));
    listed
        .map(|(project, version)| Candidate {
            project: project.clone(),
            said: Some(version.clone()),
        })
        .chain(named.map(|project| Candidate { project, said: None }))
        .take(MAX_PROJECTS)
        .collect()
}

async fn identify_one(
    context: Context<'_>,
    vendored: &Vendored,
    package: &Package,
) -> Result<Ported, Box<Problem>> {
    let mut best = Best::default();
    let mut reasons = Vec::new();
    let candidates = candidates(vendored, package);
    // The folder may say it, or lists may name projects of which one could be it.
    let is_said = candidates.len() == 1 && candidates[0].said.is_some();
    for candidate in candidates {
        let found = among_releases(context, package, &candidate, &mut reasons).await?;
        if let Some((rank, ported)) = found.0 {
            best.offer(Some(rank), ported);
        }
        if best.is_exact() {
            break;
        }
    }
    best.0.map(|(_, ported)| ported).ok_or_else(|| {
        // A name of a file may hold a line's end, and so what looks like another message.
        let name = package.name.escape_debug();
        let message = format!("`{name}` is like no release that was looked at");
        let mut problem = Problem::new("vendored-unknown", Class::Rejected, message);
        if !is_said {
            let hint = "name its release in a line `name==version` of a `vendor.txt` in the folder";
            problem.hint = Some(hint.to_owned());
        }
        problem.details = reasons;
        Box::new(problem)
    })
}

/// Greater is better: nothing differs, then more that is the same, then less that differs.
type Rank = (bool, usize, Reverse<usize>);

/// The best so far; of equals, the first.
#[derive(Default)]
struct Best(Option<(Rank, Ported)>);

impl Best {
    fn offer(&mut self, rank: Option<Rank>, ported: Ported) {
        let Some(rank) = rank else { return };
        if self.0.as_ref().is_none_or(|(before, _)| rank > *before) {
            self.0 = Some((rank, ported));
        }
    }

    fn is_exact(&self) -> bool {
        self.0.as_ref().is_some_and(|(rank, _)| rank.0)
    }
}

async fn among_releases(
    context: Context<'_>,
    package: &Package,
    candidate: &Candidate,
    reasons: &mut Vec<String>,
) -> Result<Best, Box<Problem>> {
    let project = &candidate.project;
    let pages = context.index.project_pages(project).await.map_err(|error| of_index(&error))?;
    let releases = releases(project, first_offer(&pages), context.tags);
    if releases.is_empty() {
        reasons.push(format!("no index has `{project}`"));
        return Ok(Best::default());
    }
    let said = candidate.said.as_ref();
    if let Some(version) = said.filter(|version| !releases.contains_key(version)) {
        reasons.push(format!("the index does not list {project} {version}"));
    }
    let mut best = Best::default();
    let hints = said.into_iter().chain(package.hints.iter().filter(|hint| said != Some(hint)));
    for version in hints {
        for file in releases.get(version).into_iter().flatten().take(MAX_WHEELS) {
            let ported = look(context, package, project, version, file).await?;
            best.offer(rank(package, &ported.comparison, true), ported);
        }
        if best.is_exact() || best.0.is_some() && said == Some(version) {
            return Ok(best);
        }
    }
    let is_rest = |version: &&Version| said != Some(*version) && !package.hints.contains(version);
    let rest: Vec<(&Version, &ReleaseFile)> = releases
        .iter()
        .rev()
        .filter(|(version, _)| is_rest(version))
        .filter_map(|(version, wheels)| Some((version, wheels.first()?)))
        .collect();
    let looked = among_unnamed(context, package, project, &rest, &mut best).await?;
    let unseen = rest.len() - looked;
    match &mut best.0 {
        Some((_, ported)) => ported.unseen = unseen,
        None => {
            let (seen, all) = (releases.len() - unseen, releases.len());
            reasons.push(format!(
                "its files are not those of {seen} of {all} releases of `{project}`"
            ));
        }
    }
    let without = releases.values().filter(|wheels| wheels.is_empty()).count();
    if without > 0 && !best.is_exact() {
        reasons.push(format!("{without} releases of `{project}` have no wheel to compare with"));
    }
    Ok(best)
}

/// Releases that nobody named: chosen by what their RECORDs claim, where the server gives parts of
/// files, and otherwise downloaded, a few of them. Gives how many were looked at.
async fn among_unnamed(
    context: Context<'_>,
    package: &Package,
    project: &ProjectName,
    rest: &[(&Version, &ReleaseFile)],
    best: &mut Best,
) -> Result<usize, Box<Problem>> {
    let mut claims = stream::iter(rest.iter().take(MAX_LISTED))
        .map(|(_, file)| claimed::record(context.sight.http, file))
        .buffered(RECORDS_AT_ONCE);
    let (mut seen, mut whole) = (0, 0);
    let mut promising: Option<(Rank, usize)> = None;
    for (position, (version, file)) in rest.iter().enumerate() {
        let Some(record) = claims.next().await else { break };
        match record {
            Some(record) => {
                seen += 1;
                let comparison = compare(package, &of_record(&record));
                let Some(rank) = rank(package, &comparison, false) else { continue };
                let is_exact = rank.0;
                if promising.as_ref().is_none_or(|(before, _)| rank > *before) {
                    promising = Some((rank, position));
                }
                if is_exact {
                    break;
                }
            }
            None if whole < MAX_RELEASES => {
                (seen, whole) = (seen + 1, whole + 1);
                let ported = look(context, package, project, version, file).await?;
                best.offer(rank(package, &ported.comparison, false), ported);
                if best.is_exact() {
                    break;
                }
            }
            None => {}
        }
    }
    drop(claims);
    if let Some((_, position)) = promising {
        let (version, file) = rest[position];
        let ported = look(context, package, project, version, file).await?;
        best.offer(rank(package, &ported.comparison, false), ported);
    }
    Ok(seen)
}

/// Every release with its wheels: those for every platform first, then those that can be used here.
fn releases<'a>(
    project: &ProjectName,
    files: impl Iterator<Item = &'a File>,
    tags: Option<&CompatibleTags>,
) -> BTreeMap<Version, Vec<ReleaseFile>> {
    let mut releases: BTreeMap<Version, Vec<ReleaseFile>> = BTreeMap::new();
    for file in files {
        let Ok(filename) = DistributionFilename::parse(&file.filename) else { continue };
        if filename.name() != project {
            continue;
        }
        let wheels = releases.entry(filename.version().clone()).or_default();
        if matches!(filename, DistributionFilename::Wheel(_)) {
            wheels.push(listed(file, filename));
        }
    }
    let order = |file: &ReleaseFile| {
        let name = file.filename.as_str().to_owned();
        let rank = match &file.filename {
            DistributionFilename::Wheel(wheel) => tags.and_then(|tags| tags.rank(wheel)),
            DistributionFilename::Sdist(_) => None,
        };
        (!name.ends_with("-none-any.whl"), rank.unwrap_or(u32::MAX), name)
    };
    for wheels in releases.values_mut() {
        wheels.sort_by_cached_key(order);
    }
    releases
}

fn listed(file: &File, filename: DistributionFilename) -> ReleaseFile {
    ReleaseFile {
        filename,
        url: file.url.clone(),
        digests: file.digests.clone(),
        size: file.size,
        requires_python: None,
        yanked: file.yanked.clone(),
        uploaded: None,
        metadata: None,
    }
}

/// `None` for a release that has nothing to do with the package. Files that are empty are alike
/// everywhere; where somebody says which release it is, files in the same places are enough.
fn rank(package: &Package, comparison: &Comparison, is_said: bool) -> Option<Rank> {
    let in_place = comparison.same + comparison.changed.len();
    let counts = comparison.is_exact()
        || is_said && in_place > 0
        || comparison.telling > 0 && comparison.same * 2 >= package.files.len();
    let rank = (comparison.is_exact(), comparison.same, Reverse(comparison.differences()));
    counts.then_some(rank)
}

async fn look(
    context: Context<'_>,
    package: &Package,
    project: &ProjectName,
    version: &Version,
    file: &ReleaseFile,
) -> Result<Ported, Box<Problem>> {
    let sought = Sought { project, file, depth: Depth::Keep };
    let entry = sight::one::entry(context.sight, &sought).await?;
    let comparison = compare(package, &of_tree(entry.tree.files()));
    Ok(Ported {
        project: project.clone(),
        version: version.clone(),
        filename: file.filename.as_str().to_owned(),
        sha256: entry.tree.artifact().sha256(),
        comparison,
        unseen: 0,
        entry,
    })
}

/// Whether the index has the very file that lies in the folder. What it claims is enough for a no;
/// a claim by a weak digest, or none, is settled by the bytes.
///
/// # Errors
/// When nobody could be asked.
pub async fn on_index(
    context: Context<'_>,
    distribution: &Distribution,
) -> Result<OnIndex, Box<Problem>> {
    let project = distribution.filename.name();
    let undecided = |problem: Problem| {
        let name = distribution.filename.as_str();
        let message = format!("whether the index has `{name}` is undecided: {}", problem.message);
        Box::new(Problem { message, ..problem })
    };
    let pages = context.index.project_pages(project).await;
    let pages = pages.map_err(|error| undecided(*of_index(&error)))?;
    let name = distribution.filename.as_str();
    let Some(file) = first_offer(&pages).find(|file| file.filename == name) else {
        return Ok(OnIndex::NotListed);
    };
    let claimed = file.digests.clone();
    let same = match claimed.iter().find_map(Digest::as_sha256) {
        Some(sha256) => sha256 == distribution.sha256,
        None => {
            let file = listed(file, distribution.filename.clone());
            let sought = Sought { project, file: &file, depth: Depth::Bytes };
            let found = sight::one::download(context.sight, &sought, None, &Gates::new()).await;
            found.map_err(|problem| undecided(*problem))?.sha256 == distribution.sha256
        }
    };
    Ok(if same { OnIndex::Same } else { OnIndex::Differs { claimed } })
}

fn of_index(error: &IndexError) -> Box<Problem> {
    let mut problem = Problem::of(error.code(), error.class(), error);
    problem.hint = error.hint().map(str::to_owned);
    Box::new(problem)
}
