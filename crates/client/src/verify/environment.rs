//! A whole environment: every package, every file, and what belongs to nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use countermark_packaging::name::ProjectName;
use countermark_packaging::record::RecordEntry;
use countermark_trust::{Class, Pin};
use sha2::Digest as _;

use super::bytecode::check_compiled;
use super::{Finding, Kind};
use crate::environment::{Installed, read_environment};
use crate::gather::Ready;
use crate::install::journal;
use crate::install::lock::{Locked, lock};
use crate::interpreter::{Interpreter, Layout};
use crate::package::check::{Installation, check_files, owned_paths};
use crate::package::generated::{Asked, Launching};
use crate::package::placement::{Placement, normalized};
use crate::package::state::{is_startup_file, recorded_url};
use crate::package::walk::walk_files;
use crate::parallel::in_parallel;
use crate::report::{Note, Problem, Progress, Reporter};
use crate::scripts::Heading;
use crate::store::{Check, Entry, Lookup, Store};

/// What is checked, and against what.
pub struct Subject<'a> {
    /// Proved trees.
    pub store: &'a Store,
    /// Runs the environment.
    pub interpreter: &'a Interpreter,
    /// Where its packages lie.
    pub layout: &'a Layout,
    /// What a lock lists, gathered; `None` without a lock.
    pub locked: Option<&'a [Ready]>,
    /// Whom to tell.
    pub reporter: &'a dyn Reporter,
    /// Set when the user said stop.
    pub interrupted: &'a AtomicBool,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Sorted: what matters most first.
    pub findings: Vec<Finding>,
    /// Packages looked at.
    pub packages: usize,
    /// Of them, proved ones.
    pub proved: usize,
    /// Files looked at.
    pub files: u64,
}

/// What one package contributes.
#[derive(Default)]
struct PackageReport {
    findings: Vec<Finding>,
    owned: Vec<String>,
    /// What runs at each start, where only the word of an unproved package says whose it is.
    claimed: Vec<Finding>,
    proved: bool,
}

/// Why the files of a package are not compared with a proved tree.
struct Unproved {
    kind: Kind,
    reason: String,
}

impl Unproved {
    /// The environment tells what to compare with, and it is not there to compare with.
    fn could_not_check(reason: impl std::fmt::Display) -> Self {
        Self { kind: Kind::Unreadable, reason: format!("could not check: {reason}") }
    }
}

/// Checks every file of an environment. Nothing is changed.
///
/// # Errors
/// When the environment cannot be read at all.
pub fn check_environment(subject: &Subject<'_>) -> Result<Report, Vec<Problem>> {
    let unreadable = |error: std::io::Error| {
        let message = format!("cannot read `{}`", subject.layout.data.display());
        let problem = Problem::new("environment-io", Class::Unavailable, message);
        vec![problem.with_detail(error.to_string())]
    };
    let placement = Placement::new(subject.layout).map_err(unreadable)?;
    let waiting = || subject.reporter.note(Note::new("waiting", "waiting for another run"));
    let _lock = match lock(&placement.root, subject.interrupted, waiting).map_err(unreadable)? {
        Locked::Yes(lock) => lock,
        Locked::Moved => return Err(unreadable(std::io::ErrorKind::NotFound.into())),
    };
    let environment = read_environment(&placement.layout)
        .map_err(|error| vec![Problem::of("environment", error.class(), &error)])?;
    let heading = Heading::new(subject.interpreter.executable(), false)
        .map_err(|error| vec![Problem::of("interpreter", error.class(), &error)])?;
    subject.reporter.progress(Progress::Checking { packages: environment.installed.len() });
    let looker = Looker { subject, placement: &placement, heading: &heading };
    let reports = in_parallel(&environment.installed, |installed| looker.package(installed));
    let mut report = Report { packages: environment.installed.len(), ..Report::default() };
    if journal::is_interrupted(&placement.root) {
        report.findings.push(interrupted());
    }
    let mut owned = BTreeSet::new();
    let mut claimed = Vec::new();
    let mut proved = BTreeSet::new();
    for package in reports {
        report.findings.extend(package.findings);
        report.proved += usize::from(package.proved);
        claimed.extend(package.claimed);
        if package.proved {
            proved.extend(package.owned.iter().cloned());
        }
        owned.extend(package.owned);
    }
    for unknown in &environment.unknown {
        let path = Some(placement.shown(&unknown.path));
        let detail = format!("it {}", unknown.kind.description());
        report.findings.push(Finding { kind: Kind::Unproven, project: None, path, detail });
    }
    report.files = owned.len() as u64;
    looker.strays(&owned, &mut report.findings);
    // What a proved package has was compared, whoever else lists it.
    claimed.retain(|finding| finding.path.as_ref().is_none_or(|path| !proved.contains(path)));
    report.findings.extend(claimed);
    if let Some(locked) = subject.locked {
        against_lock(&environment.installed, locked, &mut report.findings);
    }
    report.findings.sort();
    report.findings.dedup();
    subject.reporter.progress(Progress::Done);
    Ok(report)
}

fn interrupted() -> Finding {
    let detail = "a change was interrupted; the next `install`, `uninstall` or `list` on this \
                  environment undoes or finishes it";
    let path = Some(journal::FOLDER.to_owned());
    Finding { kind: Kind::Interrupted, project: None, path, detail: detail.to_owned() }
}

struct Looker<'a> {
    subject: &'a Subject<'a>,
    placement: &'a Placement,
    heading: &'a Heading,
}

impl Looker<'_> {
    fn package(&self, installed: &Installed) -> PackageReport {
        match self.proof(installed) {
            Ok((entry, source)) => self.proved_package(installed, &entry, source),
            Err(unproved) => self.unproved_package(installed, unproved),
        }
    }

    /// The proved tree of what the package says it came from, or why there is none.
    fn proof(&self, installed: &Installed) -> Result<(Entry, String), Unproved> {
        let provenance =
            installed.read_provenance().map_err(Unproved::could_not_check)?.ok_or_else(|| {
                let installer = installed.read_installer().ok().flatten();
                let installer = installer.unwrap_or_else(|| "somebody".to_owned());
                let reason =
                    format!("{installer} installed it without a record of what it came from");
                Unproved { kind: Kind::Unproven, reason }
            })?;
        let artifact = provenance
            .artifact()
            .ok_or_else(|| Unproved::could_not_check("its record names no artifact"))?;
        let pin = Pin::new([artifact.into()]).map_err(Unproved::could_not_check)?;
        let entry = match self.subject.store.look_up(&pin, artifact) {
            Ok(Lookup::Ready(entry) | Lookup::Rebuilt(entry, _)) => *entry,
            Ok(Lookup::Absent | Lookup::Evicted(_)) => {
                let lacking = format!("the store has no sha256:{} to compare with", artifact.hex());
                return Err(Unproved::could_not_check(lacking));
            }
            Err(error) => return Err(Unproved::could_not_check(error)),
        };
        if entry.tree.digest().to_string() != provenance.tree
            || entry.facts.project != installed.name.as_str()
        {
            let reason = "its record names another tree than its artifact has".to_owned();
            return Err(Unproved { kind: Kind::Changed, reason });
        }
        Ok((entry, provenance.source))
    }

    fn proved_package(
        &self,
        installed: &Installed,
        entry: &Entry,
        source: String,
    ) -> PackageReport {
        let launching =
            Launching { heading: self.heading, version: self.subject.interpreter.release() };
        let asked = Asked {
            requested: installed.is_requested(),
            direct_url: recorded_url(installed),
            source,
        };
        let folders = self.placement.folders(&entry.facts.project).unwrap_or_default();
        let installation = Installation {
            placement: self.placement,
            folders: &folders,
            launching: &launching,
            asked: &asked,
        };
        let findings = check_files(entry, &installation, Check::Full).unwrap_or_else(|error| {
            vec![Finding::about(&entry.facts.project, Kind::Unreadable, "", error.to_string())]
        });
        let owned = owned_paths(entry, &installation);
        PackageReport { findings, owned, claimed: Vec::new(), proved: true }
    }

    /// Nothing proves the package; its own RECORD is the next best thing.
    fn unproved_package(&self, installed: &Installed, unproved: Unproved) -> PackageReport {
        let name = installed.name.as_str();
        let mut report = PackageReport::default();
        report.findings.push(Finding::about(name, unproved.kind, "", unproved.reason));
        let record = match installed.read_record() {
            Ok(record) => record,
            Err(error) => {
                let finding = Finding::about(name, Kind::Unreadable, "", error.to_string());
                report.findings.push(finding);
                return report;
            }
        };
        for entry in record {
            let path = normalized(&installed.site.join(&entry.path));
            let Some(relative) = self.placement.relative(&path) else { continue };
            if let Some((kind, detail)) = against_record(&path, &entry) {
                report.findings.push(Finding::about(name, kind, &relative, detail));
            } else if path.parent() == Some(&installed.site)
                && path.file_name().is_some_and(is_startup_file)
            {
                let detail = "it runs at each start of Python, and only this package, which is \
                              unproved, lists it";
                report.claimed.push(Finding::about(name, Kind::Unproven, &relative, detail));
            }
            report.owned.push(relative);
        }
        report
    }

    /// Files that no package has: extra ones, and compiled ones, which are compiled again.
    fn strays(&self, owned: &BTreeSet<String>, findings: &mut Vec<Finding>) {
        let mut compiled = Vec::new();
        let sites = self.placement.layout.site_folders();
        for site in &sites {
            for path in self.files_below(site, findings) {
                let Some(relative) = self.placement.relative(&path) else {
                    findings.push(self.extra(&path));
                    continue;
                };
                if is_cached(&relative) {
                    compiled.push(relative);
                } else if !owned.contains(&relative) {
                    findings.push(self.extra(&path));
                }
            }
        }
        let scripts = &self.placement.layout.scripts;
        if !sites.iter().any(|site| scripts.starts_with(site))
            && self.subject.interpreter.is_virtual()
        {
            for path in self.files_below(scripts, findings) {
                let Some(relative) = self.placement.relative(&path) else {
                    findings.push(self.extra(&path));
                    continue;
                };
                if owned.contains(&relative) {
                    continue;
                }
                let name = relative.rsplit('/').next().unwrap_or(&relative);
                if is_python(name) {
                    findings.extend(self.check_python(&path, &relative));
                } else if !OF_VENV.contains(&name.to_ascii_lowercase().as_str()) {
                    findings.push(self.extra(&path));
                }
            }
        }
        let wrong: BTreeSet<&String> = findings.iter().filter_map(|f| f.path.as_ref()).collect();
        let sources: BTreeSet<String> =
            owned.iter().filter(|path| !wrong.contains(path)).cloned().collect();
        findings.extend(check_compiled(
            self.subject.interpreter,
            self.placement,
            &compiled,
            &sources,
        ));
    }
}

impl Looker<'_> {
    /// Files below a folder without those of an interrupted change; what cannot be read is found.
    fn files_below(&self, folder: &Path, findings: &mut Vec<Finding>) -> Vec<PathBuf> {
        let journal = self.placement.root.join(journal::FOLDER);
        let mut walked = walk_files(folder);
        for (path, error) in walked.unreadable {
            let path = Some(self.placement.shown(&path));
            let detail = error.to_string();
            findings.push(Finding { kind: Kind::Unreadable, project: None, path, detail });
        }
        walked.files.retain(|path| !path.starts_with(&journal));
        walked.files
    }

    fn extra(&self, path: &Path) -> Finding {
        let detail = if path.file_name().is_some_and(is_startup_file) {
            "it runs at each start of Python, and no package has it"
        } else {
            "no package has it"
        };
        let path = Some(self.placement.shown(path));
        Finding { kind: Kind::Extra, project: None, path, detail: detail.to_owned() }
    }

    /// The environment's own interpreter is the base one: a link to it, or a copy of it.
    fn check_python(&self, path: &Path, relative: &str) -> Option<Finding> {
        let base = self.subject.interpreter.base_executable();
        let link = std::fs::read_link(path).ok();
        // `python3` leads to `python`, which is looked at by itself.
        let leads_to_another = link.is_some_and(|link| {
            link.components().count() == 1 && link.to_str().is_some_and(is_python)
        });
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        let same_file = || real(path).is_some_and(|found| Some(found) == real(base));
        let same_bytes = || {
            let copied = crate::store::hash(path).ok();
            copied.is_some() && copied == real(base).and_then(|base| crate::store::hash(&base).ok())
        };
        if leads_to_another || same_file() || same_bytes() {
            return None;
        }
        let detail = format!("it is neither a link to `{}` nor a copy of it", base.display());
        let path = Some(relative.to_owned());
        Some(Finding { kind: Kind::Changed, project: None, path, detail })
    }
}

/// What makers of environments put beside the commands of packages, in lower case. Their texts
/// depend on the maker, and are not compared.
const OF_VENV: [&str; 11] = [
    "activate",
    "activate.bat",
    "activate.csh",
    "activate.fish",
    "activate.nu",
    "activate.ps1",
    "activate.xsh",
    "activate_this.py",
    "deactivate.bat",
    "deactivate.csh",
    "deactivate.nu",
];

fn is_cached(path: &str) -> bool {
    path.ends_with(".pyc") && path.rsplit('/').nth(1) == Some("__pycache__")
}

fn is_python(name: &str) -> bool {
    name.strip_prefix("python").is_some_and(|rest| {
        rest.trim_end_matches('t').bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

fn against_record(path: &Path, entry: &RecordEntry) -> Option<(Kind, String)> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // Compiled files come and go, with their folders.
            let path = entry.path.trim_end_matches('/');
            let compiled =
                path.ends_with(".pyc") || entry.digest.is_none() && path.ends_with("__pycache__");
            return (!compiled).then(|| (Kind::Missing, "it is not there".to_owned()));
        }
        Err(error) => return Some((Kind::Unreadable, error.to_string())),
    };
    let expected = entry.digest.as_ref()?.as_sha256()?;
    if !metadata.is_file() {
        return Some((Kind::Changed, "it is not a regular file".to_owned()));
    }
    let mut hasher = sha2::Sha256::new();
    let hashed = std::fs::File::open(path)
        .and_then(|file| crate::store::hash_file(&file, |bytes| hasher.update(bytes)));
    match hashed {
        Err(error) => Some((Kind::Unreadable, error.to_string())),
        Ok(()) if <[u8; 32]>::from(hasher.finalize()) == expected.0 => None,
        Ok(()) => Some((Kind::Changed, "its bytes differ from its RECORD".to_owned())),
    }
}

/// The lock decides which packages there are, and which artifacts they may come from.
fn against_lock(installed: &[Installed], locked: &[Ready], findings: &mut Vec<Finding>) {
    let wanted: BTreeMap<&ProjectName, &Ready> =
        locked.iter().map(|ready| (&ready.wanted.project, ready)).collect();
    for one in installed {
        let Some(ready) = wanted.get(&one.name) else {
            let detail = format!("{} is installed, and the lock does not list it", one.version);
            findings.push(Finding::about(one.name.as_str(), Kind::Unlisted, "", detail));
            continue;
        };
        let artifact = one.read_provenance().ok().flatten().and_then(|record| record.artifact());
        let expected = ready.entry.tree.artifact().sha256();
        let accepted = artifact
            .is_some_and(|artifact| artifact == expected || ready.pin.mentions(&artifact.into()));
        if !accepted {
            let found = artifact.map_or_else(
                || format!("{} of unknown origin", one.version),
                |artifact| format!("{} from sha256:{}", one.version, artifact.hex()),
            );
            let detail = format!("expected sha256:{}, found {found}", expected.hex());
            findings.push(Finding::about(one.name.as_str(), Kind::NotLocked, "", detail));
        }
    }
    for (name, ready) in wanted {
        if !installed.iter().any(|one| one.name == *name) {
            let detail = format!("the lock lists {}", ready.entry.facts.version);
            findings.push(Finding::about(name.as_str(), Kind::NotInstalled, "", detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_record_lists_and_is_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let check = |path: &str, digest: Option<[u8; 32]>, expect: Option<Kind>| {
            let digest = digest.map(|bytes| countermark_packaging::digest::Sha256(bytes).into());
            let entry = RecordEntry { path: path.to_owned(), digest, size: None };
            let found = against_record(&folder.path().join(path), &entry);
            assert_eq!(found.map(|(kind, _)| kind), expect, "{path}");
        };
        check("a/__pycache__/b.cpython-311.pyc", None, None);
        // virtualenv lists the folders of compiled files.
        check("a/__pycache__", None, None);
        check("a/__pycache__/", None, None);
        check("a/__pycache__", Some([1; 32]), Some(Kind::Missing));
        check("a/b.py", None, Some(Kind::Missing));
        check("a/b.py", Some([1; 32]), Some(Kind::Missing));
    }
}
