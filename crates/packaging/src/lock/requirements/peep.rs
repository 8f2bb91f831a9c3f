//! Peep's comments: `# sha256: <base64url>` above a requirement.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::lines::{Comment, LogicalLine};
use crate::digest::{Algorithm, Digest};
use crate::lock::source::Source;
use crate::lock::{Place, SourceError, codes};

/// Base64 in the alphabet of URLs. `peep hash` leaves the padding out; some people put it back.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A digest in a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommentDigest {
    pub(super) digest: Digest,
    pub(super) place: Place,
    /// From the second `#`, when there is a comment in the comment.
    pub(super) remark: Option<Range<usize>>,
}

/// The digest comments since the last line that is no comment. Blank lines and other comments
/// between them and their requirement do not matter.
#[derive(Debug, Default)]
pub(super) struct Above(Vec<CommentDigest>);

impl Above {
    /// Takes note of a comment if it is a digest.
    pub(super) fn read(&mut self, source: &Source, comment: &Comment) -> Result<(), SourceError> {
        let span = comment.span.clone();
        let Some(parsed) = parse(&source.text[span.clone()]) else { return Ok(()) };
        let error = |message: &str| source.error(codes::MALFORMED_DIGEST, message, span.clone());
        if comment.ends_continuation {
            return Err(error("this digest stands inside a continued line, so it belongs to none")
                .with_hint("take the backslash off the line above it"));
        }
        match parsed {
            Ok((digest, remark)) => {
                let remark = remark.map(|at| span.start + at..span.end);
                self.0.push(CommentDigest { digest, place: source.place(span), remark });
                Ok(())
            }
            Err(Malformed { message, hint }) => {
                Err(SourceError { hint: hint.map(str::to_owned), ..error(&message) })
            }
        }
    }

    /// The digests of the requirement that follows.
    pub(super) fn take(&mut self) -> Vec<CommentDigest> {
        std::mem::take(&mut self.0)
    }

    /// Errors for digests that no requirement has taken.
    pub(super) fn orphans(&mut self) -> Vec<SourceError> {
        let orphan = |above: CommentDigest| {
            SourceError::new(
                codes::ORPHAN_DIGEST,
                "this digest belongs to no requirement",
                above.place,
            )
            .with_hint(
                "only comments and blank lines may stand between a digest and its requirement",
            )
        };
        self.take().into_iter().map(orphan).collect()
    }
}

/// The comment behind a line is no place for a digest.
pub(super) fn check_behind(source: &Source, line: &LogicalLine) -> Result<(), SourceError> {
    let Some(span) = line.comment.clone() else { return Ok(()) };
    if parse(&source.text[span.clone()]).is_none() {
        return Ok(());
    }
    let message = "a digest in a comment must stand on a line of its own, above its requirement";
    Err(source.error(codes::MALFORMED_DIGEST, message, span))
}

#[derive(Debug, PartialEq, Eq)]
struct Malformed {
    message: String,
    hint: Option<&'static str>,
}

/// Reads a comment, `#` included: `None` when it is not meant as a digest. What is meant as one
/// and is none must not pass as an ordinary comment. Gives the place of a comment in the comment.
fn parse(comment: &str) -> Option<Result<(Digest, Option<usize>), Malformed>> {
    let body = comment.strip_prefix('#')?;
    let word = body.trim_start();
    let prefix = word.get(..6).filter(|prefix| prefix.eq_ignore_ascii_case("sha256"))?;
    word[6..].trim_start().strip_prefix(':')?;
    let malformed =
        |message: &str, hint| Some(Err(Malformed { message: message.to_owned(), hint }));
    let form = "expected `# sha256: ` and a digest in base64url";
    let value = word[6..].strip_prefix(':').filter(|_| prefix == "sha256" && word != body);
    let Some(value) = value.filter(|value| value.starts_with(char::is_whitespace)) else {
        return malformed(form, None);
    };
    let value = value.trim_start();
    let end = value.find(char::is_whitespace).unwrap_or(value.len());
    let (encoded, rest) = value.split_at(end);
    let remark = rest.trim_start();
    if !remark.is_empty() && !remark.starts_with('#') {
        return malformed("a digest cannot contain white space", None);
    }
    if encoded.len() == 64 && encoded.bytes().all(|b| b.is_ascii_hexdigit()) {
        return malformed(
            "this digest is hexadecimal; one in a comment is in base64url",
            Some("write it as `--hash=sha256:…` behind the requirement"),
        );
    }
    let digest = BASE64.decode(encoded).ok().map(|bytes| Digest::new(Algorithm::Sha256, &bytes));
    match digest {
        Some(Ok(digest)) => {
            let at = (!remark.is_empty()).then(|| comment.len() - remark.len());
            Some(Ok((digest, at)))
        }
        Some(Err(error)) => malformed(&error.to_string(), None),
        None => malformed("this digest is not base64url", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    #[test]
    fn digests_are_read() {
        let hex = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let check = |comment: &str, remark: Option<usize>| {
            let (digest, found) = parse(comment).unwrap().unwrap();
            assert_eq!((digest.to_string().as_str(), found), (hex, remark), "{comment}");
        };
        check(&format!("# sha256: {EMPTY}"), None);
        check(&format!("#  sha256:\t{EMPTY}="), None);
        check(&format!("# sha256: {EMPTY}  # wheel"), Some(55));
    }

    #[test]
    fn other_comments_are_no_digests() {
        for comment in
            ["#", "# via flask", "# sha256", "# sha256 digests: none", "# sha512: x", "#!sha256:"]
        {
            assert_eq!(parse(comment), None, "{comment}");
        }
    }

    #[test]
    fn what_looks_like_a_digest_must_be_one() {
        let check = |comment: &str, message: &str| {
            assert_eq!(parse(comment).unwrap().unwrap_err().message, message, "{comment}");
        };
        let form = "expected `# sha256: ` and a digest in base64url";
        check(&format!("#sha256: {EMPTY}"), form);
        check(&format!("# sha256:{EMPTY}"), form);
        check(&format!("# SHA256: {EMPTY}"), form);
        check(&format!("# sha256 : {EMPTY}"), form);
        check("# sha256:", form);
        check("# sha256: ", "a sha256 digest has 32 bytes, found 0");
        check(
            &format!("# sha256: {} {}", &EMPTY[..20], &EMPTY[20..]),
            "a digest cannot contain white space",
        );
        check(&format!("# sha256: {}", &EMPTY[..42]), "this digest is not base64url");
        check(&format!("# sha256: {}", &EMPTY[..40]), "a sha256 digest has 32 bytes, found 30");
        check(&format!("# sha256: {}", EMPTY.replace('-', "+")), "this digest is not base64url");
        // The last character holds four bits; others would be a second spelling.
        check(&format!("# sha256: {}V", &EMPTY[..42]), "this digest is not base64url");
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        check(
            &format!("# sha256: {hex}"),
            "this digest is hexadecimal; one in a comment is in base64url",
        );
    }
}
