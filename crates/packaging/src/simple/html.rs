//! HTML pages (PEP 503, 592, 629, 658, 714, 740, 792), also those that `--find-links` names.
//!
//! The tokens are those of the WHATWG specification, so that an attribute in odd quotes or with
//! character references means what it means to everyone else. Only `a`, `base` and `meta` are
//! looked at; links to what is not a file (an empty or directory-like last component, other
//! schemes) are passed over, because pages for people have such links.

use html5gum::{Token, Tokenizer};
use url::Url;

use super::{
    CoreMetadataClaim, File, FileError, MAX_FILES, PageError, ProjectPage, UnusableFile,
    check_filename, check_text, parse_api_version, parse_digests, parse_status, resolve,
};

/// Longest comment that can be a serial number.
const MAX_SERIAL_COMMENT: usize = 40;

/// Reads an HTML page; `base_url` is the URL that it was read from.
///
/// # Errors
/// See [`PageError`].
pub fn parse(bytes: &[u8], base_url: &Url) -> Result<ProjectPage, PageError> {
    let text = std::str::from_utf8(bytes).map_err(|_| PageError::Encoding)?;
    let mut reader = Reader::new(base_url);
    for token in Tokenizer::new(text) {
        // Reading from memory does not fail.
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                reader.is_html = true;
                let attributes = Attributes(
                    tag.attributes
                        .iter()
                        .map(|(name, value)| (name.as_slice(), value.as_slice()))
                        .collect(),
                );
                match tag.name.as_slice() {
                    b"base" => reader.base(&attributes),
                    b"meta" => reader.meta(&attributes)?,
                    b"a" => reader.anchor(&attributes)?,
                    _ => {}
                }
            }
            Token::Doctype(_) => reader.is_html = true,
            Token::Comment(comment) => reader.comment(&comment),
            Token::EndTag(_) | Token::String(_) | Token::Error(_) => {}
        }
    }
    reader.finish()
}

struct Reader {
    is_html: bool,
    base: Url,
    has_base: bool,
    status: Option<String>,
    reason: Option<String>,
    page: ProjectPage,
}

impl Reader {
    fn new(base_url: &Url) -> Self {
        let page = ProjectPage { api_version: (1, 0), ..ProjectPage::default() };
        Self {
            is_html: false,
            base: base_url.clone(),
            has_base: false,
            status: None,
            reason: None,
            page,
        }
    }

    /// The first `base` with an `href` counts (HTML standard, 4.2.3).
    fn base(&mut self, attributes: &Attributes<'_>) {
        let Some(href) = attributes.text("href").filter(|_| !self.has_base) else { return };
        self.has_base = true;
        if let Ok((base, _)) = resolve(&self.base, &href) {
            self.base = base;
        }
    }

    fn meta(&mut self, attributes: &Attributes<'_>) -> Result<(), PageError> {
        let content = attributes.text("content");
        match (attributes.text("name").as_deref(), content) {
            (Some("pypi:repository-version"), Some(content)) => {
                self.page.api_version = parse_api_version(&content)?;
            }
            (Some("pypi:project-status"), Some(content)) => {
                let earlier = self.status.replace(content.clone());
                // Two statuses: whichever is taken, somebody else takes the other.
                if earlier.is_none_or(|earlier| earlier == content) {
                    return Ok(());
                }
                return Err(PageError::Status { found: content.chars().take(40).collect() });
            }
            (Some("pypi:project-status-reason"), Some(content)) => self.reason = Some(content),
            _ => {}
        }
        Ok(())
    }

    /// `<!--SERIAL 123-->`, as the public index writes it.
    fn comment(&mut self, comment: &[u8]) {
        if comment.len() > MAX_SERIAL_COMMENT {
            return;
        }
        let number = std::str::from_utf8(comment)
            .ok()
            .and_then(|text| text.trim().strip_prefix("SERIAL "))
            .and_then(|number| number.parse().ok());
        self.page.last_serial = number.or(self.page.last_serial);
    }

    fn anchor(&mut self, attributes: &Attributes<'_>) -> Result<(), PageError> {
        let Some(href) = attributes.text("href") else { return Ok(()) };
        let Ok((url, fragment)) = resolve(&self.base, &href) else { return Ok(()) };
        // Like pip: the name is the last component of the URL, and the text is for people.
        let last = url.path_segments().and_then(|mut segments| segments.next_back());
        let Some(last) = last.filter(|last| !last.is_empty()) else { return Ok(()) };
        if self.page.files.len() + self.page.unusable.len() >= MAX_FILES {
            return Err(PageError::TooManyFiles);
        }
        let Some(filename) = percent_decode(last) else {
            let unusable = UnusableFile { filename: last.to_owned(), reason: FileError::Filename };
            self.page.unusable.push(unusable);
            return Ok(());
        };
        match file(&filename, &url, fragment.as_deref(), attributes, &self.base) {
            Ok(file) => self.page.files.push(file),
            Err(reason) => self.page.unusable.push(UnusableFile { filename, reason }),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ProjectPage, PageError> {
        if !self.is_html {
            return Err(PageError::Html);
        }
        if let Some(status) = self.status {
            self.page.status = parse_status(&status, self.reason)?;
        }
        Ok(self.page)
    }
}

fn file(
    filename: &str,
    url: &Url,
    fragment: Option<&str>,
    attributes: &Attributes<'_>,
    base: &Url,
) -> Result<File, FileError> {
    check_filename(filename)?;
    // PEP 714: `data-core-metadata` counts where both are there.
    let metadata = attributes
        .text("data-core-metadata")
        .or_else(|| attributes.text("data-dist-info-metadata"));
    let core_metadata = match metadata.as_deref() {
        None | Some("false") => CoreMetadataClaim::None,
        Some(value) => CoreMetadataClaim::Available { digests: digests_of(value)? },
    };
    let provenance = match attributes.text("data-provenance") {
        Some(reference) => Some(resolve(base, &reference)?.0.to_string()),
        None => None,
    };
    Ok(File {
        filename: filename.to_owned(),
        url: url.to_string(),
        digests: digests_of(fragment.unwrap_or_default())?,
        size: None,
        requires_python: check_text("requires-python", attributes.text("data-requires-python"))?
            .filter(|text| !text.trim().is_empty()),
        yanked: check_text("yanked", attributes.text("data-yanked"))?,
        upload_time: None,
        core_metadata,
        provenance,
    })
}

/// `sha256=hex`, also among others joined by `&` (`egg=x&sha256=hex`).
fn digests_of(text: &str) -> Result<Vec<crate::digest::Digest>, FileError> {
    parse_digests(text.split('&').filter_map(|pair| pair.split_once('=')))
}

struct Attributes<'a>(Vec<(&'a [u8], &'a [u8])>);

impl Attributes<'_> {
    fn text(&self, name: &str) -> Option<String> {
        let (_, value) = self.0.iter().find(|(have, _)| *have == name.as_bytes())?;
        // The page is UTF-8, and so is what character references stand for.
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

/// Decodes `%xx`; `None` where the result is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let value = hex
            .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(value.unwrap_or(byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).ok()
}
