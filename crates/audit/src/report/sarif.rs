//! The report in SARIF 2.1.0 (OASIS, 27 March 2020), for code hosts and viewers that read it.
//!
//! A finding is about a project of an index, not about a line of a file: its logical location is
//! always there, and the physical one where a record with a line stands behind it.

use std::collections::BTreeSet;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::harmless::harmless;
use super::phrase::{projects, versions};
use super::{Options, Report};
use crate::finding::{Finding, Severity};
use crate::rule::{self, Document, RULES};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes the findings that these options show, and the accepted ones as suppressed, with a line end
/// at the end.
#[must_use]
pub fn write(report: &Report, options: Options) -> String {
    let rules = rules(report);
    let result = |finding: &Finding, reason: Option<&str>| {
        result(finding, reason.or(finding.explained.as_deref()), &rules)
    };
    let shown = report.shown(options).map(|finding| result(finding, None));
    let accepted = report.accepted.iter().map(|(finding, reason)| result(finding, Some(reason)));
    let results: Vec<SarifResult> = shown.chain(accepted).collect();
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "countermark",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    rules: rules
                        .iter()
                        .map(|&(code, document)| sarif_rule(code, document))
                        .collect(),
                },
            },
            automation_details: AutomationDetails { id: "countermark-audit/" },
            column_kind: "unicodeCodePoints",
            invocations: [invocation(report)],
            results,
            properties: RunProperties {
                federation: report.federation.as_deref().map(clean),
                at: report.at.to_string(),
                facts: clean(&report.facts),
                sources: report.sources.iter().map(|source| clean(source)).collect(),
                records_until: report.records_until.as_deref().map(clean),
                assumptions: report.assumptions.iter().map(|text| clean(text)).collect(),
            },
        }],
    };
    // Texts, numbers and lists of them: there is nothing that JSON could not hold.
    let mut text = serde_json::to_string_pretty(&log).unwrap_or_default();
    text.push('\n');
    text
}

/// All rules, and after them those of findings that are not registered, sorted: a viewer looks
/// results up by their index.
fn rules(report: &Report) -> Vec<(&'static str, Option<Document>)> {
    let mut rules: Vec<_> = RULES.iter().map(|rule| (rule.code(), Some(rule.document()))).collect();
    let findings = report.findings.iter().chain(report.accepted.iter().map(|(finding, _)| finding));
    let mut others: Vec<&'static str> =
        findings.map(|finding| finding.rule).filter(|code| rule::find(code).is_none()).collect();
    others.sort_unstable();
    others.dedup();
    rules.extend(others.into_iter().map(|code| (code, None)));
    rules
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

fn result(
    finding: &Finding,
    suppressed: Option<&str>,
    rules: &[(&'static str, Option<Document>)],
) -> SarifResult {
    let of = match versions(finding) {
        versions if versions.is_empty() => projects(finding),
        versions => format!("{} {versions}", projects(finding)),
    };
    let mut text = format!("{of}: {}", clean(&finding.message));
    if !finding.next.is_empty() {
        text.push_str(&format!(". Next: {}", clean(&finding.next)));
    }
    let suppressions = suppressed.map(|reason| Suppression {
        kind: "external",
        status: "accepted",
        justification: clean(reason),
    });
    SarifResult {
        rule_id: finding.rule,
        rule_index: rules.iter().position(|(code, _)| *code == finding.rule),
        kind: if finding.severity == Severity::Note { "informational" } else { "fail" },
        level: level(finding.severity),
        message: Message { text: escape_message(&text) },
        locations: vec![location(finding)],
        partial_fingerprints: Fingerprints { key: fingerprint(finding) },
        suppressions: suppressions.into_iter().collect(),
        properties: ResultProperties {
            severity: finding.severity.name(),
            projects: finding.projects.iter().map(|name| name.as_str().to_owned()).collect(),
            versions: finding.versions.iter().map(|text| clean(text)).collect(),
            files: finding.files.iter().map(|text| clean(text)).collect(),
            accounts: finding.accounts.iter().map(|text| clean(text)).collect(),
            evidence: finding
                .evidence
                .iter()
                .map(|one| format!("{}: {}", clean(&one.source), clean(&one.text)))
                .collect(),
            next: clean(&finding.next),
        },
    }
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

fn location(finding: &Finding) -> Location {
    let place = finding.evidence.iter().find_map(|evidence| place(&evidence.source));
    // The schema wants no two alike.
    let mut logical = BTreeSet::new();
    for project in &finding.projects {
        let project = project.as_str();
        if finding.projects.len() > 1 || finding.versions.is_empty() {
            logical.insert(Logical {
                fully_qualified_name: project.to_owned(),
                name: project.to_owned(),
                kind: "package",
            });
            continue;
        }
        logical.extend(finding.versions.iter().map(|version| Logical {
            fully_qualified_name: format!("{project}/{}", clean(version)),
            name: clean(version),
            kind: "release",
        }));
    }
    Location { physical_location: place, logical_locations: logical }
}

/// The place in `path:line` or `path:line:column`.
fn place(source: &str) -> Option<Physical> {
    let (head, last) = source.rsplit_once(':')?;
    let last = last.parse::<u32>().ok()?;
    let with_column = head
        .rsplit_once(':')
        .and_then(|(path, line)| Some((path, line.parse::<u32>().ok()?, Some(last))));
    let (path, line, column) = with_column.unwrap_or((head, last, None));
    if path.is_empty() || line == 0 {
        return None;
    }
    Some(Physical {
        artifact_location: Artifact { uri: uri(path) },
        region: Region { start_line: line, start_column: column.filter(|&column| column > 0) },
    })
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

fn fingerprint(finding: &Finding) -> String {
    let digest = Sha256::digest(finding.key().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn invocation(report: &Report) -> Invocation {
    let problems = report.problems.iter().map(|problem| Notification {
        level: "warning",
        message: Message { text: escape_message(&clean(&problem.message)) },
        locations: vec![Location {
            physical_location: Some(Physical {
                artifact_location: Artifact { uri: uri(&problem.file) },
                region: Region {
                    start_line: problem.position.map_or(1, |(line, _)| line.max(1)),
                    start_column: problem.position.map(|(_, column)| column.max(1)),
                },
            }),
            logical_locations: BTreeSet::new(),
        }],
    });
    let unread = report.unread.iter().map(|(name, reason)| Notification {
        level: "error",
        message: Message {
            text: escape_message(&format!("{name} was not judged: {}", clean(reason))),
        },
        locations: Vec::new(),
    });
    Invocation {
        execution_successful: report.unread.is_empty() && report.problems.is_empty(),
        tool_execution_notifications: problems.chain(unread).collect(),
    }
}

/// Viewers show texts on terminals and pages.
fn clean(text: &str) -> String {
    harmless(text).into_owned()
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
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    automation_details: AutomationDetails,
    column_kind: &'static str,
    invocations: [Invocation; 1],
    results: Vec<SarifResult>,
    properties: RunProperties,
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
struct SarifResult {
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
    properties: ResultProperties,
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

/// A digest of [`Finding::key`]. Another number in the name means another kind of key.
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties {
    federation: Option<String>,
    at: String,
    facts: String,
    sources: Vec<String>,
    records_until: Option<String>,
    assumptions: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultProperties {
    severity: &'static str,
    projects: Vec<String>,
    versions: Vec<String>,
    files: Vec<String>,
    accounts: Vec<String>,
    evidence: Vec<String>,
    next: String,
}

#[cfg(test)]
mod tests;
