//! The forms of the reports: schemas, what terminals may show, SARIF.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use countermark_ledger::report::{
    Report, explain, explain_json, json, sarif, suggest as suggest_text, suggest_json, text,
};
use countermark_ledger::suggest::{Follow, Offer, Plan, suggest};
use countermark_report::harmless::acts;
use serde_json::Value;

use super::plans::Lines;
use super::world::{World, place};

/// Texts that act on terminals, break tables and call people.
const HOSTILE: &str = "a\u{1b}[2J | <img src=x> [x](y) @all `b` \u{202e} ]]> {0} \"q\" \\";

/// Everything that a report can say.
fn full() -> World {
    World::of(&[
        "key of alice with accounts alice-at-index",
        "key of bob",
        "file A of flask 1.0",
        "file S of flask 1.1 called flask-1.1.tar.gz",
        "file B of flask 1.1",
        "file C of flask 1.2",
        "file D of jinja2 1.0",
        "file E of jinja2 1.1",
        "file G of jinja2 1.2",
        "file H of evil 1.0",
        "import acme, safe-to-deploy as safe-to-deploy",
        "acme: key of dora",
        "acme: dora reviews A as safe-to-deploy, until 2027-01-01",
        "bob reviews S as safe-to-deploy",
        "S covers B but for x.so",
        "bob reviews the compiled parts of B as safe-to-deploy",
        "bob reviews B to C as safe-to-deploy",
        "exempt D as safe-to-deploy because it was there",
        "trust github:j/j/r.yml for jinja2 as safe-to-deploy from 2026-01-01 until 2026-12-31",
        "fact E, by github:j/j/r.yml, on 2026-02-01, after D by github:j/j/r.yml",
        "fact G, by github:x/x/r.yml, on 2026-02-01",
        "roles of jinja2: alice-at-index",
        "alice reviews G as safe-to-deploy",
        "bob reviews G as safe-to-deploy, unsigned",
        "file Q of quart 1.0",
        "file R of quart 1.1",
        "file T of quart 1.1 called quart-1.1.tar.gz",
        "bob reviews Q to R as safe-to-deploy",
        "T does not cover R, which has evil.py",
        "acme: violation H because it sends away keys",
        "lock A S B C D E G H R",
    ])
}

fn hostile() -> World {
    let mut world = full();
    world.ledger.name = HOSTILE.to_owned();
    for known in world.files.values_mut() {
        known.id.name = format!("{HOSTILE}{}", known.id.name);
    }
    for (review, _) in world.own.reviews.iter_mut().zip(0..) {
        review.files.iter_mut().for_each(|it| it.name = HOSTILE.to_owned());
    }
    world.own.file = HOSTILE.to_owned();
    let (ledger, _) = world.imports.get_mut("acme").unwrap();
    ledger.violations[0].reason = HOSTILE.to_owned();
    ledger.violations[0].place = place(HOSTILE, 1);
    world.ledger.exemptions[0].reason = Some(HOSTILE.to_owned());
    world.relations.iter_mut().for_each(|it| {
        it.from.name = HOSTILE.to_owned();
        it.unexplained.iter_mut().for_each(|it| *it = HOSTILE.to_owned());
    });
    world.facts.files.iter_mut().for_each(|it| {
        it.adds.push(HOSTILE.to_owned());
        it.publisher = it.publisher.take().map(|it| it.replace("github:x", HOSTILE));
    });
    world
}

fn report(world: &World) -> Report {
    Report {
        on: world.today,
        ledger: world.ledger.name.clone(),
        subjects: vec![world.own.file.replace("reviews", "pylock")],
        judgements: world.check(),
        unjudged: Vec::new(),
        notes: vec![world.ledger.name.clone()],
    }
}

fn plan(world: &World) -> Plan {
    let costs = Lines(BTreeMap::new());
    let offer = Offer {
        name: world.ledger.name.clone(),
        url: world.own.file.clone(),
        files: BTreeMap::from([(
            world.file("R").id.digest,
            std::iter::once(super::world::criterion("safe-to-deploy")).collect(),
        )]),
    };
    let mut plan =
        world.with(|checker| suggest(checker, &checker.check(&world.subjects()), &costs, &[offer]));
    // As a plan by release has them.
    let (by, file) = (world.file("R"), world.file("R").id.clone());
    plan.follow.push(Follow {
        project: by.project.clone(),
        version: by.version.clone(),
        by: by.id.clone(),
        files: vec![file],
    });
    plan
}

fn documents(world: &World) -> [(&'static str, String); 3] {
    let report = report(world);
    [
        (json::SCHEMA, json::write(&report)),
        (
            explain_json::SCHEMA,
            explain_json::write(world.today, &report.ledger, &report.judgements),
        ),
        (suggest_json::SCHEMA, suggest_json::write(world.today, &report.ledger, &plan(world))),
    ]
}

fn errors(validator: &jsonschema::Validator, text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).unwrap();
    let errors = validator.iter_errors(&value);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn nothing_that_acts_leaves() {
    for world in [full(), hostile(), World::new()] {
        let report = report(&world);
        let mut texts = vec![
            text::write(&report, text::Options { colors: false, all: true }),
            text::write(&report, text::Options::default()),
            explain::write(&report.judgements),
            suggest_text::write(&plan_or_nothing(&world)),
            sarif::write(&report),
        ];
        if !world.files.is_empty() {
            texts.extend(documents(&world).map(|(_, text)| text));
        }
        for text in texts {
            let found = text.chars().find(|&c| c != '\n' && acts(c));
            assert_eq!(found, None, "{text}");
        }
    }
}

fn plan_or_nothing(world: &World) -> Plan {
    if world.files.is_empty() { Plan::default() } else { plan(world) }
}

/// Every way to each member of objects, once for each shape.
fn members(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| {
            found.push(format!("{at}/{name}"));
            members(value, &format!("{at}/{name}"), found);
        }),
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(number, it)| members(it, &format!("{at}/{number}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_schemas_say_what_is_written() {
    for world in [full(), hostile()] {
        for (schema, text) in documents(&world) {
            let validator =
                jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
            assert_eq!(errors(&validator, &text), [""; 0]);
        }
    }
    for (schema, text) in documents(&full()) {
        let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
        let good: Value = serde_json::from_str(&text).unwrap();
        let mut ways = Vec::new();
        members(&good, "", &mut ways);
        // Nothing that is written may be left out, and nothing may be of another kind.
        for way in ways {
            let (parent, name) = way.rsplit_once('/').unwrap();
            let mut less = good.clone();
            less.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
            assert!(!validator.is_valid(&less), "without {way}");
            let mut other = good.clone();
            *other.pointer_mut(&way).unwrap() = serde_json::json!(-1.5);
            assert!(!validator.is_valid(&other), "another {way}");
        }
    }
}

#[test]
fn the_reports_of_everything() {
    let report = report(&full());
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("report.text", text::write(&report, text::Options { colors: false, all: true }));
        insta::assert_snapshot!("report.short", text::write(&report, text::Options::default()));
        insta::assert_snapshot!("report.explain", explain::write(&report.judgements));
        insta::assert_snapshot!("report.sarif", sarif::write(&report));
        insta::assert_snapshot!("report.suggest", suggest_text::write(&plan(&full())));
    });
}

#[expect(clippy::disallowed_methods, reason = "cargo knows where the sources of others are")]
fn cargo(arguments: &[&str]) -> Vec<u8> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The official schema, as the crate `serde-sarif` brings it.
static OFFICIAL: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let about = String::from_utf8(cargo(&["-vV"])).unwrap();
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let options = ["metadata", "--format-version", "1", "--offline", "--filter-platform", host];
    let metadata: Value = serde_json::from_slice(&cargo(&options)).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").unwrap();
    let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
    #[expect(clippy::disallowed_methods, reason = "the schema of others is not in this repository")]
    let schema = std::fs::read(manifest.with_file_name("src").join("schema.json")).unwrap();
    let mut schema: Value = serde_json::from_slice(&schema).unwrap();
    // Its pattern of languages is no regular expression; nothing here has a language.
    for at in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{at}/properties/language"));
        language.unwrap().as_object_mut().unwrap().remove("pattern").unwrap();
    }
    jsonschema::validator_for(&schema).unwrap()
});

#[test]
fn the_official_schema_of_sarif_accepts_it() {
    for world in [full(), hostile(), World::new()] {
        assert_eq!(errors(&OFFICIAL, &sarif::write(&report(&world))), [""; 0]);
    }
    let mut wrong: Value = serde_json::from_str(&sarif::write(&report(&full()))).unwrap();
    wrong["runs"][0]["results"][0]["level"] = "urgent".into();
    assert!(!OFFICIAL.is_valid(&wrong));
}
