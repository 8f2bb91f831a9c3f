use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::Arc;

use countermark_audit::fact::{
    FileKind, IndexFile, IndexRelease, Inside, Presence, Role, RoleKind,
};
use countermark_audit::finding::{Finding, Severity};
use countermark_audit::record::RecordProblem;
use countermark_audit::report::{Counts, Report};
use countermark_client::http::{Client, Options, Proxies};
use countermark_packaging::digest::Sha256;
use countermark_testkit::hook::{self, HookServer};
use countermark_testkit::mail::{self, MailServer, Security};
use countermark_trust::Class;

use super::*;
use crate::watch::auditor::Gathered;
use crate::watch::config::{AtomFeed, MailSecurity, MailSettings, Target, Webhook};
use crate::watch::secret::SecretSource;

mod trouble;

/// A clock that tests turn; nothing waits.
struct Stage {
    now: Cell<Timestamp>,
    stop_after_waits: Cell<u32>,
    waits: RefCell<Vec<i64>>,
    said: RefCell<Vec<String>>,
}

impl Stage {
    fn new() -> Self {
        Self {
            now: Cell::new(Timestamp::from_second(1_000_000_000).unwrap()),
            stop_after_waits: Cell::new(u32::MAX),
            waits: RefCell::default(),
            said: RefCell::default(),
        }
    }

    fn pass(&self, seconds: i64) {
        self.now.set(self.now.get() + SignedDuration::from_secs(seconds));
    }
}

impl Surroundings for Stage {
    fn now(&self) -> Timestamp {
        self.now.get()
    }
    fn chance(&self) -> f64 {
        0.0
    }
    fn wait(&self, time: SignedDuration) {
        self.waits.borrow_mut().push(time.as_secs());
        self.now.set(self.now.get() + time);
        self.stop_after_waits.set(self.stop_after_waits.get() - 1);
    }
    fn is_stopped(&self) -> bool {
        self.stop_after_waits.get() == 0
    }
    fn say(&self, line: &str) {
        self.said.borrow_mut().push(line.to_owned());
    }
}

/// An index and rules in one: each release whose version begins with `rogue` is a finding, each
/// project without the account `robot` is one, and role changes are told.
#[derive(Default)]
struct World {
    index: BTreeMap<ProjectName, ProjectFacts>,
    broken: BTreeMap<ProjectName, String>,
    roles_broken: bool,
    records_error: Option<String>,
    accepted: Option<String>,
    problems: Vec<&'static str>,
    inspected: Vec<String>,
    asked: Vec<(String, bool)>,
}

impl Auditor for &RefCell<World> {
    fn projects(&mut self, _: Timestamp) -> Result<BTreeSet<ProjectName>, AuditError> {
        let world = self.borrow();
        match &world.records_error {
            Some(message) => {
                Err(AuditError { message: message.clone(), class: Class::Unavailable })
            }
            None => Ok(world.index.keys().chain(world.broken.keys()).cloned().collect()),
        }
    }

    fn gather(&mut self, asks: &[Ask], _: Timestamp) -> Gathered {
        let mut world = self.borrow_mut();
        let mut gathered = Gathered::default();
        for ask in asks {
            world.asked.push((ask.project.to_string(), ask.with_roles));
            gathered.traffic.requests += 1;
            let reason = world.broken.get(&ask.project).cloned();
            let reason = reason.or((world.roles_broken && ask.with_roles).then(|| "roles".into()));
            gathered.facts.push(match reason {
                Some(reason) => ProjectFacts::new(ask.project.clone(), Presence::Unread(reason)),
                None => {
                    let mut facts = world.index[&ask.project].clone();
                    if !ask.with_roles {
                        facts.roles = None;
                    }
                    facts
                }
            });
        }
        gathered
    }

    /// Every file that was not looked into, which then says so.
    fn inspect(&mut self, facts: &mut ProjectFacts, _: Timestamp) {
        for file in facts.releases.iter_mut().flat_map(|release| &mut release.files) {
            if file.inside.is_none() {
                self.borrow_mut().inspected.push(file.filename.clone());
                file.inside = Some(Inside::default());
            }
        }
    }

    fn judge(
        &mut self,
        facts: &Facts,
        before: &Facts,
        now: Timestamp,
    ) -> Result<Report, AuditError> {
        let mut report = report(now);
        report.problems = self.borrow().problems.iter().map(|file| problem(file)).collect();
        for (name, facts) in facts {
            if let Presence::Unread(reason) = &facts.presence {
                report.unread.push((name.clone(), reason.clone()));
                continue;
            }
            for release in facts.releases.iter().filter(|it| it.version.starts_with("rogue")) {
                let finding =
                    Finding::new("rogue-release", Severity::High, name, "nobody released it");
                let finding = finding.versions([release.version.clone()]);
                match &self.borrow().accepted {
                    Some(reason) => report.accepted.push((finding, reason.clone())),
                    None => report.findings.push(finding),
                }
            }
            let roles = facts.roles.clone().unwrap_or_default();
            if !roles.iter().any(|role| role.account == "robot") {
                report.findings.push(Finding::new(
                    "account-absent",
                    Severity::Low,
                    name,
                    "no robot",
                ));
            }
            let known = before.get(name).and_then(|it| it.roles.clone());
            if known.is_some_and(|known| known != roles) {
                report.findings.push(Finding::new(
                    "role-change",
                    Severity::Medium,
                    name,
                    "changed",
                ));
            }
        }
        Ok(report)
    }
}

fn report(at: Timestamp) -> Report {
    Report {
        federation: Some("Example".into()),
        at,
        facts: "https://index.example.org/simple/".into(),
        sources: Vec::new(),
        records_until: None,
        assumptions: Vec::new(),
        problems: Vec::new(),
        unread: Vec::new(),
        findings: Vec::new(),
        accepted: Vec::new(),
        counts: Counts::default(),
        timelines: Vec::new(),
    }
}

fn problem(file: &str) -> RecordProblem {
    RecordProblem { file: file.to_owned(), position: Some((3, 1)), message: "no".into() }
}

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

fn project(text: &str, versions: &[&str], accounts: &[&str]) -> (ProjectName, ProjectFacts) {
    let mut facts = ProjectFacts::new(name(text), Presence::Present);
    let release = |version: &&str| IndexRelease {
        version: (*version).to_owned(),
        files: vec![IndexFile {
            filename: format!("{text}-{version}.tar.gz"),
            kind: FileKind::Sdist,
            size: Some(1),
            uploaded: None,
            sha256: Sha256::parse_hex(&"ab".repeat(32)).ok(),
            yanked: None,
            inside: None,
        }],
    };
    facts.releases = versions.iter().map(release).collect();
    let role = |account: &&str| Role { kind: RoleKind::Owner, account: (*account).to_owned() };
    facts.roles = Some(accounts.iter().map(role).collect());
    (name(text), facts)
}

fn world(projects: impl IntoIterator<Item = (ProjectName, ProjectFacts)>) -> RefCell<World> {
    RefCell::new(World { index: projects.into_iter().collect(), ..World::default() })
}

fn feed(folder: &Path) -> Destination {
    let feed = AtomFeed {
        path: folder.join("feed.atom"),
        title: "t".into(),
        authority: "example.org".into(),
        url: None,
    };
    Destination { name: "atom:feed".into(), least: Severity::Low, target: Target::Atom(feed) }
}

fn webhook(server: &HookServer) -> Destination {
    let target = Target::Webhook(Webhook {
        url: SecretSource::Plain(format!("{}/hook", server.url())),
        secret: SecretSource::Plain("key".into()),
        allow_plain_http: false,
    });
    Destination { name: "webhook:ops".into(), least: Severity::Low, target }
}

fn mail(server: &MailServer) -> Destination {
    let target = Target::Mail(MailSettings {
        from: "countermark@example.org".into(),
        to: vec!["release@example.org".into()],
        server: "127.0.0.1".into(),
        port: server.port(),
        security: MailSecurity::None,
        username: None,
        password: None,
        certificates: None,
    });
    Destination { name: "mail:team".into(), least: Severity::Medium, target }
}

fn config(folder: &Path, destinations: Vec<Destination>) -> WatchConfig {
    WatchConfig {
        state: folder.join("watch.sqlite"),
        folder: folder.to_owned(),
        federation: None,
        records: Vec::new(),
        constraints: Vec::new(),
        names: None,
        keys: Vec::new(),
        index: None,
        rhythm: schedule::Rhythm { jitter: 0.0, ..schedule::Rhythm::default() },
        unread_after: SignedDuration::from_secs(3600),
        concurrency: 1,
        rate: 10,
        inspect: true,
        destinations,
    }
}

/// What lives as long as a test.
struct Tools {
    http: Client,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    stage: Stage,
}

impl Tools {
    fn new() -> Self {
        let options = Options { proxies: Proxies::Off, ..Options::default() };
        Self {
            http: Client::new(options, Arc::default()),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            folder: tempfile::tempdir().unwrap(),
            stage: Stage::new(),
        }
    }

    /// A new process on the same state.
    fn start<'a>(
        &'a self,
        config: &'a WatchConfig,
        world: &'a RefCell<World>,
    ) -> Watcher<'a, &'a RefCell<World>> {
        let state = State::open(&config.state, "abc").unwrap();
        let sender = Sender { http: &self.http, runtime: &self.runtime, instance: "abc" };
        Watcher::new(config, state, world, sender, &self.stage).unwrap()
    }
}

fn changes(call: &hook::Call) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    let changes = json["changes"].as_array().unwrap().iter();
    changes
        .map(|it| {
            let finding = &it["finding"];
            format!(
                "{} {} {}",
                it["change"].as_str().unwrap(),
                finding["rule"].as_str().unwrap(),
                finding["projects"][0].as_str().unwrap_or("-")
            )
        })
        .collect()
}

#[test]
fn what_is_new_is_told_once_and_what_is_gone_too() {
    let (tools, hooks) = (Tools::new(), HookServer::start([]));
    let mails = MailServer::start(Security::Plain, []);
    let folder = tools.folder.path();
    let config = config(folder, vec![mail(&mails), webhook(&hooks), feed(folder)]);
    let world = world([project("a", &["1"], &["robot"]), project("b", &["1", "rogue1"], &[])]);
    {
        let mut watcher = tools.start(&config, &world);
        let summary = watcher.step(false).unwrap();
        assert_eq!((summary.asked, summary.changes, summary.messages), (2, 2, 3));
        assert_eq!(watcher.deliver().unwrap().delivered, 3);
        // Nothing is due, nothing changed.
        assert_eq!(watcher.step(false).unwrap().asked, 0);
        tools.stage.pass(240);
        let again = watcher.step(false).unwrap();
        assert_eq!((again.asked, again.changes, again.messages), (2, 0, 0));
    }
    assert_eq!(changes(&hooks.calls()[0]), ["new rogue-release b", "new account-absent b"]);
    // Who wants to hear of medium and above does not hear of the rest.
    assert!(mails.mails()[0].data.contains("rogue-release"));
    assert!(!mails.mails()[0].data.contains("account-absent"));

    // Another process goes on; the rogue release is removed, and a robot is added.
    world.borrow_mut().index.extend([project("b", &["1"], &["robot"])]);
    let mut watcher = tools.start(&config, &world);
    tools.stage.pass(3600);
    let summary = watcher.step(false).unwrap();
    assert_eq!((summary.changes, summary.findings), (3, 0));
    watcher.deliver().unwrap();
    let told = changes(&hooks.calls()[1]);
    assert_eq!(told, ["new role-change b", "gone rogue-release b", "gone account-absent b"]);
    // The change was one of that moment: it is neither told again nor gone.
    tools.stage.pass(3600);
    assert_eq!(watcher.step(false).unwrap().changes, 0);
    assert_eq!((hooks.calls().len(), mails.mails().len()), (2, 2));
    let feed = std::fs::read_to_string(folder.join("feed.atom")).unwrap();
    assert_eq!(feed.matches("<entry>").count(), 2);
    let signature = hooks.calls()[0].header("x-countermark-signature").unwrap().to_owned();
    assert!(crate::watch::send::webhook::verify(
        b"key",
        &hooks.calls()[0].body,
        &signature,
        Timestamp::from_second(1_000_000_000).unwrap(),
        SignedDuration::ZERO
    ));
}

#[test]
fn a_process_that_ends_before_it_delivers_loses_nothing() {
    let (tools, hooks) = (Tools::new(), HookServer::start([]));
    let config = config(tools.folder.path(), vec![webhook(&hooks)]);
    let world = world([project("a", &["rogue1"], &["robot"])]);
    tools.start(&config, &world).step(false).unwrap();
    assert_eq!(hooks.calls().len(), 0);
    for _ in 0..3 {
        let mut next = tools.start(&config, &world);
        next.deliver().unwrap();
        next.step(true).unwrap();
        next.deliver().unwrap();
    }
    assert_eq!(hooks.calls().len(), 1);
    assert_eq!(hooks.calls()[0].header("idempotency-key"), Some("abc.1"));
}

#[test]
fn destinations_that_fail_are_tried_again_and_stop_no_other() {
    let tools = Tools::new();
    let hooks = HookServer::start([
        hook::Manner::Status { code: 500, retry_after: None },
        hook::Manner::Status { code: 429, retry_after: Some(600) },
        hook::Manner::Drop,
    ]);
    let mails = MailServer::start(Security::Plain, [mail::Manner::DropAfter]);
    let folder = tools.folder.path();
    let config = config(folder, vec![mail(&mails), webhook(&hooks), feed(folder)]);
    let world = world([project("a", &["rogue1"], &["robot"])]);
    let mut watcher = tools.start(&config, &world);
    watcher.step(false).unwrap();
    let first = watcher.deliver().unwrap();
    let failed: Vec<&str> = first.failed.iter().map(|it| it.0.as_str()).collect();
    assert_eq!((first.delivered, failed), (1, vec!["mail:team", "webhook:ops"]));
    assert!(first.failed[1].1.to_string().contains("status 500"), "{:?}", first.failed);
    // Not at once.
    assert_eq!(watcher.deliver().unwrap(), Deliveries::default());
    tools.stage.pass(30);
    let second = watcher.deliver().unwrap();
    assert_eq!((second.delivered, second.failed.len()), (1, 1));
    // The server asked for ten minutes.
    tools.stage.pass(599);
    assert_eq!(watcher.deliver().unwrap(), Deliveries::default());
    tools.stage.pass(1);
    assert_eq!(watcher.deliver().unwrap().failed.len(), 1);
    drop(watcher);
    tools.stage.pass(3600);
    let mut watcher = tools.start(&config, &world);
    assert_eq!(watcher.deliver().unwrap().delivered, 1);
    let keys: BTreeSet<String> =
        hooks.calls().iter().map(|it| it.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!((hooks.calls().len(), keys.len()), (4, 1));
    // The mail was taken, and then taken again: both have one id.
    let ids: BTreeSet<_> = mails.mails().iter().map(|it| it.header("Message-ID")).collect();
    assert_eq!((mails.mails().len(), ids.len()), (2, 1));
    assert!(watcher.waiting().unwrap().is_empty());
}

#[test]
fn what_is_accepted_is_gone_with_its_reason() {
    let (tools, hooks) = (Tools::new(), HookServer::start([]));
    let config = config(tools.folder.path(), vec![webhook(&hooks)]);
    let world = world([project("a", &["rogue1"], &["robot"])]);
    let mut watcher = tools.start(&config, &world);
    watcher.step(false).unwrap();
    world.borrow_mut().accepted = Some("alice: a test".into());
    tools.stage.pass(240);
    watcher.step(false).unwrap();
    watcher.deliver().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&hooks.calls()[1].body).unwrap();
    assert_eq!(json["changes"][0]["why"], "accepted: alice: a test");
}

#[test]
fn a_project_that_leaves_the_records_is_forgotten() {
    let tools = Tools::new();
    let config = config(tools.folder.path(), vec![feed(tools.folder.path())]);
    let world = world([project("a", &["rogue1"], &["robot"]), project("b", &["1"], &["robot"])]);
    let mut watcher = tools.start(&config, &world);
    watcher.step(false).unwrap();
    world.borrow_mut().index.remove(&name("a"));
    let summary = watcher.step(false).unwrap();
    assert_eq!((summary.changes, summary.findings), (1, 0));
    drop(watcher);
    assert_eq!(tools.start(&config, &world).facts.len(), 1);
}

#[test]
fn it_runs_until_it_is_stopped() {
    let (tools, hooks) =
        (Tools::new(), HookServer::start([hook::Manner::Status { code: 503, retry_after: None }]));
    let config = config(tools.folder.path(), vec![webhook(&hooks)]);
    let world = world([project("a", &["rogue1"], &["robot"])]);
    tools.stage.stop_after_waits.set(6);
    tools.start(&config, &world).run().unwrap();
    // The message is tried again after 30 s; between that only what is due is asked for.
    let waits = tools.stage.waits.borrow().clone();
    assert_eq!(waits[0], 30, "{waits:?}");
    assert_eq!(hooks.calls().len(), 2);
    let asked = world.borrow().asked.len();
    assert!((4..=6).contains(&asked), "{asked} {waits:?}");
    let said = tools.stage.said.borrow().join("\n");
    assert!(said.contains("looked at 1 project; 1 change; findings now: 1"), "{said}");
    assert!(said.contains("webhook:ops: the receiver did not take it"), "{said}");
}

#[test]
fn a_test_reaches_each_destination_past_the_outbox() {
    let tools = Tools::new();
    let hooks = HookServer::start([hook::Manner::Status { code: 404, retry_after: None }]);
    let mails = MailServer::start(Security::Plain, []);
    let folder = tools.folder.path();
    let config = config(folder, vec![mail(&mails), webhook(&hooks), feed(folder)]);
    let sender = Sender { http: &tools.http, runtime: &tools.runtime, instance: "abc" };
    let results = test_each(&config.destinations, &sender, &|_| Vec::new(), tools.stage.now());
    let shown: Vec<String> =
        results.iter().map(|(name, result)| format!("{name} {}", result.is_ok())).collect();
    assert_eq!(shown, ["mail:team true", "webhook:ops false", "atom:feed true"]);
    assert!(mails.mails()[0].data.contains("this is a test"));
    assert!(!config.state.exists());
}

#[test]
fn events_are_rules() {
    for code in EVENTS {
        assert!(countermark_audit::rule::find(code).is_some(), "{code}");
    }
}
