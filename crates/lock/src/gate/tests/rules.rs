use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::rule::RULES;
use super::*;

#[track_caller]
fn check(case: &Case, expect: &[&str]) {
    assert_eq!(case.finds(), expect);
}

#[test]
fn a_good_lock_is_good() {
    check(&Case::good(), &[]);
    check(&Case::offline(), &[]);
    assert!(Case::good().judge().unchecked.is_empty());
    assert!(!Case::good().judge().is_undecided());
}

#[test]
fn codes_are_unique_and_kebab_case() {
    let codes: BTreeSet<&str> = RULES.iter().map(|rule| rule.code()).collect();
    assert_eq!(codes.len(), RULES.len());
    for code in &codes {
        assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
        assert!(countermark_trust::policy::rule::find(code).is_none(), "{code} is the policy's");
    }
}

#[test]
fn what_a_lock_lacks() {
    let without = |package: &mut LockPackage| {
        package.files.iter_mut().for_each(|file| file.digests.clear());
    };
    check(&Case::offline().entry(without), &["high no-digest"]);
    check(&Case::offline().entry(|it| it.files.clear()), &["high no-digest"]);
    let weak = |package: &mut LockPackage| {
        package.files[0].digests =
            vec![Digest::parse_hex(Algorithm::Md5, "9e107d9d372bb6826bd81d3542a419d6").unwrap()];
    };
    check(&Case::offline().entry(weak), &["high weak-digest"]);
    // A weak one beside a strong one says no less.
    let both = |package: &mut LockPackage| {
        let weak = Digest::parse_hex(Algorithm::Md5, "9e107d9d372bb6826bd81d3542a419d6").unwrap();
        package.files[0].digests.push(weak);
    };
    check(&Case::offline().entry(both), &[]);
    check(&Case::offline().entry(|it| it.files[1].digests.clear()), &["high file-without-digest"]);
    let unpinned = |package: &mut LockPackage| package.version = None;
    check(&Case::offline().entry(unpinned), &["high not-pinned"]);
    check(
        &Case::offline().entry(|it| {
            unpinned(it);
            without(it);
        }),
        &["high not-pinned"],
    );
}

#[test]
fn where_a_lock_points() {
    let at = |source: LockSource| {
        Case::offline().entry(|package| {
            package.source = source;
            package.files.clear();
        })
    };
    let vcs = |commit: Option<&str>| {
        let url = "https://code.example.org/teapot".to_owned();
        at(LockSource::Vcs { url, commit: commit.map(str::to_owned) })
    };
    check(&vcs(None), &["high branch-source"]);
    check(&vcs(Some("main")), &["high branch-source"]);
    check(&vcs(Some("1f3870b")), &["high branch-source"]);
    check(&vcs(Some(&"1f".repeat(20))), &["medium vcs-source"]);
    let folder = |path: &str| at(LockSource::Directory { path: path.to_owned(), editable: true });
    check(&folder("."), &[]);
    check(&folder("packages/teapot"), &[]);
    check(&folder("../teapot"), &["medium outside-directory"]);
    check(&folder("/srv/teapot"), &["medium outside-directory"]);
    let url = |url: &str| {
        Case::offline().entry(|package| {
            package.source = LockSource::Url(url.to_owned());
            package.files.truncate(1);
        })
    };
    check(
        &url("https://elsewhere.example.org/teapot-1.2-py3-none-any.whl"),
        &["medium direct-url"],
    );
    check(&url("https://index.example.org/teapot-1.2-py3-none-any.whl"), &[]);
    let path = |path: &str| at(LockSource::Path(path.to_owned()));
    check(&path("wheels/teapot-1.2-py3-none-any.whl"), &["medium no-digest"]);
    check(&path("../teapot-1.2-py3-none-any.whl"), &["high no-digest", "medium outside-directory"]);
    let index = |index: Option<&str>| {
        Case::offline().entry(|package| {
            package.source = LockSource::Index(index.map(str::to_owned));
        })
    };
    check(&index(None), &[]);
    check(&index(Some("https://INDEX.example.org/simple")), &[]);
    check(&index(Some("internal")), &[]);
    check(&index(Some(OTHER)), &["medium unknown-index"]);
    let bound = format!("[policy.indexes]\n\"*\" = [\"{OTHER}\"]\n");
    check(&index(Some(OTHER)).policy(&bound), &[]);
    check(&index(Some(INDEX)).policy(&bound), &["high indexes"]);
    let mut named = index(None);
    named.locks[0].indexes = vec![OTHER.to_owned()];
    check(&named, &["medium unknown-index"]);
    named.locks[0].indexes = vec![INDEX.to_owned()];
    check(&named, &[]);
}

#[test]
fn hosts_of_files() {
    let moved = |package: &mut LockPackage| {
        package.files[0].url =
            Some("https://evil.example.net/teapot-1.2-py3-none-any.whl".to_owned());
    };
    check(&Case::good().entry(moved), &["high foreign-host"]);
    // Offline there is nothing to hold it against in a lock of one entry …
    check(&Case::offline().entry(moved), &[]);
    // … and there is in a lock of many.
    let mut many = Case::offline().entry(moved);
    many.locks[0].packages.extend((0..20).map(|number| package(&format!("cup{number}"), "1.0")));
    check(&many, &["high foreign-host"]);
    many.locks[0].packages.truncate(9);
    check(&many, &[]);
    // The index's own host, and where the policy says, are fine.
    let own = |package: &mut LockPackage| {
        package.files[0].url = Some(format!("{INDEX}teapot/teapot-1.2-py3-none-any.whl"));
    };
    check(&Case::good().entry(own), &[]);
}

#[test]
fn names_of_files() {
    let named = |name: &str| {
        let file = file(name, 1);
        Case::offline().entry(|package| package.files[0] = file)
    };
    check(&named("teapot-1.1-py3-none-any.whl"), &["high foreign-file"]);
    check(&named("teacup-1.2-py3-none-any.whl"), &["high foreign-file"]);
    check(&named("Teapot-1.2.0-py3-none-any.whl"), &[]);
    check(&named("teapot-1.2.zip"), &[]);
    // What follows no specification says nothing.
    check(&named("teapot.exe"), &[]);
}

#[test]
fn the_index_disagrees() {
    let other = |page: &mut IndexFacts| page.files[0].digests = vec![digest(99)];
    check(&Case::good().page(other), &["high digest-differs"]);
    let report = Case::good().page(other).judge();
    let finding = &report.findings[0];
    assert_eq!(finding.kind, Kind::Disagreement);
    assert_eq!(finding.expected, format!("{} (the lock)", digest(1)));
    assert_eq!(finding.found, format!("{} ({INDEX})", digest(99)));
    assert_eq!(finding.place.line, 11);
    check(&Case::good().page(|page| drop(page.files.remove(0))), &["medium file-removed"]);
    check(&Case::good().page(|page| page.files.clear()), &["high release-removed"]);
    let mut gone = Case::good();
    gone.pages(Vec::clear);
    check(&gone, &["high project-gone"]);
    let mut size = Case::good();
    size.pages(|pages| pages[0].files[0].size = Some(999));
    check(&size, &["low size-differs"]);
    // An index without digests of this kind says neither yes nor no.
    let silent = Case::good().page(|page| page.files.iter_mut().for_each(|it| it.digests.clear()));
    check(&silent, &[]);
    let unchecked = silent.judge().unchecked;
    assert_eq!(unchecked.len(), 2);
    assert!(unchecked.iter().all(|one| one.what == "digest-differs" && !one.is_asked_for));
}

#[test]
fn digests_without_names() {
    let nameless = |digests: Vec<Digest>| {
        let mut case = Case::good().entry(|package| {
            package.files =
                vec![FileEntry { name: None, url: None, size: None, digests, ..file("x", 5) }];
        });
        case.locks[0].format = LockFormat::Requirements;
        case
    };
    check(&nameless(vec![digest(1)]), &[]);
    check(&nameless(vec![digest(1), digest(2)]), &[]);
    check(&nameless(vec![digest(99)]), &["high digest-differs"]);
    check(&nameless(vec![digest(1), digest(99)]), &["medium unknown-digest"]);
    let mut removed = nameless(vec![digest(1)]);
    removed.pages(|pages| pages[0].files.clear());
    check(&removed, &["high release-removed"]);
}

#[test]
fn what_the_index_thinks_of_it() {
    let yanked = |page: &mut IndexFacts| page.files[0].yanked = Some("it leaks".to_owned());
    check(&Case::good().page(yanked), &["low yanked-release"]);
    let refuse = "[policy]\nyanked = \"refuse\"\n";
    check(&Case::good().page(yanked).policy(refuse), &["medium yanked"]);
    check(&Case::good().policy(refuse), &[]);
    let quarantined = |page: &mut IndexFacts| {
        page.status = quarantine();
        page.files.clear();
    };
    check(&Case::good().page(quarantined), &["high quarantined"]);
    let allowed = "[policy]\nquarantined = \"allow\"\n";
    check(&Case::good().page(quarantined).policy(allowed), &["high project-status"]);
    let archived = |page: &mut IndexFacts| page.status.marker = StatusMarker::Archived;
    check(&Case::good().page(archived), &["note project-status"]);
    let refuse = "[policy]\narchived = \"refuse\"\n";
    check(&Case::good().page(archived).policy(refuse), &["medium archived"]);
}

#[test]
fn the_policy_says_no() {
    let young = |page: &mut IndexFacts| {
        page.files[0].uploaded = Some("2026-05-31T12:00:00Z".parse().unwrap());
    };
    let policy = "[policy]\nminimum-age = \"7 days\"\n";
    check(&Case::good().policy(policy), &[]);
    let case = Case::good().page(young).policy(policy);
    check(&case, &["medium minimum-age"]);
    assert!(case.judge().findings[0].allow.contains("rule = \"minimum-age\""));
    // An exception with a reason and a date lets it pass, and is told.
    let excepted = format!(
        "{policy}allow = [{{ rule = \"minimum-age\", project = \"teapot\", because = \"urgent\", until = 2026-07-01 }}]\n"
    );
    let case = Case::good().page(young).policy(&excepted);
    check(&case, &[]);
    assert_eq!(case.judge().let_pass[0].1, "urgent, until 2026-07-01");
    // Without a time nothing is known of the age.
    let silent = Case::good().page(|page| page.files[0].uploaded = None).policy(policy).judge();
    assert!(silent.findings.is_empty() && silent.is_undecided());
    assert_eq!(silent.unchecked[0].what, "minimum-age");
    // Offline that was nobody's wish to know; a lock that says the time is believed then.
    let offline = Case::offline().policy(policy).judge();
    assert!(offline.findings.is_empty() && !offline.is_undecided());
    assert!(offline.unchecked.iter().any(|one| one.what == "minimum-age"));
    let timed = |package: &mut LockPackage| {
        for file in &mut package.files {
            file.uploaded = Some("2026-05-31T12:00:00Z".to_owned());
        }
    };
    check(&Case::offline().entry(timed).policy(policy), &["medium minimum-age"]);
    let sources = "[policy]\nsource-packages = \"refuse\"\n";
    check(&Case::offline().policy(sources), &[]);
    let only_source = |package: &mut LockPackage| drop(package.files.remove(0));
    check(&Case::offline().entry(only_source).policy(sources), &["medium source-packages"]);
    let mut two = Case::good().policy("[policy]\ntwo-indexes = \"refuse\"\n");
    check(&two, &[]);
    two.pages(|pages| pages.push(IndexFacts { index: OTHER.to_owned(), ..IndexFacts::default() }));
    check(&two, &["high two-indexes"]);
}

#[test]
fn files_that_came_later() {
    let late = |page: &mut IndexFacts| {
        let mut file = page.files[0].clone();
        file.name = "teapot-1.2-cp315-cp315-linux_x86_64.whl".to_owned();
        file.uploaded = Some("2026-05-01T00:00:00Z".parse().unwrap());
        page.files.push(file);
    };
    let case = Case::good().page(late);
    check(&case, &["note new-files"]);
    assert!(case.judge().findings[0].found.contains("cp315"));
    // Of one upload, those for other platforms and versions of Python are left out by many writers.
    let mut subset = Case::good().page(late);
    subset.pages(|pages| pages[0].files[2].uploaded = pages[0].files[0].uploaded);
    check(&subset, &[]);
    // Without times, a format that lists all files lacks some.
    let mut timeless = Case::good().page(late);
    timeless.pages(|pages| pages[0].files.iter_mut().for_each(|file| file.uploaded = None));
    check(&timeless, &[]);
    timeless.locks[0].format = LockFormat::Poetry;
    check(&timeless, &["note new-files"]);
}

#[test]
fn two_digests_for_one_file() {
    let twice = |package: &mut LockPackage| {
        let mut file = package.files[0].clone();
        file.digests = vec![digest(99)];
        package.files.push(file);
    };
    check(&Case::offline().entry(twice), &["high contradicting-digests"]);
    check(&Case::good().entry(twice), &["high contradicting-digests"]);
    // In two locks that are judged together.
    let mut two = Case::offline();
    let mut other = two.locks[0].clone();
    other.file = "requirements.txt".to_owned();
    other.packages[0].files[0].digests = vec![digest(99)];
    two.locks.push(other);
    check(&two, &["high contradicting-digests", "high contradicting-digests"]);
    // Of different indexes: somebody builds wheels of their own.
    two.locks[1].packages[0].source = LockSource::Index(Some(OTHER.to_owned()));
    two.indexes.push(OTHER.to_owned());
    check(&two, &["low private-rebuild", "low private-rebuild"]);
}

#[test]
fn a_writers_defect_is_no_attack() {
    let one_name = |package: &mut LockPackage| {
        let name = package.files[0].name.clone();
        for (number, file) in package.files.iter_mut().enumerate() {
            file.name.clone_from(&name);
            file.url = None;
            file.digests = vec![digest(1 + u8::try_from(number).unwrap())];
        }
    };
    // The index has a file for each digest.
    check(&Case::good().entry(one_name), &["low one-name"]);
    assert_eq!(Case::good().entry(one_name).judge().findings[0].kind, Kind::Defect);
    // One digest is of no file: somebody added it.
    let added = Case::good().entry(|package| {
        one_name(package);
        package.files[1].digests = vec![digest(99)];
    });
    check(&added, &["high contradicting-digests"]);
    // Offline, one such entry may be somebody's hand; a lock full of them is a writer's habit.
    check(&Case::offline().entry(one_name), &["high contradicting-digests"]);
    let mut habit = Case::offline().entry(one_name);
    for name in ["cup", "jug", "sieve"] {
        let mut package = package(name, "1.0");
        one_name(&mut package);
        habit.locks[0].packages.push(package);
    }
    check(&habit, &["low one-name"; 4]);
    // A fixture's digest fits no file, so it lets nothing in.
    let typed = |package: &mut LockPackage| {
        package.files[0].digests =
            vec![Digest::parse_hex(Algorithm::Sha256, &"0".repeat(64)).unwrap()];
    };
    check(&Case::offline().entry(typed), &["low made-up-digest"]);
    check(&Case::good().entry(typed), &["low made-up-digest"]);
    // Own builds of another index.
    let mut rebuilt = Case::good();
    rebuilt.pages(|pages| {
        let mut other = pages[0].clone();
        other.index = OTHER.to_owned();
        other.files[0].digests = vec![digest(99)];
        pages.push(other);
    });
    check(&rebuilt, &["low private-rebuild"]);
}

#[test]
fn the_same_release_with_other_bytes() {
    let before = |case: Case, change: fn(&mut LockPackage)| {
        let mut base = case.locks[0].clone();
        change(&mut base.packages[0]);
        Case { base: Some(base), ..case }
    };
    check(&before(Case::offline(), |_| {}), &[]);
    let changed = before(Case::offline(), |it| it.files[0].digests = vec![digest(77)]);
    check(&changed, &["high digest-changed"]);
    check(&before(Case::good(), |it| drop(it.files.remove(0))), &["note set-grew"]);
    // Another release has other bytes.
    let moved = before(Case::offline(), |it| {
        it.version = Some("1.1".parse().unwrap());
        it.files = vec![file("teapot-1.1-py3-none-any.whl", 77)];
    });
    check(&moved, &[]);
    // A made-up digest that became a real one is no change of bytes.
    let filled_in = before(Case::offline(), |it| {
        it.files[0].digests = vec![Digest::parse_hex(Algorithm::Sha256, &"0".repeat(64)).unwrap()];
    });
    check(&filled_in, &[]);
}

#[test]
fn nobody_is_asked_for_an_index_that_a_lock_names() {
    let other = Case::good().entry(|it| it.source = LockSource::Index(Some(OTHER.to_owned())));
    check(&other, &["medium unknown-index"]);
    // That the configured index does not have it says nothing then.
    let mut gone = other;
    gone.pages(Vec::clear);
    check(&gone, &["medium unknown-index"]);
    assert!(gone.judge().unchecked.iter().any(|one| one.why.contains("was not asked")));
    assert!(!gone.judge().is_undecided());
}

#[test]
fn an_index_for_some_names_only_is_known_and_was_not_asked() {
    let mut case = Case::good().entry(|it| it.source = LockSource::Index(Some(OTHER.to_owned())));
    case.indexes.push(OTHER.to_owned());
    case.asked = Some(vec![INDEX.to_owned()]);
    case.pages(Vec::clear);
    // The other index, which was asked, need not have it.
    check(&case, &[]);
    assert!(case.judge().unchecked.iter().any(|one| one.why == format!("{OTHER} was not asked")));
    // When it is asked, it must.
    case.asked = None;
    check(&case, &["high project-gone"]);
}

#[test]
fn an_index_that_does_not_answer_is_neither_good_nor_bad() {
    let mut down = Case::good();
    let reason = "cannot ask it".to_owned();
    let project = ProjectName::parse("teapot").unwrap();
    down.facts = Some(Facts::from([(project, ProjectFacts::Unavailable { reason })]));
    check(&down, &[]);
    let report = down.judge();
    assert!(report.is_undecided());
    assert_eq!(report.unchecked[0].why, "cannot ask it");
    let offline = Case::offline().judge();
    assert!(!offline.is_undecided());
    assert_eq!(offline.unchecked[0].why, "no index was asked");
}

#[test]
fn a_fixture_is_no_attack() {
    let at = |path: &str| {
        let mut case = Case::good().page(|page| page.files[0].digests = vec![digest(99)]);
        case.locks[0].file = path.to_owned();
        for package in &mut case.locks[0].packages {
            package.place.file = path.to_owned();
            package.files.iter_mut().for_each(|file| file.place.file = path.to_owned());
        }
        case
    };
    check(&at("tests/fixtures/uv.lock"), &["low digest-differs"]);
    let finding = &at("tests/fixtures/uv.lock").judge().findings[0];
    assert_eq!(finding.kind, Kind::Defect);
    assert!(finding.hint.contains("fixture"));
    // Tests have locks that are installed, and a file may be called anything.
    for path in ["tests/uv.lock", "fixtures", "my-fixtures/uv.lock"] {
        check(&at(path), &["high digest-differs"]);
    }
    // What a lock lacks it lacks anywhere.
    let lacking = at("fixtures/uv.lock").entry(|package| package.files.clear());
    check(&lacking, &["high no-digest"]);
}

proptest! {
    /// Whatever the digest is replaced by: the index has another one, so it is found.
    #[test]
    fn no_other_digest_passes(seed in 3_u8..=255) {
        let case = Case::good().entry(|package| package.files[0].digests = vec![digest(seed)]);
        prop_assert_eq!(case.finds(), ["high digest-differs"]);
    }
}

#[test]
fn a_name_that_is_listed_again() {
    // Between two digests of one kind stands one of another kind: they contradict each other still.
    let wide = || {
        let bytes: Vec<u8> = (0..64_u8).map(|at| at.wrapping_mul(37) ^ (at >> 2)).collect();
        Digest::new(Algorithm::Sha512, &bytes).unwrap()
    };
    let case = Case::good().entry(|package| {
        let name = package.files[0].name.clone();
        package.files.truncate(1);
        package.files[0].digests.push(wide());
        let mut evil = file("x", 77);
        evil.name.clone_from(&name);
        let mut again = package.files[0].clone();
        again.digests = vec![wide()];
        package.files.extend([evil, again]);
    });
    assert!(case.finds().contains(&"high contradicting-digests".to_owned()), "{:?}", case.finds());
    // A second address without a digest is not covered by that of the first.
    let case = Case::good().entry(|package| {
        let mut again = package.files[0].clone();
        again.digests.clear();
        package.files.push(again);
    });
    assert_eq!(case.finds(), ["high file-without-digest"]);
}

#[test]
fn addresses_in_disguise() {
    let source = |index: &str| {
        let index = index.to_owned();
        Case::offline().entry(|package| package.source = LockSource::Index(Some(index)))
    };
    assert_eq!(source("https:/elsewhere.example.net/simple").finds(), ["medium unknown-index"]);
    assert_eq!(source("internal").finds(), Vec::<String>::new());
    let local = Case::offline().entry(|package| {
        package.source = LockSource::Index(Some("https://index.example.org/simple".to_owned()));
        package.files[0].url = Some("file:///tmp/teapot.whl".to_owned());
    });
    assert!(local.finds().contains(&"high foreign-host".to_owned()), "{:?}", local.finds());
    let outside = Case::offline().entry(|package| {
        package.source = LockSource::Path("../teapot-1.2-py3-none-any.whl".to_owned());
    });
    assert_eq!(outside.finds(), ["medium outside-directory"]);
}

#[test]
fn a_digest_that_cannot_be_compared_is_not_passed_over() {
    let case = |algorithm: Option<Algorithm>| {
        Case::good().entry(|package| {
            for file in &mut package.files {
                (file.name, file.url) = (None, None);
            }
            if let Some(algorithm) = algorithm {
                let bytes: Vec<u8> = (0..algorithm.byte_len())
                    .map(|at| u8::try_from(at * 37 % 251).unwrap())
                    .collect();
                let digest = Digest::new(algorithm, &bytes).unwrap();
                let mut added = package.files[0].clone();
                added.digests = vec![digest];
                package.files.push(added);
            }
        })
    };
    assert!(!case(None).judge().is_undecided());
    assert!(case(Some(Algorithm::Sha512)).judge().is_undecided());
}
