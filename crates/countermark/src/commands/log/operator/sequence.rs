//! `log checkpoint`: gives what is pending its places, and prints the signed checkpoint.

use std::sync::Arc;
use std::time::Duration;

use countermark_client::report::Problem;
use countermark_service::log::engine::Engines;
use countermark_service::log::operator::Witnesses;
use countermark_service::log::operator::folder::Folder;
use countermark_service::log::operator::serve::{clock, day, holder};
use countermark_service::log::sequencer::{Outside, Sequencer, Settings, Turn};
use countermark_service::log::store::Published;
use countermark_trust::Class;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::super::super::Outcome;
use crate::cli::log_operator::LogFolderArgs;
use crate::output;

/// How long another process is waited for that sequences the same log.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often it is looked whether it is done.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the command.
pub(super) fn run(arguments: &LogFolderArgs) -> Outcome {
    let folder = super::open(&arguments.folder)?;
    let runtime = super::runtime()?;
    let published = runtime.block_on(sequence(&folder))?;
    output::print(published.note.trim_end());
    Ok(0)
}

async fn sequence(folder: &Folder) -> Result<Published, Vec<Problem>> {
    let engines = super::open_engines(folder).await?;
    let signers = folder.signers(day(Timestamp::now())).map_err(|it| super::problems(&it))?;
    let name = holder().map_err(|error| super::serve_problem(&error))?;
    let witnesses = folder.config.witnesses.clone();
    let cosigners = Witnesses::new(super::client(), Arc::clone(&engines.1), witnesses);
    let outside = Outside {
        store: Arc::clone(&engines.0),
        tiles: Arc::clone(&engines.1),
        cosigners: Arc::new(cosigners),
        clock: clock(),
    };
    // Whoever asks for a checkpoint gets one of now.
    let settings =
        Settings { heartbeat: SignedDuration::ZERO, ..Settings::new(&folder.config.origin) };
    let mut sequencer = Sequencer::new(outside, signers, settings, &name);
    let end = Instant::now() + PATIENCE;
    loop {
        let turn = sequencer.turn().await.map_err(|error| {
            let problem = Problem::of("log-checkpoint", error.class(), &error);
            vec![super::hinted(problem, error.hint())]
        })?;
        match turn {
            Turn::Leads { more: true, .. } => {}
            Turn::Leads { published: Some(published), .. } => {
                // The next one need not wait until the lead runs out.
                let _ = sequencer.resign().await;
                return Ok(published);
            }
            Turn::Leads { .. } | Turn::Follows => {
                if let Some(published) = done(&engines).await? {
                    return Ok(published);
                }
                if Instant::now() >= end {
                    let message = "another process sequences this log and did not finish in time";
                    return Err(vec![Problem::new("log-checkpoint", Class::Unavailable, message)]);
                }
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

/// The checkpoint of another process, once nothing waits any more.
async fn done(engines: &Engines) -> Result<Option<Published>, Vec<Problem>> {
    let failed = |error| super::store_problem(&error);
    if engines.0.counts().await.map_err(failed)?.pending > 0 {
        return Ok(None);
    }
    let head = engines.0.head().await.map_err(failed)?;
    let published = engines.0.published().await.map_err(failed)?;
    Ok(published.filter(|it| it.size >= head.size))
}
