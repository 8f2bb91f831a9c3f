//! JSON pages (PEP 691, 700, 714, 740, 792).
//!
//! Keys that the specification does not have are passed over, as it demands; a key that is given
//! twice refuses the page, because two readers could see different files in it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use super::{
    CoreMetadataClaim, File, FileError, MAX_FILES, PageError, ProjectPage, ProjectStatus,
    UnusableFile, check_filename, check_text, parse_api_version, parse_digests, parse_status,
    resolve,
};

#[derive(Deserialize)]
struct RawPage<'a> {
    #[serde(borrow)]
    meta: RawMeta<'a>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    files: Vec<RawFile<'a>>,
    #[serde(default)]
    versions: Option<Vec<String>>,
    #[serde(default, rename = "project-status")]
    project_status: Option<RawStatus>,
}

#[derive(Deserialize)]
struct RawMeta<'a> {
    #[serde(borrow, rename = "api-version")]
    api_version: Cow<'a, str>,
    #[serde(default, rename = "_last-serial")]
    last_serial: Option<Serial>,
}

/// Keys with an underscore are the index's own business (PEP 691), so nothing is refused here.
#[derive(Deserialize)]
#[serde(untagged)]
enum Serial {
    Number(u64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl Serial {
    fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Other(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct RawStatus {
    status: String,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
struct RawFile<'a> {
    filename: String,
    #[serde(borrow)]
    url: Cow<'a, str>,
    hashes: Hashes,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default, rename = "requires-python")]
    requires_python: Option<String>,
    #[serde(default)]
    yanked: Option<FlagOr<String>>,
    #[serde(default, rename = "upload-time")]
    upload_time: Option<String>,
    #[serde(default, rename = "core-metadata")]
    core_metadata: Option<FlagOr<Hashes>>,
    #[serde(default, rename = "dist-info-metadata")]
    dist_info_metadata: Option<FlagOr<Hashes>>,
    #[serde(default)]
    provenance: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FlagOr<T> {
    Flag(bool),
    Value(T),
}

/// Algorithm to hex digest, no algorithm twice.
struct Hashes(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Hashes;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object of digests")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut access: A,
            ) -> Result<Hashes, A::Error> {
                let mut hashes = BTreeMap::new();
                while let Some((name, value)) = access.next_entry::<String, String>()? {
                    if hashes.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("an algorithm is given twice"));
                    }
                }
                Ok(Hashes(hashes))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl Hashes {
    fn digests(&self) -> Result<Vec<crate::digest::Digest>, FileError> {
        parse_digests(self.0.iter().map(|(name, hex)| (name.as_str(), hex.as_str())))
    }
}

/// Reads a JSON page; `base_url` is the URL that it was read from.
///
/// # Errors
/// See [`PageError`].
pub fn parse(bytes: &[u8], base_url: &Url) -> Result<ProjectPage, PageError> {
    let text = std::str::from_utf8(bytes).map_err(|_| PageError::Encoding)?;
    let page: RawPage<'_> =
        serde_json::from_str(text).map_err(|error| version_or_form(text, &error))?;
    let api_version = parse_api_version(&page.meta.api_version)?;
    if page.files.len() > MAX_FILES {
        return Err(PageError::TooManyFiles);
    }
    if page.versions.as_ref().is_some_and(|versions| versions.len() > MAX_FILES) {
        return Err(PageError::TooManyVersions);
    }
    let status = match page.project_status {
        Some(raw) => parse_status(&raw.status, raw.reason)?,
        None => ProjectStatus::default(),
    };
    let mut files = Vec::with_capacity(page.files.len());
    let mut unusable = Vec::new();
    for raw in page.files {
        match file(&raw, base_url) {
            Ok(file) => files.push(file),
            Err(reason) => unusable.push(UnusableFile { filename: raw.filename, reason }),
        }
    }
    Ok(ProjectPage {
        api_version,
        name: Some(page.name.into_owned()),
        status,
        versions: page.versions,
        files,
        unusable,
        last_serial: page.meta.last_serial.as_ref().and_then(Serial::number),
    })
}

/// A page of another major version may have any form; its version is the better message.
fn version_or_form(text: &str, error: &serde_json::Error) -> PageError {
    #[derive(Deserialize)]
    struct OnlyMeta<'a> {
        #[serde(borrow)]
        meta: RawMeta<'a>,
    }
    let version = serde_json::from_str::<OnlyMeta<'_>>(text)
        .ok()
        .and_then(|only| parse_api_version(&only.meta.api_version).err());
    version.unwrap_or_else(|| PageError::Json {
        reason: error.to_string().chars().take(300).collect(),
    })
}

fn file(raw: &RawFile<'_>, base_url: &Url) -> Result<File, FileError> {
    check_filename(&raw.filename)?;
    let (url, _) = resolve(base_url, &raw.url)?;
    let provenance = match &raw.provenance {
        Some(reference) => Some(resolve(base_url, reference)?.0.to_string()),
        None => None,
    };
    // PEP 714: `core-metadata` counts where both are there.
    let metadata = raw.core_metadata.as_ref().or(raw.dist_info_metadata.as_ref());
    let core_metadata = match metadata {
        None | Some(FlagOr::Flag(false)) => CoreMetadataClaim::None,
        Some(FlagOr::Flag(true)) => CoreMetadataClaim::Available { digests: Vec::new() },
        Some(FlagOr::Value(hashes)) => CoreMetadataClaim::Available { digests: hashes.digests()? },
    };
    let yanked = match &raw.yanked {
        None | Some(FlagOr::Flag(false)) => None,
        Some(FlagOr::Flag(true)) => Some(String::new()),
        Some(FlagOr::Value(reason)) => Some(reason.clone()),
    };
    Ok(File {
        filename: raw.filename.clone(),
        url: url.into(),
        digests: raw.hashes.digests()?,
        size: raw.size,
        requires_python: check_text("requires-python", raw.requires_python.clone())?,
        yanked: check_text("yanked", yanked)?,
        upload_time: check_text("upload-time", raw.upload_time.clone())?,
        core_metadata,
        provenance,
    })
}
