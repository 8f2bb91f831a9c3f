//! An artifact whose metadata is of another project or version than its release.

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

use super::artifacts::{gather, looked_into, ours};
use super::{Document, Rule};
use crate::dossier::{Dossier, ReleaseCase};
use crate::fact::Inside;
use crate::finding::{Finding, Severity};

/// See [`Rule::document`].
#[derive(Debug)]
pub(super) struct MetadataDiffers;

impl Rule for MetadataDiffers {
    fn code(&self) -> &'static str {
        "metadata-differs"
    }

    fn document(&self) -> Document {
        Document {
            title: "a file whose metadata is of another project or version",
            what: "A file that was looked into (`--artifacts DIR`) and whose \
                `METADATA` or `PKG-INFO` names another project or version than the release under \
                which the index lists it, high. Names and versions are compared normalised.",
            why: "Installers choose by the file's name and then record what is inside: the installed \
                package is not the one that was asked for, and later checks look for the wrong one.",
            remedy: "Look at the file. A build that went wrong is yanked and made again; a file that \
                was renamed on purpose is an incident.",
            example: "`high  example-tool  1.4.0  the metadata inside is of version 1.3.9` — an older \
                wheel was uploaded under a new name.",
        }
    }

    fn check_project(&self, dossier: &Dossier<'_>, findings: &mut Vec<Finding>) {
        let mut found = Vec::new();
        for case in ours(dossier) {
            let mut says: Vec<String> = Vec::new();
            let mut files = Vec::new();
            let mut evidence = Vec::new();
            for (file, inside) in looked_into(case) {
                let differs = differences(dossier.name, case, inside);
                if !differs.is_empty() {
                    files.push(file.filename.as_str());
                    evidence.push((file.filename.as_str(), describe(inside)));
                    says.extend(differs);
                }
            }
            says.sort();
            says.dedup();
            if says.is_empty() {
                continue;
            }
            let message = format!("the metadata inside is {}", says.join(" and "));
            let mut finding = Finding::new(self.code(), Severity::High, dossier.name, message)
                .versions([case.text])
                .files(files)
                .evidence("index", format!("lists it under {} {}", dossier.name, case.text))
                .next("look at the file; yank it unless its build explains it");
            for (filename, text) in evidence.into_iter().take(4) {
                finding = finding.evidence(filename, text);
            }
            found.push(finding);
        }
        let message = |count| format!("files of {count} releases have metadata of another release");
        gather(found, message, findings);
    }
}

fn describe(inside: &Inside) -> String {
    let or_nothing = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    format!("says Name: {}, Version: {}", or_nothing(&inside.name), or_nothing(&inside.version))
}

fn differences(project: &ProjectName, case: &ReleaseCase<'_>, inside: &Inside) -> Vec<String> {
    let mut differs = Vec::new();
    if let Some(name) = &inside.name
        && ProjectName::parse(name).ok().as_ref() != Some(project)
    {
        differs.push(format!("of the project `{name}`"));
    }
    if let Some(version) = &inside.version {
        let is_same = match (version.parse::<Version>(), &case.version) {
            (Ok(found), Some(expected)) => found == *expected,
            _ => version == case.text,
        };
        if !is_same {
            differs.push(format!("of version {version}"));
        }
    }
    differs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::fixture::Fixture;

    fn check(release: &str, name: Option<&str>, version: Option<&str>, expect: &[&str]) {
        let fixture = Fixture::new("my-tool")
            .official(release, "2020-01-01")
            .upload(release, "2020-01-01", &["sdist"])
            .with(|fixture| {
                fixture.facts.releases[0].files[0].inside = Some(Inside {
                    name: name.map(str::to_owned),
                    version: version.map(str::to_owned),
                    ..Inside::default()
                });
            });
        let findings = fixture.check(&MetadataDiffers);
        let messages: Vec<&str> = findings.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(messages, expect, "{release} {name:?} {version:?}");
        assert!(findings.iter().all(|one| one.severity == Severity::High && one.files.len() == 1));
    }

    #[test]
    fn spellings_of_one_release_are_the_same() {
        check("1.0", Some("my-tool"), Some("1.0"), &[]);
        check("1.0", Some("My_Tool"), Some("1.0.0"), &[]);
        check("1.0rc1", Some("my.tool"), Some("1.0.c1"), &[]);
        check("1.0", None, None, &[]);
        check("2012.1-a~b", Some("my-tool"), Some("2012.1-a~b"), &[]);
    }

    #[test]
    fn another_release_is_a_finding() {
        check(
            "1.0",
            Some("my-tools"),
            Some("1.0"),
            &["the metadata inside is of the project `my-tools`"],
        );
        check("1.0", Some("my-tool"), Some("1.0.1"), &["the metadata inside is of version 1.0.1"]);
        check(
            "1.0",
            Some("my-tool"),
            Some("UNKNOWN"),
            &["the metadata inside is of version UNKNOWN"],
        );
        check("1.0", Some("../x"), None, &["the metadata inside is of the project `../x`"]);
        check("a~b", None, Some("1.0"), &["the metadata inside is of version 1.0"]);
        let both = "the metadata inside is of the project `x` and of version 2";
        check("1.0", Some("x"), Some("2"), &[both]);
    }
}
