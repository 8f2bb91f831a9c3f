//! `observe.toml`: which trees are read how often, where everything is remembered, and who is told.
//!
//! Every mistake is told at its line and column, all of them at once. Who is told is written as in
//! `watch.toml`. No secret stands in this file.

use std::path::{Path, PathBuf};

use countermark_packaging::lock::SourceError;
use countermark_packaging::lock::codes::SYNTAX;
use jiff::SignedDuration;
use toml::de::DeTable;

use crate::log::postgres::settings::Settings;
use crate::watch::config::reader::{Reader, Table};
use crate::watch::config::{Destination, decode, read_destinations, secret};
use crate::watch::secret::SecretSource;

/// The most folders and repositories.
const MAXIMUM_PLACES: usize = 100_000;

/// What `observe.toml` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObserveConfig {
    /// The database: a file, or the address of a server.
    pub database: String,
    /// The password of the server.
    pub password: Option<SecretSource>,
    /// Clones, and what was read of repositories.
    pub cache: PathBuf,
    /// How often a place is read.
    pub interval: SignedDuration,
    /// The index that locks mean that name none; the user's own where it is left out.
    pub index: Option<String>,
    /// The folder of a log on this machine, whose alarms are told too.
    pub log: Option<PathBuf>,
    /// Whether the history of repositories is read.
    pub history: bool,
    /// The most commits of one repository.
    pub commits: usize,
    /// The most MiB of one clone.
    pub clone_size: u32,
    /// The longest time for one place.
    pub longest: SignedDuration,
    /// Folders on this machine.
    pub folders: Vec<PathBuf>,
    /// Addresses of repositories.
    pub repositories: Vec<String>,
    /// Who is told of alarms.
    pub destinations: Vec<Destination>,
}

/// Reads the file; `file` is what it is called in messages, `folder` the one that paths in it are
/// relative to.
///
/// # Errors
/// Everything that is wrong, in the order of the file.
pub fn parse(file: &str, bytes: &[u8], folder: &Path) -> Result<ObserveConfig, Vec<SourceError>> {
    let source = decode(file, bytes).map_err(|error| vec![error])?;
    let (document, broken) = DeTable::parse_recoverable(source.text());
    if !broken.is_empty() {
        let error = |error: &toml::de::Error| {
            source.error(SYNTAX, error.message().to_owned(), error.span().unwrap_or(0..0))
        };
        return Err(broken.iter().map(error).collect());
    }
    let mut reader = Reader::new(&source);
    let document = Table::new(document.get_ref(), "an observe.toml", 0..0);
    let config = read(&mut reader, &document, folder);
    match config {
        Some(config) if reader.errors.is_empty() => Ok(config),
        _ => {
            let mut errors = reader.errors;
            errors.sort_by_key(|error| error.place.span.start);
            Err(errors)
        }
    }
}

fn read<'a>(reader: &mut Reader<'a>, document: &Table<'a>, folder: &Path) -> Option<ObserveConfig> {
    reader.only(document, &["observe", "mail", "webhook", "atom"]);
    let destinations = read_destinations(reader, document, folder);
    let Some(table) = reader.table(document, "observe") else {
        if !document.has("observe") {
            let hint = "begin with [observe] and `database = \"observatory.sqlite\"`";
            reader.missing(document, "observe", hint);
        }
        return None;
    };
    reader.only(
        &table,
        &[
            "database",
            "password-file",
            "password-env",
            "password-credential",
            "cache",
            "interval",
            "index",
            "log",
            "no-history",
            "max-commits",
            "max-clone",
            "longest",
            "folders",
            "repositories",
        ],
    );
    let seconds = SignedDuration::from_secs;
    let day = seconds(86_400);
    let password = secret(reader, &table, "password", folder, false);
    let interval = reader.duration(&table, "interval", (seconds(60), day.saturating_mul(90)));
    let longest = reader.duration(&table, "longest", (seconds(10), day));
    let folders: Vec<PathBuf> =
        reader.texts(&table, "folders").into_iter().map(|path| folder.join(path)).collect();
    let repositories: Vec<String> =
        reader.texts(&table, "repositories").into_iter().map(str::to_owned).collect();
    // A log alone is enough: then its alarms are told.
    if folders.is_empty() && repositories.is_empty() && !table.has("log") {
        let hint = "name what is read: `folders = [\"checkouts\"]`, or `repositories`";
        reader.missing(&table, "folders", hint);
    }
    if folders.len() + repositories.len() > MAXIMUM_PLACES {
        let message = format!("more than {MAXIMUM_PLACES} folders and repositories");
        reader.refuse(&table, "repositories", message);
    }
    let commits = reader.number(&table, "max-commits", 10_000_000).unwrap_or(100_000);
    let clone_size = reader.number(&table, "max-clone", 1 << 20).unwrap_or(512);
    let no_history = reader.flag(&table, "no-history");
    let database =
        reader.required(&table, "database", "write `database = \"observatory.sqlite\"`")?;
    let database = match Settings::is_address(database) {
        true => database.to_owned(),
        false => folder.join(database).display().to_string(),
    };
    Some(ObserveConfig {
        database,
        password,
        cache: folder.join(reader.text(&table, "cache").unwrap_or("observe-cache")),
        interval: interval.unwrap_or(day),
        index: reader.text(&table, "index").map(str::to_owned),
        log: reader.text(&table, "log").map(|path| folder.join(path)),
        history: !no_history,
        commits: commits as usize,
        clone_size,
        longest: longest.unwrap_or(seconds(300)),
        folders,
        repositories,
        destinations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ObserveConfig, Vec<SourceError>> {
        parse("observe.toml", text.as_bytes(), Path::new("/srv"))
    }

    const WHOLE: &str = r#"
[observe]
database = "observatory.sqlite"
interval = "6h"
log = "log"
folders = ["checkouts"]
repositories = ["https://git.example.org/team/app.git"]
max-clone = 64

[atom.public]
path = "alarms.atom"
authority = "example.org"
"#;

    #[test]
    fn a_whole_file() {
        let config = read(WHOLE).unwrap();
        assert_eq!(config.database, "/srv/observatory.sqlite");
        assert_eq!(config.interval, SignedDuration::from_hours(6));
        assert_eq!(config.folders, [Path::new("/srv/checkouts")]);
        assert_eq!(config.log.as_deref(), Some(Path::new("/srv/log")));
        assert_eq!((config.clone_size, config.history, config.commits), (64, true, 100_000));
        assert_eq!(config.destinations[0].name, "atom:public");
        let server = WHOLE.replace("observatory.sqlite", "postgres://u@db.example.org/x");
        assert_eq!(read(&server).unwrap().database, "postgres://u@db.example.org/x");
        // Nobody has to be told: the pages show alarms.
        let silent = WHOLE.split("[atom").next().unwrap();
        assert_eq!(read(silent).unwrap().destinations, []);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let check = |from: &str, to: &str, expect: &str, line: u32| {
            let text = WHOLE.replacen(from, to, 1);
            assert_ne!(text, WHOLE);
            let errors = read(&text).unwrap_err();
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].message.contains(expect), "{}", errors[0].message);
            assert_eq!(errors[0].place.line, line, "{}", errors[0].message);
        };
        check("interval", "intervall", "`intervall` is not a key", 4);
        check("\"6h\"", "\"6 weeks\"", "`interval` must be a time", 4);
        check("max-clone = 64", "max-clone = 0", "`max-clone` must be a whole number", 8);
        check("[atom.public]", "[atoms.public]", "`atoms` is not a key", 10);
        check("authority = \"example.org\"", "", "`authority` is missing", 10);
        check("= [\"checkouts\"]", "= 1", "`folders` must be a list", 6);
    }
}
