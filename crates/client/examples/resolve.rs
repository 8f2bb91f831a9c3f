//! Resolves for CPython on Linux, without downloading what it pins, and says what it took:
//! `resolve INDEX FOLDER PYTHON CUT-OFF FILE`, where FILE has a requirement a line.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use countermark_client::catalogue::{CatalogueOptions, IndexCatalogue};
use countermark_client::http::{Client, Options};
use countermark_client::index::IndexClient;
use countermark_client::settings::{Index, Origin, Sources};
use countermark_lock::request::Request;
use countermark_lock::resolve::resolve;
use countermark_lock::target::Target;
use countermark_lock::wish::{self, Wish};
use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::requirement::Requirement;
use countermark_packaging::tags::{InterpreterTags, cpython_abis, platforms_for};
use countermark_packaging::version::Version;

const USAGE: &str = "resolve INDEX FOLDER PYTHON CUT-OFF FILE";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect(USAGE);
    let url = next().parse().expect("a url");
    let folder = PathBuf::from(next());
    let target = target(&next());
    let cut_off = next().parse().expect("a time");
    let text = std::fs::read_to_string(next()).expect("a file");
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let wishes = lines.map(|line| Wish {
        requirement: Requirement::parse(line).expect("a requirement"),
        origin: wish::Origin::CommandLine,
    });
    let request =
        Request { wishes: wishes.collect(), exclude_newer: Some(cut_off), ..Request::default() };
    let index = Index { name: None, url, explicit: false, origin: Origin::Default };
    let sources = Sources { indexes: vec![index], ..Sources::default() };
    let http = Arc::new(Client::new(Options::default(), Arc::default()));
    let index = Arc::new(IndexClient::new(Arc::clone(&http), sources));
    let options = CatalogueOptions::new(jiff::Timestamp::now());
    let catalogue = IndexCatalogue::new(http, index, Some(&folder), options);
    let began = Instant::now();
    match resolve(&request, &target, &catalogue, &AtomicBool::new(false)) {
        Ok(resolution) => {
            for (name, resolved) in &resolution.releases {
                println!("{name}=={}", resolved.version);
            }
            for note in &resolution.notes {
                eprintln!("note: {note}");
            }
        }
        Err(error) => {
            eprintln!("{error}");
            for hint in error.hints() {
                eprintln!("hint: {hint}");
            }
        }
    }
    eprintln!("{:?}", began.elapsed());
}

fn target(python: &str) -> Target {
    let version: Version = python.parse().expect("a version");
    let [major, minor] = [0, 1].map(|index| version.release()[index] as u32);
    let tags = InterpreterTags {
        implementation: "cp".into(),
        version: (major, minor),
        abis: cpython_abis((major, minor), false, false),
        platforms: platforms_for("manylinux_2_28_x86_64").expect("a platform"),
    };
    let full = format!("{major}.{minor}.0");
    Target {
        label: format!("cp{major}{minor}-manylinux_2_28_x86_64"),
        markers: MarkerEnvironment {
            implementation_name: "cpython".into(),
            implementation_version: full.clone(),
            os_name: "posix".into(),
            platform_machine: "x86_64".into(),
            platform_python_implementation: "CPython".into(),
            platform_release: String::new(),
            platform_system: "Linux".into(),
            platform_version: String::new(),
            python_full_version: full.clone(),
            python_version: format!("{major}.{minor}"),
            sys_platform: "linux".into(),
        },
        tags: tags.compatible(),
        python: full.parse().expect("a version"),
    }
}
