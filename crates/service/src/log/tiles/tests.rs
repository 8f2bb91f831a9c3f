//! Paths and ranks; what every kind of store promises is in `tests/contract`.

use super::*;

#[test]
fn paths_are_those_of_the_specification() {
    let hashes = |level, index, width| TilePath { kind: Kind::Hashes(level), index, width };
    for (path, text) in [
        (hashes(0, 0, FULL), "tile/0/000"),
        (hashes(0, 999, FULL), "tile/0/999"),
        (hashes(1, 1000, FULL), "tile/1/x001/000"),
        (hashes(2, 1_234_067, FULL), "tile/2/x001/x234/067"),
        (hashes(63, 273, 112), "tile/63/273.p/112"),
        (TilePath { kind: Kind::Entries, index: 1000, width: 1 }, "tile/entries/x001/000.p/1"),
        (hashes(0, u64::MAX, FULL), "tile/0/x018/x446/x744/x073/x709/x551/615"),
    ] {
        assert_eq!(path.to_string(), text);
        assert_eq!(TilePath::parse(text), Some(path), "{text}");
    }
}

#[test]
fn what_is_no_path_is_not_read() {
    for text in [
        "",
        "checkpoint",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/x001/x000",
        "tile/0/001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/../000",
        "tile/0/000/",
        "tile/0/000.p",
        "/tile/0/000",
        "tile/data/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/xx01/000",
    ] {
        assert_eq!(TilePath::parse(text), None, "{text}");
    }
}

#[test]
fn a_rank_is_of_the_checkpoint_and_not_of_what_is_signed_below() {
    let note = "example.org/log\n7\nAAAA\ntime 12\n\n— example.org/log sig\ntime 99\n";
    assert_eq!(rank_of(note), Some(Rank { size: 7, time: 12 }));
    assert_eq!(rank_of("example.org/log\n7\nAAAA\n\n"), Some(Rank { size: 7, time: 0 }));
    assert_eq!(rank_of("torn"), None);
    assert!(Rank { size: 7, time: 12 } > Rank { size: 7, time: 11 });
    assert!(Rank { size: 8, time: 1 } > Rank { size: 7, time: 12 });
}
