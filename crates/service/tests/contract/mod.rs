//! What every engine has to do alike. A test target takes it by its path and makes tests of it with
//! `on_every_place!`, for each kind of place that it can make.

pub(crate) mod check;
pub(crate) mod faults;
pub(crate) mod find;
pub(crate) mod model;
pub(crate) mod sequence;
pub(crate) mod store;
pub(crate) mod tiles;
pub(crate) mod transfer;

use std::sync::Arc;

use async_trait::async_trait;
use countermark_packaging::digest::{Algorithm, Digest};
use countermark_packaging::name::ProjectName;
use countermark_service::log::sqlite::{Options, SqliteLog};
use countermark_service::log::store::LogStore;
use countermark_service::log::tiles::{DirectoryTiles, TileStore};
use countermark_trust::log::record::{Fields, Observation, Observer};
use jiff::Timestamp;

/// One log's storage. Each call opens the same one again, as another process would.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    async fn store(&self) -> Arc<dyn LogStore>;
    async fn tiles(&self) -> Arc<dyn TileStore>;
}

/// SQLite and a folder, which every test can have.
pub(crate) struct Embedded(pub(crate) tempfile::TempDir);

impl Embedded {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl Place for Embedded {
    async fn store(&self) -> Arc<dyn LogStore> {
        let path = self.0.path().join("log.sqlite");
        Arc::new(SqliteLog::open(&path, Options::default()).unwrap())
    }

    async fn tiles(&self) -> Arc<dyn TileStore> {
        Arc::new(DirectoryTiles::open(&self.0.path().join("public")).unwrap())
    }
}

/// A `#[tokio::test]` of every function, on a new place. The expression is a future of an `Option`: `None`
/// where such a place cannot be had here, which it has to have said.
macro_rules! on_every_place {
    ($place:expr) => {
        $crate::contract::on_every_place!(@ $place;
            store: records_are_pending_in_the_order_in_which_they_came,
            store: the_same_record_again_changes_nothing,
            store: a_second_digest_is_recorded_and_raises_an_alarm,
            store: a_distribution_raises_no_alarm,
            store: nothing_of_too_many_is_taken,
            store: many_submitters_at_once_write_each_record_once,
            store: the_head_moves_by_compare_and_swap,
            store: a_leader_whose_lease_ran_out_fails,
            store: the_lead_is_with_one,
            store: an_older_checkpoint_never_replaces_a_newer_one,
            store: everything_is_there_after_opening_again,
            find: entries_are_those_of_their_places,
            find: files_projects_releases_and_digests_are_found,
            find: what_is_pending_or_too_new_is_not_found,
            find: names_are_found_by_how_they_begin,
            find: random_submissions_are_as_in_a_plain_model,
            tiles: what_was_put_is_read,
            tiles: an_older_checkpoint_is_not_put,
            tiles: folders_are_listed_and_tiles_removed,
            sequence: any_split_into_batches_gives_the_plain_tree,
            sequence: an_empty_log_has_a_checkpoint,
            sequence: a_checkpoint_is_made_anew_when_it_is_old,
            sequence: a_cosigned_checkpoint_stays_while_a_witness_sleeps,
            sequence: a_paused_former_leader_fails_and_signs_nothing,
            sequence: a_former_leader_that_wakes_before_publishing_does_not_replace_the_newer,
            sequence: an_old_copy_of_the_database_is_not_gone_on_with,
            sequence: a_checkpoint_of_another_log_is_not_gone_on_with,
            sequence: torn_files_at_the_edge_are_written_anew,
            sequence: partial_tiles_are_pruned_when_they_are_old,
            faults: a_failure_at_any_write_loses_and_forks_nothing,
            check: a_whole_log_is_clean,
            check: every_damaged_tile_is_told_and_repaired,
            check: a_log_that_goes_on_meanwhile_is_clean,
            check: what_does_not_belong_is_told,
            check: a_checkpoint_that_does_not_fit_is_told,
            transfer: an_export_gives_the_same_log_in_another_place,
            transfer: an_import_goes_into_this_place_too,
            transfer: a_changed_export_is_refused,
        );
    };
    (@ $place:expr; $($module:ident : $name:ident),* $(,)?) => { $(
        #[tokio::test]
        async fn $name() {
            let Some(place) = $place.await else { return };
            $crate::contract::$module::$name(&place).await;
        }
    )* };
}
pub(crate) use on_every_place;

/// This many seconds after 1970.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// A digest that is this byte over and over.
pub(crate) fn sha256(byte: u8) -> Digest {
    Digest::new(Algorithm::Sha256, &[byte; 32]).unwrap()
}

pub(crate) const INDEX: &str = "index:index.example.org/crawler";
pub(crate) const OTHER: &str = "index:mirror.example.org";
pub(crate) const DISTRIBUTION: &str = "distribution:ports.example.org";

/// A record; the project is what stands before the first `-` of the file.
pub(crate) fn record(file: &str, digest: Digest, observer: &str) -> Observation {
    let project = ProjectName::parse(file.split('-').next().unwrap()).unwrap();
    Observation::new(Fields {
        project,
        file: file.to_owned(),
        digest,
        size: Some(1234),
        uploaded: None,
        observer: Observer::parse(observer).unwrap(),
        first_seen: at(1_700_000_000),
    })
    .unwrap()
}

/// Records that are all different.
pub(crate) fn records(range: std::ops::Range<u32>) -> Vec<Observation> {
    range
        .map(|number| {
            let file = format!("p{}-{number}-py3-none-any.whl", number / 5);
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            record(&file, Digest::new(Algorithm::Sha256, &bytes).unwrap(), INDEX)
        })
        .collect()
}

/// Pseudo-random numbers, the same each time.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// One below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        // Constants of Knuth's MMIX; the high bits are the good ones.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
