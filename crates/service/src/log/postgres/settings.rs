//! Where the database is and how it is reached.
//!
//! Decides what may stand in the address: never a password, which comes from a file, a variable or
//! a credential of the service manager. Decides also when a connection is encrypted: a unix socket
//! and this machine need no TLS; to every other host it is required and the certificate verified,
//! unless `sslmode=disable` says in so many words that the network in between is trusted.
//!
//! The forms are those of libpq, as far as `tokio-postgres` reads them:
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING>.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use countermark_client::credentials::Secret;
use countermark_trust::Class;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How many connections one process has at most.
const CONNECTIONS: usize = 16;

/// An address that was read, with everything that goes to the server when connecting.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) config: Config,
    pub(super) authority: Option<PathBuf>,
    pub(super) connections: usize,
    pub(super) statement: Duration,
}

/// Why an address cannot be used. The address itself is never shown: it may hold a secret by mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Neither a URL nor pairs of keys and values.
    #[error("the address of the database cannot be read")]
    Address,
    /// A password stands in it.
    #[error("the address of the database holds a password")]
    Password,
    /// No host, which would mean a socket that differs from system to system.
    #[error("the address of the database names no host")]
    NoHost,
    /// Another machine without verified TLS.
    #[error(
        "the connection to `{host}` would be `sslmode={found}`, expected `require` or `disable`"
    )]
    Encryption {
        /// The host.
        host: String,
        /// What was asked for.
        found: &'static str,
    },
    /// The file of authorities cannot be read or has none.
    #[error("the authorities in `{}` cannot be used: {reason}", path.display())]
    Authorities {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// TLS cannot be set up.
    #[error("tls cannot be set up: {reason}")]
    Tls {
        /// From the library.
        reason: String,
    },
}

impl SettingsError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Address
            | Self::Password
            | Self::NoHost
            | Self::Encryption { .. }
            | Self::Authorities { .. } => Class::Usage,
            Self::Tls { .. } => Class::Unavailable,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Address | Self::NoHost => {
                Some("write `postgres://user@host/database` or `host=… user=… dbname=…`")
            }
            Self::Password => {
                Some("take it out, change it, and name a file or a variable that holds it")
            }
            Self::Encryption { .. } => Some(
                "`sslmode=require` also verifies the certificate; say `sslmode=disable` only where nobody else is on the network",
            ),
            Self::Authorities { .. } => Some("expected certificates in pem"),
            Self::Tls { .. } => None,
        }
    }
}

impl Settings {
    /// Whether a text is the address of a PostgreSQL database, rather than the path of a file.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        ["postgres://", "postgresql://"].iter().any(|it| text.starts_with(it))
            || text.split_whitespace().any(|pair| pair.starts_with("host="))
    }

    /// Reads an address. `authority` is a file with the certificates that are believed in place of
    /// those of the system.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn parse(
        text: &str,
        password: Option<&Secret>,
        authority: Option<PathBuf>,
    ) -> Result<Self, SettingsError> {
        // The library's reason may quote the part that it stumbled over, which may be a secret.
        let mut config: Config = text.parse().map_err(|_| SettingsError::Address)?;
        if config.get_password().is_some() {
            return Err(SettingsError::Password);
        }
        let mode = encryption(&config, text)?;
        config.ssl_mode(mode);
        if let Some(password) = password {
            config.password(password.reveal());
        }
        if config.get_application_name().is_none() {
            config.application_name("countermark");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        // A server that vanished is noticed within a minute and not after two hours.
        config.keepalives_idle(Duration::from_secs(20));
        config.keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3);
        config.tcp_user_timeout(Duration::from_secs(30));
        Ok(Self { config, authority, connections: CONNECTIONS, statement: Duration::from_secs(60) })
    }

    /// With another limit on connections.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// With another limit on the time of one statement.
    #[must_use]
    pub fn statement_timeout(mut self, limit: Duration) -> Self {
        self.statement = limit;
        self
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.config.get_ssl_mode() != SslMode::Disable
    }
}

/// What the connection has to be, by where it goes and what the address says.
fn encryption(config: &Config, text: &str) -> Result<SslMode, SettingsError> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(SettingsError::NoHost);
    }
    let given = text.contains("sslmode");
    let is_far = |host: &&Host| match host {
        Host::Tcp(name) => !is_this_machine(name),
        #[cfg(unix)]
        Host::Unix(_) => false,
    };
    // An address that is given beside the name is where the connection goes.
    let far = config.get_hosts().iter().find(is_far).map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    });
    let far = far.or_else(|| {
        let mut addresses = config.get_hostaddrs().iter();
        addresses.find(|it| !it.is_loopback()).map(ToString::to_string)
    });
    match (config.get_ssl_mode(), far) {
        (SslMode::Disable, _) => Ok(SslMode::Disable),
        (SslMode::Require, _) => Ok(SslMode::Require),
        // "prefer" is no protection from who stands in between: it is what is not chosen.
        (_, Some(host)) if given => Err(SettingsError::Encryption { host, found: "prefer" }),
        (_, Some(_)) => Ok(SslMode::Require),
        (_, None) => Ok(SslMode::Disable),
    }
}

fn is_this_machine(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(text: &str) -> Result<bool, SettingsError> {
        Settings::parse(text, None, None).map(|it| it.is_encrypted())
    }

    #[test]
    fn what_is_an_address() {
        for text in
            ["postgres://h/d", "postgresql://u@h", "host=/run/pg dbname=log", "user=u host=h"]
        {
            assert!(Settings::is_address(text), "{text}");
        }
        for text in ["log.sqlite", "/srv/host=a/../log", "", "sqlite://log"] {
            assert!(!Settings::is_address(text), "{text}");
        }
    }

    #[test]
    fn other_machines_are_reached_encrypted_unless_it_is_said() {
        assert_eq!(mode("host=/run/postgresql user=u dbname=log"), Ok(false));
        assert_eq!(mode("postgres://u@localhost/log"), Ok(false));
        assert_eq!(mode("postgres://u@127.0.0.1/log?sslmode=require"), Ok(true));
        assert_eq!(mode("postgres://u@[::1]/log"), Ok(false));
        assert_eq!(mode("postgres://u@db.example.org/log"), Ok(true));
        assert_eq!(mode("postgres://u@db.example.org/log?sslmode=require"), Ok(true));
        assert_eq!(mode("postgres://u@db.example.org/log?sslmode=disable"), Ok(false));
        assert_eq!(mode("host=/run/pg,db.example.org user=u"), Ok(true), "one of several is far");
        assert_eq!(mode("host=localhost hostaddr=192.0.2.1 user=u"), Ok(true));
        let refused = mode("host=db.example.org user=u sslmode=prefer").unwrap_err();
        let host = "db.example.org".to_owned();
        assert_eq!(refused, SettingsError::Encryption { host, found: "prefer" });
    }

    #[test]
    fn a_password_in_the_address_is_refused_and_none_is_shown() {
        for text in ["postgres://u:hunter2@localhost/log", "host=h user=u password=hunter2"] {
            assert_eq!(mode(text), Err(SettingsError::Password), "{text}");
        }
        for text in ["host=h password='hunter2", "postgres://u:hunter2@h:port/", "host=h hunter2"] {
            let error = mode(text).unwrap_err();
            assert_eq!(error, SettingsError::Address);
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
        let settings =
            Settings::parse("host=localhost user=u", Some(&Secret::new("hunter2")), None).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert_eq!(settings.config.get_password(), Some(&b"hunter2"[..]));
        assert_eq!(mode("user=u dbname=log"), Err(SettingsError::NoHost));
    }
}
