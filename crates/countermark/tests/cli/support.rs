//! One way to run the command: in a folder of its own, with an empty environment.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use countermark_testkit::wheel::Wheel;
use sha2::Digest as _;

/// What a run printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Fails with everything that was printed.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The text is somewhere in what was printed.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(said, "expected {text:?}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The text is nowhere in what was printed.
    #[track_caller]
    pub(crate) fn never_says(&self, text: &str) -> &Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(!said, "unexpected {text:?}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A folder with a home, a store and whatever the test puts there.
pub(crate) struct World {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["home", "work"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self { folder, variables: BTreeMap::new() }
    }

    /// The folder in which commands run.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// The home folder: below it `.cache/countermark` and `.local/state/countermark`.
    pub(crate) fn home(&self, name: &str) -> PathBuf {
        self.folder.path().join("home").join(name)
    }

    /// A variable for all later runs.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Writes a file below the working folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, content).expect("a file");
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a text file")
    }

    /// The command with an environment that has nothing of this machine's but `PATH`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_countermark"), arguments)
    }

    /// Another program, in the same environment.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.folder.path().join("work"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path().join("home"))
            // Files of the machine that no home folder hides.
            .envs([("PIP_CONFIG_FILE", "/dev/null"), ("UV_NO_SYSTEM_CONFIG", "1")])
            .env("XDG_CONFIG_DIRS", "/dev/null")
            .envs(&self.variables)
            .stdin(Stdio::null());
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().expect("the command runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// `install -r requirements.txt --venv env` with more arguments.
    pub(crate) fn install(&self, index: &str, more: &[&str]) -> Run {
        let mut arguments =
            vec!["install", "-r", "requirements.txt", "--venv", "env", "--index-url", index];
        arguments.extend(more);
        self.run(&arguments)
    }

    /// The folder of packages of the environment `env`.
    pub(crate) fn site(&self) -> PathBuf {
        let lib = self.path("env/lib");
        let mut folders = fs::read_dir(lib).expect("an environment").filter_map(Result::ok);
        let python = folders.find(|item| item.file_name().to_string_lossy().starts_with("python"));
        python.expect("a python folder").path().join("site-packages")
    }
}

/// A wheel with one module that says its version.
pub(crate) fn simple_wheel(name: &str, version: &str) -> Wheel {
    let module = format!("VERSION = {version:?}\n");
    Wheel::new(name, version).file(&format!("{name}.py"), module.as_bytes())
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A line of a requirements file with the digest of these bytes.
pub(crate) fn pinned(name: &str, version: &str, bytes: &[u8]) -> String {
    format!("{name}=={version} --hash=sha256:{}\n", sha256(bytes))
}

/// Every file below a folder with its kind, mode and contents; of links their target. Nothing for
/// a folder that is not there.
pub(crate) fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(items) = fs::read_dir(&next) else { continue };
        for item in items.filter_map(Result::ok) {
            let path = item.path();
            let metadata = fs::symlink_metadata(&path).expect("metadata");
            let content = if metadata.is_dir() {
                open.push(path.clone());
                Vec::new()
            } else if metadata.is_symlink() {
                fs::read_link(&path).expect("a link").into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).expect("a file")
            };
            let name = path.strip_prefix(folder).expect("below the folder").to_owned();
            files.insert(name, (metadata.mode(), content));
        }
    }
    files
}
