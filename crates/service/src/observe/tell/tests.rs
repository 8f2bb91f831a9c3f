//! Alarms go out once: to mail servers and webhooks that fail, and across crashes.

use std::cell::Cell;
use std::sync::Arc;

use countermark_audit::finding::Severity;
use countermark_client::http::{Client, Options, Proxies};
use countermark_testkit::hook::{HookServer, Manner as Hooked};
use countermark_testkit::mail::{MailServer, Manner as Mailed, Security};

use super::*;
use crate::observe::db::sqlite::Sqlite;
use crate::watch::config::{AtomFeed, MailSecurity, MailSettings, Target, Webhook};
use crate::watch::secret::SecretSource;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn digest(letter: char) -> Digest {
    Digest::parse(&format!("sha256:{}", letter.to_string().repeat(64))).unwrap()
}

fn found(file: &str, second: i64) -> NewAlarm {
    let project = ProjectName::parse("teapot").unwrap();
    let claims = ['a', 'b'].map(|letter| Claim {
        digest: digest(letter),
        by: format!("index:example.org/{letter}"),
        at: Some(at(0)),
    });
    alarm(AlarmKind::Equivocation, (&project, file), &claims, "two observers disagree", at(second))
}

struct World {
    runtime: tokio::runtime::Runtime,
    http: Client,
    folder: tempfile::TempDir,
    destinations: Vec<Destination>,
    clock: Cell<i64>,
}

fn world(mail: Option<&MailServer>, hook: Option<&HookServer>) -> World {
    let folder = tempfile::tempdir().unwrap();
    let mut destinations = Vec::new();
    let mut add = |name: &str, target| {
        destinations.push(Destination { name: name.to_owned(), least: Severity::Low, target });
    };
    if let Some(server) = mail {
        let settings = MailSettings {
            from: "observatory@example.org".into(),
            to: vec!["team@example.org".into()],
            server: "localhost".into(),
            port: server.port(),
            security: MailSecurity::None,
            username: None,
            password: None,
            certificates: None,
        };
        add("mail:team", Target::Mail(settings));
    }
    if let Some(server) = hook {
        let webhook = Webhook {
            url: SecretSource::Plain(format!("{}/hook", server.url())),
            secret: SecretSource::Plain("key".into()),
            allow_plain_http: true,
        };
        add("webhook:ops", Target::Webhook(webhook));
    }
    let feed = AtomFeed {
        path: folder.path().join("feed.atom"),
        title: "alarms".into(),
        authority: "example.org".into(),
        url: None,
    };
    add("atom:public", Target::Atom(feed));
    let options = Options { proxies: Proxies::Off, ..Options::default() };
    World {
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        http: Client::new(options, Arc::default()),
        folder,
        destinations,
        clock: Cell::new(100),
    }
}

impl World {
    /// As a process that was started anew has it.
    fn open(&self) -> Sqlite {
        Sqlite::open(&self.folder.path().join("db")).unwrap()
    }

    fn raise(&self, alarm: &NewAlarm) -> bool {
        self.runtime.block_on(self.open().raise(alarm, &[])).unwrap()
    }

    fn queue(&self) -> usize {
        self.runtime.block_on(queue(&self.open(), &self.destinations)).unwrap()
    }

    fn deliver(&self) -> Deliveries {
        let sender = Sender { http: &self.http, runtime: &self.runtime, instance: "abc" };
        let now = || at(self.clock.get());
        deliver(&self.open(), &self.destinations, &sender, &now, &|| false).unwrap()
    }
}

#[test]
fn an_alarm_is_told_once_to_everybody() {
    let (mail, hook) = (MailServer::start(Security::Plain, []), HookServer::start([]));
    let world = world(Some(&mail), Some(&hook));
    let alarm = found("teapot-1.2.tar.gz", 5);
    assert!(world.raise(&alarm));
    for round in 0..3 {
        assert!(!world.raise(&found("teapot-1.2.tar.gz", 50)));
        assert_eq!(world.queue(), usize::from(round == 0));
        assert_eq!(world.deliver().delivered, if round == 0 { 3 } else { 0 });
        world.clock.set(world.clock.get() + 100_000);
    }
    let mails = mail.mails();
    assert_eq!(mails.len(), 1);
    let subject = mails[0].header("Subject").unwrap();
    assert_eq!(subject, "[countermark] equivocation: teapot-1.2.tar.gz");
    for part in ["two observers disagree", &digest('a').to_string(), "index:example.org/b"] {
        assert!(mails[0].data.contains(part), "{part}: {}", mails[0].data);
    }
    let calls = hook.calls();
    assert_eq!(calls.len(), 1);
    let body: serde_json::Value = serde_json::from_slice(&calls[0].body).unwrap();
    assert_eq!(body["format"], FORMAT);
    assert_eq!(body["kind"], "equivocation");
    assert_eq!(body["evidence"]["claims"][1]["by"], "index:example.org/b");
    assert_eq!(calls[0].header("idempotency-key"), body["id"].as_str());
    let feed = std::fs::read_to_string(world.folder.path().join("feed.atom")).unwrap();
    assert_eq!(feed.matches("<entry>").count(), 1);
}

#[test]
fn destinations_that_fail_get_it_later_and_once() {
    let mail = MailServer::start(Security::Plain, [Mailed::Recipient(450), Mailed::Drop]);
    let refuse = Hooked::Status { code: 503, retry_after: Some(7) };
    let hook = HookServer::start([refuse, Hooked::Drop]);
    let world = world(Some(&mail), Some(&hook));
    world.raise(&found("a-1.tar.gz", 5));
    world.raise(&found("b-1.tar.gz", 6));
    assert_eq!(world.queue(), 2);
    let mut delivered = 0;
    for _ in 0..6 {
        delivered += world.deliver().delivered;
        world.clock.set(world.clock.get() + 4000);
    }
    assert_eq!(delivered, 6);
    assert_eq!((mail.mails().len(), hook.calls().len()), (2, 4));
    // What was dropped came again with the id that it had.
    let calls = hook.calls();
    let ids: std::collections::BTreeSet<_> =
        calls.iter().map(|call| call.header("idempotency-key").unwrap()).collect();
    assert_eq!(ids.len(), 2);
}

#[test]
fn a_crash_between_arrival_and_note_keeps_the_id() {
    let mail = MailServer::start(Security::Plain, [Mailed::DropAfter]);
    let world = world(Some(&mail), None);
    world.raise(&found("a-1.tar.gz", 5));
    world.queue();
    // It was taken, and we were not told.
    assert_eq!(world.deliver().failed.len(), 1);
    world.clock.set(100_000);
    assert_eq!(world.deliver().delivered, 1);
    let ids: Vec<_> = mail.mails().iter().map(|it| it.header("Message-ID").unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_process_that_dies_with_a_message_in_its_hands_loses_none() {
    let mail = MailServer::start(Security::Plain, []);
    let world = world(Some(&mail), None);
    world.raise(&found("a-1.tar.gz", 5));
    // It dies after the alarm, and another makes the messages; it dies when it has taken one.
    world.queue();
    let taken = world.runtime.block_on(world.open().take_message("mail:team", at(100)));
    assert!(taken.unwrap().is_some());
    assert_eq!(world.deliver().delivered, 1, "only the feed");
    assert_eq!(mail.mails().len(), 0);
    world.clock.set(100 + 301);
    assert_eq!(world.deliver().delivered, 1);
    assert_eq!(mail.mails().len(), 1);
}

#[test]
fn texts_of_others_cannot_change_a_message() {
    let project = ProjectName::parse("teapot").unwrap();
    let claims = [Claim { digest: digest('a'), by: "evil\r\nBcc: x\u{1b}[2J".into(), at: None }];
    let about = (&project, "a-1.tar.gz");
    let alarm = alarm(AlarmKind::TwoDigests, about, &claims, "see\nhere", at(1));
    let message = message(&alarm);
    assert!(!message.text.contains('\u{1b}') && !message.text.contains('\r'), "{}", message.text);
    assert!(!message.text.contains("\nBcc"), "{}", message.text);
    assert!(!message.subject.contains('\n'));
}

#[test]
fn many_claims_are_counted() {
    let project = ProjectName::parse("teapot").unwrap();
    let claim = |it: usize| Claim { digest: digest('a'), by: format!("r{it}"), at: None };
    let claims: Vec<Claim> = (0..250).map(claim).collect();
    let alarm = alarm(AlarmKind::TwoDigests, (&project, "a"), &claims, "see", at(1));
    assert!(alarm.evidence.contains("\"omitted\":150"));
    assert!(message(&alarm).text.contains("and 230 more"));
}
