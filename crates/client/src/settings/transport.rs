//! From layers to settings: time, proxies, certificates.

use std::path::PathBuf;
use std::time::Duration;

use super::resolve::Resolver;
use super::{Origin, Settings, SettingsError};
use crate::credentials::Secret;
use crate::http::{Authorities, Proxies};

/// A longer time is as good as for ever.
const MAX_SECONDS: f64 = 86_400.0;
/// More attempts do not help.
const MAX_RETRIES: u32 = 100;

impl Resolver<'_> {
    pub(super) fn transport(&mut self, settings: &mut Settings) {
        settings.http.offline = self.switch("offline").is_some_and(|it| it.value);
        if let Some(idle) = self.seconds("timeout") {
            settings.http.timeouts.idle = idle;
            settings.http.timeouts.connect = settings.http.timeouts.connect.min(idle);
            // A body that drips is given up as soon as one that stands still.
            settings.http.timeouts.rate_window = idle;
        }
        if let Some(connect) = self.seconds("connect-timeout") {
            settings.http.timeouts.connect = connect;
        }
        if let Some((value, origin, _)) = self.single("retries") {
            match value.parse::<u32>() {
                Ok(count) => settings.http.retries.count = count.min(MAX_RETRIES),
                Err(_) => self.refuse(origin, "a number of attempts"),
            }
        }
        self.proxies(settings);
        self.certificates(settings);
    }

    fn refuse(&mut self, origin: &Origin, expected: &'static str) {
        self.errors.push(SettingsError::Value { origin: origin.clone(), expected });
    }

    fn seconds(&mut self, option: &str) -> Option<Duration> {
        let (value, origin, _) = self.single(option)?;
        match value.parse::<f64>() {
            Ok(seconds) if seconds > 0.0 => Some(Duration::from_secs_f64(seconds.min(MAX_SECONDS))),
            _ => {
                self.refuse(origin, "a number of seconds above 0");
                None
            }
        }
    }

    /// `--proxy` for everything, else the variables that everybody knows, lower case first.
    fn proxies(&mut self, settings: &mut Settings) {
        let except = self.plain_variable(&["no_proxy", "NO_PROXY"]);
        let secret = |text: &str| Some(Secret::new(text));
        if let Some((proxy, _, _)) = self.single("proxy") {
            let (http, https) = (secret(proxy), secret(proxy));
            settings.http.proxies = Proxies::Given { http, https, except };
            return;
        }
        if self.switch("no-proxy-env").is_some_and(|it| it.value) {
            settings.http.proxies = Proxies::Off;
            return;
        }
        let all = self.plain_variable(&["all_proxy", "ALL_PROXY"]);
        // In CGI programs `HTTP_PROXY` is a header of the request ("httpoxy").
        let is_cgi = self.inputs.environment.contains_key("REQUEST_METHOD");
        let names: &[&str] = if is_cgi { &["http_proxy"] } else { &["http_proxy", "HTTP_PROXY"] };
        let http = self.plain_variable(names).or_else(|| all.clone());
        let https = self.plain_variable(&["https_proxy", "HTTPS_PROXY"]).or(all);
        // uv's files have keys for both.
        let key = |option: &str| self.single(option).map(|(value, _, _)| value.to_owned());
        let http = http.or_else(|| key("http-proxy"));
        let https = https.or_else(|| key("https-proxy"));
        if http.is_some() || https.is_some() {
            let (http, https) = (http.map(Secret::new), https.map(Secret::new));
            settings.http.proxies = Proxies::Given { http, https, except };
        }
    }

    fn plain_variable(&self, names: &[&str]) -> Option<String> {
        let values = names.iter().filter_map(|name| self.inputs.environment.get(*name));
        values.map(|value| value.trim().to_owned()).find(|value| !value.is_empty())
    }

    /// `--cert` and its like, else the variables of requests, curl and OpenSSL, in pip's order.
    fn certificates(&mut self, settings: &mut Settings) {
        let places = self.authority_places();
        for (path, origin) in &places {
            if !(self.inputs.exists)(path) {
                let (path, origin) = (path.clone(), origin.clone());
                self.errors.push(SettingsError::Missing { origin, path });
            }
        }
        if !places.is_empty() {
            let paths = places.into_iter().map(|(path, _)| path).collect();
            settings.http.authorities = Authorities::Only(paths);
        }
        let client = self
            .single("client-cert")
            .map(|(value, origin, layer)| (self.path(value, layer), origin.clone()));
        let client = client.or_else(|| {
            let variable = "SSL_CLIENT_CERT";
            let path = self.plain_variable(&[variable])?;
            Some((self.inputs.folder.join(path), Origin::Environment(variable.to_owned())))
        });
        if let Some((path, origin)) = client {
            if (self.inputs.exists)(&path) {
                settings.http.client_certificate = Some(path);
            } else {
                self.errors.push(SettingsError::Missing { origin, path });
            }
        }
    }

    fn authority_places(&self) -> Vec<(PathBuf, Origin)> {
        if let Some((value, origin, layer)) = self.single("cert") {
            return vec![(self.path(value, layer), origin.clone())];
        }
        let from = |variable: &str| {
            let value = self.plain_variable(&[variable])?;
            let origin = Origin::Environment(variable.to_owned());
            Some((value, origin))
        };
        for variable in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
            if let Some((path, origin)) = from(variable) {
                return vec![(self.inputs.folder.join(path), origin)];
            }
        }
        let file = from("SSL_CERT_FILE");
        let folders = from("SSL_CERT_DIR").map(|(value, origin)| {
            let each = value.split(':').filter(|it| !it.is_empty());
            each.map(|it| (it.to_owned(), origin.clone())).collect::<Vec<_>>()
        });
        file.into_iter()
            .chain(folders.into_iter().flatten())
            .map(|(path, origin)| (self.inputs.folder.join(path), origin))
            .collect()
    }
}
