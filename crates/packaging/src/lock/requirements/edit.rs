//! Rewriting requirements files: digests added, peep's comments turned into `--hash` options.
//!
//! Pure: bytes in, bytes out. Only the lines that change are touched; comments, order, white
//! space, line ends and encoding of everything else stay as they are.

use std::collections::BTreeMap;
use std::ops::Range;

use super::entry::{self, Entry};
use super::lines::{self, Item, LogicalLine};
use super::options::{self, LineOption};
use super::peep::{self, CommentDigest};
use super::{Encoding, FileKind, decode};
use crate::digest::Digest;
use crate::filename::DistributionFilename;
use crate::lock::source::Source;
use crate::lock::{Place, SourceError, WantedSource};
use crate::name::ProjectName;

/// One file, with the places of its requirements. Includes are not followed, markers not asked,
/// variables not replaced.
#[derive(Debug)]
pub struct Document {
    source: Source,
    encoding: Encoding,
    entries: Vec<DocumentEntry>,
    errors: Vec<SourceError>,
}

/// One requirement of a [`Document`].
#[derive(Debug)]
pub struct DocumentEntry {
    /// The project.
    pub project: ProjectName,
    /// What the line asks for.
    pub source: WantedSource,
    /// The digests that it has, as options, in the URL or as comments.
    pub digests: Vec<Digest>,
    /// The requirement without its options.
    pub place: Place,
    /// The digests that are options.
    hashes: Vec<Digest>,
    comments: Vec<CommentDigest>,
    /// Where an option can be added: the end of the content of its last line.
    end: usize,
}

impl DocumentEntry {
    /// Is a file of this name one that the requirement asks for? One that names no version asks
    /// for none in particular.
    #[must_use]
    pub fn accepts(&self, file: &DistributionFilename) -> bool {
        let same = |name: &Option<DistributionFilename>| {
            name.as_ref().is_some_and(|name| name.as_str() == file.as_str())
        };
        match &self.source {
            WantedSource::Index { specifiers, .. } => specifiers.pinned() == Some(file.version()),
            WantedSource::Url { filename, .. } | WantedSource::Path { filename, .. } => {
                same(filename)
            }
        }
    }
}

impl Document {
    /// Takes a file apart.
    ///
    /// # Errors
    /// When the bytes cannot be decoded. What is wrong inside is told by [`Self::errors`].
    pub fn parse(location: &str, bytes: &[u8]) -> Result<Self, SourceError> {
        let decoded = decode(bytes).map_err(|error| error.at(location))?;
        let mut document = Self {
            source: Source::new(location, decoded.text),
            encoding: decoded.encoding,
            entries: Vec::new(),
            errors: Vec::new(),
        };
        document.read();
        Ok(document)
    }

    /// The requirements, in their order.
    #[must_use]
    pub fn entries(&self) -> &[DocumentEntry] {
        &self.entries
    }

    /// What is wrong in the file. Lines that have an error are not among the entries; a digest in
    /// a comment that cannot be read does not hide its requirement.
    #[must_use]
    pub fn errors(&self) -> &[SourceError] {
        &self.errors
    }

    /// The file with digests added to entries, given by their index: each on a line of its own,
    /// behind the options that are there. Those that an entry has already are not added again.
    /// Digests in comments above such an entry become options, so that all stand together.
    #[must_use]
    pub fn with_digests(&self, additions: &[(usize, Vec<Digest>)]) -> Vec<u8> {
        let mut by_entry: BTreeMap<usize, Vec<Digest>> = BTreeMap::new();
        for (index, digests) in additions {
            by_entry.entry(*index).or_default().extend_from_slice(digests);
        }
        let mut edits = Vec::new();
        for (index, digests) in by_entry {
            let Some(entry) = self.entries.get(index) else { continue };
            if digests.iter().any(|digest| !entry.digests.contains(digest)) {
                self.write_digests(entry, &digests, &mut edits);
            }
        }
        self.apply(edits)
    }

    /// The file with peep's comments as `--hash` options. Errors about digests that cannot be
    /// read or belong to nothing are in [`Self::errors`]; those comments stay.
    #[must_use]
    pub fn ported(&self) -> Vec<u8> {
        let mut edits = Vec::new();
        for entry in self.entries.iter().filter(|entry| !entry.comments.is_empty()) {
            self.write_digests(entry, &[], &mut edits);
        }
        self.apply(edits)
    }

    fn read(&mut self) {
        let mut above = peep::Above::default();
        for item in lines::split(&self.source) {
            match item {
                Item::Error(error) => self.errors.push(error),
                Item::Comment(comment) => {
                    self.errors.extend(above.read(&self.source, &comment).err());
                }
                Item::Line(line) => {
                    self.read_line(&line, &mut above);
                    self.errors.extend(above.orphans());
                }
            }
        }
        self.errors.extend(above.orphans());
    }

    fn read_line(&mut self, line: &LogicalLine, above: &mut peep::Above) {
        let mut parsed = options::parse(&self.source, line);
        let has_errors = !parsed.errors.is_empty();
        self.errors.append(&mut parsed.errors);
        self.errors.extend(peep::check_behind(&self.source, line).err());
        if parsed.requirement.is_empty() && !parsed.is_editable() {
            return;
        }
        let comments = above.take();
        if has_errors {
            return;
        }
        let kind = FileKind::Requirements;
        let (requirement, options) = (&parsed.requirement, &parsed.options);
        match entry::parse(&self.source, line, kind, requirement, options, comments.clone()) {
            Err(errors) => self.errors.extend(errors),
            Ok(Entry { project, source, digests, place, .. }) => {
                let hash = |(option, _): &(LineOption, Range<usize>)| match option {
                    LineOption::Hash(value) => Digest::parse(value).ok(),
                    _ => None,
                };
                let hashes = options.iter().filter_map(hash).collect();
                let end = line.span.end;
                self.entries.push(DocumentEntry {
                    project,
                    source,
                    digests,
                    place,
                    hashes,
                    comments,
                    end,
                });
            }
        }
    }

    /// Edits that give an entry these digests and those of its comments as options.
    fn write_digests(
        &self,
        entry: &DocumentEntry,
        digests: &[Digest],
        edits: &mut Vec<(Range<usize>, String)>,
    ) {
        let mut added: Vec<&Digest> = Vec::new();
        for digest in entry.comments.iter().map(|above| &above.digest).chain(digests) {
            let in_url = entry.comments.is_empty() && entry.digests.contains(digest);
            if !entry.hashes.contains(digest) && !added.contains(&digest) && !in_url {
                added.push(digest);
            }
        }
        let end = self.line_end(entry.end);
        let lines: String =
            added.iter().map(|digest| format!(" \\{end}    --hash={digest}")).collect();
        edits.push((entry.end..entry.end, lines));
        for above in &entry.comments {
            let span = &above.place.span;
            match &above.remark {
                Some(remark) => edits.push((span.start..remark.start, String::new())),
                None => edits.push((self.whole_line(span), String::new())),
            }
        }
    }

    /// The line end that is used at a place, or in the file.
    fn line_end(&self, at: usize) -> &'static str {
        let text = self.source.text.as_str();
        let found = text[at..].find(['\n', '\r']).map(|found| at + found);
        match found.or_else(|| text.find(['\n', '\r'])).map(|found| &text[found..]) {
            Some(rest) if rest.starts_with("\r\n") => "\r\n",
            Some(rest) if rest.starts_with('\r') => "\r",
            _ => "\n",
        }
    }

    /// A line with its end and the white space before it.
    fn whole_line(&self, span: &Range<usize>) -> Range<usize> {
        let text = self.source.text.as_str();
        let start = text[..span.start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let rest = &text[span.end..];
        let width = if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) };
        start..span.end + width
    }

    fn apply(&self, mut edits: Vec<(Range<usize>, String)>) -> Vec<u8> {
        edits.sort_by_key(|(range, _)| range.start);
        let mut text = String::with_capacity(self.source.text.len());
        let mut at = 0;
        for (range, added) in edits {
            text.push_str(&self.source.text[at..range.start]);
            text.push_str(&added);
            at = range.end;
        }
        text.push_str(&self.source.text[at..]);
        // The text was decoded from this encoding, which has all of ASCII, and nothing else is
        // added.
        self.encoding.encode(&text).expect("the encoding has every character of its own text")
    }
}

#[cfg(test)]
mod tests;
