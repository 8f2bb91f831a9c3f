//! `port vendor/`: which releases the packages of a folder are, as lines with digests.
//!
//! What is printed pins files of releases: the wheels and source packages that lie in the folder, and
//! the wheels with which unpacked packages were compared. A copy that was changed gives the pin of the
//! release that it was made from, an error, and a list of what was changed: installing the pin gives
//! other files than the copy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use countermark_client::report::{Problem, Progress, Reporter as _};
use countermark_client::vendored::{
    self, Context, Distribution, OnIndex, Ported, Vendored, identify, on_index,
};
use countermark_client::{sight, vendored::Changed};
use countermark_packaging::digest::Sha256;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;
use similar::{ChangeTag, TextDiff};

use super::super::install::open_store;
use super::super::report::replace_file;
use crate::cli::OutputArgs;
use crate::cli::port::PortArgs;
use crate::progress::Teller;
use crate::{output, session, setup};

/// Files of one package that are listed one by one.
const MAX_LISTED: usize = 20;

/// Everything that was found out.
#[derive(Default)]
struct Report {
    /// Digests of files, by release.
    pins: BTreeMap<(ProjectName, Version), BTreeSet<Sha256>>,
    /// Lines for people.
    lines: Vec<String>,
    problems: Vec<Problem>,
}

/// Ports the folders, prints or writes the pins, and gives what could not be matched.
pub(super) fn port(
    folders: &[&Path],
    arguments: &PortArgs,
    output_arguments: &OutputArgs,
) -> Result<Vec<Problem>, Vec<Problem>> {
    session::refuse_weakening(&arguments.index)?;
    if arguments.write {
        let message = "`--write` changes files; the pins of a folder go to `--output FILE`";
        return Err(vec![Problem::new("bad-option", Class::Usage, message)]);
    }
    let teller = Teller::new(output_arguments);
    let mut report = Report::default();
    for folder in folders {
        let vendored = vendored::scan(folder)
            .map_err(|error| vec![Problem::of(error.code(), error.class(), &error)])?;
        if is_empty(&vendored) {
            let message =
                format!("`{}` holds no package, wheel or source package", folder.display());
            report.problems.push(Problem::new("vendored-unknown", Class::Rejected, message));
        }
        report.add(folder, vendored, arguments, &teller)?;
    }
    report.check_releases();
    let text = report.text();
    match &arguments.output {
        Some(path) if !text.is_empty() => replace_file(path, text.as_bytes())?,
        Some(_) => {}
        None if text.is_empty() => {}
        None => output::print(text.trim_end()),
    }
    for line in &report.lines {
        teller.line(line);
    }
    Ok(report.problems)
}

fn is_empty(vendored: &Vendored) -> bool {
    let Vendored { distributions, packages, unusable, .. } = vendored;
    distributions.is_empty() && packages.is_empty() && unusable.is_empty()
}

impl Report {
    fn add(
        &mut self,
        folder: &Path,
        mut vendored: Vendored,
        arguments: &PortArgs,
        teller: &Teller,
    ) -> Result<(), Vec<Problem>> {
        self.problems.append(&mut vendored.unusable);
        let asks = !vendored.packages.is_empty()
            || arguments.compare && !vendored.distributions.is_empty();
        let (compared, identified) =
            if asks { ask(&vendored, arguments, teller)? } else { (Vec::new(), Vec::new()) };
        for (position, distribution) in vendored.distributions.iter().enumerate() {
            self.pin(
                distribution.filename.name(),
                distribution.filename.version(),
                distribution.sha256,
            );
            match compared.get(position) {
                Some(answer) => self.compared(distribution, answer),
                None => self.lines.push(format!("{}: pinned by its bytes", shown(distribution))),
            }
        }
        for (package, found) in vendored.packages.iter().zip(identified) {
            match found {
                Ok(ported) => {
                    self.pin(&ported.project, &ported.version, ported.sha256);
                    self.ported(folder, &package.name, &ported);
                }
                Err(problem) => self.problems.push(*problem),
            }
        }
        Ok(())
    }

    fn pin(&mut self, project: &ProjectName, version: &Version, sha256: Sha256) {
        self.pins.entry((project.clone(), version.clone())).or_default().insert(sha256);
    }

    fn compared(&mut self, distribution: &Distribution, answer: &Result<OnIndex, Box<Problem>>) {
        let name = shown(distribution);
        match answer {
            Ok(OnIndex::Same) => self.lines.push(format!("{name}: the index has the same file")),
            Ok(OnIndex::NotListed) => {
                let message = format!("the index does not list `{name}`");
                let problem = Problem::new("vendored-not-listed", Class::Rejected, message);
                self.problems.push(problem.with_hint("its pin is that of the file in the folder"));
            }
            Ok(OnIndex::Differs { claimed }) => {
                let message = format!("the index has another `{name}`");
                let mut problem = Problem::new("vendored-differs", Class::Rejected, message);
                let found = format!("here   sha256:{}", distribution.sha256.hex());
                problem.details = claimed.iter().map(|it| format!("index  {it}")).collect();
                self.problems.push(problem.with_detail(found).with_hint(
                    "its pin is that of the file in the folder; find out where that came from",
                ));
            }
            Err(problem) => self.problems.push(Problem::clone(problem)),
        }
    }

    fn ported(&mut self, folder: &Path, name: &str, ported: &Ported) {
        let Ported { project, version, filename, comparison, .. } = ported;
        if comparison.is_exact() {
            let files = output::count(comparison.same, "file", "files");
            self.lines
                .push(format!("{name}: {project} {version}, exactly as in {filename} ({files})"));
            return;
        }
        let message = format!(
            "`{name}` is {project} {version} with changes; the pin is that of the unmodified release"
        );
        let hint = "installing the pin gives the files of the release; keep the changes as a patch";
        let mut problem = Problem::new("vendored-modified", Class::Rejected, message);
        let changed =
            comparison.changed.iter().map(|changed| changed_line(folder, ported, changed));
        let left_out = comparison.left_out.iter().map(|path| format!("left out {path}"));
        let added = comparison.added.iter().map(|path| format!("added    {path}"));
        problem.details = changed.chain(left_out).chain(added).take(MAX_LISTED).collect();
        let more = comparison.differences().saturating_sub(MAX_LISTED);
        if more > 0 {
            problem.details.push(format!("and {} more", output::count(more, "file", "files")));
        }
        if ported.unseen > 0 {
            let unseen = output::count(ported.unseen, "release", "releases");
            problem.details.push(format!("{unseen} of {project} could not be looked at"));
        }
        self.problems.push(problem.with_hint(hint));
    }

    /// One environment has one release of a project.
    fn check_releases(&mut self) {
        let mut versions: BTreeMap<&ProjectName, Vec<&Version>> = BTreeMap::new();
        for (project, version) in self.pins.keys() {
            versions.entry(project).or_default().push(version);
        }
        for (project, versions) in versions.into_iter().filter(|(_, it)| it.len() > 1) {
            let listed: Vec<String> = versions.iter().map(ToString::to_string).collect();
            let message = format!("several releases of `{project}`: {}", listed.join(", "));
            let problem = Problem::new("vendored-twice", Class::Rejected, message);
            self.problems.push(problem.with_hint("no installer takes both: keep one of the lines"));
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for ((project, version), digests) in &self.pins {
            // Writing to a string cannot fail.
            let _ = write!(text, "{project}=={version}");
            for sha256 in digests {
                let _ = write!(text, " \\\n    --hash=sha256:{}", sha256.hex());
            }
            text.push('\n');
        }
        text
    }
}

fn shown(distribution: &Distribution) -> &str {
    distribution.filename.as_str()
}

fn changed_line(folder: &Path, ported: &Ported, changed: &Changed) -> String {
    let ours = std::fs::read(folder.join(&changed.path)).ok();
    let lines = ours.zip(ported.released(changed)).and_then(|(ours, theirs)| {
        let (ours, theirs) = (String::from_utf8(ours).ok()?, String::from_utf8(theirs).ok()?);
        let diff = TextDiff::from_lines(&theirs, &ours);
        let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        Some(format!(", +{} -{} lines", count(ChangeTag::Insert), count(ChangeTag::Delete)))
    });
    format!("changed  {}{}", changed.path, lines.unwrap_or_default())
}

type Answers = (Vec<Result<OnIndex, Box<Problem>>>, Vec<Result<Ported, Box<Problem>>>);

/// Everything that needs the network.
fn ask(
    vendored: &Vendored,
    arguments: &PortArgs,
    teller: &Teller,
) -> Result<Answers, Vec<Problem>> {
    let interrupted = setup::interrupted();
    let folders = setup::folders(&arguments.store)?;
    let session = session::open("port", &arguments.index, &[], None)?;
    session::tell(&session.settings, teller);
    let store = Arc::new(open_store(&session, &folders, arguments.store.cache_dir.is_some())?);
    // Without an interpreter here any wheel will do; one that was asked for has to be there.
    let tags = match setup::interpreter(&arguments.python, &folders) {
        Ok(interpreter) => Some(interpreter.tags()),
        Err(problems) if arguments.python.python.is_some() => return Err(problems),
        Err(_) => None,
    };
    let context = Context {
        index: &session.index,
        tags: tags.as_ref(),
        sight: sight::Context {
            store: &store,
            http: &session.http,
            reporter: teller,
            interrupted: &interrupted,
            offline: arguments.index.offline,
        },
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        let problem = Problem::new("runtime", Class::Unavailable, "the network cannot be set up");
        vec![problem.with_detail(error.to_string())]
    })?;
    let answers = runtime.block_on(async {
        teller.progress(Progress::Asking { projects: vendored.packages.len() });
        let mut compared = Vec::new();
        if arguments.compare {
            for distribution in &vendored.distributions {
                compared.push(on_index(context, distribution).await);
            }
        }
        (compared, identify(context, vendored).await)
    });
    teller.progress(Progress::Done);
    Ok(answers)
}
