//! `vet key`: keys that sign reviews, and whose they are.
//!
//! A secret stays in a file that its owner alone can read; what is printed and what goes into a ledger is its
//! public half. A key counts because a person put it into `ledger.toml`, and for no other reason.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countermark_client::ledger::folder::Held;
use countermark_client::ledger::sign::{self, SignError};
use countermark_client::report::Problem;
use countermark_ledger::ledger::AuthorKey;
use countermark_ledger::signature::{Certificates, KeyMistake, Keys, PublicKey};
use countermark_trust::Class;
use countermark_trust::openpgp::Fingerprint;
use jiff::Timestamp;

use super::exempt::nowhere;
use super::{ground, place};
use crate::cli::OutputArgs;
use crate::cli::vet::{KeyAddArgs, KeyArgs, KeyCommand, KeyNewArgs, KeyShowArgs};
use crate::commands::Outcome;
use crate::output;
use crate::setup;

/// Bytes of a file with a public key or a certificate.
const MAXIMUM: u64 = 4 << 20;

/// Where in a ledger's folder certificates are kept.
const CERTIFICATES: &str = "keys";

/// Runs the command.
pub(super) fn run(arguments: &KeyArgs, _: &OutputArgs) -> Outcome {
    match &arguments.command {
        KeyCommand::New(arguments) => new(arguments),
        KeyCommand::Show(arguments) => show(arguments),
        KeyCommand::Add(arguments) => add(arguments),
    }
}

/// The folder of this user's keys.
pub(super) fn folder() -> Result<PathBuf, Vec<Problem>> {
    let absolute =
        |name: &str| setup::variable(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let settings = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    settings.map(|settings| sign::folder(&settings)).ok_or_else(|| {
        let problem = Problem::new("no-home", Class::Usage, "there is no home folder");
        vec![problem.with_hint("set HOME, or name the file of the key")]
    })
}

fn new(arguments: &KeyNewArgs) -> Outcome {
    let author = author(&arguments.author)?;
    let path = match &arguments.output {
        Some(path) => path.clone(),
        None => sign::file_of(&folder()?, author),
    };
    let key = sign::seed().and_then(|seed| sign::new_key(author, &seed)).map_err(|it| told(&it))?;
    sign::write_key(&path, &key).map_err(|error| told(&error))?;
    output::print(&format!("made a key of {author} in {}", path.display()));
    output::print("its public half, for the ledgers in which it is to count:");
    output::print(&format!("  {}", key.verifier()));
    output::print("next:");
    let named = arguments.output.as_ref().map(|path| format!(" {}", path.display()));
    let named = named.unwrap_or_default();
    output::print(&format!("  countermark vet key add --author {author}{named}"));
    Ok(0)
}

fn show(arguments: &KeyShowArgs) -> Outcome {
    let mut files = arguments.files.clone();
    if files.is_empty() {
        let folder = folder()?;
        files = sign::files(&folder).map_err(|error| told(&error))?;
        if files.is_empty() {
            let message = format!("there is no key in {}", folder.display());
            let problem = Problem::new("signing-key", Class::Usage, message);
            return Err(vec![problem.with_hint("`countermark vet key new` makes one")]);
        }
    }
    let mut problems = Vec::new();
    for file in &files {
        match sign::read_key(file) {
            Ok(key) => output::print(&format!("{}  {}", key.verifier(), file.display())),
            Err(error) => problems.extend(told(&error)),
        }
    }
    if problems.is_empty() { Ok(0) } else { Err(problems) }
}

/// A key as it is given, and the certificate that has to be kept for it.
struct Given {
    key: PublicKey,
    certificate: Option<Vec<u8>>,
}

fn add(arguments: &KeyAddArgs) -> Outcome {
    let author = author(&arguments.author)?;
    let given = given(arguments, author)?;
    let here = setup::working_folder()?;
    let folder = place::find(&arguments.ledger, &here)?;
    let held = ground::hold(&folder, &setup::interrupted())?;
    let mut edit = ground::edit(&folder)?;
    let new = AuthorKey {
        author: author.to_owned(),
        key: given.key.to_text(),
        file: given.certificate.as_ref().map(|_| certificate_file(author, &given.key)),
        accounts: sorted(&arguments.accounts),
        from: arguments.from,
        until: arguments.until,
        place: nowhere(),
    };
    if let (Some(from), Some(until)) = (new.from, new.until)
        && until < from
    {
        return Err(ground::bad(format!("`--until {until}` is before `--from {from}`")));
    }
    // Judged with those that are there, as every reader will: one key is one person's.
    let mut all = edit.ledger().keys.clone();
    all.push(new.clone());
    let mut certificates = folder.read()?.certificates;
    if let (Some(file), Some(bytes)) = (&new.file, &given.certificate) {
        certificates.insert(file.clone(), bytes.clone());
    }
    judge(&all, &certificates)?;
    edit.add(std::slice::from_ref(&new)).map_err(|errors| ground::told(&errors))?;
    keep_certificate(&held, &new, given.certificate.as_deref())?;
    held.write_ledger(edit.text())?;
    let file = folder.shown(countermark_client::ledger::folder::LEDGER);
    output::print(&format!("{} is a key of {author} in {file} from now on", given.key));
    if new.accounts.is_empty() {
        output::print(&format!(
            "nobody knows the name of {author} at the index: `--account NAME` says it, so that reviews of \
             their own projects do not count"
        ));
    }
    output::print("whoever reviews the change asks them whether the key is theirs");
    Ok(0)
}

fn judge(keys: &[AuthorKey], certificates: &Certificates) -> Result<(), Vec<Problem>> {
    let problem = |mistake: &KeyMistake| {
        let problem = Problem::of(mistake.code(), mistake.class(), mistake);
        // A new one stands nowhere yet.
        let problem = match mistake.place.file.is_empty() {
            true => problem,
            false => problem.at(&mistake.place),
        };
        match mistake.hint() {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }
    };
    match Keys::new(keys, certificates, Timestamp::now()) {
        Ok(_) => Ok(()),
        Err(mistakes) => Err(mistakes.iter().map(problem).collect()),
    }
}

fn keep_certificate(
    held: &Held<'_>,
    key: &AuthorKey,
    certificate: Option<&[u8]>,
) -> Result<(), Vec<Problem>> {
    match (&key.file, certificate) {
        (Some(file), Some(bytes)) => held.write(file, bytes).map_err(|problem| vec![*problem]),
        _ => Ok(()),
    }
}

fn certificate_file(author: &str, key: &PublicKey) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "@.-_".contains(c) { c } else { '-' };
    let name: String = author.chars().map(plain).take(100).collect();
    let PublicKey::OpenPgp(fingerprint) = key else { return String::new() };
    // Two certificates of one author have two files.
    let end: String =
        fingerprint.as_str().chars().rev().take(8).collect::<Vec<_>>().iter().rev().collect();
    format!("{CERTIFICATES}/{}-{end}.asc", name.trim_start_matches('.'))
}

/// The key that is meant: a file, a text, or the author's own of this machine.
fn given(arguments: &KeyAddArgs, author: &str) -> Result<Given, Vec<Problem>> {
    let Some(text) = &arguments.key else {
        let path = sign::file_of(&folder()?, author);
        return own(&path);
    };
    let path = Path::new(text);
    if !path.is_file() {
        return parsed(text);
    }
    let bytes = read(path)?;
    if bytes.starts_with(b"PRIVATE+KEY+") {
        return own(path);
    }
    let text = String::from_utf8_lossy(&bytes);
    if let (Ok(text), false) = (std::str::from_utf8(&bytes), is_armor(&text)) {
        return parsed(text.trim());
    }
    if text.contains("PRIVATE KEY") {
        return Err(secret(path));
    }
    let key = PublicKey::OpenPgp(fingerprint(arguments, path, &bytes)?);
    Ok(Given { key, certificate: Some(bytes) })
}

fn is_armor(text: &str) -> bool {
    text.contains("-----BEGIN PGP") || text.contains("PRIVATE KEY")
}

fn parsed(text: &str) -> Result<Given, Vec<Problem>> {
    let key = PublicKey::parse(text).map_err(|error| {
        let problem = Problem::of(error.code(), error.class(), &error);
        vec![match error.hint() {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }]
    })?;
    if let PublicKey::OpenPgp(_) = key {
        let message = "an OpenPGP key needs its certificate";
        let problem = Problem::new("ledger-certificate", Class::Usage, message);
        let hint = "give the file that `gpg --armor --export FINGERPRINT` writes";
        return Err(vec![problem.with_hint(hint)]);
    }
    Ok(Given { key, certificate: None })
}

fn own(path: &Path) -> Result<Given, Vec<Problem>> {
    let key = sign::read_key(path).map_err(|error| told(&error))?;
    Ok(Given { key: PublicKey::Ed25519(key.verifier().clone()), certificate: None })
}

fn secret(path: &Path) -> Vec<Problem> {
    let message = format!("`{}` holds a secret key, expected a public one", path.display());
    vec![Problem::new("ledger-key-secret", Class::Usage, message)]
}

fn read(path: &Path) -> Result<Vec<u8>, Vec<Problem>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAXIMUM + 1).read_to_end(&mut bytes));
    let reason = match read {
        Ok(read) if read as u64 > MAXIMUM => format!("it has more than {MAXIMUM} bytes"),
        Ok(_) => return Ok(bytes),
        Err(error) => error.to_string(),
    };
    let message = format!("cannot read `{}`: {reason}", path.display());
    Err(vec![Problem::new("file-unreadable", Class::Usage, message)])
}

/// The fingerprint of a certificate: the one that is said, or the only one in the file.
fn fingerprint(
    arguments: &KeyAddArgs,
    path: &Path,
    bytes: &[u8],
) -> Result<Fingerprint, Vec<Problem>> {
    if let Some(text) = &arguments.fingerprint {
        return Fingerprint::parse(text).map_err(|error| ground::bad(error.to_string()));
    }
    let found = countermark_ledger::signature::fingerprints(&path.display().to_string(), bytes);
    match found {
        Ok(Some(found)) => match &found[..] {
            [one] => Ok(one.clone()),
            several => {
                let message = format!(
                    "`{}` holds {} certificates, expected one",
                    path.display(),
                    several.len()
                );
                let problem = Problem::new("ledger-certificate", Class::Usage, message);
                Err(vec![problem.with_hint("`--fingerprint` says which one is meant")])
            }
        },
        Ok(None) => {
            let message = "this build has no OpenPGP and cannot read the certificate";
            let problem = Problem::new("ledger-certificate", Class::Usage, message);
            Err(vec![problem.with_hint("`--fingerprint` says whose it is, in 40 or 64 digits")])
        }
        Err(error) => {
            let problem = Problem::of(error.code(), error.class(), &error);
            Err(vec![match error.hint() {
                Some(hint) => problem.with_hint(hint),
                None => problem,
            }])
        }
    }
}

/// A name that reviews can have: one line of visible text.
pub(super) fn author(text: &str) -> Result<&str, Vec<Problem>> {
    let text = text.trim();
    if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        return Err(ground::bad("an author is a name on one line, such as alice@example.org"));
    }
    Ok(text)
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    names
}

/// An error of signing as a problem.
pub(super) fn told(error: &SignError) -> Vec<Problem> {
    let problem = Problem::of(error.code(), error.class(), error);
    vec![match error.hint() {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }]
}

/// Whether a path leads to a file of a key that was made here.
pub(super) fn exists(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.is_file())
}
