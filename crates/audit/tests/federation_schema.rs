//! The JSON Schema of `federation.toml` and its reader accept and refuse the same documents.

use countermark_audit::federation::parse::parse_with;
use countermark_audit::federation::{CUSTODY_STATES, RECORD_KINDS, SCHEMA, SERVICE_KINDS};
use serde_json::Value;

const RULES: &[&str] = &["rogue-release"];

/// What an editor gives to the schema: days as texts.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(datetime) => datetime.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            table.into_iter().map(|(key, value)| (key, json(value))).collect()
        }
    }
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    assert!(jsonschema::meta::is_valid(&schema), "the schema is no schema");
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
}

fn schema_accepts(validator: &jsonschema::Validator, text: &str) -> bool {
    let table: toml::Table = toml::from_str(text).expect("TOML");
    validator.is_valid(&json(toml::Value::Table(table)))
}

fn reader_accepts(text: &str) -> bool {
    parse_with("federation.toml", text, RULES).is_ok()
}

/// `text` is good; each of the replacements makes it bad.
struct Case {
    text: &'static str,
    mutations: &'static [(&'static str, &'static str)],
}

const CASES: &[Case] = &[
    Case { text: "", mutations: &[("", "x = 1"), ("", "[[federation]]"), ("", "federation = 1")] },
    Case {
        text: "[federation]\nname = 'Teapots'\ncontact = 'pots@example.org'\n",
        mutations: &[
            ("name", "nmae"),
            ("'Teapots'", "1"),
            ("'Teapots'", "['a']"),
            ("'Teapots'", "''"),
            ("'Teapots'", "' '"),
            ("'Teapots'", "\"a\\u202eb\""),
            ("'Teapots'", "\"a\\u0007b\""),
            ("[federation]", "[federations]"),
        ],
    },
    Case {
        text: "[[records]]\nkind = 'git-tags'\npath = '../pot'\nproject = 'pot'\ntag-prefix = 'v'\n\
               official = false\nlimit-mib = 512\ndate = 2026-01-01\n",
        mutations: &[
            ("kind = 'git-tags'\n", ""),
            ("git-tags", "git-tag"),
            ("git-tags", "Git-Tags"),
            ("path = '../pot'\n", ""),
            ("path = '../pot'", "path = 1"),
            ("path = '../pot'", "path = '../pot'\nurl = 'https://example.org'"),
            ("'pot'", "'p t'"),
            ("tag-prefix", "tag_prefix"),
            ("tag-prefix = 'v'", "tag-prefix = 1.5"),
            ("tag-prefix = 'v'", "tag-prefix = ''"),
            ("tag-prefix = 'v'", "tag-prefix = ['v']"),
            ("[[records]]", "[records]"),
        ],
    },
    Case {
        text: "[[records]]\nkind = 'artifact-host'\nurl = 'https://example.org/pots/'\n",
        mutations: &[
            ("https://", "ftp://"),
            ("https://", "https://me:secret@"),
            ("https://example.org/pots/", "https:///pots/"),
            ("example.org/pots", "example.org/my pots"),
            ("https://", ""),
        ],
    },
    Case {
        text: "[projects]\nnames = ['tea.pot', 'Tea_cup']\nexclude = ['urn']\n",
        mutations: &[
            ("['urn']", "'urn'"),
            ("'urn'", "1"),
            ("'urn'", "'-urn'"),
            ("'urn'", "'ürn'"),
            ("'urn'", "''"),
            ("'urn'", "'urn', 'urn'"),
            ("exclude", "excluded"),
        ],
    },
    Case {
        text: "[accounts]\nrelease = ['robot']\nowners = ['robot', 'ada']\nmaintainers = []\n\
               organization = 'pots'\n[[accounts.exception]]\nprojects = ['urn']\nowners = []\n\
               [[accounts.exception]]\nteams = ['docs']\nmaintainers = ['bob']\nreason = 'r'\n",
        mutations: &[
            ("['robot', 'ada']", "'ada'"),
            ("'ada'", "'ada lovelace'"),
            ("'ada'", "'robot'"),
            ("'pots'", "['pots']"),
            ("projects = ['urn']\n", ""),
            ("owners = []\n", ""),
            ("teams = ['docs']\n", ""),
            ("reason = 'r'", "reasons = 'r'"),
        ],
    },
    Case {
        text: "[people.ada]\nname = 'Ada'\naccounts = ['ada', 'ada2']\nteams = ['docs']\n\
               contact = 'ada@example.org'\nleft = 2024-02-29\n[people.bob]\n",
        mutations: &[
            ("2024-02-29", "2024"),
            ("2024-02-29", "'yesterday'"),
            ("2024-02-29", "'2023-02-29'"),
            ("2024-02-29", "'2024-2-29'"),
            ("2024-02-29", "2024-02-29T10:00:00Z"),
            ("2024-02-29", "10:00:00"),
            ("'ada2'", "'ada'"),
            ("left", "gone"),
            ("[people.bob]", "[people.'b b']"),
            ("[people.bob]", "[people.'']"),
        ],
    },
    Case {
        text: "[[custody]]\nproject = 'urn'\nstate = 'never-ours'\nreason = 'another project'\n\
               on = '2020-01-31'\napproved-by = 'ada'\n",
        mutations: &[
            ("project = 'urn'\n", ""),
            ("state = 'never-ours'\n", ""),
            ("reason = 'another project'\n", ""),
            ("never-ours", "Theirs"),
            ("'2020-01-31'", "'2020-01-32'"),
            ("'2020-01-31'", "2020"),
            ("'another project'", "'TODO'"),
            ("'ada'", "'TODO: who'"),
            ("'ada'", "true"),
            ("approved-by", "approved_by"),
        ],
    },
    Case {
        text: "[[accept]]\nrule = 'rogue-release'\nproject = 'urn'\nversions = ['1.0']\n\
               files = ['urn-1.0.tar.gz']\naccounts = ['bob']\napproved-by = 'ada'\n\
               reason = 'made by hand'\nexpires = 2027-06-30\n",
        mutations: &[
            ("rule = 'rogue-release'\n", ""),
            ("approved-by = 'ada'\n", ""),
            ("reason = 'made by hand'\n", ""),
            ("expires = 2027-06-30\n", ""),
            ("2027-06-30", "'never'"),
            ("2027-06-30", "20270630"),
            ("['1.0']", "'1.0'"),
            ("'1.0'", "1.0"),
            ("['bob']", "['b b']"),
            ("'made by hand'", "' '"),
            ("'ada'", "' TODO'"),
            ("project", "projects"),
        ],
    },
    Case {
        text: "[[keep]]\nproject = 'urn'\naccount = 'bob'\nrole = 'Owner'\napproved-by = 'ada'\n\
               reason = 'founder'\nexpires = 2027-06-30\n",
        mutations: &[
            ("project = 'urn'\n", ""),
            ("account = 'bob'\n", ""),
            ("approved-by = 'ada'\n", ""),
            ("reason = 'founder'\n", ""),
            ("expires = 2027-06-30\n", ""),
            ("Owner", "OWNER"),
            ("Owner", "admin"),
            ("'bob'", "''"),
        ],
    },
    Case {
        text: "[[service]]\nname = 'the index'\nkind = 'index'\nurl = 'https://example.org'\n\
               account = 'robot'\nholders = ['ada', 'bob']\nnote = 'uploads'\n",
        mutations: &[
            ("name = 'the index'\n", ""),
            ("kind = 'index'\n", ""),
            ("'index'", "'idx'"),
            ("['ada', 'bob']", "'ada'"),
            ("note", "notes"),
        ],
    },
    Case {
        text: "[thresholds]\ndays-before-approval = 0\ndays-after-approval = 3\nlate-hours = 24\n\
               departure-days = 100000\n",
        mutations: &[
            ("100000", "100001"),
            ("24", "-1"),
            ("24", "1.5"),
            ("24", "'24'"),
            ("late-hours", "late"),
        ],
    },
];

#[test]
fn what_is_accepted_and_refused_is_the_same() {
    let validator = validator();
    for case in CASES {
        let text = case.text;
        assert!(reader_accepts(text), "the reader refuses\n{text}");
        assert!(schema_accepts(&validator, text), "the schema refuses\n{text}");
        for (from, to) in case.mutations {
            assert!(text.contains(from), "`{from}` is not in\n{text}");
            let mutated = text.replacen(from, to, 1);
            assert!(!reader_accepts(&mutated), "the reader accepts\n{mutated}");
            assert!(!schema_accepts(&validator, &mutated), "the schema accepts\n{mutated}");
        }
    }
}

/// What no schema can say: the reader alone refuses these.
#[test]
fn what_only_the_reader_refuses() {
    let validator = validator();
    let fact = |project: &str, state: &str| {
        format!("[[custody]]\nproject = '{project}'\nstate = '{state}'\nreason = 'r'\n")
    };
    let documents = [
        "[projects]\nnames = ['a-b', 'A_b']\n".to_owned(),
        "[projects]\nnames = ['a-b']\nexclude = ['a-b']\n".to_owned(),
        "[accounts]\nowners = ['ada', 'ADA']\n".to_owned(),
        "[accounts]\nowners = ['ada']\n[people.ada]\nleft = 2020-01-01\n".to_owned(),
        fact("x", "ours") + &fact("X", "theirs"),
        "[[accept]]\nrule = 'rogue-rule'\napproved-by = 'a'\nreason = 'r'\nexpires = 2027-01-01\n"
            .to_owned(),
    ];
    for text in documents {
        assert!(schema_accepts(&validator, &text), "{text}");
        assert!(!reader_accepts(&text), "{text}");
    }
}

#[test]
fn the_words_are_the_same() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let words = |kind: &str, key: &str| -> Vec<String> {
        let words = &schema["$defs"][kind]["properties"][key]["enum"];
        words.as_array().expect(kind).iter().map(|it| it.as_str().expect(kind).to_owned()).collect()
    };
    assert_eq!(words("records", "kind"), RECORD_KINDS);
    assert_eq!(words("service", "kind"), SERVICE_KINDS);
    assert_eq!(words("custody", "state"), CUSTODY_STATES.map(|(word, _)| word));
}

/// Every object refuses keys that it does not have, or has only texts of its own.
#[test]
fn no_object_is_open() {
    fn walk(path: &str, value: &Value) {
        let Value::Object(fields) = value else { return };
        if fields.get("type").is_some_and(|kind| kind == "object") {
            assert!(fields.contains_key("additionalProperties"), "{path}");
        }
        for (key, value) in fields {
            walk(&format!("{path}/{key}"), value);
        }
    }
    walk("", &serde_json::from_str(SCHEMA).expect("JSON"));
}
