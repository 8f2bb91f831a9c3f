//! Compares this crate with the `packaging` library.
//!
//! Usage: `oracle EXPECTED EXCEPTIONS`, where EXPECTED is what `.ci/oracle/generate.py` has
//! written and EXCEPTIONS is `.ci/oracle/exceptions.xfails`. Prints each difference that no
//! exception covers. Exits 1 when there is one, or an exception that covers nothing; 2 when the
//! files cannot be used.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use countermark_packaging::filename::{SdistFilename, WheelFilename};
use countermark_packaging::marker::{Marker, MarkerEnvironment};
use countermark_packaging::metadata::CoreMetadata;
use countermark_packaging::name::{ExtraName, ProjectName};
use countermark_packaging::requirement::{Requirement, VersionOrUrl};
use countermark_packaging::tags::{
    InterpreterTags, Libc, Tag, linux_platforms, macos_platforms, windows_platforms,
};
use countermark_packaging::version::{Version, VersionSpecifiers};
use serde_json::{Value, json};

mod exceptions;
mod files;

use exceptions::Exceptions;

/// How many differences are printed in full.
const SHOWN: usize = 100;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a program, unlike the library, reads files")]
fn run() -> Result<bool, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [expected, exceptions] = arguments.as_slice() else {
        return Err("usage: oracle EXPECTED EXCEPTIONS".to_owned());
    };
    let read =
        |path: &String| std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let mut exceptions = Exceptions::parse(&read(exceptions)?)?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut differences = 0;
    for (number, line) in (1..).zip(read(expected)?.lines()) {
        let case: Value =
            serde_json::from_str(line).map_err(|error| format!("line {number}: {error}"))?;
        let kind = text(&case, "kind").to_owned();
        *counts.entry(kind.clone()).or_default() += 1;
        if kind == "about" {
            println!("oracle: {}", text(&case, "input"));
            continue;
        }
        let found = answer(&case).ok_or_else(|| format!("line {number}: unknown `{kind}`"))?;
        if found == normal_expectation(&case) || exceptions.covers(&case, &found) {
            continue;
        }
        differences += 1;
        if differences <= SHOWN {
            println!("difference in {line}\n  ours: {found}");
        }
    }
    for (kind, count) in counts.iter().filter(|(kind, _)| *kind != "about") {
        println!("{kind}: {count}");
    }
    for (name, count) in exceptions.counts() {
        println!("exception {name}: {count}");
    }
    let unused = exceptions.unused();
    for name in &unused {
        println!("exception {name} covers nothing");
    }
    println!(
        "{} cases, {differences} differences",
        counts.values().sum::<usize>() - counts.get("about").unwrap_or(&0)
    );
    Ok(differences == 0 && unused.is_empty())
}

/// A string of a case; empty when it is not there.
fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_default()
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What `packaging` says. A marker is compared as a tree, so it is read and written again here.
fn normal_expectation(case: &Value) -> Value {
    let mut expect = case["expect"].clone();
    if expect["marker"].is_string() {
        expect["marker"] = json!(normal_marker(text(&expect, "marker")));
    }
    if let Some(requires) = expect.get_mut("requires").and_then(Value::as_array_mut) {
        for requirement in requires.iter_mut().filter(|r| r["marker"].is_string()) {
            requirement["marker"] = json!(normal_marker(text(requirement, "marker")));
        }
    }
    expect
}

fn normal_marker(marker: &str) -> String {
    Marker::parse(marker).map_or_else(|error| error.to_string(), |marker| marker.to_string())
}

/// What this crate says, in the form of the oracle.
fn answer(case: &Value) -> Option<Value> {
    let input = text(case, "input");
    Some(match text(case, "kind") {
        "version" => json!(input.parse::<Version>().ok().map(|version| version.to_string())),
        "order" => {
            let versions = (input.parse::<Version>(), text(case, "other").parse::<Version>());
            let (Ok(left), Ok(right)) = versions else { return Some(json!("refused")) };
            json!(left.cmp(&right) as i8)
        }
        "specifiers" => {
            json!(input.parse::<VersionSpecifiers>().ok().map(|s| specifier_list(&s)))
        }
        "contains" => {
            let version = text(case, "other").parse::<Version>();
            match (input.parse::<VersionSpecifiers>(), version) {
                (Ok(specifiers), Ok(version)) => json!(specifiers.contains(&version)),
                _ => json!("refused"),
            }
        }
        "requirement" => json!(Requirement::parse(input).ok().map(|r| requirement(&r))),
        "marker" => marker(case),
        "lock-marker" => lock_marker(case),
        "wheel" => json!(WheelFilename::parse(input).ok().map(|wheel| wheel_filename(&wheel))),
        "sdist" => json!(SdistFilename::parse(input).ok().map(
            |sdist| json!({"name": sdist.name.as_str(), "version": sdist.version.to_string()})
        )),
        "name" => json!(ProjectName::parse(input).ok().map(|name| name.to_string())),
        "platforms" => json!(platforms(&case["platform"])),
        "tags" => json!(tags(case)),
        "metadata" => metadata(input),
        "file" => files::answer(case),
        _ => return None,
    })
}

fn specifier_list(specifiers: &VersionSpecifiers) -> Vec<String> {
    let list: BTreeSet<String> = specifiers.iter().map(ToString::to_string).collect();
    list.into_iter().collect()
}

fn requirement(requirement: &Requirement) -> Value {
    let (specifiers, url) = match &requirement.source {
        VersionOrUrl::Specifiers(specifiers) => (specifier_list(specifiers), None),
        VersionOrUrl::Url(url) => (Vec::new(), Some(url)),
    };
    json!({
        "name": requirement.name.as_str(),
        "extras": requirement.extras.iter().map(ExtraName::as_str).collect::<Vec<_>>(),
        "specifiers": specifiers,
        "url": url,
        "marker": requirement.marker.as_ref().map(ToString::to_string),
    })
}

fn environment(case: &Value) -> MarkerEnvironment {
    let value = |key| text(&case["environment"], key).to_owned();
    MarkerEnvironment {
        implementation_name: value("implementation_name"),
        implementation_version: value("implementation_version"),
        os_name: value("os_name"),
        platform_machine: value("platform_machine"),
        platform_python_implementation: value("platform_python_implementation"),
        platform_release: value("platform_release"),
        platform_system: value("platform_system"),
        platform_version: value("platform_version"),
        python_full_version: value("python_full_version"),
        python_version: value("python_version"),
        sys_platform: value("sys_platform"),
    }
}

fn marker(case: &Value) -> Value {
    let Ok(marker) = Marker::parse(text(case, "input")) else { return json!("invalid") };
    let extras: Vec<ExtraName> = ExtraName::parse(text(case, "extra")).into_iter().collect();
    marker.evaluate(&environment(case), &extras).map_or(json!("undefined"), |holds| json!(holds))
}

fn lock_marker(case: &Value) -> Value {
    let Ok(marker) = Marker::parse(text(case, "input")) else { return json!("invalid") };
    let extras = strings(&case["extras"]);
    let extras = extras.iter().filter_map(|extra| ExtraName::parse(extra).ok()).collect();
    let groups = strings(&case["groups"]).into_iter().collect();
    let found = marker.evaluate_in_lock(&environment(case), &extras, &groups);
    found.map_or(json!("undefined"), |holds| json!(holds))
}

fn wheel_filename(wheel: &WheelFilename) -> Value {
    let mut tags = BTreeSet::new();
    for python in &wheel.python {
        for abi in &wheel.abi {
            for platform in &wheel.platform {
                tags.insert(Tag::new(python, abi, platform).to_string());
            }
        }
    }
    let build = wheel.build.as_ref().map_or(json!([]), |(number, rest)| json!([number, rest]));
    json!({
        "name": wheel.name.as_str(),
        "version": wheel.version.to_string(),
        "build": build,
        "tags": tags,
    })
}

fn platforms(platform: &Value) -> Vec<String> {
    let number = |index: usize| {
        platform["version"][index].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
    };
    let (architecture, version) = (text(platform, "arch"), (number(0), number(1)));
    match text(platform, "system") {
        "glibc" => linux_platforms(architecture, Libc::Glibc(version.0, version.1)),
        "musl" => linux_platforms(architecture, Libc::Musl(version.0, version.1)),
        "macos" => macos_platforms(version, architecture),
        _ => windows_platforms(architecture),
    }
}

fn tags(case: &Value) -> Vec<String> {
    let number = |index: usize| {
        case["version"][index].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
    };
    let platforms = match case.get("platforms") {
        Some(given) => strings(given),
        None => platforms(&case["platform"]),
    };
    let interpreter = InterpreterTags {
        implementation: text(case, "implementation").to_owned(),
        version: (number(0), number(1)),
        abis: strings(&case["abis"]),
        platforms,
    };
    interpreter.compatible().iter().map(Tag::to_string).collect()
}

fn metadata(input: &str) -> Value {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(input).unwrap_or_default();
    match CoreMetadata::parse(&bytes) {
        Err(error) => json!(error.to_string()),
        Ok(metadata) => json!({
            "name": metadata.name.as_str(),
            "version": metadata.version.to_string(),
            "requires": metadata.requires_dist.iter().map(requirement).collect::<Vec<_>>(),
            "python": specifier_list(&metadata.requires_python.unwrap_or_default()),
            "extras": metadata.provides_extra.iter().map(ExtraName::as_str).collect::<Vec<_>>(),
        }),
    }
}
