//! A package with one file of each kind, an index that has it, and tools for changing files.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::{Member, Wheel};

use crate::support::{Run, World, pinned, sha256};

/// What `alpha/__init__.py` says, and what an attacker of the same length says.
pub(super) const GOOD: &str = "WHO = 'honest'\n";
pub(super) const EVIL: &str = "WHO = 'robber'\n";

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) index: IndexServer,
    /// The wheel.
    pub(super) bytes: Vec<u8>,
}

/// With a module, a script, a command and data.
pub(super) fn wheel(text: &str) -> Wheel {
    let mut script = Member::file("alpha-1.0.data/scripts/alpha-script", b"#!python\nprint(1)\n");
    script.mode = 0o100_755;
    Wheel::new("alpha", "1.0")
        .file("alpha/__init__.py", text.as_bytes())
        .file("alpha/other.py", b"OTHER = 1\n")
        .file("alpha/data.txt", b"some data\n")
        .member(script)
        .entry_points("[console_scripts]\nalpha-run = alpha:main\n")
}

impl Scene {
    /// Nothing is installed.
    pub(super) fn new() -> Self {
        let wheel = wheel(GOOD);
        let bytes = wheel.build();
        let file = ServedFile::honest(&wheel.filename(), bytes.clone());
        let index = IndexServer::start(Scenario::new().file("alpha", file));
        let world = World::new();
        world.write("requirements.txt", pinned("alpha", "1.0", &bytes));
        Self { world, index, bytes }
    }

    /// Installed into the environment `a`.
    pub(super) fn installed() -> Self {
        let scene = Self::new();
        scene.install("a", &[]).expect(0);
        scene
    }

    pub(super) fn install(&self, venv: &str, more: &[&str]) -> Run {
        let url = self.index.simple_url();
        let arguments = ["install", "-r", "requirements.txt", "--venv", venv, "-i", &url];
        self.world.run(&[&arguments[..], more].concat())
    }

    pub(super) fn verify(&self, venv: &str) -> Run {
        self.world.run(&["verify", "--python", venv])
    }

    /// The folder of packages of an environment.
    pub(super) fn site(&self, venv: &str) -> PathBuf {
        let lib = fs::read_dir(self.world.path(venv).join("lib")).unwrap();
        let mut folders = lib.map(|item| item.unwrap().path());
        folders.next().unwrap().join("site-packages")
    }

    pub(super) fn module(&self, venv: &str) -> PathBuf {
        self.site(venv).join("alpha/__init__.py")
    }

    /// What `alpha/__init__.py` says there.
    pub(super) fn says(&self, venv: &str) -> String {
        fs::read_to_string(self.module(venv)).unwrap()
    }

    /// The entry of the wheel in the store.
    pub(super) fn entry(&self) -> PathBuf {
        self.world.home(".cache/countermark/store").join(sha256(&self.bytes))
    }

    /// A file of the wheel as it lies in the store.
    pub(super) fn stored(&self, path: &str) -> PathBuf {
        stored_in(&self.entry(), path)
    }

    /// The archive in the store.
    pub(super) fn archive(&self) -> PathBuf {
        self.entry().join(wheel(GOOD).filename())
    }

    /// The one file below `home` with this name.
    pub(super) fn state(&self, folder: &str, name: &str) -> PathBuf {
        let root = self.world.home(".local/state/countermark").join(folder);
        let mut open = vec![root];
        while let Some(next) = open.pop() {
            for item in fs::read_dir(next).unwrap() {
                let path = item.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.file_name().unwrap() == name {
                    return path;
                }
            }
        }
        panic!("no {name} in {folder}");
    }

    /// A good environment, and how the run that made it ended.
    #[track_caller]
    pub(super) fn installs_what_is_pinned(&self, venv: &str, more: &[&str]) -> Run {
        let run = self.install(venv, more);
        run.expect(0);
        assert_eq!(self.says(venv), GOOD);
        self.verify(venv).expect(0).says("as installed");
        run
    }
}

/// The number of a file in an entry's list.
pub(super) fn stored_in(entry: &Path, path: &str) -> PathBuf {
    let tree = fs::read_to_string(entry.join("tree")).unwrap();
    let ending = format!(" {path}");
    let number = tree.lines().skip(1).position(|line| line.ends_with(&ending)).unwrap();
    entry.join("f").join(number.to_string())
}

pub(super) fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Writes other bytes of the same length into the same inode, and puts the times back.
pub(super) fn edit_unseen(path: &Path, text: &str) {
    let before = fs::metadata(path).unwrap();
    assert_eq!(before.len(), text.len() as u64);
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    let after = fs::metadata(path).unwrap();
    let seen = |it: &fs::Metadata| (it.ino(), it.len(), it.mode(), it.mtime(), it.mtime_nsec());
    assert_eq!(seen(&before), seen(&after));
}
