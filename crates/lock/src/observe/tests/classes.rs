//! Each class, and the change of one digest that makes it an alarm.

use super::*;

const WHEEL: &str = "teapot-1.2-py3-none-any.whl";
const SDIST: &str = "teapot-1.2.tar.gz";
const LINUX: &str = "teapot-1.2-cp312-cp312-manylinux_2_28_x86_64.whl";
const MACOS: &str = "teapot-1.2-cp312-cp312-macosx_11_0_arm64.whl";

/// The same release in a lock with names.
fn named(place: &str) -> Statement {
    statement(place, "1.2", &[(WHEEL, 1), (SDIST, 2)])
}

#[test]
fn what_agrees_is_nothing() {
    check(&[named("a:uv.lock"), named("b:uv.lock")], &[]);
    // Another version has other files.
    let other = statement("c:uv.lock", "1.3", &[("teapot-1.3.tar.gz", 3)]);
    check(&[named("a:uv.lock"), other], &[]);
    // A digest of another kind cannot be compared.
    let mut weak = named("b:uv.lock");
    weak.files = vec![Stated {
        file: Some(WHEEL.to_owned()),
        digest: Digest::parse_hex(Algorithm::Md5, "1f3870be274f6c49b3e31a0c6728957f").unwrap(),
    }];
    check(&[named("a:uv.lock"), weak], &[]);
}

#[test]
fn one_file_with_two_digests_is_the_alarm() {
    let changed = statement("b:poetry.lock", "1.2", &[(WHEEL, 9), (SDIST, 2)]);
    let found = check(
        &[named("a:uv.lock"), named("c:uv.lock"), changed],
        &[&format!("two-digests {WHEEL}")],
    );
    let sides: Vec<_> = found[0].sides.iter().map(|side| (side.locks, &side.digests[0])).collect();
    assert_eq!(sides, [(2, &digest(1)), (1, &digest(9))]);
    assert_eq!(found[0].sides[1].pins[0].lock.to_string(), "b:poetry.lock");
    assert!(class::find("two-digests").unwrap().is_alarm());
    assert_eq!(class::all().filter(|class| class.is_alarm()).count(), 1);
}

#[test]
fn the_past_of_one_lock_is_compared_with_its_present() {
    let before = named("a:uv.lock").on("01-01");
    let after = statement("a:uv.lock", "1.2", &[(WHEEL, 9), (SDIST, 2)]).on("03-01");
    let found = check(&[before, after], &[&format!("two-digests {WHEEL}")]);
    let dates = found[0].sides.iter().map(|side| side.pins[0].at.date.unwrap().to_string());
    assert_eq!(dates.collect::<Vec<_>>(), ["2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"]);
}

#[test]
fn one_lock_alone_can_contradict_itself() {
    let twice = statement("a:uv.lock", "1.2", &[(WHEEL, 1), (WHEEL, 9), (SDIST, 2)]);
    check(&[twice], &[&format!("two-digests {WHEEL}")]);
    let only = statement("a:uv.lock", "1.2", &[(WHEEL, 1), (WHEEL, 9)]);
    check(&[only], &[&format!("two-digests {WHEEL}")]);
}

#[test]
fn a_set_that_grew() {
    let before = statement("a:requirements.txt", "1.2", &[("", 1), ("", 2)]).on("01-01");
    let after = statement("b:requirements.txt", "1.2", &[("", 1), ("", 2), ("", 3)]).on("05-01");
    check(&[before.clone(), after.clone()], &["grown-set -"]);
    // One of the old digests is another one now.
    let changed = statement("c:requirements.txt", "1.2", &[("", 9), ("", 2), ("", 3)]).on("05-02");
    check(&[before, after, changed], &["two-digests -", "grown-set -", "platform-subset -"]);
}

#[test]
fn a_part_of_a_set() {
    let all = statement("a:uv.lock", "1.2", &[(LINUX, 1), (MACOS, 2), (SDIST, 3)]).on("01-01");
    let linux = statement("b:requirements.txt", "1.2", &[("", 1), ("", 3)]).on("02-01");
    check(&[all.clone(), linux], &["platform-subset -"]);
    let other = statement("b:requirements.txt", "1.2", &[("", 1), ("", 3)]);
    let macos = statement("c:requirements.txt", "1.2", &[("", 2), ("", 3)]);
    // Somebody knows both: they are two files.
    check(&[all.clone(), other.clone(), macos.clone()], &["platform-subset -"]);
    // The wheel of a platform that nobody else knows may be in place of that of another one.
    let linux = statement("a:pdm.lock", "1.2", &[(LINUX, 1), (SDIST, 3)]);
    check(&[linux, macos.clone()], &["platform-subset -"]);
    // A lock that has wheels of several systems is not one for a single system.
    let elsewhere =
        [("kettle-2-cp312-cp312-win_amd64.whl", 40), ("kettle-2-cp312-cp312-linux_x86_64.whl", 41)];
    let kettle = statement("d:uv.lock", "2", &elsewhere).of("kettle");
    let hashes = statement("c:requirements.txt", "2", &[("", 40), ("", 41)]).of("kettle");
    let linux = statement("a:pdm.lock", "1.2", &[(LINUX, 1), (SDIST, 3)]);
    check(&[linux, macos, kettle, hashes], &["two-digests -"]);
}

#[test]
fn a_digest_in_place_of_another_in_a_set() {
    let set = statement("b:requirements.txt", "1.2", &[("", 9), ("", 2)]);
    let found = check(&[named("a:uv.lock"), set.clone()], &["two-digests -"]);
    assert_eq!(found[0].sides.len(), 2);
    assert_eq!(found[0].sides.iter().map(|it| it.digests.len()).sum::<usize>(), 2);
    // Without any name it is the same.
    let right = statement("c:requirements.txt", "1.2", &[("", 1), ("", 2)]);
    check(&[right.clone(), set.clone()], &["two-digests -"]);
    // A third set with both says that they are two files.
    let both = statement("d:requirements.txt", "1.2", &[("", 1), ("", 2), ("", 9)]);
    check(&[right, set, both], &["platform-subset -"]);
    // More differs than is the same: nothing is shown.
    let far = statement("c:requirements.txt", "1.2", &[("", 5), ("", 6), ("", 2)]);
    let near = statement("d:requirements.txt", "1.2", &[("", 7), ("", 8), ("", 2)]);
    check(&[far, near], &["platform-subset -"]);
    // Names say which file it is: this is by name, and said once.
    let changed = statement("b:poetry.lock", "1.2", &[(WHEEL, 9), (SDIST, 2)]);
    let right = statement("c:requirements.txt", "1.2", &[("", 1), ("", 2)]);
    check(&[named("a:uv.lock"), changed, right], &[&format!("two-digests {WHEEL}")]);
}

#[test]
fn sets_with_nothing_in_common() {
    let one = statement("a:requirements.txt", "1.2", &[("", 1)]);
    let other = statement("b:requirements.txt", "1.2", &[("", 2)]);
    check(&[one.clone(), other.clone()], &["disjoint-sets -"]);
    // A third lock knows that they are two files.
    check(&[one.clone(), other.clone(), named("c:uv.lock")], &["platform-subset -"]);
    let both = statement("c:requirements.txt", "1.2", &[("", 1), ("", 2)]);
    check(&[one.clone(), other, both], &["platform-subset -"]);
    // The page of the index proves it.
    let page = listing(&[(WHEEL, 1), (SDIST, 2)]);
    let changed = statement("b:requirements.txt", "1.2", &[("", 9)]);
    check(&[one, page, changed], &["two-digests -", "disjoint-sets -", "grown-set -"]);
}

fn listing(files: &[(&str, u8)]) -> Statement {
    let mut page = statement("listing:teapot.json", "1.2", files);
    page.format = LISTING.to_owned();
    page
}

#[test]
fn what_the_index_does_not_list() {
    let page = || listing(&[(WHEEL, 1), (SDIST, 2)]);
    let added = statement("b:requirements.txt", "1.2", &[("", 1), ("", 2), ("", 9)]);
    check(&[page(), added], &["unlisted-digest -"]);
    let replaced = statement("b:requirements.txt", "1.2", &[("", 1), ("", 9)]);
    check(&[page(), replaced], &["two-digests -"]);
    let named = statement("b:uv.lock", "1.2", &[(WHEEL, 9), (SDIST, 2)]);
    check(&[page(), named], &[&format!("two-digests {WHEEL}")]);
    let deleted = statement("b:uv.lock", "1.2", &[(WHEEL, 1), (MACOS, 9)]);
    check(&[page(), deleted], &["unlisted-digest -"]);
    let fewer = statement("b:requirements.txt", "1.2", &[("", 1)]);
    check(&[page(), fewer], &["grown-set -"]);
}

/// A lock whose writer gives every digest of a release to one name.
fn defective() -> Vec<Statement> {
    let of = |project: &str, seed: u8| {
        let name = format!("{project}-1.2-py3-none-any.whl");
        let files = [(name.as_str(), seed), (name.as_str(), seed + 1)];
        statement("odd:odd.lock", "1.2", &files).of(project)
    };
    vec![of("jug", 50), of("kettle", 52), of("lamp", 54)]
}

#[test]
fn a_writers_defect() {
    let defects: Vec<String> = ["jug", "kettle", "lamp"]
        .iter()
        .map(|project| format!("writer-defect {project}-1.2-py3-none-any.whl"))
        .collect();
    let mut expect: Vec<&str> = defects.iter().map(String::as_str).collect();
    check(&defective(), &expect);
    // What others know of one of the files is no disagreement.
    let mut all = defective();
    let right =
        statement("a:uv.lock", "1.2", &[("jug-1.2-py3-none-any.whl", 51), ("jug-1.2.tar.gz", 50)]);
    all.push(right.of("jug"));
    check(&all, &expect);
    // In such a lock, too, a digest in place of another one is an alarm …
    all[0].files[0].digest = digest(99);
    expect.insert(0, "two-digests -");
    check(&all, &expect);
    // … and one digest under the name of a file that has another one.
    let teapot = statement("odd:odd.lock", "1.2", &[(WHEEL, 9)]);
    let mut all = [defective(), vec![teapot.clone(), named("a:uv.lock")]].concat();
    check_some(&all, "two-digests teapot-1.2-py3-none-any.whl");
    // That of another file of the release is the writer's.
    all[3] = statement("odd:odd.lock", "1.2", &[(WHEEL, 2)]);
    let findings = check_some(&all, "writer-defect teapot-1.2-py3-none-any.whl");
    assert!(findings.iter().all(|finding| finding.class != "two-digests"), "{findings:#?}");
    // Two entries are no habit: one lock with one such entry contradicts itself.
    check_some(&defective()[..2], "two-digests jug-1.2-py3-none-any.whl");
    // Unless others know each digest, as those of several files.
    let jug =
        statement("b:uv.lock", "1.2", &[("jug-1.2-py3-none-any.whl", 50), ("jug-1.2.tar.gz", 51)]);
    check(&[defective()[0].clone(), jug.of("jug")], &["writer-defect jug-1.2-py3-none-any.whl"]);
}

#[track_caller]
fn check_some(statements: &[Statement], expect: &str) -> Vec<Finding> {
    let findings = compare(statements);
    let shown =
        |finding: &Finding| format!("{} {}", finding.class, finding.file.as_deref().unwrap_or("-"));
    assert!(findings.iter().any(|finding| shown(finding) == expect), "{findings:#?}");
    findings
}

#[test]
fn a_fixture() {
    // A digest that no file has, wherever it stands.
    let mut zero = named("b:uv.lock");
    zero.files[0].digest = Digest::parse_hex(Algorithm::Sha256, &"0".repeat(64)).unwrap();
    let name = zero.files[0].file.clone().unwrap();
    check(&[named("a:uv.lock"), zero], &[&format!("fixture {name}")]);
    // Two tests that made their own release.
    let of = |place, seed| statement(place, "9.9", &[("demo-9.9.tar.gz", seed)]).of("demo");
    let tests = [of("a:tests/one/uv.lock", 1), of("b:tests/two/uv.lock", 2)];
    check(&tests, &["fixture demo-9.9.tar.gz"]);
    // Somebody pins that release for real.
    let real = [tests.to_vec(), vec![of("c:uv.lock", 1)]].concat();
    check(&real, &["two-digests demo-9.9.tar.gz"]);
}

#[test]
fn a_lock_of_tests_with_one_changed_digest_is_no_fixture() {
    for path in ["tests/requirements.lock", "tests/fixtures/uv.lock", "testdata/uv.lock"] {
        let place = format!("b:{path}");
        let mut lock = vec![statement(&place, "1.2", &[(WHEEL, 9), (SDIST, 2)])];
        lock.push(statement(&place, "3", &[("kettle-3.tar.gz", 30)]).of("kettle"));
        let kettle = statement("a:uv.lock", "3", &[("kettle-3.tar.gz", 30)]).of("kettle");
        let all = [lock.clone(), vec![kettle.clone(), named("a:uv.lock")]].concat();
        check(&all, &[&format!("two-digests {WHEEL}")]);
        if path.starts_with("tests/req") {
            continue;
        }
        // Wrong about everything, it is made up.
        let mut all = all;
        all[1].files[0].digest = digest(31);
        check(&all, &["fixture kettle-3.tar.gz", &format!("fixture {WHEEL}")]);
    }
}

#[test]
fn a_lock_of_tests_that_contradicts_itself_again_and_again() {
    let of = |path: &str, changed: bool| {
        let twice = |project: &str, seed: u8| {
            let name = format!("{project}-3.tar.gz");
            let wheel = format!("{project}-3-py3-none-any.whl");
            let other = if changed { seed + 20 } else { seed };
            let files = [(name.as_str(), seed), (name.as_str(), other), (wheel.as_str(), seed + 1)];
            let wheels = [(wheel.as_str(), if changed { seed + 21 } else { seed + 1 })];
            statement(path, "3", &[&files[..], &wheels[..]].concat()).of(project)
        };
        vec![twice("jug", 30), twice("lamp", 33)]
    };
    let real = of("a:uv.lock", false);
    let files =
        ["jug-3-py3-none-any.whl", "jug-3.tar.gz", "lamp-3-py3-none-any.whl", "lamp-3.tar.gz"];
    let all = |class: &str| files.map(|file| format!("{class} {file}"));
    let expect = |class: &str| all(class).into_iter().collect::<Vec<String>>();
    let made_up = [of("b:tests/fixtures/uv.lock", true), real.clone()].concat();
    check(&made_up, &expect("fixture").iter().map(String::as_str).collect::<Vec<_>>());
    // Once is somebody's hand.
    let mut one = [of("b:tests/fixtures/uv.lock", false), real.clone()].concat();
    one[0].files.extend(statement("b:x", "3", &[("jug-3.tar.gz", 50)]).files);
    check(&one, &["two-digests jug-3.tar.gz"]);
    // Elsewhere it is what it looks like.
    let installed = [of("b:tests/uv.lock", true), real].concat();
    check(&installed, &expect("two-digests").iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_private_rebuild() {
    let own = Origin::Index("https://packages.example.org/simple".to_owned());
    let rebuilt = statement("b:uv.lock", "1.2", &[(WHEEL, 9)]).from(own.clone());
    check(&[named("a:uv.lock"), rebuilt.clone()], &[&format!("private-rebuild {WHEEL}")]);
    // In one place the question stays open.
    let other = statement("c:uv.lock", "1.2", &[(WHEEL, 8)]).from(own.clone());
    check(
        &[named("a:uv.lock"), rebuilt.clone(), other],
        &[&format!("two-digests {WHEEL}"), &format!("private-rebuild {WHEEL}")],
    );
    // A place that has what everybody has is a mirror, and this file is wrong there.
    let shared = |place: &str, origin: &Origin| {
        let files = [("jug-3.tar.gz", 30), ("jug-3-py3-none-any.whl", 31)];
        [
            statement(place, "3", &files).of("jug").from(origin.clone()),
            statement(place, "4", &[("lamp-4.tar.gz", 40)]).of("lamp").from(origin.clone()),
        ]
    };
    let mut all = vec![named("a:uv.lock"), rebuilt];
    all.extend(shared("a:uv.lock", &Origin::Default));
    all.extend(shared("b:uv.lock", &own));
    check_some(&all, &format!("two-digests {WHEEL}"));
    // One shared file less, and nothing shows that it is a mirror.
    all.pop();
    all.push(statement("b:uv.lock", "4", &[("lamp-4.tar.gz", 41)]).of("lamp").from(own));
    let findings = check_some(&all, &format!("private-rebuild {WHEEL}"));
    assert!(findings.iter().all(|finding| finding.class != "two-digests"), "{findings:#?}");
}

#[test]
fn local_versions_and_files_on_disk() {
    let of = |place, seed| statement(place, "1.2+ours", &[("teapot-1.2+ours.tar.gz", seed)]);
    check(&[of("a:r.txt", 1), of("b:r.txt", 2)], &["private-rebuild teapot-1.2+ours.tar.gz"]);
    // In one lock it is one place.
    check(
        &[of("a:r.txt", 1).on("01-01"), of("a:r.txt", 2).on("02-01")],
        &["two-digests teapot-1.2+ours.tar.gz"],
    );
    let disk = statement("b:uv.lock", "1.2", &[(WHEEL, 9)]).from(Origin::Local);
    check(&[named("a:uv.lock"), disk], &[&format!("private-rebuild {WHEEL}")]);
    let url =
        |host: &str| statement("b:r.txt", "1.2", &[(WHEEL, 9)]).from(Origin::Url(host.to_owned()));
    let mut known = named("a:uv.lock");
    known.host = Some("files.example.org".to_owned());
    check(&[known.clone(), url("other.example.org")], &[&format!("private-rebuild {WHEEL}")]);
    // A URL to where everybody's files are is no other place.
    check_some(&[known, url("files.example.org")], &format!("two-digests {WHEEL}"));
}

#[test]
fn pins_make_the_statements_that_they_came_of() {
    let statements = [named("a:uv.lock").on("01-01"), named("b:uv.lock")];
    let pins = statements.iter().flat_map(Statement::pins);
    assert_eq!(Statements::of_pins(pins).into_vec(), statements);
}

#[test]
fn what_is_said_again_is_one_statement() {
    let mut all = Statements::default();
    for day in ["02-01", "01-01", "03-01"] {
        all.add(named("a:uv.lock").on(day));
    }
    let [one] = &all.into_vec()[..] else { panic!("one statement") };
    assert_eq!(one.versions, 3);
    let day = |moment: &Moment| moment.date.unwrap().to_string();
    assert_eq!(
        (day(&one.first), day(&one.last)),
        ("2026-01-01T00:00:00Z".into(), "2026-03-01T00:00:00Z".into())
    );
}
