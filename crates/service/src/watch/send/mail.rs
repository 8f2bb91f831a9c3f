//! Mail, over SMTP (RFC 5321) with TLS.
//!
//! The `Message-ID` is made of the id of the message, so that one that is sent again can be
//! recognised. The library decides how to speak to the server; here it is only bounded: a server
//! that answers byte by byte is given up after `LONGEST`.

use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport as _};

use super::SendError;
use crate::watch::config::{MailSecurity, MailSettings};
use crate::watch::message::Message;

/// The longest wait for one answer of the server.
const ANSWER: Duration = Duration::from_secs(30);
/// The longest time for one message.
const LONGEST: Duration = Duration::from_secs(120);
/// The largest file of certificates, in bytes.
const MAX_CERTIFICATES: u64 = 4 << 20;

/// Delivers a message.
///
/// # Errors
/// See [`SendError`].
pub fn send(settings: &MailSettings, message: &Message) -> Result<(), SendError> {
    send_within(settings, message, LONGEST)
}

fn send_within(
    settings: &MailSettings,
    message: &Message,
    limit: Duration,
) -> Result<(), SendError> {
    let mail = mail(settings, message)?;
    let transport = transport(settings)?;
    let (done, answer) = mpsc::channel();
    // In a thread of its own: the library bounds each read, but not how many there are. One that
    // never ends is left behind.
    std::thread::spawn(move || {
        let _ = done.send(transport.send(&mail).map(|_| ()));
    });
    match answer.recv_timeout(limit) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(SendError::Mail { reason: reason(&error) }),
        Err(_) => Err(SendError::Timeout { seconds: limit.as_secs() }),
    }
}

fn mail(settings: &MailSettings, message: &Message) -> Result<lettre::Message, SendError> {
    let mailbox = |what, text: &str| {
        text.parse::<Mailbox>()
            .map_err(|error| SendError::Setting { what, reason: error.to_string() })
    };
    let from = mailbox("`from`", &settings.from)?;
    let id = format!("<{}@{}>", message.id, from.email.domain());
    let mut builder: MessageBuilder = lettre::Message::builder()
        .from(from)
        .subject(&message.subject)
        .message_id(Some(id))
        .date(SystemTime::from(message.at))
        .header(ContentType::TEXT_PLAIN)
        .header(AutoSubmitted);
    for to in &settings.to {
        builder = builder.to(mailbox("`to`", to)?);
    }
    builder
        .body(message.text.clone())
        .map_err(|error| SendError::Setting { what: "the message", reason: error.to_string() })
}

fn transport(settings: &MailSettings) -> Result<SmtpTransport, SendError> {
    let tls = match settings.security {
        MailSecurity::None => Tls::None,
        MailSecurity::StartTls => Tls::Required(tls(settings)?),
        MailSecurity::Tls => Tls::Wrapper(tls(settings)?),
    };
    let mut builder = SmtpTransport::builder_dangerous(&settings.server)
        .port(settings.port)
        .timeout(Some(ANSWER))
        .tls(tls);
    if let (Some(username), Some(password)) = (&settings.username, &settings.password) {
        let password = password.read()?.reveal().to_owned();
        builder = builder.credentials(Credentials::new(username.clone(), password));
    }
    Ok(builder.build())
}

/// The platform's certificates, and those that were named.
fn tls(settings: &MailSettings) -> Result<TlsParameters, SendError> {
    let refused =
        |what| move |reason: &dyn ToString| SendError::Setting { what, reason: reason.to_string() };
    let mut builder = TlsParameters::builder(settings.server.clone());
    if let Some(path) = &settings.certificates {
        use std::io::Read as _;
        let mut pem = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_CERTIFICATES).read_to_end(&mut pem))
            .map_err(|error| refused("`certificates`")(&error))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|error| refused("`certificates`")(&error))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| refused("tls")(&error))
}

/// The words of the server or the library, in one line; none of them holds the password.
fn reason(error: &lettre::transport::smtp::Error) -> String {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    crate::watch::message::plain(&text).chars().take(300).collect()
}

/// RFC 3834: nobody's holiday message answers us.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use countermark_testkit::mail::{MailServer, Manner, Security};
    use jiff::Timestamp;

    use super::*;
    use crate::watch::secret::SecretSource;

    fn message() -> Message {
        Message {
            id: "abc.7".into(),
            at: Timestamp::from_second(1_000_000_000).unwrap(),
            subject: "[countermark] 1 new · high: rogue-release café".into(),
            text: "one\n.two\nthree café\n".into(),
            json: "{}".into(),
        }
    }

    fn settings(server: &MailServer, security: MailSecurity) -> MailSettings {
        MailSettings {
            from: "countermark <countermark@example.org>".into(),
            to: vec!["Release team <release@example.org>".into(), "second@example.org".into()],
            server: "localhost".into(),
            port: server.port(),
            security,
            username: None,
            password: None,
            certificates: None,
        }
    }

    fn certificate(server: &MailServer, folder: &std::path::Path) -> Option<PathBuf> {
        let path = folder.join("mail.pem");
        std::fs::write(&path, server.certificate()).unwrap();
        Some(path)
    }

    #[test]
    fn a_mail_arrives() {
        let server = MailServer::start(Security::Plain, []);
        send(&settings(&server, MailSecurity::None), &message()).unwrap();
        let mails = server.mails();
        assert_eq!(mails.len(), 1);
        let mail = &mails[0];
        assert_eq!(mail.from, "countermark@example.org");
        assert_eq!(mail.to, ["release@example.org", "second@example.org"]);
        assert_eq!(mail.header("Message-ID").unwrap(), "<abc.7@example.org>");
        assert_eq!(mail.header("Auto-Submitted").unwrap(), "auto-generated");
        assert_eq!(mail.header("Date").unwrap(), "Sun, 09 Sep 2001 01:46:40 +0000");
        assert!(mail.header("Subject").unwrap().starts_with("[countermark] 1 new"));
        assert!(mail.data.contains("\r\n.two\r\n"), "{}", mail.data);
        assert!(!mail.secure);
    }

    #[test]
    fn with_tls_and_a_password() {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, "hunter2\n").unwrap();
        for (security, ours) in
            [(Security::StartTls, MailSecurity::StartTls), (Security::Tls, MailSecurity::Tls)]
        {
            let server = MailServer::start(security, []);
            let with_login = MailSettings {
                username: Some("robot".into()),
                password: Some(SecretSource::File(password.clone())),
                certificates: certificate(&server, folder.path()),
                ..settings(&server, ours)
            };
            send(&with_login, &message()).unwrap();
            let mails = server.mails();
            assert_eq!(mails.len(), 1);
            assert!(mails[0].secure);
            assert_eq!(mails[0].login, Some(("robot".into(), "hunter2".into())));

            // A certificate that nobody named.
            let stranger = MailSettings { certificates: None, ..with_login.clone() };
            let error = send(&stranger, &message()).unwrap_err();
            assert!(error.to_string().contains("certificate"), "{error}");
            // Another server's.
            let other = MailServer::start(Security::Plain, []);
            let wrong = MailSettings {
                certificates: certificate(&other, folder.path()),
                ..with_login.clone()
            };
            let error = send(&wrong, &message()).unwrap_err();
            assert!(error.to_string().contains("certificate"), "{error}");
            assert_eq!(server.mails().len(), 1);
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn nothing_goes_over_a_way_that_is_not_secured() {
        let server = MailServer::start(Security::Plain, []);
        let error = send(&settings(&server, MailSecurity::StartTls), &message()).unwrap_err();
        assert!(error.to_string().contains("STARTTLS"), "{error}");
        assert_eq!(server.mails(), []);
    }

    #[test]
    fn servers_that_fail() {
        let check = |manner: Manner, expect: &str, taken: usize| {
            let server = MailServer::start(Security::Plain, [manner]);
            let error = send(&settings(&server, MailSecurity::None), &message()).unwrap_err();
            assert!(error.to_string().contains(expect), "{error}, expected {expect}");
            assert_eq!(server.mails().len(), taken, "{error}");
            // The next attempt arrives, with the same id.
            send(&settings(&server, MailSecurity::None), &message()).unwrap();
            assert!(
                server
                    .mails()
                    .iter()
                    .all(|it| it.header("Message-ID").unwrap() == "<abc.7@example.org>")
            );
        };
        check(Manner::Recipient(450), "450", 0);
        check(Manner::Recipient(550), "550", 0);
        check(Manner::Message(554), "not this message", 0);
        check(Manner::Message(451), "451", 0);
        check(Manner::Drop, "did not take it", 0);
        check(Manner::DropInside, "did not take it", 0);
        // It was taken, and we were not told: it is sent again, and recognised by its id.
        check(Manner::DropAfter, "did not take it", 1);
    }

    #[test]
    fn a_server_that_says_nothing_is_given_up() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = MailServer::start(Security::Plain, []);
        let silent = MailSettings {
            port: listener.local_addr().unwrap().port(),
            ..settings(&server, MailSecurity::None)
        };
        let error = send_within(&silent, &message(), Duration::from_millis(50)).unwrap_err();
        assert_eq!(error, SendError::Timeout { seconds: 0 });
    }

    #[test]
    fn a_password_that_is_not_there_is_said_before_anything_is_sent() {
        let server = MailServer::start(Security::Plain, []);
        let missing = MailSettings {
            username: Some("robot".into()),
            password: Some(SecretSource::File("/nowhere/password".into())),
            ..settings(&server, MailSecurity::None)
        };
        let error = send(&missing, &message()).unwrap_err();
        assert!(matches!(error, SendError::Secret(_)), "{error}");
        assert_eq!(server.connections(), 0);
    }
}
