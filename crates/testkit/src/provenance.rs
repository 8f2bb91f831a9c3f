//! Provenance objects (PEP 740) as an index serves them. Nothing in them is signed: whoever reads one
//! without verifying it has the index's word, true or not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countermark_packaging::digest::Sha256;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::index::{Scenario, ServedFile};

/// An object that says a workflow of a repository published these bytes.
#[must_use]
pub fn of_workflow(repository: &str, workflow: &str, filename: &str, bytes: &[u8]) -> Vec<u8> {
    let publisher = json!({ "kind": "GitHub", "repository": repository, "workflow": workflow });
    object(&publisher, filename, bytes)
}

/// An object with any publisher.
#[must_use]
pub fn object(publisher: &Value, filename: &str, bytes: &[u8]) -> Vec<u8> {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": filename, "digest": { "sha256": Sha256(sha2::Sha256::digest(bytes).into()).hex() } }],
        "predicateType": "https://example.org/attestations/publish/v1",
        "predicate": null,
    });
    let envelope = json!({
        "statement": STANDARD.encode(statement.to_string()),
        "signature": STANDARD.encode("nobody signed this"),
    });
    let attestation = json!({
        "version": 1,
        "verification_material": { "certificate": "", "transparency_entries": [] },
        "envelope": envelope,
    });
    let bundles = json!([{ "publisher": publisher, "attestations": [attestation] }]);
    json!({ "version": 1, "attestation_bundles": bundles }).to_string().into_bytes()
}

impl Scenario {
    /// Adds a file with a provenance object, at `/integrity/FILENAME`.
    #[must_use]
    pub fn file_with_provenance(self, project: &str, file: ServedFile, object: Vec<u8>) -> Self {
        let path = format!("/integrity/{}", file.filename);
        let file = file.advertise(|claims| claims.provenance = Some(format!("../..{path}")));
        self.serve(&path, "application/vnd.pypi.integrity.v1+json", object).file(project, file)
    }
}
