//! A mail server on the loopback interface (RFC 5321), which can fail at every point.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use rustls::pki_types::PrivateKeyDer;

/// Longest line, and longest message.
const MAX_READ: usize = 64 << 20;

/// How one connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Well,
    /// The connection is closed at once.
    Drop,
    /// This is the answer to `RCPT`.
    Recipient(u16),
    /// This is the answer to the message, after it was read.
    Message(u16),
    /// The connection is closed when half of the message came: it was not taken.
    DropInside,
    /// The message is taken, and the connection is closed before that is said.
    DropAfter,
}

/// How the connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Plain,
    /// With `STARTTLS`; nothing is taken without it.
    StartTls,
    /// From the first byte.
    Tls,
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Of the envelope.
    pub from: String,
    /// Of the envelope.
    pub to: Vec<String>,
    /// Headers and body, as sent, without the dots of the protocol.
    pub data: String,
    /// User name and password of `AUTH PLAIN`.
    pub login: Option<(String, String)>,
    /// Whether it came over TLS.
    pub secure: bool,
}

impl Mail {
    /// The first header of that name; continuation lines are joined.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default();
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        head.split("\r\n").find_map(|line| {
            let (have, value) = line.split_once(':')?;
            have.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

/// A running mail server.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    certificate: String,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    security: Security,
    tls: Arc<rustls::ServerConfig>,
    manners: Mutex<VecDeque<Manner>>,
    mails: Mutex<Vec<Mail>>,
    connections: Mutex<usize>,
    stopping: AtomicBool,
}

impl MailServer {
    /// Treats the first connections as given, and all later ones well.
    ///
    /// # Panics
    /// Where no loopback socket can be opened or no certificate be made: the test cannot run.
    #[must_use]
    pub fn start(security: Security, manners: impl IntoIterator<Item = Manner>) -> Self {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
            })
            .expect("a certificate that was just made");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback socket");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            security,
            tls: Arc::new(tls),
            manners: Mutex::new(manners.into_iter().collect()),
            mails: Mutex::default(),
            connections: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let for_acceptor = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if for_acceptor.stopping.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    *lock(&for_acceptor.connections) += 1;
                    // A client that goes away is what some tests are about.
                    let _ = serve(stream, &for_acceptor);
                }
            }
        });
        Self { address, shared, certificate: made.cert.pem(), acceptor: Some(acceptor) }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its certificate, in PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// What was taken so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.shared.mails).clone()
    }

    /// How many connections there were.
    #[must_use]
    pub fn connections(&self) -> usize {
        *lock(&self.shared.connections)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

trait Channel: Read + Write {}
impl<T: Read + Write> Channel for T {}

fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let manner = lock(&shared.manners).pop_front().unwrap_or(Manner::Well);
    if manner == Manner::Drop {
        return Ok(());
    }
    let mut session = Session { shared, manner, secure: false, login: None };
    if shared.security == Security::Tls {
        let mut channel = secured(stream, shared)?;
        session.secure = true;
        say(&mut channel, "220 mail.example ready")?;
        return session.talk(&mut channel).map(|_| ());
    }
    let mut plain = stream;
    say(&mut plain, "220 mail.example ready")?;
    if session.talk(&mut plain)? == Ended::StartTls {
        let mut channel = secured(plain, shared)?;
        session.secure = true;
        session.talk(&mut channel)?;
    }
    Ok(())
}

fn secured(
    stream: TcpStream,
    shared: &Shared,
) -> io::Result<rustls::StreamOwned<rustls::ServerConnection, TcpStream>> {
    let connection =
        rustls::ServerConnection::new(Arc::clone(&shared.tls)).map_err(io::Error::other)?;
    Ok(rustls::StreamOwned::new(connection, stream))
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Closed,
    StartTls,
}

struct Session<'a> {
    shared: &'a Shared,
    manner: Manner,
    secure: bool,
    login: Option<(String, String)>,
}

impl Session<'_> {
    fn talk(&mut self, channel: &mut dyn Channel) -> io::Result<Ended> {
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let Some(line) = read_line(channel)? else { return Ok(Ended::Closed) };
            let upper = line.to_ascii_uppercase();
            let needs_tls = self.shared.security == Security::StartTls && !self.secure;
            if upper.starts_with("EHLO") || upper.starts_with("HELO") {
                let extra = if needs_tls { "STARTTLS" } else { "AUTH PLAIN LOGIN" };
                say(channel, &format!("250-mail.example\r\n250-8BITMIME\r\n250 {extra}"))?;
            } else if upper == "STARTTLS" {
                say(channel, "220 go on")?;
                return Ok(Ended::StartTls);
            } else if upper == "QUIT" {
                say(channel, "221 bye")?;
                return Ok(Ended::Closed);
            } else if needs_tls {
                say(channel, "530 not without TLS")?;
            } else if upper.starts_with("AUTH PLAIN ") {
                self.login = parse_login(&line["AUTH PLAIN ".len()..]);
                say(channel, if self.login.is_some() { "235 hello" } else { "535 no" })?;
            } else if upper.starts_with("MAIL FROM:") {
                from = address(&line);
                say(channel, "250 ok")?;
            } else if upper.starts_with("RCPT TO:") {
                if let Manner::Recipient(code) = self.manner {
                    say(channel, &format!("{code} not this one"))?;
                    continue;
                }
                to.push(address(&line));
                say(channel, "250 ok")?;
            } else if upper == "DATA" {
                say(channel, "354 go on")?;
                let Some(data) = self.read_message(channel)? else { return Ok(Ended::Closed) };
                if let Manner::Message(code) = self.manner {
                    say(channel, &format!("{code} not this message"))?;
                    continue;
                }
                let (from, to) = (std::mem::take(&mut from), std::mem::take(&mut to));
                let (login, secure) = (self.login.clone(), self.secure);
                lock(&self.shared.mails).push(Mail { from, to, data, login, secure });
                if self.manner == Manner::DropAfter {
                    return Ok(Ended::Closed);
                }
                say(channel, "250 taken")?;
            } else {
                say(channel, "250 ok")?;
            }
        }
    }

    /// `None` when the connection is to end inside.
    fn read_message(&self, channel: &mut dyn Channel) -> io::Result<Option<String>> {
        let mut data = String::new();
        while let Some(line) = read_line(channel)? {
            if line == "." {
                return Ok(Some(data));
            }
            if self.manner == Manner::DropInside && data.len() > 40 {
                return Ok(None);
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push_str("\r\n");
            if data.len() > MAX_READ {
                break;
            }
        }
        Ok(None)
    }
}

fn say(channel: &mut (impl Write + ?Sized), text: &str) -> io::Result<()> {
    channel.write_all(format!("{text}\r\n").as_bytes())?;
    channel.flush()
}

fn read_line(channel: &mut dyn Channel) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        if channel.read(&mut byte)? == 0 {
            return Ok(None);
        }
        line.push(byte[0]);
        if line.ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
        if line.len() > MAX_READ {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

fn address(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(address, _)| address.to_owned()).unwrap_or_default()
}

/// RFC 4616.
fn parse_login(text: &str) -> Option<(String, String)> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let mut parts = text.split('\0').skip(1);
    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
}
