//! Files whose compressed bytes are not what their headers or RECORD promise.

use super::Catalogue;
use crate::wheel::Archive;
use crate::wheel::archive::deflate;

const DEEP: &str = "foo/deep.py";

pub(super) fn add(catalogue: &mut Catalogue) {
    let mut raw = |name, code, change: fn(Vec<u8>) -> Vec<u8>| {
        catalogue.data(name, code, |archive| {
            let member = archive.member(DEEP);
            member.data = Some(change(member.compressed()));
        });
    };
    raw("data that is not deflate", "data-malformed", |_| vec![7; 30]);
    raw("data that is cut off", "data-truncated", |mut data| {
        data.pop();
        data
    });
    raw("no data", "data-truncated", |_| Vec::new());
    raw("a byte after the data", "data-trailing", |mut data| {
        data.push(0);
        data
    });
    raw("another stream after the data", "data-trailing", |data| {
        [&data[..], &deflate(b"import os\n")].concat()
    });
    raw("a gzip trailer and more after the data", "data-trailing", |data| {
        let content = "value = 'deep in the wheel'\n".repeat(40);
        let crc32 = crc32fast::hash(content.as_bytes()).to_le_bytes();
        [&data[..], &crc32, &(content.len() as u32).to_le_bytes(), b"hidden"].concat()
    });
    let sizes = |archive: &mut Archive, change: fn(u32) -> u32| {
        let member = archive.member(DEEP);
        let size = change(member.content.len() as u32);
        (member.local.size, member.central.size) = (Some(size), Some(size));
        // RECORD goes along with the lie, so that only the data is left to tell.
        let record = archive.member("foo-1.0.dist-info/RECORD");
        let text = String::from_utf8_lossy(&record.content).into_owned();
        let honest = text.lines().find(|line| line.starts_with(DEEP)).unwrap_or_default();
        let (start, _) = honest.rsplit_once(',').unwrap_or_default();
        record.content = text.replace(honest, &format!("{start},{size}")).into_bytes();
    };
    catalogue.data("more data than promised", "data-too-long", |archive| {
        sizes(archive, |size| size - 1);
    });
    catalogue.data("less data than promised", "data-too-short", |archive| {
        sizes(archive, |size| size + 1);
    });
    catalogue.data("a large member that is small", "data-too-short", |archive| {
        sizes(archive, |_| 6 << 20);
    });
    catalogue.data("another CRC-32 in both headers", "data-crc", |archive| {
        let member = archive.member(DEEP);
        (member.local.crc32, member.central.crc32) = (Some(7), Some(7));
    });
    catalogue.data("another CRC-32 of a stored file", "data-crc", |archive| {
        let member = archive.member(DEEP);
        member.method = 0;
        (member.local.crc32, member.central.crc32) = (Some(7), Some(7));
    });
    catalogue.data("a file that RECORD does not describe", "record-digest", |archive| {
        let member = archive.member(DEEP);
        member.content[0] = b'V';
    });
    catalogue.data("a stored file that RECORD does not describe", "record-digest", |archive| {
        let member = archive.member(DEEP);
        member.method = 0;
        member.content[0] = b'V';
    });
}
