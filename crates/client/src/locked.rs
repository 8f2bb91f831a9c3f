//! Asks indexes what they say now about the projects of a lock, for the gate.
//!
//! Only the configured indexes are asked, never one that a lock names: a pull request does not choose
//! where this program connects to. Some projects are asked for at a time; of each page only what
//! concerns the lock is kept. An index that does not answer is asked a few times and then left alone,
//! and everything that is left is said to be not known.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use countermark_lock::gate::{Facts, IndexFacts, Locked, ProjectFacts};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::{ProjectStatus, StatusMarker};
use countermark_trust::Class;
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::index::{IndexClient, IndexError, IndexPage, PageSource};
use crate::report::{Progress, Reporter};
use crate::settings::Sources;

/// So many projects are asked for at a time.
const AT_A_TIME: usize = 12;

/// So many answers that did not come, one after the other, and nobody is asked any more.
const MAX_FAILURES: usize = 6;

/// Asks for all of them.
pub async fn ask(
    index: &IndexClient,
    wanted: &BTreeMap<ProjectName, Locked>,
    reporter: &dyn Reporter,
) -> Facts {
    reporter.progress(Progress::Asking { projects: wanted.len() });
    let failures = AtomicUsize::new(0);
    let given_up: Mutex<Option<String>> = Mutex::new(None);
    let asking = wanted.iter().map(|(project, locked)| {
        let (failures, given_up) = (&failures, &given_up);
        async move {
            let reason = given_up.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(reason) = reason {
                return (project.clone(), ProjectFacts::Unavailable { reason });
            }
            let answer = index.project_pages(project).await;
            reporter.progress(Progress::Asked);
            let facts = facts(index.sources(), project, locked, answer);
            match &facts {
                ProjectFacts::Known(_) => failures.store(0, Ordering::Relaxed),
                ProjectFacts::Unavailable { reason } => {
                    if failures.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_FAILURES {
                        let mut given_up = given_up.lock().unwrap_or_else(PoisonError::into_inner);
                        given_up
                            .get_or_insert_with(|| format!("no more was asked after: {reason}"));
                    }
                }
            }
            (project.clone(), facts)
        }
    });
    let facts = stream::iter(asking).buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await;
    reporter.progress(Progress::Done);
    facts.into_iter().collect()
}

fn facts(
    sources: &Sources,
    project: &ProjectName,
    locked: &Locked,
    answer: Result<Vec<IndexPage>, IndexError>,
) -> ProjectFacts {
    match answer {
        Ok(pages) => {
            let of = |page: &IndexPage| {
                IndexFacts::of(&address(&page.source), &page.page, project, locked)
            };
            ProjectFacts::Known(pages.iter().map(of).collect())
        }
        Err(IndexError::Quarantined { index, reason, .. }) => {
            let status = ProjectStatus { marker: StatusMarker::Quarantined, reason };
            let mut known = sources.indexes.iter().chain(sources.bound_to(project));
            let known = known.find(|known| known.to_string() == index);
            let index = known.map_or(index, |known| known.url.to_string());
            ProjectFacts::Known(vec![IndexFacts { index, status, ..IndexFacts::default() }])
        }
        Err(error) => {
            // What an index says wrongly is no answer either, only another reason.
            debug_assert!(error.class() != Class::Rejected);
            ProjectFacts::Unavailable { reason: error.to_string() }
        }
    }
}

/// As the gate compares it: a URL without credentials.
fn address(source: &PageSource) -> String {
    match source {
        PageSource::Index(index) => index.url.to_string(),
        PageSource::Links(place) => place.clone(),
    }
}
