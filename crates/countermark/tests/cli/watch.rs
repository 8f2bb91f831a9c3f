//! `watch`: what is told, once, whatever happens to the process.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Stdio};

use countermark_testkit::hook::{Call, HookServer, Manner};
use countermark_testkit::index::{Behaviour, IndexServer, Scenario, ServedFile};
use countermark_testkit::mail::{MailServer, Security};

use crate::support::World;

const RECORDS: &str =
    "project,version,date\nteapot,1.0,2026-01-02\nteapot,1.1,2026-03-02\nkettle,1.0,2026-01-02\n";

const FEDERATION: &str = "\
[federation]
name = \"Tea Things\"
[[records]]
kind = \"table\"
path = \"releases.csv\"
[accounts]
release = [\"robot\"]
owners = [\"robot\", \"ada\"]
";

const CONFIG: &str = "\
[watch]
state = \"state/watch.sqlite\"

[webhook.ops]
url-env = \"HOOK\"
secret-env = \"KEY\"

[atom.public]
path = \"feed.atom\"
authority = \"example.org\"
";

fn world() -> World {
    let mut world = World::new();
    world.write("releases.csv", RECORDS);
    world.write("federation.toml", FEDERATION);
    world.write("watch.toml", CONFIG);
    world.write("state/.keep", "");
    world.set("KEY", "a key");
    world
}

/// An index with these versions of the two projects, all held by those who should hold them.
fn index(teapot: &[&str], change: impl FnOnce(Scenario) -> Scenario) -> IndexServer {
    let mut scenario = Scenario::new().with_etags();
    for (project, versions) in [("teapot", teapot), ("kettle", &["1.0"])] {
        for version in versions {
            let file = ServedFile::honest(&format!("{project}-{version}.tar.gz"), *version);
            let file = file.advertise(|it| {
                let day = if *version == "1.1" { "2026-03-02" } else { "2026-01-02" };
                it.upload_time = Some(format!("{day}T12:00:00Z"));
            });
            scenario = scenario.file(project, file);
        }
        let document = "{\"info\":{},\"last_serial\":7,\"ownership\":{\"organization\":null,\"roles\":[\
            {\"role\":\"Owner\",\"user\":\"robot\"},{\"role\":\"Owner\",\"user\":\"ada\"}]}}";
        let path = format!("/pypi/{project}/json");
        scenario = scenario.serve(&path, "application/json", document);
    }
    IndexServer::start(change(scenario))
}

fn simple(index: &IndexServer) -> String {
    format!("{}/simple/", index.url())
}

/// What a call tells: `new rogue-release teapot`.
fn told(call: &Call) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_slice(&call.body).expect("JSON");
    assert_eq!(json["format"], "countermark-watch/1");
    let changes = json["changes"].as_array().expect("a list").iter();
    let text = |it: &serde_json::Value| it.as_str().unwrap_or("-").to_owned();
    changes
        .map(|it| {
            let finding = &it["finding"];
            [text(&it["change"]), text(&finding["rule"]), text(&finding["projects"][0])].join(" ")
        })
        .collect()
}

#[test]
fn what_is_new_or_gone_is_told_once() {
    let (mut world, hooks) = (world(), HookServer::start([]));
    world.set("HOOK", &format!("{}/hook", hooks.url()));
    let rogue = index(&["1.0", "1.1", "1.0.5"], |it| it);
    let run = |server: &IndexServer| world.run(&["watch", "--once", "-i", &simple(server)]);
    run(&rogue).expect(0).says("looked at 2 projects; 1 change; findings now: 1");
    run(&rogue).expect(0).says("looked at 2 projects; nothing changed; findings now: 1");
    let calls = hooks.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(told(&calls[0]), ["new rogue-release teapot"]);
    assert!(calls[0].header("x-countermark-signature").is_some_and(|it| it.starts_with("t=")));
    assert!(world.read("feed.atom").contains("rogue-release"));

    let clean = index(&["1.0", "1.1"], |it| it);
    run(&clean).expect(0);
    let last = told(hooks.calls().last().expect("a call"));
    assert!(last.contains(&"gone rogue-release teapot".to_owned()), "{last:?}");
    assert_eq!(hooks.calls().len(), 2);
    // The second look at an index asks whether something changed, and no more.
    run(&clean).expect(0);
    let asked = clean.requests();
    let again = &asked[asked.len() - 2..];
    assert!(again.iter().all(|it| it.header("if-none-match").is_some()), "{again:?}");
}

#[test]
fn one_project_that_fails_stops_no_other() {
    let (mut world, hooks) = (world(), HookServer::start([]));
    world.set("HOOK", &format!("{}/hook", hooks.url()));
    let absent = index(&["1.0", "1.1", "1.0.5"], |it| {
        it.on("/simple/kettle/", Behaviour::Status { code: 404, retry_after: None })
    });
    let first = world.run(&["watch", "--once", "-i", &simple(&absent)]);
    // A name that the index does not have is one finding, without its releases; it was read.
    first.expect(0).says("looked at 2 projects; 2 changes");
    let closed = index(&["1.0", "1.1", "1.0.5", "1.0.6"], |it| {
        it.on("/simple/kettle/", Behaviour::Status { code: 403, retry_after: None })
    });
    let second = world.run(&["watch", "--once", "-i", &simple(&closed)]);
    second.expect(3).says("looked at 2 projects, 1 could not be read;");
    let calls = hooks.calls();
    assert_eq!(calls.len(), 2);
    // Of the project that could not be read nothing is gone.
    assert!(told(&calls[1]).iter().all(|it| it.ends_with(" teapot")), "{:?}", told(&calls[1]));
}

#[test]
fn a_message_that_does_not_arrive_waits() {
    let (mut world, hooks) =
        (world(), HookServer::start([Manner::Status { code: 500, retry_after: None }]));
    world.set("HOOK", &format!("{}/hook", hooks.url()));
    let index = index(&["1.0", "1.1", "1.0.5"], |it| it);
    let run = world.run(&["watch", "--once", "-i", &simple(&index)]);
    run.expect(3).says("error[not-delivered]: 1 message waits for webhook:ops");
    run.says("it answered with status 500").says("hint: nothing is lost");
    // The feed has it all the same.
    assert!(world.read("feed.atom").contains("rogue-release"));
    // Not named any more: it is said, and kept.
    world.write("watch.toml", CONFIG.replace("webhook.ops", "webhook.other"));
    let other = world.run(&["watch", "--once", "-i", &simple(&index)]);
    other.expect(3).says("webhook:ops, which is not configured any more");
    assert_eq!(hooks.calls().len(), 1);
}

fn start(world: &World, index: &IndexServer) -> Child {
    let mut command = world.command(&["watch", "-i", &simple(index)]);
    command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it starts")
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let id = i32::try_from(child.id()).expect("an id");
    let id = rustix::process::Pid::from_raw(id).expect("an id");
    rustix::process::kill_process(id, signal).expect("it is there");
}

/// Bytes that do not agree with what the index says of them, in a release that somebody made.
#[test]
fn new_files_are_looked_into_once() {
    let (mut world, hooks) = (world(), HookServer::start([]));
    world.set("HOOK", &format!("{}/hook", hooks.url()));
    let mut evil = crate::support::simple_wheel("teapot", "1.1");
    evil.metadata = evil.metadata.map(|it| it.replace("Version: 1.1", "Version: 6.6"));
    let evil = ServedFile::honest(&evil.filename(), evil.build());
    let today = jiff::Timestamp::now().to_string();
    let evil = evil.advertise(|it| it.upload_time = Some(today.clone()));
    world.write("releases.csv", RECORDS.replace("2026-03-02", &today[..10]));
    let index = index(&["1.0"], |it| it.file("teapot", evil));
    let run = || world.run(&["watch", "--once", "-i", &simple(&index)]);
    run().expect(0).never_says("could not be read");
    let downloads = || index.requests().iter().filter(|it| it.path().ends_with(".whl")).count();
    assert_eq!(downloads(), 0);
    world.write(
        "watch.toml",
        CONFIG.replace("[watch]", "[watch]\ninspect = true\nroles-interval = \"5m\""),
    );
    std::fs::remove_file(world.path("state/watch.sqlite")).expect("the state");
    run().expect(0);
    run().expect(0);
    assert_eq!(downloads(), 1);
    let told: Vec<String> = hooks.calls().iter().flat_map(told).collect();
    assert!(told.contains(&"new metadata-differs teapot".to_owned()), "{told:?}");
}

#[test]
fn killed_between_the_commit_and_the_delivery() {
    let mut world = world();
    // Takes the connection, and never answers.
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a socket");
    world.set("HOOK", &format!("http://{}/hook", silent.local_addr().expect("an address")));
    let index = index(&["1.0", "1.1", "1.0.5"], |it| it);
    let mut child = start(&world, &index);
    let (mut stream, _) = silent.accept().expect("the message comes");
    let mut byte = [0];
    stream.read_exact(&mut byte).expect("it begins");
    // Another one keeps away from the state.
    let second = world.run(&["watch", "--once", "-i", &simple(&index)]);
    second.expect(3).says("another `countermark watch` works with it");
    signal(&child, rustix::process::Signal::KILL);
    child.wait().expect("it ends");
    drop(stream);

    let hooks = HookServer::start([]);
    world.set("HOOK", &format!("{}/hook", hooks.url()));
    for _ in 0..2 {
        world.run(&["watch", "--once", "-i", &simple(&index)]).expect(0);
    }
    assert_eq!(hooks.calls().len(), 1);
    assert_eq!(told(&hooks.calls()[0]), ["new rogue-release teapot"]);
}

#[test]
fn it_ends_when_it_is_told_to() {
    let mut world = world();
    let told = TcpListener::bind(("127.0.0.1", 0)).expect("a socket");
    world.set("HOOK", &format!("http://{}/hook", told.local_addr().expect("an address")));
    let index = index(&["1.0", "1.1", "1.0.5"], |it| it);
    let mut child = start(&world, &index);
    // It is at work; the message gets no answer, and is tried again later.
    drop(told.accept().expect("the message comes"));
    signal(&child, rustix::process::Signal::TERM);
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_test_goes_to_everybody() {
    let (mut world, hooks) = (world(), HookServer::start([]));
    let mails = MailServer::start(Security::Plain, []);
    world.set("HOOK", &format!("{}/hook", hooks.url()));
    let mail = format!(
        "[mail.team]\nfrom = \"watch@example.org\"\nto = [\"team@example.org\"]\n\
         server = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n",
        mails.port()
    );
    world.write("watch.toml", format!("{CONFIG}{mail}"));
    let run = world.run(&["watch", "--test"]);
    run.expect(0).says("mail:team: sent\nwebhook:ops: sent\natom:public: sent\n");
    assert_eq!((mails.mails().len(), hooks.calls().len()), (1, 1));
    assert!(!world.path("state/watch.sqlite").exists());
    drop(hooks);
    let run = world.run(&["watch", "--test"]);
    run.expect(3).says("mail:team: sent").says("error[not-delivered]: webhook:ops: the receiver");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_asked() {
    let mut world = world();
    world.set("HOOK", "http://127.0.0.1:1/hook");
    world.run(&["watch", "--config", "nowhere.toml"]).expect(2).says("cannot read `nowhere.toml`");
    world.write("watch.toml", CONFIG.replace("state = ", "interval = \"1s\"\nstate = "));
    let run = world.run(&["watch", "--once"]);
    run.expect(2).says("error[invalid-value]: `interval` must be").says("watch.toml:2:12");
    world.write("watch.toml", CONFIG);

    // Records that cannot be used are told, and no project is gone because of them.
    world.write("federation.toml", "[federation]\nnam = 1\n");
    let index = index(&["1.0"], |it| it);
    let run = world.run(&["watch", "--once", "-i", &simple(&index)]);
    run.expect(2).says("error[not-judged]: federation.toml:2:1:");
    assert_eq!(index.requests().len(), 0);

    world.write("state/watch.sqlite", "not a database, and longer than a hundred bytes ".repeat(9));
    let run = world.run(&["watch", "--once", "-i", &simple(&index)]);
    run.expect(3)
        .says("error[watch-state]: the state `")
        .says("it is damaged")
        .says("told once more");
    let config = CONFIG.replace("state/watch.sqlite", "nowhere/watch.sqlite");
    world.write("watch.toml", config);
    let run = world.run(&["watch", "--once", "-i", &simple(&index)]);
    run.expect(3).says("error[watch-state]").says("cannot be opened or written");
}

#[test]
fn what_it_costs() {
    let world = World::new();
    let run = world.run(&["watch", "--plan", "1000"]);
    run.expect(0).says("1000 / 228 s = 4.39 a second").says("an upload is told of within 270 s");
    world.run(&["watch", "--plan"]).expect(2).says("cannot read `watch.toml`");
}

#[test]
fn units_start_what_there_is() {
    let folder = crate::docs::root().join("deploy");
    let mut started = 0;
    for item in std::fs::read_dir(folder).expect("a folder") {
        let path = item.expect("a file").path();
        if path.extension().is_none_or(|it| it != "service") {
            continue;
        }
        let text = std::fs::read_to_string(path).expect("a text");
        for line in text.lines().filter_map(|line| line.strip_prefix("ExecStart=")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words[0], "/usr/bin/countermark");
            World::new().run(&[&words[1..], &["--help"]].concat()).expect(0);
            started += 1;
        }
    }
    assert_eq!(started, 5);
}
