//! The small files of an artifact, and what they say.

use countermark_audit::fact::Inside;
use serde::Deserialize;

use super::InsideError;

/// The small files, by their paths in the artifact.
#[derive(Debug, Default)]
pub(super) struct Saying {
    /// `METADATA` or `PKG-INFO`.
    pub(super) metadata: Option<(String, Vec<u8>)>,
    /// `pbr.json`.
    pub(super) pbr: Option<(String, Vec<u8>)>,
    /// `direct_url.json`.
    pub(super) direct_url: Option<(String, Vec<u8>)>,
}

/// What pbr writes, as far as it is needed.
#[derive(Deserialize)]
struct Pbr {
    #[serde(default)]
    git_version: Option<String>,
}

/// PEP 610, as far as it is needed.
#[derive(Deserialize)]
struct DirectUrl {
    #[serde(default)]
    vcs_info: Option<VcsInfo>,
}

#[derive(Deserialize)]
struct VcsInfo {
    #[serde(default)]
    commit_id: Option<String>,
}

/// Puts what they say into the facts. What was read before a fault stays there.
pub(super) fn read(
    filename: &str,
    saying: &Saying,
    inside: &mut Inside,
) -> Result<(), InsideError> {
    if let Some((path, bytes)) = &saying.metadata {
        inside.name = field(filename, path, bytes, "Name")?;
        inside.version = field(filename, path, bytes, "Version")?;
    }
    let pbr = saying.pbr.as_ref().map(|(path, bytes)| {
        let said: Pbr = parse(filename, path, bytes)?;
        commit(filename, path, said.git_version)
    });
    let direct = saying.direct_url.as_ref().map(|(path, bytes)| {
        let said: DirectUrl = parse(filename, path, bytes)?;
        commit(filename, path, said.vcs_info.and_then(|info| info.commit_id))
    });
    let pbr = pbr.transpose()?.flatten();
    let direct = direct.transpose()?.flatten();
    if let (Some(one), Some(other)) = (&pbr, &direct)
        && !one.starts_with(other.as_str())
        && !other.starts_with(one.as_str())
    {
        let reason = format!("it names the commits {one} and {other}");
        return Err(InsideError::Contradiction { filename: filename.to_owned(), reason });
    }
    let path = |file: &Option<(String, Vec<u8>)>| file.as_ref().map(|(path, _)| path.clone());
    (inside.commit, inside.commit_from) = match (pbr, direct) {
        // The longer name of the same commit says more.
        (Some(one), Some(other)) if other.len() > one.len() => {
            (Some(other), path(&saying.direct_url))
        }
        (Some(one), _) => (Some(one), path(&saying.pbr)),
        (None, Some(other)) => (Some(other), path(&saying.direct_url)),
        (None, None) => (None, None),
    };
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(
    filename: &str,
    path: &str,
    bytes: &'a [u8],
) -> Result<T, InsideError> {
    serde_json::from_slice(bytes).map_err(|error| saying(filename, path, error.to_string()))
}

fn saying(filename: &str, path: &str, reason: String) -> InsideError {
    InsideError::Saying { filename: filename.to_owned(), path: path.to_owned(), reason }
}

/// Hexadecimal, whole or abbreviated; empty where the builder knew none.
fn commit(filename: &str, path: &str, text: Option<String>) -> Result<Option<String>, InsideError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(text.to_ascii_lowercase()));
    }
    let shown: String = text.chars().take(80).collect();
    Err(saying(filename, path, format!("`{shown}` is not the name of a git commit")))
}

/// The one value of a header field. Not the strict reader of what is installed: old metadata breaks
/// many rules, and what is asked for here stands at its beginning. Several values are a fault.
fn field(
    filename: &str,
    path: &str,
    bytes: &[u8],
    name: &str,
) -> Result<Option<String>, InsideError> {
    let mut found: Option<String> = None;
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    for line in lines.take_while(|line| !line.is_empty()) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        if !line[..colon].eq_ignore_ascii_case(name.as_bytes()) {
            continue;
        }
        let value = std::str::from_utf8(line[colon + 1..].trim_ascii())
            .map_err(|_| saying(filename, path, format!("`{name}` is not utf-8")))?;
        if value.len() > 255 || value.chars().any(char::is_control) {
            return Err(saying(filename, path, format!("`{name}` is no text of one line")));
        }
        match &found {
            Some(first) if first != value => {
                let reason = format!("{name} is `{first}` and `{value}` in `{path}`");
                return Err(InsideError::Contradiction { filename: filename.to_owned(), reason });
            }
            _ => found = Some(value.to_owned()),
        }
    }
    Ok(found)
}
