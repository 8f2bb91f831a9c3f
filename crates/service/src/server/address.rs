//! Who asks, and whether what is asked for can be the address of anything.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode, Uri};

use super::problem::Problem;

/// Who asks: the peer, or whom a proxy that is believed names. Each proxy appends the address that it
/// saw; the last one that is no proxy of ours is the client, whatever clients wrote before it.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    let peer = peer.to_canonical();
    if !proxies.contains(&peer) {
        return peer;
    }
    let mut client = peer;
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|value| value.to_str().unwrap_or("?"))
        .collect();
    for text in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        // Beyond something that is no address nobody is to be believed.
        let Ok(address) = text.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !proxies.contains(&client) {
            break;
        }
    }
    client
}

/// Refuses addresses that only tricks have: with dot segments, empty ones, escaped slashes, control
/// characters or escaped bytes that are not UTF-8. No file is ever opened by a name of a client; this
/// keeps it so that proxies, caches and we all see the same path.
pub(super) fn check_target(uri: &Uri, limit: usize) -> Result<(), Problem> {
    let length = uri.path_and_query().map_or(0, |target| target.as_str().len());
    if length > limit {
        let detail = format!("an address has at most {limit} bytes");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "address-too-long", detail));
    }
    let bad = |detail: &str| Err(Problem::bad_request("bad-path", detail));
    let path = uri.path();
    let Some(decoded) = percent_decoded(path) else {
        return bad("the path has an escape that is none");
    };
    let Ok(decoded) = String::from_utf8(decoded) else {
        return bad("the path is not UTF-8");
    };
    if decoded.chars().any(|c| c.is_control() || c == '\\') {
        return bad("the path has a character that no path has");
    }
    let slashes = |text: &str| text.bytes().filter(|byte| *byte == b'/').count();
    if slashes(path) != slashes(&decoded) {
        return bad("the path has an escaped slash");
    }
    let mut segments = decoded.strip_prefix('/').unwrap_or(&decoded).split('/').peekable();
    while let Some(segment) = segments.next() {
        if matches!(segment, "." | "..") || segment.is_empty() && segments.peek().is_some() {
            return bad("the path has an empty part or one of dots");
        }
    }
    Ok(())
}

fn percent_decoded(path: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        decoded.push((high << 4 | low) as u8);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_believed_proxies_name_the_client() {
        let check = |peer: &str, forwarded: &[&str], expect: &str| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let proxies = ["127.0.0.1".parse().unwrap(), "10.0.0.1".parse().unwrap()];
            let found = client(peer.parse().unwrap(), &headers, &proxies);
            assert_eq!(found, expect.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
        };
        check("192.0.2.1", &[], "192.0.2.1");
        check("192.0.2.1", &["192.0.2.9"], "192.0.2.1");
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &["192.0.2.9"], "192.0.2.9");
        check("::ffff:127.0.0.1", &["192.0.2.9"], "192.0.2.9");
        // What the client wrote itself stands before what the proxy saw.
        check("127.0.0.1", &["198.51.100.7, 192.0.2.9"], "192.0.2.9");
        check("127.0.0.1", &["198.51.100.7", "192.0.2.9"], "192.0.2.9");
        check("127.0.0.1", &["192.0.2.9, 10.0.0.1"], "192.0.2.9");
        check("127.0.0.1", &["192.0.2.9, nobody, 10.0.0.1"], "10.0.0.1");
        check("127.0.0.1", &["nobody"], "127.0.0.1");
    }

    #[test]
    fn tricks_are_no_paths() {
        let check = |path: &str, expect: Option<&str>| {
            let uri: Uri = path.parse().unwrap();
            let found = check_target(&uri, 60).err().map(|problem| problem.detail);
            assert_eq!(found.as_deref(), expect, "{path}");
        };
        for path in ["/", "/a", "/a/", "/tile/0/x001/234.p/5", "/a?b=%2e%2e/", "/%C3%A9", "/a..b"] {
            check(path, None);
        }
        let dots = Some("the path has an empty part or one of dots");
        for path in ["/..", "/../a", "/a/../b", "/a/.", "//a", "/a//b", "/%2e%2e/a", "/.%2E"] {
            check(path, dots);
        }
        check("/a%2fb", Some("the path has an escaped slash"));
        check("/a%5Cb", Some("the path has a character that no path has"));
        check("/a%00", Some("the path has a character that no path has"));
        check("/a%0d%0ab", Some("the path has a character that no path has"));
        check("/a%ff", Some("the path is not UTF-8"));
        check("/a%f", Some("the path has an escape that is none"));
        check("/a%zz", Some("the path has an escape that is none"));
        let long = format!("/{}", "a".repeat(60));
        check(&long, Some("an address has at most 60 bytes"));
    }
}
