//! The releases of one project that exist, and which of them can be used.
//!
//! A release that cannot be used stays in the list with its reason, because the reason is what an
//! explanation has to say. The order of the checks is the order of what a person can do about it:
//! what is merely not opted in to comes last, so that it is named only where opting in would help.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_packaging::requirement::VersionOrUrl;
use countermark_packaging::version::{Operator, Version, VersionSpecifier, VersionSpecifiers};
use jiff::Timestamp;
use pubgrub::VersionSet as _;

use super::asked::{Asked, place, shown};
use super::positions::Positions;
use crate::catalogue::{CatalogueError, Release, ReleaseFile, Releases, UrlRelease};

/// What is known of a project.
pub(super) struct Universe {
    pub(super) project: ProjectName,
    pub(super) origin: Origin,
    /// Increasing.
    pub(super) versions: Vec<Version>,
    /// By position, as far as somebody asked.
    usable: Vec<OnceCell<Result<Rc<Usable>, Unusable>>>,
    /// Whether prereleases may be taken.
    prereleases: bool,
}

/// Where the releases are.
pub(super) enum Origin {
    Index(Arc<Releases>),
    /// The requirement's URL, and what is there.
    Url(String, Arc<UrlRelease>),
    /// Nowhere.
    Missing(CatalogueError),
}

/// The files of a release that the target can use.
#[derive(Debug)]
pub(super) struct Usable {
    /// Best first; never empty.
    pub(super) files: Vec<ReleaseFile>,
    pub(super) yanked: Option<String>,
}

/// Why a release cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// A constraint: as written, and where.
    Constraint(String, String),
    /// Uploaded at or after this moment.
    Newer(Timestamp),
    /// The index does not say when.
    NoUploadTime(Timestamp),
    /// Wants another Python.
    Python(VersionSpecifiers),
    /// No wheel fits the target, and there is no source distribution.
    NoWheel,
    /// No wheel fits the target, and the source distribution is not allowed.
    OnlySource,
    /// Yanked, with the reason.
    Yanked(String),
    /// A prerelease.
    Prerelease,
}

impl Universe {
    pub(super) fn new(project: &ProjectName, origin: Origin, asked: &Asked<'_>) -> Self {
        let versions: Vec<Version> = match &origin {
            Origin::Index(releases) => releases.versions.keys().cloned().collect(),
            Origin::Url(_, release) => vec![release.version.clone()],
            Origin::Missing(_) => Vec::new(),
        };
        let mut universe = Self {
            project: project.clone(),
            origin,
            usable: versions.iter().map(|_| OnceCell::new()).collect(),
            versions,
            prereleases: false,
        };
        universe.prereleases = universe.may_have_prereleases(asked);
        universe
    }

    /// What exists without being one decides: a stable release for another Python means that the
    /// project has stable releases.
    fn may_have_prereleases(&self, asked: &Asked<'_>) -> bool {
        let Origin::Index(releases) = &self.origin else { return true };
        let cutoff = asked.exclude_newer(&self.project);
        let exists = |release: &Release| release.files.iter().any(|file| is_older(file, cutoff));
        asked.prereleases_of(&self.project)
            || asked.prereleases_if_necessary()
                && releases.versions.iter().all(|(v, r)| v.any_prerelease() || !exists(r))
    }

    pub(super) fn count(&self) -> u32 {
        bounded(self.versions.len())
    }

    pub(super) fn version(&self, position: u32) -> &Version {
        &self.versions[position as usize]
    }

    /// The releases that satisfy the versions or the URL of a requirement, usable or not.
    pub(super) fn accepted(&self, source: &VersionOrUrl) -> Positions {
        match source {
            VersionOrUrl::Specifiers(specifiers) => accepted(&self.versions, specifiers),
            VersionOrUrl::Url(url) => {
                let same = matches!(&self.origin, Origin::Url(own, _) if same_url(own, url));
                Positions::collect(self.count(), |_| same)
            }
        }
    }

    /// The files that can be used, or why there are none.
    pub(super) fn usable(
        &self,
        position: u32,
        asked: &Asked<'_>,
    ) -> Result<&Rc<Usable>, &Unusable> {
        let cell = &self.usable[position as usize];
        cell.get_or_init(|| self.judge(position, asked).map(Rc::new)).as_ref()
    }

    /// Every file of a release that exists under the cut-off date.
    pub(super) fn all_files(&self, position: u32, asked: &Asked<'_>) -> Vec<ReleaseFile> {
        let cutoff = asked.exclude_newer(&self.project);
        let files = self.files(position).iter();
        files.filter(|file| self.is_from_url() || is_older(file, cutoff)).cloned().collect()
    }

    fn is_from_url(&self) -> bool {
        matches!(self.origin, Origin::Url(..))
    }

    fn files(&self, position: u32) -> &[ReleaseFile] {
        match &self.origin {
            Origin::Index(releases) => {
                releases.versions.get(self.version(position)).map_or(&[], |release| &release.files)
            }
            Origin::Url(_, release) => std::slice::from_ref(&release.file),
            Origin::Missing(_) => &[],
        }
    }

    fn judge(&self, position: u32, asked: &Asked<'_>) -> Result<Usable, Unusable> {
        let version = self.version(position);
        for wish in asked.constraints_on(&self.project) {
            let specifiers = wish.requirement.specifiers();
            if specifiers.is_some_and(|specifiers| !specifiers.contains(version)) {
                return Err(Unusable::Constraint(shown(&wish.requirement), place(&wish.origin)));
            }
        }
        let files = self.existing(position, asked)?;
        let files = for_this_python(files, asked)?;
        let files = fitting(files, self.is_from_url() || asked.sources(&self.project), asked)?;
        let reason = files[0].yanked.clone();
        let kept: Vec<_> = files.iter().filter(|file| file.yanked.is_none()).copied().collect();
        let (kept, yanked) = match (kept.is_empty(), reason) {
            (true, Some(reason)) if asked.yanked(&self.project, version) => (files, Some(reason)),
            (true, reason) => return Err(Unusable::Yanked(reason.unwrap_or_default())),
            (false, _) => (kept, None),
        };
        if version.any_prerelease() && !self.prereleases {
            return Err(Unusable::Prerelease);
        }
        Ok(Usable { files: kept.into_iter().cloned().collect(), yanked })
    }

    /// The files that exist under the cut-off date. What a URL names has no date.
    fn existing(&self, position: u32, asked: &Asked<'_>) -> Result<Vec<&ReleaseFile>, Unusable> {
        let files = self.files(position);
        let cutoff = asked.exclude_newer(&self.project);
        let Some(moment) = cutoff.filter(|_| !self.is_from_url()) else {
            return Ok(files.iter().collect());
        };
        let older: Vec<_> = files.iter().filter(|file| is_older(file, cutoff)).collect();
        if !older.is_empty() {
            return Ok(older);
        }
        Err(match files.iter().all(|file| file.uploaded.is_none()) {
            true => Unusable::NoUploadTime(moment),
            false => Unusable::Newer(moment),
        })
    }
}

/// The positions of the versions that satisfy every clause, as `contains` says.
///
/// Versions are in order, and the four clauses that compare by order change from true to false, or
/// back, at one place: that place is looked for. All others are asked about every version.
fn accepted(versions: &[Version], specifiers: &VersionSpecifiers) -> Positions {
    let count = bounded(versions.len());
    let one = |clause: &VersionSpecifier| match clause.operator() {
        Operator::GreaterThan | Operator::GreaterThanEqual => {
            let start = versions.partition_point(|version| !clause.contains(version));
            Positions::run(bounded(start), count, count)
        }
        Operator::LessThan | Operator::LessThanEqual => {
            let end = versions.partition_point(|version| clause.contains(version));
            Positions::run(0, bounded(end), count)
        }
        Operator::Equal
        | Operator::EqualStar
        | Operator::ExactEqual
        | Operator::NotEqual
        | Operator::NotEqualStar
        | Operator::TildeEqual => {
            Positions::collect(count, |position| clause.contains(&versions[position as usize]))
        }
    };
    specifiers.iter().map(one).fold(Positions::full(), |all, one| all.intersection(&one))
}

/// An index page is bounded far below this.
fn bounded(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether two URLs of requirements name one thing. A fragment is a digest or a name of the
/// project; where both have one, it must agree.
pub(super) fn same_url(left: &str, right: &str) -> bool {
    let split = |url: &'_ str| -> (String, Option<String>) {
        match url.split_once('#') {
            Some((url, fragment)) => (url.to_owned(), Some(fragment.to_owned())),
            None => (url.to_owned(), None),
        }
    };
    let ((left, left_fragment), (right, right_fragment)) = (split(left), split(right));
    let fragments_agree = match (left_fragment, right_fragment) {
        (Some(left), Some(right)) => left == right,
        _ => true,
    };
    left == right && fragments_agree
}

fn is_older(file: &ReleaseFile, cutoff: Option<Timestamp>) -> bool {
    cutoff.is_none_or(|cutoff| file.uploaded.is_some_and(|uploaded| uploaded < cutoff))
}

fn for_this_python<'a>(
    files: Vec<&'a ReleaseFile>,
    asked: &Asked<'_>,
) -> Result<Vec<&'a ReleaseFile>, Unusable> {
    let wants = |file: &ReleaseFile| file.requires_python.clone().unwrap_or_default();
    let (fit, others): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| wants(file).contains(&asked.python));
    match others.first() {
        Some(file) if fit.is_empty() => Err(Unusable::Python(wants(file))),
        _ => Ok(fit),
    }
}

/// The wheels that fit the target, best first; the source distributions where there is none.
fn fitting<'a>(
    files: Vec<&'a ReleaseFile>,
    sources: bool,
    asked: &Asked<'_>,
) -> Result<Vec<&'a ReleaseFile>, Unusable> {
    let mut wheels = Vec::new();
    let mut sdists = Vec::new();
    for file in files {
        match &file.filename {
            DistributionFilename::Wheel(wheel) => {
                if let Some(rank) = asked.target.tags.rank(wheel) {
                    wheels.push((rank, std::cmp::Reverse(wheel.build.clone()), file));
                }
            }
            DistributionFilename::Sdist(_) => sdists.push(file),
        }
    }
    wheels.sort_by(|a, b| {
        let name = |file: &ReleaseFile| file.filename.as_str().to_owned();
        (a.0, &a.1, name(a.2)).cmp(&(b.0, &b.1, name(b.2)))
    });
    match (wheels.is_empty(), sdists.is_empty()) {
        (false, _) => Ok(wheels.into_iter().map(|(_, _, file)| file).collect()),
        (true, true) => Err(Unusable::NoWheel),
        (true, false) if sources => Ok(sdists),
        (true, false) => Err(Unusable::OnlySource),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    const RELEASES: [&str; 7] = ["0", "1", "1.0.1", "1.1", "1.10", "2", "1!0.5"];
    const SUFFIXES: [&str; 16] = [
        "",
        "",
        "",
        ".dev0",
        ".dev1",
        "a1",
        "a1.dev2",
        "a1.post1",
        "b2",
        "rc1",
        ".post0",
        ".post1",
        ".post1.dev3",
        "+cpu",
        ".post1+cpu",
        "a1+z.2",
    ];

    fn version() -> impl Strategy<Value = Version> {
        (select(RELEASES.to_vec()), select(SUFFIXES.to_vec()))
            .prop_map(|(release, suffix)| format!("{release}{suffix}").parse().unwrap())
    }

    fn clause() -> impl Strategy<Value = VersionSpecifier> {
        let operators = vec!["==", "!=", "<=", ">=", "<", ">", "~=", "===", "==*", "!=*"];
        (select(operators), version()).prop_filter_map("no clause", |(operator, version)| {
            match operator.strip_suffix('*') {
                Some(operator) => format!("{operator}{version}.*").parse().ok(),
                None => format!("{operator}{version}").parse().ok(),
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn a_release_is_accepted_when_its_version_is(
            versions in btree_set(version(), 0..20), clauses in vec(clause(), 0..4),
        ) {
            let versions: Vec<Version> = versions.into_iter().collect();
            let specifiers: VersionSpecifiers = clauses.into_iter().collect();
            let count = bounded(versions.len());
            let set = accepted(&versions, &specifiers);
            for (position, version) in (0..count).zip(&versions) {
                prop_assert_eq!(
                    set.contains(&position), specifiers.contains(version), "{} {}", version, specifiers
                );
            }
            // Sets of the same releases are equal, however the clauses say it.
            let scan =
                Positions::collect(count, |p| specifiers.contains(&versions[p as usize]));
            prop_assert_eq!(set, scan);
        }
    }
}
