//! `observe index`, `observe distributions` and `observe crawl`: what is seen is recorded once, and what
//! contradicts itself is told once.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use countermark_testkit::hook::{HookServer, Manner};
use countermark_testkit::index::{Behaviour, IndexServer, Scenario, ServedFile};

use crate::support::{World, sha256};

const OBSERVER: [&str; 2] = ["--observer", "index:example.org/crawler"];

fn index(files: &[(&str, &str, &str)]) -> IndexServer {
    let file = |scenario: Scenario, (project, name, bytes): &(&str, &str, &str)| {
        scenario.file(project, ServedFile::honest(name, *bytes))
    };
    IndexServer::start(files.iter().fold(Scenario::new().with_etags(), file))
}

fn look(world: &World, server: &IndexServer, more: &[&str]) -> crate::support::Run {
    let simple = format!("{}/simple/", server.url());
    world.run(&[&["observe", "index", "-i", &simple], &OBSERVER[..], more].concat())
}

const CONFIG: &str = "\
[observe]
database = \"observatory.sqlite\"
folders = [\"one\", \"two\"]

[webhook.ops]
url-env = \"HOOK\"
secret-env = \"KEY\"

[atom.public]
path = \"alarms.atom\"
authority = \"example.org\"
";

fn told_world(hooks: &HookServer) -> World {
    let mut world = World::new();
    world.write("observe.toml", CONFIG);
    world.set("HOOK", &format!("{}/hook", hooks.url()));
    world.set("KEY", "a key");
    world.write("one/.keep", "");
    world.write("two/.keep", "");
    world
}

#[test]
fn what_an_index_lists_is_recorded_once() {
    let world = World::new();
    let server = index(&[
        ("teapot", "teapot-1.0.tar.gz", "sdist"),
        ("teapot", "teapot-1.0-py3-none-any.whl", "wheel"),
        ("lid", "lid-1.0.tar.gz", "lid"),
    ]);
    world.write("names.txt", "# ours\nTeapot\nlid # and this\n\n");
    let first = look(&world, &server, &["--projects", "names.txt"]);
    first.expect(0).says("looked at 2 projects: 3 files listed, 3 new");
    // Nothing is due, and nothing is asked.
    server.forget_requests();
    look(&world, &server, &["--projects", "names.txt"]).expect(0).says("looked at 0 projects");
    assert_eq!(server.request_lines(), [""; 0]);
    let again = look(&world, &server, &["--projects", "names.txt", "--now"]);
    again.expect(0).says("looked at 2 projects: 3 files listed, 0 new");
}

#[test]
fn a_project_that_the_index_does_not_have_is_named() {
    let world = World::new();
    let server = index(&[("lid", "lid-1.0.tar.gz", "lid")]);
    let first = look(&world, &server, &["lid", "flaks"]);
    first.expect(0).says("note[no-project]: the index has no project `flaks`");
    first.says("looked at 2 projects: 1 file listed, 1 new; 1 project is not on the index");
    look(&world, &server, &["lid"]).expect(0).says("nothing is due: `--now` looks all the same");
}

#[test]
fn a_database_is_no_file_of_observations() {
    let world = World::new();
    let server = index(&[("lid", "lid-1.0.tar.gz", "lid")]);
    look(&world, &server, &["lid"]).expect(0);
    let report = world.run(&["observe", "report", "observatory.sqlite"]);
    report.expect(2).says("it is a database").says("`--database observatory.sqlite` reports");
    world.run(&["observe", "report", "--database", "observatory.sqlite"]).expect(0);
}

#[test]
fn a_second_digest_is_a_no_and_is_told_once() {
    let hooks = HookServer::start([Manner::Status { code: 500, retry_after: None }]);
    let world = told_world(&hooks);
    let before = index(&[("lid", "lid-1.0.tar.gz", "one")]);
    look(&world, &before, &["lid"]).expect(0);
    let after = index(&[("lid", "lid-1.0.tar.gz", "other")]);
    look(&world, &after, &["lid", "--now"]).expect(1).says("1 file has a second digest: an alarm");
    // Known by now.
    look(&world, &after, &["lid", "--now"]).expect(0).never_says("alarm");

    let crawl = || world.run(&["observe", "crawl", "--once"]);
    crawl().expect(3).says("webhook:ops").says("it is tried again");
    assert!(world.read("alarms.atom").contains("lid-1.0.tar.gz"));
    // It waits for its turn.
    crawl().expect(0);
    assert_eq!(hooks.calls().len(), 1);
    let body: serde_json::Value = serde_json::from_slice(&hooks.calls()[0].body).expect("JSON");
    assert_eq!(body["format"], "countermark-alarm/1");
    assert_eq!(body["kind"], "equivocation");
    assert_eq!(body["file"], "lid-1.0.tar.gz");
    let digests: Vec<_> = body["evidence"]["claims"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["digest"])
        .collect();
    assert_eq!(
        digests,
        [&format!("sha256:{}", sha256(b"one")), &format!("sha256:{}", sha256(b"other"))]
    );
}

#[test]
fn what_was_seen_goes_into_a_log_once_and_waits_for_it() {
    let world = World::new();
    let before = index(&[("lid", "lid-1.0.tar.gz", "one"), ("lid", "lid-1.1.tar.gz", "two")]);
    // Without a log it waits.
    look(&world, &before, &["lid"]).expect(0).never_says("to the log");
    world.run(&["log", "init", "log", "--origin", "log.example.org"]).expect(0);
    // Whom the log does not know appends nothing, on its own machine neither, and nothing is lost.
    let stranger = look(&world, &before, &["lid", "--log", "log"]);
    stranger.expect(2).says("error[append-refused]").says("is not registered");
    world.run(&["log", "checkpoint", "log"]).expect(0).says("log.example.org\n0\n");
    world.run(&["log", "observer", "add", "log", OBSERVER[1]]).expect(0);
    look(&world, &before, &["lid", "--log", "log"]).expect(0).says("2 records are new to the log");
    look(&world, &before, &["lid", "--log", "log", "--now"]).expect(0).says("0 records are new");
    // Another database, as of another crawler: the log knows the records, and a second digest.
    let other = ["lid", "--log", "log", "--database", "other.sqlite"];
    look(&world, &before, &other).expect(0).says("0 records are new to the log, 2 known");
    let after = index(&[("lid", "lid-1.0.tar.gz", "evil")]);
    let third = ["lid", "--log", "log", "--database", "third.sqlite"];
    look(&world, &after, &third).expect(1).says("1 record is new to the log; 1 new alarm");
}

#[test]
fn an_alarm_that_a_log_raised_is_delivered_once() {
    let hooks = HookServer::start([]);
    let mut world = told_world(&hooks);
    world.set("HOOK", &format!("{}/hook", hooks.url()));
    world.run(&["log", "init", "log", "--origin", "log.example.org"]).expect(0);
    world.run(&["log", "observer", "add", "log", OBSERVER[1]]).expect(0);
    for bytes in ["one", "evil"] {
        let digest = sha256(bytes.as_bytes());
        let line = format!(
            "{{\"project\":\"lid\",\"file\":\"lid-1.0.tar.gz\",\"digest\":\"sha256:{digest}\"}}\n"
        );
        world.write("records.jsonl", line);
        world.run(&["log", "append", "log", "records.jsonl"]).expect(0);
    }
    // Nothing is crawled: the log alone says so.
    let config = CONFIG.replace("folders = [\"one\", \"two\"]", "log = \"log\"");
    world.write("observe.toml", config);
    let crawl = || world.run(&["observe", "crawl", "--once"]);
    crawl().expect(1).says("read 0 places").says("1 new alarm; 2 messages delivered");
    crawl().expect(0).says("0 new alarms").never_says("delivered");
    let calls = hooks.calls();
    assert_eq!(calls.len(), 1);
    let body: serde_json::Value = serde_json::from_slice(&calls[0].body).expect("JSON");
    assert_eq!((&body["kind"], &body["file"]), (&"equivocation".into(), &"lid-1.0.tar.gz".into()));
    assert_eq!(world.read("alarms.atom").matches("<entry>").count(), 1);
}

/// A log that is served at an address of its own choice, until the test ends.
struct ServedLog {
    child: Child,
    url: String,
}

impl ServedLog {
    fn start(world: &World) -> Self {
        let mut command = world.command(&["log", "serve", "log", "--listen", "127.0.0.1:0"]);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let stderr = child.stderr.take().expect("its standard error");
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.split_once(" at ")?.1.to_owned()));
        // Whatever else it says must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: url.expect("an address") }
    }
}

impl Drop for ServedLog {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_served_log_takes_what_its_observer_signs_and_nothing_else() {
    let world = World::new();
    let server = index(&[("lid", "lid-1.0.tar.gz", "one")]);
    world.run(&["log", "init", "log", "--origin", "log.example.org"]).expect(0);
    world.run(&["log", "observer", "add", "log", OBSERVER[1]]).expect(0);
    let key = "log/keys/index-example.org-crawler.key";
    let log = ServedLog::start(&world);
    let feed = |more: &[&str]| {
        let to = ["lid", "--now", "--log-url", &log.url, "--key", key];
        look(&world, &server, &[&to, more].concat())
    };
    feed(&[]).expect(0).says("1 record is new to the log");
    feed(&["--database", "other.sqlite"]).expect(0).says("0 records are new to the log, 1 known");
    // For another log, nothing is taken, and what was seen waits.
    let third = ["--database", "third.sqlite"];
    let wrong = feed(&[&third[..], &["--origin", "other.example.org"]].concat());
    wrong.expect(2).says("error[append-refused]").says("status 403: other-log: ");
    feed(&third).expect(0).says("0 records are new to the log, 1 known");
    // In the name of another observer.
    let simple = format!("{}/simple/", server.url());
    let stranger = [
        "observe",
        "index",
        "-i",
        &simple,
        "--observer",
        "index:example.org/other",
        "--log-url",
        &log.url,
        "--key",
        key,
        "--database",
        "fourth.sqlite",
        "lid",
    ];
    world.run(&stranger).expect(2).says("error[append-refused]").says("other-observer");
}

#[test]
fn projects_that_cannot_be_read_come_back() {
    let world = World::new();
    let refuse = Behaviour::Status { code: 403, retry_after: None };
    let scenario = Scenario::new()
        .file("lid", ServedFile::honest("lid-1.0.tar.gz", "lid"))
        .on("/simple/teapot/", refuse);
    let server = IndexServer::start(scenario);
    let run = look(&world, &server, &["lid", "teapot"]);
    run.expect(3).says("1 file listed, 1 new").says("1 project could not be read");
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let world = World::new();
    let server = index(&[]);
    look(&world, &server, &[]).expect(2).says("error[no-projects]");
    look(&world, &server, &["-bad-"]).expect(2);
    let wrong = ["observe", "index", "--observer", "distribution:gentoo", "lid"];
    world.run(&wrong).expect(2).says("error[bad-observer]");
    world.run(&["observe", "distributions", "arch=x"]).expect(2).says("error[bad-place]");
    world.run(&["observe", "distributions", "gentoo=x"]).expect(2).says("error[file-unreadable]");
    world.run(&["observe", "crawl", "none.toml"]).expect(2);
}

#[test]
fn distributions_are_recorded_once_each_by_its_name() {
    let world = World::new();
    let (short, long) = ("0123456789abcdef".repeat(4), "0123456789abcdef".repeat(8));
    let (one, two) = (long.replace('0', "1"), long.replace('0', "2"));
    let address = "https://files.example.org/packages/source/t/teapot";
    world.write(
        "gentoo/dev-python/teapot/Manifest",
        format!(
            "DIST teapot-1.0.tar.gz 3 SHA512 {long}\nDIST other-1.0.gh.tar.gz 3 SHA512 {one}\n"
        ),
    );
    world.write("gentoo/dev-python/teapot/teapot-1.0.ebuild", "inherit distutils-r1 pypi\n");
    world.write(
        "gentoo/dev-libs/kettle/Manifest",
        format!("DIST kettle-1.0.tar.gz 3 SHA512 {two}\n"),
    );
    world.write("gentoo/dev-libs/kettle/kettle-1.0.ebuild", "inherit cmake\n");
    world.write("gentoo/.git/Manifest", "nonsense\n");
    world.write(
        "ports/devel/py-teapot/distinfo",
        format!("SHA256 (teapot-1.0.tar.gz) = {short}\nSIZE (teapot-1.0.tar.gz) = 3\n"),
    );
    world.write(
        "feedstocks/teapot/meta.yaml",
        format!("source:\n  url: {address}/teapot-1.0.tar.gz\n  sha256: {short}\n"),
    );
    world.write(
        "feedstocks/broken/meta.yaml",
        "source:\n  url: https://example.org/a-1.0.tar.gz\n  sha256: 12\n",
    );
    world.write(
        "tap/teapot.rb",
        format!(
            "class T < Formula\n  url \"{address}/teapot-1.0.tar.gz\"\n  sha256 \"{short}\"\nend\n"
        ),
    );
    world.write(
        "Sources",
        format!(
            "Package: python-teapot\nChecksums-Sha256:\n {short} 3 python-teapot_1.0.orig.tar.gz\n\nPackage: bash\nChecksums-Sha256:\n {} 3 bash_5.orig.tar.gz\n",
            short.replace('0', "1")
        ),
    );
    let run = |new: usize| {
        let all = [
            "observe",
            "distributions",
            "gentoo=gentoo",
            "freebsd=ports",
            "conda-forge=feedstocks",
            "homebrew=tap",
            "debian=Sources",
        ];
        let run = world.run(&all);
        run.expect(0)
            .says(&format!("gentoo: 2 documents, 1 file recorded, {new} new; 2 from elsewhere"))
            .says(&format!("freebsd: 1 document, 1 file recorded, {new} new"))
            .says(&format!("conda-forge: 2 documents, 1 file recorded, {new} new"))
            .says("feedstocks/broken/meta.yaml:3:")
            .says("1 mistake, whose documents count for nothing")
            .says(&format!("homebrew: 1 document, 1 file recorded, {new} new"));
        run
    };
    run(1);
    // The digest is known by another observer, so Debian's name says which file it is.
    run(0).says("debian: 1 document, 1 file recorded").says("1 from elsewhere left out");
}

fn locked(digest: &str) -> String {
    format!("teapot==1.0 --hash=sha256:{digest}\n")
}

fn uv_lock(bytes: &str) -> String {
    let digest = sha256(bytes.as_bytes());
    format!(
        "version = 1\nrequires-python = \">=3.9\"\n\n[[package]]\nname = \"teapot\"\nversion = \"1.0\"\nsource = {{ registry = \"https://index.example.org/simple\" }}\nsdist = {{ url = \"https://files.example.org/packages/teapot-1.0.tar.gz\", hash = \"sha256:{digest}\", size = 3 }}\n"
    )
}

#[test]
fn trees_are_read_compared_and_told() {
    let hooks = HookServer::start([]);
    let world = told_world(&hooks);
    world.write("one/uv.lock", uv_lock("good"));
    world.write("one/requirements.txt", locked(&sha256(b"good")));
    world.write("two/uv.lock", uv_lock("good"));
    let crawl = || world.run(&["observe", "crawl", "--once"]);
    crawl().expect(0).says("read 2 places: ").says("0 disagreements, 0 new alarms");
    // Nothing is due.
    crawl().expect(0).says("read 0 places");
    assert_eq!(hooks.calls().len(), 0);

    let hooks = HookServer::start([]);
    let world = told_world(&hooks);
    world.write("one/uv.lock", uv_lock("good"));
    world.write("two/uv.lock", uv_lock("evil"));
    let crawl = || world.run(&["observe", "crawl", "--once"]);
    crawl().expect(1).says("1 new alarm; 2 messages delivered");
    crawl().expect(0).says("0 new alarms");
    let calls = hooks.calls();
    assert_eq!(calls.len(), 1);
    let body: serde_json::Value = serde_json::from_slice(&calls[0].body).expect("JSON");
    assert_eq!(
        (&body["kind"], &body["file"]),
        (&"two-digests".into(), &"teapot-1.0.tar.gz".into())
    );
    // What is forgotten contradicts nothing any more.
    let two = world.path("two").display().to_string();
    world.run(&["observe", "crawl", "--forget", &two]).expect(0).says("forgot the pins of");
}
