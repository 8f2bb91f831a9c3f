//! Export and import: the same log in another place.

use countermark_service::log::store::LogStore;
use countermark_service::log::tiles::TileStore;
use countermark_service::log::transfer::{self, Target, TransferError, Transferred};
use countermark_trust::log::record::Observation;

use super::check::look;
use super::sequence::{Log, ORIGIN, key};
use super::{INDEX, OTHER, Place, at, model, record, records, sha256};

pub(crate) async fn export(store: &dyn LogStore) -> (String, Transferred) {
    let mut text = Vec::new();
    let done = transfer::export(store, ORIGIN, &mut text, &mut |_, _| ()).await.unwrap();
    (String::from_utf8(text).unwrap(), done)
}

pub(crate) async fn import(
    text: &str,
    store: &dyn LogStore,
    tiles: &dyn TileStore,
) -> Result<Transferred, TransferError> {
    let key = key();
    let keys = [key.verifier().clone()];
    let target = Target { store, tiles, origin: ORIGIN, keys: &keys, holder: "import" };
    transfer::import(&mut text.as_bytes(), target, at(1_800_000_500), &mut |_, _| ()).await
}

/// A log with two alarms, two heads, and records that wait.
async fn filled(log: &Log) -> Vec<Observation> {
    let mut all = records(0..700);
    all.push(record("a-1.tar.gz", sha256(1), INDEX));
    all.push(record("a-1.tar.gz", sha256(2), OTHER));
    let mut sequencer = log.sequencer("one");
    log.store.submit(all[..400].to_vec(), at(5)).await.unwrap();
    sequencer.turn().await.unwrap();
    log.store.submit(all[400..].to_vec(), at(6)).await.unwrap();
    sequencer.turn().await.unwrap();
    sequencer.resign().await.unwrap();
    log.store.submit(vec![record("a-1.tar.gz", sha256(3), INDEX)], at(7)).await.unwrap();
    all
}

/// Between an embedded log and one of this place, both ways.
pub(crate) async fn an_export_gives_the_same_log_in_another_place(place: &dyn Place) {
    let other = crate::contract::Embedded::new();
    let (here, there) = (Log::new(place).await, Log::new(&other).await);
    let all = filled(&here).await;
    let (text, exported) = export(here.store.as_ref()).await;
    let root = model::root(&all);
    let expected = Transferred { size: 702, root, pending: 1, published: Some(702) };
    assert_eq!(exported, expected);
    let imported = import(&text, there.store.as_ref(), there.tiles.as_ref()).await.unwrap();
    assert_eq!(imported, expected);
    there.check(&all).await;
    let report = look(&there, false).await;
    assert!(report.is_clean(), "{:?}", report.differences);
    assert_eq!(there.store.published().await.unwrap(), here.store.published().await.unwrap());
    assert_eq!(there.store.counts().await.unwrap(), here.store.counts().await.unwrap());
    assert_eq!(there.store.alarms(0, 9).await.unwrap().len(), 2);
    assert_eq!(there.store.pruned().await.unwrap(), 702);
    assert_eq!(export(there.store.as_ref()).await.0, text);
    // It goes on from there.
    there.sequencer("two").turn().await.unwrap();
    let mut all = all;
    all.push(record("a-1.tar.gz", sha256(3), INDEX));
    there.check(&all).await;
    // A log that is not empty takes none.
    let refused = import(&text, there.store.as_ref(), there.tiles.as_ref()).await;
    assert!(matches!(refused, Err(TransferError::NotEmpty { found: 703 })), "{refused:?}");
}

pub(crate) async fn an_import_goes_into_this_place_too(place: &dyn Place) {
    let other = crate::contract::Embedded::new();
    let (here, there) = (Log::new(&other).await, Log::new(place).await);
    let all = filled(&here).await;
    let (text, _) = export(here.store.as_ref()).await;
    import(&text, there.store.as_ref(), there.tiles.as_ref()).await.unwrap();
    there.check(&all).await;
    let report = look(&there, false).await;
    assert!(report.is_clean(), "{:?}", report.differences);
    assert_eq!(export(there.store.as_ref()).await.0, text);
}

pub(crate) async fn a_changed_export_is_refused(place: &dyn Place) {
    let log = Log::new(place).await;
    filled(&log).await;
    let (text, _) = export(log.store.as_ref()).await;
    let lines: Vec<_> = text.lines().collect();
    let join = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let check = async |text: &str, expected: &str| {
        let other = crate::contract::Embedded::new();
        let there = Log::new(&other).await;
        let refused = import(text, there.store.as_ref(), there.tiles.as_ref()).await;
        let message = refused.unwrap_err().to_string();
        assert!(message.contains(expected), "{message}, expected {expected}");
        assert_eq!(there.store.published().await.unwrap(), None);
        assert_eq!(there.tiles.read_checkpoint().await.unwrap(), None);
    };
    check("", "line 1 of the export").await;
    check(&text.replacen("\"version\":1", "\"version\":2", 1), "expected version 1, found 2").await;
    let other = text.replacen("example.org/log", "example.org/other", 1);
    check(&other, "expected an export of `example.org/log`").await;
    // A record that says something else, in its canonical form.
    let other = text.replacen("size 1234", "size 1235", 1);
    check(&other, "702 records have the root").await;
    let mut swapped = lines.clone();
    swapped.swap(5, 6);
    check(&join(&swapped), "expected the place 4, found 5").await;
    let mut without = lines.clone();
    without.remove(5);
    check(&join(&without), "expected the place 4, found 5").await;
    check(&join(&lines[..100]), "the export ends after 99 records, expected 702").await;
    check(&join(&lines[..703]), "the export ends after 702 records, expected 703").await;
    check(&text[..text.len() - 1], "it has no end").await;
    check(&format!("{text}{}\n", lines[703]), "expected the end after 703 records").await;
    let loose = text.replacen("size 1234", "size 01234", 1);
    check(&loose, "not in canonical form").await;
    // A signature that is not the log's.
    let signature = text.find("\\n\\n— ").unwrap() + 40;
    let mut forged = text.clone();
    let other = if &text[signature..=signature] == "A" { "B" } else { "A" };
    forged.replace_range(signature..=signature, other);
    check(&forged, "the checkpoint of the export").await;
    // The root of the first line, with the checkpoint left out.
    let root = format!("\"root\":\"{}\"", model::root(&records(0..3)));
    let end = lines[0].find("\"checkpoint\"").unwrap();
    let start = lines[0].find("\"root\"").unwrap();
    let header = format!("{}{root},\"checkpoint\":null,\"pending\":1}}", &lines[0][..start]);
    assert!(end > start);
    let mut changed = lines.clone();
    changed[0] = &header;
    check(&join(&changed), "702 records have the root").await;
}
