//! Paths, and the patterns by which a workspace names its members.
//!
//! A pattern is matched part by part: `*` and `?` stay within one part, `**` is any number of
//! parts, and everything else is meant as it stands. Folders that begin with a dot are matched by
//! patterns that write the dot.

/// A path with `.` taken out and `..` carried out, as far as there is something before it.
pub(super) fn normalised(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}

/// A path that is written in a file of this folder.
pub(super) fn joined(folder: &str, path: &str) -> String {
    if path.starts_with('/') || folder.is_empty() {
        normalised(path)
    } else {
        normalised(&format!("{folder}/{path}"))
    }
}

/// The folder of a file.
pub(super) fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => "",
    }
}

/// Whether one part of a path matches one part of a pattern.
pub(super) fn matches_part(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    // The last `*` and what it has taken: going back to it is all that is ever needed.
    let (mut at, mut position, mut star) = (0, 0, None);
    while position < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(&expected) if expected == '?' || expected == name[position] => {
                at += 1;
                position += 1;
            }
            _ => match star {
                Some((before, taken)) => {
                    star = Some((before, taken + 1));
                    at = before + 1;
                    position = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

/// Whether a path matches a pattern.
pub(super) fn matches(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (["**", rest @ ..], _) => {
            matches(rest, path)
                || path
                    .split_first()
                    .is_some_and(|(first, path)| !first.starts_with('.') && matches(pattern, path))
        }
        ([first, pattern @ ..], [name, path @ ..]) => {
            matches_part(first, name) && matches(pattern, path)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined() {
        let check = |folder: &str, path: &str, expect: &str| {
            assert_eq!(joined(folder, path), expect, "{folder} {path}");
        };
        check("", ".", "");
        check("", "./a//b/", "a/b");
        check("a/b", "../c", "a/c");
        check("a", "../../c", "../c");
        check("..", "../c", "../../c");
        check("a", "/x/../../y", "/y");
        assert_eq!((parent("a/b/c"), parent("c"), parent("/c")), ("a/b", "", "/"));
    }

    #[test]
    fn patterns_match_parts() {
        let check = |pattern: &str, path: &str, expect: bool| {
            let pattern: Vec<&str> = pattern.split('/').collect();
            let path: Vec<&str> = path.split('/').collect();
            assert_eq!(matches(&pattern, &path), expect, "{pattern:?} {path:?}");
        };
        check("packages/*", "packages/a", true);
        check("packages/*", "packages/a/b", false);
        check("packages/*", "other/a", false);
        check("packages/*-x", "packages/a-x-x", true);
        check("packages/*-x", "packages/a-x-y", false);
        check("p?c/a", "pac/a", true);
        check("p?c/a", "pc/a", false);
        check("*", ".git", false);
        check(".g*", ".git", true);
        check("**/lib", "a/b/lib", true);
        check("**/lib", "lib", true);
        check("**", ".git/x", false);
        check("a/**", "a/b/c", true);
        check(&"*a".repeat(20), &"a".repeat(60), true);
        check(&format!("{}b", "*a".repeat(20)), &"a".repeat(200), false);
    }
}
