//! From files and an index to a report: what the audit and everything that rests on it have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countermark_audit::constraints::Pins;
use countermark_audit::dossier::{ConstraintPin, Context};
use countermark_audit::engine::{Judge, Survey};
use countermark_audit::fact::ProjectFacts;
use countermark_audit::federation::{self, Federation, RecordsEntry};
use countermark_audit::lookalike::NameList;
use countermark_audit::record::Records;
use countermark_audit::report::Report;
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_packaging::name::ProjectName;
use countermark_trust::Class;
use jiff::Timestamp;

use super::{facts, records};
use crate::cli::audit::AuditInputArgs;
use crate::progress::Teller;
use crate::setup;

/// No file that a person writes is longer.
const MAX_TEXT: u64 = 64 << 20;

/// Everything that an audit looked at, and what it found.
pub(crate) struct Gathered {
    /// What was known before a project was judged.
    pub(crate) ground: Ground,
    /// What the index shows; empty when a large snapshot was judged line by line.
    pub(crate) facts: Vec<ProjectFacts>,
    /// What was found.
    pub(crate) report: Report,
}

/// What projects are judged by.
pub(crate) struct Ground {
    /// What is expected.
    pub(crate) federation: Federation,
    /// The sources of records, as `federation.toml` has them or would have them.
    pub(crate) entries: Vec<RecordsEntry>,
    /// What was released.
    pub(crate) records: Records,
    /// What the first look at the facts saw.
    pub(crate) survey: Survey,
    /// The accounts that upload releases.
    pub(crate) release_accounts: BTreeSet<String>,
    /// Whether they are assumed.
    pub(crate) accounts_assumed: bool,
    /// Pins of the constraints files that were given.
    pub(crate) constraints: BTreeMap<ProjectName, Vec<ConstraintPin>>,
    /// Names to look for look-alikes among.
    pub(crate) names: NameList,
    /// When it is judged.
    pub(crate) now: Timestamp,
}

impl Ground {
    /// The same, as the rules want it.
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            federation: &self.federation,
            records: &self.records,
            now: self.now,
            release_accounts: self.release_accounts.clone(),
            accounts_assumed: self.accounts_assumed,
            constraints: self.constraints.clone(),
            other_names: self.names.names.clone(),
            name_uses: self.names.uses.clone(),
        }
    }
}

/// What is needed before the facts are known.
pub(crate) struct Prepared {
    pub(crate) federation: Federation,
    pub(crate) entries: Vec<RecordsEntry>,
    pub(crate) records: Records,
    pub(crate) names: NameList,
    pub(crate) constraints: BTreeMap<ProjectName, Vec<ConstraintPin>>,
    pub(crate) previous: BTreeMap<ProjectName, ProjectFacts>,
    pub(crate) only: BTreeSet<ProjectName>,
    pub(crate) as_of: Option<Timestamp>,
}

/// Reads everything, and judges it.
pub(crate) fn gather(
    arguments: &AuditInputArgs,
    teller: &Teller,
) -> Result<Gathered, Vec<Problem>> {
    let prepared = prepare(arguments, teller)?;
    let found = facts::collect(arguments, &prepared, teller)?;
    judge(prepared, found)
}

/// Reads what does not come from the index.
pub(crate) fn prepare(
    arguments: &AuditInputArgs,
    teller: &Teller,
) -> Result<Prepared, Vec<Problem>> {
    let as_of = arguments.as_of.as_deref().map(parse_time).transpose()?;
    let only = parse_names(&arguments.projects)?;
    let (file, federation) = read_federation(arguments.federation.as_deref())?;
    let constraints = read_constraints(&arguments.constraints, teller)?;
    let names = match &arguments.names {
        Some(path) => read_names(path, teller)?,
        None => NameList::default(),
    };
    let previous = match &arguments.previous {
        Some(path) => facts::read_previous(path, teller)?,
        None => BTreeMap::new(),
    };
    let (records, entries) = records::read(arguments, file.as_deref(), &federation, as_of, teller)?;
    Ok(Prepared { federation, entries, records, names, constraints, previous, only, as_of })
}

/// Judges what was found.
pub(crate) fn judge(prepared: Prepared, found: facts::Found) -> Result<Gathered, Vec<Problem>> {
    let facts::Found { facts, from, read_at, is_whole, problems, survey } = found;
    let Prepared { federation, entries, mut records, names, constraints, previous, as_of, .. } =
        prepared;
    survey.date(&mut records);
    let (release_accounts, accounts_assumed) = survey.release_accounts(&federation);
    if accounts_assumed {
        records.assumptions.insert(0, survey.assumption(&release_accounts));
    }
    let now = as_of.or(read_at).or(survey.newest_upload()).unwrap_or(Timestamp::UNIX_EPOCH);
    let ground = Ground {
        federation,
        entries,
        records,
        survey,
        release_accounts,
        accounts_assumed,
        constraints,
        names,
        now,
    };
    let context = ground.context();
    let judge = Judge { context: &context, survey: &ground.survey };
    let tally = match &facts {
        facts::Facts::InMemory(facts) => judge.judge_all(facts, &previous),
        facts::Facts::OnDisk(path) => facts::judge_stream(path, &judge, &previous)?,
    };
    let mut report = tally.finish(&context, from, is_whole);
    // Projects whose line cannot be read were not judged, which is no good answer.
    report.problems.extend(problems);
    drop(context);
    let facts = match facts {
        facts::Facts::InMemory(facts) => facts,
        facts::Facts::OnDisk(_) => Vec::new(),
    };
    Ok(Gathered { ground, facts, report })
}

fn parse_time(text: &str) -> Result<Timestamp, Vec<Problem>> {
    let whole = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    whole.parse().map_err(|_| {
        let problem =
            Problem::new("bad-option", Class::Usage, format!("`--as-of {text}` is not a time"));
        vec![problem.with_hint("write it as 2026-01-31 or 2026-01-31T12:00:00Z")]
    })
}

fn parse_names(texts: &[String]) -> Result<BTreeSet<ProjectName>, Vec<Problem>> {
    let parse = |text: &String| {
        ProjectName::parse(text).map_err(|error| {
            vec![Problem::new("bad-option", Class::Usage, format!("--project: {error}"))]
        })
    };
    texts.iter().map(parse).collect()
}

/// The file with its values; the working folder's own, if it has one and none is named.
pub(crate) fn read_federation(
    named: Option<&Path>,
) -> Result<(Option<PathBuf>, Federation), Vec<Problem>> {
    let usual = Path::new("federation.toml");
    let path = match named {
        Some(path) => path,
        None if usual.is_file() => usual,
        None => return Ok((None, Federation::default())),
    };
    let bytes = read_bytes(path, MAX_TEXT)?;
    let read = federation::parse::parse_bytes(&path.display().to_string(), &bytes);
    match read {
        Ok(federation) => Ok((Some(path.to_owned()), federation)),
        Err(errors) => Err(errors.iter().map(Problem::from).collect()),
    }
}

/// A file that a person wrote.
pub(crate) fn read_text(path: &Path) -> Result<String, Vec<Problem>> {
    String::from_utf8(read_bytes(path, MAX_TEXT)?).map_err(|_| unreadable(path, "it is not utf-8"))
}

/// A file of at most so many bytes.
pub(super) fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, Vec<Problem>> {
    let failed = |error: std::io::Error| unreadable(path, &error.to_string());
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(unreadable(path, &format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

/// A file that was named and cannot be used.
pub(super) fn unreadable(path: &Path, reason: &str) -> Vec<Problem> {
    let message = format!("cannot read `{}`: {reason}", path.display());
    vec![Problem::new("unreadable", Class::Usage, message)]
}

/// Names among which look-alikes are looked for. What is no name cannot be on an index either, and is
/// said all the same: the list may be broken.
fn read_names(path: &Path, teller: &Teller) -> Result<NameList, Vec<Problem>> {
    let list = NameList::parse(&read_text(path)?);
    if let Some((count, line)) = &list.unusable {
        let message = format!("{}: {count} line(s) are no names, such as `{line}`", path.display());
        teller.note(Note::new("unusable-line", message));
    }
    Ok(list)
}

fn read_constraints(
    paths: &[PathBuf],
    teller: &Teller,
) -> Result<BTreeMap<ProjectName, Vec<ConstraintPin>>, Vec<Problem>> {
    let mut pins = Pins::default();
    for path in paths {
        pins.append(Pins::read(&path.display().to_string(), &read_text(path)?));
    }
    for line in &pins.unusable {
        teller.note(Note::new("unusable-line", line.clone()));
    }
    Ok(pins.by_project())
}

/// The folder for what can be read again.
pub(crate) fn cache_folder(arguments: &AuditInputArgs) -> Option<PathBuf> {
    let store =
        crate::cli::StoreArgs { cache_dir: arguments.cache_dir.clone(), ..Default::default() };
    setup::folders(&store).ok().map(|folders| folders.cache)
}
