//! Reads facts of projects from an index, records them, replays them, and says what it took:
//! `record_facts INDEX FILE CACHE NAME…`. Fails when the replay is not what was read, to the byte.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use countermark_audit::fact::Presence;
use countermark_audit::fact::snapshot::{Header, write};
use countermark_client::facts::{Options, gather, replay};
use countermark_client::http::{self, Client};
use countermark_client::report::Silent;
use countermark_client::settings::{Index, Origin};
use countermark_packaging::name::ProjectName;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [index, file, cache, names @ ..] = &arguments[..] else {
        return Err("record_facts INDEX FILE CACHE NAME…".into());
    };
    let names = names.iter().map(|name| ProjectName::parse(name)).collect::<Result<Vec<_>, _>>()?;
    let index = Index { name: None, url: index.parse()?, explicit: false, origin: Origin::Default };
    let http = Client::new(http::Options::default(), Arc::default());
    let options = Options {
        record: Some(PathBuf::from(file)),
        cache: Some(PathBuf::from(cache)),
        ..Options::new(jiff::Timestamp::now())
    };
    let began = Instant::now();
    let gathered = gather(&names, &options, &index, &http, &Silent)?;
    let took = began.elapsed();
    for facts in &gathered.facts {
        let files: usize = facts.releases.iter().map(|release| release.files.len()).sum();
        let releases = facts.releases.len();
        println!("{} {releases} releases, {files} files, roles {:?}", facts.name, facts.roles);
        if let Presence::Unread(reason) = &facts.presence {
            println!("  unread: {reason}");
        }
        for line in &facts.unusable {
            println!("  {line}");
        }
    }
    println!("{:?} in {took:.2?}", gathered.traffic);
    let replayed = replay(Path::new(file))?;
    let header = Header { index: gathered.index, read: options.now };
    let is_same =
        replayed.facts == gathered.facts && write(&header, &replayed.facts) == std::fs::read(file)?;
    println!("{} projects replayed, the same: {is_same}", replayed.facts.len());
    if is_same { Ok(()) } else { Err("the replay differs".into()) }
}
