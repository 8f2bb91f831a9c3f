//! A private PostgreSQL cluster for tests, in a temporary folder, reached over a unix socket.
//!
//! The server's own binaries come from `COUNTERMARK_POSTGRES_BIN`, from the folder of `initdb` on
//! the `PATH`, or from `/usr/lib/postgresql/*/bin`. Where there are none, the test says so on
//! stderr and is not run, and fails with `COUNTERMARK_REQUIRE_POSTGRES=1`.
//!
//! The server never runs as root, which it refuses: then another user owns the folder. It stops
//! when the value is dropped, and also when the test ends in any other way: a shell beside it
//! waits at a pipe that only the test holds.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(90);

/// Starts the server and stops it as soon as its own standard input ends.
const KEEPER: &str = r#"
folder=$1; shift
"$@" </dev/null >>"$folder/server.log" 2>&1 &
server=$!
echo "$server"
exec >/dev/null
read -r word
[ "$word" = gone ] || kill -QUIT "$server" 2>/dev/null
wait "$server"
[ -n "$word" ] || rm -rf "$folder"
"#;

/// How a cluster runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Whether what is committed is on the disk, as in operation. Most tests need no such thing.
    pub durable: bool,
    /// Whether it also listens on a free port of 127.0.0.1.
    pub loopback: bool,
    /// Whether it speaks TLS there, with a certificate for `localhost` of an authority of its own
    /// ([`Postgres::certificate`]).
    pub tls: bool,
}

/// A running cluster.
#[derive(Debug)]
pub struct Postgres {
    binaries: PathBuf,
    user: Option<User>,
    manner: Manner,
    port: u16,
    count: AtomicU32,
    server: Mutex<Option<Server>>,
    // Last, so that it goes after the server.
    folder: TempDir,
}

#[derive(Debug)]
struct Server {
    keeper: Child,
    pipe: Option<ChildStdin>,
    process: u32,
}

/// Another user than root, by number.
#[derive(Clone, Debug)]
struct User {
    name: String,
    user: String,
    group: String,
}

impl Postgres {
    /// The cluster that all tests of a binary share, without durability; `None` where there is no
    /// PostgreSQL, which is said on stderr.
    ///
    /// # Panics
    /// Where it cannot be started, and where there is none but must be.
    #[must_use]
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Manner::default())).as_ref()
    }

    /// A cluster of one's own.
    ///
    /// # Panics
    /// Where it cannot be started, and where there is none but must be.
    #[must_use]
    pub fn start(manner: Manner) -> Option<Self> {
        let Some(binaries) = find_binaries() else {
            let required = std::env::var_os("COUNTERMARK_REQUIRE_POSTGRES");
            assert!(
                required.as_deref() != Some(OsStr::new("1")),
                "COUNTERMARK_REQUIRE_POSTGRES=1, and there is no PostgreSQL: install it, or name \
                 the folder of its programs in COUNTERMARK_POSTGRES_BIN"
            );
            // Not through the harness, which would keep it to itself.
            let _ = writeln!(
                std::io::stderr(),
                "\nNOT RUN: {} needs PostgreSQL, and there is none",
                std::thread::current().name().unwrap_or("a test")
            );
            return None;
        };
        let folder = tempfile::Builder::new().prefix("pg-").tempdir().expect("a temporary folder");
        let user = unprivileged();
        if let Some(user) = &user {
            let owner = format!("{}:{}", user.user, user.group);
            succeed(Command::new("chown").arg(owner).arg(folder.path()));
        }
        let cluster = Self {
            binaries,
            user,
            manner,
            port: free_port(),
            count: AtomicU32::new(0),
            server: Mutex::new(None),
            folder,
        };
        let initdb = cluster.binaries.join("initdb");
        succeed(
            cluster
                .command(&initdb)
                .args(["--username=countermark", "--auth=trust", "--encoding=UTF8"])
                .args(["--locale=C", "--no-sync", "--pgdata"])
                .arg(cluster.folder.path().join("data")),
        );
        if manner.tls {
            cluster.make_certificate();
        }
        cluster.launch();
        Some(cluster)
    }

    /// The certificate of [`Manner::tls`], which is its own authority, in PEM.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("data/server.crt")
    }

    fn make_certificate(&self) {
        let names = vec!["localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let key = self.folder.path().join("data/server.key");
        std::fs::write(self.certificate(), made.cert.pem()).expect("a file of our own");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file of our own");
        // The server takes no key that others can read.
        succeed(Command::new("chmod").arg("600").arg(&key));
        if let Some(user) = &self.user {
            let owner = format!("{}:{}", user.user, user.group);
            succeed(Command::new("chown").arg(owner).arg(&key).arg(self.certificate()));
        }
    }

    /// An empty database of one's own, as a connection string.
    ///
    /// # Panics
    /// Where the server does not answer.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.count.fetch_add(1, Ordering::SeqCst));
        succeed(
            Command::new(self.binaries.join("createdb"))
                .arg("--host")
                .arg(self.folder.path())
                .args(["--port", &self.port.to_string(), "--username", "countermark"])
                .arg(&name),
        );
        format!(
            "host={} port={} user=countermark dbname={name}",
            self.folder.path().display(),
            self.port
        )
    }

    /// The port on 127.0.0.1, with [`Manner::loopback`]; the name of the socket in any case.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the server's own programs.
    #[must_use]
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// Ends the server as a loss of power does, as far as processes go (`kill -9`).
    ///
    /// # Panics
    /// Where it does not run.
    pub fn kill(&self) {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = server.take().expect("the server runs");
        signal("KILL", running.process);
        running.finish(b"gone\n");
    }

    /// Starts it again after [`Self::kill`], with the recovery that it then does by itself.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn restart(&self) {
        self.launch();
    }

    /// Sends a signal (`STOP`, `CONT`, `KILL`) to one process of the server, for example the one
    /// that `pg_backend_pid()` names.
    ///
    /// # Panics
    /// Where there is no such process.
    pub fn signal(&self, name: &str, process: u32) {
        signal(name, process);
    }

    /// Starts the server until it takes connections. After a `kill -9` the processes of the old one
    /// need a moment to see that it is gone, and until then the new one says no.
    fn launch(&self) {
        let began = Instant::now();
        loop {
            let mut server = self.spawn();
            if self.becomes_ready(&mut server, began) {
                *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
                return;
            }
            server.finish(b"gone\n");
            assert!(began.elapsed() < PATIENCE, "PostgreSQL does not start: {}", self.log());
        }
    }

    fn spawn(&self) -> Server {
        let folder = self.folder.path();
        let listen = if self.manner.loopback { "127.0.0.1" } else { "" };
        let mut settings = vec![
            format!("listen_addresses={listen}"),
            format!("unix_socket_directories={}", folder.display()),
            format!("port={}", self.port),
            "max_connections=200".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "max_wal_size=2GB".to_owned(),
        ];
        if !self.manner.durable {
            settings.extend(["fsync=off", "full_page_writes=off"].map(str::to_owned));
        }
        if self.manner.tls {
            settings.push("ssl=on".to_owned());
        }
        let shell = Path::new("/bin/sh");
        let mut command = self.command(shell);
        command.args(["-c", KEEPER, "keeper"]).arg(folder).arg(self.binaries.join("postgres"));
        command.arg("-D").arg(folder.join("data"));
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        let mut keeper = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut number = String::new();
        keeper.stdout.take().expect("a pipe").read_to_string(&mut number).expect("its number");
        let process = number.trim().parse().expect("the number of a process");
        let pipe = keeper.stdin.take();
        Server { keeper, pipe, process }
    }

    /// The server itself writes "ready" into the last line of its own file, as `pg_ctl` reads it.
    fn becomes_ready(&self, server: &mut Server, began: Instant) -> bool {
        let file = self.folder.path().join("data/postmaster.pid");
        let number = server.process.to_string();
        while began.elapsed() < PATIENCE {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let mut lines = text.lines();
            if lines.next() == Some(&number) && lines.nth(6).map(str::trim) == Some("ready") {
                return true;
            }
            if !is_alive(server.process) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// A program that runs as a user who is not root.
    fn command(&self, program: &Path) -> Command {
        let mut command = match &self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = if is_there("setpriv") {
                    let mut command = Command::new("setpriv");
                    command.arg("--reuid").arg(&user.user).arg("--regid").arg(&user.group);
                    command.args(["--clear-groups", "--"]);
                    command
                } else {
                    let mut command = Command::new("runuser");
                    command.args(["-u", &user.name, "--"]);
                    command
                };
                command.arg(program);
                command
            }
        };
        // The folder of the test may be one that the other user must not enter.
        command.current_dir(self.folder.path());
        command.env("LC_ALL", "C").env_remove("PGDATA").env_remove("PGPORT");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut server) = server {
            server.finish(b"stop\n");
        }
    }
}

impl Server {
    fn finish(&mut self, word: &[u8]) {
        if let Some(mut pipe) = self.pipe.take() {
            let _ = pipe.write_all(word);
        }
        let _ = self.keeper.wait();
    }
}

fn find_binaries() -> Option<PathBuf> {
    let is_complete = |folder: &PathBuf| {
        ["initdb", "postgres", "createdb"].iter().all(|name| folder.join(name).is_file())
    };
    if let Some(folder) = std::env::var_os("COUNTERMARK_POSTGRES_BIN").map(PathBuf::from) {
        assert!(is_complete(&folder), "no PostgreSQL in `{}`", folder.display());
        return Some(folder);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let real = |folder: PathBuf| {
        let initdb = folder.join("initdb").canonicalize().ok()?;
        initdb.parent().map(Path::to_owned)
    };
    if let Some(found) = std::env::split_paths(&path).filter_map(real).find(is_complete) {
        return Some(found);
    }
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, folder)| is_complete(folder))
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder)
}

/// Who runs the server where we are root.
fn unprivileged() -> Option<User> {
    if id(&["-u"]).as_deref() != Some("0") {
        return None;
    }
    let user = ["postgres", "nobody"].into_iter().find_map(|name| {
        let (user, group) = (id(&["-u", name])?, id(&["-g", name])?);
        Some(User { name: name.to_owned(), user, group })
    });
    Some(user.expect("a user `postgres` or `nobody`, since we are root"))
}

fn id(arguments: &[&str]) -> Option<String> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn is_alive(process: u32) -> bool {
    let sent = kill("0", process);
    sent && !is_zombie(process)
}

/// A process that ended is there until its shell waits for it, which is when we say so.
fn is_zombie(process: u32) -> bool {
    if let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) {
        return stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
    }
    let state = Command::new("ps").args(["-o", "stat=", "-p", &process.to_string()]).output();
    state.is_ok_and(|it| it.stdout.starts_with(b"Z") || it.stdout.is_empty())
}

fn kill(name: &str, process: u32) -> bool {
    Command::new("/bin/sh")
        .args(["-c", "kill -s \"$1\" \"$2\"", "kill", name, &process.to_string()])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|it| it.success())
}

fn signal(name: &str, process: u32) {
    assert!(kill(name, process), "cannot send {name} to process {process}");
}

/// It may be taken before it is used; then the server says so, and the test fails.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a loopback socket");
    listener.local_addr().expect("a bound socket has an address").port()
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(cluster: &Postgres, database: &str, sql: &str) -> Option<String> {
        let mut command = Command::new(cluster.binaries().join("psql"));
        command.args(["-X", "-A", "-t", "-d", database, "-c", sql]);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        output.status.success().then(|| text.trim().to_owned())
    }

    #[test]
    fn it_starts_serves_dies_and_comes_back() {
        let Some(cluster) = Postgres::start(Manner { durable: true, ..Manner::default() }) else {
            return;
        };
        let (one, two) = (cluster.database(), cluster.database());
        assert_ne!(one, two);
        ask(&cluster, &one, "CREATE TABLE t (n int); INSERT INTO t VALUES (7)").unwrap();
        assert_eq!(ask(&cluster, &one, "SHOW fsync").as_deref(), Some("on"));
        assert_eq!(ask(&cluster, &one, "SELECT inet_server_port()").as_deref(), Some(""));
        cluster.kill();
        assert_eq!(ask(&cluster, &one, "SELECT n FROM t"), None);
        cluster.restart();
        assert_eq!(ask(&cluster, &one, "SELECT n FROM t").as_deref(), Some("7"));
        let folder = cluster.folder.path().to_owned();
        let process = cluster.server.lock().unwrap().as_ref().unwrap().process;
        drop(cluster);
        assert!(!is_alive(process));
        assert!(!folder.exists());
    }

    #[test]
    fn it_stops_when_the_test_is_gone() {
        let Some(cluster) = Postgres::start(Manner::default()) else { return };
        let folder = cluster.folder.path().to_owned();
        // What the end of a process does: the pipe is closed without a word.
        let mut server = cluster.server.lock().unwrap().take().unwrap();
        drop(server.pipe.take());
        server.keeper.wait().unwrap();
        assert!(!is_alive(server.process));
        assert!(!folder.exists(), "the keeper takes the folder away");
    }
}
