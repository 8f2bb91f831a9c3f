//! From a downloaded file to an entry: bytes are hashed as they arrive, unpacked once they are
//! verified, and published by one rename.

use crate::system::fd::OwnedFd;
use crate::system::unix::fs::DirBuilderExt as _;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::Path;

use crate::system::fs::{Mode as Permissions, OFlags};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countermark_packaging::digest::Sha256;
use countermark_packaging::filename::WheelFilename;
use countermark_trust::tree::{self, Mode, Tree, TreeFile};
use countermark_trust::{Artifact, ArtifactVerifier, Pin, Rejection, Verified};

use super::seal::{CommandFact, Facts, FileSeal, Seal};
use super::{Entry, Store, StoreError, find_archive, io_error, no_archive};
use crate::unpack::{ExtractedFile, Extractor, Limits, Plan, PlannedFile, Sink, UnpackError, plan};

/// How much is read at once when an archive is hashed again.
const SLICE: usize = 256 << 10;

/// A file that is on its way: written to a private folder of the store and hashed in the same step.
#[derive(Debug)]
pub struct Download {
    folder: tempfile::TempDir,
    file: File,
    verifier: ArtifactVerifier,
    filename: String,
    pin: Option<Pin>,
    declared_size: Option<u64>,
}

/// An archive in the store whose bytes were verified through the descriptor that is kept open, so
/// what is unpacked is what was hashed even if the name comes to mean something else.
pub(super) struct VerifiedArchive {
    artifact: Verified<Artifact>,
    file: File,
    filename: WheelFilename,
    folder: Option<tempfile::TempDir>,
    source: String,
}

/// An archive whose bytes were verified through the descriptor that is kept open.
#[derive(Debug)]
pub struct VerifiedBytes {
    artifact: Verified<Artifact>,
    file: File,
    /// Of a download: goes with the value.
    #[expect(dead_code, reason = "held for its destructor")]
    folder: Option<tempfile::TempDir>,
}

impl VerifiedBytes {
    /// What was verified.
    #[must_use]
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The bytes.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Download {
    /// The next bytes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.verifier.update(bytes);
        self.file
            .write_all(bytes)
            .map_err(io_error("write", self.folder.path().join(&self.filename)))
    }

    /// Forgets what came so far: the file starts again.
    ///
    /// # Errors
    /// When the file cannot be truncated.
    pub fn restart(&mut self) -> Result<(), StoreError> {
        let path = self.folder.path().join(&self.filename);
        self.verifier =
            ArtifactVerifier::new(&self.filename, self.pin.as_ref(), self.declared_size);
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(io_error("write", path))
    }

    /// Number of bytes so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.verifier.size()
    }

    /// The digests of the bytes so far, of a file that nobody pinned.
    #[must_use]
    pub fn first_sight(&self) -> Artifact {
        self.verifier.clone().first_sight()
    }

    /// The bytes so far, of a file that nobody pinned.
    pub(crate) const fn received(&self) -> &File {
        &self.file
    }

    /// Judges the archive as installing would, without writing anything.
    ///
    /// # Errors
    /// A rejection by the pin or by the rules of wheels.
    pub fn check_structure(self, pin: &Pin, filename: WheelFilename) -> Result<(), StoreError> {
        let archive = self.verify(pin, filename, String::new())?;
        plan(&archive.file, &archive.filename, &Limits::default())?;
        Ok(())
    }

    /// The digest of what the archive unpacks to, which is written nowhere.
    ///
    /// # Errors
    /// A rejection by the pin or by the rules of wheels.
    pub fn tree_digest(
        self,
        pin: &Pin,
        filename: WheelFilename,
    ) -> Result<tree::TreeDigest, StoreError> {
        let archive = self.verify(pin, filename, String::new())?;
        let (tree, _, _) = unpack_nowhere(&archive)?;
        Ok(tree.digest())
    }

    /// The bytes, of a wheel or a source distribution, to be read and not to be kept.
    ///
    /// # Errors
    /// A rejection by the pin.
    pub fn verified(self, pin: &Pin) -> Result<VerifiedBytes, Rejection> {
        let artifact = self.verifier.finish(pin)?;
        Ok(VerifiedBytes { artifact, file: self.file, folder: Some(self.folder) })
    }

    fn verify(
        self,
        pin: &Pin,
        filename: WheelFilename,
        source: String,
    ) -> Result<VerifiedArchive, Rejection> {
        let artifact = self.verifier.finish(pin)?;
        Ok(VerifiedArchive {
            artifact,
            file: self.file,
            filename,
            folder: Some(self.folder),
            source,
        })
    }
}

impl Store {
    /// Starts a file. `filename` has to be one component; a server's idea of a name never gets here.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn begin(
        &self,
        filename: &str,
        pin: Option<&Pin>,
        declared_size: Option<u64>,
    ) -> Result<Download, StoreError> {
        let folder = self.temporary_folder()?;
        let path = folder.path().join(filename);
        if path.parent() != Some(folder.path()) || path.file_name() != Some(filename.as_ref()) {
            return Err(io_error("create", filename)(io::ErrorKind::InvalidInput.into()));
        }
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(io_error("create", path))?;
        let verifier = ArtifactVerifier::new(filename, pin, declared_size);
        let (filename, pin) = (filename.to_owned(), pin.cloned());
        Ok(Download { folder, file, verifier, filename, pin, declared_size })
    }

    /// Verifies, unpacks and publishes a finished download. `source` says where it came from, for
    /// provenance records: a URL without credentials, or a path.
    ///
    /// # Errors
    /// A rejection by the pin or by the rules of wheels; nothing is kept then.
    pub fn admit(
        &self,
        download: Download,
        pin: &Pin,
        filename: WheelFilename,
        source: String,
    ) -> Result<Entry, StoreError> {
        self.admit_archive(&download.verify(pin, filename, source)?)
    }

    /// Copies the archive of an entry to `target`, after its bytes were compared with the pin; a
    /// file that is there is replaced as a whole.
    ///
    /// # Errors
    /// [`StoreError`] when the archive is not the pinned one, or cannot be copied.
    pub fn export(&self, pin: &Pin, sha256: Sha256, target: &Path) -> Result<(), StoreError> {
        let archive = self.open_archive(pin, sha256)?;
        let parent = target.parent().unwrap_or(Path::new("."));
        let copied =
            tempfile::Builder::new().prefix(".tmp-").tempfile_in(parent).and_then(|mut to| {
                let mut from = &archive.file;
                from.rewind()?;
                io::copy(&mut from, &mut to)?;
                let readable = crate::system::unix::fs::PermissionsExt::from_mode(0o644);
                to.as_file().set_permissions(readable)?;
                to.persist(target).map_err(|error| error.error)
            });
        copied.map(drop).map_err(io_error("write", target))
    }

    /// The bytes of an entry's archive, hashed whole.
    ///
    /// # Errors
    /// [`StoreError`] when there is no archive, or it is not the pinned one.
    pub fn verified(&self, pin: &Pin, sha256: Sha256) -> Result<VerifiedBytes, StoreError> {
        let archive = self.open_archive(pin, sha256)?;
        Ok(VerifiedBytes { artifact: archive.artifact, file: archive.file, folder: archive.folder })
    }

    /// Opens the archive of an entry and hashes it whole.
    ///
    /// # Errors
    /// [`StoreError::NoArchive`] when there is none, or not the one that the folder is named
    /// after; only then is the entry itself bad. A rejection is about the pin.
    pub(super) fn open_archive(
        &self,
        pin: &Pin,
        sha256: Sha256,
    ) -> Result<VerifiedArchive, StoreError> {
        let path = find_archive(&self.folder(sha256))?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let filename = WheelFilename::parse(&name)
            .map_err(|_| StoreError::NoArchive { path: path.clone() })?;
        let file = super::open_regular(&path).map_err(|error| no_archive(&path, "open", error))?;
        let mut verifier = ArtifactVerifier::new(&name, Some(pin), None);
        hash_file(&file, |bytes| verifier.update(bytes)).map_err(io_error("read", &path))?;
        if verifier.sha256() != sha256 {
            return Err(StoreError::NoArchive { path });
        }
        let artifact = verifier.finish(pin)?;
        let seal = Seal::read(&self.seals, sha256);
        let source = seal.map_or_else(|| "the store".to_owned(), |seal| seal.facts.source);
        Ok(VerifiedArchive { artifact, file, filename, folder: None, source })
    }

    /// Unpacks into a private folder, moves the archive beside it, and renames the whole.
    pub(super) fn admit_archive(&self, archive: &VerifiedArchive) -> Result<Entry, StoreError> {
        let limits = Limits::default();
        let plan = plan(&archive.file, &archive.filename, &limits)?;
        let staging = self.temporary_folder()?;
        let files = staging.path().join("f");
        // Whatever the umask says: hard links are made only of what nobody else can write.
        let made = fs::DirBuilder::new().mode(0o755).create(&files);
        made.map_err(io_error("make", &files))?;
        let mut writer = FolderSink::new(&files, &plan).map_err(io_error("open", &files))?;
        let extracted = extract(&archive.file, &plan, &mut writer)?;
        let seals = writer.into_seals();
        let (tree, text) = tree::verify_unpacked(&archive.artifact, tree_files(&plan, extracted));
        let path = staging.path().join("tree");
        fs::write(&path, &text).map_err(io_error("write", path))?;
        self.keep_archive(archive, staging.path())?;
        let folder = self.folder(archive.artifact.sha256());
        let facts = facts(&plan, archive.source.clone());
        let entry = Entry { tree, facts, files: seals, folder, foreign: false };
        self.publish(entry, &text, staging)
    }

    fn keep_archive(&self, archive: &VerifiedArchive, staging: &Path) -> Result<(), StoreError> {
        let name = archive.filename.as_str();
        let target = staging.join(name);
        let moved =
            archive.folder.as_ref().map(|folder| fs::rename(folder.path().join(name), &target));
        if let Some(Ok(())) = moved {
            return Ok(());
        }
        let mut copy = File::create_new(&target).map_err(io_error("create", &target))?;
        let mut result = Ok(());
        hash_file(&archive.file, |bytes| {
            if result.is_ok() {
                result = copy.write_all(bytes);
            }
        })
        .and(result)
        .map_err(io_error("write", target))
    }

    /// Two runs may make the same entry. The first one's stays, since somebody may be linking from
    /// it, if its list is ours; then every byte of it is compared when it is linked.
    fn publish(
        &self,
        mut entry: Entry,
        text: &str,
        staging: tempfile::TempDir,
    ) -> Result<Entry, StoreError> {
        // The seal goes first: a run that is killed in between leaves a seal without an entry, which
        // is nothing, and not an entry of which nobody knows where it came from.
        self.seal(&entry, entry.files.clone())?;
        let failed = |error| io_error("publish", &entry.folder)(error);
        match fs::rename(staging.path(), &entry.folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                let theirs = super::read_bounded(&entry.folder.join("tree"), super::MAX_TREE_BYTES);
                if theirs.is_ok_and(|theirs| theirs == text) {
                    entry.files.clear();
                    self.seal(&entry, Vec::new())?;
                    entry.foreign = self.is_foreign(&entry.folder);
                    return Ok(entry);
                }
                self.remove(entry.tree.artifact().sha256())?;
                fs::rename(staging.path(), &entry.folder).map_err(failed)?;
                self.seal(&entry, entry.files.clone())?;
            }
            Err(error) => return Err(failed(error)),
        }
        // The folder has its final name; there is nothing left to clean up.
        let _ = staging.keep();
        entry.foreign = self.is_foreign(&entry.folder);
        Ok(entry)
    }
}

/// Unpacks in memory, to learn what the tree has to be.
pub(super) fn unpack_nowhere(
    archive: &VerifiedArchive,
) -> Result<(Verified<Tree>, String, Facts), StoreError> {
    struct Nowhere;
    impl Sink for Nowhere {
        fn begin(&mut self, _: usize, _: &PlannedFile) -> io::Result<()> {
            Ok(())
        }
        fn write(&mut self, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn finish(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let plan = plan(&archive.file, &archive.filename, &Limits::default())?;
    let extracted = extract(&archive.file, &plan, &mut Nowhere)?;
    let (tree, text) = tree::verify_unpacked(&archive.artifact, tree_files(&plan, extracted));
    Ok((tree, text, facts(&plan, archive.source.clone())))
}

fn extract(
    file: &File,
    plan: &Plan,
    sink: &mut dyn Sink,
) -> Result<Vec<ExtractedFile>, UnpackError> {
    Extractor::new().extract(file, plan, sink)
}

fn tree_files(plan: &Plan, extracted: Vec<ExtractedFile>) -> Vec<TreeFile> {
    let files = plan.files.iter().zip(extracted);
    files
        .map(|(planned, extracted)| TreeFile {
            scheme: planned.scheme,
            mode: match (extracted.rewrite_shebang, planned.executable) {
                (true, _) => Mode::Script,
                (false, true) => Mode::Executable,
                (false, false) => Mode::Plain,
            },
            size: extracted.size,
            blake3: extracted.blake3,
            sha256: URL_SAFE_NO_PAD.encode(extracted.sha256.0),
            path: planned.path.clone(),
        })
        .collect()
}

fn facts(plan: &Plan, source: String) -> Facts {
    let points = plan.entry_points.console.iter().chain(&plan.entry_points.gui);
    let commands = points
        .map(|script| CommandFact {
            name: script.name.clone(),
            module: script.module.clone(),
            attribute: script.attribute.clone(),
        })
        .collect();
    Facts {
        project: plan.metadata.name.to_string(),
        version: plan.metadata.version.to_string(),
        dist_info: plan.dist_info.clone(),
        platlib: !plan.wheel.root_is_purelib,
        requires_dist: plan.metadata.requires_dist.iter().map(ToString::to_string).collect(),
        requires_python: plan.metadata.requires_python.as_ref().map(ToString::to_string),
        commands,
        source,
    }
}

/// Writes each file under the number that it has in the tree.
struct FolderSink {
    folder: OwnedFd,
    /// From the position in the archive to the position in the tree.
    ranks: Vec<usize>,
    seals: BTreeMap<usize, FileSeal>,
    current: Option<(usize, File)>,
}

impl FolderSink {
    fn new(folder: &Path, plan: &Plan) -> io::Result<Self> {
        let mut order: Vec<usize> = (0..plan.files.len()).collect();
        order.sort_by_key(|&index| {
            let file = &plan.files[index];
            (file.scheme.name(), file.path.as_bytes())
        });
        let mut ranks = vec![0; order.len()];
        for (rank, index) in order.into_iter().enumerate() {
            ranks[index] = rank;
        }
        let folder = crate::system::fs::open(
            folder,
            OFlags::DIRECTORY | OFlags::CLOEXEC,
            Permissions::empty(),
        )?;
        Ok(Self { folder, ranks, seals: BTreeMap::new(), current: None })
    }

    fn into_seals(self) -> Vec<FileSeal> {
        self.seals.into_values().collect()
    }
}

impl Sink for FolderSink {
    fn begin(&mut self, index: usize, file: &PlannedFile) -> io::Result<()> {
        let rank = self.ranks[index];
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = if file.executable { 0o777 } else { 0o666 };
        let opened = crate::system::fs::openat(
            &self.folder,
            rank.to_string(),
            flags,
            Permissions::from_raw_mode(mode),
        )?;
        self.current = Some((rank, File::from(opened)));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.current {
            Some((_, file)) => file.write_all(bytes),
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        let (rank, file) = self.current.take().ok_or(io::ErrorKind::InvalidInput)?;
        self.seals.insert(rank, FileSeal::of(&crate::system::fs::fstat(&file)?));
        Ok(())
    }
}

/// Reads a whole file in slices, from its start.
pub(crate) fn hash_file(file: &File, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    use crate::system::unix::fs::FileExt as _;
    let mut buffer = vec![0; SLICE];
    let mut offset = 0;
    loop {
        let count = file.read_at(&mut buffer, offset)?;
        if count == 0 {
            return Ok(());
        }
        each(&buffer[..count]);
        offset += count as u64;
    }
}
