//! SARIF 2.1.0 (OASIS, 27 March 2020), for code hosts and viewers that read it.

use std::collections::BTreeSet;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::document::Document;
use crate::harmless::harmless;
use crate::severity::Severity;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A run of the program. `P` and `R` are the properties of the run and of each result, which are
/// the caller's own; their texts have to be [`clean`].
#[derive(Clone, Debug)]
pub struct Run<P, R> {
    /// Version of the program.
    pub version: &'static str,
    /// `countermark-audit/`: what kind of run it is.
    pub automation: &'static str,
    /// The rules, of which results name some.
    pub rules: Vec<(&'static str, Option<Document>)>,
    /// What was found.
    pub results: Vec<Found<R>>,
    /// Whether everything was looked at.
    pub is_complete: bool,
    /// What could not be used, or looked at.
    pub notices: Vec<Notice>,
    /// More about the run.
    pub properties: P,
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Found<R> {
    /// The rule's code.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is, as a text; escaped here.
    pub message: String,
    /// Where it stands in a file.
    pub place: Option<At>,
    /// What it is about: qualified name, name, kind.
    pub subjects: BTreeSet<Subject>,
    /// The same from run to run; a digest of it is written.
    pub key: String,
    /// Why it is let pass.
    pub suppressed: Option<String>,
    /// More about it.
    pub properties: R,
}

/// What a result is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// `teapot/1.2`.
    pub qualified: String,
    /// `1.2`.
    pub name: String,
    /// `package`, `release`.
    pub kind: &'static str,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// Its path; made a reference here.
    pub path: String,
    /// From 1.
    pub line: u32,
    /// From 1, where it is known.
    pub column: Option<u32>,
}

/// Something that was not looked at.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `warning` or `error`.
    pub level: &'static str,
    /// What, as a text; escaped here.
    pub message: String,
    /// Where.
    pub place: Option<At>,
}

/// Writes the run, with a line end at the end.
#[must_use]
pub fn write<P: Serialize, R: Serialize>(run: Run<P, R>) -> String {
    let codes: Vec<&'static str> = run.rules.iter().map(|(code, _)| *code).collect();
    let rules = run.rules.iter().map(|&(code, document)| sarif_rule(code, document)).collect();
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [SarifRun {
            tool: Tool {
                driver: Driver { name: "countermark", semantic_version: run.version, rules },
            },
            automation_details: AutomationDetails { id: run.automation },
            column_kind: "unicodeCodePoints",
            invocations: [Invocation {
                execution_successful: run.is_complete,
                tool_execution_notifications: run.notices.iter().map(notification).collect(),
            }],
            results: run.results.into_iter().map(|found| result(found, &codes)).collect(),
            properties: run.properties,
        }],
    };
    // Texts, numbers and lists of them: there is nothing that JSON could not hold.
    let mut text = serde_json::to_string_pretty(&log).unwrap_or_default();
    text.push('\n');
    text
}

fn sarif_rule(code: &'static str, document: Option<Document>) -> SarifRule {
    let message = |text: &str| Message { text: text.to_owned() };
    SarifRule {
        id: code,
        name: camel(code),
        short_description: document.map(|document| message(document.title)),
        full_description: document.map(|document| message(document.what)),
        help: document.map(|document| Help {
            text: format!("{}\n\n{}", document.why, document.remedy),
            markdown: format!(
                "**Why**: {}\n\n**What to do**: {}\n\n**Example**: {}",
                document.why, document.remedy, document.example
            ),
        }),
    }
}

/// SARIF wants a name that is an identifier beside the code.
fn camel(code: &str) -> String {
    let mut name = String::with_capacity(code.len());
    for word in code.split('-') {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

fn result<R>(found: Found<R>, codes: &[&'static str]) -> SarifResult<R> {
    let logical = found.subjects.into_iter().map(|subject| Logical {
        fully_qualified_name: clean(&subject.qualified),
        name: clean(&subject.name),
        kind: subject.kind,
    });
    let suppressions = found.suppressed.map(|reason| Suppression {
        kind: "external",
        status: "accepted",
        justification: clean(&reason),
    });
    SarifResult {
        rule_id: found.rule,
        rule_index: codes.iter().position(|code| *code == found.rule),
        kind: if found.severity == Severity::Note { "informational" } else { "fail" },
        level: level(found.severity),
        message: Message { text: escape_message(&clean(&found.message)) },
        locations: vec![Location {
            physical_location: found.place.as_ref().map(physical),
            logical_locations: logical.collect(),
        }],
        partial_fingerprints: Fingerprints { key: fingerprint(&found.key) },
        suppressions: suppressions.into_iter().collect(),
        properties: found.properties,
    }
}

fn notification(notice: &Notice) -> Notification {
    let location = notice.place.as_ref().map(|place| Location {
        physical_location: Some(physical(place)),
        logical_locations: BTreeSet::new(),
    });
    Notification {
        level: notice.level,
        message: Message { text: escape_message(&clean(&notice.message)) },
        locations: location.into_iter().collect(),
    }
}

fn physical(place: &At) -> Physical {
    Physical {
        artifact_location: Artifact { uri: uri(&place.path) },
        region: Region {
            start_line: place.line.max(1),
            start_column: place.column.map(|column| column.max(1)),
        },
    }
}

fn fingerprint(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Viewers show texts on terminals and pages.
#[must_use]
pub fn clean(text: &str) -> String {
    harmless(text).into_owned()
}

/// Section 3.27.10: what is no failure has no level.
const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
        Severity::Note => "none",
    }
}

/// A path as a relative reference of RFC 3986. A colon is escaped, so that nothing before it is
/// taken for a scheme.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/+=@,".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    // Two slashes at the start would name a host.
    if uri.starts_with("//") { format!(".{uri}") } else { uri }
}

/// Section 3.11.5 and 3.11.6: in a message, braces name arguments and brackets make links.
fn escape_message(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '{' | '}' => escaped.extend([c, c]),
            '[' | ']' | '\\' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[derive(Serialize)]
struct Log<P, R> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [SarifRun<P, R>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRun<P, R> {
    tool: Tool,
    automation_details: AutomationDetails,
    column_kind: &'static str,
    invocations: [Invocation; 1],
    results: Vec<SarifResult<R>>,
    properties: P,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<SarifRule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRule {
    id: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    short_description: Option<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_description: Option<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<Help>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct AutomationDetails {
    id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<R> {
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    kind: &'static str,
    level: &'static str,
    message: Message,
    locations: Vec<Location>,
    partial_fingerprints: Fingerprints,
    // Section 3.27.23: empty means that nothing suppresses the result; without it nothing is known.
    suppressions: Vec<Suppression>,
    properties: R,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<Physical>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    logical_locations: BTreeSet<Logical>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
struct Logical {
    fully_qualified_name: String,
    name: String,
    kind: &'static str,
}

/// A digest of [`Found::key`]. Another number in the name means another kind of key.
#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "countermarkFinding/v1")]
    key: String,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_hold_no_links_and_no_arguments() {
        assert_eq!(escape_message("a [b](c) {0} \\"), "a \\[b\\](c) {{0}} \\\\");
    }

    #[test]
    fn paths_are_references() {
        let check = |path: &str, expect: &str| assert_eq!(uri(path), expect);
        check("a/b.toml", "a/b.toml");
        check("a b/ü:x.toml", "a%20b/%C3%BC%3Ax.toml");
        check("//host/x", ".//host/x");
        check("javascript:alert(1)", "javascript%3Aalert%281%29");
    }

    #[test]
    fn names_are_identifiers() {
        assert_eq!(camel("no-digest"), "NoDigest");
    }
}
