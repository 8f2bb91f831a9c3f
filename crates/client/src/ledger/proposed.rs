//! Locks that would have been written had the ledger not said no, kept aside so that their files can be
//! read and vouched for before they are pinned.
//!
//! Decides where such a lock is kept (in the state folder, by the path of the lock that it is for) and how
//! much of it is read. It is what a command of this user wrote; nothing is installed from it, and what is
//! signed because of it is a digest, which the next run compares with bytes that it downloads itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use countermark_ledger::fact::Facts;
use countermark_packaging::digest::Sha256;
use countermark_packaging::lock::document::LockFormat;
use countermark_trust::Class;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::Problem;

/// Most bytes of one that is kept, and so of what is read.
const MAXIMUM: u64 = 256 << 20;

/// Most locks of one folder that are looked at.
const MAXIMUM_LOCKS: usize = 100;

/// A lock as it would be.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The lock that it is for, see [`canonical`].
    pub lock: PathBuf,
    /// In which form it is written.
    pub format: LockFormat,
    /// The bytes of the lock that was there; none where there was none.
    pub before: Option<Sha256>,
    /// When it was made.
    pub made: Timestamp,
    /// The text of the lock.
    pub text: String,
    /// The names of its files; not every format has them.
    pub names: BTreeMap<Sha256, String>,
    /// What was seen of the releases that would have moved; it is written into the ledger together with the
    /// lock, and the rules need it before.
    pub facts: Facts,
}

/// The file of a proposal, version 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: u32,
    lock: String,
    format: String,
    before: Option<String>,
    made: String,
    text: String,
    names: BTreeMap<String, String>,
    facts: String,
}

/// Those that are kept.
#[derive(Clone, Debug)]
pub struct Proposals {
    folder: PathBuf,
}

/// The path under which a lock has its proposal: that of the file behind links; of one that is not there
/// yet, its name in its folder.
///
/// # Errors
/// When the folder is not there.
pub fn canonical(lock: &Path) -> io::Result<PathBuf> {
    if let Ok(path) = lock.canonicalize() {
        return Ok(path);
    }
    let folder = lock.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize()?;
    let name = lock.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(folder.join(name))
}

impl Proposals {
    /// Those of a state folder.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self { folder: state.join("vet").join("proposed") }
    }

    /// Keeps one in place of an earlier one for the same lock. Only this user can read it.
    ///
    /// # Errors
    /// When it is too long, or cannot be written; an earlier one may be left.
    pub fn keep(&self, proposal: &Proposal) -> io::Result<()> {
        let bytes = serde_json::to_vec(&Form::of(proposal)?).map_err(io::Error::other)?;
        if bytes.len() as u64 > MAXIMUM {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let path = self.path(&proposal.lock);
        // Beside its place, so that nobody sees half of it. Whoever has the same process id now has
        // nothing to do with what an earlier one left.
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        let _ = fs::remove_file(&beside);
        let mut file = crate::system::create_private(&beside)?;
        let written = file.write_all(&bytes).and_then(|()| fs::rename(&beside, &path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    }

    /// Forgets the one for a lock.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn remove(&self, lock: &Path) -> io::Result<()> {
        match fs::remove_file(self.path(&canonical(lock)?)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The one for a lock; none where there is none.
    ///
    /// # Errors
    /// When what is there cannot be used.
    pub fn of(&self, lock: &Path) -> Result<Option<Proposal>, Box<Problem>> {
        let Ok(lock) = canonical(lock) else { return Ok(None) };
        let path = self.path(&lock);
        let bytes = match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| unusable(&path, &error.to_string()))?,
        };
        let proposal = parse(&bytes).map_err(|reason| unusable(&path, &reason))?;
        if proposal.lock != lock {
            let reason = format!("it is for {}", proposal.lock.display());
            return Err(unusable(&path, &reason));
        }
        Ok(Some(proposal))
    }

    /// The locks of a folder for which there are some, in the order of their names.
    #[must_use]
    pub fn in_folder(&self, folder: &Path) -> Vec<PathBuf> {
        let Ok(folder) = folder.canonicalize() else { return Vec::new() };
        let kept = fs::read_dir(self.folder.join(hashed(folder.as_os_str())));
        let paths = kept.into_iter().flatten().take(MAXIMUM_LOCKS).flatten().map(|it| it.path());
        let kept = paths.filter(|path| path.extension().is_some_and(|it| it == "json"));
        let locks = kept.filter_map(|path| Some(parse(&read(&path).ok()?).ok()?.lock));
        let mut locks: Vec<PathBuf> = locks.filter(|it| it.parent() == Some(&folder)).collect();
        locks.sort();
        locks
    }

    /// Of locks of one folder the proposals are in one folder.
    fn path(&self, lock: &Path) -> PathBuf {
        let folder = hashed(lock.parent().unwrap_or(Path::new("/")).as_os_str());
        let name = hashed(lock.file_name().unwrap_or_default());
        self.folder.join(folder).join(format!("{name}.json"))
    }
}

fn hashed(text: &std::ffi::OsStr) -> String {
    blake3::hash(text.as_encoded_bytes()).to_hex()[..32].to_owned()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAXIMUM + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAXIMUM {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

fn unusable(path: &Path, reason: &str) -> Box<Problem> {
    let message = format!("the proposed lock in `{}` cannot be used: {reason}", path.display());
    let problem = Problem::new("proposed-unusable", Class::Usage, message);
    Box::new(problem.with_hint("remove the file, and run the command that was refused again"))
}

impl Form {
    fn of(proposal: &Proposal) -> io::Result<Self> {
        let format = match proposal.format {
            LockFormat::Requirements => "requirements",
            LockFormat::Pylock => "pylock",
            // Others are never written.
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        let names = proposal.names.iter().map(|(digest, name)| (digest.hex(), name.clone()));
        Ok(Self {
            version: 1,
            lock: proposal.lock.to_str().ok_or(io::ErrorKind::InvalidFilename)?.to_owned(),
            format: format.to_owned(),
            before: proposal.before.map(|digest| digest.hex()),
            made: proposal.made.to_string(),
            text: proposal.text.clone(),
            names: names.collect(),
            facts: proposal.facts.write(),
        })
    }
}

fn parse(bytes: &[u8]) -> Result<Proposal, String> {
    let form: Form = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if form.version != 1 {
        return Err(format!("it has version {}, and 1 is known", form.version));
    }
    let format = match form.format.as_str() {
        "requirements" => LockFormat::Requirements,
        "pylock" => LockFormat::Pylock,
        other => return Err(format!("`{other}` is no format of a lock")),
    };
    let digest = |text: &str| Sha256::parse_hex(text).map_err(|error| error.to_string());
    let names = form.names.into_iter().map(|(hex, name)| Ok((digest(&hex)?, name)));
    let facts = Facts::parse("the facts of the proposed lock", form.facts.as_bytes());
    Ok(Proposal {
        lock: PathBuf::from(form.lock),
        format,
        before: form.before.as_deref().map(digest).transpose()?,
        made: form.made.parse().map_err(|error: jiff::Error| error.to_string())?,
        text: form.text,
        names: names.collect::<Result<_, String>>()?,
        facts: facts.map_err(|errors| {
            errors.first().map_or_else(String::new, |error| error.message.clone())
        })?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(lock: &Path) -> Proposal {
        let digest = Sha256::parse_hex(&"ab".repeat(32)).unwrap();
        Proposal {
            lock: canonical(lock).unwrap(),
            format: LockFormat::Requirements,
            before: Some(digest),
            made: "2026-11-22T10:00:00Z".parse().unwrap(),
            text: "cup==1.1\n".to_owned(),
            names: [(digest, "cup-1.1-py3-none-any.whl".to_owned())].into(),
            facts: Facts::default(),
        }
    }

    #[test]
    fn one_is_kept_for_each_lock_until_it_is_replaced_or_removed() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Proposals::new(&folder.path().join("state"));
        let [one, two] = ["requirements.txt", "pylock.toml"].map(|name| folder.path().join(name));
        assert_eq!((kept.of(&one).unwrap(), kept.in_folder(folder.path()).len()), (None, 0));
        let mut first = proposal(&one);
        kept.keep(&first).unwrap();
        assert_eq!(kept.of(&one).unwrap(), Some(first.clone()));
        // A lock that is written meanwhile is the same lock.
        fs::write(&one, "cup==1.0\n").unwrap();
        first.text = "cup==1.2\n".to_owned();
        kept.keep(&first).unwrap();
        kept.keep(&proposal(&two)).unwrap();
        assert_eq!(kept.of(&one).unwrap(), Some(first));
        assert_eq!(kept.in_folder(folder.path()).len(), 2);
        kept.remove(&one).unwrap();
        kept.remove(&one).unwrap();
        assert_eq!(kept.of(&one).unwrap(), None);
        assert_eq!(kept.in_folder(folder.path()), [canonical(&two).unwrap()]);
    }

    #[test]
    fn it_is_private_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Proposals::new(&folder.path().join("state"));
        let lock = folder.path().join("requirements.txt");
        kept.keep(&proposal(&lock)).unwrap();
        let path = kept.path(&canonical(&lock).unwrap());
        assert!(crate::system::is_private(&fs::metadata(&path).unwrap()));
        assert!(crate::system::is_private(&fs::metadata(path.parent().unwrap()).unwrap()));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_proposal_of_the_lock_is_refused_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Proposals::new(&folder.path().join("state"));
        let [lock, other] = ["a.txt", "b.txt"].map(|name| folder.path().join(name));
        kept.keep(&proposal(&lock)).unwrap();
        let path = kept.path(&canonical(&lock).unwrap());
        let good = fs::read_to_string(&path).unwrap();
        fs::copy(&path, kept.path(&canonical(&other).unwrap())).unwrap();
        assert!(kept.of(&other).unwrap_err().message.contains("it is for"));
        for (from, to, reason) in [
            ("\"version\":1", "\"version\":2", "it has version 2"),
            ("\"requirements\"", "\"tea\"", "`tea` is no format"),
            ("{\"version\"", "{\"tea\":1,\"version\"", "unknown field"),
            ("2026-11-22T", "yesterday ", ""),
        ] {
            fs::write(&path, good.replacen(from, to, 1)).unwrap();
            let problem = kept.of(&lock).unwrap_err();
            assert_eq!(problem.code, "proposed-unusable");
            assert!(problem.message.contains(reason), "{}", problem.message);
        }
    }
}
