//! One source of settings, flattened: options under pip's names, texts as values.

use std::path::{Path, PathBuf};

use super::{Ignored, Origin, SettingsError, weakening};

/// Which source; the order is that of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    CommandLine,
    Requirements,
    OwnEnvironment,
    PipEnvironment,
    UvEnvironment,
    OwnProject,
    OwnUser,
    PipFiles,
    UvFiles,
}

/// An option with its values.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) option: String,
    pub(super) values: Vec<String>,
    pub(super) origin: Origin,
}

/// An index with its properties, as `[[index]]` gives it.
#[derive(Clone, Debug)]
pub(super) struct IndexEntry {
    pub(super) name: Option<String>,
    pub(super) url: String,
    pub(super) default: bool,
    pub(super) explicit: bool,
    pub(super) origin: Origin,
}

/// A name that is bound to an index, by the index's name or URL.
#[derive(Clone, Debug)]
pub(super) struct BindingEntry {
    pub(super) names: String,
    pub(super) index: String,
    pub(super) origin: Origin,
}

/// What one source says.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) kind: Kind,
    /// Where relative paths begin.
    pub(super) folder: PathBuf,
    pub(super) entries: Vec<Entry>,
    pub(super) indexes: Vec<IndexEntry>,
    pub(super) bindings: Vec<BindingEntry>,
}

impl Layer {
    pub(super) fn new(kind: Kind, folder: &Path) -> Self {
        Self {
            kind,
            folder: folder.to_owned(),
            entries: Vec::new(),
            indexes: Vec::new(),
            bindings: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, option: &str, values: Vec<String>, origin: Origin) {
        self.entries.push(Entry { option: option.to_owned(), values, origin });
    }

    /// The last value of an option.
    pub(super) fn last(&self, option: &str) -> Option<(&str, &Origin)> {
        let entries = self.entries.iter().rev().filter(|entry| entry.option == option);
        entries.flat_map(|entry| entry.values.last().map(|it| (it.as_str(), &entry.origin))).next()
    }

    /// All values of an option, in order.
    pub(super) fn all<'a>(
        &'a self,
        option: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Origin)> {
        let entries = self.entries.iter().filter(move |entry| entry.option == option);
        entries.flat_map(|entry| entry.values.iter().map(|it| (it.as_str(), &entry.origin)))
    }

    /// Takes out what would weaken a check. Where it would be refused, the caller did so before.
    pub(super) fn take_weakenings(&mut self) -> Vec<Ignored> {
        if matches!(self.kind, Kind::CommandLine | Kind::Requirements) {
            return Vec::new();
        }
        let mut ignored = Vec::new();
        self.entries.retain(|entry| {
            let weakens = entry.values.iter().find_map(|it| weakening(&entry.option, Some(it)));
            if let Some(weakens) = weakens {
                let (origin, reason) = (entry.origin.clone(), weakens.effect);
                ignored.push(Ignored { option: entry.option.clone(), origin, reason });
            }
            weakens.is_none()
        });
        ignored
    }
}

/// A TOML table of ours or uv's; keys that are given in `strict` mode must be known.
pub(super) fn read_table(
    layer: &mut Layer,
    table: &toml::Table,
    path: &Path,
    prefix: &str,
    errors: &mut Vec<SettingsError>,
) {
    for (key, value) in table {
        let origin = Origin::File { path: path.to_owned(), key: format!("{prefix}{key}") };
        match (key.as_str(), value) {
            ("index", toml::Value::Array(indexes)) => {
                for index in indexes {
                    match index_entry(index, &origin) {
                        Some(entry) => layer.indexes.push(entry),
                        None => errors.push(SettingsError::Value {
                            origin: origin.clone(),
                            expected: "tables with `url`, and `name`, `default`, `explicit`",
                        }),
                    }
                }
            }
            ("index-for", toml::Value::Table(bindings)) => {
                for (names, index) in bindings {
                    match index.as_str() {
                        Some(index) => layer.bindings.push(BindingEntry {
                            names: names.clone(),
                            index: index.to_owned(),
                            origin: origin.clone(),
                        }),
                        None => errors.push(SettingsError::Value {
                            origin: origin.clone(),
                            expected: "the name or url of an index",
                        }),
                    }
                }
            }
            // uv's table for `uv pip`, whose keys count here as those outside it do.
            ("pip", toml::Value::Table(inner)) => {
                read_table(layer, inner, path, &format!("{prefix}pip."), errors);
            }
            // Read and checked by those who judge pins.
            ("policy", toml::Value::Table(_)) if layer.kind == Kind::OwnProject => {}
            _ => match texts(value) {
                Some(values) => layer.push(key, values, origin),
                // A mistyped `[policy]` must not be a policy that nobody reads.
                None if matches!(layer.kind, Kind::OwnProject | Kind::OwnUser) => {
                    layer.push(key, Vec::new(), origin);
                }
                None => {}
            },
        }
    }
}

fn index_entry(value: &toml::Value, origin: &Origin) -> Option<IndexEntry> {
    let table = value.as_table()?;
    let flag = |key: &str| match table.get(key) {
        None => Some(false),
        Some(value) => value.as_bool(),
    };
    let name = match table.get("name") {
        None => None,
        Some(name) => Some(name.as_str()?.to_owned()),
    };
    Some(IndexEntry {
        name,
        url: table.get("url")?.as_str()?.to_owned(),
        default: flag("default")?,
        explicit: flag("explicit")?,
        origin: origin.clone(),
    })
}

/// A text, a number, a switch, or a list of such; other values are no options.
fn texts(value: &toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::String(text) => Some(vec![text.clone()]),
        toml::Value::Integer(number) => Some(vec![number.to_string()]),
        toml::Value::Float(number) => Some(vec![number.to_string()]),
        toml::Value::Boolean(flag) => Some(vec![flag.to_string()]),
        toml::Value::Array(values) => {
            let each: Option<Vec<Vec<String>>> = values.iter().map(texts).collect();
            each.map(|each| each.concat())
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}
