//! Wheels that are copies of their source distribution, and one file more.

use proptest::prelude::*;

use super::scenario::Release;

fn names() -> impl Strategy<Value = Vec<String>> {
    let name = "(src/)?tea/[a-d]{1,2}(/[a-d]{1,2}){0,2}\\.(py|txt|json|pyi)";
    prop::collection::btree_set(name, 1..12).prop_map(|names| names.into_iter().collect())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    "[a-z =\\n]{1,40}".prop_map(String::into_bytes)
}

/// A release whose wheel has everything below one folder of the source distribution.
fn copy(names: &[String], texts: &[Vec<u8>], root: &str) -> Release {
    let mut release = Release::new();
    let mut seen = std::collections::BTreeSet::new();
    for (name, text) in names.iter().zip(texts) {
        let inner = name.trim_start_matches("src/");
        if seen.insert(inner.to_owned()) {
            release = release.both(&format!("{root}{inner}"), inner, text);
        }
    }
    release
}

proptest! {
    #[test]
    fn a_copy_is_covered(
        names in names(),
        texts in prop::collection::vec(bytes(), 12),
        root in prop::sample::select(vec!["", "src/"]),
    ) {
        let found = copy(&names, &texts, root).relate();
        prop_assert!(found.relation.covers(), "{:?}", found.relation.unexplained);
    }

    #[test]
    fn a_file_more_is_one_too_many(
        names in names(),
        texts in prop::collection::vec(bytes(), 12),
        more in "(tea/|more/|tea-1.0.data/(scripts|data|headers|purelib)/|other-1.0.dist-info/)?[x-z]{1,3}\\.(py|pth|txt|json|pyc|sh|h)",
        text in bytes(),
    ) {
        let found = copy(&names, &texts, "src/").wheel(&more, &text).relate();
        prop_assert_eq!(found.relation.unexplained.len(), 1, "{:?}", found.relation.unexplained);
    }

    #[test]
    fn other_bytes_are_told(
        names in names(),
        texts in prop::collection::vec(bytes(), 12),
        which in any::<prop::sample::Index>(),
    ) {
        let mut release = copy(&names, &texts, "");
        let paths: Vec<String> = release.wheel.keys().filter(|it| it.starts_with("tea/")).cloned().collect();
        let path = which.get(&paths);
        release.wheel.get_mut(path).unwrap().extend_from_slice(b"\nimport evil\n");
        let found = release.relate().relation.unexplained;
        prop_assert_eq!(found, [format!("changed {path}")]);
    }
}
