//! Names of files that may be written: inside their folder, on every system, and each in a place
//! of its own.
//!
//! A wheel that is pure is installed everywhere, so the rules are those of the strictest file
//! system: what Windows or macOS would rename, fold or refuse is refused here too.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use unicode_normalization::UnicodeNormalization as _;

use super::Limits;

/// The longest component that common file systems keep.
const MAX_COMPONENT_BYTES: usize = 255;

/// A name that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Begins with a slash.
    #[error("`{path}` is an absolute path")]
    Absolute {
        /// The name as written, like in every variant.
        path: String,
    },
    /// A component `..`, which leaves the folder, or `.`, which names it a second time.
    #[error("`{path}` has a component `.` or `..`")]
    Dots {
        /// The name.
        path: String,
    },
    /// Nothing before, between or after slashes.
    #[error("`{path}` has an empty component")]
    EmptyComponent {
        /// The name.
        path: String,
    },
    /// A backslash: a separator on some systems and a letter on others.
    #[error("`{path}` has a backslash")]
    Backslash {
        /// The name.
        path: String,
    },
    /// NUL, a control character, or one that turns the direction of writing.
    #[error("`{path}` has a control character")]
    Control {
        /// The name, with escapes.
        path: String,
    },
    /// A colon: a drive or an alternate stream on Windows.
    #[error("`{path}` has a colon")]
    Colon {
        /// The name.
        path: String,
    },
    /// A device on Windows, whatever its extension.
    #[error("`{path}` has a component that is a device on Windows")]
    Reserved {
        /// The name.
        path: String,
    },
    /// Windows drops a dot or space at the end of a component.
    #[error("`{path}` has a component that ends with a dot or a space")]
    TrailingDot {
        /// The name.
        path: String,
    },
    /// Longer than is sensible.
    #[error("`{path}` is longer than {limit} bytes, or a component of it than 255")]
    TooLong {
        /// The name.
        path: String,
        /// Bytes allowed.
        limit: usize,
    },
    /// More components than are sensible.
    #[error("`{path}` has more than {limit} components")]
    TooDeep {
        /// The name.
        path: String,
        /// Components allowed.
        limit: usize,
    },
    /// Two names that some file system takes for one: they differ in case or in Unicode form, or
    /// two folders of the wheel are installed into one.
    #[error("`{path}` and `{other}` can be the same file")]
    Collision {
        /// The later one.
        path: String,
        /// The earlier one.
        other: String,
    },
    /// A file whose name is also that of a folder.
    #[error("`{path}` is a file and a folder")]
    FileAndFolder {
        /// The name.
        path: String,
    },
}

impl PathError {
    /// The name of the rejection, unique and never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absolute { .. } => "path-absolute",
            Self::Dots { .. } => "path-dots",
            Self::EmptyComponent { .. } => "path-empty-component",
            Self::Backslash { .. } => "path-backslash",
            Self::Control { .. } => "path-control",
            Self::Colon { .. } => "path-colon",
            Self::Reserved { .. } => "path-reserved",
            Self::TrailingDot { .. } => "path-trailing-dot",
            Self::TooLong { .. } => "path-too-long",
            Self::TooDeep { .. } => "path-too-deep",
            Self::Collision { .. } => "path-collision",
            Self::FileAndFolder { .. } => "path-file-and-folder",
        }
    }
}

/// Checks a name by itself. A directory's may end with one slash.
pub(super) fn check_path(path: &str, limits: &Limits) -> Result<(), PathError> {
    let limit = limits.max_path_bytes;
    if path.len() > limit {
        return Err(PathError::TooLong { path: shown(path), limit });
    }
    if path.chars().any(is_control) {
        return Err(PathError::Control { path: shown(path) });
    }
    if path.contains('\\') {
        return Err(PathError::Backslash { path: path.to_owned() });
    }
    if path.starts_with('/') {
        return Err(PathError::Absolute { path: path.to_owned() });
    }
    let components = path.strip_suffix('/').unwrap_or(path).split('/');
    let mut depth = 0;
    for component in components {
        depth += 1;
        check_component(component, path)?;
    }
    if depth > limits.max_depth {
        return Err(PathError::TooDeep { path: path.to_owned(), limit: limits.max_depth });
    }
    Ok(())
}

/// Checks one component of `path`.
pub(super) fn check_component(component: &str, path: &str) -> Result<(), PathError> {
    let path = || path.to_owned();
    if component.is_empty() {
        return Err(PathError::EmptyComponent { path: path() });
    }
    if component == "." || component == ".." {
        return Err(PathError::Dots { path: path() });
    }
    if component.len() > MAX_COMPONENT_BYTES {
        return Err(PathError::TooLong { path: path(), limit: MAX_COMPONENT_BYTES });
    }
    if component.contains(':') {
        return Err(PathError::Colon { path: path() });
    }
    if component.ends_with(['.', ' ']) {
        return Err(PathError::TrailingDot { path: path() });
    }
    if is_device(component) {
        return Err(PathError::Reserved { path: path() });
    }
    Ok(())
}

/// A name of any length and content, made fit for a message.
pub(super) fn shown(path: &str) -> String {
    let mut shown: String = path.chars().take(120).flat_map(char::escape_debug).collect();
    if path.chars().nth(120).is_some() {
        shown.push('…');
    }
    shown
}

fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `CON`, `nul.txt`, `Com1.tar.gz`: devices in every folder of Windows.
fn is_device(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let is = |name: &str| stem.eq_ignore_ascii_case(name);
    if ["con", "prn", "aux", "nul", "conin$", "conout$"].iter().any(|name| is(name)) {
        return true;
    }
    let Some((port, number)) = stem.char_indices().nth(3).map(|(at, _)| stem.split_at(at)) else {
        return false;
    };
    let numbered = matches!(number, "¹" | "²" | "³")
        || (number.len() == 1 && number.bytes().all(|digit| digit.is_ascii_digit()));
    numbered && (port.eq_ignore_ascii_case("com") || port.eq_ignore_ascii_case("lpt"))
}

/// What a file system that folds case and Unicode forms, and ignores what cannot be seen, may
/// take for the name.
pub(super) fn fold(path: &str) -> String {
    if path.is_ascii() {
        return path.to_ascii_lowercase();
    }
    // Upper case first: it has foldings that lower case alone has not (`ß` and `SS`).
    path.nfkd()
        .filter(|character| !is_invisible(*character))
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkd()
        .collect()
}

/// The default-ignorable characters of Unicode, which HFS+ ignores in names.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The files and folders that would be written into one folder. A tree by components, so that it
/// takes no more memory than the names do, however deep they are.
#[derive(Default)]
pub(super) struct Namespace {
    /// By the number of the folder they are in and their folded name.
    places: HashMap<(u32, String), Place>,
    /// The folder that was entered last, and its number: neighbours in an archive mostly share
    /// theirs.
    last: (String, u32),
}

struct Place {
    spelling: String,
    /// Its own number, from 1 on, if it is a folder. The outermost folder is 0.
    folder: Option<u32>,
}

impl Namespace {
    /// Takes the place of a file. Returns an error when it is taken, or is a folder's.
    pub(super) fn insert_file(&mut self, path: &str) -> Result<(), PathError> {
        let (parent, name) = match path.rsplit_once('/') {
            Some((folder, name)) => (self.enter(folder)?, name),
            None => (0, path),
        };
        match self.places.entry((parent, fold(name))) {
            Entry::Vacant(place) => {
                place.insert(Place { spelling: name.to_owned(), folder: None });
                Ok(())
            }
            Entry::Occupied(place) if place.get().folder.is_some() => {
                Err(PathError::FileAndFolder { path: path.to_owned() })
            }
            Entry::Occupied(place) => Err(collision(path, place.get())),
        }
    }

    /// Takes the places of a folder and of those it is in. Folders may come many times, in one
    /// spelling.
    pub(super) fn insert_folder(&mut self, path: &str) -> Result<(), PathError> {
        self.enter(path).map(|_| ())
    }

    fn enter(&mut self, path: &str) -> Result<u32, PathError> {
        if path == self.last.0 {
            return Ok(self.last.1);
        }
        let mut parent = 0;
        let mut end = 0;
        for name in path.split('/') {
            end += name.len();
            let new = self.places.len() as u32 + 1;
            match self.places.entry((parent, fold(name))) {
                Entry::Vacant(place) => {
                    place.insert(Place { spelling: name.to_owned(), folder: Some(new) });
                    parent = new;
                }
                Entry::Occupied(place) => match place.get().folder {
                    None => {
                        return Err(PathError::FileAndFolder { path: path[..end].to_owned() });
                    }
                    Some(_) if place.get().spelling != name => {
                        return Err(collision(&path[..end], place.get()));
                    }
                    Some(number) => parent = number,
                },
            }
            end += 1;
        }
        self.last = (path.to_owned(), parent);
        Ok(parent)
    }
}

/// Both names in full: the folders that they are in are one, in one spelling.
fn collision(path: &str, place: &Place) -> PathError {
    let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    PathError::Collision { path: path.to_owned(), other: folder + &place.spelling }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_themselves() {
        let limits = Limits::default();
        let check = |path: &str, expect: &str| {
            let code = check_path(path, &limits).map_or_else(|error| error.code(), |()| "fine");
            assert_eq!(code, expect, "{path:?}");
        };
        for fine in [
            "a",
            "a/b.py",
            "a/",
            "...a",
            "a/.hidden",
            " a",
            "a b",
            "naïve/ñ.py",
            "con_",
            "cons.py",
            "com/x",
            "com10",
            "lpt",
            "auxiliary.py",
            "日本語.txt",
            "a~1",
            "COM¼",
            "comé",
        ] {
            check(fine, "fine");
        }
        for (path, expect) in [
            ("", "path-empty-component"),
            ("/", "path-absolute"),
            ("/etc/passwd", "path-absolute"),
            ("//host/share", "path-absolute"),
            ("..", "path-dots"),
            ("../x", "path-dots"),
            ("a/../b", "path-dots"),
            ("a/..", "path-dots"),
            ("./a", "path-dots"),
            ("a/./b", "path-dots"),
            ("a//b", "path-empty-component"),
            ("a//", "path-empty-component"),
            ("a\\b", "path-backslash"),
            ("..\\b", "path-backslash"),
            ("C:/x", "path-colon"),
            ("c:x", "path-colon"),
            ("a.py:stream", "path-colon"),
            ("a\0", "path-control"),
            ("a\nb", "path-control"),
            ("a\u{7f}", "path-control"),
            ("a\u{85}", "path-control"),
            ("a\u{202e}yp.exe", "path-control"),
            ("NUL", "path-reserved"),
            ("a/con.py", "path-reserved"),
            ("aux.tar.gz", "path-reserved"),
            ("com1", "path-reserved"),
            ("LPT9.txt", "path-reserved"),
            ("com²", "path-reserved"),
            ("nul .txt", "path-reserved"),
            ("conin$", "path-reserved"),
            ("a.", "path-trailing-dot"),
            ("a /b", "path-trailing-dot"),
            (". ", "path-trailing-dot"),
        ] {
            check(path, expect);
        }
        check(&"a/".repeat(64), "fine");
        check(&"a/".repeat(65), "path-too-deep");
        check(&"a".repeat(255), "fine");
        check(&"a".repeat(256), "path-too-long");
        check(&"ab/".repeat(400), "path-too-long");
    }

    #[test]
    fn names_together() {
        let check = |paths: &[&str], expect: &str| {
            let mut namespace = Namespace::default();
            let result = paths.iter().try_for_each(|path| match path.strip_suffix('/') {
                Some(folder) => namespace.insert_folder(folder),
                None => namespace.insert_file(path),
            });
            let code = result.map_or_else(|error| error.code(), |()| "fine");
            assert_eq!(code, expect, "{paths:?}");
        };
        check(&["a/b", "a/c", "a/", "b/a/x", "a/d", "b/", "B.py"], "fine");
        check(&["a", "a"], "path-collision");
        check(&["a/b", "a/B"], "path-collision");
        check(&["a/x", "A/y"], "path-collision");
        check(&["a/x", "b/y", "A/"], "path-collision");
        check(&["é", "e\u{301}"], "path-collision");
        check(&["ﬁ.py", "fi.py"], "path-collision");
        check(&["straße", "STRASSE"], "path-collision");
        check(&["ı", "I"], "path-collision");
        check(&["\u{212a}", "k"], "path-collision");
        check(&["a\u{200c}b", "ab"], "path-collision");
        check(&["σ", "ς"], "path-collision");
        check(&["a", "a/b"], "path-file-and-folder");
        check(&["a/b", "a"], "path-file-and-folder");
        check(&["a/b/c", "A"], "path-file-and-folder");
        check(&["a/b", "a/b/"], "path-file-and-folder");
        check(&["a/", "a"], "path-file-and-folder");
    }

    #[test]
    fn both_names_are_told() {
        let mut namespace = Namespace::default();
        namespace.insert_file("a/b/c.py").unwrap();
        let expect = |path: &str, other: &str| PathError::Collision {
            path: path.to_owned(),
            other: other.to_owned(),
        };
        assert_eq!(namespace.insert_file("a/b/C.py"), Err(expect("a/b/C.py", "a/b/c.py")));
        assert_eq!(namespace.insert_file("a/B/d.py"), Err(expect("a/B", "a/b")));
        assert_eq!(namespace.insert_folder("A"), Err(expect("A", "a")));
    }
}
