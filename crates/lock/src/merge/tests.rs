use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::tags::CompatibleTags;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::resolution::Resolved;

fn target(python: &str, sys: &str, machine: &str, implementation: &str) -> Target {
    let minor: Vec<&str> = python.split('.').take(2).collect();
    Target {
        label: format!("{implementation}-{python}-{sys}-{machine}"),
        markers: MarkerEnvironment {
            implementation_name: implementation.into(),
            implementation_version: python.into(),
            platform_machine: machine.into(),
            python_full_version: python.into(),
            python_version: minor.join("."),
            sys_platform: sys.into(),
            ..MarkerEnvironment::default()
        },
        tags: CompatibleTags::new([]),
        python: python.parse().unwrap(),
    }
}

fn resolution(pins: &[(&str, &str)]) -> Resolution {
    let mut resolution = Resolution::default();
    for (name, version) in pins {
        let resolved = Resolved {
            version: version.parse().unwrap(),
            source: ResolvedSource::Index("https://index.example.org/simple".into()),
            extras: Default::default(),
            usable: Vec::new(),
            all_files: Vec::new(),
            dependencies: Default::default(),
            via: Vec::new(),
            requires_python: None,
            yanked: None,
        };
        resolution.releases.insert(name.parse().unwrap(), resolved);
    }
    resolution
}

/// The marker of a release that stands on some of the targets.
fn marker(targets: &[Target], on: &[usize]) -> String {
    let resolutions: Vec<Resolution> = (0..targets.len())
        .map(|index| resolution(if on.contains(&index) { &[("a", "1")] } else { &[] }))
        .collect();
    let merged = merge(targets, &resolutions).unwrap();
    assert_eq!(merged[0].targets, on);
    merged[0].marker.as_ref().map_or_else(String::new, ToString::to_string)
}

fn grid() -> Vec<Target> {
    let mut targets = Vec::new();
    for python in ["3.10.0", "3.11.0", "3.12.0"] {
        targets.push(target(python, "linux", "x86_64", "cpython"));
        targets.push(target(python, "win32", "AMD64", "cpython"));
        targets.push(target(python, "darwin", "arm64", "cpython"));
    }
    targets
}

#[test]
fn markers_are_what_a_person_would_write() {
    let two = [
        target("3.12.0", "linux", "x86_64", "cpython"),
        target("3.12.0", "win32", "AMD64", "cpython"),
    ];
    assert_eq!(marker(&two, &[0, 1]), "");
    assert_eq!(marker(&two, &[1]), "sys_platform == \"win32\"");
    let check = |on: &[usize], expect: &str| assert_eq!(marker(&grid(), on), expect);
    check(&[0, 3, 6], "sys_platform == \"linux\"");
    check(&[0, 2, 3, 5, 6, 8], "sys_platform != \"win32\"");
    check(&[0, 1, 2], "python_version < \"3.11\"");
    check(&[3, 4, 5], "python_version == \"3.11\"");
    check(&[3, 4, 5, 6, 7, 8], "python_version >= \"3.11\"");
    check(&[1], "sys_platform == \"win32\" and python_version < \"3.11\"");
    check(&[0, 1, 2, 4, 7], "sys_platform == \"win32\" or python_version < \"3.11\"");
    let implementations = [
        target("3.11.0", "linux", "x86_64", "cpython"),
        target("3.11.0", "linux", "x86_64", "pypy"),
        target("3.11.0", "linux", "aarch64", "cpython"),
    ];
    assert_eq!(marker(&implementations, &[1]), "implementation_name == \"pypy\"");
    assert_eq!(marker(&implementations, &[0, 1]), "platform_machine == \"x86_64\"");
    let patches = [
        target("3.11.2", "linux", "x86_64", "cpython"),
        target("3.11.10", "linux", "x86_64", "cpython"),
    ];
    assert_eq!(marker(&patches, &[0]), "python_full_version < \"3.11.10\"");
}

#[test]
fn releases_are_listed_by_project_and_version() {
    let targets = grid();
    let mut resolutions = vec![resolution(&[("b", "1.10"), ("a", "1")]); 9];
    resolutions[1] = resolution(&[("b", "1.9"), ("a", "1")]);
    let merged = merge(&targets, &resolutions).unwrap();
    let lines: Vec<String> = merged
        .iter()
        .map(|m| {
            let marker = m.marker.as_ref().map_or_else(String::new, |m| format!("; {m}"));
            format!("{}=={}{marker}", m.project, m.version)
        })
        .collect();
    assert_eq!(
        lines,
        [
            "a==1",
            "b==1.9; sys_platform == \"win32\" and python_version < \"3.11\"",
            "b==1.10; sys_platform != \"win32\" or python_version >= \"3.11\"",
        ]
    );
}

#[test]
fn targets_that_no_marker_tells_apart_must_agree() {
    let mut targets = vec![target("3.12.0", "linux", "x86_64", "cpython"); 2];
    targets[0].label = "glibc".into();
    targets[1].label = "musl".into();
    let same = [resolution(&[("a", "1")]), resolution(&[("a", "1")])];
    assert_eq!(merge(&targets, &same).unwrap()[0].marker, None);
    let error = merge(&targets, &[resolution(&[("a", "1")]), resolution(&[])]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a is 1 on glibc and absent on musl, which no marker can tell apart"
    );
    assert_eq!(error.code(), "targets-inseparable");
    let many = vec![targets[0].clone(); MAXIMUM_TARGETS + 1];
    let none = vec![Resolution::default(); MAXIMUM_TARGETS + 1];
    assert_eq!(merge(&many, &none).unwrap_err().code(), "targets-too-many");
}

#[test]
fn an_environment_is_true_on_its_target_only() {
    let targets = grid();
    for (index, own) in targets.iter().enumerate() {
        let marker = environment(own).unwrap();
        for (other, target) in targets.iter().enumerate() {
            assert_eq!(marker.evaluate(&target.markers, &[]).unwrap(), index == other);
        }
    }
    assert_eq!(
        environment(&targets[0]).unwrap().to_string(),
        "sys_platform == \"linux\" and platform_machine == \"x86_64\" and \
         implementation_name == \"cpython\" and python_version == \"3.10\""
    );
}

fn any_target() -> impl Strategy<Value = Target> {
    (
        select(vec!["3.9.0", "3.10.1", "3.10.7", "3.12.0", "3.14.0"]),
        select(vec!["linux", "win32", "darwin"]),
        select(vec!["x86_64", "arm64", ""]),
        select(vec!["cpython", "pypy"]),
    )
        .prop_map(|(python, sys, machine, name)| target(python, sys, machine, name))
}

proptest! {
    #[test]
    fn a_marker_is_true_on_exactly_its_targets(
        targets in vec(any_target(), 1..10),
        on in vec(any::<bool>(), 10),
    ) {
        let resolutions: Vec<Resolution> = (0..targets.len())
            .map(|index| resolution(if on[index] { &[("a", "1")] } else { &[("a", "2")] }))
            .collect();
        let same = |left: &Target, right: &Target| left.markers == right.markers;
        match merge(&targets, &resolutions) {
            Ok(merged) => for entry in merged {
                for (index, target) in targets.iter().enumerate() {
                    let holds = entry.marker.as_ref().is_none_or(|marker| {
                        marker.evaluate(&target.markers, &[]).unwrap()
                    });
                    prop_assert_eq!(holds, entry.targets.contains(&index), "{:?}", entry);
                }
            },
            Err(_) => {
                let mut pairs = (0..targets.len())
                    .flat_map(|a| (0..targets.len()).map(move |b| (a, b)));
                prop_assert!(
                    pairs.any(|(a, b)| on[a] != on[b] && same(&targets[a], &targets[b]))
                );
            }
        }
    }
}
