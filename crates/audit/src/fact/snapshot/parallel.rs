//! A snapshot read with several threads; what comes out is in the order of the lines.

use std::io::BufRead;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use countermark_packaging::name::ProjectName;

use super::{Form, Names, Problem, Reader};
use crate::fact::ProjectFacts;

/// Bytes of lines that a thread is given at a time, at least.
const BATCH: usize = 1 << 20;

/// Batches that wait for a thread, or for whoever takes what came out.
const WAITING: usize = 2;

/// Lines with their numbers, or what kept one from being read.
type Batch = Vec<Result<(u64, Vec<u8>), Problem>>;

/// What became of a line: its number and name, where it is a project, and what was made of it.
type Made<T> = Vec<(Option<(u64, ProjectName)>, T)>;

/// Reads every project and applies `map` to it in one of several threads; `each` is given what came
/// out, in the order of the snapshot, in the thread of the caller.
///
/// In memory are a few projects for each thread, whatever the size of the snapshot.
///
/// # Panics
/// When `map` does.
pub fn map_parallel<R: BufRead + Send, T: Send>(
    mut reader: Reader<R>,
    threads: usize,
    map: impl Fn(Result<ProjectFacts, Problem>) -> T + Sync,
    mut each: impl FnMut(T),
) {
    if threads <= 1 {
        reader.for_each(|facts| each(map(facts)));
        return;
    }
    let form = reader.form;
    let mut names = std::mem::take(&mut reader.names);
    let map = &map;
    std::thread::scope(|scope| {
        let (mut to_workers, mut from_workers) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (sender, batches) = sync_channel::<Batch>(WAITING);
            let (results, receiver) = sync_channel::<Made<T>>(WAITING);
            to_workers.push(sender);
            from_workers.push(receiver);
            scope.spawn(move || work(form, &batches, &results, map));
        }
        scope.spawn(move || deal(&mut reader, &to_workers));
        // Batches are dealt in turn and collected in turn, so their order is that of the lines.
        for receiver in from_workers.iter().cycle() {
            let Ok(made) = receiver.recv() else { break };
            for (project, value) in made {
                each(check(&mut names, project, value, map));
            }
        }
    });
}

/// A name that came before is known only here, where the order is.
fn check<T>(
    names: &mut Names,
    project: Option<(u64, ProjectName)>,
    value: T,
    map: impl Fn(Result<ProjectFacts, Problem>) -> T,
) -> T {
    match project.map(|(line, name)| names.check(&name, line)) {
        Some(Err(problem)) => map(Err(problem)),
        Some(Ok(())) | None => value,
    }
}

fn deal<R: BufRead>(reader: &mut Reader<R>, workers: &[SyncSender<Batch>]) {
    for worker in workers.iter().cycle() {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while bytes < BATCH {
            let mut line = Vec::new();
            match reader.next_line(&mut line) {
                Some(Ok(number)) => {
                    bytes += line.len();
                    batch.push(Ok((number, line)));
                }
                Some(Err(problem)) => batch.push(Err(problem)),
                None => break,
            }
        }
        // A worker that is gone has panicked, which the scope passes on.
        if batch.is_empty() || worker.send(batch).is_err() {
            return;
        }
    }
}

fn work<T>(
    form: Form,
    batches: &Receiver<Batch>,
    results: &SyncSender<Made<T>>,
    map: &impl Fn(Result<ProjectFacts, Problem>) -> T,
) {
    for batch in batches {
        let made = batch.into_iter().map(|line| {
            let facts = line.and_then(|(number, line)| Ok((number, form.parse(&line, number)?)));
            match facts {
                Ok((number, facts)) => (Some((number, facts.name.clone())), map(Ok(facts))),
                Err(problem) => (None, map(Err(problem))),
            }
        });
        if results.send(made.collect()).is_err() {
            return;
        }
    }
}
