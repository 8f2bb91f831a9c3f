//! Fills a log that `countermark log init` made, without HTTP, and prints a line a step: what a record costs
//! when there are many, and how large everything is.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countermark_client::http::{Client, Options};
use countermark_service::log::engine::{self, Engines};
use countermark_service::log::operator::folder::Folder;
use countermark_service::log::sequencer::{Alone, Outside, Sequencer, Settings};
use countermark_service::log::store::LogStore;
use countermark_trust::log::record::Observer;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::Notify;

use super::{Failure, count, made_up};

/// What is appended.
#[derive(Clone)]
pub(super) struct Fill {
    pub(super) observer: Observer,
    pub(super) records: u64,
    /// Then as many more, one here and one there.
    pub(super) later: u64,
    pub(super) step: u64,
    pub(super) batch: u64,
    pub(super) connections: u64,
}

pub(super) fn run(folder: &Path, fill: &Fill) -> Result<(), Failure> {
    let folder = Folder::open(folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(fill_all(&folder, fill))
}

async fn fill_all(folder: &Folder, fill: &Fill) -> Result<(), Failure> {
    let client = Arc::new(Client::new(Options::default(), Arc::default()));
    let (store, tiles): Engines = engine::open(&folder.config.storage, &client).await?;
    let clock = Arc::new(Timestamp::now);
    let outside = Outside { store: store.clone(), tiles, cosigners: Arc::new(Alone), clock };
    let signers = folder.signers(Timestamp::now().to_zoned(TimeZone::UTC).date())?;
    let settings = Settings::new(&folder.config.origin);
    let mut sequencer = Sequencer::new(outside, signers, settings, "fill");
    let enough = Arc::new(Notify::new());
    let stop = enough.clone();
    let sequencing = tokio::spawn(async move { sequencer.run(&stop).await });
    let mut first: Option<(f64, f64)> = None;
    let mut size = store.head().await?.size;
    let end = fill.records + fill.later;
    while size < end {
        let next = end.min((size / fill.step + 1) * fill.step);
        let next = if size < fill.records { next.min(fill.records) } else { next };
        let (started, used) = (Instant::now(), processor_seconds()?);
        append(&store, fill, size, next).await?;
        let durable = started.elapsed().as_secs_f64();
        published(store.as_ref(), next).await?;
        let records = count(next - size);
        let wall = started.elapsed().as_secs_f64() * 1e6 / records;
        let processor = (processor_seconds()? - used) * 1e6 / records;
        let (wall_before, processor_before) = *first.get_or_insert((wall, processor));
        let (files, bytes) = files_below(&folder.path.join("public"))?;
        println!(
            "{{\"size\": {next}, \"durable_a_second\": {:.0}, \"published_a_second\": {:.0}, \
             \"processor_us\": {processor:.1}, \"ratio\": {:.2}, \"processor_ratio\": {:.2}, \
             \"database_bytes\": {}, \"wal_bytes\": {}, \"tile_files\": {files}, \
             \"tile_bytes\": {bytes}, \"peak_kib\": {}}}",
            records / durable,
            1e6 / wall,
            wall / wall_before,
            processor / processor_before,
            length(folder, ""),
            length(folder, "-wal"),
            peak()?,
        );
        size = next;
    }
    enough.notify_one();
    sequencing.await?;
    Ok(())
}

async fn append(store: &Arc<dyn LogStore>, fill: &Fill, from: u64, to: u64) -> Result<(), Failure> {
    let next = Arc::new(AtomicU64::new(from));
    let mut tasks = Vec::new();
    for _ in 0..fill.connections {
        let (store, next, fill) = (store.clone(), next.clone(), fill.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                let first = next.fetch_add(fill.batch, Ordering::Relaxed);
                if first >= to {
                    return Ok::<_, Failure>(());
                }
                let made =
                    (first..to.min(first + fill.batch)).map(|number| match number < fill.records {
                        true => made_up::record(number, &fill.observer),
                        false => made_up::later(number, fill.records, &fill.observer),
                    });
                store.submit(made.collect::<Result<_, _>>()?, Timestamp::now()).await?;
            }
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// Until a checkpoint of that size stands there.
async fn published(store: &dyn LogStore, size: u64) -> Result<(), Failure> {
    while store.published().await?.is_none_or(|it| it.size < size) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// The database's file, or that beside it.
fn length(folder: &Folder, end: &str) -> u64 {
    let path = folder.path.join(format!("log.sqlite{end}"));
    path.metadata().map_or(0, |it| it.len())
}

/// How many files there are below a folder, and their bytes.
fn files_below(folder: &Path) -> Result<(u64, u64), Failure> {
    let (mut files, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let (more, of) = files_below(&entry.path())?;
            (files, bytes) = (files + more, bytes + of);
        } else if let Ok(about) = entry.metadata() {
            (files, bytes) = (files + 1, bytes + about.len());
        }
    }
    Ok((files, bytes))
}

/// Processor time of all threads of this process: what others do on the machine does not count.
fn processor_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    // User and system time are the 14th and 15th field; a tick is a hundredth of a second on Linux.
    Ok(count(ticks(12) + ticks(13)) / 100.0)
}

/// The most memory that this process had, in KiB.
fn peak() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    Ok(line.and_then(|it| it.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0))
}
