//! What a wheel on a server says of its files, without downloading it: its RECORD, which most wheels
//! have at their end.
//!
//! A claim, which chooses what is downloaded and compared: a reader that sees only the end of an
//! archive may be shown what is not there.

use std::io;

use countermark_lock::catalogue::ReleaseFile;
use countermark_packaging::record::{RecordEntry, parse_record};
use url::Url;

use crate::http::{Client, Range, Ranged, Request};
use crate::unpack::{Limits, ReadAt, read_listed_members};

/// How much of the end is asked for: enough for most, and for nearly all.
const TAILS: [u64; 2] = [64 << 10, 1 << 20];

/// The entries of the RECORD; nothing where the server gives no parts, or the end is not enough.
pub(super) async fn record(http: &Client, file: &ReleaseFile) -> Option<Vec<RecordEntry>> {
    let url = Url::parse(&file.url).ok().filter(|url| url.scheme() != "file")?;
    for tail in TAILS {
        let request = Request::file(&url, tail);
        let ranged = http.fetch_range(&request, Range::Last(tail)).await.ok()??;
        let end = End(&ranged);
        let limits = Limits { max_metadata_bytes: TAILS[1] * 16, ..Limits::default() };
        let is_record = |name: &str| {
            name.split_once('/').is_some_and(|(folder, file)| {
                file == "RECORD" && folder.to_ascii_lowercase().ends_with(".dist-info")
            })
        };
        if let Ok(members) = read_listed_members(&end, is_record, &limits) {
            let [(_, bytes)] = &members[..] else { return None };
            return parse_record(bytes).ok();
        }
        if ranged.start == 0 {
            return None;
        }
    }
    None
}

/// The end of a file; what comes before cannot be read.
struct End<'a>(&'a Ranged);

impl ReadAt for End<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.total)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let bytes = offset
            .checked_sub(self.0.start)
            .and_then(|from| usize::try_from(from).ok())
            .and_then(|from| self.0.bytes.get(from..from.checked_add(buffer.len())?));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
