//! From layers to settings: indexes, their order, names bound to them, links.

use url::Url;

use super::layer::{IndexEntry, Kind, Layer};
use super::resolve::{Resolver, is_url, lexical};
use super::{
    Binding, DEFAULT_INDEX, FindLinks, Index, LinksPlace, NamePattern, Origin, Settings,
    SettingsError,
};
use crate::credentials::split_userinfo;
use crate::http::RedactedUrl;

impl Resolver<'_> {
    /// All indexes but the default one, highest layer first.
    pub(super) fn all_indexes(&mut self, settings: &mut Settings) -> Vec<Index> {
        let mut found = Vec::new();
        for layer in self.layers {
            for entry in layer.indexes.iter().filter(|entry| !entry.default) {
                found.extend(self.index(entry, layer, settings));
            }
            let further: Vec<_> = self.list("extra-index-url").collect();
            for (url, origin, _) in further.iter().filter(|(.., it)| std::ptr::eq(*it, layer)) {
                found.extend(self.index(&bare(url, origin), layer, settings));
            }
        }
        found
    }

    pub(super) fn default_index(
        &mut self,
        settings: &mut Settings,
        named: &[Index],
    ) -> Option<Index> {
        for layer in self.layers {
            let from_table = layer.indexes.iter().rev().find(|entry| entry.default).cloned();
            let from_option = layer.last("index-url").map(|(url, origin)| bare(url, origin));
            let Some(entry) = from_table.or(from_option) else { continue };
            // A name stands for an index that was given with its URL elsewhere.
            let by_name = |index: &&Index| index.name.as_deref() == Some(entry.url.as_str());
            if let Some(index) = named.iter().find(by_name) {
                return Some(index.clone());
            }
            return self.index(&entry, layer, settings);
        }
        let entry = bare(DEFAULT_INDEX, &Origin::Default);
        self.index(&entry, &Layer::new(Kind::CommandLine, self.inputs.folder), settings)
    }

    pub(super) fn bindings(&mut self, settings: &mut Settings, named: &[Index]) {
        let mut all = Vec::new();
        for layer in self.layers {
            for entry in &layer.bindings {
                let Some(names) = NamePattern::parse(&entry.names) else {
                    let expected = "the name of a project, or its beginning with `*`";
                    self.errors
                        .push(SettingsError::Value { origin: entry.origin.clone(), expected });
                    continue;
                };
                let by_name = |index: &&Index| index.name.as_deref() == Some(entry.index.as_str());
                let index = match named.iter().find(by_name) {
                    Some(index) => index.clone(),
                    None if is_url(&entry.index) => {
                        let Some(index) =
                            self.index(&bare(&entry.index, &entry.origin), layer, settings)
                        else {
                            continue;
                        };
                        index
                    }
                    None => match self.default_by_name(&entry.index, settings) {
                        Some(index) => index,
                        None => {
                            self.errors.push(SettingsError::UnknownIndex {
                                origin: entry.origin.clone(),
                                name: entry.index.clone(),
                            });
                            continue;
                        }
                    },
                };
                all.push(Binding { names, index, origin: entry.origin.clone() });
            }
        }
        settings.sources.bindings = all;
    }

    /// A default index that has that name.
    fn default_by_name(&mut self, name: &str, settings: &mut Settings) -> Option<Index> {
        self.layers.iter().find_map(|layer| {
            let mut defaults = layer.indexes.iter().filter(|entry| entry.default);
            let entry = defaults.find(|entry| entry.name.as_deref() == Some(name))?;
            self.index(entry, layer, settings)
        })
    }

    /// Reads an index and takes the credentials out of its URL.
    fn index(
        &mut self,
        entry: &IndexEntry,
        layer: &Layer,
        settings: &mut Settings,
    ) -> Option<Index> {
        let Some(mut url) = self.url(&entry.url, layer) else {
            let found = RedactedUrl::of_text(&entry.url);
            self.errors.push(SettingsError::Url { origin: entry.origin.clone(), found });
            return None;
        };
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        let url = remember_credential(&url, settings);
        Some(Index {
            name: entry.name.clone(),
            url,
            explicit: entry.explicit,
            origin: entry.origin.clone(),
        })
    }

    fn url(&self, text: &str, layer: &Layer) -> Option<Url> {
        if !is_url(text) {
            let path = self.path(text, layer);
            let is_path = text.starts_with(['.', '/', '~']) || (self.inputs.exists)(&path);
            return is_path.then(|| Url::from_directory_path(lexical(&path)).ok()).flatten();
        }
        let mut url = Url::parse(text).ok()?;
        url.set_fragment(None);
        let is_usable = match url.scheme() {
            "http" | "https" => url.has_host(),
            "file" => true,
            _ => false,
        };
        is_usable.then_some(url)
    }

    pub(super) fn find_links(&mut self, settings: &mut Settings) {
        let all: Vec<_> = self.list("find-links").collect();
        for (text, origin, layer) in all {
            let place = if is_url(text) {
                match Url::parse(text) {
                    Ok(url) if url.scheme() == "file" => {
                        url.to_file_path().ok().map(LinksPlace::Path)
                    }
                    Ok(url) if matches!(url.scheme(), "http" | "https") => {
                        Some(LinksPlace::Page(remember_credential(&url, settings)))
                    }
                    _ => None,
                }
            } else {
                Some(LinksPlace::Path(lexical(&self.path(text, layer))))
            };
            let Some(place) = place else {
                let found = RedactedUrl::of_text(text);
                self.errors.push(SettingsError::Url { origin: origin.clone(), found });
                continue;
            };
            if !settings.sources.find_links.iter().any(|links| links.place == place) {
                settings.sources.find_links.push(FindLinks { place, origin: origin.clone() });
            }
        }
    }
}

fn bare(url: &str, origin: &Origin) -> IndexEntry {
    let (url, origin) = (url.to_owned(), origin.clone());
    IndexEntry { name: None, url, default: false, explicit: false, origin }
}

fn remember_credential(url: &Url, settings: &mut Settings) -> Url {
    let (url, known) = split_userinfo(url);
    settings.credentials.extend(known);
    url
}

/// Further indexes, the default one, the public one; each once, at its first place.
pub(super) fn order(named: Vec<Index>, default: Option<Index>) -> Vec<Index> {
    let is_public = |index: &Index| index.url.as_str() == DEFAULT_INDEX;
    let (public, mut ordered): (Vec<_>, Vec<_>) =
        named.into_iter().chain(default).partition(is_public);
    ordered.extend(public);
    let mut once: Vec<Index> = Vec::new();
    for index in ordered {
        match once.iter_mut().find(|have| have.url == index.url) {
            // The same index, once explicit and once not: it is asked.
            Some(have) => {
                have.explicit &= index.explicit;
                have.name = have.name.take().or(index.name);
            }
            None => once.push(index),
        }
    }
    once
}
