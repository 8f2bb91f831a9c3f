//! `vet inspect` and `vet diff`: a release, or what moved between two, in the order in which a person
//! should look at it.
//!
//! Decides which bytes are read and how they are shown. They are verified before they are looked into,
//! and never run; what is shown of them can neither move the cursor nor hide what stands beside it.

#[cfg(feature = "service")]
mod browser;
mod obtain;
mod report;
mod text;

use std::path::Path;

use countermark_client::contents::ContentsError;
use countermark_client::contents::reading::{self, Marks, Reading};
use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;

use super::super::Outcome;
use crate::cli::OutputArgs;
use crate::cli::vet::{DiffArgs, InspectArgs, ReadingArgs, ReadingFormat};
use crate::progress::Teller;
use crate::setup;

use obtain::Obtained;

/// What is read, and what is said about it.
struct Subject {
    reading: Reading,
    marks: Marks,
    /// `flask 3.1.3`, `flask 3.1.2 → 3.1.3`.
    title: String,
    /// Who says the digest of each side.
    by: Vec<String>,
    /// The command that certifies what was read.
    next: String,
}

/// `vet inspect`
pub(super) fn inspect(arguments: &InspectArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let what = &arguments.what;
    let obtained = if obtain::is_file(what) {
        refuse_choice(&arguments.reading)?;
        obtain::local(Path::new(what))?
    } else {
        let (project, version) = release(what)?;
        let mut all = obtain::releases(&project, &[version], &arguments.reading, &teller)?;
        all.pop().ok_or_else(|| bad(format!("`{what}` is no file")))?
    };
    let reading = reading::whole(obtained.distribution(), obtained.sha256)
        .map_err(|error| unreadable(&error))?;
    let title = format!("{} {}", obtained.filename.name(), obtained.filename.version());
    let next = text::certify(&obtained, None, &arguments.reading);
    let subject =
        Subject::new(reading, title, vec![obtained.by.clone()], next, &arguments.reading)?;
    show(subject, &arguments.reading, output, &teller)
}

/// `vet diff`
pub(super) fn diff(arguments: &DiffArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let [before, after] = sides(arguments, &teller)?;
    if before.filename.name() != after.filename.name() {
        let message =
            format!("{} and {} are two projects", before.filename.name(), after.filename.name());
        teller.note(Note::new("inspect-two-projects", message));
    }
    let reading = reading::difference(
        (before.distribution(), before.sha256),
        (after.distribution(), after.sha256),
    );
    let reading = reading.map_err(|error| unreadable(&error))?;
    let name = after.filename.name();
    let title = format!("{name} {} → {}", before.filename.version(), after.filename.version());
    let next = text::certify(&after, Some(&before), &arguments.reading);
    let by = vec![before.by.clone(), after.by.clone()];
    let subject = Subject::new(reading, title, by, next, &arguments.reading)?;
    show(subject, &arguments.reading, output, &teller)
}

fn sides(arguments: &DiffArgs, teller: &Teller) -> Result<[Obtained; 2], Vec<Problem>> {
    match &arguments.what[..] {
        [before, after] if obtain::is_file(before) && obtain::is_file(after) => {
            refuse_choice(&arguments.reading)?;
            Ok([obtain::local(Path::new(before))?, obtain::local(Path::new(after))?])
        }
        [name, before, after] => {
            let project = ProjectName::parse(name).map_err(|error| bad(error.to_string()))?;
            let versions = [version(before)?, version(after)?];
            let all = obtain::releases(&project, &versions, &arguments.reading, teller)?;
            <[Obtained; 2]>::try_from(all).map_err(|_| bad("two files are compared".to_owned()))
        }
        _ => Err(bad("neither a project with two versions nor two files".to_owned())),
    }
}

impl Subject {
    fn new(
        reading: Reading,
        title: String,
        by: Vec<String>,
        next: String,
        arguments: &ReadingArgs,
    ) -> Result<Self, Vec<Problem>> {
        let state = setup::folders(&arguments.store)?.state;
        let marks = Marks::open(&state, &reading);
        Ok(Self { reading, marks, title, by, next })
    }
}

fn show(
    subject: Subject,
    arguments: &ReadingArgs,
    output: &OutputArgs,
    teller: &Teller,
) -> Outcome {
    #[cfg(feature = "service")]
    if arguments.browser.browser {
        return browser::run(subject, &arguments.browser, teller);
    }
    if arguments.format == ReadingFormat::Json {
        report::print(&subject, &arguments.only);
        return Ok(0);
    }
    text::show(&subject, arguments, output);
    teller.line(&format!("when you have read it: {}", subject.next));
    Ok(0)
}

fn release(what: &str) -> Result<(ProjectName, Version), Vec<Problem>> {
    let hint = "say `NAME==VERSION`, or the path of a wheel or source package";
    let neither = || {
        let message = format!("`{what}` is neither a release nor a file of one");
        vec![Problem::new("bad-release", Class::Usage, message).with_hint(hint)]
    };
    let (name, text) = what.split_once("==").ok_or_else(neither)?;
    let name = ProjectName::parse(name.trim()).map_err(|_| neither())?;
    Ok((name, version(text)?))
}

fn version(text: &str) -> Result<Version, Vec<Problem>> {
    text.trim().parse().map_err(|_| bad(format!("`{text}` is no version")))
}

fn bad(message: String) -> Vec<Problem> {
    vec![Problem::new("bad-release", Class::Usage, message)]
}

/// A file on disk is the one that is meant.
fn refuse_choice(arguments: &ReadingArgs) -> Result<(), Vec<Problem>> {
    let given = if arguments.file.is_some() {
        "--file"
    } else if arguments.sdist {
        "--sdist"
    } else if arguments.lock.is_some() {
        "--lock"
    } else {
        return Ok(());
    };
    let message = format!("`{given}` chooses a file of a release, and a file on disk is given");
    Err(vec![Problem::new("bad-option", Class::Usage, message)])
}

fn unreadable(error: &ContentsError) -> Vec<Problem> {
    vec![Problem::of(error.code(), error.class(), error)]
}
