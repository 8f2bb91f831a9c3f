//! One project page in a compact form, for memory and for the disk.
//!
//! A page of ten thousand files has several megabytes, and a resolution looks at a few releases of
//! it. So a page is read once into lines of text, sorted by version; a version's lines are read when
//! somebody looks at its files. The same text is what is kept on disk.
//!
//! ```text
//! {"format":…,"project":…,"texts":[…],…}          header, one line of JSON
//! 1.0 <tab> 245                                   a version and the bytes of its files, ascending
//! NAME <tab> URL <tab> DIGESTS <tab> SIZE <tab> PYTHON <tab> YANKED <tab> TIME <tab> METADATA
//! ```
//!
//! `PYTHON` and `YANKED` are numbers of the header's texts. No other value can hold a tab or a line
//! feed: file names and URLs were checked when the page was read.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::ops::Range;
use std::str::FromStr as _;
use std::sync::{Arc, OnceLock};

use countermark_lock::catalogue::{FileSource, Files, Release, ReleaseFile, Releases};
use countermark_packaging::digest::Digest;
use countermark_packaging::filename::{DistributionFilename, SdistFilename, WheelFilename};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::{
    CoreMetadataClaim, File, ProjectPage, ProjectStatus, StatusMarker,
};
use countermark_packaging::version::{Version, VersionSpecifiers};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::mend;

/// Counts up whenever an older text must not be read.
const FORMAT: u32 = 1;

/// Names of unusable files that are kept, for messages.
const MAX_UNUSABLE: usize = 200;

/// In place of the base that most URLs of a page have in common, and the file's name behind it.
const SHORT: char = '<';

/// A page as text.
pub(super) struct Listing {
    header: Header,
    text: String,
    /// Where the listing begins in the text: what was kept is not moved for the line before it.
    from: usize,
    /// Versions, and where their files stand in the text; ascending.
    blocks: Vec<(Version, Range<usize>)>,
    specifiers: Vec<OnceLock<Option<VersionSpecifiers>>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: u32,
    project: String,
    status: String,
    reason: Option<String>,
    base: String,
    texts: Vec<String>,
    unusable: Vec<String>,
    serial: Option<u64>,
}

impl Listing {
    /// The page as it came. Files whose names follow no specification, or are another project's, are
    /// not usable.
    pub(super) fn of_page(project: &ProjectName, page: &ProjectPage) -> Self {
        let mut texts = Texts::default();
        let mut unusable: Vec<String> = Vec::new();
        let mut releases: BTreeMap<Version, String> = BTreeMap::new();
        let base = common_base(&page.files);
        for file in &page.files {
            match parse_filename(project, &file.filename) {
                Some(name) => {
                    let lines = releases.entry(name.version().clone()).or_default();
                    write_file(lines, file, &base, &mut texts);
                }
                None => unusable.push(file.filename.clone()),
            }
        }
        unusable.extend(page.unusable.iter().map(|one| one.filename.clone()));
        for name in &mut unusable {
            *name = name.chars().filter(|c| !c.is_control()).take(255).collect();
        }
        unusable.truncate(MAX_UNUSABLE);
        let header = Header {
            format: FORMAT,
            project: project.to_string(),
            status: page.status.marker.name().to_owned(),
            reason: page.status.reason.clone(),
            base,
            texts: texts.list,
            unusable,
            serial: page.last_serial,
        };
        // A header is numbers and strings, which always serialise.
        let mut text = serde_json::to_string(&header).unwrap_or_default();
        text.push('\n');
        let mut blocks = Vec::with_capacity(releases.len());
        for (version, lines) in releases {
            let _ = writeln!(text, "{version}\t{}", lines.len());
            let start = text.len();
            text.push_str(&lines);
            blocks.push((version, start..text.len()));
        }
        text.shrink_to_fit();
        Self::new(header, text, blocks)
    }

    /// The text of a listing, which begins at `from`, or nothing when it is none of this project.
    pub(super) fn parse(project: &ProjectName, text: String, from: usize) -> Option<Self> {
        let (head, _) = text.get(from..)?.split_once('\n')?;
        let header: Header = serde_json::from_str(head).ok()?;
        StatusMarker::parse(&header.status)?;
        if header.format != FORMAT || header.project != project.as_str() {
            return None;
        }
        let mut blocks: Vec<(Version, Range<usize>)> = Vec::new();
        let mut at = from + head.len() + 1;
        while at < text.len() {
            let (line, _) = text.get(at..)?.split_once('\n')?;
            let (version, length) = line.split_once('\t')?;
            let version = Version::from_str(version).ok()?;
            let start = at + line.len() + 1;
            let end = start.checked_add(length.parse().ok()?)?;
            // Also that the text has a character's boundary there.
            text.get(start..end).filter(|lines| lines.ends_with('\n'))?;
            if blocks.last().is_some_and(|(last, _)| *last >= version) {
                return None;
            }
            blocks.push((version, start..end));
            at = end;
        }
        Some(Self { from, ..Self::new(header, text, blocks) })
    }

    fn new(header: Header, text: String, blocks: Vec<(Version, Range<usize>)>) -> Self {
        let specifiers = header.texts.iter().map(|_| OnceLock::new()).collect();
        Self { header, text, from: 0, blocks, specifiers }
    }

    /// What [`Listing::parse`] reads.
    pub(super) fn text(&self) -> &str {
        &self.text[self.from..]
    }

    /// Whether a URL of a file holds a password: then it is not kept on disk.
    pub(super) fn has_secrets(page: &ProjectPage) -> bool {
        page.files.iter().any(|file| {
            let authority = file.url.split_once("://").map_or("", |(_, rest)| rest);
            authority.split(['/', '?', '#']).next().is_some_and(|it| it.contains('@'))
        })
    }

    /// PEP 792.
    pub(super) fn status(&self) -> ProjectStatus {
        // Checked when it was read; what is written here comes from a marker.
        let marker = StatusMarker::parse(&self.header.status).unwrap_or(StatusMarker::Quarantined);
        ProjectStatus { marker, reason: self.header.reason.clone() }
    }

    /// The releases, with files that are read when they are looked at.
    pub(super) fn releases(self: &Arc<Self>, index: String) -> Releases {
        let release = |(number, (version, _)): (usize, &(Version, Range<usize>))| {
            let source = Arc::clone(self) as Arc<dyn FileSource>;
            (version.clone(), Release { files: Files::unread(source, number) })
        };
        Releases {
            index,
            status: self.status(),
            versions: self.blocks.iter().enumerate().map(release).collect(),
            unusable: self.header.unusable.clone(),
        }
    }

    fn file(&self, project: &ProjectName, line: &str) -> Option<ReleaseFile> {
        let mut fields = line.split('\t');
        let mut next = || fields.next();
        let (filename, url, digests) = (next()?, next()?, next()?);
        let (size, python, yanked) = (next()?, next()?, next()?);
        let (uploaded, metadata) = (next()?, next()?);
        let url = match url.strip_prefix(SHORT) {
            Some(middle) => format!("{}{middle}{filename}", self.header.base),
            None => url.to_owned(),
        };
        let number = |text: &str| text.parse::<usize>().ok();
        let python = number(python).and_then(|number| {
            let read = || mend::specifiers(self.header.texts.get(number)?);
            self.specifiers.get(number)?.get_or_init(read).clone()
        });
        let uploaded = uploaded.parse::<i128>().ok();
        Some(ReleaseFile {
            filename: parse_filename(project, filename)?,
            url,
            digests: read_digests(digests)?,
            size: size.parse().ok(),
            requires_python: python,
            yanked: number(yanked).and_then(|number| self.header.texts.get(number).cloned()),
            uploaded: uploaded.and_then(|time| Timestamp::from_nanosecond(time).ok()),
            metadata: match metadata {
                "" => None,
                "-" => Some(Vec::new()),
                digests => Some(read_digests(digests)?),
            },
        })
    }
}

impl FileSource for Listing {
    fn read(&self, release: usize) -> Vec<ReleaseFile> {
        let Some((_, range)) = self.blocks.get(release) else { return Vec::new() };
        let Ok(project) = ProjectName::parse(&self.header.project) else { return Vec::new() };
        self.text[range.clone()].lines().filter_map(|line| self.file(&project, line)).collect()
    }
}

/// Texts that files have in common, each once.
#[derive(Default)]
struct Texts {
    list: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Texts {
    fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        self.list.push(text.to_owned());
        self.numbers.insert(text.to_owned(), self.list.len() - 1);
        self.list.len() - 1
    }
}

/// The name of a file of this project; nothing when it follows no specification.
pub(super) fn parse_filename(
    project: &ProjectName,
    filename: &str,
) -> Option<DistributionFilename> {
    if filename.contains(['\t', '\n']) {
        return None;
    }
    if filename.ends_with(".whl") {
        let wheel = WheelFilename::parse(filename).ok().filter(|wheel| wheel.name == *project)?;
        return Some(DistributionFilename::Wheel(wheel));
    }
    SdistFilename::parse_for(project, filename).ok().map(DistributionFilename::Sdist)
}

// Writing to a string cannot fail.
fn write_file(lines: &mut String, file: &File, base: &str, texts: &mut Texts) {
    let short = file.url.strip_prefix(base).and_then(|rest| rest.strip_suffix(&file.filename));
    lines.push_str(&file.filename);
    let _ = match short {
        Some(middle) => write!(lines, "\t{SHORT}{middle}\t"),
        None => write!(lines, "\t{}\t", file.url),
    };
    write_digests(lines, &file.digests);
    lines.push('\t');
    if let Some(size) = file.size {
        let _ = write!(lines, "{size}");
    }
    for text in [&file.requires_python, &file.yanked] {
        lines.push('\t');
        if let Some(text) = text {
            let _ = write!(lines, "{}", texts.number(text));
        }
    }
    lines.push('\t');
    let uploaded = file.upload_time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
    if let Some(time) = uploaded {
        let _ = write!(lines, "{}", time.as_nanosecond());
    }
    lines.push('\t');
    match &file.core_metadata {
        CoreMetadataClaim::None => {}
        CoreMetadataClaim::Available { digests } if digests.is_empty() => lines.push('-'),
        CoreMetadataClaim::Available { digests } => write_digests(lines, digests),
    }
    lines.push('\n');
}

fn write_digests(lines: &mut String, digests: &[Digest]) {
    for (number, digest) in digests.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(lines, "{comma}{digest}");
    }
}

fn read_digests(text: &str) -> Option<Vec<Digest>> {
    let digests = text.split(',').filter(|one| !one.is_empty());
    digests.map(|digest| Digest::parse(digest).ok()).collect()
}

/// What the URLs of all files begin with, up to a slash. None at all where the files are many and
/// differ, which is no harm.
fn common_base(files: &[File]) -> String {
    let Some(first) = files.first() else { return String::new() };
    let mut length = first.url.rfind('/').map_or(0, |at| at + 1);
    for file in files {
        let same = first.url.bytes().zip(file.url.bytes()).take(length);
        length = same.take_while(|(one, other)| one == other).count();
    }
    let common = first.url.get(..length).unwrap_or_default();
    common.rfind('/').map_or("", |at| &common[..=at]).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> ProjectName {
        ProjectName::parse("a-b").unwrap()
    }

    fn page() -> ProjectPage {
        let file = |filename: &str, url: &str| File {
            filename: filename.into(),
            url: url.into(),
            digests: vec![Digest::parse(&format!("sha256:{}", "ab".repeat(32))).unwrap()],
            size: Some(12),
            requires_python: Some(">=3.8".into()),
            yanked: None,
            upload_time: Some("2026-01-02T03:04:05.123456Z".into()),
            core_metadata: CoreMetadataClaim::Available { digests: vec![] },
            provenance: None,
        };
        let first =
            file("a_b-1.10-py3-none-any.whl", "https://x.example/f/1/a_b-1.10-py3-none-any.whl");
        let mut second = file("a_b-1.9.tar.gz", "https://x.example/f/2/a_b-1.9.tar.gz?x=1");
        second.digests.clear();
        second.size = None;
        second.requires_python = Some("not\tone\n".into());
        second.yanked = Some("bad\tfile\nreally".into());
        second.upload_time = Some("yesterday".into());
        second.core_metadata = CoreMetadataClaim::None;
        let mut third = file("a_b-1.10.tar.gz", "https://x.example/f/3/a_b-1.10.tar.gz");
        third.core_metadata = CoreMetadataClaim::Available { digests: first.digests.clone() };
        third.yanked = Some(String::new());
        let egg = file("a_b-1.9.egg", "https://x.example/f/a_b-1.9.egg");
        let other = file("c-1-py3-none-any.whl", "https://x.example/f/c-1-py3-none-any.whl");
        let status = ProjectStatus { marker: StatusMarker::Archived, reason: Some("old".into()) };
        ProjectPage {
            files: vec![first, second, third, egg, other],
            status,
            ..ProjectPage::default()
        }
    }

    #[test]
    fn a_page_is_the_same_from_memory_and_from_its_text() {
        let listing = Listing::of_page(&project(), &page());
        let again = Listing::parse(&project(), listing.text().to_owned(), 0).unwrap();
        let (listing, again) = (Arc::new(listing), Arc::new(again));
        assert_eq!(
            format!("{:?}", listing.releases("i".into())),
            format!("{:?}", again.releases("i".into()))
        );
        let releases = again.releases("i".into());
        assert_eq!(releases.status.marker, StatusMarker::Archived);
        assert_eq!(releases.unusable, ["a_b-1.9.egg", "c-1-py3-none-any.whl"]);
        let versions: Vec<String> = releases.versions.keys().map(ToString::to_string).collect();
        assert_eq!(versions, ["1.9", "1.10"]);
        let files: Vec<&ReleaseFile> =
            releases.versions.values().flat_map(|release| &release.files).collect();
        let [second, first, third] = files.as_slice() else { panic!("{files:?}") };
        assert_eq!(first.url, "https://x.example/f/1/a_b-1.10-py3-none-any.whl");
        assert_eq!(first.requires_python.as_ref().unwrap().to_string(), ">=3.8");
        assert_eq!(first.uploaded.unwrap().to_string(), "2026-01-02T03:04:05.123456Z");
        assert_eq!((first.size, first.metadata.as_deref()), (Some(12), Some(&[][..])));
        assert_eq!(second.url, "https://x.example/f/2/a_b-1.9.tar.gz?x=1");
        assert_eq!(second.yanked.as_deref(), Some("bad\tfile\nreally"));
        assert_eq!((second.size, &second.requires_python, second.uploaded), (None, &None, None));
        assert_eq!((second.digests.len(), &second.metadata), (0, &None));
        assert_eq!(third.yanked.as_deref(), Some(""));
        assert_eq!(third.metadata.as_ref().unwrap(), &third.digests);
    }

    #[test]
    fn a_damaged_text_is_none() {
        let text = Listing::of_page(&project(), &page()).text().to_owned();
        let check = |damaged: String| assert!(Listing::parse(&project(), damaged, 0).is_none());
        assert!(Listing::parse(&project(), text.clone(), 0).is_some());
        let behind = Listing::parse(&project(), format!("a line\n{text}"), 7).unwrap();
        assert_eq!(behind.text(), text);
        assert!(Listing::parse(&project(), text.clone(), 1).is_none());
        check(String::new());
        check(text[..text.len() - 1].to_owned());
        check(text.replacen("1.10\t", "1.8\t", 1));
        check(text.replacen("1.10\t", "x\t", 1));
        check(text.replacen("\"format\":1", "\"format\":0", 1));
        check(text.replacen("archived", "cursed", 1));
        check(format!("{text}1.11\t99\n"));
        check(format!("{text}1.11\t18446744073709551615\n"));
        assert!(Listing::parse(&ProjectName::parse("c").unwrap(), text, 0).is_none());
    }

    #[test]
    fn passwords_in_urls_are_seen() {
        let mut page = page();
        assert!(!Listing::has_secrets(&page));
        page.files[0].url = "https://x.example/a@b?c@d".into();
        assert!(!Listing::has_secrets(&page));
        page.files[0].url = "https://user:secret@x.example/a".into();
        assert!(Listing::has_secrets(&page));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(position: u16, put in "[\\PC\t\n]{0,3}", length in 0..4_usize) {
            let mut text = Listing::of_page(&project(), &page()).text().to_owned();
            let at = usize::from(position) % text.len();
            let end = (at + length).min(text.len());
            text.replace_range(at..end, &put);
            if let Some(listing) = Listing::parse(&project(), text, 0) {
                for release in Arc::new(listing).releases(String::new()).versions.values() {
                    let _ = release.files.len();
                }
            }
        }
    }
}
