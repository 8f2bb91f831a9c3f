//! A federation of three projects: its releases tree, and the index that has them.

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use serde_json::Value;

use crate::support::{Run, World};

/// The account that releases everything.
pub(super) const ROBOT: &str = "release-robot";

/// A tree, an index, and a place to run in.
pub(super) struct Federation {
    pub(super) world: World,
    pub(super) scenario: Scenario,
}

/// A file of an index; nobody looks into it.
pub(super) fn file(filename: &str, uploaded: &str) -> ServedFile {
    let uploaded = format!("{uploaded}T09:00:00Z");
    ServedFile::honest(filename, filename.as_bytes().to_vec())
        .advertise(|said| said.upload_time = Some(uploaded))
}

impl Federation {
    /// `kettle`, `teapot` and `jug`, each with two releases that are on both sides.
    pub(super) fn new() -> Self {
        let mut federation = Self { world: World::new(), scenario: Scenario::new() };
        for project in ["jug", "kettle", "teapot"] {
            federation.list(project, &["1.0", "1.1"]);
            federation = federation
                .upload(project, "1.0", "2024-01-01")
                .upload(project, "1.1", "2024-06-01")
                .role(project, "Owner", ROBOT);
        }
        federation
    }

    /// The records list these versions of a project.
    pub(super) fn list(&self, project: &str, versions: &[&str]) {
        let mut text = "---\nteam: kitchen\nreleases:\n".to_owned();
        for version in versions {
            text.push_str(&format!(
                "  - version: {version}\n    projects:\n      - repo: kitchen/{project}\n        \
                 hash: 1f3870be274f6c49b3e31a0c6728957f5f3870be\n"
            ));
        }
        text.push_str(&format!("repository-settings:\n  kitchen/{project}: {{}}\n"));
        self.world.write(&format!("deliverables/_independent/{project}.yaml"), text);
    }

    /// The index has a release, with both files.
    pub(super) fn upload(self, project: &str, version: &str, day: &str) -> Self {
        let wheel = format!("{project}-{version}-py3-none-any.whl");
        self.add(project, file(&wheel, day))
            .add(project, file(&format!("{project}-{version}.tar.gz"), day))
    }

    /// The index has one more file.
    pub(super) fn add(mut self, project: &str, file: ServedFile) -> Self {
        self.scenario = self.scenario.file(project, file);
        self
    }

    /// Somebody holds a role.
    pub(super) fn role(mut self, project: &str, role: &str, account: &str) -> Self {
        self.scenario = self.scenario.role(project, role, account);
        self
    }

    /// Serves the index.
    pub(super) fn serve(&self) -> IndexServer {
        IndexServer::start(self.scenario.clone())
    }

    /// Audits against a server.
    pub(super) fn audit(&self, server: &IndexServer, more: &[&str]) -> Run {
        let url = server.simple_url();
        let arguments =
            [&["audit", "--index-url", &url, "--retries", "0", "--cache-dir", "cache"], more]
                .concat();
        self.world.run(&arguments)
    }
}

/// The findings of a report in JSON that are not explained: rule, severity, projects, versions.
pub(super) fn findings(run: &Run) -> Vec<String> {
    let report: Value = serde_json::from_str(&run.stdout).expect("a report in JSON");
    let list = |value: &Value| {
        let items = value.as_array().expect("a list").iter();
        items.map(|item| item.as_str().expect("a text").to_owned()).collect::<Vec<_>>().join(",")
    };
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let findings = report["findings"].as_array().expect("a list").iter();
    findings
        .filter(|finding| finding["explained"].is_null())
        .map(|finding| {
            let (rule, severity) = (text(&finding["rule"]), text(&finding["severity"]));
            let (projects, versions) = (list(&finding["projects"]), list(&finding["versions"]));
            format!("{severity} {rule} {projects} {versions}").trim_end().to_owned()
        })
        .collect()
}
