//! Documents of all five kinds, made here, and what is wrong with their mutations.

use super::*;

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

fn long() -> String {
    DIGEST.repeat(2)
}

fn read_as(kind: Kind, location: &str, text: &str) -> Reading {
    read(kind, location, text.as_bytes(), &[])
}

/// File, size, origin and line of each.
fn told(reading: &Reading) -> Vec<(&str, Option<u64>, Origin, u32)> {
    let each = reading.published.iter();
    each.map(|it| (it.file.as_str(), it.size, it.origin, it.place.line)).collect()
}

/// The one mistake, and that nothing of the document counts.
fn check_mistake(kind: Kind, location: &str, text: &str, code: &str, line: u32) {
    let reading = read_as(kind, location, text);
    let found: Vec<_> = reading.mistakes.iter().map(|it| (it.code, it.place.line)).collect();
    assert_eq!(found, [(code, line)], "{text}\n{:?}", reading.mistakes);
    assert_eq!(reading.published, [], "{text}");
}

fn manifest() -> String {
    let (digest, long) = (DIGEST, long());
    format!(
        "AUX teapot.patch 12 BLAKE2B {long} SHA512 {long}\n\
         DIST teapot-1.2.gh.tar.gz 4000 BLAKE2B {long} SHA512 {long}\n\
         DIST teapot-1.2.tar.gz 3000 BLAKE2B {long} SHA512 {long}\n\
         DIST teapot-1.3.tar.gz 3001 SHA256 {digest}\n\
         DIST teapot-1.4.tar.gz 3002 BLAKE2B {long}\n\
         EBUILD teapot-1.2.ebuild 10 SHA512 {long}\n"
    )
}

#[test]
fn manifests_of_gentoo() {
    let reading = read_as(Kind::Gentoo, "dev-python/teapot/Manifest", &manifest());
    assert_eq!(reading.mistakes, []);
    assert_eq!(
        told(&reading),
        [
            ("teapot-1.2.gh.tar.gz", Some(4000), Origin::Elsewhere, 2),
            ("teapot-1.2.tar.gz", Some(3000), Origin::Unknown, 3),
            ("teapot-1.3.tar.gz", Some(3001), Origin::Unknown, 4),
        ]
    );
    assert_eq!(reading.published[1].digest, Digest::parse_hex(Algorithm::Sha512, &long()).unwrap());
    assert_eq!(reading.published[1].project().unwrap().as_str(), "teapot");
    // The archive of a repository has a name that looks like one of an index.
    assert_eq!(reading.published[0].distribution(), None);
    let passed: Vec<_> = reading.passed_over.iter().map(|it| it.place.line).collect();
    assert_eq!(passed, [5]);

    // Signed as a whole: the envelope is taken off.
    let signed = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{}-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n",
        manifest()
    );
    let inside = read_as(Kind::Gentoo, "Manifest", &signed);
    assert_eq!(inside.mistakes, []);
    assert_eq!(inside.published.len(), 3);
    assert_eq!(inside.published[0].place.line, 5);
}

#[test]
fn ebuilds_say_where_archives_come_from() {
    let check = |ebuilds: &[&str], expect: Origin| {
        let reading = read(Kind::Gentoo, "Manifest", manifest().as_bytes(), ebuilds);
        assert_eq!(reading.published[1].origin, expect, "{ebuilds:?}");
    };
    check(&[], Origin::Unknown);
    check(&["inherit distutils-r1 pypi\n"], Origin::Index);
    check(&["inherit distutils-r1 \\\n\tpypi\n"], Origin::Index);
    check(
        &["inherit cmake\nSRC_URI=\"https://example.org/teapot-1.2.tar.gz\"\n"],
        Origin::Elsewhere,
    );
    check(&["# inherit pypi\n"], Origin::Elsewhere);
    check(&["inherit cmake\n", "inherit pypi\n"], Origin::Index);
}

#[test]
fn mistakes_in_manifests() {
    let long = long();
    let good = format!("DIST a-1.tar.gz 1 SHA512 {long}\n");
    let check = |line: &str, code: &str| {
        check_mistake(Kind::Gentoo, "Manifest", &format!("{good}{line}\n"), code, 2);
    };
    check("DISTS a 1 SHA512 ab", codes::SYNTAX);
    check("DIST b-1.tar.gz", codes::SYNTAX);
    check("DIST b-1.tar.gz 1", codes::SYNTAX);
    check("DIST b-1.tar.gz 1 SHA512", codes::SYNTAX);
    check(&format!("DIST b-1.tar.gz -1 SHA512 {long}"), codes::INVALID_VALUE);
    check(&format!("DIST ../b-1.tar.gz 1 SHA512 {long}"), codes::INVALID_VALUE);
    check(&format!("DIST .b-1.tar.gz 1 SHA512 {long}"), codes::INVALID_VALUE);
    check("DIST b-1.tar.gz 1 SHA512 abc", codes::MALFORMED_DIGEST);
    check(&format!("DIST a-1.tar.gz 1 SHA512 {}", OTHER.repeat(2)), codes::DIGEST_CONFLICT);
    // The same line again changes nothing.
    let twice = read_as(Kind::Gentoo, "Manifest", &good.repeat(2));
    assert_eq!((twice.published.len(), twice.mistakes.len()), (1, 0));
}

fn distinfo() -> String {
    format!(
        "TIMESTAMP = 1700000000\n\
         SHA256 (teapot-1.2.tar.gz) = {DIGEST}\n\
         SIZE (teapot-1.2.tar.gz) = 3000\n\
         SHA256 (python/lid-2.0.tar.gz) = {OTHER}\n\
         SIZE (python/lid-2.0.tar.gz) = 40\n"
    )
}

#[test]
fn distinfo_of_freebsd() {
    let reading = read_as(Kind::FreeBsd, "devel/py-teapot/distinfo", &distinfo());
    assert_eq!(reading.mistakes, []);
    assert_eq!(
        told(&reading),
        [
            ("teapot-1.2.tar.gz", Some(3000), Origin::Unknown, 2),
            ("lid-2.0.tar.gz", Some(40), Origin::Unknown, 4),
        ]
    );
    let check = |makefile: &str, expect: Origin| {
        let reading = read(Kind::FreeBsd, "distinfo", distinfo().as_bytes(), &[makefile]);
        assert_eq!(reading.published[0].origin, expect, "{makefile}");
    };
    check("PORTNAME=\tteapot\nMASTER_SITES=\tPYPI\n", Origin::Index);
    check("MASTER_SITES?=\t\\\n\tPYPI/source\n", Origin::Index);
    check("MASTER_SITES=\tGH\n", Origin::Elsewhere);
    check("USES=\tPYPI\n", Origin::Elsewhere);
}

#[test]
fn mistakes_in_distinfo() {
    let check = |from: &str, to: &str, code: &str, line: u32| {
        let text = distinfo().replacen(from, to, 1);
        assert_ne!(text, distinfo(), "{from}");
        check_mistake(Kind::FreeBsd, "distinfo", &text, code, line);
    };
    check("1700000000", "yesterday", codes::INVALID_VALUE, 1);
    check("SHA256 (t", "MD5 (t", codes::SYNTAX, 2);
    check("(teapot-1.2.tar.gz)", "teapot-1.2.tar.gz", codes::SYNTAX, 2);
    check("= 0123", "= 123", codes::MALFORMED_DIGEST, 2);
    check("= 0123", "0123", codes::SYNTAX, 2);
    check("SIZE (teapot-1.2.tar.gz) = 3000\n", "", codes::MISSING_KEY, 2);
    check("= 3000", "= many", codes::INVALID_VALUE, 3);
    check("python/lid-2.0.tar.gz", "python/", codes::MISSING_KEY, 4);
}

fn dsc() -> String {
    format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\n\
         Hash: SHA256\n\
         \n\
         Format: 3.0 (quilt)\n\
         Source: python-teapot\n\
         Binary: python3-teapot,\n \
          python-teapot-doc\n\
         Version: 1.2-1\n\
         Checksums-Sha1:\n \
          0123456789abcdef0123456789abcdef01234567 3000 python-teapot_1.2.orig.tar.gz\n\
         Checksums-Sha256:\n \
          {DIGEST} 3000 python-teapot_1.2.orig.tar.gz\n \
          {OTHER} 30 python-teapot_1.2.orig-lid.tar.xz\n \
          {OTHER} 4000 python-teapot_1.2-1.debian.tar.xz\n \
          {OTHER} 400 python-teapot_1.2.orig.tar.gz.asc\n\
         \n\
         -----BEGIN PGP SIGNATURE-----\n\
         \n\
         abcdef\n\
         -----END PGP SIGNATURE-----\n"
    )
}

#[test]
fn dsc_of_debian() {
    let reading = read_as(Kind::Debian, "python-teapot_1.2-1.dsc", &dsc());
    assert_eq!(reading.mistakes, []);
    assert_eq!(
        told(&reading),
        [
            ("python-teapot_1.2.orig.tar.gz", Some(3000), Origin::Elsewhere, 12),
            ("python-teapot_1.2.orig-lid.tar.xz", Some(30), Origin::Elsewhere, 13),
        ]
    );
    let first = &reading.published[0];
    assert_eq!(first.digest, Digest::parse_hex(Algorithm::Sha256, DIGEST).unwrap());
    assert_eq!(first.project().unwrap().as_str(), "python-teapot");
    assert_eq!(first.distribution(), None);
}

#[test]
fn mistakes_in_dsc() {
    let check = |from: &str, to: &str, code: &str, line: u32| {
        let text = dsc().replacen(from, to, 1);
        assert_ne!(text, dsc(), "{from}");
        check_mistake(Kind::Debian, "a.dsc", &text, code, line);
    };
    check("Version: 1.2-1", "Version 1.2-1", codes::SYNTAX, 8);
    check("Version: 1.2-1", "Source: other", codes::SYNTAX, 8);
    check("Source: python-teapot\n", "", codes::MISSING_KEY, 4);
    check(&format!("{DIGEST} 3000"), DIGEST, codes::SYNTAX, 12);
    check(&format!("{DIGEST} 3000"), &format!("{DIGEST} x"), codes::INVALID_VALUE, 12);
    check(&format!("{DIGEST} 3000"), "abc 3000", codes::MALFORMED_DIGEST, 12);
    check("_1.2.orig-lid.tar.xz", "_1.2.orig.tar.gz", codes::DIGEST_CONFLICT, 13);
    check_mistake(Kind::Debian, "a.dsc", " first\nSource: a\n", codes::SYNTAX, 1);
}

#[test]
fn a_mistake_in_an_index_takes_back_one_package() {
    let stanza = |name: &str, digest: &str| {
        format!(
            "Package: {name}\nDirectory: pool/main/t/{name}\nChecksums-Sha256:\n {digest} 3 {name}_1.orig.tar.gz\n {OTHER} 3 {name}_1.orig-a.tar.gz\n\n"
        )
    };
    let text = stanza("one", DIGEST) + &stanza("two", "abc") + &stanza("three", DIGEST);
    let reading = read_as(Kind::Debian, "lists/example_Sources", &text);
    let files: Vec<_> = reading.published.iter().map(|it| it.file.as_str()).collect();
    assert_eq!(
        files,
        [
            "one_1.orig.tar.gz",
            "one_1.orig-a.tar.gz",
            "three_1.orig.tar.gz",
            "three_1.orig-a.tar.gz"
        ]
    );
    assert_eq!(reading.published[0].url.as_deref(), Some("pool/main/t/one/one_1.orig.tar.gz"));
    let mistakes: Vec<_> = reading.mistakes.iter().map(|it| (it.code, it.place.line)).collect();
    assert_eq!(mistakes, [(codes::MALFORMED_DIGEST, 10)]);
}

const ADDRESS: &str = "https://files.example.org/packages/source/t/teapot";

fn meta() -> String {
    format!(
        "{{% set name = \"TeaPot\" %}}\n\
         {{% set version = \"1.2\" %}}\n\
         \n\
         package:\n  name: {{{{ name|lower }}}}\n\
         \n\
         source:\n  \
         url: {ADDRESS}/{{{{ name.lower() }}}}-{{{{ version }}}}.tar.gz  # the sdist\n  \
         sha256: {DIGEST}\n  \
         patches:\n    - one.patch  # [win]\n    - two.patch\n\
         \n\
         build:\n  number: 0\n"
    )
}

#[test]
fn recipes_of_conda_forge() {
    let reading = read_as(Kind::CondaForge, "recipe/meta.yaml", &meta());
    assert_eq!((reading.mistakes.len(), reading.passed_over.len()), (0, 0), "{reading:?}");
    assert_eq!(told(&reading), [("teapot-1.2.tar.gz", None, Origin::Index, 9)]);
    let only = &reading.published[0];
    assert_eq!(only.url.as_deref(), Some(&*format!("{ADDRESS}/teapot-1.2.tar.gz")));
    assert_eq!(only.project().unwrap().as_str(), "teapot");

    let list = format!(
        "source:\n  - url: https://example.org/archive/v1.2.tar.gz\n    sha256: {OTHER}\n    folder: src\n  - url:\n      - {ADDRESS}/lid-1.0.tar.gz\n      - https://mirror.example.org/x.tar.gz\n    sha256: {DIGEST}\n    patches:\n      - a.patch\n  - git_url: https://example.org/a.git\nbuild:\n"
    );
    let expect =
        [("v1.2.tar.gz", None, Origin::Elsewhere, 3), ("lid-1.0.tar.gz", None, Origin::Index, 8)];
    assert_eq!(told(&read_as(Kind::CondaForge, "meta.yaml", &list)), expect);
    // The same list without indentation, which YAML allows.
    let flat = list.replace("\n  ", "\n");
    assert_eq!(told(&read_as(Kind::CondaForge, "meta.yaml", &flat)), expect);
}

#[test]
fn selectors_and_the_newer_form() {
    let selected = format!(
        "source:\n  url: {ADDRESS}/a-1.tar.gz  # [win]\n  sha256: {OTHER}  # [win]\n  url: {ADDRESS}/b-1.tar.gz  # [not win]\n  sha256: {DIGEST}  # [not win]\n"
    );
    let expect = [("a-1.tar.gz", None, Origin::Index, 3), ("b-1.tar.gz", None, Origin::Index, 5)];
    assert_eq!(told(&read_as(Kind::CondaForge, "meta.yaml", &selected)), expect);

    let newer = format!(
        "schema_version: 1\n\ncontext:\n  name: teapot\n  version: \"1.2\"\n\npackage:\n  name: ${{{{ name }}}}\n\nsource:\n  url: {ADDRESS}/${{{{ name }}}}-${{{{ version }}}}.tar.gz\n  sha256: {DIGEST}\n"
    );
    let reading = read_as(Kind::CondaForge, "recipe.yaml", &newer);
    assert_eq!(told(&reading), [("teapot-1.2.tar.gz", None, Origin::Index, 12)]);
    assert_eq!(reading.published[0].package.as_deref(), Some("teapot"));

    let conditional = format!(
        "source:\n  - if: win\n    then:\n      url: {ADDRESS}/a-1.tar.gz\n      sha256: {OTHER}\n    else:\n      url: {ADDRESS}/b-1.tar.gz\n      sha256: {DIGEST}\n"
    );
    let reading = read_as(Kind::CondaForge, "recipe.yaml", &conditional);
    let expect = [("a-1.tar.gz", None, Origin::Index, 5), ("b-1.tar.gz", None, Origin::Index, 8)];
    assert_eq!(told(&reading), expect);
}

#[test]
fn what_a_recipe_leaves_to_its_own_tool() {
    let check = |from: &str, to: &str| {
        let text = meta().replacen(from, to, 1);
        assert_ne!(text, meta());
        let reading = read_as(Kind::CondaForge, "meta.yaml", &text);
        assert_eq!((reading.published.len(), reading.mistakes.len()), (0, 0), "{text}");
        assert_eq!(reading.passed_over.len(), 1, "{text}");
    };
    check("name.lower()", "name.upper()");
    check("\"1.2\"", "environ[\"VERSION\"]");
    check("sha256:", "md5:");
    check("url: https://", "url: git@");
    // A name that is set to two texts has no one value.
    check("{% set version = \"1.2\" %}", "{% set version = \"1.2\" %}\n{% set version = \"2\" %}");

    check_mistake(
        Kind::CondaForge,
        "meta.yaml",
        &meta().replace(DIGEST, "12"),
        codes::MALFORMED_DIGEST,
        9,
    );
    let orphan = meta().replacen("  url:", "  uri:", 1);
    check_mistake(Kind::CondaForge, "meta.yaml", &orphan, codes::ORPHAN_DIGEST, 9);
}

fn formula() -> String {
    format!(
        "class Teapot < Formula\n  include Language::Python::Virtualenv\n\n  desc \"Pours # tea\"\n  homepage \"https://example.org\"\n  url \"{ADDRESS}/teapot-1.2.tar.gz\"\n  sha256 \"{DIGEST}\"\n  license \"MIT\"\n\n  bottle do\n    sha256 cellar: :any, arm64_sonoma: \"{OTHER}\"\n  end\n\n  on_linux do\n    depends_on \"gcc\"\n  end\n\n  resource \"lid\" do\n    url \"{ADDRESS}/lid-2.0.tar.gz\" # pinned\n    sha256 \"{OTHER}\"\n  end\n\n  patch do\n    url \"https://example.org/packages/fix-1.0.tar.gz\"\n    sha256 \"{OTHER}\"\n  end\n\n  def install\n    virtualenv_install_with_resources if build.stable?\n  end\nend\n"
    )
}

#[test]
fn formulae_of_homebrew() {
    let reading = read_as(Kind::Homebrew, "Formula/t/teapot.rb", &formula());
    assert_eq!((reading.mistakes.len(), reading.passed_over.len()), (0, 0), "{reading:?}");
    assert_eq!(
        told(&reading),
        [
            ("teapot-1.2.tar.gz", None, Origin::Index, 7),
            ("lid-2.0.tar.gz", None, Origin::Index, 20),
        ]
    );
    assert_eq!(reading.published[1].package.as_deref(), Some("lid"));

    let passed = |from: &str, to: &str| {
        let reading = read_as(Kind::Homebrew, "teapot.rb", &formula().replacen(from, to, 1));
        assert_eq!(
            (reading.published.len(), reading.passed_over.len()),
            (1, 1),
            "{from}: {reading:?}"
        );
        assert_eq!(reading.mistakes, []);
    };
    passed("teapot-1.2", "teapot-#{version}");
    passed(&format!("  sha256 \"{DIGEST}\"\n"), "");
    passed(&format!("url \"{ADDRESS}"), "url \"ssh://example.org/a");

    let wrong = formula().replace(OTHER, "12");
    check_mistake(Kind::Homebrew, "teapot.rb", &wrong, codes::MALFORMED_DIGEST, 20);
    let orphan = formula().replacen("    url", "    uri", 1);
    check_mistake(Kind::Homebrew, "teapot.rb", &orphan, codes::ORPHAN_DIGEST, 20);
    check_mistake(Kind::Homebrew, "a.rb", &"x do\n".repeat(70), codes::TOO_LARGE, 64);
}

#[test]
fn addresses_of_an_index_have_their_form() {
    let check =
        |url: &str, expect: Option<(&str, Origin)>| assert_eq!(of_url(url), expect, "{url}");
    let file = "teapot-1.2.tar.gz";
    check(&format!("{ADDRESS}/{file}"), Some((file, Origin::Index)));
    check(
        &format!("https://example.org/packages/ab/cd/{file}#sha256=1"),
        Some((file, Origin::Index)),
    );
    check(&format!("https://example.org/a/{file}"), Some((file, Origin::Elsewhere)));
    check(&format!("https://packages/{file}"), Some((file, Origin::Elsewhere)));
    check("https://example.org/packages/v1.tar.gz", Some(("v1.tar.gz", Origin::Elsewhere)));
    check(&format!("https://example.org/a?b=/packages/{file}"), Some(("a", Origin::Elsewhere)));
    check("https://example.org", None);
    check("git://example.org/a", None);
}

#[test]
fn documents_that_are_no_text_or_too_long() {
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.name()), Some(kind));
        let reading = read(kind, "a.dsc", b"a\n\xff", &[]);
        assert_eq!(reading.mistakes[0].code, codes::ENCODING);
        let reading = read(kind, "a.dsc", &vec![b'\n'; MAXIMUM_SIZE + 1], &[]);
        assert_eq!(reading.mistakes[0].code, codes::TOO_LARGE);
    }
    assert_eq!(Kind::parse("Gentoo"), None);
}

#[test]
fn every_prefix_of_a_document_is_read_without_harm() {
    let documents = [
        (Kind::Gentoo, "Manifest", manifest()),
        (Kind::FreeBsd, "distinfo", distinfo()),
        (Kind::Debian, "a.dsc", dsc()),
        (Kind::CondaForge, "meta.yaml", meta()),
        (Kind::Homebrew, "a.rb", formula()),
    ];
    for (kind, name, text) in &documents {
        for (at, _) in text.char_indices() {
            for (other, _, _) in &documents {
                read_as(*other, name, &text[..at]);
            }
            let whole = read_as(*kind, name, text);
            // What is left of a document says nothing that the whole one does not.
            for published in read_as(*kind, name, &text[..at]).published {
                let same =
                    |it: &Published| it.file == published.file && it.digest == published.digest;
                assert!(whole.published.iter().any(same), "{kind:?} {at}: {published:?}");
            }
        }
    }
}
