//! The tables, version by version. A migration is never changed after it was released; new ones are
//! added at the end. The tables stand beside those of the log in the same database, with a version of
//! their own.
//!
//! `{id}` stands for a number that the database counts up itself.

/// Each brings the tables from the version of its position to the next.
pub(super) const MIGRATIONS: &[&[&str]] = &[
    &[
        // Where a pin stands: once for each commit in which the file changed.
        "CREATE TABLE observe_places (
        id {id},
        repository TEXT NOT NULL,
        path TEXT NOT NULL,
        revision TEXT NOT NULL,
        format TEXT NOT NULL,
        at BIGINT,
        UNIQUE (repository, path, revision)
    )",
        // `file` is empty where the lock names no file; `version` where it names none.
        "CREATE TABLE observe_pins (
        file TEXT NOT NULL,
        algorithm TEXT NOT NULL,
        digest TEXT NOT NULL,
        project TEXT NOT NULL,
        version TEXT NOT NULL,
        origin TEXT NOT NULL,
        place BIGINT NOT NULL,
        line BIGINT NOT NULL,
        PRIMARY KEY (place, project, version, origin, file, digest)
    )",
        "CREATE INDEX observe_pins_file ON observe_pins (file)",
        "CREATE INDEX observe_pins_digest ON observe_pins (digest)",
        "CREATE INDEX observe_pins_project ON observe_pins (project)",
        "CREATE TABLE observe_work (
        kind TEXT NOT NULL,
        item TEXT NOT NULL,
        priority BIGINT NOT NULL,
        due BIGINT NOT NULL,
        remembered TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        last_error TEXT,
        holder TEXT,
        lease BIGINT NOT NULL,
        PRIMARY KEY (kind, item)
    )",
        "CREATE INDEX observe_work_due ON observe_work (kind, priority, due)",
        // What our own observers saw; it goes to a log, and stays when it is there.
        "CREATE TABLE observe_seen (
        number {id},
        observer TEXT NOT NULL,
        file TEXT NOT NULL,
        algorithm TEXT NOT NULL,
        digest TEXT NOT NULL,
        project TEXT NOT NULL,
        size BIGINT,
        uploaded BIGINT,
        first_seen BIGINT NOT NULL,
        appended BIGINT,
        UNIQUE (observer, file, digest)
    )",
        "CREATE INDEX observe_seen_file ON observe_seen (file)",
        "CREATE INDEX observe_seen_digest ON observe_seen (digest)",
        "CREATE INDEX observe_seen_project ON observe_seen (project)",
        "CREATE INDEX observe_seen_waiting ON observe_seen (number) WHERE appended IS NULL",
        "CREATE TABLE observe_alarms (
        id {id},
        name TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        project TEXT NOT NULL,
        file TEXT NOT NULL,
        evidence TEXT NOT NULL,
        first_seen BIGINT NOT NULL
    )",
        "CREATE INDEX observe_alarms_file ON observe_alarms (file)",
        "CREATE INDEX observe_alarms_project ON observe_alarms (project)",
        "CREATE TABLE observe_outbox (
        number {id},
        id TEXT NOT NULL,
        alarm TEXT NOT NULL,
        destination TEXT NOT NULL,
        at BIGINT NOT NULL,
        subject TEXT NOT NULL,
        body TEXT NOT NULL,
        json TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        next_attempt BIGINT NOT NULL,
        last_error TEXT,
        delivered BIGINT,
        UNIQUE (id, destination)
    )",
        "CREATE INDEX observe_outbox_waiting ON observe_outbox (destination, next_attempt) WHERE delivered IS NULL",
        "CREATE TABLE observe_settings (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    ],
    &[
        // For what is judged by release, and for what an index has in common with others.
        "CREATE INDEX observe_pins_release ON observe_pins (project, version)",
        "DROP INDEX observe_pins_project",
        "CREATE INDEX observe_pins_origin ON observe_pins (origin, place)",
    ],
    &[
        // Whether a place has a digest of a release is asked for every pair of places that have it.
        "DROP INDEX observe_pins_release",
        "CREATE INDEX observe_pins_release ON observe_pins (project, version, place, digest)",
    ],
];

/// The version that this program writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Creates the table that holds the version.
pub(super) const PREPARE: &str =
    "CREATE TABLE IF NOT EXISTS observe_version (version BIGINT NOT NULL)";
