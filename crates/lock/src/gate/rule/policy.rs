//! What the policy of the project says of an entry, under the codes of its own rules.

use countermark_packaging::digest::Digest;
use countermark_packaging::lock::document::LockSource;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_report::Severity;
use countermark_trust::policy::rule::{self, Evidence};
use countermark_trust::policy::{LedgerAnswer, LedgerAnswers, Refusal, Subject, Verdict};
use jiff::Timestamp;

use super::{Ground, Said, yanked};
use crate::gate::entry::{Entry, Standing};
use crate::gate::facts::{IndexFacts, ListedFile, release_of};
use crate::gate::finding::{Finding, Kind, Unchecked};
use crate::gate::location::is_same_index;

/// Asks the policy about an entry that has a version.
pub(super) fn check(entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
    let package = entry.package;
    if entry.is_own() {
        return;
    }
    let Some(version) = package.version.as_ref() else {
        return check_ledger(entry, ground, said);
    };
    let pages = entry.pages().unwrap_or_default();
    let index = index(entry, ground, &pages);
    let also_on: Vec<String> = pages
        .iter()
        .map(|page| page.index.clone())
        .filter(|other| index.is_some_and(|index| !is_same_index(index, other)))
        .collect();
    let ledger = ground.ledger.map(|answers| ledger(entry, answers));
    let subject = Subject {
        index,
        direct: direct(&package.source),
        also_on: entry.pages().map(|_| also_on.as_slice()),
        is_public: index.map(|index| is_same_index(index, ground.public)),
        uploaded: uploaded(entry, &pages),
        status: pages.first().map(|page| page.status.marker),
        yanked: pages.iter().find_map(|page| yanked::reason(entry, page)),
        has_source: has_source(entry, &pages),
        is_new: matches!(entry.standing, Standing::New),
        has_moved: has_moved(entry, &package.project, version),
        ledger: ledger.as_ref(),
        ..Subject::new(&package.project, version)
    };
    say(ground.policy.check(&subject, ground.now), entry, ground, said);
}

/// What no other rule can be asked about has bytes all the same: a URL without a version.
fn check_ledger(entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
    let package = entry.package;
    let mut named = entry.named.iter();
    let version = named.find_map(|named| release_of(&package.project, &named.name).0);
    // An exception for one release means none whose version nobody knows.
    let version = version.unwrap_or_else(|| Version::new([0]));
    let ledger = ground.ledger.map(|answers| ledger(entry, answers));
    let subject = Subject { ledger: ledger.as_ref(), ..Subject::new(&package.project, &version) };
    let only = ground.policy.clone().with_ledger_only();
    say(only.check(&subject, ground.now), entry, ground, said);
}

fn say(verdicts: Vec<Verdict>, entry: &Entry<'_>, ground: &Ground<'_>, said: &mut Said) {
    for verdict in verdicts {
        match verdict {
            Verdict::Accepted => {}
            Verdict::Rejected(refusal) => said.push(finding(entry, refusal)),
            Verdict::Warned(refusal) => {
                let mut finding = finding(entry, refusal);
                finding.severity = Severity::Low;
                said.push(finding);
            }
            Verdict::Excepted(refusal, reason) => {
                said.excepted.push((finding(entry, refusal), reason));
            }
            Verdict::Undecided(refusal) => said.unchecked.push(undecided(entry, ground, refusal)),
        }
    }
}

fn finding(entry: &Entry<'_>, refusal: Refusal) -> Finding {
    let severity = match refusal.rule {
        "quarantined" | "indexes" | "two-indexes" | "look-alikes" => Severity::High,
        "ledger" if refusal.allow.is_empty() => Severity::High,
        _ => Severity::Medium,
    };
    let mut finding =
        Finding::new(refusal.rule, (Kind::Policy, severity), entry.package, refusal.message);
    // Reports say the name before the message.
    if let Some(rest) = finding.message.strip_prefix(&format!("{} ", finding.release())) {
        finding.message = rest.to_owned();
    }
    if refusal.rule == "ledger" {
        finding.is_final = refusal.allow.is_empty();
        finding.hint = hint(&finding);
    }
    finding.allow = refusal.allow;
    finding
}

fn hint(finding: &Finding) -> String {
    let explain = format!("`countermark vet explain {}` says why", finding.project);
    if finding.is_final {
        return format!("nothing lets it pass; {explain}");
    }
    format!("{explain}, `countermark vet suggest` what has to be read")
}

/// What the ledger says of all files of an entry. What has no digest is nothing that it could know.
fn ledger(entry: &Entry<'_>, answers: &LedgerAnswers) -> LedgerAnswer {
    let package = entry.package;
    let files = package.files.iter().map(|file| {
        let digest = file.digests.iter().find_map(Digest::as_sha256);
        (file.name.as_deref(), digest)
    });
    answers.of(&package.project, package.version.as_ref(), files)
}

fn undecided(entry: &Entry<'_>, ground: &Ground<'_>, refusal: Refusal) -> Unchecked {
    let needs = rule::find(refusal.rule).map(rule::Rule::needs);
    // What no index has, and what nobody is to ask for, no index can tell of either.
    let has_none = entry.pages().is_some_and(|pages| pages.is_empty());
    let is_asked_for = match needs {
        Some(Evidence::Lock | Evidence::Index) => {
            !ground.has_asked || !ground.asks(entry) || has_none
        }
        // Files are not downloaded here: `update` looks into them before a pin moves.
        Some(Evidence::Contents) => true,
        Some(Evidence::Ledger) | None => false,
    };
    Unchecked {
        project: entry.package.project.clone(),
        version: entry.package.version.as_ref().map(ToString::to_string),
        what: refusal.rule,
        why: refusal.message,
        place: entry.package.place.clone(),
        is_asked_for,
    }
}

/// Which index an entry is from: the one that the lock names for it or as a whole, the one that has
/// it, or the only one that is configured.
fn index<'a>(entry: &Entry<'a>, ground: &Ground<'a>, pages: &[&'a IndexFacts]) -> Option<&'a str> {
    if !matches!(entry.package.source, LockSource::Index(_)) {
        return None;
    }
    let only = |all: &'a [String]| match all {
        [one] => Some(one.as_str()),
        _ => None,
    };
    let with_release = pages.iter().find(|page| entry.listed(page).next().is_some());
    entry
        .index()
        .or_else(|| only(&ground.lock.indexes))
        .or_else(|| with_release.map(|page| page.index.as_str()))
        .or_else(|| only(ground.indexes))
}

fn direct(source: &LockSource) -> Option<&str> {
    match source {
        LockSource::Url(url) | LockSource::Vcs { url, .. } => Some(url),
        LockSource::Path(path) | LockSource::Directory { path, .. } => Some(path),
        LockSource::Index(_) => None,
    }
}

/// Whether the release is another one than before. Of a lock that is judged alone, nothing moved.
fn has_moved(entry: &Entry<'_>, project: &ProjectName, version: &Version) -> bool {
    match entry.standing {
        Standing::Unknown => false,
        Standing::New => true,
        Standing::Moved(before) => {
            debug_assert_eq!(before.project, *project);
            before.version.as_ref() != Some(version)
        }
    }
}

/// The files of an index that the lock means.
fn locked<'p>(entry: &Entry<'_>, pages: &[&'p IndexFacts]) -> Vec<&'p ListedFile> {
    // Where the lock names none, it may be any.
    let is_any = entry.named.is_empty() && entry.nameless.is_empty();
    let is_locked = |file: &&ListedFile| {
        entry.named.iter().any(|named| named.name == file.name)
            || entry.nameless.iter().any(|(digest, _)| file.digests.contains(digest))
            || is_any
    };
    let of = |page: &&'p IndexFacts| -> Vec<&'p ListedFile> {
        entry.listed(page).filter(is_locked).collect()
    };
    pages.iter().map(of).find(|files| !files.is_empty()).unwrap_or_default()
}

/// When the youngest file was uploaded: as the index says, else as the lock says. A file without a
/// time may be younger than all others.
fn uploaded(entry: &Entry<'_>, pages: &[&IndexFacts]) -> Option<Timestamp> {
    let listed = locked(entry, pages);
    let times: Option<Vec<Timestamp>> = if listed.is_empty() {
        let files = entry.package.files.iter();
        files.map(|file| file.uploaded.as_deref()?.parse().ok()).collect()
    } else {
        listed.iter().map(|file| file.uploaded).collect()
    };
    times?.into_iter().max()
}

/// Whether only source distributions are locked.
fn has_source(entry: &Entry<'_>, pages: &[&IndexFacts]) -> Option<bool> {
    let project = &entry.package.project;
    if matches!(entry.package.source, LockSource::Vcs { .. } | LockSource::Directory { .. }) {
        return Some(true);
    }
    if !entry.named.is_empty() {
        return Some(entry.named.iter().all(|named| release_of(project, &named.name).1));
    }
    let listed = locked(entry, pages);
    (!listed.is_empty()).then(|| listed.iter().all(|file| file.is_source))
}
