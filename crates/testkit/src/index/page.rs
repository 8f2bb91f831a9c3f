//! Project pages, written from what is advertised.

use serde_json::{Map, Value, json};

use super::scenario::{ClaimedMetadata, Project, Scenario, ServedFile};

/// `Content-Type` of JSON pages.
pub(super) const JSON: &str = "application/vnd.pypi.simple.v1+json";
/// `Content-Type` of HTML pages.
pub(super) const HTML: &str = "text/html; charset=utf-8";

pub(super) fn json_page(name: &str, project: &Project) -> Vec<u8> {
    let mut meta = Map::from_iter([("api-version".to_owned(), json!("1.4"))]);
    if let Some(serial) = project.last_serial {
        meta.insert("_last-serial".into(), json!(serial));
    }
    let mut page = json!({
        "meta": meta,
        "name": project.shown_name.as_deref().unwrap_or(name),
        "files": project.files.iter().map(json_file).collect::<Vec<_>>(),
    });
    if let Some(versions) = &project.versions {
        page["versions"] = json!(versions);
    }
    if let Some(status) = &project.status {
        let mut value = json!({ "status": status.status });
        if let Some(reason) = &status.reason {
            value["reason"] = json!(reason);
        }
        page["project-status"] = value;
    }
    page.to_string().into_bytes()
}

/// The JSON document of a project, with parts beside those that matter.
pub(super) fn json_document(name: &str, project: &Project) -> Option<Vec<u8>> {
    let said = project.document.as_ref()?;
    let mut page = json!({
        "info": { "name": project.shown_name.as_deref().unwrap_or(name), "author": "somebody" },
        "releases": {},
        "urls": project.files.iter().map(json_file).collect::<Vec<_>>(),
        "vulnerabilities": [],
    });
    if let Some(serial) = said.last_serial.or(project.last_serial) {
        page["last_serial"] = json!(serial);
    }
    if let Some(roles) = &said.roles {
        let role = |(role, user): &(String, String)| json!({ "role": role, "user": user });
        let roles: Vec<Value> = roles.iter().map(role).collect();
        page["ownership"] = json!({ "roles": roles, "organization": said.organization });
    }
    Some(page.to_string().into_bytes())
}

fn json_file(file: &ServedFile) -> Value {
    let said = &file.advertised;
    let digests = |pairs: &[(String, String)]| -> Value {
        Value::Object(pairs.iter().map(|(name, hex)| (name.clone(), json!(hex))).collect())
    };
    let mut value = json!({
        "filename": file.filename,
        "url": url(file),
        "hashes": digests(&said.digests),
    });
    if let Some(size) = said.size {
        value["size"] = json!(size);
    }
    if let Some(specifiers) = &said.requires_python {
        value["requires-python"] = json!(specifiers);
    }
    if let Some(reason) = &said.yanked {
        value["yanked"] = if reason.is_empty() { json!(true) } else { json!(reason) };
    }
    if let Some(time) = &said.upload_time {
        value["upload-time"] = json!(time);
    }
    match &said.core_metadata {
        ClaimedMetadata::Silent => {}
        ClaimedMetadata::Available => value["core-metadata"] = json!(true),
        ClaimedMetadata::Digests(pairs) => value["core-metadata"] = digests(pairs),
    }
    if let Some(provenance) = &said.provenance {
        value["provenance"] = json!(provenance);
    }
    value
}

pub(super) fn html_page(name: &str, project: &Project) -> Vec<u8> {
    let mut page = String::from("<!DOCTYPE html>\n<html>\n  <head>\n");
    page += "    <meta name=\"pypi:repository-version\" content=\"1.4\">\n";
    if let Some(status) = &project.status {
        page += &meta("pypi:project-status", &status.status);
        if let Some(reason) = &status.reason {
            page += &meta("pypi:project-status-reason", reason);
        }
    }
    page += &format!("    <title>Links for {0}</title>\n  </head>\n  <body>\n", escape(name));
    for file in &project.files {
        page += &html_file(file);
    }
    page += "  </body>\n</html>\n";
    if let Some(serial) = project.last_serial {
        page += &format!("<!--SERIAL {serial}-->");
    }
    page.into_bytes()
}

fn meta(name: &str, content: &str) -> String {
    format!("    <meta name=\"{name}\" content=\"{}\">\n", escape(content))
}

fn html_file(file: &ServedFile) -> String {
    let said = &file.advertised;
    let mut target = url(file);
    if let Some((algorithm, hex)) = said.digests.first() {
        target += &format!("#{algorithm}={hex}");
    }
    let mut attributes = format!("href=\"{}\"", escape(&target));
    let mut add = |name: &str, value: &str| {
        attributes += &format!(" {name}=\"{}\"", escape(value));
    };
    if let Some(specifiers) = &said.requires_python {
        add("data-requires-python", specifiers);
    }
    if let Some(reason) = &said.yanked {
        add("data-yanked", reason);
    }
    match &said.core_metadata {
        ClaimedMetadata::Silent => {}
        ClaimedMetadata::Available => add("data-core-metadata", "true"),
        ClaimedMetadata::Digests(pairs) => {
            let value = pairs.first().map(|(name, hex)| format!("{name}={hex}"));
            add("data-core-metadata", &value.unwrap_or_else(|| "true".into()));
        }
    }
    if let Some(provenance) = &said.provenance {
        add("data-provenance", provenance);
    }
    format!("    <a {attributes}>{}</a><br/>\n", escape(&file.filename))
}

/// The page of all projects.
pub(super) fn root_page(scenario: &Scenario, as_json: bool) -> Vec<u8> {
    if as_json {
        let projects: Vec<Value> =
            scenario.projects.keys().map(|name| json!({ "name": name })).collect();
        let page = json!({ "meta": { "api-version": "1.4" }, "projects": projects });
        return page.to_string().into_bytes();
    }
    let links: String =
        scenario.projects.keys().map(|name| format!("<a href=\"{name}/\">{name}</a>\n")).collect();
    format!("<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n").into_bytes()
}

fn url(file: &ServedFile) -> String {
    file.advertised.url.clone().unwrap_or_else(|| format!("../../files/{}", file.filename))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}
