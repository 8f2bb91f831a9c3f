//! Listings of a web server's folder, as `autoindex` and `mod_autoindex` write them and as people write
//! them by hand: an HTML page whose links are what is there.
//!
//! Only the links are looked at. A link counts when it leads to something directly below the page: one
//! that leads up, elsewhere, or to the page itself in another order (`?C=M;O=D`) does not.

use html5gum::{Token, Tokenizer};
use url::Url;

/// Most links of one page.
const MAX_LINKS: usize = 200_000;

/// Longest reference, in bytes.
const MAX_REFERENCE: usize = 4096;

/// What one page lists, in its order, without repetitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Names of files, decoded.
    pub files: Vec<String>,
    /// Names of folders, decoded, without the slash.
    pub folders: Vec<String>,
}

/// Why a page is no listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// Not UTF-8.
    #[error("the page is not UTF-8")]
    Encoding,
    /// Without a single tag.
    #[error("the page is no HTML")]
    Html,
    /// More than is read.
    #[error("the page has more than {MAX_LINKS} links")]
    TooManyLinks,
}

/// Reads a page; `page` is the URL that it was read from, and a folder whether or not it ends with a
/// slash.
///
/// # Errors
/// See [`ListingError`].
pub fn parse(bytes: &[u8], page: &Url) -> Result<Listing, ListingError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ListingError::Encoding)?;
    let mut folder = page.clone();
    if !folder.path().ends_with('/') {
        folder.set_path(&format!("{}/", page.path()));
    }
    folder.set_query(None);
    folder.set_fragment(None);
    let mut base = None;
    let mut is_html = false;
    let mut links = 0;
    let mut found = std::collections::BTreeSet::new();
    let mut listing = Listing::default();
    for token in Tokenizer::new(text) {
        // Reading from memory does not fail.
        let Ok(token) = token;
        let Token::StartTag(tag) = token else {
            is_html |= matches!(token, Token::Doctype(_));
            continue;
        };
        is_html = true;
        let is_base = tag.name.as_slice() == b"base";
        if !is_base && tag.name.as_slice() != b"a" {
            continue;
        }
        let href = tag.attributes.iter().find(|(name, _)| name.as_slice() == b"href");
        let Some(href) = href.and_then(|(_, value)| std::str::from_utf8(value.as_slice()).ok())
        else {
            continue;
        };
        links += 1;
        if links > MAX_LINKS {
            return Err(ListingError::TooManyLinks);
        }
        let from = base.as_ref().unwrap_or(&folder);
        let url = from.join(href.trim()).ok().filter(|_| href.len() <= MAX_REFERENCE);
        let Some(url) = url else { continue };
        if is_base {
            base = base.or(Some(url));
            continue;
        }
        let Some((name, is_folder)) = entry(&folder, &url) else { continue };
        if found.insert((name.clone(), is_folder)) {
            let list = if is_folder { &mut listing.folders } else { &mut listing.files };
            list.push(name);
        }
    }
    if is_html { Ok(listing) } else { Err(ListingError::Html) }
}

/// The one component by which a URL is below a folder.
fn entry(folder: &Url, url: &Url) -> Option<(String, bool)> {
    if url.origin() != folder.origin() || url.query().is_some() {
        return None;
    }
    let rest = url.path().strip_prefix(folder.path())?;
    let (name, is_folder) = rest.strip_suffix('/').map_or((rest, false), |name| (name, true));
    let name = decode(name)?;
    let is_component = !matches!(name.as_str(), "" | "." | "..")
        && name.len() <= 255
        && !name.chars().any(|c| matches!(c, '/' | '\\') || c.is_control());
    is_component.then_some((name, is_folder))
}

/// Decodes `%xx`; `None` where the result is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).ok()?);
                rest = &after[2..];
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, html: &str, files: &[&str], folders: &[&str]) {
        let page = Url::parse(page).unwrap();
        let listing = parse(html.as_bytes(), &page).unwrap();
        assert_eq!(listing.files, files, "{html}");
        assert_eq!(listing.folders, folders, "{html}");
    }

    #[test]
    fn pages_of_servers() {
        let nginx = "<html><head><title>Index of /t/</title></head><body><h1>Index of /t/</h1><hr>\
            <pre><a href=\"../\">../</a>\n<a href=\"lamp/\">lamp/</a>  01-Jan-2024 00:00  -\n\
            <a href=\"lamp-1.0.tar.gz\">lamp-1.0.t..&gt;</a>  01-Jan-2024 00:00  7\n</pre></body>";
        check("https://h.example.org/t/", nginx, &["lamp-1.0.tar.gz"], &["lamp"]);
        let apache = "<!DOCTYPE HTML><table><tr><th><a href=\"?C=N;O=D\">Name</a></th>\
            <th><a href=\"?C=M;O=A\">Last modified</a></th></tr><tr><td><a href=\"/\">Parent</a></td>\
            </tr><tr><td><a href=\"lamp-1.0%2Blocal.tar.gz\">x</a></td></tr></table>";
        check("https://h.example.org/t/", apache, &["lamp-1.0+local.tar.gz"], &[]);
        check("https://h.example.org/t", nginx, &["lamp-1.0.tar.gz"], &["lamp"]);
        let absolute = "<A HREF='/t/a.zip'>a</A><a href=https://h.example.org/t/b.zip>b</a>";
        check("https://h.example.org/t/?x", absolute, &["a.zip", "b.zip"], &[]);
        let based = "<base href=\"/t/\"><base href=\"/u/\"><a href=a.zip><a href=a.zip#x>";
        check("https://h.example.org/t/", based, &["a.zip"], &[]);
    }

    #[test]
    fn links_that_lead_elsewhere_do_not_count() {
        for href in [
            "../a.zip",
            "/a.zip",
            "sub/a.zip",
            "https://other.example.org/t/a.zip",
            "http://h.example.org/t/a.zip",
            "https://h.example.org:8443/t/a.zip",
            "//other.example.org/t/a.zip",
            "file:///t/a.zip",
            "javascript:a",
            "%2e%2e/a.zip",
            "%2e%2e%2fa.zip",
            "..%5ca.zip",
            "a%00.zip",
            "a%ff.zip",
            "a.zip?download",
            "",
            "#top",
            ".",
        ] {
            let html = format!("<a href=\"{href}\">x</a>");
            check("https://h.example.org/t/", &html, &[], &[]);
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_page_says_names_are_components(
            hrefs in proptest::collection::vec("[a./%25ceCE?#:\\\\ -]{0,12}", 0..8),
        ) {
            let html: String = hrefs.iter().map(|href| format!("<a href='{href}'>")).collect();
            let page = Url::parse("https://h.example.org/t/").unwrap();
            let listing = parse(format!("<p>{html}").as_bytes(), &page).unwrap();
            for name in listing.files.iter().chain(&listing.folders) {
                proptest::prop_assert!(!matches!(name.as_str(), "" | "." | ".."), "{}", name);
                proptest::prop_assert!(!name.contains(['/', '\\']), "{}", name);
            }
        }
    }

    #[test]
    fn what_is_no_listing() {
        let page = Url::parse("https://h.example.org/").unwrap();
        assert_eq!(parse(b"{}", &page), Err(ListingError::Html));
        assert_eq!(parse(b"<a href=\"\xff\">", &page), Err(ListingError::Encoding));
        let many = "<a href=x>".repeat(MAX_LINKS + 1);
        assert_eq!(parse(many.as_bytes(), &page), Err(ListingError::TooManyLinks));
        assert!(parse(&many.as_bytes()[10..], &page).is_ok());
    }
}
