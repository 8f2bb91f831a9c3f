//! `log monitor`: every entry of the log, for the owners of names.

use std::collections::BTreeSet;
use std::path::Path;

use countermark_client::log::{Monitored, News, Watched};
use countermark_client::report::Problem;
use countermark_packaging::name::{NamePattern, ProjectName};
use countermark_trust::Class;
use serde::Serialize;

use super::setting::Setting;
use crate::cli::OutputArgs;
use crate::cli::audit::AuditInputArgs;
use crate::cli::log_client::LogMonitorArgs;
use crate::commands::Outcome;
use crate::commands::audit::gather;
use crate::output;
use crate::progress::Teller;

/// What is new is worth a look, and nobody is accused.
const NEWS: u8 = 1;

/// Runs the command.
pub(super) fn run(arguments: &LogMonitorArgs, output_arguments: &OutputArgs) -> Outcome {
    let setting = Setting::open(&arguments.log, &arguments.network, output_arguments)?;
    let watched = watched(arguments, &setting.teller)?;
    let monitored = setting.client().monitor(&watched, arguments.from_start)?;
    if arguments.json {
        output::print(&json(&monitored));
    } else {
        tell(&monitored, &setting);
    }
    if !monitored.problems.is_empty() {
        return Err(monitored.problems);
    }
    let is_news = monitored.news.iter().any(|news| !monitored.is_first || !news.others.is_empty());
    Ok(if is_news { NEWS } else { 0 })
}

fn watched(arguments: &LogMonitorArgs, teller: &Teller) -> Result<Watched, Vec<Problem>> {
    let mut names = arguments.projects.clone();
    if let Some(path) = &arguments.federation {
        names.extend(federation(path, teller)?.iter().map(ToString::to_string));
    }
    let (mut patterns, mut problems) = (Vec::new(), Vec::new());
    for name in &names {
        match NamePattern::parse(name) {
            Some(pattern) => patterns.push(pattern),
            None => {
                let message =
                    format!("`{name}` is neither a name of a project nor the beginning of names");
                problems.push(Problem::new("bad-name", Class::Usage, message));
            }
        }
    }
    if problems.is_empty() { Ok(Watched { patterns }) } else { Err(problems) }
}

/// The names of a federation: those of its records, and those that it holds beside them.
fn federation(path: &Path, teller: &Teller) -> Result<BTreeSet<ProjectName>, Vec<Problem>> {
    let (_, federation) = gather::read_federation(Some(path))?;
    let mut names = federation.names.clone();
    if !federation.records.is_empty() {
        let asked =
            AuditInputArgs { federation: Some(path.to_owned()), ..AuditInputArgs::default() };
        names.extend(gather::prepare(&asked, teller)?.records.projects.into_keys());
    }
    names.retain(|name| !federation.excluded.contains(name));
    if names.is_empty() {
        let message = format!("`{}` names no project", path.display());
        return Err(vec![Problem::new("nothing-given", Class::Usage, message)]);
    }
    Ok(names)
}

fn tell(monitored: &Monitored, setting: &Setting) {
    for news in &monitored.news {
        output::print(&line(news));
    }
    let head = &monitored.head;
    let read = output::grouped(head.size - monitored.from);
    let (entries, origin) = (output::grouped(head.size), &head.origin);
    let what = match (monitored.is_first, monitored.news.is_empty()) {
        (true, _) => "; this is the first run, from now on what is new is told",
        (false, true) => "; nothing new",
        (false, false) => "",
    };
    setting
        .teller
        .line(&format!("{read} entries read, all of them signed: {origin} has {entries}{what}"));
}

fn line(news: &News) -> String {
    let record = &news.record;
    let second = match news.others.as_slice() {
        [] => String::new(),
        others => {
            let others: Vec<String> = others.iter().map(ToString::to_string).collect();
            format!(", ANOTHER DIGEST than entry {}", others.join(", "))
        }
    };
    format!(
        "entry {}: {} {}, {} since {}{second}",
        news.index,
        record.file(),
        record.digest(),
        record.observer(),
        record.first_seen()
    )
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    log: &'a str,
    size: u64,
    root: &'a str,
    from: u64,
    first_run: bool,
    news: Vec<NewsDocument<'a>>,
}

#[derive(Serialize)]
struct NewsDocument<'a> {
    index: u64,
    project: &'a str,
    file: &'a str,
    digest: String,
    observer: String,
    first_seen: String,
    other_digest_than: &'a [u64],
}

fn json(monitored: &Monitored) -> String {
    let news = monitored.news.iter().map(|news| NewsDocument {
        index: news.index,
        project: news.record.project().as_str(),
        file: news.record.file(),
        digest: news.record.digest().to_string(),
        observer: news.record.observer().to_string(),
        first_seen: news.record.first_seen().to_string(),
        other_digest_than: &news.others,
    });
    let document = Document {
        version: 1,
        log: &monitored.head.origin,
        size: monitored.head.size,
        root: &monitored.head.root,
        from: monitored.from,
        first_run: monitored.is_first,
        news: news.collect(),
    };
    // Numbers, strings and lists always serialise.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
