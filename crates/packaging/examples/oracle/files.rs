//! Requirements files against pip's own reader.

use std::collections::BTreeMap;

use countermark_packaging::digest::Digest;
use countermark_packaging::lock::Place;
use countermark_packaging::lock::requirements::{FileKind, LoadError, Loaded, Loader, Root, read};
use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::requirement::Requirement;
use serde_json::{Value, json};

struct One<'a>(&'a str);

impl Loader for One<'_> {
    fn load(
        &mut self,
        location: &str,
        _: FileKind,
        _: Option<&Place>,
    ) -> Result<Loaded, LoadError> {
        Ok(Loaded { location: location.to_owned(), text: self.0.as_bytes().to_vec() })
    }
}

type Projects = BTreeMap<String, Vec<String>>;

/// What pip says when this crate reads the same or refuses the file, else what this crate reads:
/// being stricter than pip is what the crate is for, reading something else is not.
pub(crate) fn answer(case: &Value) -> Value {
    let text = case["input"].as_str().unwrap_or_default();
    let roots = [Root { location: "f".to_owned(), kind: FileKind::Requirements }];
    let variables = |name: &str| (name == "TOKEN").then(|| "value".to_owned());
    let environment = MarkerEnvironment::default();
    let Ok(set) = read(&roots, &mut One(text), &environment, &variables) else {
        return case["expect"].clone();
    };
    let digests = |digests: &[Digest]| {
        let mut digests: Vec<String> = digests.iter().map(ToString::to_string).collect();
        digests.sort();
        digests
    };
    let ours: Projects = set
        .wanted
        .iter()
        .map(|wanted| (wanted.project.to_string(), digests(&wanted.digests)))
        .collect();
    if theirs(&case["expect"]).as_ref() == Some(&ours) {
        case["expect"].clone()
    } else {
        json!(ours)
    }
}

/// The requirements of pip, read further as pip would later.
fn theirs(expect: &Value) -> Option<Projects> {
    let mut projects = Projects::new();
    for line in expect.as_array()? {
        let requirement = Requirement::parse(line[0].as_str()?).ok()?;
        let digests = line[1].as_array()?.iter().filter_map(Value::as_str);
        let mut digests: Vec<String> = digests.map(str::to_lowercase).collect();
        digests.sort();
        digests.dedup();
        projects.insert(requirement.name.to_string(), digests);
    }
    Some(projects)
}
