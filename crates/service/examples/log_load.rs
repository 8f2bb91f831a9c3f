//! Load for a log on loopback: appends in batches, look-ups, slow connections. Prints one JSON object.
//!
//! ```text
//! log_load append ADDRESS ORIGIN KEYFILE OBSERVER FIRST RECORDS BATCH CONNECTIONS
//! log_load lookup ADDRESS RECORDS NAMES CONNECTIONS SECONDS
//! log_load slow ADDRESS CONNECTIONS SECONDS
//! log_load fill FOLDER OBSERVER RECORDS LATER STEP BATCH CONNECTIONS
//! ```
//!
//! `bench/log.py` runs it. HTTP is written by hand here: a client that does less takes less from
//! the server on a machine that both share.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use countermark_tlog::note::{self, SignerKey};
use countermark_trust::log::record::Observer;
use countermark_trust::log::wire::Batch;

use made_up::{file_name, record};

#[path = "log_load/fill.rs"]
mod fill;
#[path = "log_load/made_up.rs"]
mod made_up;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match &words[..] {
        ["append", address, origin, key, observer, first, records, batch, connections] => {
            let key = SignerKey::parse(std::fs::read_to_string(key)?.trim())?;
            let load = Append {
                address,
                origin,
                key: &key,
                observer: Observer::parse(observer)?,
                first: first.parse()?,
                records: records.parse()?,
                batch: batch.parse()?,
            };
            load.run(connections.parse()?)
        }
        ["lookup", address, records, names, connections, seconds] => lookup(
            address,
            records.parse()?,
            names.parse()?,
            connections.parse()?,
            Duration::from_secs(seconds.parse()?),
        ),
        ["slow", address, connections, seconds] => {
            slow(address, connections.parse()?, Duration::from_secs(seconds.parse()?))
        }
        ["fill", folder, observer, records, later, step, batch, connections] => {
            let fill = fill::Fill {
                observer: Observer::parse(observer)?,
                records: records.parse()?,
                later: later.parse()?,
                step: step.parse::<u64>()?.max(1),
                batch: batch.parse::<u64>()?.max(1),
                connections: connections.parse::<u64>()?.max(1),
            };
            fill::run(Path::new(folder), &fill)
        }
        _ => Err("see the head of examples/log_load.rs".into()),
    }
}

struct Append<'a> {
    address: &'a str,
    origin: &'a str,
    key: &'a SignerKey,
    observer: Observer,
    first: u64,
    records: u64,
    batch: u64,
}

impl Append<'_> {
    fn run(&self, connections: u64) -> Result<(), Failure> {
        let next = AtomicU64::new(0);
        let (bytes, waits) = (AtomicU64::new(0), Mutex::new(Vec::new()));
        // Bodies are made and signed before the clock starts.
        let batches = self.records.div_ceil(self.batch);
        let bodies: Vec<Vec<u8>> =
            (0..batches).map(|batch| self.body(batch)).collect::<Result<_, _>>()?;
        let started = Instant::now();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..connections)
                .map(|_| {
                    scope.spawn(|| -> Result<(), Failure> {
                        let mut connection = Connection::open(self.address)?;
                        loop {
                            let batch = next.fetch_add(1, Ordering::Relaxed);
                            let index = usize::try_from(batch)?;
                            let Some(body) = bodies.get(index) else { return Ok(()) };
                            let asked = Instant::now();
                            let answer = connection.post("/append", "text/plain", body)?;
                            waits.lock().map_err(|_| "poisoned")?.push(asked.elapsed());
                            let expected = self.batch.min(self.records - batch * self.batch);
                            let receipts =
                                answer.windows(8).filter(|it| it == b"\"status\"").count();
                            if u64::try_from(receipts)? != expected {
                                return Err(format!("{receipts} receipts for {expected}").into());
                            }
                            bytes.fetch_add(u64::try_from(body.len())?, Ordering::Relaxed);
                        }
                    })
                })
                .collect();
            threads.into_iter().try_for_each(|it| it.join().map_err(|_| "a thread panicked")?)
        })?;
        let seconds = started.elapsed().as_secs_f64();
        let (p50, p99) = percentiles(waits.into_inner().map_err(|_| "poisoned")?);
        println!(
            "{{\"records\": {}, \"seconds\": {seconds:.3}, \"a_second\": {:.0}, \"batch\": {}, \
             \"bytes\": {}, \"p50_ms\": {p50:.2}, \"p99_ms\": {p99:.2}}}",
            self.records,
            count(self.records) / seconds,
            self.batch,
            bytes.into_inner(),
        );
        Ok(())
    }

    fn body(&self, batch: u64) -> Result<Vec<u8>, Failure> {
        let last = ((batch + 1) * self.batch).min(self.records);
        let numbers = batch * self.batch..last;
        let records = numbers
            .map(|it| record(self.first + it, &self.observer))
            .collect::<Result<Vec<_>, _>>()?;
        let batch = Batch { origin: self.origin.to_owned(), records };
        Ok(note::sign(&batch.text(), &[self.key])?.to_text().into_bytes())
    }
}

fn lookup(
    address: &str,
    records: u64,
    names: u64,
    connections: u64,
    length: Duration,
) -> Result<(), Failure> {
    let (waits, bytes) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    let seed = Arc::new(AtomicU64::new(1));
    let started = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| -> Result<(), Failure> {
                    let mut connection = Connection::open(address)?;
                    let mut mine = Vec::new();
                    while started.elapsed() < length {
                        // A walk with a large odd step visits names far apart.
                        let first =
                            seed.fetch_add(1, Ordering::Relaxed).wrapping_mul(2_654_435_761);
                        let list: Vec<String> = (0..names)
                            .map(|it| {
                                format!(
                                    "\"{}\"",
                                    file_name(first.wrapping_add(it * 7919) % records).1
                                )
                            })
                            .collect();
                        let body =
                            format!("{{\"version\":1,\"seen\":0,\"files\":[{}]}}", list.join(","));
                        let asked = Instant::now();
                        let answer =
                            connection.post("/lookup", "application/json", body.as_bytes())?;
                        mine.push(asked.elapsed());
                        let found = answer.windows(7).filter(|it| it == b"\"index\"").count();
                        if u64::try_from(found)? < names {
                            return Err(format!("{found} records for {names} names").into());
                        }
                        bytes.fetch_add(u64::try_from(answer.len())?, Ordering::Relaxed);
                    }
                    waits.lock().map_err(|_| "poisoned")?.extend(mine);
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|it| it.join().map_err(|_| "a thread panicked")?)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let waits = waits.into_inner().map_err(|_| "poisoned")?;
    let requests = u64::try_from(waits.len())?;
    let (p50, p99) = percentiles(waits);
    println!(
        "{{\"requests\": {requests}, \"seconds\": {seconds:.3}, \"a_second\": {:.0}, \"names\": {names}, \
         \"answer_bytes\": {:.0}, \"p50_ms\": {p50:.2}, \"p99_ms\": {p99:.2}}}",
        count(requests) / seconds,
        count(bytes.into_inner()) / count(requests.max(1)),
    );
    Ok(())
}

/// Opens connections that send a byte of a head each second, and looks whether others are served.
fn slow(address: &str, connections: usize, length: Duration) -> Result<(), Failure> {
    let mut open = Vec::new();
    for _ in 0..connections {
        let Ok(mut stream) = TcpStream::connect(address) else { continue };
        if stream.write_all(b"GET /checkpoint HTTP/1.1\r\nHost: ").is_ok() {
            open.push(stream);
        }
    }
    let held = open.len();
    let (started, mut waits, mut failed) = (Instant::now(), Vec::new(), 0_u64);
    let mut second = 0;
    while started.elapsed() < length {
        let asked = Instant::now();
        let answered = Connection::open(address).and_then(|mut it| it.get("/checkpoint"));
        match answered {
            Ok(_) => waits.push(asked.elapsed()),
            Err(_) => failed += 1,
        }
        if started.elapsed().as_secs() > second {
            second += 1;
            open.retain_mut(|stream| stream.write_all(b"x").is_ok());
        }
    }
    let answered = waits.len();
    let (p50, p99) = percentiles(waits);
    println!(
        "{{\"held\": {held}, \"left\": {}, \"answered\": {answered}, \"failed\": {failed}, \
         \"p50_ms\": {p50:.2}, \"p99_ms\": {p99:.2}}}",
        open.len(),
    );
    Ok(())
}

struct Connection {
    stream: TcpStream,
    address: String,
    buffer: Vec<u8>,
}

impl Connection {
    fn open(address: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { stream, address: address.to_owned(), buffer: Vec::new() })
    }

    fn get(&mut self, path: &str) -> Result<Vec<u8>, Failure> {
        write!(self.stream, "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address)?;
        self.answer()
    }

    fn post(&mut self, path: &str, kind: &str, body: &[u8]) -> Result<Vec<u8>, Failure> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        // One write, so that one packet has both where they fit.
        self.stream.write_all(&[head.as_bytes(), body].concat())?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Vec<u8>, Failure> {
        let mut chunk = vec![0; 64 << 10];
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|it| it == b"\r\n\r\n") {
                break at + 4;
            }
            self.fill(&mut chunk)?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        if !head.starts_with("http/1.1 200") {
            return Err(head.into());
        }
        let length = head.split("content-length: ").nth(1).ok_or("no length")?;
        let length: usize = length.split("\r\n").next().ok_or("no length")?.parse()?;
        while self.buffer.len() < end + length {
            self.fill(&mut chunk)?;
        }
        let rest = self.buffer.split_off(end + length);
        let answer = std::mem::replace(&mut self.buffer, rest);
        Ok(answer[end..].to_vec())
    }

    fn fill(&mut self, chunk: &mut [u8]) -> Result<(), Failure> {
        match self.stream.read(chunk)? {
            0 => Err("the server hung up".into()),
            count => {
                self.buffer.extend_from_slice(&chunk[..count]);
                Ok(())
            }
        }
    }
}

fn percentiles(mut waits: Vec<Duration>) -> (f64, f64) {
    waits.sort_unstable();
    let at = |share: usize| {
        let index = (waits.len() * share / 100).min(waits.len().saturating_sub(1));
        waits.get(index).map_or(0.0, |it| it.as_secs_f64() * 1000.0)
    };
    (at(50), at(99))
}

#[expect(clippy::cast_precision_loss, reason = "figures that are shown")]
fn count(number: u64) -> f64 {
    number as f64
}
