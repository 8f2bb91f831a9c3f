//! TLS to the database: the system's authorities, or those of one file and no others. The
//! certificate has to be valid for the host of the address; `tokio-postgres-rustls` binds the
//! password exchange to the channel where the server offers it.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::settings::SettingsError;

/// Largest file of certificates, in bytes.
const MAXIMUM_CERTIFICATES: u64 = 16 << 20;

/// What makes connections encrypted.
pub(super) fn connector(authority: Option<&Path>) -> Result<MakeRustlsConnect, SettingsError> {
    let tls = |error: rustls::Error| SettingsError::Tls { reason: error.to_string() };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(tls)?;
    let config = match authority {
        None => builder.with_platform_verifier().map_err(tls)?,
        Some(path) => builder.with_root_certificates(read(path)?),
    };
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

fn read(path: &Path) -> Result<rustls::RootCertStore, SettingsError> {
    let refused = |reason: String| SettingsError::Authorities { path: path.to_owned(), reason };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAXIMUM_CERTIFICATES).read_to_end(&mut bytes))
        .map_err(|error| refused(error.to_string()))?;
    let mut store = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|_| refused("it is not pem".to_owned()))?;
        store.add(certificate).map_err(|error| refused(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(refused("there is none".to_owned()));
    }
    Ok(store)
}
