//! The list of installed packages, in the forms of `pip list`, with the digest of what each came
//! from where we know it.

use std::fmt::Write as _;

use serde::Serialize;

use super::Environment;

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPackage {
    /// As METADATA spells it.
    pub name: String,
    /// The version, normalised.
    pub version: String,
    /// SHA-256 of the wheel, as our record says, lower-case hexadecimal. A claim: `verify` tells
    /// whether it holds.
    pub sha256: Option<String>,
}

/// The published JSON form.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
}

/// Gathers the list, in the order of the environment. What cannot be read is left out of the line.
#[must_use]
pub fn list_packages(environment: &Environment) -> Vec<ListedPackage> {
    let list = environment.installed.iter().map(|installed| {
        let name = installed.read_metadata().map(|metadata| metadata.raw_name);
        let provenance = installed.read_provenance().ok().flatten();
        ListedPackage {
            name: name.unwrap_or_else(|_| installed.name.to_string()),
            version: installed.version.to_string(),
            sha256: provenance.map(|provenance| provenance.sha256),
        }
    });
    list.collect()
}

/// Columns under a heading; the digest is shown where any package has one. Empty without packages.
#[must_use]
pub fn render_columns(packages: &[ListedPackage]) -> String {
    if packages.is_empty() {
        return String::new();
    }
    let has_digests = packages.iter().any(|package| package.sha256.is_some());
    let mut rows = vec![["Package", "Version", "SHA-256"]];
    rows.extend(packages.iter().map(|package| {
        [package.name.as_str(), &package.version, package.sha256.as_deref().unwrap_or("-")]
    }));
    let count = if has_digests { 3 } else { 2 };
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..count).filter_map(width).collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        push_line(&mut text, row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")));
        if place == 0 {
            push_line(&mut text, widths.iter().map(|width| "-".repeat(*width)));
        }
    }
    text
}

fn push_line(text: &mut String, cells: impl Iterator<Item = String>) {
    let line = cells.collect::<Vec<_>>().join(" ");
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", line.trim_end());
}

/// A JSON array on one line, with `sha256` where it is known.
#[must_use]
pub fn render_json(packages: &[ListedPackage]) -> String {
    let rows: Vec<Row<'_>> = packages
        .iter()
        .map(|package| Row {
            name: &package.name,
            version: &package.version,
            sha256: package.sha256.as_deref(),
        })
        .collect();
    // Strings always serialise.
    serde_json::to_string(&rows).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(sha256: Option<&str>) -> Vec<ListedPackage> {
        let package = |name: &str, version: &str, sha256: Option<&str>| ListedPackage {
            name: name.into(),
            version: version.into(),
            sha256: sha256.map(Into::into),
        };
        vec![package("a", "1.0", None), package("long-name", "2", sha256)]
    }

    #[test]
    fn columns() {
        let plain = "Package   Version\n--------- -------\na         1.0\nlong-name 2\n";
        assert_eq!(render_columns(&packages(None)), plain);
        let with_digest = "Package   Version SHA-256\n--------- ------- -------\n\
            a         1.0     -\nlong-name 2       abc\n";
        assert_eq!(render_columns(&packages(Some("abc"))), with_digest);
        assert_eq!(render_columns(&[]), "");
    }

    #[test]
    fn json() {
        let expect =
            r#"[{"name":"a","version":"1.0"},{"name":"long-name","version":"2","sha256":"abc"}]"#;
        assert_eq!(render_json(&packages(Some("abc"))), expect);
        assert_eq!(render_json(&[]), "[]");
    }
}
