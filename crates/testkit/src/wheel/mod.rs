//! Wheels for tests: good ones, old ones, and evil ones.
//!
//! [`Wheel`] writes what a sound build backend writes; a test then changes what it is about,
//! either in the wheel (another METADATA, a line less in RECORD) or in the [`Archive`] below it
//! (any field of any ZIP header). [`evil`] is the catalogue of
//! everything that must be refused, [`good`] of what old and odd builders made and must not be.

pub mod archive;
pub mod evil;
pub mod good;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

pub use archive::{Archive, Member};

/// A wheel that is being made.
#[derive(Clone, Debug)]
pub struct Wheel {
    /// As in the file name.
    pub name: String,
    /// As in the file name.
    pub version: String,
    /// Python, ABI and platform, as in the file name.
    pub tag: String,
    /// The files outside of the dist-info folder, in order.
    pub members: Vec<Member>,
    /// The name of the dist-info folder.
    pub dist_info: String,
    /// METADATA.
    pub metadata: Option<String>,
    /// WHEEL.
    pub wheel: Option<String>,
    /// entry_points.txt.
    pub entry_points: Option<String>,
    /// More files of the dist-info folder, by their names in it.
    pub more: Vec<(String, Vec<u8>)>,
    /// RECORD; made from the members when it is not given.
    pub record: Option<String>,
}

impl Wheel {
    /// A pure wheel for Python 3 without files.
    #[must_use]
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            tag: "py3-none-any".to_owned(),
            members: Vec::new(),
            dist_info: format!("{name}-{version}.dist-info"),
            metadata: Some(format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")),
            wheel: Some(wheel_text(true, &["py3-none-any"])),
            entry_points: None,
            more: Vec::new(),
            record: None,
        }
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, path: &str, content: &[u8]) -> Self {
        self.members.push(Member::file(path, content));
        self
    }

    /// Adds a member of any kind.
    #[must_use]
    pub fn member(mut self, member: Member) -> Self {
        self.members.push(member);
        self
    }

    /// Says what commands there are.
    #[must_use]
    pub fn entry_points(mut self, text: &str) -> Self {
        self.entry_points = Some(text.to_owned());
        self
    }

    /// Adds a requirement to METADATA.
    #[must_use]
    pub fn requires(mut self, requirement: &str) -> Self {
        if let Some(metadata) = &mut self.metadata {
            metadata.push_str(&format!("Requires-Dist: {requirement}\n"));
        }
        self
    }

    /// The name of the file.
    #[must_use]
    pub fn filename(&self) -> String {
        format!("{}-{}-{}.whl", self.name, self.version, self.tag)
    }

    /// Lays the members out, RECORD last.
    #[must_use]
    pub fn archive(&self) -> Archive {
        let mut members = self.members.clone();
        let info =
            |name: &str, text: &[u8]| Member::file(&format!("{}/{name}", self.dist_info), text);
        let texts = [
            ("METADATA", &self.metadata),
            ("WHEEL", &self.wheel),
            ("entry_points.txt", &self.entry_points),
        ];
        members.extend(
            texts.iter().filter_map(|(name, text)| Some(info(name, text.as_ref()?.as_bytes()))),
        );
        members.extend(self.more.iter().map(|(name, content)| info(name, content)));
        let path = format!("{}/RECORD", self.dist_info);
        let record = self.record.clone().unwrap_or_else(|| record_text(&members, &path));
        members.push(Member::file(&path, record.as_bytes()));
        Archive { members, ..Archive::default() }
    }

    /// The bytes of the file.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        self.archive().write()
    }
}

/// The text of a WHEEL file.
#[must_use]
pub fn wheel_text(pure: bool, tags: &[&str]) -> String {
    let tags: String = tags.iter().map(|tag| format!("Tag: {tag}\n")).collect();
    format!("Wheel-Version: 1.0\nGenerator: testkit\nRoot-Is-Purelib: {pure}\n{tags}")
}

/// The text of a RECORD for the members, signatures left out, with itself at the end.
#[must_use]
pub fn record_text(members: &[Member], record: &str) -> String {
    let mut text = String::new();
    for member in members {
        let signature =
            member.name.ends_with("/RECORD.jws") || member.name.ends_with("/RECORD.p7s");
        if !member.name.ends_with('/') && !signature {
            text.push_str(&record_line(&member.name, &member.content));
        }
    }
    text + record + ",,\n"
}

/// One line of a RECORD.
#[must_use]
pub fn record_line(path: &str, content: &[u8]) -> String {
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(content));
    let path = if path.contains([',', '"']) {
        format!("\"{}\"", path.replace('"', "\"\""))
    } else {
        path.into()
    };
    format!("{path},sha256={digest},{}\n", content.len())
}
