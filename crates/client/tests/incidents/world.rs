//! Serves an incident, and looks at it as somebody whose pin moves in the middle of it.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_client::contents::{Distribution, read_contents};
use countermark_client::http::{Client, Options, Proxies, Request};
use countermark_client::index::{IndexClient, IndexPage};
use countermark_client::ledger::facts::{Gatherer, PinnedFiles, Question};
use countermark_client::report::{Note, Progress, Reporter};
use countermark_client::settings::{Index, Origin, Sources};
use countermark_client::sight::Context;
use countermark_client::store::Store;
use countermark_ledger::fact::Facts;
use countermark_ledger::file::FileId;
use countermark_packaging::digest::{Algorithm, Digest, Sha256};
use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::StatusMarker;
use countermark_packaging::version::Version;
use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::provenance;
use countermark_testkit::wheel::Wheel;
use countermark_trust::change::Change;
use countermark_trust::policy::{LedgerAnswer, Subject};
use countermark_trust::{ArtifactVerifier, Class, Pin};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{Span, Timestamp};
use sha2::Digest as _;
use url::Url;

use super::shapes::{Files, Form, Published, Shape};
use super::team::Team;

/// When the malicious release came.
const UPLOADED: &str = "2026-06-01T00:00:00Z";

fn uploaded() -> Timestamp {
    UPLOADED.parse().unwrap()
}

/// The middle of an incident.
pub(crate) fn middle(shape: &Shape) -> Timestamp {
    uploaded().checked_add(Span::new().minutes(shape.minutes / 2)).unwrap()
}

struct Release {
    filename: String,
    bytes: Vec<u8>,
}

fn build(project: &str, version: &str, files: &Files, form: Form, needs: Option<&str>) -> Release {
    let name = project.replace('-', "_");
    if form == Form::Wheel {
        let mut wheel = Wheel::new(&name, version);
        for (path, bytes) in files {
            wheel = wheel.file(path, bytes);
        }
        if let Some(needs) = needs {
            wheel = wheel.requires(needs);
        }
        return Release { filename: wheel.filename(), bytes: wheel.build() };
    }
    let mut tar = tar::Builder::new(Vec::new());
    let info = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    let own = ("PKG-INFO".to_owned(), info.into_bytes());
    for (path, bytes) in [own].iter().chain(files) {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        let path = format!("{name}-{version}/{path}");
        tar.append_data(&mut header, path, bytes.as_slice()).unwrap();
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    let bytes = gzip.finish().unwrap();
    Release { filename: format!("{name}-{version}.tar.gz"), bytes }
}

fn serve(scenario: Scenario, project: &str, release: &Release, at: &str) -> Scenario {
    scenario.file(project, served(release, at))
}

fn served(release: &Release, at: &str) -> ServedFile {
    ServedFile::honest(&release.filename, release.bytes.clone())
        .advertise(|claims| claims.upload_time = Some(at.to_owned()))
}

/// Serves a release with a provenance object that names the project's own workflow.
fn publish(scenario: Scenario, project: &str, release: &Release, at: &str) -> Scenario {
    let repository = format!("example/{project}");
    let (name, bytes) = (&release.filename, &release.bytes);
    let object = provenance::of_workflow(&repository, WORKFLOW, name, bytes);
    scenario.file_with_provenance(project, served(release, at), object)
}

const WORKFLOW: &str = "release.yml";

/// As facts and ledgers name it.
fn publisher(project: &ProjectName) -> String {
    format!("github:example/{project}/{WORKFLOW}")
}

fn pinned_files(project: &ProjectName, version: &str, release: &Release) -> PinnedFiles {
    let digest = Sha256(sha2::Sha256::digest(&release.bytes).into());
    let files = vec![FileId { name: release.filename.clone(), digest }];
    PinnedFiles { project: project.clone(), version: version.parse().unwrap(), files }
}

/// A pin that is about to move, with all that is known of it.
pub(crate) struct Moving {
    project: ProjectName,
    version: Version,
    pages: Vec<IndexPage>,
    also_on: Vec<String>,
    filename: String,
    is_new: bool,
    change: Option<Change>,
    /// Its files.
    pub(crate) files: PinnedFiles,
    /// What the ledger says of them.
    ledger: LedgerAnswer,
}

impl Moving {
    /// The evidence, as a program that asked the index has it.
    pub(crate) fn subject(&self) -> Subject<'_> {
        let page = &self.pages[0].page;
        let file = page.files.iter().find(|file| file.filename == self.filename).unwrap();
        Subject {
            index: Some("https://public.example.org/simple/"),
            also_on: Some(&self.also_on),
            is_public: Some(true),
            uploaded: file.upload_time.as_ref().map(|text| text.parse().unwrap()),
            status: Some(page.status.marker),
            yanked: file.yanked.as_deref(),
            has_source: Some(self.filename.ends_with(".tar.gz")),
            is_new: self.is_new,
            change: self.change.as_ref(),
            ledger: Some(&self.ledger),
            ..Subject::new(&self.project, &self.version)
        }
    }
}

/// An incident on its index.
pub(crate) struct Replay {
    server: IndexServer,
    project: ProjectName,
    /// What was pinned.
    before: PinnedFiles,
    /// Whether the index has it.
    has_before: bool,
    now: Timestamp,
    /// What moves: the release itself, and what it brings.
    pub(crate) moving: Vec<Moving>,
    /// What a lock that nobody touched says to the new bytes.
    pub(crate) is_refused_by_lock: bool,
}

impl Replay {
    pub(crate) fn new(shape: &Shape) -> Self {
        let mut scenario = Scenario::new();
        // At first use the lock pins the project of the private index.
        let pinned = shape.before.clone().unwrap_or_else(|| vec![("private.py".into(), vec![])]);
        let before = build(shape.project, "1.0", &pinned, shape.form, None);
        let after = build(shape.project, "1.1", &shape.after, shape.form, shape.brings);
        if shape.before.is_some() {
            let put = if shape.published == Published::Never { serve } else { publish };
            scenario = put(scenario, shape.project, &before, "2026-01-01T00:00:00Z");
        }
        let put = if shape.published == Published::ByWorkflow { publish } else { serve };
        scenario = put(scenario, shape.project, &after, UPLOADED);
        let brought = shape.brings.map(|name| {
            let release = build(name, "4.2", &vec![("setup.py".into(), vec![])], Form::Sdist, None);
            (name, release)
        });
        if let Some((name, release)) = &brought {
            scenario = serve(scenario, name, release, UPLOADED);
        }
        let server = IndexServer::start(scenario);
        let private = shape.is_private_too.then(|| {
            let own = build(
                shape.project,
                "1.0",
                &vec![("private.py".into(), vec![])],
                Form::Wheel,
                None,
            );
            IndexServer::start(serve(Scenario::new(), shape.project, &own, "2026-01-01T00:00:00Z"))
        });
        let also_on = match &private {
            Some(private) if !pages(private, &name(shape.project)).unwrap().is_empty() => {
                vec!["https://private.example.org/simple/".to_owned()]
            }
            _ => Vec::new(),
        };
        let project = name(shape.project);
        let listed = pages(&server, &project).unwrap();
        let bytes = download(&listed[0], &after.filename);
        let is_refused_by_lock = refuses(&before, &after.filename, &bytes);
        let change = shape.before.as_ref().map(|_| {
            let old = download(&listed[0], &before.filename);
            let contents = |release: &Release, bytes: &Vec<u8>| {
                read_contents(Distribution { archive: bytes, filename: &release.filename }).unwrap()
            };
            Change::between(&contents(&before, &old), &contents(&after, &bytes))
        });
        let now = middle(shape);
        let pinned = pinned_files(&project, "1.0", &before);
        let team = Team::new(&[&pinned], now);
        let files = pinned_files(&project, "1.1", &after);
        let mut moving = vec![Moving {
            ledger: team.ask(&files).answer,
            files,
            project: project.clone(),
            version: "1.1".parse().unwrap(),
            pages: listed,
            also_on,
            filename: after.filename,
            is_new: shape.before.is_none(),
            change,
        }];
        moving.extend(brought.map(|(text, release)| Moving {
            ledger: team.ask(&pinned_files(&name(text), "4.2", &release)).answer,
            files: pinned_files(&name(text), "4.2", &release),
            project: name(text),
            version: "4.2".parse().unwrap(),
            pages: pages(&server, &name(text)).unwrap(),
            also_on: Vec::new(),
            filename: release.filename,
            is_new: true,
            change: None,
        }));
        let (before, has_before) = (pinned, shape.before.is_some());
        Self { server, project, before, has_before, now, moving, is_refused_by_lock }
    }

    /// The team, with a wildcard on the publisher of the project until a day.
    pub(crate) fn trusting(&self, until: &str) -> Team {
        let folder = tempfile::tempdir().unwrap();
        let [cache, state] = ["cache", "state"].map(|name| folder.path().join(name));
        let store = Arc::new(Store::open(&cache, &state).unwrap());
        let (index, http) = (index(&self.server), http());
        let recorded = Facts::default();
        let interrupted = AtomicBool::new(false);
        let sight = Context {
            store: &store,
            http: &http,
            reporter: &Silent,
            interrupted: &interrupted,
            offline: false,
        };
        let gatherer = Gatherer { index: &index, sight, recorded: &recorded };
        let question = Question {
            after: &self.moving[0].files,
            before: self.has_before.then_some(&self.before),
        };
        self.team().trusting(&publisher(&self.project), until, gatherer, question)
    }

    /// The team without it.
    pub(crate) fn team(&self) -> Team {
        Team::new(&[&self.before], self.now)
    }

    /// Whether the client refuses the project once its index has put it into quarantine.
    pub(crate) fn is_refused_once_found(&self) -> bool {
        let project = self.project.to_string();
        self.server.change(|scenario| scenario.status(&project, "quarantined", None));
        pages(&self.server, &self.project).is_err_and(|class| class == Class::Rejected)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.moving.iter().all(|it| it.pages[0].page.status.marker == StatusMarker::Active)
    }
}

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn http() -> Client {
    Client::new(Options { proxies: Proxies::Off, ..Options::default() }, Arc::default())
}

/// Nobody is told.
struct Silent;

impl Reporter for Silent {
    fn note(&self, _: Note) {}
    fn progress(&self, _: Progress<'_>) {}
}

fn pages(server: &IndexServer, project: &ProjectName) -> Result<Vec<IndexPage>, Class> {
    run(index(server).project_pages(project)).map_err(|error| error.class())
}

fn index(server: &IndexServer) -> IndexClient {
    let url = Url::parse(&server.simple_url()).unwrap();
    let index = Index { name: None, url, explicit: false, origin: Origin::Default };
    let sources = Sources { indexes: vec![index], ..Sources::default() };
    IndexClient::new(Arc::new(http()), sources)
}

fn download(page: &IndexPage, filename: &str) -> Vec<u8> {
    let file = page.page.files.iter().find(|file| file.filename == filename).unwrap();
    let request = Request::file(&Url::parse(&file.url).unwrap(), 1 << 20);
    run(http().fetch(&request)).unwrap().body
}

/// Whether a pin of one release refuses the bytes of another.
fn refuses(pinned: &Release, filename: &str, bytes: &[u8]) -> bool {
    let digest = Digest::new(Algorithm::Sha256, &sha2::Sha256::digest(&pinned.bytes)).unwrap();
    let pin = Pin::new([digest]).unwrap();
    let mut own = ArtifactVerifier::new(&pinned.filename, Some(&pin), None);
    own.update(&pinned.bytes);
    assert!(own.finish(&pin).is_ok(), "the pin accepts what it is of");
    let mut other = ArtifactVerifier::new(filename, Some(&pin), None);
    other.update(bytes);
    other.finish(&pin).is_err()
}
