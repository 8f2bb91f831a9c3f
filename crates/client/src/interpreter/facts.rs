//! What an interpreter says about itself: the answer of `query.py`, checked for sense.
//!
//! The answer is trusted as far as the interpreter is, which the user chose. A cached answer is
//! trusted as far as its file is; that is why both pass the same checks.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Stands for a prefix that is not known yet, as in `query.py`.
const PREFIX: &str = "/@prefix@";

/// The frozen form of the answer; also what the cache keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    pub(crate) version: (u32, u32, u32, String, u32),
    pub(crate) implementation: String,
    pub(crate) markers: Markers,
    pub(crate) platform: String,
    pub(crate) macos_version: String,
    pub(crate) is_64bit: bool,
    /// `glibc 2.36` or `musl 1.2`.
    pub(crate) libc: Option<String>,
    pub(crate) ext_suffix: Option<String>,
    pub(crate) version_nodot: Option<String>,
    pub(crate) is_debug: bool,
    pub(crate) is_free_threaded: bool,
    pub(crate) cache_tag: Option<String>,
    pub(crate) magic: String,
    pub(crate) executable: PathBuf,
    pub(crate) prefix: PathBuf,
    pub(crate) stdlib: PathBuf,
    pub(crate) own: Paths,
    pub(crate) of_venv: Paths,
    pub(crate) of_prefix: Paths,
    /// When one of these changes, the answer may be another one.
    pub(crate) files: Vec<PathBuf>,
}

/// The marker variables (dependency specifiers, "Environment Markers").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Markers {
    pub(crate) implementation_name: String,
    pub(crate) implementation_version: String,
    pub(crate) os_name: String,
    pub(crate) platform_machine: String,
    pub(crate) platform_python_implementation: String,
    pub(crate) platform_release: String,
    pub(crate) platform_system: String,
    pub(crate) platform_version: String,
    pub(crate) python_full_version: String,
    pub(crate) python_version: String,
    pub(crate) sys_platform: String,
}

/// The folders of a scheme; `headers` without the project's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paths {
    pub(crate) purelib: PathBuf,
    pub(crate) platlib: PathBuf,
    pub(crate) scripts: PathBuf,
    pub(crate) headers: PathBuf,
    pub(crate) data: PathBuf,
}

impl Paths {
    /// The same with a real prefix in the place of the unknown one.
    pub(crate) fn below(&self, prefix: &Path) -> Self {
        let place = |path: &Path| match path.strip_prefix(PREFIX) {
            Ok(rest) if rest.as_os_str().is_empty() => prefix.to_owned(),
            Ok(rest) => prefix.join(rest),
            Err(_) => path.to_owned(),
        };
        Self {
            purelib: place(&self.purelib),
            platlib: place(&self.platlib),
            scripts: place(&self.scripts),
            headers: place(&self.headers),
            data: place(&self.data),
        }
    }

    fn all(&self) -> [&Path; 5] {
        [&self.purelib, &self.platlib, &self.scripts, &self.headers, &self.data]
    }
}

/// The answer of an interpreter that is older than what we support.
#[derive(Deserialize)]
struct TooOld {
    too_old: String,
}

/// Why an answer is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not the JSON that was asked for.
    #[error("the answer cannot be read: {0}")]
    Json(String),
    /// Older than 3.8.
    #[error("version {0} is not supported")]
    TooOld(String),
    /// A value that no interpreter has.
    #[error("the answer makes no sense: `{field}` is `{value}`")]
    Nonsense {
        /// The name of the value.
        field: &'static str,
        /// What was said.
        value: String,
    },
}

/// Reads what `query.py` printed.
///
/// # Errors
/// [`AnswerError`].
pub(crate) fn parse_answer(bytes: &[u8]) -> Result<Facts, AnswerError> {
    if let Ok(TooOld { too_old }) = serde_json::from_slice(bytes) {
        return Err(AnswerError::TooOld(too_old));
    }
    let facts =
        serde_json::from_slice(bytes).map_err(|error| AnswerError::Json(error.to_string()))?;
    check_sense(&facts)?;
    Ok(facts)
}

/// Refuses facts that would make us write into a strange place or compute strange names.
///
/// # Errors
/// [`AnswerError::Nonsense`].
pub(crate) fn check_sense(facts: &Facts) -> Result<(), AnswerError> {
    let nonsense =
        |field, value: &str| Err(AnswerError::Nonsense { field, value: value.to_owned() });
    if facts.version.0 != 3 || facts.version.1 < 8 {
        return Err(AnswerError::TooOld(format!("{}.{}", facts.version.0, facts.version.1)));
    }
    let is_word = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    for (field, text) in [
        ("implementation", Some(facts.implementation.as_str())),
        ("platform", Some(facts.platform.as_str())),
        ("cache_tag", facts.cache_tag.as_deref()),
        ("ext_suffix", facts.ext_suffix.as_deref()),
        ("version_nodot", facts.version_nodot.as_deref()),
    ] {
        if let Some(text) = text
            && !is_word(text)
        {
            return nonsense(field, text);
        }
    }
    if facts.magic.len() != 8 || !facts.magic.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return nonsense("magic", &facts.magic);
    }
    for (field, path) in [
        ("executable", facts.executable.as_path()),
        ("prefix", &facts.prefix),
        ("stdlib", &facts.stdlib),
    ] {
        if !is_plain(path) {
            return nonsense(field, &path.to_string_lossy());
        }
    }
    for paths in [&facts.own, &facts.of_venv, &facts.of_prefix] {
        if let Some(path) = paths.all().into_iter().find(|path| !is_plain(path)) {
            return nonsense("paths", &path.to_string_lossy());
        }
    }
    // `headers` of a venv is the base's until pip's place takes over (`Layout`).
    let unknown = [&facts.of_venv.purelib, &facts.of_venv.platlib, &facts.of_venv.scripts];
    for path in unknown.into_iter().chain(facts.of_prefix.all().map(Path::to_path_buf).iter()) {
        if !path.starts_with(PREFIX) {
            return nonsense("paths below a prefix", &path.to_string_lossy());
        }
    }
    Ok(())
}

/// Absolute, and without a component that leads back.
fn is_plain(path: &Path) -> bool {
    path.is_absolute()
        && path.components().all(|part| !matches!(part, Component::ParentDir))
        && !path.as_os_str().as_encoded_bytes().iter().any(|byte| matches!(byte, 0 | b'\n' | b'\r'))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The facts of an interpreter that does not exist, `/base/bin/python3.11`.
    pub(crate) fn sample() -> Facts {
        let paths = |prefix: &str| Paths {
            purelib: format!("{prefix}/lib/python3.11/site-packages").into(),
            platlib: format!("{prefix}/lib/python3.11/site-packages").into(),
            scripts: format!("{prefix}/bin").into(),
            headers: format!("{prefix}/include/python3.11").into(),
            data: prefix.into(),
        };
        Facts {
            version: (3, 11, 7, "final".into(), 0),
            implementation: "cpython".into(),
            markers: Markers {
                implementation_name: "cpython".into(),
                implementation_version: "3.11.7".into(),
                os_name: "posix".into(),
                platform_machine: "x86_64".into(),
                platform_python_implementation: "CPython".into(),
                platform_release: "6.1".into(),
                platform_system: "Linux".into(),
                platform_version: "#1".into(),
                python_full_version: "3.11.7".into(),
                python_version: "3.11".into(),
                sys_platform: "linux".into(),
            },
            platform: "linux-x86_64".into(),
            macos_version: String::new(),
            is_64bit: true,
            libc: Some("glibc 2.36".into()),
            ext_suffix: Some(".cpython-311-x86_64-linux-gnu.so".into()),
            version_nodot: Some("311".into()),
            is_debug: false,
            is_free_threaded: false,
            cache_tag: Some("cpython-311".into()),
            magic: "a70d0d0a".into(),
            executable: "/base/bin/python3.11".into(),
            prefix: "/base".into(),
            stdlib: "/base/lib/python3.11".into(),
            own: paths("/base"),
            of_venv: Paths { headers: "/base/include/python3.11".into(), ..paths(PREFIX) },
            of_prefix: paths(PREFIX),
            files: vec!["/base/bin/python3.11".into()],
        }
    }

    #[test]
    fn an_answer_is_read_and_its_mutations_are_refused() {
        let text = serde_json::to_string(&sample()).unwrap();
        assert_eq!(parse_answer(text.as_bytes()), Ok(sample()));
        let field = |field| move |error: &AnswerError| matches!(error, AnswerError::Nonsense { field: found, .. } if *found == field);
        type Expect<'a> = &'a dyn Fn(&AnswerError) -> bool;
        let mutations: [(&str, &str, Expect<'_>); 8] = [
            ("[3,11,7", "[3,7,7", &|error| *error == AnswerError::TooOld("3.7".into())),
            ("a70d0d0a", "a70d0d0g", &field("magic")),
            ("\"cpython-311\"", "\"../x\"", &field("cache_tag")),
            ("\"/base/lib/python3.11\"", "\"lib/python3.11\"", &field("stdlib")),
            ("/base/bin/python3.11", "/base\\n/bin/python3.11", &field("executable")),
            ("\"/base/bin\"", "\"/base/../bin\"", &field("paths")),
            ("\"/@prefix@/bin\"", "\"/bin\"", &field("paths below a prefix")),
            ("\"is_64bit\"", "\"other\"", &|error| matches!(error, AnswerError::Json(_))),
        ];
        for (from, to, expect) in mutations {
            assert!(text.contains(from), "{from}");
            let error = parse_answer(text.replace(from, to).as_bytes()).unwrap_err();
            assert!(expect(&error), "{from}: {error:?}");
        }
        let old = parse_answer(b"{\"too_old\": \"3.6\"}");
        assert_eq!(old, Err(AnswerError::TooOld("3.6".into())));
        assert!(matches!(parse_answer(b""), Err(AnswerError::Json(_))));
    }
}
