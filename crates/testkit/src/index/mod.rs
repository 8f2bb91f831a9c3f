//! An index that can lie.
//!
//! A [`Scenario`] is data: projects with their files, what each file's bytes *are* and, set apart,
//! what the project page *says* about them, and how paths misbehave. An [`IndexServer`] serves a
//! scenario over HTTP/1.1 on a free port of the loopback interface, records every request, and
//! stops when it is dropped. It uses threads of the standard library only and trusts nothing that
//! it is sent: request heads are bounded, as are connections and their life.
//!
//! Paths:
//!
//! * `/simple/` and `/simple/NAME/`: pages (PEP 503, 691; 592, 658, 700, 714, 740, 792),
//! * `/pypi/NAME/json`: who holds a project,
//! * `/files/FILENAME` and `/files/FILENAME.metadata`: the files,
//! * whatever [`Scenario::serve`] adds.

mod page;
pub(crate) mod request;
mod respond;
mod scenario;
mod server;

pub use request::RecordedRequest;
pub use scenario::{
    Advertised, Behaviour, Body, ClaimedMetadata, Format, Project, ProjectDocument, Scenario,
    ServedFile, Status,
};
pub use server::IndexServer;
