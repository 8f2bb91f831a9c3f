//! Asks an index about projects and the first files of some of their releases, and says what it took:
//! `catalogue INDEX FOLDER RELEASES NAME…`, where RELEASES is how many of each project.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use countermark_client::catalogue::{CatalogueOptions, IndexCatalogue};
use countermark_client::http::{Client, Options};
use countermark_client::index::IndexClient;
use countermark_client::settings::{Index, Origin, Sources};
use countermark_lock::catalogue::{Catalogue as _, ReleaseFile, Releases};
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;

const USAGE: &str = "catalogue INDEX FOLDER RELEASES NAME…";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect(USAGE);
    let url = next().parse().expect("a url");
    let folder = PathBuf::from(next());
    let count: usize = next().parse().expect("a number");
    let names: Vec<ProjectName> =
        arguments.map(|name| ProjectName::parse(&name).expect("a name")).collect();
    let index = Index { name: None, url, explicit: false, origin: Origin::Default };
    let sources = Sources { indexes: vec![index], ..Sources::default() };
    let http = Arc::new(Client::new(Options::default(), Arc::default()));
    let index = Arc::new(IndexClient::new(Arc::clone(&http), sources));
    let options = CatalogueOptions::new(jiff::Timestamp::now());
    let began = Instant::now();
    let catalogue = IndexCatalogue::new(http, index, Some(&folder), options);
    catalogue.expect(&names);
    for name in &names {
        match catalogue.releases(name) {
            Ok(releases) => {
                for (version, file) in chosen(&releases, count) {
                    catalogue.expect_requires(name, version, file);
                }
            }
            Err(error) => println!("{name}: {error}"),
        }
    }
    let pages = began.elapsed();
    for name in &names {
        let Ok(releases) = catalogue.releases(name) else { continue };
        for (version, file) in chosen(&releases, count) {
            if let Err(error) = catalogue.requires(name, version, file) {
                println!("{}: {error}", file.filename.as_str());
            }
        }
    }
    println!("pages {pages:?}, all {:?}, {:?}", began.elapsed(), catalogue.reading());
    drop(catalogue);
    println!("ended {:?}", began.elapsed());
}

/// The first files of some releases, the newest among them.
fn chosen(releases: &Releases, count: usize) -> Vec<(&Version, &ReleaseFile)> {
    let step = releases.versions.len().div_ceil(count.max(1)).max(1);
    let some = releases.versions.iter().rev().step_by(step);
    some.filter_map(|(version, release)| Some((version, release.files.first()?))).collect()
}
