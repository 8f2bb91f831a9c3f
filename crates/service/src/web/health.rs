//! What the page of the log says of its own state: who cosigned the last checkpoint and when, how old it
//! is, and what a client writes into its policy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::About;

/// When a witness cosigned a checkpoint, by the time in its cosignature
/// ([tlog-cosignature](https://c2sp.org/tlog-cosignature), "Format"); none if it did not.
///
/// The note is the one that this log published after it verified the cosignatures, so the name decides.
pub(super) fn cosigned(note: &str, name: &str) -> Option<Timestamp> {
    let signatures = note.split_once("\n\n")?.1;
    signatures.lines().find_map(|line| {
        let (signer, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        if signer != name {
            return None;
        }
        let bytes = STANDARD.decode(signature).ok()?;
        // Four bytes of the key's id, eight of the time, 64 of an Ed25519 signature.
        let time: [u8; 8] = bytes.get(4..12)?.try_into().ok()?;
        if bytes.len() != 76 {
            return None;
        }
        Timestamp::from_second(i64::from_be_bytes(time)).ok()
    })
}

/// How long ago something was.
pub(super) fn age(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(at.as_second()).max(0);
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// The table that a client writes into `countermark.toml`.
pub(super) fn snippet(about: &About, keys: &[String]) -> String {
    let url = about.url.clone().unwrap_or_else(|| format!("https://{}", about.origin));
    let mut text = format!("[policy.log]\nurl = \"{url}\"\n");
    match keys {
        [key] => text.push_str(&format!("key = \"{key}\"\n")),
        keys => {
            for key in keys {
                text.push_str(&format!("[[policy.log.keys]]\nkey = \"{key}\"\n"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_cosignature() {
        let mut bytes = vec![1, 2, 3, 4];
        bytes.extend(86_400_u64.to_be_bytes());
        bytes.extend([0; 64]);
        let line = format!("\u{2014} w.example.org {}", STANDARD.encode(&bytes));
        let note = format!("log.example.org\n1\nAA==\n\n{line}\n");
        let expected = Timestamp::from_second(86_400).unwrap();
        assert_eq!(cosigned(&note, "w.example.org"), Some(expected));
        assert_eq!(cosigned(&note, "v.example.org"), None);
        // A log's own signature has no time.
        let short = format!("\u{2014} w.example.org {}", STANDARD.encode(&bytes[..68]));
        assert_eq!(cosigned(&format!("a\n1\nAA==\n\n{short}\n"), "w.example.org"), None);
    }

    #[test]
    fn ages() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |seconds: i64| Timestamp::from_second(1_000_000 - seconds).unwrap();
        assert_eq!(age(at(5), now), "5 s ago");
        assert_eq!(age(at(600), now), "10 min ago");
        assert_eq!(age(at(90_000), now), "25 h ago");
        assert_eq!(age(at(900_000), now), "10 days ago");
        assert_eq!(age(at(-50), now), "0 s ago");
    }
}
