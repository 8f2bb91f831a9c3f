//! Which bucket, and who we are to it. Keys come from files, variables or the service manager, and
//! are not shown.

use std::sync::Arc;

use countermark_client::credentials::Secret;
use countermark_client::http::Client;
use countermark_trust::Class;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::{BackoffConfig, RetryConfig};
use url::Url;

use super::connector::Connector;

/// The region where none is said, which most stores outside of the first one's take.
const REGION: &str = "us-east-1";

/// A bucket, or a folder within one.
#[derive(Clone, Debug)]
pub struct ObjectSettings {
    /// Its name.
    pub bucket: String,
    /// The folder, without a `/` at either end; may be empty.
    pub prefix: String,
    /// Where the store is; without it, that of the region at the service whose protocol this is.
    pub endpoint: Option<Url>,
    /// The region.
    pub region: Option<String>,
    /// Whether the bucket is part of the host's name rather than of the path.
    pub is_virtual_hosted: bool,
    /// How often a request is repeated that failed on the way or at the server.
    pub repetitions: usize,
}

/// Who we are to the store.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The public half.
    pub id: Secret,
    /// The secret half.
    pub secret: Secret,
    /// Of temporary keys.
    pub token: Option<Secret>,
}

/// Why an address of an object store cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectSettingsError {
    /// Not `s3://bucket/prefix`.
    #[error("expected `s3://bucket` or `s3://bucket/prefix`, found `{found}`")]
    Address {
        /// The text, without what may be a secret.
        found: String,
    },
    /// The library refuses it.
    #[error("the object store cannot be used: {reason}")]
    Refused {
        /// From the library.
        reason: String,
    },
}

impl ObjectSettingsError {
    /// Who is at fault, and so the exit code.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Address { .. } | Self::Refused { .. } => Class::Usage,
        }
    }
}

impl ObjectSettings {
    /// Whether a text is the address of a bucket, rather than the path of a folder.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        text.starts_with("s3://")
    }

    /// Reads `s3://bucket/prefix`.
    ///
    /// # Errors
    /// When it is anything else, also with a user in it.
    pub fn parse(text: &str) -> Result<Self, ObjectSettingsError> {
        let refused = || {
            let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
            ObjectSettingsError::Address { found: shown.chars().take(100).collect() }
        };
        let rest = text.strip_prefix("s3://").ok_or_else(refused)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let is_good = |part: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            !matches!(part, "" | "." | "..") && part.chars().all(allowed)
        };
        if !is_good(bucket) || (!prefix.is_empty() && !prefix.split('/').all(is_good)) {
            return Err(refused());
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: None,
            region: None,
            is_virtual_hosted: false,
            repetitions: 6,
        })
    }

    pub(super) fn build(
        &self,
        keys: &Keys,
        client: &Arc<Client>,
    ) -> Result<AmazonS3, ObjectSettingsError> {
        let plain = self.endpoint.as_ref().is_some_and(|url| url.scheme() == "http");
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(self.region.as_deref().unwrap_or(REGION))
            .with_access_key_id(keys.id.reveal())
            .with_secret_access_key(keys.secret.reveal())
            .with_virtual_hosted_style_request(self.is_virtual_hosted)
            .with_allow_http(plain)
            .with_http_connector(Connector { client: Arc::clone(client), plain })
            // A request that deletes many at once is not understood by every store, and few are deleted.
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: self.repetitions,
                retry_timeout: std::time::Duration::from_secs(60),
            })
            .with_conditional_put(S3ConditionalPut::ETagMatch);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
        }
        if let Some(token) = &keys.token {
            builder = builder.with_token(token.reveal());
        }
        let refused = |error: object_store::Error| ObjectSettingsError::Refused {
            reason: error.to_string().chars().take(200).collect(),
        };
        builder.build().map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_buckets() {
        let parts = |text| ObjectSettings::parse(text).map(|it| (it.bucket, it.prefix)).ok();
        let expect = |bucket: &str, prefix: &str| Some((bucket.to_owned(), prefix.to_owned()));
        assert_eq!(parts("s3://log"), expect("log", ""));
        assert_eq!(parts("s3://log/"), expect("log", ""));
        assert_eq!(parts("s3://log.example/a/b/"), expect("log.example", "a/b"));
        for text in
            ["s3://", "s3:///a", "s3://a/../b", "s3://a//b", "s3://a/b?c", "http://a/b", "s3://a b"]
        {
            assert_eq!(parts(text), None, "{text}");
        }
        let error = ObjectSettings::parse("s3://key:hunter2@log/x").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
