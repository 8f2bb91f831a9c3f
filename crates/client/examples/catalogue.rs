//! Asks the configured index about projects and one file of each newest release, and says what it took:
//! `catalogue INDEX FOLDER NAME…`.

use std::sync::Arc;
use std::time::Instant;

use countermark_client::catalogue::{CatalogueOptions, IndexCatalogue};
use countermark_client::http::{Client, Options};
use countermark_client::index::IndexClient;
use countermark_client::settings::{Index, Origin, Sources};
use countermark_lock::catalogue::Catalogue as _;
use countermark_packaging::name::ProjectName;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let usage = "catalogue INDEX FOLDER NAME…";
    let url = arguments.next().expect(usage).parse().expect("a url");
    let folder = std::path::PathBuf::from(arguments.next().expect(usage));
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
        let releases = match catalogue.releases(name) {
            Ok(releases) => releases,
            Err(error) => {
                println!("{name}: {error}");
                continue;
            }
        };
        let Some((version, release)) = releases.versions.iter().next_back() else { continue };
        if let Some(file) = release.files.first() {
            catalogue.expect_requires(name, version, file);
        }
    }
    let pages = began.elapsed();
    for name in &names {
        let Ok(releases) = catalogue.releases(name) else { continue };
        let Some((version, release)) = releases.versions.iter().next_back() else { continue };
        let Some(file) = release.files.first() else { continue };
        match catalogue.requires(name, version, file) {
            Ok(requires) => println!(
                "{name} {version}: {} versions, {} files, {} requirements",
                releases.versions.len(),
                release.files.len(),
                requires.requires_dist.len()
            ),
            Err(error) => println!("{error}"),
        }
    }
    println!("pages {pages:?}, all {:?}, {:?}", began.elapsed(), catalogue.reading());
    drop(catalogue);
    println!("ended {:?}", began.elapsed());
}
