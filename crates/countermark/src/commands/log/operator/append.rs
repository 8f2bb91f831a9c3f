//! `log append`: records from files, signed by their observer, into a folder or to a server.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countermark_client::http::{Client, Request, Submission};
use countermark_client::report::{Note, Problem};
use countermark_service::log::api::Keys;
use countermark_service::log::api::append::{MAXIMUM_SIGNED, read_batch};
use countermark_service::log::config::keys;
use countermark_service::log::engine::Engines;
use countermark_service::log::operator::folder::Folder;
use countermark_tlog::note::{SignerKey, sign_within};
use countermark_trust::Class;
use countermark_trust::log::record::{Observation, Observer};
use countermark_trust::log::wire::{
    Batch, Description, MAXIMUM_DESCRIPTION, MAXIMUM_RECEIPTS, Receipt, Receipts, Status,
};
use jiff::Timestamp;
use url::Url;

use super::super::super::Outcome;
use super::input::{Defaults, Records};
use crate::cli::log_operator::LogAppendArgs;
use crate::output;

/// How many records are signed together.
const BATCH: usize = 5_000;

/// How many second digests are told one by one.
const TOLD: usize = 100;

/// Where records go.
enum Target {
    Folder { folder: Box<Folder>, engines: Engines },
    Server { client: Arc<Client>, url: Url },
}

/// Hands records over, a batch at a time.
struct Appender {
    target: Target,
    origin: String,
    key: SignerKey,
    new: usize,
    known: usize,
    conflicts: usize,
}

/// Runs the command.
pub(super) fn run(arguments: &LogAppendArgs) -> Outcome {
    let runtime = super::runtime()?;
    let now = Timestamp::now();
    let (mut appender, observer, files) = match &arguments.url {
        Some(url) => {
            let (appender, observer) = runtime.block_on(to_server(arguments, url))?;
            (appender, observer, arguments.paths.as_slice())
        }
        None => {
            // The first of at least one.
            let (folder, files) = arguments.paths.split_at(1);
            let (appender, observer) = runtime.block_on(to_folder(arguments, &folder[0]))?;
            (appender, observer, files)
        }
    };
    if files.is_empty() {
        let problem = Problem::new("nothing-given", Class::Usage, "there is no file with records");
        return Err(vec![problem.with_hint("name one, or `-` for standard input")]);
    }
    for file in files {
        let defaults = Defaults { observer: observer.clone(), now };
        let result = append_file(&runtime, &mut appender, file, defaults);
        if let Err(problem) = result {
            appender.tell();
            return Err(vec![*problem]);
        }
    }
    appender.tell();
    Ok(0)
}

fn append_file(
    runtime: &tokio::runtime::Runtime,
    appender: &mut Appender,
    file: &Path,
    defaults: Defaults,
) -> Result<(), Box<Problem>> {
    let name = file.display().to_string();
    let reader: Box<dyn BufRead> = if name == "-" {
        Box::new(io::stdin().lock())
    } else {
        let opened = File::open(file).map_err(|error| {
            let message = format!("cannot read `{name}`: {error}");
            Box::new(Problem::new("file-unreadable", Class::Usage, message))
        })?;
        Box::new(BufReader::new(opened))
    };
    let mut records = Records::new(&name, reader, defaults);
    let mut batch = Vec::new();
    loop {
        let record = records.next()?;
        let is_end = record.is_none();
        batch.extend(record);
        if batch.len() == BATCH || (is_end && !batch.is_empty()) {
            runtime.block_on(appender.append(std::mem::take(&mut batch)))?;
        }
        if is_end {
            return Ok(());
        }
    }
}

async fn to_folder(
    arguments: &LogAppendArgs,
    path: &Path,
) -> Result<(Appender, Option<Observer>), Vec<Problem>> {
    let folder = super::open(path)?;
    let observer = match &arguments.observer {
        Some(text) => Some(
            Observer::parse(text)
                .map_err(|error| vec![Problem::of("bad-option", Class::Usage, &error)])?,
        ),
        // With one observer there is nothing to choose.
        None if arguments.key.is_none() && folder.config.observers.len() == 1 => {
            folder.config.observers.first().map(|it| it.observer.clone())
        }
        None => None,
    };
    let file: PathBuf = match (&arguments.key, &observer) {
        (Some(file), _) => file.clone(),
        (None, Some(observer)) => folder.observer_key(observer),
        (None, None) => {
            let message = "it is not said whose key signs";
            let problem = Problem::new("bad-option", Class::Usage, message);
            return Err(vec![problem.with_hint("give `--observer`, or the file with `--key`")]);
        }
    };
    let key = read_key(&file)?;
    let registered = folder.config.observers.iter().find(|it| it.key == *key.verifier());
    let Some(registered) = registered else {
        let message = format!("the key `{}` is that of no registered observer", file.display());
        let problem = Problem::new("log-append", Class::Rejected, message);
        return Err(vec![problem.with_hint("register it with `countermark log observer add`")]);
    };
    let observer = Some(registered.observer.clone());
    let engines = super::open_engines(&folder).await?;
    let origin = folder.config.origin.clone();
    let target = Target::Folder { folder: Box::new(folder), engines };
    Ok((Appender { target, origin, key, new: 0, known: 0, conflicts: 0 }, observer))
}

async fn to_server(
    arguments: &LogAppendArgs,
    url: &Url,
) -> Result<(Appender, Option<Observer>), Vec<Problem>> {
    // Clap sees to it that there is one.
    let file = arguments.key.clone().unwrap_or_default();
    let key = read_key(&file)?;
    let observer = match &arguments.observer {
        Some(text) => Some(
            Observer::parse(text)
                .map_err(|error| vec![Problem::of("bad-option", Class::Usage, &error)])?,
        ),
        None => Observer::parse(&format!("index:{}", key.name())).ok(),
    };
    let client = super::client();
    let origin = match &arguments.origin {
        Some(origin) => origin.clone(),
        None => ask_origin(&client, url).await?,
    };
    let target = Target::Server { client, url: url.clone() };
    Ok((Appender { target, origin, key, new: 0, known: 0, conflicts: 0 }, observer))
}

fn read_key(file: &Path) -> Result<SignerKey, Vec<Problem>> {
    keys::read_any(file).map_err(|error| {
        vec![super::hinted(Problem::of("log-folder", error.class(), &error), error.hint())]
    })
}

/// What the server says it is called. It can at worst make us sign for another log what is true there
/// as well.
async fn ask_origin(client: &Client, url: &Url) -> Result<String, Vec<Problem>> {
    let place = below(url, "log.json").map_err(|problem| vec![*problem])?;
    let request = Request::document(&place, "application/json", MAXIMUM_DESCRIPTION as u64)
        .allow_plain_http();
    let document = client.fetch(&request).await;
    let document =
        document.map_err(|error| vec![Problem::of("log-append", error.class(), &error)])?;
    let described = Description::parse(&document.body);
    let described =
        described.map_err(|error| vec![Problem::of("log-append", Class::Unavailable, &error)])?;
    Ok(described.origin)
}

fn below(url: &Url, name: &str) -> Result<Url, Box<Problem>> {
    let mut place = url.clone();
    match place.path_segments_mut() {
        Ok(mut segments) => {
            segments.pop_if_empty().push(name);
        }
        Err(()) => {
            let message = "the url of the log cannot be used";
            return Err(Box::new(Problem::new("bad-option", Class::Usage, message)));
        }
    }
    Ok(place)
}

impl Appender {
    async fn append(&mut self, records: Vec<Observation>) -> Result<(), Box<Problem>> {
        let names: Vec<String> = records.iter().map(|it| it.file().to_owned()).collect();
        let batch = Batch { origin: self.origin.clone(), records };
        let signed = sign_within(&batch.text(), &[&self.key], MAXIMUM_SIGNED)
            .map_err(|error| Box::new(Problem::of("log-append", Class::Usage, &error)))?
            .to_text();
        let receipts = match &self.target {
            Target::Folder { folder, engines } => append_here(folder, engines, &signed).await?,
            Target::Server { client, url } => append_there(client, url, signed).await?,
        };
        if receipts.len() != names.len() {
            let (expected, found) = (names.len(), receipts.len());
            let message = format!("expected {expected} receipts, found {found}");
            return Err(Box::new(Problem::new("log-append", Class::Unavailable, message)));
        }
        for (name, receipt) in names.iter().zip(receipts) {
            match receipt.status {
                Status::New => self.new += 1,
                Status::Known => self.known += 1,
            }
            self.tell_conflict(name, &receipt);
        }
        Ok(())
    }

    fn tell_conflict(&mut self, name: &str, receipt: &Receipt) {
        if receipt.conflicts.is_empty() {
            return;
        }
        self.conflicts += 1;
        if self.conflicts <= TOLD {
            let others: Vec<String> = receipt.conflicts.iter().map(ToString::to_string).collect();
            let message = format!("`{name}` was seen with another digest: {}", others.join(", "));
            output::show_note(&Note::new("second-digest", message));
        }
    }

    fn tell(&self) {
        let records = |number| output::count(number, "record", "records");
        output::print(&format!("{} taken, {} known already", records(self.new), self.known));
        if self.conflicts > TOLD {
            let message = format!("{} files were seen with another digest", self.conflicts);
            output::show_note(&Note::new("second-digest", message));
        }
    }
}

async fn append_here(
    folder: &Folder,
    engines: &Engines,
    signed: &str,
) -> Result<Vec<Receipt>, Box<Problem>> {
    // The same door as over HTTP.
    let keys = Keys::of(&folder.config, Vec::new());
    let records = read_batch(signed.as_bytes(), &keys, &folder.config.origin)
        .map_err(|error| Box::new(Problem::new("log-append", Class::Rejected, error.detail)))?;
    let submitted = engines.0.submit(records, Timestamp::now()).await;
    let receipts = submitted.map_err(|error| {
        let message = format!("the records were not taken: {error}");
        Box::new(super::hinted(Problem::new("log-append", error.class(), message), error.hint()))
    })?;
    let receipt = |it: countermark_service::log::store::Receipt| Receipt {
        status: if it.known { Status::Known } else { Status::New },
        index: it.index,
        conflicts: it.conflicts,
    };
    Ok(receipts.into_iter().map(receipt).collect())
}

async fn append_there(
    client: &Client,
    url: &Url,
    signed: String,
) -> Result<Vec<Receipt>, Box<Problem>> {
    let place = below(url, "append")?;
    let submission =
        Submission::new(&place, "text/plain; charset=utf-8", signed).allow_plain_http();
    let reply = client.ask(&submission, MAXIMUM_RECEIPTS as u64).await;
    let reply =
        reply.map_err(|error| Box::new(Problem::of("log-append", error.class(), &error)))?;
    if reply.status != 200 {
        let said: Option<serde_json::Value> = serde_json::from_slice(&reply.body).ok();
        let said = said.and_then(|it| Some(it.get("detail")?.as_str()?.to_owned()));
        let said: String = said.unwrap_or_default().chars().take(300).collect();
        let message = format!("the log refused the records ({}): {said}", reply.status);
        let class = if reply.status == 429 { Class::Unavailable } else { Class::Rejected };
        return Err(Box::new(Problem::new("log-append", class, message)));
    }
    let receipts = Receipts::parse(&reply.body);
    let receipts = receipts
        .map_err(|error| Box::new(Problem::of("log-append", Class::Unavailable, &error)))?;
    Ok(receipts.0)
}
