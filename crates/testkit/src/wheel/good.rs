//! Wheels that are good, though old, odd or made by unusual builders: none may be refused.

use super::archive::{Descriptor, End64, Member};
use super::{Archive, Wheel, record_line, record_text, wheel_text};

/// A wheel that must be accepted.
#[derive(Clone, Debug)]
pub struct Good {
    /// What is special about it; unique.
    pub name: &'static str,
    /// The file name it comes with.
    pub filename: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Every good wheel.
#[must_use]
pub fn all() -> Vec<Good> {
    let mut catalogue = Vec::new();
    archives(&mut catalogue);
    names(&mut catalogue);
    records(&mut catalogue);
    contents(&mut catalogue);
    catalogue
}

fn base() -> Wheel {
    Wheel::new("foo", "1.0")
        .file("foo/__init__.py", b"print('foo, foo, foo, foo')\n")
        .file("foo/empty.py", b"")
}

fn push(catalogue: &mut Vec<Good>, name: &'static str, wheel: &Wheel) {
    catalogue.push(Good { name, filename: wheel.filename(), bytes: wheel.build() });
}

fn archives(catalogue: &mut Vec<Good>) {
    let mut add = |name, change: &dyn Fn(&mut Archive)| {
        let mut archive = base().archive();
        change(&mut archive);
        catalogue.push(Good { name, filename: base().filename(), bytes: archive.write() });
    };
    let each = |change: &'static dyn Fn(&mut Member)| {
        move |archive: &mut Archive| archive.members.iter_mut().for_each(change)
    };
    add("nothing special", &|_| {});
    add("everything stored", &each(&|member| member.method = 0));
    add("a directory that is deflated", &|archive| {
        let directory = Member { method: 8, ..Member::directory("foo/") };
        archive.members.insert(0, directory);
    });
    add(
        "data descriptors with signature",
        &each(&|member| {
            member.descriptor = Descriptor::Written { signed: true, wide: false };
        }),
    );
    add(
        "data descriptors without signature",
        &each(&|member| {
            member.descriptor = Descriptor::Written { signed: false, wide: false };
        }),
    );
    add(
        "wide data descriptors with signature",
        &each(&|member| {
            member.descriptor = Descriptor::Written { signed: true, wide: true };
        }),
    );
    add(
        "wide data descriptors without signature",
        &each(&|member| {
            member.descriptor = Descriptor::Written { signed: false, wide: true };
        }),
    );
    add(
        "data descriptors, and sizes in the headers",
        &each(&|member| {
            member.local.crc32 = Some(crc32fast::hash(&member.content));
            member.local.compressed_size = Some(member.compressed().len() as u32);
            member.local.size = Some(member.content.len() as u32);
            member.descriptor = Descriptor::Written { signed: true, wide: false };
        }),
    );
    add("ZIP64 members", &each(&|member| member.zip64 = true));
    add(
        "ZIP64 members with data descriptors",
        &each(&|member| {
            member.zip64 = true;
            member.descriptor = Descriptor::Written { signed: true, wide: true };
        }),
    );
    add("a ZIP64 end record", &|archive| archive.end64 = Some(End64::default()));
    // As bazel's wheelmaker writes them.
    add(
        "local ZIP64 fields that repeat the sizes",
        &each(&|member| {
            let sizes = [member.content.len() as u64, member.compressed().len() as u64];
            member.local.extra =
                [&[1, 0, 16, 0][..], &sizes.map(u64::to_le_bytes).concat()].concat();
        }),
    );
    add(
        "extra fields with times and owners",
        &each(&|member| {
            member.local.extra =
                b"UT\x05\0\x03\0\0\0\0ux\x0b\0\x01\x04\0\0\0\0\x04\0\0\0\0".to_vec();
            member.central.extra = b"UT\x05\0\x03\0\0\0\0".to_vec();
        }),
    );
    add("deflated as hard as possible", &each(&|member| member.flags = 1 << 1));
    add("UTF-8 flags on ASCII names", &each(&|member| member.flags = 1 << 11));
    add("made on Windows", &each(&|member| (member.mode, member.dos_attributes) = (0, 0x20)));
    add(
        "needs version 4.5",
        &each(&|member| {
            (member.local.version, member.central.version) = (Some(45), Some(45));
        }),
    );
    add("directories", &|archive| {
        for name in ["foo-1.0.data/scripts/", "foo-1.0.data/", "foo-1.0.dist-info/", "foo/"] {
            archive.members.insert(0, Member::directory(name));
        }
    });
    add("a directory without a mode", &|archive| {
        archive.members.push(Member { mode: 0, ..Member::directory("foo/sub/") });
    });
    add("RECORD first", &|archive| archive.members.rotate_right(1));
}

fn names(catalogue: &mut Vec<Good>) {
    push(catalogue, "mixed case", &Wheel::new("Foo_Bar", "1.0").file("foo_bar.py", b""));
    push(catalogue, "dots", &Wheel::new("zope.interface", "1.0").file("zope/x.py", b""));
    let mut wheel = Wheel::new("Foo_Bar", "1.0").file("foo_bar.py", b"");
    wheel.dist_info = "foo.bar-1.0.0.dist-info".to_owned();
    wheel.metadata = Some("Metadata-Version: 1.1\nName: FOO--BAR\nVersion: 1\n".to_owned());
    push(catalogue, "three spellings of one name", &wheel);
    push(catalogue, "a local version", &Wheel::new("foo", "1.0+cpu").file("foo.py", b""));
    push(catalogue, "an epoch", &Wheel::new("foo", "1!1.0").file("foo.py", b""));
    let mut wheel = Wheel::new("foo", "1.0").file("foo.py", b"");
    wheel.tag = "7_local-py2.py3-none-any".to_owned();
    wheel.wheel = Some(wheel_text(true, &["py2-none-any", "py3-none-any"]) + "Build: 7_local\n");
    push(catalogue, "a build number and two tags", &wheel);
    let odd = base()
        .file("foo/größe.txt", b"x")
        .file("foo/日本語.txt", b"x")
        .file("foo/ leading space.txt", b"x")
        .file("foo/a,b\"c.txt", b"x");
    push(catalogue, "names in other scripts, with commas and quotes", &odd);
}

fn records(catalogue: &mut Vec<Good>) {
    let record = "foo-1.0.dist-info/RECORD";
    let listed = |wheel: &Wheel| {
        let members = wheel.archive().members;
        record_text(&members[..members.len() - 1], record)
    };
    let signed = Wheel {
        more: vec![("RECORD.jws".into(), b"{}".to_vec()), ("RECORD.p7s".into(), b"x".to_vec())],
        ..base()
    };
    push(catalogue, "signatures that RECORD does not list", &signed);
    let text =
        listed(&signed) + record + ".jws,,\n" + &record_line(&(record.to_owned() + ".p7s"), b"x");
    push(catalogue, "signatures that RECORD lists", &Wheel { record: Some(text), ..signed });
    let text = listed(&base());
    let crlf = text.replace('\n', "\r\n");
    push(catalogue, "RECORD with CR LF", &Wheel { record: Some(crlf), ..base() });
    let backslashes = text.replace('/', "\\");
    push(catalogue, "RECORD with backslashes", &Wheel { record: Some(backslashes), ..base() });
    let unsized_lines: String = text
        .lines()
        .map(|line| line.rsplit_once(',').map_or("", |(start, _)| start).to_owned() + ",\n")
        .collect();
    push(catalogue, "RECORD without sizes", &Wheel { record: Some(unsized_lines), ..base() });
    let repeated = text.clone() + text.lines().next().unwrap_or_default() + "\n";
    push(catalogue, "RECORD with a line twice", &Wheel { record: Some(repeated), ..base() });
    // SHA-384 and SHA-512 of nothing.
    for (name, digest) in [
        (
            "RECORD with SHA-384",
            "sha384=OLBgp1GsljhM2TJ-sbHjaiH9txEUvgdDTAzHv2P24donTt6_529l-9Ua0vFImLlb",
        ),
        (
            "RECORD with SHA-512",
            "sha512=z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg_SpIdNs6c5H0NE8XYXysP-DGNKHfuwvY7kxvUdBeoGlODJ6-SfaPg",
        ),
    ] {
        let text: String = text
            .lines()
            .map(|line| {
                if line.starts_with("foo/empty.py") {
                    format!("foo/empty.py,{digest},0\n")
                } else {
                    format!("{line}\n")
                }
            })
            .collect();
        push(catalogue, name, &Wheel { record: Some(text), ..base() });
    }
}

fn contents(catalogue: &mut Vec<Good>) {
    let mut script = Member::file("foo-1.0.data/scripts/foo.sh", b"#!/bin/sh\n");
    script.mode = 0o100_755;
    let data = base()
        .file("foo-1.0.data/purelib/pure.py", b"x")
        .file("foo-1.0.data/platlib/plat.so", b"x")
        .file("foo-1.0.data/headers/foo.h", b"x")
        .file("foo-1.0.data/data/share/man/foo.1", b"x")
        .file("foo-1.0.data/data/bin/foo-helper", b"x")
        .file("foo-1.0.data/data/lib/libfoo.so", b"x")
        .file("foo-1.0.data/scripts/run-foo", b"#!python\nprint()\n")
        .member(script);
    push(catalogue, "every folder of data", &data);
    let spelled = Wheel::new("Foo", "1.0").file("foo-1.0.data/data/share/x", b"x");
    push(catalogue, "data in another spelling", &spelled);
    let mut wheel = base();
    wheel.wheel = Some(wheel_text(true, &["py3-none-manylinux1_x86_64"]));
    push(catalogue, "renamed after it was built", &wheel);
    wheel.wheel = Some(wheel_text(true, &["py3-none-any"]).replace("Version: 1.0", "Version: 1.9"));
    push(catalogue, "a later minor version of the format", &wheel);
    let odd = base()
        .file("foo.pth", b"import foo\n")
        .file("foo/__pycache__/x.cpython-311.pyc", b"x")
        .file("foo.egg-info/PKG-INFO", b"x")
        .file("foo/_vendor/bar-1.0.dist-info/METADATA", b"x")
        .file("foo-1.0.dist-info/licenses/LICENSE", b"x");
    push(catalogue, "a .pth file, bytecode, an egg-info of its own, vendored metadata", &odd);
    let commands = base().entry_points(
        "[console_scripts]\nfoo=foo:main\nfoo-3.11 = foo:main [extra]\n\
         activate-global-python-argcomplete = foo:a\npython-foo = foo:b.c\n\n\
         [gui_scripts]\nfoo-gui = foo:gui\n[foo.plugins]\nany thing = at all\n",
    );
    push(catalogue, "many entry points", &commands);
    push(catalogue, "nothing but metadata", &Wheel::new("foo", "1.0"));
}
