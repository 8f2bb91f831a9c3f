//! Several targets.

use std::sync::atomic::AtomicBool;

use countermark_lock::merge::{merge, resolve_targets};
use countermark_lock::resolve::ResolveError;

use crate::world::{World, bare, release, target, wants};

fn world() -> World {
    World::new([
        release("new", "1.0"),
        release("new", "2.0").python(">=3.11"),
        release("app", "1.0").needs(&["color; sys_platform == 'win32'", "new"]),
        release("color", "1.0"),
        bare("native", "1.0").wheel("py3-none-any"),
        bare("native", "1.1").wheel("cp312-cp312-manylinux_2_17_x86_64"),
    ])
}

fn check(targets: &[(&str, &str)], wishes: &[&str], expect: &[&str]) {
    let targets: Vec<_> =
        targets.iter().map(|(python, platform)| target(python, platform)).collect();
    let never = AtomicBool::new(false);
    let found = resolve_targets(&wants(wishes), &targets, &world(), &never).unwrap();
    let merged = merge(&targets, &found).unwrap();
    let lines: Vec<String> = merged
        .iter()
        .map(|entry| {
            let marker = entry.marker.as_ref().map_or_else(String::new, |m| format!("; {m}"));
            format!("{}=={}{marker}", entry.project, entry.version)
        })
        .collect();
    assert_eq!(lines, expect);
}

#[test]
fn versions_agree_where_they_can() {
    let (old, linux, windows) = (
        ("3.10", "manylinux_2_28_x86_64"),
        ("3.12", "manylinux_2_28_x86_64"),
        ("3.12", "win_amd64"),
    );
    check(
        &[linux, windows],
        &["app"],
        &["app==1.0", "color==1.0; sys_platform == \"win32\"", "new==2.0"],
    );
    check(
        &[linux, old],
        &["new"],
        &["new==1.0; python_version < \"3.12\"", "new==2.0; python_version >= \"3.12\""],
    );
    // What was found for the first target does for the second one too.
    check(&[old, linux], &["new"], &["new==1.0"]);
    check(&[windows, linux], &["native"], &["native==1.0"]);
}

#[test]
fn the_target_that_fails_is_named() {
    let targets = [target("3.12", "manylinux_2_28_x86_64"), target("3.12", "win_amd64")];
    let never = AtomicBool::new(false);
    let error = resolve_targets(&wants(&["native>1"]), &targets, &world(), &never).unwrap_err();
    assert!(
        matches!(&error, ResolveError::NoSolution { target, .. } if target == "cp312-win_amd64")
    );
}
