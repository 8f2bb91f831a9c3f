//! The pins of an observatory, as the pages want them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;

use super::library::Pins;
use super::view::PinnedIn;
use crate::log::store::StoreError;
use crate::observe::db::{Alarm, Observatory, PinnedAt, Search};

/// The database of the observatory that runs beside the log.
#[derive(Clone, Debug)]
pub struct ObservatoryPins(pub Arc<dyn Observatory>);

#[async_trait]
impl Pins for ObservatoryPins {
    async fn of_files(
        &self,
        files: &[String],
        limit: usize,
    ) -> Result<BTreeMap<String, Vec<PinnedIn>>, StoreError> {
        let mut found = BTreeMap::new();
        for file in files {
            let pins = self.0.pins(&Search::File(file.clone()), limit).await?;
            if !pins.is_empty() {
                found.insert(file.clone(), once_a_path(pins));
            }
        }
        Ok(found)
    }

    async fn nameless(&self, digest: &Digest, limit: usize) -> Result<Vec<PinnedIn>, StoreError> {
        let mut pins = self.0.pins(&Search::Digest(digest.clone()), limit).await?;
        pins.retain(|it| it.pin.file.is_none());
        Ok(once_a_path(pins))
    }

    async fn of_digest(&self, digest: &Digest, limit: usize) -> Result<Vec<String>, StoreError> {
        let pins = self.0.pins(&Search::Digest(digest.clone()), limit).await?;
        let names: BTreeSet<String> = pins.into_iter().filter_map(|it| it.pin.file).collect();
        Ok(names.into_iter().collect())
    }

    async fn alarms(&self, after: i64, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        self.0.alarms(after, limit).await
    }

    async fn alarms_of(
        &self,
        project: &ProjectName,
        limit: usize,
    ) -> Result<Vec<Alarm>, StoreError> {
        self.0.find_alarms(&Search::Project(project.clone()), limit).await
    }
}

/// A lock has a pin in many commits; what is shown is since when.
fn once_a_path(pins: Vec<PinnedAt>) -> Vec<PinnedIn> {
    let mut places: BTreeMap<(String, String, Digest), PinnedIn> = BTreeMap::new();
    for PinnedAt { pin, place } in pins {
        let key = (place.repository.clone(), place.path.clone(), pin.digest.clone());
        let shown = places.entry(key).or_insert_with(|| PinnedIn {
            digest: pin.digest,
            repository: public_name(&place.repository).to_owned(),
            path: place.path,
            since: place.at,
        });
        shown.since = match (shown.since, place.at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    places.into_values().collect()
}

/// What visitors are told of a repository: the whole address of one that was cloned, and of a folder of this
/// machine its last part only.
fn public_name(repository: &str) -> &str {
    let is_folder = repository.starts_with(['/', '.', '~']) || repository.starts_with("file:");
    if !is_folder {
        return repository;
    }
    let last = repository.trim_end_matches('/').rsplit('/').next();
    last.filter(|it| !matches!(*it, "" | "." | "..")).unwrap_or("a folder")
}

#[cfg(test)]
mod tests {
    use countermark_packaging::digest::Algorithm;

    use super::*;
    use crate::observe::db::sqlite::Sqlite;
    use crate::observe::db::{Pin, PinPlace};

    #[test]
    fn where_folders_are_is_nobodys_business() {
        for (repository, shown) in [
            ("https://git.example.org/team/shop", "https://git.example.org/team/shop"),
            ("example.org/shop", "example.org/shop"),
            ("/srv/secret/shop", "shop"),
            ("/srv/secret/shop/", "shop"),
            ("../shop", "shop"),
            ("file:///srv/secret/shop.git", "shop.git"),
            ("..", "a folder"),
        ] {
            assert_eq!(public_name(repository), shown);
        }
    }

    #[tokio::test]
    async fn a_pin_of_many_commits_is_shown_once_since_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let database = Sqlite::open(&folder.path().join("pins.sqlite")).unwrap();
        let digest = Digest::new(Algorithm::Sha256, &[7; 32]).unwrap();
        for (revision, day) in [("b", "2026-02-02"), ("a", "2026-01-01"), ("c", "2026-03-03")] {
            let place = PinPlace {
                repository: "example.org/shop".to_owned(),
                path: "uv.lock".to_owned(),
                revision: revision.to_owned(),
                format: "uv.lock".to_owned(),
                at: Some(format!("{day}T00:00:00Z").parse().unwrap()),
            };
            let pin = Pin {
                project: ProjectName::parse("teapot").unwrap(),
                version: Some("1.0".to_owned()),
                origin: String::new(),
                file: Some("teapot-1.0.tar.gz".to_owned()),
                digest: digest.clone(),
                line: 3,
            };
            database.add_pins(&place, &[pin]).await.unwrap();
        }
        let place = PinPlace {
            repository: "example.org/pub".to_owned(),
            path: "requirements.txt".to_owned(),
            revision: String::new(),
            format: "requirements".to_owned(),
            at: None,
        };
        let pin = Pin {
            project: ProjectName::parse("teapot").unwrap(),
            version: Some("1.0".to_owned()),
            origin: String::new(),
            file: None,
            digest: digest.clone(),
            line: 3,
        };
        database.add_pins(&place, &[pin]).await.unwrap();
        let pins = ObservatoryPins(Arc::new(database));
        // A lock that names no file pins the file that has the digest.
        let nameless = pins.nameless(&digest, 9).await.unwrap();
        let places: Vec<_> = nameless.iter().map(|it| it.repository.as_str()).collect();
        assert_eq!(places, ["example.org/pub"]);
        let names = ["teapot-1.0.tar.gz".to_owned(), "other.tar.gz".to_owned()];
        let found = pins.of_files(&names, 100).await.unwrap();
        assert_eq!(found.len(), 1);
        let shown = &found["teapot-1.0.tar.gz"];
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].since, Some("2026-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(pins.of_digest(&digest, 9).await.unwrap(), ["teapot-1.0.tar.gz"]);
    }
}
