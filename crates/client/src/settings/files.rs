//! Configuration files: which are read, in which order, and what they say.
//!
//! * pip's: `pip.conf` of the system (`$XDG_CONFIG_DIRS/pip`, `/etc`), of the user (`~/.pip`,
//!   `$XDG_CONFIG_HOME/pip`), of the environment that is changed, and `PIP_CONFIG_FILE`; a later
//!   one replaces single options of an earlier one, and then the section of the command those of
//!   `[global]`, as in pip.
//! * uv's: `uv.toml` or `[tool.uv]` of the project, `uv.toml` of the user and of the system.
//! * ours: `countermark.toml` or `[tool.countermark]` of the project, of the user, of the system.
//!
//! A project's files are looked for in the current folder and above it, up to the folder with the
//! version control's data, else up to the home folder; outside of both, in the current folder
//! only: what stands in `/tmp` is anybody's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::environment::push_pip;
use super::layer::{BindingEntry, Kind, Layer, read_table};
use super::{Inputs, Origin, SettingsError, ini};

/// Longest configuration file, in bytes.
const MAX_FILE: usize = 4 * 1024 * 1024;
/// Most folders above the current one that are looked at.
const MAX_PARENTS: usize = 64;

pub(super) struct Files<'a> {
    inputs: &'a Inputs<'a>,
    errors: Vec<SettingsError>,
}

impl<'a> Files<'a> {
    pub(super) fn new(inputs: &'a Inputs<'a>) -> Self {
        Self { inputs, errors: Vec::new() }
    }

    /// All layers that files give, in the order of precedence, and what is wrong with them.
    pub(super) fn read(mut self) -> (Vec<Layer>, Vec<SettingsError>) {
        let mut layers = self.own();
        layers.push(self.pip());
        layers.extend(self.uv());
        (layers, self.errors)
    }

    fn variable(&self, name: &str) -> Option<&'a str> {
        let value = self.inputs.environment.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    fn text(&mut self, path: &Path) -> Option<String> {
        let refused = |reason: String| SettingsError::File { path: path.to_owned(), reason };
        let error = match (self.inputs.read_file)(path) {
            Ok(None) => return None,
            Ok(Some(bytes)) if bytes.len() > MAX_FILE => {
                refused(format!("longer than {MAX_FILE} bytes"))
            }
            Ok(Some(bytes)) => match String::from_utf8(bytes) {
                Ok(text) => return Some(text),
                Err(_) => refused("not utf-8".to_owned()),
            },
            Err(error) => refused(error.to_string()),
        };
        self.errors.push(error);
        None
    }

    fn table(&mut self, path: &Path) -> Option<toml::Table> {
        let text = self.text(path)?;
        match text.parse() {
            Ok(table) => Some(table),
            Err(error) => {
                // Only the reason: the text around it may hold a password.
                let reason = error.message().to_owned();
                self.errors.push(SettingsError::File { path: path.to_owned(), reason });
                None
            }
        }
    }

    fn user_config(&self) -> Option<PathBuf> {
        let home = self.inputs.home;
        match self.variable("XDG_CONFIG_HOME") {
            Some(folder) => Some(PathBuf::from(folder)),
            None => home.map(|home| home.join(".config")),
        }
    }

    fn system_configs(&self) -> Vec<PathBuf> {
        let folders = self.variable("XDG_CONFIG_DIRS").unwrap_or("/etc/xdg");
        folders.split(':').filter(|it| !it.is_empty()).map(PathBuf::from).collect()
    }

    /// The folders in which a project's files may stand, nearest first.
    fn project_folders(&self) -> Vec<PathBuf> {
        let near: Vec<&Path> = self.inputs.folder.ancestors().take(MAX_PARENTS).collect();
        let has_vcs = |folder: &Path| {
            [".git", ".hg"].iter().any(|name| (self.inputs.exists)(&folder.join(name)))
        };
        let root = near.iter().position(|folder| has_vcs(folder));
        let end = root.or_else(|| near.iter().position(|it| Some(*it) == self.inputs.home));
        near.iter().take(end.unwrap_or(0) + 1).map(|folder| (*folder).to_owned()).collect()
    }

    /// The nearest project file: `NAME.toml`, or the tool's table in `pyproject.toml`. Gives the
    /// whole document beside the tool's table.
    fn project(&mut self, tool: &str) -> Option<(PathBuf, toml::Table, toml::Table)> {
        for folder in self.project_folders() {
            let path = folder.join(format!("{tool}.toml"));
            let pyproject = folder.join("pyproject.toml");
            let document = self.table(&pyproject).unwrap_or_default();
            if let Some(table) = self.table(&path) {
                return Some((path, table, document));
            }
            let tools = document.get("tool").and_then(toml::Value::as_table);
            let table = tools.and_then(|tools| tools.get(tool)).and_then(toml::Value::as_table);
            if let Some(table) = table.cloned() {
                return Some((pyproject, table, document));
            }
        }
        None
    }

    fn layer(&mut self, kind: Kind, path: &Path, table: &toml::Table, prefix: &str) -> Layer {
        let folder = path.parent().unwrap_or(self.inputs.folder);
        let mut layer = Layer::new(kind, folder);
        read_table(&mut layer, table, path, prefix, &mut self.errors);
        layer
    }

    fn own(&mut self) -> Vec<Layer> {
        let mut layers = Vec::new();
        if let Some((path, table, _)) = self.project("countermark") {
            layers.push(self.layer(Kind::OwnProject, &path, &table, prefix(&path, "countermark")));
        }
        let mut folders: Vec<PathBuf> = self.user_config().into_iter().collect();
        folders.extend(self.system_configs());
        folders.push(PathBuf::from("/etc"));
        for folder in folders {
            let path = folder.join("countermark/countermark.toml");
            if let Some(table) = self.table(&path) {
                layers.push(self.layer(Kind::OwnUser, &path, &table, ""));
            }
        }
        for layer in &layers {
            self.check_keys(layer);
        }
        layers
    }

    /// Our own files have no key that is not known: it would be a mistake that nobody sees.
    fn check_keys(&mut self, layer: &Layer) {
        for entry in &layer.entries {
            if !super::OWN_KEYS.contains(&entry.option.as_str())
                && super::weakening(&entry.option, entry.values.last().map(String::as_str))
                    .is_none()
            {
                self.errors.push(SettingsError::UnknownKey { origin: entry.origin.clone() });
            }
        }
    }

    fn uv(&mut self) -> Vec<Layer> {
        let is_set = |variable: Option<&str>| {
            variable.is_some_and(|it| super::parse_switch(it) != Some(false))
        };
        if let Some(path) = self.variable("UV_CONFIG_FILE") {
            let path = self.inputs.folder.join(path);
            let table = self.table(&path);
            return table
                .map(|table| self.layer(Kind::UvFiles, &path, &table, ""))
                .into_iter()
                .collect();
        }
        if is_set(self.variable("UV_NO_CONFIG")) {
            return Vec::new();
        }
        let mut layers = Vec::new();
        if let Some((path, table, document)) = self.project("uv") {
            let mut layer = self.layer(Kind::UvFiles, &path, &table, prefix(&path, "uv"));
            read_sources(&mut layer, &document, &path);
            layers.push(layer);
        }
        let mut folders: Vec<PathBuf> = self.user_config().into_iter().collect();
        if !is_set(self.variable("UV_NO_SYSTEM_CONFIG")) {
            folders.extend(self.system_configs());
            folders.push(PathBuf::from("/etc"));
        }
        for folder in folders {
            let path = folder.join("uv/uv.toml");
            if let Some(table) = self.table(&path) {
                layers.push(self.layer(Kind::UvFiles, &path, &table, ""));
            }
        }
        layers
    }

    fn pip(&mut self) -> Layer {
        let mut merged: BTreeMap<(String, String), (String, Origin)> = BTreeMap::new();
        for path in self.pip_files() {
            let Some(text) = self.text(&path) else { continue };
            let sections = match ini::parse(&text) {
                Ok(sections) => sections,
                Err(error) => {
                    let reason = error.to_string();
                    self.errors.push(SettingsError::File { path, reason });
                    continue;
                }
            };
            for (section, options) in sections {
                for (option, (value, _)) in options {
                    let key = format!("[{section}] {option}");
                    let origin = Origin::File { path: path.clone(), key };
                    merged.insert((section.clone(), option), (value, origin));
                }
            }
        }
        // The section of the command replaces single options of `[global]`.
        let mut effective: BTreeMap<&str, &(String, Origin)> = BTreeMap::new();
        for wanted in ["global", self.inputs.command] {
            for ((section, option), value) in &merged {
                if section == wanted && !value.0.trim().is_empty() {
                    effective.insert(option, value);
                }
            }
        }
        let mut layer = Layer::new(Kind::PipFiles, self.inputs.folder);
        for (option, (value, origin)) in effective {
            push_pip(&mut layer, option, value, origin.clone());
        }
        layer
    }

    /// The order of `pip config debug`.
    fn pip_files(&self) -> Vec<PathBuf> {
        let named = self.variable("PIP_CONFIG_FILE").map(PathBuf::from);
        if named.as_deref() == Some(Path::new("/dev/null")) {
            return Vec::new();
        }
        let named = named.map(|path| self.inputs.folder.join(path));
        let mut files: Vec<PathBuf> =
            self.system_configs().iter().map(|folder| folder.join("pip/pip.conf")).collect();
        if cfg!(target_os = "macos") {
            files = vec![PathBuf::from("/Library/Application Support/pip/pip.conf")];
        }
        files.push(PathBuf::from("/etc/pip.conf"));
        let replaces_user = named.as_ref().is_some_and(|path| (self.inputs.exists)(path));
        if !replaces_user {
            files.extend(self.inputs.home.map(|home| home.join(".pip/pip.conf")));
            files.extend(self.pip_user_file());
        }
        files.extend(self.inputs.prefix.map(|prefix| prefix.join("pip.conf")));
        files.extend(named);
        files
    }

    fn pip_user_file(&self) -> Option<PathBuf> {
        if cfg!(target_os = "macos") {
            let home = self.inputs.home?;
            let folder = home.join("Library/Application Support/pip");
            let exists = (self.inputs.exists)(&folder);
            let folder = if exists { folder } else { home.join(".config/pip") };
            return Some(folder.join("pip.conf"));
        }
        Some(self.user_config()?.join("pip/pip.conf"))
    }
}

fn prefix(path: &Path, tool: &str) -> &'static str {
    match (path.file_name().and_then(|it| it.to_str()), tool) {
        (Some("pyproject.toml"), "uv") => "tool.uv.",
        (Some("pyproject.toml"), _) => "tool.countermark.",
        _ => "",
    }
}

/// `[tool.uv.sources]`: names that come from a named index.
fn read_sources(layer: &mut Layer, document: &toml::Table, path: &Path) {
    let table = |value: Option<&toml::Value>, key: &str| {
        value.and_then(toml::Value::as_table).and_then(|table| table.get(key)).cloned()
    };
    let uv = table(document.get("tool"), "uv");
    let Some(toml::Value::Table(sources)) = table(uv.as_ref(), "sources") else { return };
    // `pyproject.toml` has them also where `uv.toml` has the rest.
    let path = path.with_file_name("pyproject.toml");
    for (name, value) in sources {
        // A list has markers; all its indexes are bound, and the first counts.
        let values = match value {
            toml::Value::Array(values) => values,
            other => vec![other],
        };
        for value in values {
            if let Some(index) = value.get("index").and_then(toml::Value::as_str) {
                let key = format!("tool.uv.sources.{name}");
                layer.bindings.push(BindingEntry {
                    names: name.clone(),
                    index: index.to_owned(),
                    origin: Origin::File { path: path.clone(), key },
                });
            }
        }
    }
}
