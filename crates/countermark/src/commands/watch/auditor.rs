//! The audit, as the watch wants it: the records are read anew for each step, the index is asked for
//! what is due, and everything is judged together.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use countermark_audit::dossier::Context;
use countermark_audit::engine::{Glimpse, Judge, Survey, Tally};
use countermark_audit::fact::{IndexFile, Presence, ProjectFacts};
use countermark_audit::record::Publishes;
use countermark_audit::report::Report;
use countermark_client::facts::{self, Options};
use countermark_client::http::RedactedUrl;
use countermark_client::index::IndexClient;
use countermark_client::inside::inspect_project;
use countermark_client::report::{Problem, Silent};
use countermark_client::settings::Index;
use countermark_packaging::name::ProjectName;
use countermark_service::watch::auditor::{AuditError, Auditor, Facts, Gathered};
use countermark_service::watch::config::WatchConfig;
use countermark_service::watch::db::Traffic;
use countermark_service::watch::schedule::Ask;
use countermark_trust::Class;
use jiff::{SignedDuration, Timestamp};

use crate::cli::OutputArgs;
use crate::cli::audit::AuditInputArgs;
use crate::cli::watch::WatchArgs;
use crate::commands::audit::gather::{Prepared, prepare};
use crate::progress::Teller;
use crate::session::Session;

/// The audit of a configuration.
pub(super) struct CommandAuditor<'a> {
    arguments: AuditInputArgs,
    session: &'a Session,
    index: Index,
    teller: Teller,
    options: Options,
    /// Roles are looked at again after this time, whatever the index says.
    roles: Duration,
    /// Whether new files are looked into.
    inspects: bool,
    /// Read for the step under way.
    prepared: Option<Prepared>,
}

/// Files that are older were there before anybody watched, or were tried often enough.
const INSPECTED: SignedDuration = SignedDuration::from_hours(48);

/// Most files of one project that are looked into at once, and their bytes; more of them wait until
/// its roles are due again. Whoever uploads very much must not keep the watch from all others.
const MOST_FILES: usize = 20;
const MOST_BYTES: u64 = 256 << 20;

/// The longest time for looking into the files of one project.
const LONGEST_LOOK: Duration = Duration::from_secs(60);

/// The longest time for one project of a step; the others wait for it. It is asked for again.
const LONGEST: Duration = Duration::from_secs(30);

impl<'a> CommandAuditor<'a> {
    pub(super) fn new(
        config: &WatchConfig,
        session: &'a Session,
        arguments: &WatchArgs,
        stopped: &Arc<AtomicBool>,
    ) -> Result<Self, Vec<Problem>> {
        let Some(index) = facts::audited_index(&session.settings.sources) else {
            let problem = Problem::new("no-index", Class::Usage, "there is no index to ask");
            return Err(vec![problem.with_hint("leave --no-index out")]);
        };
        let arguments = AuditInputArgs {
            federation: config.federation.clone(),
            records: config.records.clone(),
            constraints: config.constraints.clone(),
            names: config.names.clone(),
            keys: config.keys.clone(),
            index: arguments.index.clone(),
            ..AuditInputArgs::default()
        };
        let mut cache = config.state.clone().into_os_string();
        cache.push(".cache");
        let options = Options {
            at_once: config.concurrency,
            rate: Some(f64::from(config.rate)),
            cache: Some(PathBuf::from(cache)),
            longest: LONGEST,
            // A step that was broken off is no run that is gone on with.
            resume: Duration::ZERO,
            interrupted: Arc::clone(stopped),
            ..Options::new(Timestamp::UNIX_EPOCH)
        };
        // Notes about the records would come with each step.
        let quiet =
            OutputArgs { quiet: true, no_progress: true, color: crate::cli::ColorChoice::Auto };
        Ok(Self {
            arguments,
            session,
            index: index.clone(),
            teller: Teller::new(&quiet),
            options,
            roles: Duration::try_from(config.rhythm.roles).unwrap_or_default(),
            inspects: config.inspect,
            prepared: None,
        })
    }

    fn ask(&self, names: &[ProjectName], with_roles: bool, now: Timestamp, into: &mut Gathered) {
        if names.is_empty() {
            return;
        }
        // The schedule says when roles are due; in between a changed serial number does.
        let trust_serial = if with_roles { Duration::ZERO } else { self.roles.saturating_mul(4) };
        let options = Options { now, trust_serial, ..self.options.clone() };
        match facts::gather(names, &options, &self.index, &self.session.http, &Silent) {
            Ok(gathered) => {
                into.facts.extend(gathered.facts);
                let traffic = gathered.traffic;
                into.traffic = into.traffic.plus(Traffic {
                    requests: traffic.requests,
                    unchanged: traffic.not_modified,
                    bytes: traffic.bytes,
                });
            }
            Err(error) => {
                let unread = Presence::Unread(error.to_string());
                let facts = |name: &ProjectName| ProjectFacts::new(name.clone(), unread.clone());
                into.facts.extend(names.iter().map(facts));
            }
        }
    }
}

impl Auditor for CommandAuditor<'_> {
    fn projects(&mut self, _: Timestamp) -> Result<BTreeSet<ProjectName>, AuditError> {
        let prepared =
            prepare(&self.arguments, &self.teller).map_err(|problems| audit_error(&problems))?;
        let (federation, records) = (&prepared.federation, &prepared.records);
        let publishes = |name: &ProjectName| {
            records.projects.get(name).is_none_or(|one| one.publishes != Publishes::No)
        };
        let all = records.projects.keys().chain(&federation.names);
        let names = all
            .filter(|name| !federation.excluded.contains(*name) && publishes(name))
            .cloned()
            .collect();
        self.prepared = Some(prepared);
        Ok(names)
    }

    fn gather(&mut self, asks: &[Ask], now: Timestamp) -> Gathered {
        let mut gathered = Gathered::default();
        for with_roles in [false, true] {
            let names: Vec<ProjectName> = asks
                .iter()
                .filter(|ask| ask.with_roles == with_roles)
                .map(|ask| ask.project.clone())
                .collect();
            self.ask(&names, with_roles, now, &mut gathered);
        }
        gathered
    }

    fn inspect(&mut self, facts: &mut ProjectFacts, now: Timestamp) {
        let is_new = |file: &IndexFile| {
            let is_recent = file.uploaded.is_some_and(|at| now.duration_since(at) <= INSPECTED);
            file.inside.is_none() && is_recent
        };
        let files = facts.releases.iter().flat_map(|release| &release.files);
        let wanted = within_limits(files.filter(|file| is_new(file)));
        if !self.inspects || wanted.is_empty() {
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        // A client of its own: the session's remembers the pages that it has seen.
        let session = self.session;
        let index = IndexClient::new(Arc::clone(&session.http), session.settings.sources.clone());
        let name = facts.name.clone();
        let looking = async {
            // What cannot be had is tried again when the roles are due.
            for page in index.project_pages(&name).await.unwrap_or_default() {
                let is_wanted = |file: &IndexFile| wanted.contains(&file.filename);
                inspect_project(&session.http, &page.page, facts, is_wanted).await;
            }
        };
        // What takes longer is given up, and tried again too.
        runtime.block_on(async { tokio::time::timeout(LONGEST_LOOK, looking).await.is_ok() });
    }

    fn judge(
        &mut self,
        facts: &Facts,
        previous: &Facts,
        now: Timestamp,
    ) -> Result<Report, AuditError> {
        let Some(prepared) = self.prepared.take() else {
            let message = "the records were not read".to_owned();
            return Err(AuditError { message, class: Class::Unavailable });
        };
        let Prepared { federation, mut records, names, constraints, .. } = prepared;
        let mut survey = Survey::default();
        facts.values().for_each(|project| survey.add(Glimpse::of(project, &records)));
        survey.date(&mut records);
        let (release_accounts, accounts_assumed) = survey.release_accounts(&federation);
        if accounts_assumed {
            records.assumptions.push(survey.assumption(&release_accounts));
        }
        let context = Context {
            federation: &federation,
            records: &records,
            now,
            release_accounts,
            accounts_assumed,
            constraints,
            other_names: names.names,
            name_uses: names.uses,
        };
        let judge = Judge { context: &context, survey: &survey };
        let mut tally = Tally::default();
        for (name, project) in facts {
            tally.add(judge.judge(project, previous.get(name).map(Arc::as_ref)));
        }
        let from = RedactedUrl::new(&self.index.url).to_string();
        Ok(tally.finish(&context, from, true))
    }
}

/// The names of the first files, up to the limits, but one at least. A size that the index does not
/// say counts for a large one.
fn within_limits<'a>(files: impl Iterator<Item = &'a IndexFile>) -> BTreeSet<String> {
    const UNKNOWN: u64 = 32 << 20;
    let (mut names, mut bytes) = (BTreeSet::new(), 0_u64);
    for file in files.take(MOST_FILES) {
        bytes = bytes.saturating_add(file.size.unwrap_or(UNKNOWN));
        if bytes > MOST_BYTES && !names.is_empty() {
            break;
        }
        names.insert(file.filename.clone());
    }
    names
}

/// The first problem, with its place; the log and `--once` show one line.
fn audit_error(problems: &[Problem]) -> AuditError {
    let class = problems.iter().map(|it| it.class).reduce(Class::worst);
    let mut message = problems.first().map_or_else(
        || "the records cannot be read".to_owned(),
        |first| match &first.place {
            Some(place) => format!("{place}: {}", first.message),
            None => first.message.clone(),
        },
    );
    if problems.len() > 1 {
        message.push_str(&format!(", and {} more", problems.len() - 1));
    }
    AuditError { message, class: class.unwrap_or(Class::Unavailable) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countermark_audit::fact::FileKind;

    #[test]
    fn only_so_much_is_looked_into_at_once() {
        let file = |number: usize, size: Option<u64>| IndexFile {
            filename: format!("teapot-1.{number}.tar.gz"),
            kind: FileKind::Sdist,
            size,
            uploaded: None,
            sha256: None,
            yanked: None,
            inside: None,
        };
        let check = |sizes: &[Option<u64>], expect: usize| {
            let files = sizes.iter().enumerate().map(|(number, size)| file(number, *size));
            let files: Vec<IndexFile> = files.collect();
            assert_eq!(within_limits(files.iter()).len(), expect);
        };
        check(&[], 0);
        check(&[Some(1); 30], MOST_FILES);
        check(&[Some(MOST_BYTES / 2); 3], 2);
        check(&[None; 30], 8);
        // A large one is looked into alone.
        check(&[Some(u64::MAX), Some(1)], 1);
    }
}
