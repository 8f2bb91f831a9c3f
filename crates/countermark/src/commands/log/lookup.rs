//! `log lookup`: who saw which bytes under which name.

use std::collections::BTreeMap;
use std::path::Path;

use countermark_client::log::{Found, Looked, Question};
use countermark_client::report::Problem;
use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use countermark_trust::log::wire::Release;

use super::setting::Setting;
use super::show::{self, Agreement, Shown};
use crate::cli::OutputArgs;
use crate::cli::log_client::LogLookupArgs;
use crate::commands::{Outcome, hash};
use crate::output;

/// What is asked about, as it was given.
struct Subjects {
    question: Question,
    /// Of files that are here.
    here: BTreeMap<String, Digest>,
}

/// Runs the command.
pub(super) fn run(arguments: &LogLookupArgs, output_arguments: &OutputArgs) -> Outcome {
    let subjects = subjects(&arguments.subjects)?;
    let setting = Setting::open(&arguments.log, &arguments.network, output_arguments)?;
    setting.refuse_private(&subjects.question)?;
    let looked = setting.client().lookup(&subjects.question, &subjects.here)?;
    let absent = absent(&subjects, &looked);
    let shown: Vec<Shown<'_>> = looked
        .files
        .iter()
        .chain(&absent)
        .map(|found| {
            let here = subjects.here.get(&found.file);
            Shown { found, here, agreement: Agreement::of(found, here) }
        })
        .collect();
    let text = match arguments.json {
        true => show::json(&looked.head, &shown),
        false => show::text(&looked.head, &shown),
    };
    output::print(text.trim_end_matches('\n'));
    let mut problems = looked.problems.clone();
    problems.extend(unknown(&subjects, &looked, &shown));
    if problems.is_empty() { Ok(0) } else { Err(problems) }
}

/// Files that were named, and of which the log has nothing.
fn absent(subjects: &Subjects, looked: &Looked) -> Vec<Found> {
    let has = |file: &&String| looked.files.iter().any(|found| found.file == **file);
    let names = subjects.question.files.iter().filter(|file| !has(file));
    names.map(|file| Found { file: file.clone(), records: Vec::new() }).collect()
}

fn unknown(subjects: &Subjects, looked: &Looked, shown: &[Shown<'_>]) -> Vec<Problem> {
    let hint =
        "nobody who watches for this log has seen it: it may be too new, or served to you alone";
    let problem = |what: String| {
        let message = format!("{} does not know {what}", looked.head.origin);
        Problem::new("not-in-log", Class::Rejected, message).with_hint(hint)
    };
    let files = shown.iter().filter(|it| it.agreement == Agreement::Unknown);
    let mut problems: Vec<Problem> =
        files.map(|it| problem(format!("`{}`", it.found.file))).collect();
    for release in &subjects.question.releases {
        let has = |found: &Found| found.records.iter().any(|it| release.has(&it.observation));
        if !looked.files.iter().any(has) {
            problems.push(problem(format!("a file of {} {}", release.project, release.version)));
        }
    }
    problems
}

fn subjects(texts: &[String]) -> Result<Subjects, Vec<Problem>> {
    let (mut question, mut here) = (Question::default(), BTreeMap::new());
    let mut problems = Vec::new();
    for text in texts {
        match subject(text) {
            Ok(Subject::Release(release)) => drop(question.releases.insert(release)),
            Ok(Subject::File { name, project, digest }) => {
                question.projects.extend(project);
                question.files.insert(name.clone());
                here.extend(digest.map(|digest| (name, digest)));
            }
            Err(problem) => problems.push(*problem),
        }
    }
    if problems.is_empty() { Ok(Subjects { question, here }) } else { Err(problems) }
}

enum Subject {
    Release(Release),
    File { name: String, project: Option<ProjectName>, digest: Option<Digest> },
}

fn subject(text: &str) -> Result<Subject, Box<Problem>> {
    let wrong = |message: String| Box::new(Problem::new("bad-release", Class::Usage, message));
    if let Some((project, version)) = text.split_once("==") {
        let project = ProjectName::parse(project.trim())
            .map_err(|error| wrong(format!("`{text}`: {error}")))?;
        let version = version.trim().parse();
        let version = version.map_err(|_| wrong(format!("`{text}` names no version")))?;
        return Ok(Subject::Release(Release { project, version }));
    }
    let path = Path::new(text);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let project = DistributionFilename::parse(&name).ok().map(|parsed| parsed.name().clone());
    if path.exists() {
        let digest = hash::digest(path, Algorithm::Sha256).map_err(|error| {
            let message = format!("cannot read `{text}`");
            let problem = Problem::new("file-unreadable", Class::Usage, message);
            Box::new(problem.with_detail(error.to_string()))
        })?;
        return Ok(Subject::File { name, project, digest: Some(digest) });
    }
    if project.is_none() || text != name {
        let message = format!("`{text}` is neither NAME==VERSION nor a file");
        return Err(wrong(message));
    }
    Ok(Subject::File { name, project, digest: None })
}
