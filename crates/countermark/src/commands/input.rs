//! What the user's files want: requirements files with everything they include, and locks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countermark_client::http::{Client, RedactedUrl, Request};
use countermark_client::report::{Note, Problem, Reporter};
use countermark_lock::write::recorded;
use countermark_packaging::lock::requirements::{
    FileKind, Listed, LoadError, Loaded, Loader, MAXIMUM_SIZE, Root,
};
use countermark_packaging::lock::{Place, SourceError, WantedSet, pylock, requirements};
use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::name::ExtraName;
use countermark_trust::Class;
use countermark_trust::tree::TreeDigest;
use url::Url;

use crate::cli::InputArgs;

/// What the user's files ask for.
pub(crate) struct Input {
    /// What can be looked at.
    pub(crate) set: WantedSet,
    /// Entries that no digest can pin. With any of them nothing is installed; the others are still
    /// checked and reported.
    pub(crate) refused: Vec<Problem>,
    /// The tree digests that a lock of ours has of wheels, by the names of their files.
    pub(crate) trees: BTreeMap<String, TreeDigest>,
}

/// Everything that is wanted, or everything that is wrong with the files.
pub(crate) fn read(
    arguments: &InputArgs,
    constraints: &[String],
    markers: &MarkerEnvironment,
    http: &Client,
    reporter: &dyn Reporter,
) -> Result<Input, Vec<Problem>> {
    let (locks, files) = sort_out(arguments)?;
    let mut input = match locks.as_slice() {
        [] => read_requirements(arguments, &files, constraints, markers, http)?,
        [lock] if files.is_empty() => {
            let (set, trees) = read_pylock(lock, arguments, markers)?;
            Input { set, refused: Vec::new(), trees }
        }
        _ => {
            let message = "one pylock.toml at a time, and no requirements file beside it";
            return Err(vec![Problem::new("too-many-locks", Class::Usage, message)]);
        }
    };
    if !arguments.allow_empty && !input.set.unless_allowed.is_empty() {
        let problems = input.set.unless_allowed.iter().map(Problem::from);
        return Err(problems
            .map(|problem| problem.with_hint("`--allow-empty` if that is meant"))
            .collect());
    }
    for note in std::mem::take(&mut input.set.notes) {
        reporter.note(Note::new("lock", note));
    }
    Ok(input)
}

/// Which of the given files are locks, and which requirements files.
fn sort_out(arguments: &InputArgs) -> Result<(Vec<String>, Vec<String>), Vec<Problem>> {
    let (locks, names): (Vec<_>, Vec<_>) =
        arguments.names.iter().cloned().partition(|name| is_pylock(name));
    if !names.is_empty() {
        let named = names.join("`, `");
        let problem = if arguments.requirements.is_empty() {
            let message = format!("`{named}` is not a pylock.toml");
            let hint =
                "a requirements file is given with `-r`; `install` alone takes names of projects";
            Problem::new("not-a-lock", Class::Usage, message).with_hint(hint)
        } else {
            let message = format!("`{named}`: names beside `-r` would not be checked");
            let hint = "add them to the requirements file, with their digests";
            Problem::new("names-beside-file", Class::Usage, message).with_hint(hint)
        };
        return Err(vec![problem]);
    }
    let (more, files): (Vec<_>, Vec<_>) =
        arguments.requirements.iter().cloned().partition(|name| is_pylock(name));
    let locks: Vec<String> = locks.into_iter().chain(more).collect();
    if locks.is_empty() && files.is_empty() {
        let problem = Problem::new("nothing-given", Class::Usage, "no file says what to install");
        return Err(vec![problem.with_hint("`-r requirements.txt`, or the path of a pylock.toml")]);
    }
    Ok((locks, files))
}

/// PEP 751: `pylock.toml` or `pylock.<name>.toml`.
pub(crate) fn is_pylock(name: &str) -> bool {
    let name = Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name == "pylock.toml" || name.starts_with("pylock.") && name.ends_with(".toml")
}

fn read_requirements(
    arguments: &InputArgs,
    files: &[String],
    constraints: &[String],
    markers: &MarkerEnvironment,
    http: &Client,
) -> Result<Input, Vec<Problem>> {
    if !arguments.extras.is_empty() || !arguments.groups.is_empty() {
        let message = "`--extra` and `--group` choose from a pylock.toml";
        return Err(vec![Problem::new("not-a-lock", Class::Usage, message)]);
    }
    let root = |kind| move |location: &String| Root { location: location.clone(), kind };
    let constrained = arguments.constraints.iter().chain(constraints);
    let roots: Vec<Root> = files
        .iter()
        .map(root(FileKind::Requirements))
        .chain(constrained.map(root(FileKind::Constraints)))
        .collect();
    let mut loader = Files::new(http);
    let variables = |name: &str| std::env::var(name).ok();
    let problem = |error: &SourceError| {
        let mut problem = Problem::from(error);
        if error.is_unavailable() {
            problem.class = Class::Unavailable;
        }
        if let Some(place) = problem.place.as_mut().filter(|place| place.file.contains("://")) {
            place.file = RedactedUrl::of_text(&place.file).to_string();
        }
        problem
    };
    match requirements::read_listed(&roots, &mut loader, markers, &variables) {
        Ok(Listed { set, refused }) => {
            let refused = refused.iter().map(problem).collect();
            Ok(Input { set, refused, trees: BTreeMap::new() })
        }
        Err(errors) => Err(errors.iter().map(problem).collect()),
    }
}

fn read_pylock(
    lock: &str,
    arguments: &InputArgs,
    markers: &MarkerEnvironment,
) -> Result<(WantedSet, BTreeMap<String, TreeDigest>), Vec<Problem>> {
    let extras: Result<BTreeSet<ExtraName>, Vec<Problem>> = arguments
        .extras
        .iter()
        .map(|extra| {
            ExtraName::parse(extra).map_err(|error| {
                vec![Problem::new("bad-extra", Class::Usage, format!("`{extra}`: {error}"))]
            })
        })
        .collect();
    if !arguments.constraints.is_empty() {
        let message = "a pylock.toml takes no constraints";
        return Err(vec![Problem::new("constraints", Class::Usage, message)]);
    }
    let text = read_file(Path::new(lock))
        .map_err(|error| vec![Problem::new("file-unreadable", Class::Usage, error.message)])?;
    let groups: BTreeSet<String> = arguments.groups.iter().cloned().collect();
    let groups = (!groups.is_empty()).then_some(groups);
    let selection = pylock::Selection { extras: extras?, groups };
    let set = pylock::read(lock, &text, markers, &selection)
        .map_err(|errors| errors.iter().map(Problem::from).collect::<Vec<_>>())?;
    let recorded = recorded::read(&String::from_utf8_lossy(&text));
    Ok((set, recorded.into_iter().flat_map(|release| release.trees).collect()))
}

/// Files of this machine and of https URLs.
pub(crate) struct Files<'a> {
    http: &'a Client,
    /// By what messages call them: without the credentials that files beside them need as well.
    fetched: BTreeMap<String, Url>,
    /// A file as it is about to be written.
    edited: Option<(PathBuf, Vec<u8>)>,
}

impl<'a> Files<'a> {
    /// Nothing was read yet.
    pub(crate) fn new(http: &'a Client) -> Self {
        Self { http, fetched: BTreeMap::new(), edited: None }
    }

    /// With a file that is read as it is about to be written.
    pub(crate) fn with_edited(self, edited: Option<(PathBuf, Vec<u8>)>) -> Self {
        Self { edited, ..self }
    }
}

impl Loader for Files<'_> {
    fn load(
        &mut self,
        location: &str,
        _: FileKind,
        from: Option<&Place>,
    ) -> Result<Loaded, LoadError> {
        let base = from.map(|place| place.file.as_str());
        let fetched = base.and_then(|base| self.fetched.get(base));
        if let Some(url) = resolve_url(location, fetched)? {
            return self.fetch(&url);
        }
        let path = match (file_url(location), base) {
            (Some(path), _) => path,
            (None, Some(base)) => Path::new(base).parent().unwrap_or(Path::new("")).join(location),
            (None, None) => PathBuf::from(location),
        };
        let text = match &self.edited {
            Some((edited, text)) if *edited == path => text.clone(),
            _ => read_file(&path)?,
        };
        Ok(Loaded { location: path.display().to_string(), text })
    }
}

impl Files<'_> {
    fn fetch(&mut self, url: &Url) -> Result<Loaded, LoadError> {
        let location = RedactedUrl::new(url).to_string();
        let unavailable = |message: String| LoadError { message, unavailable: true };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unavailable(error.to_string()))?;
        let request = Request::document(url, "text/plain, */*;q=0.5", MAXIMUM_SIZE as u64);
        let document = runtime.block_on(self.http.fetch(&request));
        let document = document.map_err(|error| unavailable(error.to_string()))?;
        self.fetched.insert(location.clone(), url.clone());
        Ok(Loaded { location, text: document.body })
    }
}

/// A location that is a URL itself, or relative to one. A file from elsewhere names no files of
/// this machine.
fn resolve_url(location: &str, base: Option<&Url>) -> Result<Option<Url>, LoadError> {
    let is_url = location.starts_with("https://") || location.starts_with("http://");
    let parsed = match base {
        _ if is_url => Url::parse(location),
        Some(base) => base.join(location),
        None => return Ok(None),
    };
    parsed.map(Some).map_err(|error| {
        let message = format!("`{}` is not a usable URL: {error}", RedactedUrl::of_text(location));
        LoadError { message, unavailable: false }
    })
}

/// The path of a `file:` URL.
fn file_url(location: &str) -> Option<PathBuf> {
    let url = Url::parse(location).ok().filter(|url| url.scheme() == "file")?;
    url.to_file_path().ok()
}

pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, LoadError> {
    let failed = |reason: String| LoadError {
        message: format!("cannot read `{}`: {reason}", path.display()),
        unavailable: false,
    };
    let file = fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut text = Vec::new();
    let limit = MAXIMUM_SIZE as u64 + 1;
    file.take(limit).read_to_end(&mut text).map_err(|error| failed(error.to_string()))?;
    if text.len() as u64 == limit {
        return Err(failed(format!("it is larger than {MAXIMUM_SIZE} bytes")));
    }
    Ok(text)
}

/// All variables that are text.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
