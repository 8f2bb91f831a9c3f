use std::process::Command;
use std::sync::atomic::AtomicBool;

use countermark_ledger::format::ReviewFile;

use super::*;

const HEAD: &str = "[ledger]\nversion = 1\nname = \"example.org/team\"\ninitialised = 2026-11-22\n\
                    criteria = [\"safe-to-deploy\"]\n";

fn review(project: &str) -> String {
    format!(
        "[[review]]\nproject = \"{project}\"\nversion = \"1.0\"\nfiles = [\n    \"sha256:{} {project}-1.0.zip\",\n]\n\
         criteria = [\"safe-to-run\"]\nhow = \"full\"\nauthor = \"alice@example.org\"\non = 2026-11-22\n\n",
        "a".repeat(64)
    )
}

fn key(author: &str, key: &str) -> String {
    format!("\n[[key]]\nauthor = \"{author}\"\nkey = \"{key}\"\n")
}

/// A repository with a ledger in a folder of it.
struct World(tempfile::TempDir);

impl World {
    fn new(ledger: &str, reviews: &str) -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        world.git(&["init", "-q", "-b", "main"]);
        fs::create_dir_all(world.0.path().join("sub/ledger")).unwrap();
        world.commit(ledger, reviews);
        world
    }

    fn git(&self, arguments: &[&str]) -> bool {
        let output = Command::new("git")
            .current_dir(self.0.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args([
                "-c",
                "user.name=n",
                "-c",
                "user.email=e@example.org",
                "-c",
                "commit.gpgSign=false",
            ])
            .args(arguments)
            .output()
            .unwrap();
        output.status.success()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join("sub/ledger").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join("sub/ledger").join(name)).unwrap()
    }

    fn commit(&self, ledger: &str, reviews: &str) {
        self.write(LEDGER, ledger);
        self.write(REVIEWS, reviews);
        assert!(self.git(&["add", "."]) && self.git(&["commit", "-q", "-m", "m"]));
    }

    /// Commits one side on a branch and the other on `main`, and lets git merge; whether it could.
    fn merge(&self, ours: (&str, &str), theirs: (&str, &str)) -> bool {
        assert!(self.git(&["checkout", "-q", "-b", "other"]));
        self.commit(theirs.0, theirs.1);
        assert!(self.git(&["checkout", "-q", "main"]));
        self.commit(ours.0, ours.1);
        self.git(&["merge", "-q", "--no-edit", "other"])
    }

    fn settle(&self) -> Vec<Settled> {
        let folder = Folder::at(self.0.path().join("sub/ledger"));
        let held = folder.hold(&AtomicBool::new(false), || {}).unwrap();
        settle(&held).unwrap()
    }

    fn projects(&self) -> Vec<String> {
        let file = ReviewFile::parse("reviews.toml", self.read(REVIEWS)).unwrap();
        file.iter().map(|entry| entry.review.project.to_string()).collect()
    }
}

#[test]
fn what_two_branches_put_at_one_place_is_there_once_each() {
    let [a, b, c, d] = ["a", "b", "c", "d"].map(review);
    let world = World::new(HEAD, &format!("{a}{d}"));
    let merged = world.merge(
        (&format!("{HEAD}{}", key("x@example.org", "x")), &format!("{a}{b}{c}{d}")),
        (&format!("{HEAD}{}", key("y@example.org", "y")), &format!("{a}{c}")),
    );
    assert!(!merged, "git alone cannot");
    let settled = world.settle();
    let names: Vec<&str> = settled.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, [LEDGER, REVIEWS]);
    assert_eq!(world.projects(), ["a", "b", "c"], "d was taken away on one side");
    assert!(
        world.read(LEDGER).contains("x@example.org")
            && world.read(LEDGER).contains("y@example.org")
    );
    assert!(world.git(&["commit", "-q", "--no-edit"]), "nothing is left in conflict");
    assert_eq!(world.settle(), []);
}

#[test]
fn two_answers_stay_between_marks_until_people_choose() {
    let world = World::new(&format!("{HEAD}{}", key("x@example.org", "x")), "");
    let with = |from: &str| format!("{HEAD}{}from = {from}\n", key("x@example.org", "x"));
    assert!(!world.merge((&with("2026-01-01"), ""), (&with("2026-02-01"), "")));
    let settled = world.settle();
    assert_eq!(settled[0].conflicts[0].about, "[[key]] x");
    let text = world.read(LEDGER);
    assert!(
        text.contains("<<<<<<< ours\n[[key]]")
            && text.contains("from = 2026-02-01\n>>>>>>> theirs")
    );
    assert!(!world.git(&["commit", "-q", "--no-edit"]), "it is in conflict still");
    world.write(LEDGER, &with("2026-01-15"));
    let settled = world.settle();
    assert_eq!((settled[0].conflicts.len(), settled[0].notes.len()), (0, 1));
    assert_eq!(world.read(LEDGER), with("2026-01-15"), "what people wrote stays");
    assert!(world.git(&["commit", "-q", "--no-edit"]));
}

#[test]
fn of_an_import_that_both_fetched_the_recorded_side_is_taken() {
    let import = |day: &str, text: &str| {
        let digest = Sha256(sha2::Sha256::digest(text.as_bytes()).into());
        format!(
            "{HEAD}\n[[import]]\nname = \"acme\"\nurl = \"https://example.org\"\nfetched = {day}\nledger = \"{digest}\"\n"
        )
    };
    let world = World::new(HEAD, "");
    let path = "imports/acme/ledger.toml";
    assert!(world.git(&["checkout", "-q", "-b", "other"]));
    world.write(path, "theirs\n");
    world.commit(&import("2026-02-01", "theirs\n"), "");
    assert!(world.git(&["checkout", "-q", "main"]));
    world.write(path, "ours\n");
    world.commit(&import("2026-01-01", "ours\n"), "");
    assert!(!world.git(&["merge", "-q", "--no-edit", "other"]));
    assert!(world.settle().iter().all(|it| it.conflicts.is_empty()));
    assert_eq!(world.read(path), "theirs\n");
    assert!(world.git(&["commit", "-q", "--no-edit"]));
}

#[test]
fn a_folder_outside_of_any_repository_is_told() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::at(root.path());
    let held = folder.hold(&AtomicBool::new(false), || {}).unwrap();
    assert_eq!(settle(&held).unwrap_err()[0].code, "no-repository");
    assert!(write_attributes(root.path()).unwrap());
    assert!(!write_attributes(root.path()).unwrap(), "what is there is not written over");
}
