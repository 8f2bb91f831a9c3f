//! The provenance object of a file (PEP 740), of which two things are read: who published the file as
//! the index says, and which file each attestation in it is about.
//!
//! No signature is verified here, so that all of it is the index's word: it can say who published a
//! file, and it can be held against what it said of the release before. An object that is about another
//! file than the one it was asked for is no provenance of it ([`Provenance::is_of`]).
//!
//! Specification: PEP 740, "Provenance objects" and "Attestation objects"; the statements are in-toto's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::digest::Sha256;

/// The longest object that is read, in bytes.
pub const MAX_PROVENANCE: u64 = 4 << 20;

/// Most bundles of one file, and attestations of one bundle.
const MAX_LISTED: usize = 64;

/// The longest part of a publisher's name, in bytes.
const MAX_PART: usize = 255;

/// What is kept of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Who published the file, one for each bundle, sorted, each once.
    publishers: Vec<String>,
    /// What the attestations are about.
    subjects: Vec<Sha256>,
}

/// Why an object cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProvenanceError {
    /// Not JSON, or another form.
    #[error("expected a provenance object: {reason}")]
    Form {
        /// What is wrong.
        reason: String,
    },
    /// A later version of the format.
    #[error("the provenance object has version {found}, expected 1")]
    Version {
        /// What it says.
        found: u64,
    },
    /// More than anybody needs.
    #[error("the provenance object has more than {MAX_LISTED} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
    },
}

impl Provenance {
    /// Reads the object.
    ///
    /// # Errors
    /// When it has another form, another version, no attestation at all, or more than there may be.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProvenanceError> {
        if bytes.len() as u64 > MAX_PROVENANCE {
            return Err(form(&format!("it is larger than {MAX_PROVENANCE} bytes")));
        }
        let raw: Raw = serde_json::from_slice(bytes).map_err(|error| form(&error.to_string()))?;
        if raw.version != 1 {
            return Err(ProvenanceError::Version { found: raw.version });
        }
        if raw.attestation_bundles.is_empty() {
            return Err(form("it has no attestation"));
        }
        let too_many = |what| Err(ProvenanceError::TooMany { what });
        if raw.attestation_bundles.len() > MAX_LISTED {
            return too_many("bundles");
        }
        let (mut publishers, mut subjects) = (Vec::new(), Vec::new());
        for bundle in raw.attestation_bundles {
            publishers.push(publisher(&bundle.publisher)?);
            if bundle.attestations.is_empty() {
                return Err(form("a bundle has no attestation"));
            }
            if bundle.attestations.len() > MAX_LISTED {
                return too_many("attestations");
            }
            for attestation in bundle.attestations {
                subjects.push(subject(&attestation.envelope.statement)?);
            }
        }
        publishers.sort();
        publishers.dedup();
        Ok(Self { publishers, subjects })
    }

    /// Whether every attestation in it is about the file with this digest.
    #[must_use]
    pub fn is_of(&self, digest: &Sha256) -> bool {
        self.subjects.iter().all(|subject| subject == digest)
    }

    /// Who published the file, such as `github:owner/repository/workflow.yml`. Where several are named,
    /// it is a name for all of them together, which is none of theirs.
    #[must_use]
    pub fn publisher(&self) -> String {
        self.publishers.join(" and ")
    }
}

#[derive(Deserialize)]
struct Raw {
    version: u64,
    attestation_bundles: Vec<RawBundle>,
}

#[derive(Deserialize)]
struct RawBundle {
    publisher: Map<String, Value>,
    attestations: Vec<RawAttestation>,
}

#[derive(Deserialize)]
struct RawAttestation {
    envelope: RawEnvelope,
}

#[derive(Deserialize)]
struct RawEnvelope {
    statement: String,
}

#[derive(Deserialize)]
struct RawStatement {
    subject: Vec<RawSubject>,
}

#[derive(Deserialize)]
struct RawSubject {
    digest: RawDigest,
}

#[derive(Deserialize)]
struct RawDigest {
    sha256: String,
}

fn form(reason: &str) -> ProvenanceError {
    ProvenanceError::Form { reason: reason.chars().take(300).collect() }
}

/// `kind:what identifies it`. The environment of a workflow is left out: a project that begins to use
/// one is still the same publisher.
fn publisher(raw: &Map<String, Value>) -> Result<String, ProvenanceError> {
    let kind = part(raw, "kind")?;
    let name = match kind.as_str() {
        "GitHub" => format!("{}/{}", part(raw, "repository")?, part(raw, "workflow")?),
        "GitLab" => format!("{}/{}", part(raw, "repository")?, part(raw, "workflow_filepath")?),
        "Google" => part(raw, "email")?,
        // Kinds that nobody knew when this was written: everything that the index says of it.
        _ => {
            let texts = raw.iter().filter(|(key, _)| *key != "kind" && *key != "claims");
            let texts = texts.filter(|(_, value)| value.is_string());
            let parts: Result<Vec<String>, _> =
                texts.map(|(key, _)| part(raw, key).map(|text| format!("{key}={text}"))).collect();
            parts?.join(",")
        }
    };
    Ok(format!("{}:{name}", kind.to_ascii_lowercase()))
}

/// A text of the publisher that is not empty, not long and shows what it is: the parts of a name must
/// not be able to make it that of another publisher.
fn part(raw: &Map<String, Value>, key: &str) -> Result<String, ProvenanceError> {
    let text = raw.get(key).and_then(Value::as_str);
    let text = text.ok_or_else(|| form(&format!("the publisher has no `{key}`")))?;
    let is_plain = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-' | '/' | '@' | '+')
    };
    if text.is_empty() || text.len() > MAX_PART || !text.chars().all(is_plain) {
        return Err(form(&format!("the publisher's `{key}` is not a plain name")));
    }
    Ok(text.to_owned())
}

/// The one file that a statement is about.
fn subject(statement: &str) -> Result<Sha256, ProvenanceError> {
    let bytes = STANDARD.decode(statement).map_err(|error| form(&error.to_string()))?;
    let statement: RawStatement =
        serde_json::from_slice(&bytes).map_err(|error| form(&error.to_string()))?;
    let [subject] = statement.subject.as_slice() else {
        let found = statement.subject.len();
        return Err(form(&format!("a statement is about {found} files, expected 1")));
    };
    Sha256::parse_hex(&subject.digest.sha256).map_err(|error| form(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

    fn statement(digest: &str) -> String {
        let text = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"a-1.tar.gz","digest":{{"sha256":"{digest}"}}}}],"predicateType":"x","predicate":null}}"#
        );
        STANDARD.encode(text)
    }

    fn bundle(publisher: &str, digest: &str) -> String {
        let statement = statement(digest);
        format!(
            r#"{{"publisher":{publisher},"attestations":[{{"version":1,"verification_material":{{}},"envelope":{{"statement":"{statement}","signature":"AA=="}}}}]}}"#
        )
    }

    fn object(bundles: &[String]) -> String {
        format!(r#"{{"version":1,"attestation_bundles":[{}]}}"#, bundles.join(","))
    }

    const GITHUB: &str = r#"{"kind":"GitHub","repository":"acme/tea","workflow":"release.yml","environment":"pypi","claims":{"ref":"x"}}"#;

    fn read(text: &str) -> Result<Provenance, ProvenanceError> {
        Provenance::parse(text.as_bytes())
    }

    #[test]
    fn the_publisher_is_told_in_one_word() {
        let check = |publisher: &str, expect: &str| {
            let found = read(&object(&[bundle(publisher, DIGEST)])).unwrap();
            assert_eq!(found.publisher(), expect);
        };
        check(GITHUB, "github:acme/tea/release.yml");
        check(
            r#"{"kind":"GitLab","repository":"acme/tea","workflow_filepath":".gitlab-ci.yml"}"#,
            "gitlab:acme/tea/.gitlab-ci.yml",
        );
        check(r#"{"kind":"Google","email":"a@example.org"}"#, "google:a@example.org");
        check(r#"{"kind":"Later","b":"2","a":"1","n":3}"#, "later:a=1,b=2");
    }

    #[test]
    fn several_publishers_are_none_of_them() {
        let other = GITHUB.replace("release.yml", "other.yml");
        let both = object(&[bundle(GITHUB, DIGEST), bundle(&other, DIGEST)]);
        let found = read(&both).unwrap().publisher();
        assert_eq!(found, "github:acme/tea/other.yml and github:acme/tea/release.yml");
        let twice = object(&[bundle(GITHUB, DIGEST), bundle(GITHUB, DIGEST)]);
        assert_eq!(read(&twice).unwrap().publisher(), "github:acme/tea/release.yml");
    }

    #[test]
    fn every_attestation_has_to_be_about_the_file() {
        let (own, other) = (Sha256([10; 32]), Sha256([11; 32]));
        let one = read(&object(&[bundle(GITHUB, DIGEST)])).unwrap();
        assert!(one.is_of(&own) && !one.is_of(&other));
        let mixed = object(&[bundle(GITHUB, DIGEST), bundle(GITHUB, &other.hex())]);
        let mixed = read(&mixed).unwrap();
        assert!(!mixed.is_of(&own) && !mixed.is_of(&other));
    }

    #[test]
    fn other_forms_are_refused_with_the_reason() {
        let check = |text: &str, expect: &str| {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
        };
        let good = object(&[bundle(GITHUB, DIGEST)]);
        assert!(read(&good).is_ok());
        check("[]", "expected a provenance object");
        check(&good.replacen("\"version\":1", "\"version\":2", 1), "has version 2, expected 1");
        check(&object(&[]), "it has no attestation");
        check(&object(&vec![bundle(GITHUB, DIGEST); 65]), "more than 64 bundles");
        check(&good.replace("\"repository\":\"acme/tea\",", ""), "has no `repository`");
        check(&good.replace("acme/tea", "acme/tea and"), "`repository` is not a plain name");
        check(&good.replace("acme/tea", "acme:tea"), "`repository` is not a plain name");
        check(&good.replace("acme/tea", ""), "`repository` is not a plain name");
        check(&good.replace(&statement(DIGEST), "!"), "expected a provenance object");
        check(&good.replace(&statement(DIGEST), &statement("0a")), "expected a provenance object");
        let none = STANDARD.encode(r#"{"subject":[]}"#);
        check(&good.replace(&statement(DIGEST), &none), "about 0 files, expected 1");
    }
}
