//! What of `tool.uv` changes which requirements there are.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::lock::{Place, codes};
use countermark_packaging::name::{self, ProjectName};
use countermark_packaging::table::{Item, Table};

use super::{Group, Listed, Parser};
use crate::input::Told;
use crate::request::{Prereleases, Strategy};

/// `tool.uv`.
#[derive(Default)]
pub(in crate::input) struct Uv {
    /// `workspace`, with its place.
    pub(in crate::input) workspace: Option<Workspace>,
    pub(in crate::input) sources: BTreeMap<ProjectName, (ProjectSource, Place)>,
    pub(in crate::input) overrides: Vec<Listed>,
    pub(in crate::input) constraints: Vec<Listed>,
    pub(in crate::input) excludes: BTreeSet<ProjectName>,
    /// By normalised name.
    pub(in crate::input) default_groups: BTreeSet<String>,
    /// `dev-dependencies`, which stands for the group `dev` in older projects.
    pub(in crate::input) dev: Vec<Listed>,
    pub(in crate::input) told: Told,
    /// Where something stands that holds for a whole workspace.
    pub(in crate::input) workspace_wide: Vec<Place>,
}

/// `tool.uv.workspace`.
pub(in crate::input) struct Workspace {
    pub(in crate::input) members: Vec<(String, Place)>,
    pub(in crate::input) exclude: Vec<String>,
}

/// Where `tool.uv.sources` takes a project from.
pub(in crate::input) enum ProjectSource {
    Workspace,
    Url(String),
    Path(String),
    Index(String),
}

/// Keys that the settings read, and those that change nothing of which requirements there are.
const OF_OTHERS: [&str; 36] = [
    "index",
    "index-url",
    "extra-index-url",
    "default-index",
    "find-links",
    "no-index",
    "index-strategy",
    "keyring-provider",
    "allow-insecure-host",
    "system-certs",
    "native-tls",
    "offline",
    "cache-dir",
    "cache-keys",
    "no-cache",
    "check-url",
    "publish-url",
    "trusted-publishing",
    "compile-bytecode",
    "concurrent-builds",
    "concurrent-downloads",
    "concurrent-installs",
    "http-proxy",
    "https-proxy",
    "link-mode",
    "no-proxy",
    "package",
    "managed",
    "build-backend",
    "preview",
    "preview-features",
    "python-downloads",
    "python-install-mirror",
    "python-preference",
    "reinstall",
    "required-version",
];

/// Keys that are read here.
const FOLLOWED: [&str; 11] = [
    "workspace",
    "sources",
    "override-dependencies",
    "constraint-dependencies",
    "exclude-dependencies",
    "default-groups",
    "dev-dependencies",
    "prerelease",
    "resolution",
    "exclude-newer",
    "exclude-newer-package",
];

pub(super) fn read<'a>(
    parser: &mut Parser<'a>,
    tool: Option<Table<'a>>,
    groups: &BTreeMap<String, Group>,
) -> Uv {
    let mut uv = Uv::default();
    let table = tool.and_then(|tool| parser.reader.table(tool, "uv", "[tool.uv]"));
    let Some(table) = table else {
        uv.default_groups = existing_dev(groups);
        return uv;
    };
    for key in table.table.keys() {
        let text: &str = key.get_ref();
        if !FOLLOWED.contains(&text) && !OF_OTHERS.contains(&text) {
            parser.not_followed(&format!("`tool.uv.{text}`"), key.span());
        }
        if matches!(
            text,
            "override-dependencies" | "constraint-dependencies" | "exclude-dependencies"
        ) || matches!(text, "prerelease" | "resolution" | "exclude-newer")
        {
            uv.workspace_wide.push(parser.reader.place(key.span()));
        }
    }
    uv.workspace = read_workspace(parser, table);
    uv.sources = read_sources(parser, table);
    uv.overrides = parser.requirements(table, "override-dependencies");
    uv.constraints = parser.requirements(table, "constraint-dependencies");
    uv.dev = parser.requirements(table, "dev-dependencies");
    for text in parser.texts(table, "exclude-dependencies") {
        uv.excludes.extend(parser.reader.name(&text));
    }
    uv.default_groups = read_default_groups(parser, table, groups, !uv.dev.is_empty());
    uv.told = read_told(parser, table);
    uv
}

/// The default of `default-groups`: `dev`, if there is such a group.
fn existing_dev(groups: &BTreeMap<String, Group>) -> BTreeSet<String> {
    groups.keys().filter(|group| *group == "dev").cloned().collect()
}

fn read_default_groups<'a>(
    parser: &mut Parser<'a>,
    table: Table<'a>,
    groups: &BTreeMap<String, Group>,
    has_dev: bool,
) -> BTreeSet<String> {
    let Some(item) = table.table.get("default-groups") else {
        let mut default = existing_dev(groups);
        default.extend(has_dev.then(|| "dev".to_owned()));
        return default;
    };
    if item.get_ref().as_str() == Some("all") {
        return groups.keys().cloned().collect();
    }
    let mut default = BTreeSet::new();
    for text in parser.texts(table, "default-groups") {
        let group = name::normalize(text.value);
        if groups.contains_key(&group) || (has_dev && group == "dev") {
            default.insert(group);
        } else {
            let message = format!("there is no dependency group `{}`", text.value);
            parser.reader.error(codes::UNKNOWN_SELECTION, message, text.span);
        }
    }
    default
}

fn read_workspace<'a>(parser: &mut Parser<'a>, table: Table<'a>) -> Option<Workspace> {
    let workspace = parser.reader.table(table, "workspace", "[tool.uv.workspace]")?;
    let members = parser.texts(workspace, "members");
    let members = members
        .into_iter()
        .map(|text| (text.value.to_owned(), parser.reader.place(text.span)))
        .collect();
    let exclude = parser.texts(workspace, "exclude");
    let exclude = exclude.into_iter().map(|text| text.value.to_owned()).collect();
    Some(Workspace { members, exclude })
}

fn read_sources<'a>(
    parser: &mut Parser<'a>,
    table: Table<'a>,
) -> BTreeMap<ProjectName, (ProjectSource, Place)> {
    let mut sources = BTreeMap::new();
    let Some(table) = parser.reader.table(table, "sources", "[tool.uv.sources]") else {
        return sources;
    };
    for (key, item) in table.table {
        let project = match ProjectName::parse(key.get_ref()) {
            Ok(project) => project,
            Err(error) => {
                parser.reader.error(codes::INVALID_VALUE, error.to_string(), key.span());
                continue;
            }
        };
        // Several sources, each for other markers; one of them is the same as none around it.
        let item = match item.get_ref().as_array() {
            None => item,
            Some(items) => match items.iter().collect::<Vec<_>>()[..] {
                [single] => single,
                _ => {
                    let message = format!("several sources of `{project}` are not supported");
                    parser.reader.error(codes::INVALID_VALUE, message, item.span());
                    continue;
                }
            },
        };
        let place = parser.reader.place(key.span());
        if let Some(source) = read_source(parser, &project, item)
            && sources.insert(project.clone(), (source, place)).is_some()
        {
            let message = format!("the source of `{project}` is here twice");
            parser.reader.error(codes::DUPLICATE_CONFLICT, message, key.span());
        }
    }
    sources
}

fn read_source<'a>(
    parser: &mut Parser<'a>,
    project: &ProjectName,
    item: Item<'a>,
) -> Option<ProjectSource> {
    let title = "a source in [tool.uv.sources]";
    let table = parser.reader.expect_table(project.as_str(), item, title)?;
    for key in ["marker", "extra", "group"] {
        if table.has(key) {
            let message = format!("a source of `{project}` with `{key}` is not supported");
            parser.reader.error(codes::INVALID_VALUE, message, item.span());
            return None;
        }
    }
    if table.has("git") {
        let message = format!(
            "`{project}` comes from a version control system, whose contents no \
                               digest pins"
        );
        parser.reader.error(codes::VCS, message, item.span());
        return None;
    }
    if let Some(item) = table.table.get("workspace") {
        if item.get_ref().as_bool() == Some(true) {
            return Some(ProjectSource::Workspace);
        }
        let message = "`workspace` can only be true".to_owned();
        parser.reader.error(codes::INVALID_VALUE, message, item.span());
        return None;
    }
    for (key, make) in [
        ("url", ProjectSource::Url as fn(String) -> ProjectSource),
        ("path", ProjectSource::Path),
        ("index", ProjectSource::Index),
    ] {
        if table.has(key) {
            return parser.reader.owned(table, key).map(make);
        }
    }
    let message = format!(
        "the source of `{project}` has none of `workspace`, `url`, `path`, \
                           `index`"
    );
    parser.reader.error(codes::MISSING_KEY, message, item.span());
    None
}

fn read_told<'a>(parser: &mut Parser<'a>, table: Table<'a>) -> Told {
    let prereleases = [
        ("disallow", Prereleases::Disallow),
        ("allow", Prereleases::Allow),
        ("if-necessary", Prereleases::IfNecessary),
        ("explicit", Prereleases::Explicit),
        ("if-necessary-or-explicit", Prereleases::IfNecessaryOrExplicit),
    ];
    let strategies = [
        ("highest", Strategy::Highest),
        ("lowest", Strategy::Lowest),
        ("lowest-direct", Strategy::LowestDirect),
    ];
    let prerelease = parser.reader.text(table, "prerelease");
    let resolution = parser.reader.text(table, "resolution");
    let newer = table.table.get("exclude-newer");
    let mut told = Told {
        prereleases: prerelease
            .and_then(|text| parser.reader.word(&text, "a way with prereleases", &prereleases)),
        strategy: resolution
            .and_then(|text| parser.reader.word(&text, "a way to resolve", &strategies)),
        exclude_newer: newer.and_then(|item| {
            let text = parser.reader.setting("exclude-newer", item)?;
            Some((text, parser.reader.place(item.span())))
        }),
        ..Told::default()
    };
    let title = "[tool.uv.exclude-newer-package]";
    let Some(table) = parser.reader.table(table, "exclude-newer-package", title) else {
        return told;
    };
    for (key, item) in table.table {
        let Ok(project) = ProjectName::parse(key.get_ref()) else {
            let message = format!("`{}` is no name of a project", key.get_ref());
            parser.reader.error(codes::INVALID_VALUE, message, key.span());
            continue;
        };
        let place = parser.reader.place(item.span());
        if item.get_ref().as_bool() == Some(false) {
            told.exclude_newer_package.insert(project, (None, place));
        } else if let Some(text) = parser.reader.setting(key.get_ref(), item) {
            told.exclude_newer_package.insert(project, (Some(text), place));
        }
    }
    told
}
