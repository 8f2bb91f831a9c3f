//! What is asked of a catalogue, and when.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countermark_lock::catalogue::{
    Catalogue, CatalogueError, ReleaseFile, Releases, Requires, UrlRelease,
};
use countermark_lock::resolve::resolve;
use countermark_packaging::name::ProjectName;
use countermark_packaging::version::Version;
use countermark_trust::Class;

use crate::world::{World, linux, project, release, wants};

/// A world that notes what was expected before it was asked for.
struct Watched {
    world: World,
    ahead: RefCell<BTreeSet<String>>,
    waited: RefCell<Vec<String>>,
    unavailable: Option<ProjectName>,
}

impl Watched {
    fn new(world: World) -> Self {
        let (ahead, waited) = Default::default();
        Self { world, ahead, waited, unavailable: None }
    }

    fn asked(&self, question: String) {
        if !self.ahead.borrow().contains(&question) {
            self.waited.borrow_mut().push(question);
        }
    }
}

impl Catalogue for Watched {
    fn releases(&self, project: &ProjectName) -> Result<Arc<Releases>, CatalogueError> {
        self.asked(format!("page {project}"));
        if self.unavailable.as_ref() == Some(project) {
            return Err(CatalogueError::Unavailable {
                code: "timeout",
                message: "no answer".into(),
                class: Class::Unavailable,
                hint: Some("run again".into()),
            });
        }
        self.world.releases(project)
    }

    fn requires(
        &self,
        project: &ProjectName,
        version: &Version,
        file: &ReleaseFile,
    ) -> Result<Arc<Requires>, CatalogueError> {
        self.asked(format!("metadata {project} {version}"));
        self.world.requires(project, version, file)
    }

    fn at_url(&self, project: &ProjectName, url: &str) -> Result<Arc<UrlRelease>, CatalogueError> {
        self.world.at_url(project, url)
    }

    fn expect(&self, projects: &[ProjectName]) {
        self.ahead.borrow_mut().extend(projects.iter().map(|project| format!("page {project}")));
    }

    fn expect_requires(&self, project: &ProjectName, version: &Version, _: &ReleaseFile) {
        self.ahead.borrow_mut().insert(format!("metadata {project} {version}"));
    }
}

fn tree() -> World {
    World::new([
        release("app", "1.0").needs(&["left", "right[x]"]),
        release("left", "1.0").needs(&["leaf>=1"]),
        release("right", "1.0").extra("x").needs(&["leaf<2", "deep; extra == 'x'"]),
        release("leaf", "1.0"),
        release("leaf", "2.0"),
        release("deep", "1.0"),
    ])
}

#[test]
fn everything_is_asked_for_ahead_and_once() {
    let watched = Watched::new(tree());
    resolve(&wants(&["app"]), &linux("3.12"), &watched, &AtomicBool::new(false)).unwrap();
    assert_eq!(*watched.waited.borrow(), Vec::<String>::new());
    let mut questions = watched.world.questions.borrow().clone();
    let count = questions.len();
    questions.sort();
    questions.dedup();
    assert_eq!(questions.len(), count, "something was asked for twice");
    assert!(!questions.contains(&"metadata leaf 2.0".to_owned()), "{questions:?}");
}

#[test]
fn more_and_more_releases_are_asked_for_when_none_does() {
    let count = 100;
    let mut releases: Vec<_> = (1..=count)
        .map(|n| release("app", &format!("{n}")).needs(&[if n > 3 { "lib>=2" } else { "lib" }]))
        .collect();
    releases.push(release("lib", "1.0"));
    let watched = Watched::new(World::new(releases));
    let request = wants(&["app", "lib"]);
    let found = resolve(&request, &linux("3.12"), &watched, &AtomicBool::new(false)).unwrap();
    assert_eq!(found.releases[&project("app")].version.to_string(), "3");
    let waited = watched.waited.borrow();
    assert!(waited.len() < 10, "{} questions were waited for", waited.len());
}

#[test]
fn an_index_that_gives_no_answer_ends_the_resolution() {
    let mut watched = Watched::new(tree());
    watched.unavailable = Some(project("leaf"));
    let never = AtomicBool::new(false);
    let error = resolve(&wants(&["app"]), &linux("3.12"), &watched, &never).unwrap_err();
    assert_eq!((error.code(), error.class()), ("timeout", Class::Unavailable));
    assert_eq!(error.to_string(), "no answer");
    assert_eq!(error.hints(), ["run again"]);
}
