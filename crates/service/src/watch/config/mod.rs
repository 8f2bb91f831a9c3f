//! `watch.toml`: how often to look, what to remember where, and who is told.
//!
//! Every mistake is told at its line and column, all of them at once. No secret stands in this
//! file: it names files, variables or credentials of systemd.

pub(crate) mod reader;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use countermark_audit::finding::Severity;
use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::codes::{ENCODING, SYNTAX, TOO_LARGE};
use countermark_packaging::lock::source::Source;
use jiff::SignedDuration;
use toml::de::DeTable;
use url::Url;

use super::schedule::Rhythm;
use super::secret::SecretSource;
pub(crate) use reader::shown_duration;
use reader::{Reader, Table};

/// The most bytes of a `watch.toml`.
pub const MAXIMUM_SIZE: usize = 1 << 20;

/// What `watch.toml` says.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchConfig {
    /// The database; absolute when the configuration's folder is.
    pub state: PathBuf,
    /// The folder in which the audit looks for records and for `federation.toml`.
    pub folder: PathBuf,
    /// `federation.toml`, where it has another name or place.
    pub federation: Option<PathBuf>,
    /// Official records, in place of those in the folder.
    pub records: Vec<PathBuf>,
    /// Constraints in which releases may still be pinned.
    pub constraints: Vec<PathBuf>,
    /// Names among which look-alikes are looked for.
    pub names: Option<PathBuf>,
    /// Certificates for the signatures of the records.
    pub keys: Vec<PathBuf>,
    /// The index to ask, where the settings of the user name another.
    pub index: Option<String>,
    /// How often to look.
    pub rhythm: Rhythm,
    /// After this time a project that cannot be read is told of.
    pub unread_after: SignedDuration,
    /// The most projects that are asked for at a time.
    pub concurrency: usize,
    /// The most requests a second.
    pub rate: u32,
    /// Whether files that are new are downloaded and looked into.
    pub inspect: bool,
    /// Who is told, in the order of kinds and names.
    pub destinations: Vec<Destination>,
}

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Kind and name: `mail:team`. What the outbox knows it by.
    pub name: String,
    /// Nothing below this.
    pub least: Severity,
    /// Where.
    pub target: Target,
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A mail server.
    Mail(MailSettings),
    /// An address that takes JSON.
    Webhook(Webhook),
    /// A file.
    Atom(AtomFeed),
}

/// Mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailSettings {
    /// `Name <address>` or an address.
    pub from: String,
    /// The same, one or more.
    pub to: Vec<String>,
    /// The host that takes mail.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the way there is secured.
    pub security: MailSecurity,
    /// Who we are to the server.
    pub username: Option<String>,
    /// And how we prove it.
    pub password: Option<SecretSource>,
    /// More certificates to believe, PEM.
    pub certificates: Option<PathBuf>,
}

/// How the way to a mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS after a plain start, and nothing without it.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Not at all; only on this machine.
    None,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its address, which can be a secret.
    pub url: SecretSource,
    /// The key of the signature.
    pub secret: SecretSource,
    /// A person allowed plain http.
    pub allow_plain_http: bool,
}

/// A feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtomFeed {
    /// The file that is written.
    pub path: PathBuf,
    /// Its title.
    pub title: String,
    /// A domain or address of ours, for ids (RFC 4151).
    pub authority: String,
    /// Where the file is published.
    pub url: Option<String>,
}

/// Reads the file; `file` is what it is called in messages, `folder` the one that paths in it are
/// relative to.
///
/// # Errors
/// Everything that is wrong, in the order of the file.
pub fn parse(file: &str, bytes: &[u8], folder: &Path) -> Result<WatchConfig, Vec<SourceError>> {
    let source = decode(file, bytes).map_err(|error| vec![error])?;
    let (document, broken) = DeTable::parse_recoverable(source.text());
    if !broken.is_empty() {
        let error = |error: &toml::de::Error| {
            source.error(SYNTAX, error.message().to_owned(), error.span().unwrap_or(0..0))
        };
        return Err(broken.iter().map(error).collect());
    }
    let mut reader = Reader::new(&source);
    let document = Table::new(document.get_ref(), "a watch.toml", 0..0);
    let config = read(&mut reader, &document, folder);
    match config {
        Some(config) if reader.errors.is_empty() => Ok(config),
        _ => {
            let mut errors = reader.errors;
            errors.sort_by_key(|error| error.place.span.start);
            Err(errors)
        }
    }
}

pub(crate) fn decode(file: &str, bytes: &[u8]) -> Result<Source, SourceError> {
    let nowhere = || Source::new(file, String::new());
    if bytes.len() > MAXIMUM_SIZE {
        let message =
            format!("the file has {} bytes, at most {MAXIMUM_SIZE} are read", bytes.len());
        return Err(nowhere().error(TOO_LARGE, message, 0..0));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(file, text.trim_start_matches('\u{feff}').to_owned())),
        Err(error) => {
            let at = error.valid_up_to();
            let before = String::from_utf8_lossy(&bytes[..at]).into_owned();
            Err(Source::new(file, before).error(ENCODING, "the file is not UTF-8", at..at))
        }
    }
}

fn read<'a>(reader: &mut Reader<'a>, document: &Table<'a>, folder: &Path) -> Option<WatchConfig> {
    reader.only(document, &["watch", "mail", "webhook", "atom"]);
    let Some(watch) = reader.table(document, "watch") else {
        if !document.has("watch") {
            reader.missing(document, "watch", "begin with [watch] and `state = \"watch.sqlite\"`");
        }
        return None;
    };
    let destinations = read_destinations(reader, document, folder);
    let has_any = ["mail", "webhook", "atom"].iter().any(|key| document.has(key));
    if !has_any {
        reader.missing(
            document,
            "mail",
            "name somebody who is told: [mail.NAME], [webhook.NAME] or [atom.NAME]",
        );
    }
    read_watch(reader, &watch, folder, destinations)
}

/// The tables that say who is told, which other configurations have too.
pub(crate) fn read_destinations<'a>(
    reader: &mut Reader<'a>,
    document: &Table<'a>,
    folder: &Path,
) -> Vec<Destination> {
    let mut destinations = Vec::new();
    for (name, table) in reader.named(document, "mail") {
        let target = read_mail(reader, &table, folder).map(Target::Mail);
        destinations.extend(destination(reader, &table, format!("mail:{name}"), target));
    }
    for (name, table) in reader.named(document, "webhook") {
        let target = read_webhook(reader, &table, folder).map(Target::Webhook);
        destinations.extend(destination(reader, &table, format!("webhook:{name}"), target));
    }
    for (name, table) in reader.named(document, "atom") {
        let target = read_atom(reader, &table, folder).map(Target::Atom);
        destinations.extend(destination(reader, &table, format!("atom:{name}"), target));
    }
    destinations
}

fn read_watch<'a>(
    reader: &mut Reader<'a>,
    table: &Table<'a>,
    folder: &Path,
    destinations: Vec<Destination>,
) -> Option<WatchConfig> {
    reader.only(
        table,
        &[
            "state",
            "folder",
            "federation",
            "records",
            "constraints",
            "names",
            "keys",
            "rate",
            "inspect",
            "index",
            "interval",
            "roles-interval",
            "jitter",
            "unread-after",
            "concurrency",
        ],
    );
    let seconds = SignedDuration::from_secs;
    let day = seconds(86_400);
    let mut rhythm = Rhythm::default();
    if let Some(interval) = reader.duration(table, "interval", (seconds(60), day)) {
        rhythm.pages = interval;
        // A step collects what is due within a twelfth of the interval: 20 s of 4 minutes.
        rhythm.tick = seconds((interval.as_secs() / 12).max(5));
    }
    if let Some(interval) = reader.duration(table, "roles-interval", (seconds(300), day)) {
        rhythm.roles = interval;
    }
    if let Some(percent) = reader.number(table, "jitter", 50) {
        rhythm.jitter = f64::from(percent) / 100.0;
    }
    let unread_after =
        reader.duration(table, "unread-after", (seconds(60), day.saturating_mul(30)));
    let concurrency = reader.number(table, "concurrency", 32).unwrap_or(4);
    let rate = reader.number(table, "rate", 100).unwrap_or(10);
    let paths = |reader: &mut Reader<'a>, key| -> Vec<PathBuf> {
        reader.texts(table, key).into_iter().map(|path| folder.join(path)).collect()
    };
    let (records, constraints) = (paths(reader, "records"), paths(reader, "constraints"));
    let keys = paths(reader, "keys");
    let state = reader.required(table, "state", "write `state = \"watch.sqlite\"`")?;
    Some(WatchConfig {
        state: folder.join(state),
        folder: folder.join(reader.text(table, "folder").unwrap_or(".")),
        federation: reader.text(table, "federation").map(|path| folder.join(path)),
        records,
        constraints,
        names: reader.text(table, "names").map(|path| folder.join(path)),
        keys,
        index: reader.text(table, "index").map(str::to_owned),
        rhythm,
        unread_after: unread_after.unwrap_or(seconds(3600)),
        concurrency: concurrency as usize,
        rate,
        inspect: reader.flag(table, "inspect"),
        destinations,
    })
}

fn destination<'a>(
    reader: &mut Reader<'a>,
    table: &Table<'a>,
    name: String,
    target: Option<Target>,
) -> Option<Destination> {
    let words = [("low", Severity::Low), ("medium", Severity::Medium), ("high", Severity::High)];
    let least = reader.word(table, "least", &words).unwrap_or(Severity::Low);
    Some(Destination { name, least, target: target? })
}

fn read_mail<'a>(
    reader: &mut Reader<'a>,
    table: &Table<'a>,
    folder: &Path,
) -> Option<MailSettings> {
    reader.only(
        table,
        &[
            "from",
            "to",
            "server",
            "port",
            "security",
            "username",
            "password-file",
            "password-env",
            "password-credential",
            "certificates",
            "least",
        ],
    );
    let words = [
        ("starttls", MailSecurity::StartTls),
        ("tls", MailSecurity::Tls),
        ("none", MailSecurity::None),
    ];
    let security = reader.word(table, "security", &words).unwrap_or(MailSecurity::StartTls);
    let from = reader.required(table, "from", "write `from = \"countermark@example.org\"`");
    let to = reader.texts(table, "to");
    if to.is_empty() && !table.has("to") {
        reader.missing(table, "to", "write `to = [\"release-team@example.org\"]`");
    } else if to.is_empty() || to.len() > 50 {
        reader.refuse(table, "to", "`to` must list from 1 to 50 addresses".to_owned());
    }
    for (key, address) in from.iter().map(|it| ("from", it)).chain(to.iter().map(|it| ("to", it))) {
        if address.parse::<lettre::message::Mailbox>().is_err() {
            reader.refuse(table, key, format!("`{address}` is not an address of mail"));
        }
    }
    let server = reader.required(table, "server", "write `server = \"mail.example.org\"`");
    if security == MailSecurity::None && server.is_some_and(|server| !is_this_machine(server)) {
        let message = "`security = \"none\"` is for a server on this machine only";
        reader.refuse(table, "security", message.to_owned());
    }
    let username = reader.text(table, "username").map(str::to_owned);
    let password = secret(reader, table, "password", folder, false);
    let has_password =
        ["file", "env", "credential"].iter().any(|kind| table.has(&format!("password-{kind}")));
    if table.has("username") != has_password {
        let message = "`username` and a password belong together";
        reader.refuse(table, "username", message.to_owned());
    }
    let port = reader.number(table, "port", 65_535).and_then(|port| u16::try_from(port).ok());
    let port = port.unwrap_or(match security {
        MailSecurity::StartTls => 587,
        MailSecurity::Tls => 465,
        MailSecurity::None => 25,
    });
    Some(MailSettings {
        from: from?.to_owned(),
        to: to.into_iter().map(str::to_owned).collect(),
        server: server?.to_owned(),
        port,
        security,
        username,
        password,
        certificates: reader.text(table, "certificates").map(|path| folder.join(path)),
    })
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn read_webhook<'a>(reader: &mut Reader<'a>, table: &Table<'a>, folder: &Path) -> Option<Webhook> {
    reader.only(
        table,
        &[
            "url",
            "url-file",
            "url-env",
            "url-credential",
            "secret-file",
            "secret-env",
            "secret-credential",
            "allow-plain-http",
            "least",
        ],
    );
    let allow_plain_http = reader.flag(table, "allow-plain-http");
    let secret_source = secret(reader, table, "secret", folder, true);
    let url = match reader.text(table, "url") {
        Some(text) => match Url::parse(text) {
            Ok(url) if !matches!(url.scheme(), "https" | "http") => {
                reader.refuse(table, "url", "`url` must begin with https://".to_owned());
                None
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                let message = "a password does not belong into this file; use `url-file`";
                reader.refuse(table, "url", message.to_owned());
                None
            }
            Ok(_) => Some(SecretSource::Plain(text.to_owned())),
            Err(error) => {
                reader.refuse(table, "url", format!("`url` is not a url: {error}"));
                None
            }
        },
        None if table.has("url") => None,
        None => secret(reader, table, "url", folder, true),
    };
    Some(Webhook { url: url?, secret: secret_source?, allow_plain_http })
}

fn read_atom<'a>(reader: &mut Reader<'a>, table: &Table<'a>, folder: &Path) -> Option<AtomFeed> {
    reader.only(table, &["path", "title", "authority", "url", "least"]);
    let path = reader.required(table, "path", "write `path = \"feed.atom\"`");
    let hint = "write a domain of yours: `authority = \"releases.example.org\"`";
    let authority = reader.required(table, "authority", hint);
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '@' | '_');
    if authority.is_some_and(|it| !it.chars().all(is_allowed)) {
        let message = "`authority` must be a domain or an address of mail";
        reader.refuse(table, "authority", message.to_owned());
    }
    let url = reader.text(table, "url");
    if let Some(text) = url.filter(|text| Url::parse(text).is_err()) {
        reader.refuse(table, "url", format!("`{text}` is not a url"));
    }
    Some(AtomFeed {
        path: folder.join(path?),
        title: reader.text(table, "title").unwrap_or("countermark").to_owned(),
        authority: authority?.to_owned(),
        url: url.map(str::to_owned),
    })
}

/// One of `<key>-file`, `<key>-env` and `<key>-credential`.
pub(crate) fn secret<'a>(
    reader: &mut Reader<'a>,
    table: &Table<'a>,
    key: &str,
    folder: &Path,
    is_required: bool,
) -> Option<SecretSource> {
    let names = ["file", "env", "credential"].map(|kind| format!("{key}-{kind}"));
    let mut found = Vec::new();
    for (name, kind) in names.iter().zip(0..) {
        let Some(text) = reader.text(table, name) else { continue };
        found.push(match kind {
            0 => SecretSource::File(folder.join(text)),
            1 => SecretSource::Variable(text.to_owned()),
            _ if text.contains('/') || text.starts_with('.') => {
                reader.refuse(
                    table,
                    name,
                    format!("`{name}` is the name of a credential, not a path"),
                );
                continue;
            }
            _ => SecretSource::Credential(text.to_owned()),
        });
    }
    if found.len() > 1 {
        reader.refuse(table, &names[0], format!("only one of `{}`", names.join("`, `")));
    }
    if is_required && names.iter().all(|name| !table.has(name)) {
        reader.missing(table, &names[0], &format!("or `{}`, or `{}`", names[1], names[2]));
    }
    found.pop()
}
