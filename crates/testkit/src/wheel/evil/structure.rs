//! Archives in which two readers could see two contents.

use super::Catalogue;
use crate::wheel::archive::{Archive, Descriptor, End64, Member};

const INIT: &str = "foo/__init__.py";
const DEEP: &str = "foo/deep.py";

pub(super) fn add(catalogue: &mut Catalogue) {
    ends(catalogue);
    zip64(catalogue);
    layout(catalogue);
    local_headers(catalogue);
    central_entries(catalogue);
    kinds(catalogue);
    descriptors(catalogue);
    bombs(catalogue);
}

fn ends(catalogue: &mut Catalogue) {
    catalogue.bytes("an empty file", "zip-end-missing", |_| Vec::new());
    catalogue.bytes("not an archive", "zip-end-missing", |_| b"<html>not found</html>".repeat(9));
    catalogue.bytes("cut off by a byte", "zip-end-missing", |mut bytes| {
        bytes.pop();
        bytes
    });
    catalogue.bytes("a byte after the end", "zip-trailing-bytes", |mut bytes| {
        bytes.push(0);
        bytes
    });
    catalogue.archive("an archive comment", "zip-archive-comment", |archive| {
        archive.end.comment = b"a comment".to_vec();
    });
    catalogue.archive("another archive in the comment", "zip-directory-placement", |archive| {
        archive.end.comment = super::good().build();
    });
    catalogue.bytes("two archives, one after the other", "zip-directory-placement", |bytes| {
        [&bytes[..], &bytes].concat()
    });
    catalogue.archive("no members", "zip-empty", |archive| archive.members.clear());
    catalogue.archive("on disk 1", "zip-multi-disk", |archive| archive.end.disk = 1);
    catalogue.archive("the directory on disk 1", "zip-multi-disk", |archive| {
        archive.end.directory_disk = 1;
    });
    catalogue.archive("a member on disk 1", "zip-multi-disk", |archive| {
        archive.member(INIT).central.disk = 1;
    });
    catalogue.archive("fewer members here than in all", "zip-entry-count", |archive| {
        archive.end.entries_here = Some(1);
    });
    catalogue.archive("fewer members counted than listed", "zip-entry-count", |archive| {
        let count = archive.members.len() as u16 - 1;
        (archive.end.entries, archive.end.entries_here) = (Some(count), Some(count));
    });
    catalogue.archive("more members counted than listed", "zip-directory-malformed", |archive| {
        let count = archive.members.len() as u16 + 1;
        (archive.end.entries, archive.end.entries_here) = (Some(count), Some(count));
    });
    catalogue.archive("more members counted than have room", "zip-entry-count", |archive| {
        (archive.end.entries, archive.end.entries_here) = (Some(65_535), Some(65_535));
    });
    catalogue.archive("bytes between directory and end", "zip-directory-placement", |archive| {
        archive.after_directory = b"hidden".to_vec();
    });
    catalogue.archive("bytes at the end of the directory", "zip-directory-malformed", |archive| {
        archive.in_directory = b"hidden".to_vec();
    });
    catalogue.archive("the directory elsewhere", "zip-directory-placement", |archive| {
        archive.end.offset = Some(0);
    });
}

fn zip64(catalogue: &mut Catalogue) {
    let mut add = |name, code, end64: End64| {
        catalogue.archive(name, code, |archive| archive.end64 = Some(end64));
    };
    let inconsistent = "zip64-inconsistent";
    add(
        "a ZIP64 record that says its length wrongly",
        inconsistent,
        End64 { length: Some(45), ..End64::default() },
    );
    add("a ZIP64 record elsewhere", inconsistent, End64 { located: Some(0), ..End64::default() });
    add(
        "bytes between ZIP64 record and locator",
        inconsistent,
        End64 { between: b"hidden".to_vec(), ..End64::default() },
    );
    add(
        "a ZIP64 locator for two disks",
        "zip-multi-disk",
        End64 { disks: Some(2), ..End64::default() },
    );
    add(
        "a ZIP64 locator without a record",
        inconsistent,
        End64 { no_record: true, ..End64::default() },
    );
    add(
        "a ZIP64 directory elsewhere",
        "zip-directory-placement",
        End64 { offset: Some(0), ..End64::default() },
    );
    add("300,000 members", "limit-entries", End64 { entries: Some(300_000), ..End64::default() });
    catalogue.archive("two records that count differently", inconsistent, |archive| {
        archive.end64 = Some(End64::default());
        (archive.end.entries, archive.end.entries_here) = (Some(1), Some(1));
    });
    catalogue.archive("two records with two directories", inconsistent, |archive| {
        archive.end64 = Some(End64::default());
        archive.end.offset = Some(0);
    });
    catalogue.archive("a reference to no ZIP64 record", "zip64-missing", |archive| {
        archive.end.offset = Some(u32::MAX);
    });
    catalogue.archive("a ZIP64 field that is too long", inconsistent, |archive| {
        archive.member(INIT).central.extra = [&[1, 0, 8, 0][..], &[0; 8]].concat();
    });
    catalogue.archive("a size in no ZIP64 field", inconsistent, |archive| {
        archive.member(INIT).central.size = Some(u32::MAX);
    });
    catalogue.archive("a local size in no ZIP64 field", "zip64-missing", |archive| {
        archive.member(INIT).local.size = Some(u32::MAX);
    });
    catalogue.archive("a local ZIP64 field of one size", inconsistent, |archive| {
        archive.member(INIT).local.extra = [&[1, 0, 8, 0][..], &[0; 8]].concat();
    });
    catalogue.archive("a local ZIP64 field of other sizes", inconsistent, |archive| {
        archive.member(INIT).local.extra = [&[1, 0, 16, 0][..], &[9; 16]].concat();
    });
    catalogue.archive("a ZIP64 field twice", "zip-extra-malformed", |archive| {
        let member = archive.member(INIT);
        member.zip64 = true;
        member.central.extra = [&[1, 0, 16, 0][..], &[0; 16]].concat();
    });
}

fn layout(catalogue: &mut Catalogue) {
    catalogue.archive("a program before the archive", "zip-prepended-bytes", |archive| {
        archive.prefix = b"#!/bin/sh\nexit\n".to_vec();
        archive.prefix_counts = true;
    });
    catalogue.archive("bytes before, offsets not moved", "zip-directory-placement", |archive| {
        archive.prefix = b"#!/bin/sh\nexit\n".to_vec();
    });
    catalogue.archive("bytes between two members", "zip-gap", |archive| {
        archive.member(DEEP).before = b"hidden".to_vec();
    });
    catalogue.archive("bytes before the directory", "zip-gap", |archive| {
        archive.before_directory = b"hidden".to_vec();
    });
    catalogue.archive("a member that is not listed", "zip-gap", |archive| {
        archive.member(DEEP).unlisted = true;
    });
    catalogue.archive("the first member not listed", "zip-prepended-bytes", |archive| {
        archive.member(INIT).unlisted = true;
    });
    catalogue.archive("members listed in another order", "zip-out-of-order", |archive| {
        let mut order: Vec<usize> = (0..archive.members.len()).collect();
        order.swap(0, 1);
        archive.directory_order = Some(order);
    });
    catalogue.archive("two entries for one member", "zip-out-of-order", |archive| {
        archive.member(DEEP).central.offset = Some(0);
    });
    catalogue.archive("a member inside another", "zip-overlap", nest);
    catalogue.archive("data that runs into the directory", "zip-overlap", |archive| {
        if let Some(last) = archive.members.last_mut() {
            let size = last.compressed().len() as u32 + 10;
            (last.local.compressed_size, last.central.compressed_size) = (Some(size), Some(size));
        }
    });
    catalogue.bytes("no header where one should be", "zip-local-missing", |mut bytes| {
        bytes[0] = b'Q';
        bytes
    });
    catalogue.archive("a header beyond the end", "zip-gap", |archive| {
        if let Some(last) = archive.members.last_mut() {
            last.central.offset = Some(1 << 30);
        }
    });
}

/// A member whose data has the header and the data of the next one in it, as in overlap bombs.
fn nest(archive: &mut Archive) {
    let inner = Archive { members: vec![Member::file("foo/inner.py", b"x")], ..Archive::default() };
    let written = inner.write();
    let header_and_data = 30 + "foo/inner.py".len() + inner.members[0].compressed().len();
    let mut outer = Member::file("foo/outer.py", &written[..header_and_data]);
    outer.method = 0;
    let mut listed = Member::file("foo/inner.py", b"x");
    listed.central.offset = Some(30 + "foo/outer.py".len() as u32);
    archive.members.insert(0, listed);
    archive.members.insert(0, outer);
}

fn local_headers(catalogue: &mut Catalogue) {
    let mut add = |name, code, lie: fn(&mut Member)| {
        catalogue.archive(name, code, |archive| lie(archive.member(INIT)));
    };
    add("another name locally", "zip-local-name", |member| {
        member.local.name = Some(b"foo/__main__.py".to_vec());
    });
    add("a longer name locally", "zip-local-name", |member| {
        member.local.name = Some(b"foo/__init__.py/../../bar.py".to_vec());
    });
    add("other flags locally", "zip-local-flags", |member| member.local.flags = Some(1 << 1));
    add("encrypted only locally", "zip-local-flags", |member| member.local.flags = Some(1));
    add("stored locally, deflated centrally", "zip-local-method", |member| {
        member.local.method = Some(0);
    });
    add("another CRC-32 locally", "zip-local-crc", |member| member.local.crc32 = Some(7));
    add("another compressed size locally", "zip-local-compressed-size", |member| {
        member.local.compressed_size = Some(1);
    });
    add("another size locally", "zip-local-size", |member| member.local.size = Some(1));
    add("no sizes locally, and no descriptor", "zip-local-compressed-size", |member| {
        (member.local.size, member.local.compressed_size) = (Some(0), Some(0));
    });
}

fn central_entries(catalogue: &mut Catalogue) {
    let mut add = |name, code, lie: fn(&mut Member)| {
        catalogue.archive(name, code, |archive| lie(archive.member(INIT)));
    };
    add("encrypted", "zip-encrypted", |member| member.flags = 1);
    add("strongly encrypted", "zip-encrypted", |member| member.flags = 1 << 6);
    add("headers masked", "zip-encrypted", |member| member.flags = 1 << 13);
    add("patched data", "zip-unsupported-flags", |member| member.flags = 1 << 5);
    add("method bzip2", "zip-unsupported-method", |member| member.method = 12);
    add("method zstd", "zip-unsupported-method", |member| member.method = 93);
    add("method deflate64", "zip-unsupported-method", |member| member.method = 9);
    add("needs a later version", "zip-unsupported-version", |member| {
        member.central.version = Some(63);
    });
    add("a comment on a member", "zip-entry-comment", |member| {
        member.central.comment = b"x".to_vec();
    });
    add("extra fields that overrun", "zip-extra-malformed", |member| {
        member.central.extra = b"UT\xff\xff".to_vec();
    });
    add("extra fields that overrun locally", "zip-extra-malformed", |member| {
        member.local.extra = b"UT\xff\xff".to_vec();
    });
    add("a Unicode path in an extra field", "zip-extra-forbidden", |member| {
        member.central.extra = b"\x75\x70\x0c\x00\x01\0\0\0\0bar.py!".to_vec();
    });
    add("a Unicode path in a local extra field", "zip-extra-forbidden", |member| {
        member.local.extra = b"\x75\x70\x0c\x00\x01\0\0\0\0bar.py!".to_vec();
    });
    add("an AES field", "zip-extra-forbidden", |member| {
        member.central.extra = b"\x01\x99\x07\x00\x02\0AE\x03\x08\0".to_vec();
    });
    add("a name in code page 437", "zip-name-encoding", |member| {
        member.central.name = Some(b"foo/__init\x82.py".to_vec());
    });
    add("UTF-8 without the flag", "zip-name-encoding", |member| {
        member.central.name = Some("foo/é.py".as_bytes().to_vec());
    });
    add("the flag without UTF-8", "zip-name-encoding", |member| {
        member.flags = 1 << 11;
        member.central.name = Some(b"foo/\xff.py".to_vec());
    });
    add("an overlong slash", "zip-name-encoding", |member| {
        member.flags = 1 << 11;
        member.central.name = Some(b"..\xc0\xafbar.py".to_vec());
    });
    catalogue.wheel("two members of one name", "zip-duplicate", |wheel| {
        wheel.members.push(Member::file(INIT, b"import os\n"));
    });
}

fn kinds(catalogue: &mut Catalogue) {
    let mut add = |name, code, lie: fn(&mut Member)| {
        catalogue.archive(name, code, |archive| lie(archive.member(INIT)));
    };
    add("a symbolic link", "zip-symlink", |member| {
        member.mode = 0o120_777;
        member.content = b"../../../etc/passwd".to_vec();
    });
    add("a character device", "zip-special-mode", |member| member.mode = 0o020_666);
    add("a pipe", "zip-special-mode", |member| member.mode = 0o010_666);
    add("a socket", "zip-special-mode", |member| member.mode = 0o140_666);
    add("a set-user-id file", "zip-special-mode", |member| member.mode = 0o104_755);
    add("a set-group-id file", "zip-special-mode", |member| member.mode = 0o102_755);
    add("a file that is a directory by its mode", "zip-kind-mismatch", |member| {
        member.mode = 0o040_755;
    });
    add("a file that is a directory for DOS", "zip-kind-mismatch", |member| {
        (member.mode, member.dos_attributes) = (0, 0x10);
    });
    add("a stored file of two sizes", "zip-stored-size", |member| {
        member.method = 0;
        (member.local.size, member.central.size) = (Some(5), Some(5));
    });
    let directory = |change: fn(&mut Member)| {
        let mut member = Member::directory("foo/");
        change(&mut member);
        member
    };
    let mut add = |name, code, change| {
        catalogue.archive(name, code, |archive| archive.members.insert(0, directory(change)));
    };
    add("a directory that is a file by its mode", "zip-kind-mismatch", |member| {
        member.mode = 0o100_644;
    });
    add("a directory that is a symbolic link", "zip-symlink", |member| member.mode = 0o120_777);
    add("a directory with data", "zip-directory-with-data", |member| {
        member.content = b"x".to_vec();
    });
    add("a directory with deflated data", "zip-directory-with-data", |member| {
        member.method = 8;
        member.content = b"x".to_vec();
    });
    add("a directory with data that nothing unpacks", "zip-directory-with-data", |member| {
        member.method = 8;
        member.data = Some(vec![3, 0, 0]);
    });
}

fn descriptors(catalogue: &mut Catalogue) {
    let mut raw = |name, code, bytes: &[u8]| {
        catalogue.archive(name, code, |archive| {
            archive.member(INIT).descriptor = Descriptor::Raw(bytes.to_vec());
        });
    };
    raw("a descriptor that is missing", "zip-descriptor", b"");
    raw("a descriptor of zeros", "zip-descriptor", &[0; 16]);
    raw("a descriptor that is cut off", "zip-descriptor", &[0; 9]);
    raw("a descriptor and more", "zip-gap", &[0; 40]);
    catalogue.archive("a descriptor with another CRC-32", "zip-descriptor", |archive| {
        let member = archive.member(INIT);
        let (size, full) = (member.compressed().len() as u32, member.content.len() as u32);
        let bytes = [0x0807_4b50, 7, size, full].map(u32::to_le_bytes).concat();
        member.descriptor = Descriptor::Raw(bytes);
    });
    catalogue.archive("a descriptor that is not announced", "zip-gap", |archive| {
        let member = archive.member(INIT);
        member.descriptor = Descriptor::Written { signed: true, wide: false };
        let flags = Some(0);
        (member.local.flags, member.central.flags) = (flags, flags);
        member.local.crc32 = Some(crc32fast::hash(&member.content));
        member.local.compressed_size = Some(member.compressed().len() as u32);
        member.local.size = Some(member.content.len() as u32);
    });
    catalogue.archive("stored, its size after the data", "zip-stored-descriptor", |archive| {
        let member = archive.member(INIT);
        member.method = 0;
        member.descriptor = Descriptor::Written { signed: true, wide: false };
    });
}

fn bombs(catalogue: &mut Catalogue) {
    let claim = |archive: &mut Archive, name: &str, size: u64| {
        let member = archive.member(name);
        let compressed = member.compressed().len() as u64;
        let field = [&[1, 0, 16, 0][..], &size.to_le_bytes(), &compressed.to_le_bytes()].concat();
        for forged in [&mut member.local, &mut member.central] {
            (forged.size, forged.compressed_size) = (Some(u32::MAX), Some(u32::MAX));
            forged.extra = field.clone();
        }
    };
    catalogue.archive("a member of 9 GiB", "limit-entry-bytes", |archive| {
        claim(archive, INIT, 9 << 30);
    });
    catalogue.archive("a member of all bytes there are", "limit-entry-bytes", |archive| {
        claim(archive, INIT, u64::MAX);
    });
    catalogue.archive("members of 18 GiB together", "limit-total-bytes", |archive| {
        for name in [INIT, DEEP, "foo-1.0.dist-info/WHEEL"] {
            claim(archive, name, 6 << 30);
        }
    });
    catalogue.archive("a thousand bytes for each one", "limit-ratio", |archive| {
        claim(archive, DEEP, 65 << 20);
    });
}
