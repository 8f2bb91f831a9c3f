//! An index in memory, and targets to resolve for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_lock::catalogue::{
    Catalogue, CatalogueError, Release, ReleaseFile, Releases, Requires, UrlRelease,
};
use countermark_lock::request::Request;
use countermark_lock::resolution::Resolution;
use countermark_lock::resolve::{ResolveError, resolve};
use countermark_lock::target::Target;
use countermark_lock::wish::{Origin, Wish};
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::lock::Place;
use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::requirement::Requirement;
use countermark_packaging::tags::{InterpreterTags, cpython_abis, platforms_for};
use countermark_packaging::version::Version;

pub(crate) const INDEX: &str = "https://index.example.org/simple";

pub(crate) fn project(name: &str) -> ProjectName {
    name.parse().unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// What an index holds.
#[derive(Default)]
pub(crate) struct World {
    releases: BTreeMap<ProjectName, Releases>,
    requires: BTreeMap<(ProjectName, Version), Result<Requires, String>>,
    urls: BTreeMap<String, UrlRelease>,
    refuses: BTreeMap<ProjectName, CatalogueError>,
    pub(crate) questions: RefCell<Vec<String>>,
}

/// One release while it is described.
pub(crate) struct Described {
    name: ProjectName,
    version: Version,
    files: Vec<ReleaseFile>,
    requires: Result<Requires, String>,
}

/// A release with one wheel that fits everywhere.
pub(crate) fn release(name: &str, version_text: &str) -> Described {
    bare(name, version_text).wheel("py3-none-any")
}

/// A release without files.
pub(crate) fn bare(name: &str, version_text: &str) -> Described {
    let (name, version) = (project(name), version(version_text));
    Described { name, version, files: Vec::new(), requires: Ok(Requires::default()) }
}

impl Described {
    pub(crate) fn wheel(self, tags: &str) -> Self {
        let name = self.name.as_str().replace('-', "_");
        let filename = format!("{name}-{}-{tags}.whl", self.version);
        self.file(&filename)
    }

    pub(crate) fn sdist(self) -> Self {
        let name = self.name.as_str().replace('-', "_");
        let filename = format!("{name}-{}.tar.gz", self.version);
        self.file(&filename)
    }

    fn file(mut self, filename: &str) -> Self {
        self.files.push(ReleaseFile {
            filename: DistributionFilename::parse(filename).unwrap(),
            url: format!("https://files.example.org/{filename}"),
            digests: Vec::new(),
            size: None,
            requires_python: None,
            yanked: None,
            uploaded: None,
            metadata: None,
        });
        self
    }

    pub(crate) fn needs(mut self, requirements: &[&str]) -> Self {
        let requires = self.requires.as_mut().unwrap();
        let parsed = requirements.iter().map(|text| Requirement::parse(text).unwrap());
        requires.requires_dist.extend(parsed);
        self
    }

    pub(crate) fn extra(mut self, extra: &str) -> Self {
        let extra: ExtraName = extra.parse().unwrap();
        self.requires.as_mut().unwrap().provides_extra.insert(extra);
        self
    }

    /// On the page.
    pub(crate) fn python(self, specifiers: &str) -> Self {
        let specifiers: countermark_packaging::version::VersionSpecifiers =
            specifiers.parse().unwrap();
        self.each(|file| file.requires_python = Some(specifiers.clone()))
    }

    /// In the metadata only.
    pub(crate) fn metadata_python(mut self, specifiers: &str) -> Self {
        self.requires.as_mut().unwrap().requires_python = Some(specifiers.parse().unwrap());
        self
    }

    pub(crate) fn yanked(self, reason: &str) -> Self {
        self.each(|file| file.yanked = Some(reason.to_owned()))
    }

    pub(crate) fn uploaded(self, time: &str) -> Self {
        self.each(|file| file.uploaded = Some(time.parse().unwrap()))
    }

    pub(crate) fn broken(mut self, reason: &str) -> Self {
        self.requires = Err(reason.to_owned());
        self
    }

    fn each(mut self, change: impl Fn(&mut ReleaseFile)) -> Self {
        self.files.iter_mut().for_each(change);
        self
    }
}

impl World {
    pub(crate) fn new(releases: impl IntoIterator<Item = Described>) -> Self {
        let mut world = Self::default();
        for described in releases {
            world.add(described);
        }
        world
    }

    pub(crate) fn add(&mut self, described: Described) {
        let Described { name, version, files, requires } = described;
        let releases = self
            .releases
            .entry(name.clone())
            .or_insert_with(|| Releases { index: INDEX.to_owned(), ..Releases::default() });
        releases.versions.insert(version.clone(), Release { files: files.into() });
        self.requires.insert((name, version), requires);
    }

    pub(crate) fn at(mut self, url: &str, described: Described) -> Self {
        let file = described.files[0].clone();
        let requires = described.requires.unwrap();
        self.urls.insert(url.to_owned(), UrlRelease { version: described.version, file, requires });
        self
    }

    pub(crate) fn refusing(mut self, error: CatalogueError) -> Self {
        let CatalogueError::Quarantined { project, .. } = &error else { panic!("{error}") };
        self.refuses.insert(project.clone(), error);
        self
    }

    pub(crate) fn resolve(&self, request: &Request) -> Result<Resolution, ResolveError> {
        resolve(request, &linux("3.12"), self, &AtomicBool::new(false))
    }
}

impl Catalogue for World {
    fn releases(&self, project: &ProjectName) -> Result<Arc<Releases>, CatalogueError> {
        self.questions.borrow_mut().push(format!("page {project}"));
        if let Some(error) = self.refuses.get(project) {
            return Err(error.clone());
        }
        self.releases.get(project).map(|releases| Arc::new(releases.clone())).ok_or_else(|| {
            CatalogueError::Absent { project: project.clone(), index: INDEX.to_owned() }
        })
    }

    fn requires(
        &self,
        project: &ProjectName,
        version: &Version,
        file: &ReleaseFile,
    ) -> Result<Arc<Requires>, CatalogueError> {
        assert_eq!((file.filename.name(), file.filename.version()), (project, version));
        self.questions.borrow_mut().push(format!("metadata {project} {version}"));
        let requires = &self.requires[&(project.clone(), version.clone())];
        requires.clone().map(Arc::new).map_err(|reason| CatalogueError::Metadata {
            project: project.clone(),
            version: version.clone(),
            reason,
        })
    }

    fn at_url(&self, project: &ProjectName, url: &str) -> Result<Arc<UrlRelease>, CatalogueError> {
        self.urls.get(url).map(|release| Arc::new(release.clone())).ok_or_else(|| {
            CatalogueError::Url {
                project: project.clone(),
                url: url.to_owned(),
                reason: "nothing is there".to_owned(),
            }
        })
    }
}

/// CPython on Linux with glibc 2.28.
pub(crate) fn linux(python: &str) -> Target {
    target(python, "manylinux_2_28_x86_64")
}

/// CPython on a platform.
pub(crate) fn target(python: &str, platform: &str) -> Target {
    let version = version(python);
    let [major, minor] = [0, 1].map(|index| u32::try_from(version.release()[index]).unwrap());
    let full = match version.release() {
        [_, _] => format!("{major}.{minor}.0"),
        _ => version.to_string(),
    };
    let tags = InterpreterTags {
        implementation: "cp".into(),
        version: (major, minor),
        abis: cpython_abis((major, minor), false, false),
        platforms: platforms_for(platform).unwrap(),
    };
    let (sys, os, system) = match platform {
        p if p.starts_with("win") => ("win32", "nt", "Windows"),
        p if p.starts_with("macosx") => ("darwin", "posix", "Darwin"),
        _ => ("linux", "posix", "Linux"),
    };
    let machine = match platform {
        "win_amd64" => "AMD64",
        p if p.ends_with("aarch64") => "aarch64",
        p if p.ends_with("arm64") => "arm64",
        _ => "x86_64",
    };
    Target {
        label: format!("cp{major}{minor}-{platform}"),
        markers: MarkerEnvironment {
            implementation_name: "cpython".into(),
            implementation_version: full.clone(),
            os_name: os.into(),
            platform_machine: machine.into(),
            platform_python_implementation: "CPython".into(),
            platform_release: String::new(),
            platform_system: system.into(),
            platform_version: String::new(),
            python_full_version: full.clone(),
            python_version: format!("{major}.{minor}"),
            sys_platform: sys.into(),
        },
        tags: tags.compatible(),
        python: full.parse().unwrap(),
    }
}

/// One wish a line of `file`.
pub(crate) fn wishes(file: &str, requirements: &[&str]) -> Vec<Wish> {
    let lines = requirements.iter().zip(1..);
    lines
        .map(|(text, line)| Wish {
            requirement: Requirement::parse(text).unwrap(),
            origin: Origin::File {
                place: Place { file: file.to_owned(), line, column: 1, span: 0..0 },
                section: None,
            },
        })
        .collect()
}

/// Wishes of `requirements.in`.
pub(crate) fn wants(requirements: &[&str]) -> Request {
    Request { wishes: wishes("requirements.in", requirements), ..Request::default() }
}

/// `name==version` of each release, in order, with its extras.
pub(crate) fn pins(resolution: &Resolution) -> Vec<String> {
    let shown = |extras: &BTreeSet<ExtraName>| {
        let extras: Vec<&str> = extras.iter().map(ExtraName::as_str).collect();
        if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) }
    };
    resolution
        .releases
        .iter()
        .map(|(name, resolved)| format!("{name}{}=={}", shown(&resolved.extras), resolved.version))
        .collect()
}
