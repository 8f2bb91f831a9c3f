//! Where things of a lock are: hosts, indexes, folders.

use url::Url;

/// The host of a URL with its port, in lower case; none of a path or of what is no URL.
#[must_use]
pub fn host_of(url: &str) -> Option<String> {
    if let Some(host) = plain_host(url) {
        return Some(host.to_owned());
    }
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?.to_ascii_lowercase();
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

/// The host of a URL of the usual form, of which nothing has to be decoded: locks have thousands of
/// them.
fn plain_host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    let (host, _) = rest.split_once('/')?;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'.' || byte == b'-';
    // A last label of digits would be an address of four numbers in some disguise.
    let is_name = host.bytes().all(|byte| is_plain(byte) || byte.is_ascii_digit())
        && host.bytes().last().is_some_and(|byte| byte.is_ascii_lowercase())
        && !host.contains("xn--")
        && !host.rsplit('.').next().is_some_and(|label| label.starts_with("0x"));
    is_name.then_some(host)
}

/// Whether a text leads somewhere, rather than being a name that only the lock's own writer knows.
/// Some tools take `https:/host` for an address as well, as browsers do.
#[must_use]
pub(super) fn is_address(text: &str) -> bool {
    text.contains("://") || host_of(text).is_some()
}

/// Whether a text is the address of something on the machine on which it is read.
#[must_use]
pub(super) fn is_local_address(text: &str) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"))
}

/// Whether two texts name the same index: URLs may differ in the slash at their end, the case of the
/// host, a default port, and credentials.
#[must_use]
pub fn is_same_index(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match (comparable(one), comparable(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

fn comparable(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok()?;
    // An address that cannot have them has none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    Some(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether a path as a lock has it stays inside of the project: it was reviewed with it.
#[must_use]
pub(super) fn is_inside(path: &str) -> bool {
    let path = path.strip_prefix("file:").unwrap_or(path);
    // What a variable stands for is another thing on each machine.
    if path.starts_with(['/', '\\', '~'])
        || path.contains("${")
        || path.get(1..2) == Some(":")
        || path.contains("://")
    {
        return false;
    }
    let mut depth = 0_i32;
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return false;
        }
    }
    true
}

/// The name of a file of a lock: the one that it gives, or the last part of the URL.
#[must_use]
pub(crate) fn file_name(name: Option<&str>, url: Option<&str>) -> Option<String> {
    if let Some(name) = name {
        return Some(name.to_owned());
    }
    let url = url?;
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit(['/', '\\']).next().filter(|last| !last.is_empty())?;
    Some(decoded(last))
}

/// Without `%2B` and the like; what is no escape stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = (byte == b'%').then(|| after.get(..2)).flatten();
        let value = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(value) = value {
            bytes.push(value);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let check =
            |url, expect: Option<&str>| assert_eq!(host_of(url).as_deref(), expect, "{url}");
        check("https://Files.Example.ORG/a/b.whl", Some("files.example.org"));
        check("http://127.0.0.1:8080/x", Some("127.0.0.1:8080"));
        check("https://a:b@example.org:443/x", Some("example.org"));
        check("https://files.example.org/a/b.whl", Some("files.example.org"));
        check("https://1.0x1f/", Some("1.0.0.31"));
        check("https://127.1/", Some("127.0.0.1"));
        check("../a.whl", None);
        check("file:///a.whl", None);
    }

    #[test]
    fn indexes() {
        let check = |one, other, same| assert_eq!(is_same_index(one, other), same, "{one} {other}");
        check("https://example.org/simple", "https://example.org/simple/", true);
        check("https://EXAMPLE.org/simple", "https://u:p@example.org:443/simple/", true);
        check("https://example.org/simple", "https://example.org/other", false);
        check("https://example.org/simple", "http://example.org/simple", false);
        check("internal", "internal", true);
        check("internal", "external", false);
    }

    #[test]
    fn addresses() {
        for address in ["https://h/x", "https:/h/x", "https:h", "HTTP:\\\\h\\x", "file:///x"] {
            assert!(is_address(address), "{address}");
        }
        for name in ["internal", "./wheels", "../x", "C:\\wheels", "/srv/wheels"] {
            assert!(!is_address(name), "{name}");
        }
        assert!(is_local_address("FILE:/x") && !is_local_address("https://file:/"));
    }

    #[test]
    fn folders() {
        let check = |path, inside| assert_eq!(is_inside(path), inside, "{path}");
        check(".", true);
        check("packages/a", true);
        check("packages/../a", true);
        check("../a", false);
        check("a/../../b", false);
        check("/a", false);
        check("~/a", false);
        check("C:\\a", false);
        check("file:///a", false);
        check("..\\a", false);
        check("${HOME}/a", false);
    }

    #[test]
    fn names() {
        let check = |name, url, expect: Option<&str>| {
            assert_eq!(file_name(name, url).as_deref(), expect);
        };
        check(Some("a"), Some("https://x/b"), Some("a"));
        check(None, Some("https://x/a-1%2Blocal.whl?q#f"), Some("a-1+local.whl"));
        check(None, Some("https://x/a%zz"), Some("a%zz"));
        check(None, Some("https://x/"), None);
        check(None, None, None);
    }
}
