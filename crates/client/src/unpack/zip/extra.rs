//! Extra fields (APPNOTE 4.5): a list of identifiers with data.

use super::Fields;

/// Sizes and offset that do not fit into 32 bits.
pub(super) const ZIP64: u16 = 0x0001;

/// Fields that give a member another name, comment or contents to those who know them: Unicode
/// path and comment (Info-ZIP), AES (WinZip), and the certificates and encryption of PKWARE.
const FORBIDDEN: [u16; 8] = [0x7075, 0x6375, 0x9901, 0x0014, 0x0015, 0x0016, 0x0017, 0x0019];

/// The most fields of one member. Real ones have three or four; that none comes twice is found
/// by comparing each with each.
const MAX_FIELDS: usize = 32;

/// What is wrong with a list of extra fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExtraFault {
    /// A field overruns the list or stands in it twice, or there are too many.
    Malformed,
    /// A field that changes what the member is.
    Forbidden(u16),
}

/// Walks the list and returns the data of the ZIP64 field.
pub(super) fn find_zip64(extra: &[u8]) -> Result<Option<&[u8]>, ExtraFault> {
    let mut fields = Fields(extra);
    let mut seen = Vec::new();
    let mut zip64 = None;
    while !fields.0.is_empty() {
        let (id, data) = next_field(&mut fields).ok_or(ExtraFault::Malformed)?;
        if FORBIDDEN.contains(&id) {
            return Err(ExtraFault::Forbidden(id));
        }
        if seen.contains(&id) || seen.len() == MAX_FIELDS {
            return Err(ExtraFault::Malformed);
        }
        seen.push(id);
        if id == ZIP64 {
            zip64 = Some(data);
        }
    }
    Ok(zip64)
}

fn next_field<'a>(fields: &mut Fields<'a>) -> Option<(u16, &'a [u8])> {
    let id = fields.u16()?;
    let length = fields.u16()?;
    Some((id, fields.take(length.into())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let check = |extra: &[u8], expect| assert_eq!(find_zip64(extra), expect, "{extra:x?}");
        check(b"", Ok(None));
        check(b"\x55\x54\x01\x00x", Ok(None));
        check(b"\x01\x00\x02\x00ab", Ok(Some(&b"ab"[..])));
        check(b"\x55\x54\x00\x00\x01\x00\x02\x00ab", Ok(Some(&b"ab"[..])));
        check(b"\x01\x00\x02\x00ab\x01\x00\x02\x00ab", Err(ExtraFault::Malformed));
        check(b"\x55\x54\x01\x00", Err(ExtraFault::Malformed));
        check(b"\x55\x54\x01", Err(ExtraFault::Malformed));
        check(b"\x00", Err(ExtraFault::Malformed));
        let many = |count: u16| -> Vec<u8> {
            (100..100 + count).flat_map(|id| [&id.to_le_bytes()[..], &[0, 0]].concat()).collect()
        };
        check(&many(32), Ok(None));
        check(&many(33), Err(ExtraFault::Malformed));
        check(b"\x75\x70\x00\x00", Err(ExtraFault::Forbidden(0x7075)));
        check(b"\x01\x99\x00\x00", Err(ExtraFault::Forbidden(0x9901)));
    }
}
