//! Feeds (RFC 4287): the alarms, and what is new of one project. Ids are tag URIs (RFC 4151) of the log's
//! origin and the number of the entry or alarm, so they stay.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

/// A feed.
pub(super) struct Feed {
    /// What makes it the same feed again: a path below the origin.
    pub(super) path: String,
    pub(super) title: String,
    pub(super) entries: Vec<Item>,
}

/// One thing that is told.
pub(super) struct Item {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) at: Timestamp,
    pub(super) link: String,
    pub(super) text: String,
}

impl Feed {
    /// The feed as an answer.
    pub(super) fn answer(&self, origin: &str) -> Response {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
        // Writing into memory does not fail.
        let _ = self.write(&mut writer, origin);
        let mut response = writer.into_inner().into_response();
        let headers = response.headers_mut();
        let atom = HeaderValue::from_static("application/atom+xml; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, atom);
        let cache = HeaderValue::from_static("public, max-age=60");
        headers.insert(header::CACHE_CONTROL, cache);
        response
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>, origin: &str) -> std::io::Result<()> {
        let (authority, rest) = origin.split_once('/').unwrap_or((origin, ""));
        let tag = |id: &str| format!("tag:{authority},2026:countermark:{rest}:{}{id}", self.path);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        let updated = self.entries.iter().map(|it| it.at).max().unwrap_or_default();
        let feed = writer.create_element("feed");
        let feed = feed.with_attribute(("xmlns", "http://www.w3.org/2005/Atom"));
        feed.write_inner_content(|writer| {
            text(writer, "id", &tag(""))?;
            text(writer, "title", &self.title)?;
            text(writer, "updated", &updated.to_string())?;
            let author = writer.create_element("author");
            author.write_inner_content(|writer| text(writer, "name", origin))?;
            let link = writer.create_element("link");
            link.with_attributes([("rel", "self"), ("href", self.path.as_str())]).write_empty()?;
            for item in &self.entries {
                writer.create_element("entry").write_inner_content(|writer| {
                    text(writer, "id", &tag(&format!("#{}", item.id)))?;
                    text(writer, "title", &item.title)?;
                    text(writer, "updated", &item.at.to_string())?;
                    let link = writer.create_element("link");
                    link.with_attribute(("href", item.link.as_str())).write_empty()?;
                    let content = writer.create_element("content");
                    content
                        .with_attribute(("type", "text"))
                        .write_text_content(BytesText::new(&item.text))?;
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

fn text(writer: &mut Writer<Vec<u8>>, name: &str, text: &str) -> std::io::Result<()> {
    writer.create_element(name).write_text_content(BytesText::new(text))?;
    Ok(())
}
