//! A feed of the newest messages, as a file (RFC 4287). Ids are tag URIs (RFC 4151) made of the
//! random name of the state and the id of the message: they stay when the file is written again, or
//! moves to another address.

use std::io::Write as _;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::SendError;
use crate::watch::config::AtomFeed;
use crate::watch::message::Message;

/// The namespace of Atom.
const NAMESPACE: &str = "http://www.w3.org/2005/Atom";
/// Tag URIs need a day on which the authority was ours; it never changes afterwards.
const DAY: &str = "2026";

/// The feed with these messages, newest first. The same messages give the same bytes.
#[must_use]
pub fn document(feed: &AtomFeed, instance: &str, entries: &[Message]) -> Vec<u8> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
    // Writing into memory does not fail.
    let _ = write_document(&mut writer, feed, instance, entries);
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    bytes
}

fn write_document(
    writer: &mut Writer<Vec<u8>>,
    feed: &AtomFeed,
    instance: &str,
    entries: &[Message],
) -> std::io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    let tag = |rest: &str| format!("tag:{},{DAY}:countermark:{instance}{rest}", feed.authority);
    // A feed must have a time; one without entries has that of the beginning.
    let updated = entries.iter().map(|it| it.at).max().unwrap_or_default();
    writer.create_element("feed").with_attribute(("xmlns", NAMESPACE)).write_inner_content(
        |writer| {
            text(writer, "id", &tag(""))?;
            text(writer, "title", &feed.title)?;
            text(writer, "updated", &updated.to_string())?;
            writer
                .create_element("author")
                .write_inner_content(|writer| text(writer, "name", "countermark"))?;
            text(writer, "generator", "countermark watch")?;
            if let Some(url) = &feed.url {
                writer
                    .create_element("link")
                    .with_attributes([("rel", "self"), ("href", url)])
                    .write_empty()?;
            }
            for entry in entries {
                writer.create_element("entry").write_inner_content(|writer| {
                    text(writer, "id", &tag(&format!(":{}", entry.id)))?;
                    text(writer, "title", &entry.subject)?;
                    text(writer, "updated", &entry.at.to_string())?;
                    writer
                        .create_element("content")
                        .with_attribute(("type", "text"))
                        .write_text_content(BytesText::new(&allowed(&entry.text)))?;
                    Ok(())
                })?;
            }
            Ok(())
        },
    )?;
    Ok(())
}

fn text(writer: &mut Writer<Vec<u8>>, name: &str, text: &str) -> std::io::Result<()> {
    writer.create_element(name).write_text_content(BytesText::new(&allowed(text)))?;
    Ok(())
}

/// Characters that no XML 1.0 document may hold, not even escaped (section 2.2), become `?`.
fn allowed(text: &str) -> String {
    let is_allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if is_allowed(c) { c } else { '?' }).collect()
}

/// Puts the file in its place, whole.
///
/// # Errors
/// When it cannot be written; then the old one is still there.
pub fn write(feed: &AtomFeed, document: &[u8]) -> Result<(), SendError> {
    let failed = |error: std::io::Error| SendError::File {
        path: feed.path.clone(),
        reason: error.to_string(),
    };
    let folder = feed.path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| std::path::Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".countermark-feed-");
    // A feed is for everybody; a temporary file is not.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    file.write_all(document).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&feed.path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use quick_xml::Reader;

    use super::*;

    fn feed(path: &std::path::Path) -> AtomFeed {
        AtomFeed {
            path: path.to_owned(),
            title: "Releases & roles".into(),
            authority: "releases.example.org".into(),
            url: Some("https://example.org/feed.atom".into()),
        }
    }

    fn entry(number: i64, text: &str) -> Message {
        Message {
            id: format!("abc.{number}"),
            at: Timestamp::from_second(1_000_000_000 + number).unwrap(),
            subject: format!("1 new · <{number}>"),
            text: text.into(),
            json: "{}".into(),
        }
    }

    /// The texts of a document by the path of their element, in order.
    fn read(document: &[u8]) -> Vec<(String, String)> {
        let text = std::str::from_utf8(document).unwrap();
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        let (mut path, mut found) = (Vec::<String>::new(), Vec::<(String, String)>::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => {
                    path.push(start.name().as_ref().to_owned());
                    found.push((path.join("/"), String::new()));
                }
                Event::Empty(empty) => {
                    let href = empty.try_get_attribute("href").unwrap().unwrap();
                    let value = href.value.into_owned();
                    let name = empty.name().as_ref().to_owned();
                    found.push((format!("{}/{name}", path.join("/")), value));
                }
                Event::Text(text) => {
                    let place = path.join("/");
                    if let Some(last) = found.iter_mut().rev().find(|it| it.0 == place) {
                        last.1.push_str(&text);
                    }
                }
                Event::GeneralRef(reference) => {
                    let c = match &*reference {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        other => panic!("{other}"),
                    };
                    let place = path.join("/");
                    let last = found.iter_mut().rev().find(|it| it.0 == place).unwrap();
                    last.1.push(c);
                }
                Event::End(_) => {
                    path.pop();
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(path, [""; 0]);
        found
    }

    /// RFC 4287, sections 4.1.1 and 4.1.2: what a feed and an entry must have, once.
    #[test]
    fn the_feed_is_one_of_atom() {
        let feed = feed(std::path::Path::new("unused"));
        let entries = [entry(2, "a <b> & \"c\"\n  d\u{b}"), entry(1, "first")];
        let document = document(&feed, "abc", &entries);
        let text = std::str::from_utf8(&document).unwrap();
        assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"), "{text}");
        assert!(text.contains("<feed xmlns=\"http://www.w3.org/2005/Atom\">"), "{text}");
        let found = read(&document);
        let all = |path: &str| -> Vec<&str> {
            found.iter().filter(|it| it.0 == path).map(|it| it.1.as_str()).collect()
        };
        assert_eq!(all("feed/id"), ["tag:releases.example.org,2026:countermark:abc"]);
        assert_eq!(all("feed/title"), ["Releases & roles"]);
        assert_eq!(all("feed/updated"), ["2001-09-09T01:46:42Z"]);
        assert_eq!(all("feed/author/name"), ["countermark"]);
        assert_eq!(all("feed/link"), ["https://example.org/feed.atom"]);
        assert_eq!(all("feed/entry").len(), 2);
        let ids = all("feed/entry/id");
        assert_eq!(ids[0], "tag:releases.example.org,2026:countermark:abc:abc.2");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 2);
        assert_eq!(all("feed/entry/title"), ["1 new · <2>", "1 new · <1>"]);
        for time in all("feed/entry/updated") {
            // RFC 3339, as section 3.3 wants it.
            assert!(time.parse::<Timestamp>().is_ok() && time.ends_with('Z'), "{time}");
        }
        assert_eq!(all("feed/entry/content"), ["a <b> & \"c\"\n  d?", "first"]);
    }

    #[test]
    fn the_same_messages_give_the_same_bytes() {
        let feed = feed(std::path::Path::new("unused"));
        let entries = [entry(1, "x")];
        assert_eq!(document(&feed, "abc", &entries), document(&feed, "abc", &entries));
        assert_ne!(document(&feed, "abc", &entries), document(&feed, "abd", &entries));
        let empty = read(&document(&feed, "abc", &[]));
        assert!(empty.contains(&("feed/updated".into(), "1970-01-01T00:00:00Z".into())));
    }

    #[test]
    fn the_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let feed = feed(&folder.path().join("feed.atom"));
        write(&feed, b"one").unwrap();
        write(&feed, b"two").unwrap();
        assert_eq!(std::fs::read(&feed.path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&feed.path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o644);
        }
        let nowhere = AtomFeed { path: folder.path().join("nowhere/feed"), ..feed.clone() };
        let error = write(&nowhere, b"x").unwrap_err();
        assert!(matches!(error, SendError::File { .. }), "{error}");
        // Something else is in the way: the old one stays, and nothing is left behind.
        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        let error = write(&AtomFeed { path: taken, ..feed }, b"x").unwrap_err();
        assert!(error.to_string().contains("taken"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
