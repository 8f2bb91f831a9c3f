//! `hash`: the digests of files, as requirements files want them.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use countermark_client::log::{PinToCheck, ServedBy};
use countermark_client::report::Problem;
use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::filename::DistributionFilename;
use countermark_packaging::lock::requirements::edit::Document;
use countermark_trust::{ArtifactVerifier, Class, Pin};
use jiff::Timestamp;

use super::Outcome;
use super::lock::policy;
use super::log::check::Asking;
use super::report::replace_file;
use crate::cli::{ColorChoice, HashArgs, IndexArgs, OutputArgs, StoreArgs};
use crate::progress::Teller;
use crate::{output, session, setup};

/// How much is read at once.
const SLICE: usize = 256 << 10;

/// A file with its digest.
struct Hashed {
    shown: String,
    name: Option<DistributionFilename>,
    digest: Digest,
}

/// Runs the command. Files that can be read are shown even when others cannot.
pub(crate) fn run(arguments: &HashArgs) -> Outcome {
    let algorithm = Algorithm::parse(&arguments.algorithm).filter(|a| a.is_strong());
    let Some(algorithm) = algorithm else {
        let message = format!("`{}` is not sha256, sha384 or sha512", arguments.algorithm);
        return Err(vec![Problem::new("weak-digest", Class::Usage, message)]);
    };
    let (mut hashed, mut problems) = (Vec::new(), Vec::new());
    for path in &arguments.files {
        match hash(path, algorithm) {
            Ok(one) => hashed.push(one),
            Err(problem) => problems.push(*problem),
        }
    }
    ask(arguments, &hashed)?;
    match &arguments.write {
        Some(requirements) => problems.extend(write(requirements, &hashed)?),
        None => hashed.iter().for_each(|one| output::print(&line(one))),
    }
    if problems.is_empty() { Ok(0) } else { Err(problems) }
}

/// Lines that are printed or written are new pins, so the log is asked about them, if there is one.
fn ask(arguments: &HashArgs, hashed: &[Hashed]) -> Result<(), Vec<Problem>> {
    let policy = policy::find(None, &setup::working_folder()?)?;
    if !policy.log().is_on() || hashed.is_empty() {
        return Ok(());
    }
    let teller =
        Teller::new(&OutputArgs { quiet: false, color: ColorChoice::Auto, no_progress: true });
    let session = session::open("hash", &IndexArgs::default(), &[], None)?;
    let state = setup::folders(&StoreArgs::default())?.state;
    let known = match &arguments.write {
        Some(requirements) => std::fs::read_to_string(requirements).unwrap_or_default(),
        None => String::new(),
    };
    let pin = |one: &Hashed| {
        let name = one.name.as_ref()?;
        let is_new = !known.contains(&one.digest.to_string());
        is_new.then(|| PinToCheck {
            project: name.name().clone(),
            filename: name.as_str().to_owned(),
            digests: vec![one.digest.clone()],
            served_by: ServedBy::by_settings(&session.settings.sources, name.name()),
            stands: false,
        })
    };
    let pins: Vec<PinToCheck> = hashed.iter().filter_map(pin).collect();
    let asking = Asking {
        session: &session,
        policy: &policy,
        state: &state,
        evidence: None,
        teller: &teller,
        now: Timestamp::now(),
    };
    let problems = asking.about(&pins).problems;
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn hash(path: &Path, algorithm: Algorithm) -> Result<Hashed, Box<Problem>> {
    let shown = path.display().to_string();
    let digest = digest(path, algorithm).map_err(|error| {
        let message = format!("cannot read `{shown}`");
        let problem = Problem::new("file-unreadable", Class::Rejected, message);
        Box::new(problem.with_detail(error.to_string()))
    })?;
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.and_then(|name| DistributionFilename::parse(name).ok());
    Ok(Hashed { shown, name, digest })
}

pub(crate) fn digest(path: &Path, algorithm: Algorithm) -> std::io::Result<Digest> {
    let mut file = File::open(path)?;
    // A pin by the algorithm makes the verifier compute it; its value does not matter here.
    let any = Digest::new(algorithm, &vec![0; algorithm.byte_len()]);
    let pin = any.ok().and_then(|digest| Pin::new([digest]).ok());
    let mut verifier = ArtifactVerifier::new("file", pin.as_ref(), None);
    let mut buffer = vec![0; SLICE];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => verifier.update(&buffer[..count]),
        }
    }
    let artifact = verifier.first_sight();
    let digest = artifact.digests().find(|digest| digest.algorithm() == algorithm);
    digest.cloned().ok_or_else(|| std::io::ErrorKind::Unsupported.into())
}

fn line(hashed: &Hashed) -> String {
    match &hashed.name {
        Some(name) => {
            format!("{}=={} \\\n    --hash={}", name.name(), name.version(), hashed.digest)
        }
        None => format!("# {}\n    --hash={}", hashed.shown, hashed.digest),
    }
}

/// Adds digests to the requirements that pin the files' releases.
fn write(requirements: &Path, hashed: &[Hashed]) -> Result<Vec<Problem>, Vec<Problem>> {
    let shown = requirements.display().to_string();
    let bytes = std::fs::read(requirements).map_err(|error| {
        let message = format!("cannot read `{shown}`");
        vec![Problem::new("file-unreadable", Class::Usage, message).with_detail(error.to_string())]
    })?;
    let document = Document::parse(&shown, &bytes).map_err(|error| vec![Problem::from(&error)])?;
    let errors: Vec<Problem> = document.errors().iter().map(Problem::from).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let (mut additions, mut problems) = (Vec::new(), Vec::new());
    for one in hashed {
        let matching = document.entries().iter().enumerate().filter(|(_, entry)| {
            one.name
                .as_ref()
                .is_some_and(|name| entry.project == *name.name() && entry.accepts(name))
        });
        let before = additions.len();
        additions.extend(matching.map(|(index, _)| (index, vec![one.digest.clone()])));
        if additions.len() == before {
            let message = format!("`{shown}` pins no release that `{}` is a file of", one.shown);
            problems.push(Problem::new("no-such-requirement", Class::Rejected, message));
        }
    }
    let written = document.with_digests(&additions);
    if written != bytes {
        replace_file(requirements, &written)?;
    }
    Ok(problems)
}
