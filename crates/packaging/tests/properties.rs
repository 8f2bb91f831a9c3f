//! Laws that hold for every input: what is written is read again as the same, and the order of
//! tags.

use countermark_packaging::filename::WheelFilename;
use countermark_packaging::lock::requirements::edit::Document;
use countermark_packaging::marker::{Marker, MarkerEnvironment};
use countermark_packaging::requirement::Requirement;
use countermark_packaging::tags::{CompatibleTags, InterpreterTags, Tag, cpython_abis};
use countermark_packaging::version::VersionSpecifiers;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?"
}

fn specifiers() -> impl Strategy<Value = String> {
    let operator = select(vec!["==", "!=", "<=", ">=", "<", ">", "~=", "==="]);
    let version =
        "([0-9]!)?[0-9]{1,3}(\\.[0-9]{1,2}){1,3}(a[0-9]|rc[0-9])?(\\.post[0-9])?(\\.dev[0-9])?";
    let clause = (operator, version).prop_map(|(operator, version)| format!("{operator}{version}"));
    let star = (select(vec!["==", "!="]), "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}");
    let star = star.prop_map(|(operator, version)| format!("{operator} {version}.*"));
    vec(prop_oneof![clause, star], 0..4).prop_map(|clauses| clauses.join(" , "))
}

fn comparison() -> impl Strategy<Value = String> {
    let variable = select(vec![
        "python_version",
        "python_full_version",
        "os.name",
        "sys_platform",
        "platform_release",
        "python_implementation",
        "extra",
    ]);
    let operator = select(vec!["==", "!=", "<=", ">=", "<", ">", "in", "not in", "~=", "==="]);
    let literal = prop_oneof!["'[ -&(-Z^-~é]{0,8}'", "\"[ !#-Z^-~]{0,8}\"", "'[0-9]\\.[0-9]{1,2}'"];
    (variable, operator, literal, any::<bool>()).prop_map(|(variable, operator, literal, swap)| {
        let (left, right) =
            if swap { (literal, variable.to_owned()) } else { (variable.to_owned(), literal) };
        format!("{left} {operator} {right}")
    })
}

fn marker() -> impl Strategy<Value = String> {
    comparison().prop_recursive(4, 24, 3, |inner| {
        let joined = |word: &'static str| move |parts: Vec<String>| parts.join(word);
        prop_oneof![
            vec(inner.clone(), 1..3).prop_map(joined(" and ")),
            vec(inner.clone(), 1..3).prop_map(joined(" or ")),
            inner.prop_map(|marker| format!("({marker})")),
        ]
    })
}

fn requirement() -> impl Strategy<Value = String> {
    let extras = vec(name(), 0..3).prop_map(|extras| format!("[{}]", extras.join(", ")));
    let source = prop_oneof![
        specifiers(),
        specifiers().prop_map(|specifiers| format!("({specifiers})")),
        "@ ?https://h/[a-z0-9;=#&]{0,12} ",
    ];
    (name(), extras, source, proptest::option::of(marker())).prop_map(
        |(name, extras, source, marker)| {
            let marker = marker.map_or(String::new(), |marker| format!("; {marker}"));
            format!("{name}{extras} {source}{marker}")
        },
    )
}

proptest! {
    #[test]
    fn requirements_are_read_as_written(text in requirement()) {
        let first = Requirement::parse(&text).unwrap();
        prop_assert_eq!(Requirement::parse(&first.to_string()).unwrap(), first);
    }

    #[test]
    fn specifiers_are_read_as_written(text in specifiers()) {
        let first: VersionSpecifiers = text.parse().unwrap();
        prop_assert_eq!(first.to_string().parse::<VersionSpecifiers>().unwrap(), first);
    }

    #[test]
    fn markers_are_read_as_written_and_mean_the_same(text in marker()) {
        let environment = MarkerEnvironment {
            python_version: "3.11".to_owned(),
            python_full_version: "3.11.7".to_owned(),
            ..MarkerEnvironment::default()
        };
        let first = Marker::parse(&text).unwrap();
        let second = Marker::parse(&first.to_string()).unwrap();
        prop_assert_eq!(second.evaluate(&environment, &[]), first.evaluate(&environment, &[]));
        prop_assert_eq!(second, first);
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place_in_it(text in "\\PC{0,40}") {
        for span in [
            Requirement::parse(&text).err().map(|error| error.span),
            Marker::parse(&text).err().map(|error| error.span),
            text.parse::<VersionSpecifiers>().err().map(|error| error.span),
        ].into_iter().flatten() {
            prop_assert!(text.get(span).is_some());
        }
    }

    #[test]
    fn editing_nothing_changes_nothing(text in "[ -~\n\\\\#]{0,60}") {
        let document = Document::parse("f", text.as_bytes()).unwrap();
        prop_assert_eq!(document.with_digests(&[]), text.as_bytes());
    }
}

const PLATFORMS: [&str; 5] = [
    "linux_x86_64",
    "manylinux_2_36_x86_64",
    "manylinux_2_17_x86_64",
    "win_amd64",
    "macosx_11_0_arm64",
];

fn tags(minor: u32, platforms: &[&str]) -> CompatibleTags {
    InterpreterTags {
        implementation: "cp".to_owned(),
        version: (3, minor),
        abis: cpython_abis((3, minor), false, false),
        platforms: platforms.iter().map(ToString::to_string).collect(),
    }
    .compatible()
}

proptest! {
    /// A rank is the place in the list, no tag is there twice, and a wheel with several tags has
    /// the rank of its best one.
    #[test]
    fn a_wheel_has_the_rank_of_its_best_tag(
        minor in 8u32..15,
        platforms in subsequence(PLATFORMS.to_vec(), 1..=5),
        pythons in subsequence(vec!["cp312", "cp311", "cp38", "py3", "py2"], 1..=5),
        abis in subsequence(vec!["cp311", "abi3", "none"], 1..=3),
        ends in subsequence(vec!["any", "linux_x86_64", "manylinux_2_17_x86_64"], 1..=3),
    ) {
        let tags = tags(minor, &platforms);
        for (rank, tag) in (0..).zip(&tags) {
            prop_assert_eq!(tags.rank_of(tag), Some(rank));
        }
        let (pythons, abis, ends) = (pythons.join("."), abis.join("."), ends.join("."));
        let wheel = WheelFilename::parse(&format!("a-1-{pythons}-{abis}-{ends}.whl")).unwrap();
        let of_wheel = |tag: &&Tag| {
            wheel.python.contains(&tag.python)
                && wheel.abi.contains(&tag.abi)
                && wheel.platform.contains(&tag.platform)
        };
        let best = tags.iter().position(|tag| of_wheel(&tag));
        prop_assert_eq!(tags.rank(&wheel), best.map(|rank| u32::try_from(rank).unwrap()));
    }

    /// What else an interpreter supports does not change which of two wheels is better.
    #[test]
    fn the_order_does_not_depend_on_other_platforms(
        minor in 2u32..15,
        platforms in subsequence(PLATFORMS.to_vec(), 1..=5),
    ) {
        let all = tags(minor, &PLATFORMS);
        let some = tags(minor, &platforms);
        let kept = |tag: &&Tag| tag.platform == "any" || platforms.contains(&tag.platform.as_str());
        prop_assert!(all.iter().filter(kept).eq(some.iter()));
    }
}
