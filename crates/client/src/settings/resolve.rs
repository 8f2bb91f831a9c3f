//! From layers to settings: indexes, links, bindings, formats, the cache, credentials.

use std::path::{Path, PathBuf};

use countermark_packaging::lock::Setting;

use super::indexes::order;
use super::layer::{BindingEntry, Kind, Layer};
use super::{Ignored, Inputs, LinksPlace, Origin, Settings, SettingsError, Sourced, parse_switch};
use crate::credentials::{KeyringProvider, KnownCredential, Netrc, Secret};
use crate::http::RedactedUrl;
use crate::origin::is_loopback;

pub(super) fn command_line(inputs: &Inputs<'_>) -> Layer {
    let given = inputs.command_line;
    let mut layer = Layer::new(Kind::CommandLine, inputs.folder);
    let mut push = |option: &str, values: Vec<String>| {
        if !values.is_empty() {
            layer.push(option, values, Origin::CommandLine(format!("--{option}")));
        }
    };
    let one = |value: &Option<String>| value.iter().cloned().collect::<Vec<_>>();
    let switch = |on: bool| if on { vec!["true".to_owned()] } else { Vec::new() };
    push("index-url", one(&given.index_url));
    push("extra-index-url", given.extra_index_urls.clone());
    push("find-links", given.find_links.clone());
    push("no-index", switch(given.no_index));
    push("only-binary", given.only_binary.clone());
    push("no-binary", given.no_binary.clone());
    push("prefer-binary", switch(given.prefer_binary));
    push("pre", switch(given.pre));
    push("timeout", one(&given.timeout));
    push("retries", one(&given.retries));
    push("proxy", one(&given.proxy));
    push("cert", one(&given.cert));
    push("client-cert", one(&given.client_cert));
    push("keyring-provider", one(&given.keyring_provider));
    push("cache-dir", one(&given.cache_dir));
    push("offline", switch(given.offline));
    push("break-system-packages", switch(given.break_system_packages));
    for (names, index) in &given.index_for {
        let origin = Origin::CommandLine("--index-for".into());
        let (names, index) = (names.clone(), index.clone());
        layer.bindings.push(BindingEntry { names, index, origin });
    }
    layer
}

pub(super) fn requirements(inputs: &Inputs<'_>) -> Layer {
    let mut layer = Layer::new(Kind::Requirements, inputs.folder);
    for option in inputs.requirements {
        let switch = || "true".to_owned();
        let (name, value) = match &option.setting {
            Setting::IndexUrl(url) => ("index-url", url.clone()),
            Setting::ExtraIndexUrl(url) => ("extra-index-url", url.clone()),
            Setting::FindLinks(place) => {
                ("find-links", links_in_file(inputs, &option.place.file, place))
            }
            Setting::NoIndex => ("no-index", switch()),
            Setting::OnlyBinary(names) => ("only-binary", names.clone()),
            Setting::NoBinary(names) => ("no-binary", names.clone()),
            Setting::PreferBinary => ("prefer-binary", switch()),
            Setting::Pre => ("pre", switch()),
            // What is always so, and what concerns choosing among versions.
            Setting::RequireHashes
            | Setting::UseFeature(_)
            | Setting::AllReleases(_)
            | Setting::OnlyFinal(_) => continue,
        };
        let origin = Origin::Requirements {
            file: option.place.file.clone(),
            line: option.place.line,
            option: format!("--{name}"),
        };
        layer.push(name, vec![value], origin);
    }
    layer
}

/// As in pip: relative to the file if there is something, else to the current folder.
fn links_in_file(inputs: &Inputs<'_>, file: &str, place: &str) -> String {
    let beside = inputs.folder.join(file).parent().map(|folder| folder.join(place));
    match beside {
        Some(path) if !is_url(place) && (inputs.exists)(&path) => path.display().to_string(),
        _ => place.to_owned(),
    }
}

pub(super) fn is_url(text: &str) -> bool {
    text.contains("://") || text.starts_with("file:")
}

/// Resolves layers, highest first.
pub(super) struct Resolver<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) layers: &'a [Layer],
    pub(super) errors: Vec<SettingsError>,
}

impl<'a> Resolver<'a> {
    /// The value of the highest layer that has one.
    pub(super) fn single(&self, option: &str) -> Option<(&'a str, &'a Origin, &'a Layer)> {
        self.layers
            .iter()
            .find_map(|layer| layer.last(option).map(|(value, origin)| (value, origin, layer)))
    }

    pub(super) fn switch(&mut self, option: &str) -> Option<Sourced<bool>> {
        let (value, origin, _) = self.single(option)?;
        let parsed = parse_switch(value);
        if parsed.is_none() {
            let expected = "yes or no, true or false, 1 or 0";
            self.errors.push(SettingsError::Value { origin: origin.clone(), expected });
        }
        Some(Sourced::new(parsed?, origin.clone()))
    }

    /// All values, with the rule that a variable of pip replaces what pip's files say.
    pub(super) fn list(
        &self,
        option: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Origin, &'a Layer)> {
        let replaced = self
            .layers
            .iter()
            .any(|layer| layer.kind == Kind::PipEnvironment && layer.last(option).is_some());
        self.layers
            .iter()
            .filter(move |layer| !(replaced && layer.kind == Kind::PipFiles))
            .flat_map(move |layer| layer.all(option).map(move |(it, origin)| (it, origin, layer)))
    }

    /// A path of a setting: `~` is the home folder, and relative ones begin at the layer's folder.
    pub(super) fn path(&self, text: &str, layer: &Layer) -> PathBuf {
        match (text.strip_prefix("~/"), self.inputs.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => layer.folder.join(text),
        }
    }

    pub(super) fn sources(&mut self, settings: &mut Settings) {
        let no_index = self.switch("no-index").filter(|no_index| no_index.value);
        self.find_links(settings);
        let named = self.all_indexes(settings);
        self.bindings(settings, &named);
        let default = self.default_index(settings, &named);
        match no_index {
            Some(no_index) => {
                settings.no_index = Some(no_index.origin);
                settings.sources.bindings.clear();
            }
            None => settings.sources.indexes = order(named, default),
        }
        let plain = settings.sources.indexes.iter().map(|index| &index.url);
        let plain = plain.chain(settings.sources.bindings.iter().map(|it| &it.index.url));
        let links = settings.sources.find_links.iter().filter_map(|it| match &it.place {
            LinksPlace::Page(url) => Some(url),
            LinksPlace::Path(_) => None,
        });
        for url in plain.chain(links).filter(|url| url.scheme() == "http") {
            let is_new = settings.http.plain_http.insert(url.origin().ascii_serialization());
            if is_new && !is_loopback(url) {
                settings.notes.push(format!(
                    "`{}` is plain http: anybody on the way sees and changes what it says; \
                     digests are compared all the same",
                    RedactedUrl::new(url)
                ));
            }
        }
    }

    pub(super) fn formats(&mut self, settings: &mut Settings) {
        let sourced = |(value, origin, _): (&str, &Origin, &Layer)| {
            Sourced::new(value.to_owned(), origin.clone())
        };
        settings.only_binary = self.list("only-binary").map(sourced).collect();
        settings.no_binary = self.list("no-binary").map(sourced).collect();
        settings.prefer_binary = self.switch("prefer-binary").is_some_and(|it| it.value);
        settings.pre = self.switch("pre").is_some_and(|it| it.value);
        settings.constraints = self
            .list("constraint")
            .map(|(value, origin, layer)| {
                let location = if is_url(value) {
                    value.to_owned()
                } else {
                    self.path(value, layer).display().to_string()
                };
                Sourced::new(location, origin.clone())
            })
            .collect();
        settings.break_system_packages = self.switch("break-system-packages");
        settings.require_virtualenv = self.switch("require-virtualenv");
    }

    /// Where the store is. pip's and uv's caches are theirs.
    pub(super) fn cache(&mut self, settings: &mut Settings) {
        let reason = "a project would decide what is thrown away of all projects";
        settings.cache_limit = self
            .own("cache-limit", reason, settings)
            .map(|(value, origin, _)| Sourced::new(value.to_owned(), origin.clone()));
        let reason = "a project would decide where the files of all projects are kept";
        if let Some((value, origin, layer)) = self.own("cache-dir", reason, settings) {
            let path = lexical(&self.path(value, layer));
            settings.cache = Some(Sourced::new(path, origin.clone()));
            return;
        }
        let environment = self.inputs.environment;
        let xdg = environment.get("XDG_CACHE_HOME").map(Path::new).filter(|it| it.is_absolute());
        let folder = match (xdg, self.inputs.home) {
            (Some(folder), _) => folder.to_owned(),
            (None, Some(home)) if cfg!(target_os = "macos") => home.join("Library/Caches"),
            (None, Some(home)) => home.join(".cache"),
            (None, None) => return,
        };
        settings.cache = Some(Sourced::new(folder.join("countermark"), Origin::Default));
    }

    /// A value that only the user decides, not a project.
    fn own(
        &self,
        option: &str,
        reason: &'static str,
        settings: &mut Settings,
    ) -> Option<(&'a str, &'a Origin, &'a Layer)> {
        for layer in self.layers {
            let Some((value, origin)) = layer.last(option) else { continue };
            match layer.kind {
                Kind::CommandLine | Kind::OwnEnvironment | Kind::OwnUser => {
                    return Some((value, origin, layer));
                }
                Kind::OwnProject => settings.ignored.push(Ignored {
                    option: option.to_owned(),
                    origin: origin.clone(),
                    reason,
                }),
                _ => {}
            }
        }
        None
    }

    pub(super) fn credentials(&mut self, settings: &mut Settings) {
        self.named_credentials(settings);
        self.netrc(settings);
        if let Some((value, origin, _)) = self.single("keyring-provider") {
            match KeyringProvider::parse(value) {
                Some(provider) => settings.keyring = provider,
                None => self.errors.push(SettingsError::Value {
                    origin: origin.clone(),
                    expected: "`auto`, `disabled`, `subprocess` or `import`",
                }),
            }
        }
    }

    /// `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`, and the same with our prefix.
    fn named_credentials(&self, settings: &mut Settings) {
        if self.inputs.command_line.isolated {
            return;
        }
        let sources = &settings.sources;
        let bound = sources.bindings.iter().map(|binding| &binding.index);
        let mut found = Vec::new();
        for index in sources.indexes.iter().chain(bound) {
            let Some(name) = &index.name else { continue };
            let name: String = name
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
                .collect();
            let variable = |what: &str| {
                ["COUNTERMARK", "UV"].iter().find_map(|tool| {
                    let variable = format!("{tool}_INDEX_{name}_{what}");
                    self.inputs.environment.get(&variable).filter(|value| !value.is_empty())
                })
            };
            let (username, password) = (variable("USERNAME"), variable("PASSWORD"));
            if username.is_some() || password.is_some() {
                found.push(KnownCredential {
                    url: index.url.clone(),
                    username: Secret::new(username.cloned().unwrap_or_default()),
                    password: password.map(Secret::new),
                });
            }
        }
        // Those of a URL come after: whoever sets a variable means it.
        found.append(&mut settings.credentials);
        settings.credentials = found;
    }

    fn netrc(&mut self, settings: &mut Settings) {
        let named = self.inputs.environment.get("NETRC").filter(|path| !path.is_empty());
        let places: Vec<PathBuf> = match (named, self.inputs.home) {
            (Some(path), _) => vec![self.inputs.folder.join(path)],
            (None, Some(home)) => vec![home.join(".netrc"), home.join("_netrc")],
            (None, None) => Vec::new(),
        };
        for path in places {
            let reason = match (self.inputs.read_file)(&path) {
                Ok(None) => continue,
                Ok(Some(bytes)) => match String::from_utf8(bytes).as_deref().map(Netrc::parse) {
                    Ok(Ok(netrc)) => {
                        settings.netrc = netrc;
                        return;
                    }
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "not utf-8".to_owned(),
                },
                Err(error) => error.to_string(),
            };
            // As elsewhere, a `.netrc` that cannot be used is none; but it is said.
            settings.notes.push(format!("`{}` is not used: {reason}", path.display()));
            return;
        }
    }
}

/// Takes `.` and `..` out without looking at the disk.
pub(super) fn lexical(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}
