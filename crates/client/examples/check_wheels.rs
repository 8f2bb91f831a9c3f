//! Plans and extracts every wheel of some folders into nothing, and says which are refused and
//! how fast it was: `cargo run --release --example check_wheels DIR…`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use countermark_client::unpack::{
    ExtractedFile, Extractor, Limits, Plan, PlannedFile, Sink, UnpackError,
};
use countermark_packaging::filename::WheelFilename;

#[derive(Default)]
struct Null {
    bytes: u64,
}

impl Sink for Null {
    fn begin(&mut self, _index: usize, _file: &PlannedFile) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct Totals {
    wheels: u64,
    refused: u64,
    files: u64,
    archive_bytes: u64,
    planning: Duration,
    extracting: Duration,
    sink: Null,
    notes: BTreeMap<String, Vec<String>>,
}

fn main() -> ExitCode {
    let mut wheels: Vec<PathBuf> = Vec::new();
    for folder in std::env::args_os().skip(1) {
        match list(Path::new(&folder)) {
            Ok(found) => wheels.extend(found),
            Err(error) => {
                eprintln!("{}: {error}", folder.display());
                return ExitCode::from(3);
            }
        }
    }
    let mut totals = Totals::default();
    let mut extractor = Extractor::new();
    for path in &wheels {
        check(path, &mut extractor, &mut totals);
    }
    print(&totals);
    if totals.refused > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        found.push(entry?.path());
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "whl"));
    found.sort();
    Ok(found)
}

fn check(path: &Path, extractor: &mut Extractor, totals: &mut Totals) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    totals.wheels += 1;
    let refuse = |totals: &mut Totals, code: &str, message: &str| {
        totals.refused += 1;
        println!("{name}: [{code}] {message}");
    };
    let filename = match WheelFilename::parse(&name) {
        Ok(filename) => filename,
        Err(error) => return refuse(totals, "filename", &error.to_string()),
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return refuse(totals, "open", &error.to_string()),
    };
    match unpack(&file, &filename, extractor, totals) {
        Ok((plan, files)) => {
            totals.files += files.len() as u64;
            totals.archive_bytes += file.metadata().map_or(0, |metadata| metadata.len());
            for note in &plan.notes {
                totals.notes.entry(name.to_string()).or_default().push(format!("{note:?}"));
            }
        }
        Err(error) => refuse(totals, error.code(), &error.to_string()),
    }
}

fn unpack(
    file: &File,
    filename: &WheelFilename,
    extractor: &mut Extractor,
    totals: &mut Totals,
) -> Result<(Plan, Vec<ExtractedFile>), UnpackError> {
    let start = Instant::now();
    let plan = extractor.plan(file, filename, &Limits::default())?;
    totals.planning += start.elapsed();
    let start = Instant::now();
    let files = extractor.extract(file, &plan, &mut totals.sink)?;
    totals.extracting += start.elapsed();
    Ok((plan, files))
}

fn print(totals: &Totals) {
    for (name, notes) in &totals.notes {
        println!("{name}: {}", notes.join("; "));
    }
    let megabytes = totals.sink.bytes as f64 / 1e6;
    println!(
        "{} wheels, {} refused; {} files, {megabytes:.1} MB from {:.1} MB",
        totals.wheels,
        totals.refused,
        totals.files,
        totals.archive_bytes as f64 / 1e6,
    );
    println!(
        "planned in {:.3} s, extracted in {:.3} s, {:.0} MB/s together",
        totals.planning.as_secs_f64(),
        totals.extracting.as_secs_f64(),
        megabytes / (totals.planning + totals.extracting).as_secs_f64(),
    );
}
