//! Certificates and proxies, turned into what the network library wants.

use std::path::{Path, PathBuf};

use reqwest::{Certificate, Identity, NoProxy, Proxy};
use url::Url;

use super::RedactedUrl;
use super::error::HttpError;
use crate::credentials::Secret;

/// Largest certificate file, in bytes.
const MAX_CERTIFICATES: u64 = 16 * 1024 * 1024;
/// Most files read from a folder of certificates.
const MAX_CERTIFICATE_FILES: usize = 4096;

/// Whose certificates are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authorities {
    /// The platform's.
    #[default]
    System,
    /// Those in PEM files, or in folders of such, and no others.
    Only(Vec<PathBuf>),
}

/// Through which proxies requests go; never those to this machine. Their URLs may hold passwords.
#[derive(Clone, Debug, Default)]
pub enum Proxies {
    /// The platform's: none on Linux, where the environment is read by `settings`.
    #[default]
    System,
    /// None.
    Off,
    /// By scheme of the request.
    Given {
        /// For `http://` requests.
        http: Option<Secret>,
        /// For `https://` requests.
        https: Option<Secret>,
        /// Hosts that are asked directly, in the form of `NO_PROXY`.
        except: Option<String>,
    },
}

pub(super) fn authorities(
    mut builder: reqwest::ClientBuilder,
    authorities: &Authorities,
    client_certificate: Option<&Path>,
) -> Result<reqwest::ClientBuilder, HttpError> {
    if let Authorities::Only(places) = authorities {
        let mut certificates = Vec::new();
        for place in places {
            read_certificates(place, &mut certificates)?;
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(path) = client_certificate {
        let identity = Identity::from_pem(&read(path)?).map_err(|_| {
            refused(path, "expected a certificate and its unencrypted private key in pem")
        })?;
        builder = builder.identity(identity);
    }
    Ok(builder)
}

/// A file must hold certificates; of a folder, those files count that do.
fn read_certificates(place: &Path, into: &mut Vec<Certificate>) -> Result<(), HttpError> {
    let before = into.len();
    if place.is_dir() {
        let entries = std::fs::read_dir(place).map_err(|error| refused(place, &error))?;
        let mut files: Vec<PathBuf> = entries
            .take(MAX_CERTIFICATE_FILES)
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        for file in files {
            if let Ok(certificates) = Certificate::from_pem_bundle(&read(&file)?) {
                into.extend(certificates);
            }
        }
    } else {
        let bytes = read(place)?;
        let certificates = Certificate::from_pem_bundle(&bytes)
            .map_err(|_| refused(place, "expected certificates in pem"))?;
        into.extend(certificates);
    }
    if into.len() == before {
        return Err(refused(place, "there is none"));
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, HttpError> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_CERTIFICATES).read_to_end(&mut bytes))
        .map_err(|error| refused(path, &error))?;
    Ok(bytes)
}

fn refused(path: &Path, reason: &(impl ToString + ?Sized)) -> HttpError {
    HttpError::CertificateFile { path: path.to_owned(), reason: reason.to_string() }
}

pub(super) fn proxies(
    mut builder: reqwest::ClientBuilder,
    proxies: &Proxies,
) -> Result<reqwest::ClientBuilder, HttpError> {
    let Proxies::Given { http, https, except } = proxies else {
        let is_system = matches!(proxies, Proxies::System) && !cfg!(target_os = "linux");
        return Ok(if is_system { builder } else { builder.no_proxy() });
    };
    builder = builder.no_proxy();
    let except = format!("{},localhost,127.0.0.1,::1", except.as_deref().unwrap_or_default());
    let except = NoProxy::from_string(&except);
    for (text, is_for_https) in [(http, false), (https, true)] {
        let Some(text) = text.as_ref().map(Secret::reveal) else { continue };
        let refused = |reason: &str| HttpError::Proxy {
            proxy: RedactedUrl::of_text(text),
            reason: reason.to_owned(),
        };
        // `proxy.example:3128` without a scheme means http, as in curl.
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&whole).map_err(|_| refused("not a url"))?;
        if !matches!(url.scheme(), "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h") {
            return Err(refused("expected http, https or socks"));
        }
        let made = if is_for_https { Proxy::https(url) } else { Proxy::http(url) };
        let proxy = made.map_err(|_| refused("not usable as a proxy"))?;
        builder = builder.proxy(proxy.no_proxy(except.clone()));
    }
    Ok(builder)
}
