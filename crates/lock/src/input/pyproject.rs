//! `pyproject.toml`: what one project says it depends on.
//!
//! Specifications: <https://packaging.python.org/en/latest/specifications/pyproject-toml/>
//! (PEP 621) and <https://packaging.python.org/en/latest/specifications/dependency-groups/>
//! (PEP 735). Of `tool.uv` is read what changes which requirements there are
//! (<https://docs.astral.sh/uv/reference/settings/>), since projects that people have say it there.
//!
//! Decides the form of one file only; what of it is wanted, and other projects that it names, are
//! the business of [`super::Projects`]. Dependencies that only a build knows, and those of tools
//! with a language of their own, are refused: nobody is asked what they mean.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use countermark_packaging::lock::source::Source;
use countermark_packaging::lock::{Place, SourceError, codes};
use countermark_packaging::name::{self, ExtraName, ProjectName};
use countermark_packaging::requirement::Requirement;
use countermark_packaging::table::{At, Item, Reader, Table, collect_mistakes, parse_utf8};
use countermark_packaging::version::VersionSpecifiers;
use toml::de::DeTable;

use super::Chosen;

mod foreign;
mod uv;

pub(super) use uv::{ProjectSource, Uv};

/// The most bytes of a file.
const MAXIMUM_SIZE: usize = 8 << 20;

/// What a file says.
pub(super) struct Pyproject {
    /// What messages call it.
    pub(super) file: String,
    /// `project.name`; none without a `[project]`.
    pub(super) name: Option<ProjectName>,
    /// `project.requires-python`.
    pub(super) requires_python: Option<VersionSpecifiers>,
    /// `project.dependencies`.
    pub(super) dependencies: Vec<Listed>,
    /// `project.optional-dependencies`.
    pub(super) extras: BTreeMap<ExtraName, Vec<Listed>>,
    /// `dependency-groups`, by normalised name.
    pub(super) groups: BTreeMap<String, Group>,
    /// What `project.dynamic` leaves to a build, `dependencies` among it, and where.
    pub(super) dynamic: Vec<(String, Place)>,
    /// `tool.uv`.
    pub(super) uv: Uv,
    /// What is seen and not followed.
    pub(super) notes: Vec<String>,
}

/// A requirement and where it stands.
#[derive(Clone)]
pub(super) struct Listed {
    pub(super) requirement: Requirement,
    pub(super) place: Place,
}

/// A dependency group.
pub(super) struct Group {
    /// As written.
    pub(super) name: String,
    pub(super) items: Vec<GroupItem>,
}

/// An item of a dependency group.
pub(super) enum GroupItem {
    Requirement(Listed),
    /// Another group, by its normalised name.
    Include(String, Place),
}

/// Reads one file.
pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Pyproject, Vec<SourceError>> {
    let text = parse_utf8(file, bytes, MAXIMUM_SIZE).map_err(|error| vec![error])?;
    let source = Source::new(file, text.to_owned());
    let (document, broken) = DeTable::parse_recoverable(source.text());
    let root = Table::new(document.get_ref(), "the file", 0..0);
    let mut parser = Parser { source: &source, reader: Reader::new(&source), notes: Vec::new() };
    let pyproject = parser.parse(file, root);
    let errors = collect_mistakes(&source, document.get_ref(), &broken, parser.reader.errors);
    if errors.is_empty() { Ok(pyproject) } else { Err(errors) }
}

/// What a file is read with.
struct Parser<'a> {
    source: &'a Source,
    reader: Reader<'a>,
    notes: Vec<String>,
}

impl<'a> Parser<'a> {
    fn parse(&mut self, file: &str, root: Table<'a>) -> Pyproject {
        let project = self.reader.table(root, "project", "[project]");
        let groups = self.groups(root);
        let tool = self.reader.table(root, "tool", "[tool]");
        foreign::check(self, root, project, !groups.is_empty(), tool);
        let mut name = None;
        if let Some(project) = project {
            let text = self.reader.required(project, "name", "write name = \"…\"");
            name = text.and_then(|text| self.reader.name(&text));
        }
        let uv = uv::read(self, tool, &groups);
        Pyproject {
            file: file.to_owned(),
            name,
            requires_python: project.and_then(|project| self.requires_python(project)),
            dependencies: project
                .map(|project| self.requirements(project, "dependencies"))
                .unwrap_or_default(),
            extras: project.map(|project| self.extras(project)).unwrap_or_default(),
            groups,
            dynamic: project.map(|project| self.dynamic(project)).unwrap_or_default(),
            uv,
            notes: std::mem::take(&mut self.notes),
        }
    }

    fn requires_python(&mut self, project: Table<'a>) -> Option<VersionSpecifiers> {
        let text = self.reader.text(project, "requires-python")?;
        match text.value.parse::<VersionSpecifiers>() {
            Ok(specifiers) => Some(specifiers),
            Err(error) => {
                let span = self.inside(&text, error.span);
                self.reader.error(codes::INVALID_VALUE, error.message, span);
                None
            }
        }
    }

    fn dynamic(&mut self, project: Table<'a>) -> Vec<(String, Place)> {
        let texts = self.texts(project, "dynamic");
        texts.into_iter().map(|at| (at.value.to_owned(), self.reader.place(at.span))).collect()
    }

    fn extras(&mut self, project: Table<'a>) -> BTreeMap<ExtraName, Vec<Listed>> {
        let mut extras: BTreeMap<ExtraName, Vec<Listed>> = BTreeMap::new();
        let title = "[project.optional-dependencies]";
        let Some(table) = self.reader.table(project, "optional-dependencies", title) else {
            return extras;
        };
        for key in table.table.keys() {
            let listed = self.requirements(table, key.get_ref());
            let extra = match ExtraName::parse(key.get_ref()) {
                Ok(extra) => extra,
                Err(error) => {
                    self.reader.error(codes::INVALID_VALUE, error.to_string(), key.span());
                    continue;
                }
            };
            if extras.contains_key(&extra) {
                let message = format!("the extra `{extra}` is here twice, in two spellings");
                self.reader.error(codes::DUPLICATE_CONFLICT, message, key.span());
            }
            extras.entry(extra).or_default().extend(listed);
        }
        extras
    }

    fn groups(&mut self, root: Table<'a>) -> BTreeMap<String, Group> {
        let mut groups = BTreeMap::new();
        let title = "[dependency-groups]";
        let Some(table) = self.reader.table(root, "dependency-groups", title) else {
            return groups;
        };
        for (key, value) in table.table {
            let written: &str = key.get_ref();
            let items = self.list(written, value);
            let items = items.into_iter().filter_map(|item| self.group_item(written, item));
            let group = Group { name: written.to_owned(), items: items.collect() };
            if let Some(other) = groups.insert(name::normalize(written), group) {
                let message = format!("the group `{written}` is here already, as `{}`", other.name);
                self.reader.error(codes::DUPLICATE_CONFLICT, message, key.span());
            }
        }
        groups
    }

    fn group_item(&mut self, group: &str, item: Item<'a>) -> Option<GroupItem> {
        let Some(table) = item.get_ref().as_table() else {
            return self.requirement(group, item).map(GroupItem::Requirement);
        };
        let table = Table::new(table, "an item of a group", item.span());
        self.reader.only(table, &["include-group"]);
        let hint = "write { include-group = \"…\" }";
        let text = self.reader.required(table, "include-group", hint)?;
        let place = self.reader.place(text.span.clone());
        Some(GroupItem::Include(name::normalize(text.value), place))
    }

    /// A list of requirements.
    fn requirements(&mut self, table: Table<'a>, key: &str) -> Vec<Listed> {
        let Some(item) = table.table.get(key) else { return Vec::new() };
        let items = self.list(key, item);
        items.into_iter().filter_map(|item| self.requirement(key, item)).collect()
    }

    fn requirement(&mut self, key: &str, item: Item<'a>) -> Option<Listed> {
        let text = self.reader.expect_text(key, item)?;
        match Requirement::parse(text.value) {
            Ok(requirement) => {
                let place = self.reader.place(text.span);
                Some(Listed { requirement, place })
            }
            Err(error) => {
                let span = self.inside(&text, error.span);
                self.reader.error(codes::INVALID_VALUE, error.message, span);
                None
            }
        }
    }

    /// A list of texts, in which one may stand twice.
    fn texts(&mut self, table: Table<'a>, key: &str) -> Vec<At<&'a str>> {
        let Some(item) = table.table.get(key) else { return Vec::new() };
        let items = self.list(key, item);
        items.into_iter().filter_map(|item| self.reader.expect_text(key, item)).collect()
    }

    fn list(&mut self, key: &str, item: Item<'a>) -> Vec<Item<'a>> {
        if let Some(items) = item.get_ref().as_array() {
            return items.iter().collect();
        }
        self.reader.wrong_type(key, "a list", item, None);
        Vec::new()
    }

    /// Where a part of a text stands in the file, if the text has no escapes.
    fn inside(&self, text: &At<&str>, span: Range<usize>) -> Range<usize> {
        let raw = self.source.text().get(text.span.clone()).unwrap_or_default();
        let plain = raw.len() == text.value.len() + 2 && raw[1..].starts_with(text.value);
        if plain {
            let start = text.span.start + 1;
            start + span.start..start + span.end
        } else {
            text.span.clone()
        }
    }

    /// Tells that something is seen and not followed.
    fn not_followed(&mut self, what: &str, span: Range<usize>) {
        let place = self.reader.place(span);
        self.notes.push(format!("{place}: {what} is not followed"));
    }
}

impl Pyproject {
    /// The extras that were chosen and exist.
    pub(super) fn chosen_extras(&self, chosen: &Chosen<ExtraName>) -> BTreeSet<ExtraName> {
        match chosen {
            Chosen::All => self.extras.keys().cloned().collect(),
            Chosen::Named(names) => {
                names.iter().filter(|name| self.extras.contains_key(*name)).cloned().collect()
            }
        }
    }

    /// The groups that were chosen and exist, by normalised name.
    pub(super) fn chosen_groups(&self, chosen: &Chosen<String>, default: bool) -> BTreeSet<String> {
        let all = self.all_groups();
        let mut groups: BTreeSet<String> = match chosen {
            Chosen::All => all,
            Chosen::Named(names) => {
                let names = names.iter().map(|group| name::normalize(group));
                names.filter(|group| all.contains(group)).collect()
            }
        };
        if default {
            groups.extend(self.uv.default_groups.iter().cloned());
        }
        groups
    }

    /// The groups that there are, by normalised name.
    pub(super) fn all_groups(&self) -> BTreeSet<String> {
        let dev = (!self.uv.dev.is_empty()).then(|| "dev".to_owned());
        self.groups.keys().cloned().chain(dev).collect()
    }
}
