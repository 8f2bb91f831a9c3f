//! A constraints file is given digests where it stands.
//!
//! A federation's constraints are lines of `name==version` or `name===version`, some of them several
//! times with markers that exclude each other. Each line is handled by itself: its digests are
//! replaced by those of its release; the pin, its marker, comments and the order of lines stay. A
//! line that pins nothing cannot get digests and is an error, since a file of which a part has
//! digests is refused by installers.

use std::collections::{BTreeMap, BTreeSet};

use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::requirements::FileKind;
use countermark_packaging::lock::requirements::outline::Outline;
use countermark_packaging::lock::requirements::statements::Subject;
use countermark_packaging::lock::{Place, SourceError, codes};
use countermark_packaging::marker::Marker;
use countermark_packaging::name::ProjectName;
use countermark_packaging::requirement::VersionOrUrl;
use countermark_packaging::version::Version;

/// A constraints file whose lines are all pins.
#[derive(Debug)]
pub struct Constraints {
    outline: Outline,
    pins: Vec<Pin>,
}

/// What a line pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The project.
    pub project: ProjectName,
    /// The release.
    pub version: Version,
    /// Where it holds; everywhere when there is none.
    pub marker: Option<Marker>,
    /// Where it stands.
    pub place: Place,
}

impl Constraints {
    /// Takes a file apart.
    ///
    /// # Errors
    /// Every line that pins no release, and everything else that is wrong.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Vec<SourceError>> {
        let parsed = Outline::parse(file, bytes, FileKind::Constraints);
        let mut outline = parsed.map_err(|error| vec![error])?;
        let mut errors = std::mem::take(&mut outline.errors);
        let mut pins = Vec::new();
        for line in &outline.lines {
            let place = line.statement.place.clone();
            let refused = |code, message: &str| outline.error(code, message, place.span.clone());
            let Subject::Requirement(requirement) = &line.statement.subject else { continue };
            let VersionOrUrl::Specifiers(specifiers) = &requirement.source else {
                errors.push(refused(codes::NOT_PINNED, "a URL pins no release of an index"));
                continue;
            };
            if line.has_options {
                let message = "this line has other options than digests";
                errors.push(refused(codes::MISPLACED_OPTION, message));
            }
            match specifiers.pinned().filter(|_| specifiers.iter().len() == 1) {
                Some(version) => pins.push(Pin {
                    project: requirement.name.clone(),
                    version: version.clone(),
                    marker: requirement.marker.clone(),
                    place,
                }),
                None => {
                    let found = refused(codes::NOT_PINNED, "this line does not pin one version");
                    let hint = format!("write `{}==` and a version", requirement.name);
                    errors.push(found.with_hint(hint));
                }
            }
        }
        if !errors.is_empty() {
            errors.sort_by_key(|error| error.place.span.start);
            return Err(errors);
        }
        Ok(Self { outline, pins })
    }

    /// What the lines pin, in their order.
    #[must_use]
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// The file with these digests on the lines of each release, and no others.
    ///
    /// # Errors
    /// Every line for whose release there is no digest.
    pub fn with_digests(
        &self,
        digests: &BTreeMap<(ProjectName, Version), BTreeSet<Sha256>>,
    ) -> Result<Vec<u8>, Vec<SourceError>> {
        let mut errors = Vec::new();
        let mut edits = Vec::new();
        for (line, pin) in self.outline.lines.iter().zip(&self.pins) {
            let release = (pin.project.clone(), pin.version.clone());
            let Some(found) = digests.get(&release).filter(|found| !found.is_empty()) else {
                let message = format!("there is no digest for {} {}", pin.project, pin.version);
                let span = pin.place.span.clone();
                errors.push(self.outline.error(codes::NO_SOURCE, message, span));
                continue;
            };
            let end = self.outline.line_end(line.content.end);
            let written: String = found
                .iter()
                .map(|digest| format!(" \\{end}    --hash=sha256:{}", digest.hex()))
                .collect();
            edits.push((line.requirement.end..line.content.end, written));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        // Only ASCII is added, which every encoding of the reader has.
        self.outline.edited(edits).ok_or_else(|| {
            let message = "the file's encoding does not have the characters of digests";
            vec![self.outline.error(codes::ENCODING, message, 0..0)]
        })
    }
}
