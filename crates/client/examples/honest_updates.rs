//! What the recommended policy says to updates, for `bench/honest_updates.py`.
//!
//! Reads lines of `PROJECT VERSION BEFORE AFTER UPLOADED NOW`, separated by tabs: paths of two archives
//! (`-` at first use) and times. Writes a line for each: verdict, rule, message, separated by tabs.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use countermark_client::contents::{ContentsError, Distribution, read_contents};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::StatusMarker;
use countermark_packaging::version::Version;
use countermark_trust::change::{Change, Contents};
use countermark_trust::policy::{Policy, Section, Subject, Verdict};
use jiff::Timestamp;

fn main() -> ExitCode {
    let text = Policy::recommended();
    let Ok(policy) = Policy::parse("recommended", text.as_bytes(), Section::File) else {
        return ExitCode::from(2);
    };
    for line in io::stdin().lines().map_while(Result::ok) {
        match judge(&policy, &line) {
            Some(answers) => answers.iter().for_each(|answer| println!("{answer}")),
            None => println!("error\t\tcannot read the line"),
        }
        println!("end\t\t");
    }
    ExitCode::SUCCESS
}

fn judge(policy: &Policy, line: &str) -> Option<Vec<String>> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [project, version, before, after, uploaded, now] = fields.as_slice() else { return None };
    let project = ProjectName::parse(project).ok()?;
    let version: Version = version.parse().ok()?;
    let (uploaded, now): (Timestamp, Timestamp) = (uploaded.parse().ok()?, now.parse().ok()?);
    let is_new = *before == "-";
    let change = if is_new { None } else { Some(change(before, after)) };
    let change = match change.transpose() {
        Ok(change) => change,
        Err(error) => return Some(vec![format!("error\t{}\t{error}", error.code())]),
    };
    let subject = Subject {
        index: Some("https://index.example.org/simple/"),
        also_on: Some(&[]),
        uploaded: Some(uploaded),
        status: Some(StatusMarker::Active),
        has_source: Some(!after.ends_with(".whl")),
        is_new,
        change: change.as_ref(),
        ..Subject::new(&project, &version)
    };
    let answers = policy.check(&subject, now).into_iter().filter_map(|verdict| match verdict {
        Verdict::Accepted | Verdict::Excepted(..) | Verdict::Warned(_) => None,
        Verdict::Rejected(it) => Some(format!("rejected\t{}\t{}", it.rule, it.message)),
        Verdict::Undecided(it) => Some(format!("undecided\t{}\t{}", it.rule, it.message)),
    });
    Some(answers.collect())
}

fn change(before: &str, after: &str) -> Result<Change, ContentsError> {
    Ok(Change::between(&contents(before)?, &contents(after)?))
}

fn contents(path: &str) -> Result<Contents, ContentsError> {
    let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
    let filename = name.unwrap_or_default();
    let archive = File::open(path)
        .map_err(|source| ContentsError::Read { filename: filename.clone(), source })?;
    read_contents(Distribution { archive: &archive, filename: &filename })
}
