//! Variables of the environment: ours, pip's and uv's.
//!
//! `PIP_INDEX_URL` is `--index-url`: a prefix and the name of a long option. uv's variables follow
//! the same form with few exceptions, and so do ours.

use std::collections::BTreeMap;
use std::path::Path;

use super::layer::{IndexEntry, Kind, Layer};
use super::{Origin, ini};

/// Our own prefix.
const OWN: &str = "COUNTERMARK_";

/// The three layers, in the order of precedence.
pub(super) fn layers(environment: &BTreeMap<String, String>, folder: &Path) -> [Layer; 3] {
    let mut own = Layer::new(Kind::OwnEnvironment, folder);
    let mut pip = Layer::new(Kind::PipEnvironment, folder);
    let mut uv = Layer::new(Kind::UvEnvironment, folder);
    for (variable, value) in environment {
        if value.is_empty() {
            continue;
        }
        let origin = Origin::Environment(variable.clone());
        if let Some(name) = variable.strip_prefix(OWN) {
            push_pip(&mut own, &ini::normalize(name), value, origin);
        } else if let Some(name) = variable.strip_prefix("PIP_") {
            push_pip(&mut pip, &ini::normalize(name), value, origin);
        } else if let Some(name) = variable.strip_prefix("UV_") {
            push_uv(&mut uv, name, value, origin);
        } else if variable == "HTTP_TIMEOUT" {
            uv.push("timeout", vec![value.clone()], origin);
        }
    }
    [own, pip, uv]
}

/// pip splits the values of options that may be given several times, and no others.
pub(super) fn push_pip(layer: &mut Layer, option: &str, value: &str, origin: Origin) {
    let option = match option {
        "default-timeout" => "timeout",
        "pypi-url" => "index-url",
        other => other,
    };
    let is_list = matches!(
        option,
        "extra-index-url" | "find-links" | "trusted-host" | "constraint" | "requirement"
    );
    let values = if is_list { split(value) } else { vec![value.trim().to_owned()] };
    // An empty value is like none.
    if values.iter().any(|value| !value.is_empty()) {
        layer.push(option, values, origin);
    }
}

fn push_uv(layer: &mut Layer, name: &str, value: &str, origin: Origin) {
    let index = |text: &str, default| {
        let (name, url) = match text.split_once('=') {
            // `name=url`; a URL may hold `=` as well, but not before its scheme.
            Some((name, url)) if !name.contains(['/', ':']) => (Some(name.to_owned()), url),
            _ => (None, text),
        };
        let (url, origin) = (url.to_owned(), origin.clone());
        IndexEntry { name, url, default, explicit: false, origin }
    };
    match name {
        "DEFAULT_INDEX" => layer.indexes.push(index(value, true)),
        "INDEX" => layer.indexes.extend(split(value).iter().map(|text| index(text, false))),
        "FIND_LINKS" => {
            let values = value.split(',').map(|it| it.trim().to_owned()).collect();
            layer.push("find-links", values, origin);
        }
        "HTTP_TIMEOUT" | "REQUEST_TIMEOUT" => {
            layer.push("timeout", vec![value.to_owned()], origin);
        }
        "HTTP_CONNECT_TIMEOUT" => layer.push("connect-timeout", vec![value.to_owned()], origin),
        "HTTP_RETRIES" => layer.push("retries", vec![value.to_owned()], origin),
        // uv's cache is in another form than ours.
        "CACHE_DIR" => {}
        _ => push_pip(layer, &ini::normalize(name), value, origin),
    }
}

fn split(value: &str) -> Vec<String> {
    value.split_whitespace().map(str::to_owned).collect()
}
