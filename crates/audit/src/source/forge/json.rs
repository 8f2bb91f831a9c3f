//! The JSON of two forges, read into one form.

use countermark_packaging::digest::{Digest, Sha256};
use serde_json::{Map, Value};

/// Most releases that are read from one file.
const MAX_RELEASES: usize = 1_000_000;

/// A release of either forge.
#[derive(Debug)]
pub(super) struct ForgeRelease {
    pub(super) tag: String,
    pub(super) is_draft: bool,
    pub(super) is_prerelease: bool,
    /// When it was published, or else made.
    pub(super) time: Option<String>,
    /// The tag's commit, when the answer has it.
    pub(super) commit: Option<String>,
    /// `owner/name`.
    pub(super) repository: Option<String>,
    pub(super) assets: Vec<Asset>,
}

/// A file of a release.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) name: String,
    pub(super) size: Option<u64>,
    /// `None` when the forge gives none.
    pub(super) sha256: Result<Option<Sha256>, String>,
}

/// Line and column, and what is wrong there.
pub(super) type Broken = ((u32, u32), String);

/// All releases of a file, each or why it cannot be used; and where the JSON itself breaks off.
pub(super) fn parse(bytes: &[u8]) -> (Vec<Result<ForgeRelease, String>>, Option<Broken>) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut releases = Vec::new();
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Value>() {
        match value {
            Ok(value) => add(value, 0, &mut releases),
            Err(error) => {
                let at = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
                let position = (at(error.line()), at(error.column()));
                let message = error.to_string();
                let reason = message.split(" at line ").next().unwrap_or_default();
                return (releases, Some((position, format!("it is no JSON: {reason}"))));
            }
        }
        if releases.len() > MAX_RELEASES {
            let reason = format!("more than {MAX_RELEASES} releases");
            return (releases, Some(((1, 1), reason)));
        }
    }
    if releases.is_empty() && bytes.trim_ascii().is_empty() {
        return (releases, Some(((1, 1), "the file is empty".to_owned())));
    }
    (releases, None)
}

/// A release, a page of releases, or a list of pages.
fn add(value: Value, depth: usize, releases: &mut Vec<Result<ForgeRelease, String>>) {
    match value {
        Value::Array(values) if depth < 2 => {
            values.into_iter().for_each(|value| add(value, depth + 1, releases));
        }
        Value::Object(object) => releases.push(release(&object)),
        other => releases.push(Err(format!("expected an object, found {}", kind(&other)))),
    }
}

fn release(object: &Map<String, Value>) -> Result<ForgeRelease, String> {
    if let (Some(message), None) = (text(object, "message"), object.get("tag_name")) {
        let message: String = message.chars().take(100).collect();
        return Err(format!("the forge answered with an error: {message}"));
    }
    let tag = text(object, "tag_name").ok_or("it has no `tag_name`")?;
    // GitLab has an object of several lists where GitHub has one list.
    match object.get("assets") {
        Some(Value::Object(assets)) => gitlab(object, tag, assets),
        Some(Value::Array(assets)) => github(object, tag, assets),
        None | Some(Value::Null) if object.contains_key("draft") => github(object, tag, &[]),
        None | Some(Value::Null) => gitlab(object, tag, &Map::new()),
        Some(other) => Err(format!("`assets` is {}, expected a list", kind(other))),
    }
}

fn github(
    object: &Map<String, Value>,
    tag: &str,
    assets: &[Value],
) -> Result<ForgeRelease, String> {
    // An upload that is under way or failed is no file yet.
    let is_there = |asset: &&Value| {
        asset.get("state").and_then(Value::as_str).is_none_or(|state| state == "uploaded")
    };
    let asset = |asset: &Value| {
        let asset = asset.as_object().ok_or("an asset is no object")?;
        let name = text(asset, "name").ok_or("an asset has no `name`")?.to_owned();
        let size = asset.get("size").and_then(Value::as_u64);
        Ok(Asset { name, size, sha256: digest(text(asset, "digest")) })
    };
    let is_true = |key| object.get(key).and_then(Value::as_bool).unwrap_or(false);
    Ok(ForgeRelease {
        tag: tag.to_owned(),
        is_draft: is_true("draft"),
        is_prerelease: is_true("prerelease"),
        time: text(object, "published_at").or(text(object, "created_at")).map(str::to_owned),
        // The name of a branch stands there more often than a commit, and then it says nothing.
        commit: text(object, "target_commitish").map(str::to_owned),
        repository: text(object, "html_url").and_then(repository),
        assets: assets.iter().filter(is_there).map(asset).collect::<Result<_, &str>>()?,
    })
}

fn gitlab(
    object: &Map<String, Value>,
    tag: &str,
    assets: &Map<String, Value>,
) -> Result<ForgeRelease, String> {
    let links = assets.get("links").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let link = |link: &Value| {
        let link = link.as_object().ok_or("a link is no object")?;
        // People give links any name; the file's own is the last part of where it leads.
        let url = text(link, "direct_asset_url").or(text(link, "url")).unwrap_or_default();
        let last = url.split(['?', '#']).next().unwrap_or_default().rsplit('/').next();
        let name = text(link, "name").unwrap_or_default();
        let is_file = |name: &str| super::release_of_file(name, None).is_some();
        let name = last.filter(|last| is_file(last) && !is_file(name)).unwrap_or(name);
        Ok(Asset { name: name.to_owned(), size: None, sha256: Ok(None) })
    };
    let commit = object.get("commit").and_then(Value::as_object);
    let page = object.get("_links").and_then(Value::as_object).and_then(|it| text(it, "self"));
    Ok(ForgeRelease {
        tag: tag.to_owned(),
        is_draft: object.get("upcoming_release").and_then(Value::as_bool).unwrap_or(false),
        is_prerelease: false,
        time: text(object, "released_at").or(text(object, "created_at")).map(str::to_owned),
        commit: commit.and_then(|commit| text(commit, "id")).map(str::to_owned),
        repository: page.and_then(repository),
        assets: links.iter().map(link).collect::<Result<_, &str>>()?,
    })
}

/// `sha256:…`; another algorithm is no digest that can be compared.
fn digest(text: Option<&str>) -> Result<Option<Sha256>, String> {
    match text {
        None => Ok(None),
        Some(text) => match Digest::parse(text) {
            Ok(digest) => Ok(digest.as_sha256()),
            Err(error) => Err(error.to_string()),
        },
    }
}

/// The part of a release's page that names the repository.
fn repository(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let at = path.find("/-/releases").or_else(|| path.find("/releases"))?;
    let repository = &path[..at];
    (repository.contains('/') && repository.len() <= 200).then(|| repository.to_owned())
}

fn text<'v>(object: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
