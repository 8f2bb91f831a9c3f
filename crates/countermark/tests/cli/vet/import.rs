//! `vet import`: a ledger of others is taken in, fetched again, and refused where it changed its past.

use countermark_ledger::criteria::CriterionName;
use countermark_ledger::format;
use countermark_ledger::review::Review;
use countermark_testkit::wheel::Wheel;
use countermark_tlog::note::SignerKey;

use super::scene::{ALICE, Scene, file_of, key, key_table, review, wheel};
use crate::support::Run;

/// What others call theirs.
const NAME: &str = "example.org/acme";

/// The head of somebody else's `ledger.toml`.
pub(super) fn head(name: &str) -> String {
    format!(
        "[ledger]\nversion = 1\nname = \"{name}\"\ninitialised = 2026-01-01\n\
         criteria = [\"safe-to-deploy\"]\n"
    )
}

/// A `[[violation]]` of a wheel.
pub(super) fn violation(wheel: &Wheel) -> String {
    format!(
        "\n[[violation]]\nproject = \"{}\"\nversion = \"{}\"\nfiles = [\n    \"{}\",\n]\n\
         on = 2026-02-01\nreason = \"sends keys away\"\n",
        wheel.name,
        wheel.version,
        file_of(wheel)
    )
}

/// A project whose lock moved to a wheel that a friend has read.
pub(super) struct Friends {
    pub(super) scene: Scene,
    pub(super) key: SignerKey,
    pub(super) wheel: Wheel,
}

impl Friends {
    pub(super) fn new() -> Self {
        let [old, new] = [wheel("jug", "2.0", 9), wheel("jug", "2.1", 10)];
        let scene = Scene::begun(std::slice::from_ref(&old));
        scene.lock(std::slice::from_ref(&new));
        let friends = Self { scene, key: key(9), wheel: new };
        friends.ledger(&friends.standing());
        friends.reviews(&[friends.review()]);
        friends
    }

    /// Their `ledger.toml` as it is in the beginning.
    pub(super) fn standing(&self) -> String {
        let crypto =
            "\n[[criteria]]\nname = \"crypto\"\ndescription = \"read by a cryptographer\"\n";
        let bad = violation(&wheel("evil", "1.0", 3));
        head(NAME) + crypto + &key_table(ALICE, &self.key) + &bad
    }

    pub(super) fn review(&self) -> Review {
        review(&self.wheel, None, &self.key)
    }

    pub(super) fn ledger(&self, text: &str) {
        self.scene.world.write("theirs/ledger.toml", text);
    }

    pub(super) fn reviews(&self, reviews: &[Review]) {
        self.scene.world.write("theirs/reviews.toml", format::write(reviews));
    }

    /// Takes them in, with all that they say.
    pub(super) fn add(&self, more: &[&str]) -> Run {
        self.scene.vet(&[&["import", "add", "theirs", "--name", "acme"], more].concat())
    }

    pub(super) fn taken_in() -> Self {
        let friends = Self::new();
        friends.add(&["--map-builtin", "--accept-keys"]).expect(0);
        friends
    }

    pub(super) fn ours(&self) -> String {
        self.scene.world.read("ledger/ledger.toml")
    }
}

#[test]
fn a_review_of_others_counts_once_their_key_and_criteria_do() {
    let friends = Friends::new();
    let vet = |code| {
        friends.scene.vet(&[]).expect(code);
    };
    vet(1);
    // Nothing counts that nobody said counts.
    let run = friends.add(&[]);
    run.expect(0).says("example.org/acme: 1 review, 1 violation, 1 key").says("ed25519:alice+");
    run.says("note[import-no-keys]").says("note[import-no-mapping]");
    vet(1);
    friends.scene.vet(&["import", "remove", "acme"]).expect(0);
    friends.add(&["--accept-keys"]).expect(0).never_says("import-no-keys");
    vet(1);
    friends.scene.vet(&["import", "remove", "acme"]).expect(0);
    friends.add(&["--map-builtin"]).expect(0).never_says("import-no-mapping");
    vet(1);
    friends.scene.vet(&["import", "remove", "acme"]).expect(0);
    assert!(!friends.scene.world.path("ledger/imports/acme").exists());
    friends.add(&["--map", "safe-to-deploy=safe-to-deploy", "--key", ALICE]).expect(0);
    vet(0);
    let listed = friends.scene.vet(&["import", "list"]);
    listed.expect(0).says("acme  ../theirs").says("fetched 2026-11-22: 1 review, 1 violation");
    listed.says("safe-to-deploy counts as safe-to-deploy").says("key of alice@example.org");
    let json = friends.scene.vet(&["import", "list", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.expect(0).stdout).expect("JSON");
    assert_eq!(json["imports"][0]["authors"][0], ALICE);
    // Without the network, and without what was fetched from.
    std::fs::remove_dir_all(friends.scene.world.path("theirs")).expect("a folder");
    vet(0);
    friends.scene.vet(&["import"]).expect(3).says("error[import-not-there]");
    friends.scene.vet(&["import", "remove", "nobody"]).expect(2).says("error[import-unknown]");
}

#[test]
fn options_that_mean_nothing_are_refused() {
    let friends = Friends::new();
    for (more, text) in [
        (["--key", "bob@example.org"], "has no key of `bob@example.org`"),
        (["--map", "crypto"], "is not THEIRS=OURS"),
        (["--map", "nothing=safe-to-run"], "`nothing` is no criterion of `example.org/acme`"),
        (["--map", "crypto=crypto"], "`crypto` is no criterion of"),
        (["--exclude", "*"], "is neither a project nor a beginning"),
    ] {
        friends.add(&more).expect(2).says("error[bad-option]").says(text);
    }
    let add = |name: &str| friends.scene.vet(&["import", "add", "theirs", "--name", name]);
    add("list").expect(2).says("is a command of `vet import`");
    for name in ["../x", "a/b", ".hidden", ""] {
        add(name).expect(2);
    }
    assert!(!friends.ours().contains("[[import]]"));
    assert!(!friends.scene.world.path("ledger/imports").exists());
    friends.add(&["--dry-run"]).expect(0).says("nothing was written");
    assert!(!friends.ours().contains("[[import]]"));
    add("acme").expect(0);
    add("Acme").expect(2).says("error[import-known]").says("vet import acme");
}

#[test]
fn what_is_new_is_shown_and_counts_only_where_its_key_does() {
    let friends = Friends::taken_in();
    friends.scene.vet(&["import"]).expect(0).says("acme (example.org/acme): nothing is new");
    let before = friends.ours();
    let (cup, bob) = (wheel("cup", "1.0", 4), key(10));
    let mut by_bob = review(&cup, None, &bob);
    by_bob.author = "bob@example.org".to_owned();
    friends.reviews(&[friends.review(), by_bob, review(&cup, None, &friends.key)]);
    let more = "\n[[criteria]]\nname = \"fast\"\ndescription = \"is fast\"\n";
    friends.ledger(&(friends.standing() + more + &key_table("bob@example.org", &bob)));
    let run = friends.scene.vet(&["import", "--dry-run"]);
    run.expect(0).says("acme (example.org/acme): 4 new").says("nothing was written");
    assert_eq!(friends.ours(), before);
    let run = friends.scene.vet(&["import", "acme"]);
    run.expect(0).says("+ review of cup 1.0 by alice@example.org, safe-to-deploy\n");
    run.says("+ review of cup 1.0 by bob@example.org, safe-to-deploy; does not count:");
    run.says("+ criterion fast: is fast");
    run.says("+ key of bob@example.org, ed25519:alice+").says("does not count here by itself");
    run.says("note[import-not-counting]: 1 of 2 reviews of `acme` do not count");
    assert!(!friends.ours().contains("bob@example.org"));
    friends.scene.vet(&["import"]).expect(0).says("nothing is new");
    friends.scene.vet(&["import", "acme", "other"]).expect(2).says("error[import-unknown]");
}

#[test]
fn a_violation_that_hits_the_lock_is_told_at_once() {
    let friends = Friends::taken_in();
    friends.scene.vet(&[]).expect(0);
    friends.ledger(&(friends.standing() + &violation(&friends.wheel)));
    let run = friends.scene.vet(&["import"]);
    run.expect(1).says("error[import-violation]: `acme` knows jug-2.1").says("pylock.toml:");
    run.says("sends keys away");
    // It was taken in all the same, and counts.
    friends.scene.vet(&[]).expect(1).says("sends keys away");
    friends.scene.vet(&["import"]).expect(0).says("nothing is new");
}

#[test]
fn what_an_import_alone_called_bad_stays_bad_when_it_goes() {
    let friends = Friends::taken_in();
    friends.ledger(&(friends.standing() + &violation(&friends.wheel)));
    friends.scene.vet(&["import"]).expect(1).says("error[import-violation]");
    friends.scene.vet(&[]).expect(1).says("known bad");
    // A copy that is not what was fetched does not say what would have to stay bad.
    let theirs = friends.scene.world.read("ledger/imports/acme/ledger.toml");
    friends.scene.world.write("ledger/imports/acme/ledger.toml", "other");
    let run = friends.scene.vet(&["import", "remove", "acme"]);
    run.expect(1).says("error[import-changed-on-disk]").says("has to stay bad");
    friends.scene.world.write("ledger/imports/acme/ledger.toml", theirs);
    let run = friends.scene.vet(&["import", "remove", "acme"]);
    run.expect(0)
        .says("a violation is taken over into ledger.toml: jug 2.1 (1 file), taken over from");
    friends.scene.add(&[friends.review()]);
    friends.scene.vet(&[]).expect(1).says("known bad").says("from `acme` (example.org/acme)");
    let ours = friends.ours();
    assert_eq!(ours.matches("[[violation]]").count(), 2, "{ours}");
    // Once more, nothing is taken over twice.
    friends.add(&[]).expect(1);
    let run = friends.scene.vet(&["import", "remove", "acme"]);
    run.expect(0).never_says("taken over");
    assert_eq!(friends.ours().matches("[[violation]]").count(), 2);
}

#[test]
fn what_an_import_takes_back_stays_bad_here() {
    let friends = Friends::taken_in();
    friends.ledger(&(friends.standing() + &violation(&friends.wheel)));
    friends.scene.vet(&["import"]).expect(1);
    friends.ledger(&friends.standing());
    friends.scene.vet(&["import"]).expect(1).says("error[import-violation-withdrawn]");
    let run = friends.scene.vet(&["import", "--accept-changes", "they were wrong"]);
    run.expect(0).says("a violation is taken over into ledger.toml: jug 2.1 (1 file)");
    friends.scene.vet(&[]).expect(1).says("known bad").says("from `acme` (example.org/acme)");
    friends.scene.vet(&["import"]).expect(0).says("nothing is new");
}

/// Changes something of what they said, and expects the code and the place; nothing is stored.
#[track_caller]
fn refused(change: impl FnOnce(&Friends), code: &str, places: &[&str]) {
    let friends = Friends::taken_in();
    let before = friends.ours();
    let files = crate::support::snapshot(&friends.scene.world.path("ledger/imports"));
    change(&friends);
    let run = friends.scene.vet(&["import"]);
    run.expect(1).says(&format!("error[{code}]: `acme` changed its past: "));
    for place in places {
        run.says(place);
    }
    assert_eq!(friends.ours(), before);
    assert_eq!(crate::support::snapshot(&friends.scene.world.path("ledger/imports")), files);
    // What it was is what still counts.
    friends.scene.vet(&[]).expect(0);
    // For a reason it is taken over, and the reason stays.
    let run = friends.scene.vet(&["import", "--accept-changes", "they told us why"]);
    run.expect(0).says("of its past changed");
    let ours = friends.ours();
    let remark = "# 2026-11-22: changes of its past accepted: they told us why\n[[import]]";
    assert!(ours.contains(remark), "{ours}");
    friends.scene.vet(&["import"]).expect(0).says("nothing is new");
}

#[test]
fn a_review_that_is_gone_or_altered_is_refused() {
    let before = "ledger/imports/acme/reviews.toml:4:1";
    let gone = |it: &Friends| it.reviews(&[]);
    refused(gone, "import-review-gone", &[before, "it is not there any more"]);
    let altered = |it: &Friends| {
        let mut review = it.review();
        review.criteria = vec![CriterionName::parse("safe-to-run").expect("a name")];
        review.signature =
            Some(countermark_ledger::signature::sign(&review, &it.key).expect("a signature"));
        it.reviews(&[review]);
    };
    let now = "theirs/reviews.toml:4:1";
    refused(altered, "import-review-altered", &[before, now, "safe-to-deploy, now safe-to-run"]);
    let unsigned = |it: &Friends| {
        it.reviews(&[Review { signature: None, ..it.review() }]);
    };
    refused(unsigned, "import-signature-replaced", &[before, now]);
}

#[test]
fn what_their_ledger_said_stays() {
    let file = "ledger/imports/acme/ledger.toml:";
    let replace = |from: &'static str, to: &'static str| {
        move |it: &Friends| it.ledger(&it.standing().replace(from, to))
    };
    refused(replace("acme", "other"), "import-renamed", &[file, "theirs/ledger.toml:1:1"]);
    let other = replace("a cryptographer", "a friend");
    refused(other, "import-criterion-changed", &[file, "its description is another text"]);
    let implies = replace("grapher\"\n", "grapher\"\nimplies = [\"safe-to-deploy\"]\n");
    refused(implies, "import-criterion-changed", &[file, "implied nothing, now safe-to-deploy"]);
    let gone = |it: &Friends| it.ledger(&(head(NAME) + &key_table(ALICE, &it.key)));
    refused(gone, "import-criterion-gone", &[file]);
    refused(gone, "import-violation-withdrawn", &[file, "sends keys away"]);
    let no_key = |it: &Friends| {
        let key = key_table(ALICE, &it.key);
        it.ledger(&it.standing().replace(&key, ""));
    };
    refused(no_key, "import-key-gone", &[file, "it is not there any more"]);
    let other_key = |it: &Friends| {
        let (old, new) = (key_table(ALICE, &it.key), key_table(ALICE, &key(11)));
        it.ledger(&it.standing().replace(&old, &new));
    };
    refused(other_key, "import-key-replaced", &[file, "theirs/ledger.toml:"]);
}

#[test]
fn a_key_that_ends_there_ends_here() {
    let friends = Friends::taken_in();
    let key = key_table(ALICE, &friends.key);
    let ended = format!("{key}until = 2026-10-01\n");
    friends.ledger(&friends.standing().replace(&key, &ended));
    friends.scene.vet(&["import"]).expect(0).says("last day 2026-10-01");
    assert!(friends.ours().contains("until = 2026-10-01"));
    // The review is of a later day.
    friends.scene.vet(&[]).expect(1).says("counts until 2026-10-01");
    // That it goes on there is no reason that it does here.
    friends.ledger(&friends.standing());
    friends.scene.vet(&["import"]).expect(0).says("no last day");
    assert!(friends.ours().contains("until = 2026-10-01"));
}

#[test]
fn people_keep_their_comments() {
    let friends = Friends::taken_in();
    let ours = friends.ours().replace("[[import]]", "# Our friends.\n[[import]]");
    friends.scene.world.write("ledger/ledger.toml", &ours);
    friends.reviews(&[friends.review(), review(&wheel("cup", "1.0", 4), None, &friends.key)]);
    friends.scene.vet(&["import"]).expect(0);
    assert!(friends.ours().contains("# Our friends.\n[[import]]\nname = \"acme\"\n"));
}
