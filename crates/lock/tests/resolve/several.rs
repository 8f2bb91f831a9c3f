//! Several targets.

use std::sync::atomic::AtomicBool;

use countermark_lock::merge::{merge, resolve_targets};
use countermark_lock::request::{Agreement, OldPin, Request};
use countermark_lock::resolve::ResolveError;
use countermark_packaging::marker::Marker;

use crate::world::{World, bare, project, release, target, version, wants};

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
    check_request(targets, &wants(wishes), expect);
}

fn check_request(targets: &[(&str, &str)], request: &Request, expect: &[&str]) {
    let targets: Vec<_> =
        targets.iter().map(|(python, platform)| target(python, platform)).collect();
    let never = AtomicBool::new(false);
    let found = resolve_targets(request, &targets, &world(), &never).unwrap();
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

const OLD: (&str, &str) = ("3.10", "manylinux_2_28_x86_64");
const LINUX: (&str, &str) = ("3.12", "manylinux_2_28_x86_64");
const WINDOWS: (&str, &str) = ("3.12", "win_amd64");
const APART: [&str; 2] =
    ["new==1.0; python_version < \"3.12\"", "new==2.0; python_version >= \"3.12\""];

#[test]
fn versions_agree_on_the_platforms_of_one_python() {
    let app = ["app==1.0", "color==1.0; sys_platform == \"win32\"", "new==2.0"];
    check(&[LINUX, WINDOWS], &["app"], &app);
    // What was found for the first target does for the second one too.
    check(&[WINDOWS, LINUX], &["native"], &["native==1.0"]);
}

#[test]
fn an_old_python_does_not_hold_back_a_new_one() {
    check(&[LINUX, OLD], &["new"], &APART);
    check(&[OLD, LINUX], &["new"], &APART);
    let everywhere = Request { agreement: Agreement::Everywhere, ..wants(&["new"]) };
    check_request(&[OLD, LINUX], &everywhere, &["new==1.0"]);
    // The first target has the first word.
    check_request(&[LINUX, OLD], &everywhere, &APART);
}

#[test]
fn pins_that_are_there_stay_where_they_stood() {
    let pin = |version_text: &str, marker: Option<&str>| OldPin {
        project: project("new"),
        version: version(version_text),
        marker: marker.map(|text| Marker::parse(text).unwrap()),
    };
    let with = |pins: &[OldPin]| Request { pins: pins.to_vec(), ..wants(&["new"]) };
    // The lowest stands first in a lock, and is not for everybody.
    let apart =
        [pin("1.0", Some("python_version < '3.12'")), pin("2.0", Some("python_version >= '3.12'"))];
    check_request(&[OLD, LINUX], &with(&apart), &APART);
    let only_old = with(&apart[..1]);
    check_request(&[OLD, LINUX], &only_old, &["new==1.0"]);
    check_request(&[LINUX], &with(&[pin("1.0", None)]), &["new==1.0"]);
    // What does not do any more holds nobody back.
    check_request(&[OLD, LINUX], &with(&[pin("2.0", None)]), &APART);
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
