//! Questions.

use std::collections::BTreeMap;

use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_service::log::store::{Entry, LogStore, MAXIMUM_ROWS, StoreError};
use countermark_trust::log::record::Observation;

use super::store::{commit_all, lead};
use super::{DISTRIBUTION, INDEX, Numbers, OTHER, Place, at, record, records, sha256};

fn files(found: &[Entry]) -> Vec<(u64, &str)> {
    found.iter().map(|entry| (entry.index, entry.record.file())).collect()
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

pub(crate) async fn entries_are_those_of_their_places(place: &dyn Place) {
    let store = place.store().await;
    let all = records(0..700);
    store.submit(all.clone(), at(0)).await.unwrap();
    let lease = lead(store.as_ref()).await;
    commit_all(store.as_ref(), &lease).await;
    store.submit(records(700..710), at(0)).await.unwrap();
    for range in [0..1, 0..700, 255..257, 699..700, 5..5] {
        let expected = &all[range.start as usize..range.end as usize];
        assert_eq!(store.entries(range).await.unwrap(), expected);
    }
    // What is pending has no place.
    for range in [699..701, 700..701, 0..701] {
        let refused = store.entries(range).await;
        assert!(matches!(refused, Err(StoreError::Damaged { .. })), "{refused:?}");
    }
    let refused = store.entries(0..MAXIMUM_ROWS as u64 + 1).await;
    assert!(matches!(refused, Err(StoreError::TooMany { .. })), "{refused:?}");
}

async fn some(store: &dyn LogStore) {
    let all = vec![
        record("flask-3.0.0-py3-none-any.whl", sha256(1), INDEX),
        record("flask-3.0.0.tar.gz", sha256(2), INDEX),
        record("flask-3.0.1.tar.gz", sha256(3), INDEX),
        record("flask-3.0.0.tar.gz", sha256(2), DISTRIBUTION),
        record("other-3.0.0.tar.gz", sha256(2), INDEX),
        record("flask-3.0.tar.gz", sha256(5), INDEX),
        record("flask-3.0.0.tar.gz", sha256(6), OTHER),
    ];
    store.submit(all, at(0)).await.unwrap();
}

pub(crate) async fn files_projects_releases_and_digests_are_found(place: &dyn Place) {
    let store = place.store().await;
    some(store.as_ref()).await;
    let lease = lead(store.as_ref()).await;
    commit_all(store.as_ref(), &lease).await;

    let asked =
        names(&["other-3.0.0.tar.gz", "flask-3.0.0.tar.gz", "nothing", "other-3.0.0.tar.gz"]);
    let found = store.find_files(&asked, 7).await.unwrap();
    let (flask, other) = ("flask-3.0.0.tar.gz", "other-3.0.0.tar.gz");
    assert_eq!(files(&found), [(1, flask), (3, flask), (4, other), (6, flask)]);
    assert_eq!(*found[2].record.digest(), sha256(2));
    assert_eq!(store.find_files(&[], 7).await.unwrap(), []);
    // A name is compared whole and as it is written.
    let close = names(&["flask-3.0.0.tar.g", "Flask-3.0.0.tar.gz", "%", "flask%"]);
    assert_eq!(store.find_files(&close, 7).await.unwrap(), []);

    let project = ProjectName::parse("Flask").unwrap();
    let found = store.find_project(&project, 0..7, 100).await.unwrap();
    assert_eq!(found.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 1, 2, 3, 5, 6]);
    let found = store.find_project(&project, 1..6, 3).await.unwrap();
    assert_eq!(found.iter().map(|it| it.index).collect::<Vec<_>>(), [1, 2, 3]);
    let nobody = ProjectName::parse("nobody").unwrap();
    assert_eq!(store.find_project(&nobody, 0..7, 3).await.unwrap(), []);

    // Versions are compared as versions.
    let version = |text: &str| text.parse::<Version>().unwrap();
    let found = store.find_release(&project, &version("3"), 7).await.unwrap();
    assert_eq!(found.iter().map(|it| it.index).collect::<Vec<_>>(), [0, 1, 3, 5, 6]);
    let found = store.find_release(&project, &version("3.0.1"), 7).await.unwrap();
    assert_eq!(files(&found), [(2, "flask-3.0.1.tar.gz")]);

    let found = store.find_digest(&sha256(2), 7, 10).await.unwrap();
    assert_eq!(found.iter().map(|it| it.index).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(store.find_digest(&sha256(2), 7, 2).await.unwrap().len(), 2);
    assert_eq!(store.find_digest(&sha256(77), 7, 10).await.unwrap(), []);
}

pub(crate) async fn what_is_pending_or_too_new_is_not_found(place: &dyn Place) {
    let store = place.store().await;
    some(store.as_ref()).await;
    let project = ProjectName::parse("flask").unwrap();
    let asked = names(&["flask-3.0.0.tar.gz"]);
    let check = async |below: u64, expected: usize| {
        let found = store.find_files(&asked, below).await.unwrap();
        assert_eq!(found.len(), expected);
        assert!(found.iter().all(|it| it.index < below));
        let found = store.find_project(&project, 0..below, 10).await.unwrap();
        assert!(found.iter().all(|it| it.index < below));
        assert_eq!(found.is_empty(), expected == 0);
        let found = store.find_digest(&sha256(2), below, 10).await.unwrap();
        assert!(found.iter().all(|it| it.index < below));
        assert_eq!(found.is_empty(), expected == 0);
    };
    check(100, 0).await;
    let lease = lead(store.as_ref()).await;
    commit_all(store.as_ref(), &lease).await;
    check(0, 0).await;
    check(2, 1).await;
    check(4, 2).await;
    check(100, 3).await;
}

pub(crate) async fn names_are_found_by_how_they_begin(place: &dyn Place) {
    let store = place.store().await;
    let all = ["b", "ab", "aa", "a", "abc", "ab-c", "ac"];
    let all = all.map(|name| {
        let file = format!("{}-1.tar.gz", name.replace('-', "_"));
        record(&file, sha256(1), INDEX)
    });
    store.submit(all.to_vec(), at(0)).await.unwrap();
    let find = async |prefix: &str, after: Option<&str>, limit| -> Vec<String> {
        let after = after.map(|name| ProjectName::parse(name).unwrap());
        let found = store.find_names(prefix, after.as_ref(), limit).await.unwrap();
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(find("ab", None, 10).await, ["ab", "ab-c", "abc"]);
    assert_eq!(find("ab", Some("ab"), 1).await, ["ab-c"]);
    assert_eq!(find("a", None, 2).await, ["a", "aa"]);
    assert_eq!(find("", None, 10).await.len(), 7);
    assert_eq!(find("x", None, 10).await, [""; 0]);
    assert_eq!(find("%", None, 10).await, [""; 0]);
    assert_eq!(find("a_", None, 10).await, [""; 0]);
}

pub(crate) async fn random_submissions_are_as_in_a_plain_model(place: &dyn Place) {
    let store = place.store().await;
    let lease = lead(store.as_ref()).await;
    let mut numbers = Numbers(11);
    // Records in the order of their places, and which of them contradict an earlier one.
    let (mut model, mut alarms): (Vec<Observation>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut committed = 0;
    for _ in 0..40 {
        let batch: Vec<_> = (0..numbers.below(12))
            .map(|_| {
                let file = format!("p{}-{}.tar.gz", numbers.below(4), numbers.below(3));
                let observer = [INDEX, OTHER, DISTRIBUTION][numbers.below(3) as usize];
                record(&file, sha256(numbers.below(3) as u8), observer)
            })
            .collect();
        let receipts = store.submit(batch.clone(), at(0)).await.unwrap();
        for (record, receipt) in batch.into_iter().zip(receipts) {
            let place = model.iter().position(|it| it.key() == record.key());
            assert_eq!(receipt.known, place.is_some());
            assert_eq!(receipt.index, place.filter(|it| *it < committed).map(|it| it as u64));
            let mut conflicts: Vec<_> = model
                .iter()
                .filter(|it| it.contradicts(&record))
                .map(|it| it.digest().clone())
                .collect();
            conflicts.sort();
            conflicts.dedup();
            assert_eq!(receipt.conflicts, conflicts);
            if place.is_none() {
                if !conflicts.is_empty() {
                    alarms.push(model.len());
                }
                model.push(record);
            }
        }
        if numbers.below(3) == 0 && committed < model.len() {
            commit_all(store.as_ref(), &lease).await;
            committed = model.len();
        }
    }
    commit_all(store.as_ref(), &lease).await;
    let size = model.len() as u64;
    assert_eq!(store.entries(0..size).await.unwrap(), model);
    let found = store.alarms(0, 1000).await.unwrap();
    let found: Vec<_> = found.iter().map(|it| it.second.index.unwrap() as usize).collect();
    assert_eq!(found, alarms);
    let mut by_file: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (index, record) in model.iter().enumerate() {
        by_file.entry(record.file()).or_default().push(index as u64);
    }
    for (file, expected) in by_file {
        let found = store.find_files(&[file.to_owned()], size).await.unwrap();
        assert_eq!(found.iter().map(|it| it.index).collect::<Vec<_>>(), expected);
    }
    assert_eq!(store.inspect(10).await.unwrap(), []);
}
