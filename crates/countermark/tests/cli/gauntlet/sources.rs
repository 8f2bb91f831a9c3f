//! Rows 28 to 45 (without 33 and 43): where files come from, and servers that lie.

use countermark_testkit::index::{Behaviour, ClaimedMetadata, Format};

use super::*;

#[test]
fn g28_branch_among_hashed_entries() {
    let g = Gauntlet::with(&[&alpha(), &beta()]);
    let right = pinned("alpha", "1.0", &alpha().build());
    let branch = "git+https://localhost:1/gamma.git@main#egg=gamma";
    // The other entries are still checked: one is wrong, and one lacks its digest.
    g.requirements(format!("{branch}\nalpha==1.0 --hash=sha256:{WRONG}\nbeta==1.0\n"));
    let run = g.refuses(2);
    run.says("error[vcs]").says("requirements.txt:1:1");
    run.says("error[digest-mismatch]").says("requirements.txt:2:1");
    run.says("error[missing-digest]").says("requirements.txt:3:1");
    let paste = format!("beta==1.0 \\\n    --hash=sha256:{}\n", sha256(&beta().build()));
    assert_eq!(run.stdout, paste);
    // Also when all of them are good, and when they need what the branch is.
    g.requirements(format!("{right}{branch}\n"));
    g.refuses(2).says("error[vcs]").says("requirements.txt:2:1");
    let needy = simple_wheel("needy", "1.0").requires("gamma");
    g.index.change(|scenario| {
        scenario.file("needy", ServedFile::honest(&needy.filename(), needy.build()))
    });
    g.requirements(format!("{branch}\n{}", pinned("needy", "1.0", &needy.build())));
    g.refuses(2).says("error[vcs]").never_says("missing-dependency");
    // Beside mistakes in writing, which end it before any network.
    g.requirements(format!(
        "{right}{branch}\nbeta==1.0 --hash=sha256:12\ndelta @ git+https://localhost:1/delta\n-e .\n"
    ));
    let run = g.refuses_unasked(2);
    run.says("error[vcs]").says("requirements.txt:2:1").says("requirements.txt:4:9");
    run.says("error[malformed-digest]").says("requirements.txt:3:11");
    run.says("error[editable]").says("requirements.txt:5:1");
}

#[test]
fn g29_branch_that_looks_like_a_commit() {
    let g = Gauntlet::with(&[&alpha()]);
    let commit = &WRONG[..40];
    let digest = sha256(&alpha().build());
    for line in [
        format!("git+https://localhost:1/alpha.git@{commit}#egg=alpha"),
        format!("alpha @ git+https://localhost:1/alpha.git@{commit} --hash=sha256:{digest}"),
    ] {
        g.requirements(format!("{line}\n"));
        g.refuses_unasked(2).says("error[vcs]").says("requirements.txt:1:");
    }
}

#[test]
fn g30_directory_and_editable() {
    let g = Gauntlet::with(&[&alpha()]);
    let right = pinned("alpha", "1.0", &alpha().build());
    g.world.write("project/setup.py", "open('ran', 'w').close()\n");
    g.world.write("project/pyproject.toml", "[project]\nname = 'project'\nversion = '1'\n");
    let digest = format!("--hash=sha256:{WRONG}");
    let folder = g.world.path("project");
    for (line, code) in [
        ("./project".to_owned(), "error[directory]"),
        (format!("./project {digest}"), "error[directory]"),
        (format!("project @ file://{} {digest}", folder.display()), "error[directory]"),
        ("-e ./project".to_owned(), "error[editable]"),
        ("--editable=./project".to_owned(), "error[editable]"),
    ] {
        g.requirements(format!("{right}{line}\n"));
        g.refuses(2).says(code).says("requirements.txt:2:");
    }
}

#[test]
fn g31_local_wheel_without_a_digest() {
    let g = Gauntlet::with(&[&beta()]);
    let filename = alpha().filename();
    g.world.write(&filename, alpha().build());
    // Beside another that lacks one: both are told at once.
    g.requirements(format!("./{filename}\nbeta==1.0\n"));
    let run = g.refuses(1);
    run.says("error[missing-digest]").says("requirements.txt:1:1").says("requirements.txt:2:1");
    let line =
        |what: &str, bytes: &[u8]| format!("{what} \\\n    --hash=sha256:{}\n", sha256(bytes));
    let expect =
        line(&format!("./{filename}"), &alpha().build()) + &line("beta==1.0", &beta().build());
    assert_eq!(run.stdout, expect);
    run.says("first sight");
    g.requirements(&run.stdout).accepts();
    g.has("alpha", "1.0");
    g.has("beta", "1.0");
}

#[test]
fn g32_urls_without_a_name() {
    let g = Gauntlet::with(&[&alpha()]);
    let base = g.index.url();
    g.requirements(format!(
        "{base}/archive/main.zip\n{}{base}/download --hash=sha256:{WRONG}\n./y.zip\n",
        pinned("alpha", "1.0", &beta().build()),
    ));
    let run = g.refuses(2);
    run.says("error[no-name]").says("requirements.txt:1:1");
    run.says("requirements.txt:3:1").says("requirements.txt:4:1");
    assert_eq!(run.stderr.matches("error[no-name]").count(), 3, "{}", run.stderr);
    run.says("error[digest-mismatch]").says("requirements.txt:2:1");
    assert!(g.index.request_lines().iter().all(|line| !line.contains("main.zip")));
}

#[test]
fn g34_content_disposition() {
    let path = format!("/files/{}", alpha().filename());
    let names = ["../../escaped.whl", "/tmp/escaped-by-a-server.whl", "beta-1.0-py3-none-any.whl"];
    for name in names {
        let header = Behaviour::Header {
            name: "Content-Disposition".into(),
            value: format!("attachment; filename=\"{name}\""),
        };
        let served = ServedFile::honest(&alpha().filename(), alpha().build());
        let scenario = Scenario::new().file("alpha", served).on(&path, header);
        let g = Gauntlet::new(scenario);
        // Whether it is the pinned file or not, and whether it has a digest or not.
        g.requirements(format!("alpha==1.0 --hash=sha256:{WRONG}\n")).refuses(1);
        g.requirements("alpha==1.0\n").refuses(1);
        let url = g.index.file_url(&alpha().filename());
        g.requirements(format!("{url}\n")).refuses(1);
        g.requirements(pinned("alpha", "1.0", &alpha().build())).accepts();
        g.has("alpha", "1.0");
        let written = snapshot(&g.world.path(".."));
        let escaped = |path: &&PathBuf| path.to_string_lossy().contains("escaped");
        assert_eq!(written.keys().find(escaped), None);
        assert!(!std::path::Path::new("/tmp/escaped-by-a-server.whl").exists());
    }
}

/// The same by the name that a page or a URL gives.
#[test]
fn g34_names_of_files_that_lead_elsewhere() {
    let bytes = alpha().build();
    for name in ["../../alpha-1.0-py3-none-any.whl", "..\\alpha-1.0-py3-none-any.whl", "..", "a/b"]
    {
        let evil = ServedFile::honest(name, bytes.clone()).advertise(|said| {
            said.url = Some(format!("../../files/{}", alpha().filename()));
        });
        let g = Gauntlet::new(Scenario::new().file("alpha", evil));
        g.requirements(pinned("alpha", "1.0", &bytes)).refuses(3);
        g.requirements("alpha==1.0\n").refuses(1).says("error[not-listed]");
    }
    let g = Gauntlet::with(&[&alpha()]);
    let digest = sha256(&bytes);
    for name in ["..%2F..%2Falpha-1.0-py3-none-any.whl", "%2Ftmp%2Falpha-1.0-py3-none-any.whl"] {
        let url = g.index.file_url(name);
        g.requirements(format!("{url} --hash=sha256:{digest}\n")).refuses(2);
        g.requirements(format!("alpha @ {url} --hash=sha256:{digest}\n")).refuses(2);
    }
}

#[test]
fn g35_redirect_to_plain_http() {
    let plain = IndexServer::start(
        Scenario::new().file("alpha", ServedFile::honest(&alpha().filename(), alpha().build())),
    );
    let path = format!("/files/{}", alpha().filename());
    let redirect = |location: String| Behaviour::Redirect { code: 302, location };
    let honest = ServedFile::honest(&alpha().filename(), alpha().build());
    let of_file = Scenario::new()
        .file("alpha", honest.clone())
        .on(&path, redirect(plain.file_url(&alpha().filename())));
    let of_page = Scenario::new()
        .file("alpha", honest.clone())
        .on("/simple/alpha/", redirect(format!("{}alpha/", plain.simple_url())));
    let to_itself = Scenario::new()
        .file("alpha", honest.clone())
        .on(&path, redirect("/elsewhere/alpha-1.0-py3-none-any.whl".into()))
        .serve("/elsewhere/alpha-1.0-py3-none-any.whl", "application/zip", alpha().build());
    let mut g = Gauntlet::with(&[]);
    g.requirements(pinned("alpha", "1.0", &alpha().build()));
    for scenario in [of_file, of_page] {
        let (index, certificate) = IndexServer::start_tls(scenario);
        let certificate = g.world.write("certificate.pem", certificate);
        g.world.set("SSL_CERT_FILE", &certificate.display().to_string());
        let run = g.unchanged_by(1, || g.world.install(&index.simple_url(), &[]));
        run.says("error[redirect-refused]").says("plain http").says("requirements.txt:1:1");
        assert!(!index.requests().is_empty());
    }
    // A URL of the requirements file's own.
    let (index, certificate) = IndexServer::start_tls(
        Scenario::new().on(&path, redirect(plain.file_url(&alpha().filename()))),
    );
    g.world.write("certificate.pem", certificate);
    let url = index.file_url(&alpha().filename());
    g.requirements(format!("{url} --hash=sha256:{}\n", sha256(&alpha().build())));
    g.unchanged_by(1, || g.world.install(&index.simple_url(), &[])).says("redirect-refused");
    assert_eq!(plain.request_lines(), [""; 0]);
    // One that stays on https is followed.
    let (index, certificate) = IndexServer::start_tls(to_itself);
    g.world.write("certificate.pem", certificate);
    g.requirements(pinned("alpha", "1.0", &alpha().build()));
    g.world.install(&index.simple_url(), &[]).expect(0);
    g.has("alpha", "1.0");
}

#[test]
fn g36_cut_off_or_a_page_instead_of_the_file() {
    let size = alpha().build().len() as u64;
    let page = |kind: &str| Behaviour::Replace {
        content_type: kind.into(),
        body: b"<!DOCTYPE html>\n<html><title>Please log in</title></html>\n".to_vec().into(),
    };
    for (behaviour, code) in [
        (Behaviour::Truncated { send: size / 2 }, "error[truncated]"),
        (Behaviour::Truncated { send: 0 }, "error[truncated]"),
        (Behaviour::ClosedEarly { send: size / 2 }, "error[truncated]"),
        (page("text/html"), "error[not-a-file]"),
        (page("application/octet-stream"), "error[not-a-file]"),
        (Behaviour::Drop, "error[unreachable]"),
        (Behaviour::Status { code: 404, retry_after: None }, "error[http-status]"),
    ] {
        let path = format!("/files/{}", alpha().filename());
        let file = ServedFile::honest(&alpha().filename(), alpha().build());
        let g = Gauntlet::new(Scenario::new().file("alpha", file).on(&path, behaviour.clone()));
        g.requirements(pinned("alpha", "1.0", &alpha().build()));
        let retries = ["--retries", "0"];
        let run = g.refuses_with(3, &retries);
        run.says(code).never_says("digest-mismatch").never_says("not the file that was pinned");
        // A URL whose size nobody declares: a body without a length has just ended.
        let is_undeclared = matches!(behaviour, Behaviour::ClosedEarly { .. });
        if !is_undeclared {
            let url = g.index.file_url(&alpha().filename());
            g.requirements(format!("{url} --hash=sha256:{}\n", sha256(&alpha().build())));
            g.refuses_with(3, &retries).says(code);
        }
    }
    // Pages of projects.
    for (behaviour, code) in [
        (Behaviour::Truncated { send: 20 }, "error[truncated]"),
        (Behaviour::Garbage, "error[unreachable]"),
        (Behaviour::Status { code: 503, retry_after: None }, "error[http-status]"),
    ] {
        let file = ServedFile::honest(&alpha().filename(), alpha().build());
        let scenario = Scenario::new().file("alpha", file).on("/simple/alpha/", behaviour);
        let g = Gauntlet::new(scenario);
        g.requirements(pinned("alpha", "1.0", &alpha().build()));
        g.refuses_with(3, &["--retries", "0"]).says(code);
    }
}

#[test]
fn g37_declared_size() {
    let bytes = alpha().build();
    let size = bytes.len() as u64;
    let (path, digest) = (format!("/files/{}", alpha().filename()), sha256(&bytes));
    for wrong in [size - 1, size + 1, 1, 2 * size] {
        // The index says another size than the pinned file has.
        let file = ServedFile::honest(&alpha().filename(), bytes.clone());
        let file = file.advertise(|said| said.size = Some(wrong));
        let g = Gauntlet::new(Scenario::new().file("alpha", file));
        g.requirements(pinned("alpha", "1.0", &bytes));
        let run = g.refuses(1);
        run.says("error[size-mismatch]").says(&format!("expected {wrong} bytes"));
        run.says(&format!("found    {size} bytes")).says("requirements.txt:1:1");
        // The lock does: of a wheel, of an archive, downloaded and from the store.
        let url = format!("{}{path}", g.index.url());
        let file = |size| format!("url = '{url}', size = {size}, hashes = {{sha256 = '{digest}'}}");
        for (of, after) in [("wheels = [{", "}]"), ("archive = {", "}")] {
            let lock = |size| pylock(&format!("{of}{}{after}", file(size)));
            let install = ["install", "pylock.toml", "--venv", "env", "--index-url"];
            let index = g.index.simple_url();
            let run = || g.world.run(&[&install[..], &[&index]].concat());
            g.world.write("pylock.toml", lock(wrong));
            g.unchanged_by(1, run).says("error[size-mismatch]").says("pylock.toml:");
            g.world.write("pylock.toml", lock(size));
            run().expect(0);
            g.world.run(&["uninstall", "--python", "env", "alpha"]).expect(0);
            g.world.write("pylock.toml", lock(wrong));
            g.unchanged_by(1, run).says("error[size-mismatch]").says("pylock.toml:");
            std::fs::remove_dir_all(g.world.home(".cache/countermark")).expect("a store");
        }
        // A path.
        g.world.write(&alpha().filename(), &bytes);
        let file = format!("path = '{}', size = {wrong}", alpha().filename());
        let file = format!("{file}, hashes = {{sha256 = '{digest}'}}");
        for source in [format!("wheels = [{{{file}}}]"), format!("archive = {{{file}}}")] {
            g.world.write("pylock.toml", pylock(&source));
            let install = ["install", "pylock.toml", "--venv", "env", "--no-index"];
            g.unchanged_by(1, || g.world.run(&install)).says("error[size-mismatch]");
        }
    }
}

/// Megabytes more than the lock says: given up early, and still a "no".
#[test]
fn g37_far_more_than_declared() {
    let noise = (0..3_u32 << 18).flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes());
    let wheel = alpha().file("large.bin", &noise.collect::<Vec<u8>>());
    let g = Gauntlet::with(&[&wheel]);
    let (url, digest) = (g.index.file_url(&wheel.filename()), sha256(&wheel.build()));
    let file = format!("url = '{url}', size = 9, hashes = {{sha256 = '{digest}'}}");
    g.world.write("pylock.toml", pylock(&format!("wheels = [{{{file}}}]")));
    let index = g.index.simple_url();
    let install = ["install", "pylock.toml", "--venv", "env", "--index-url", &index];
    let run = g.unchanged_by(1, || g.world.run(&install));
    run.says("error[size-mismatch]").says("expected 9 bytes").says("longer than the limit");
    run.says("pylock.toml:4:8");
}

/// A lock of one package, by the line that says where its file is.
fn pylock(source: &str) -> String {
    format!(
        "lock-version = '1.0'\ncreated-by = 'test'\n[[packages]]\nname = 'alpha'\n\
         version = '1.0'\n{source}\n"
    )
}

#[test]
fn g38_body_that_never_ends() {
    let path = format!("/files/{}", alpha().filename());
    for declared in [true, false] {
        let file = ServedFile::honest(&alpha().filename(), alpha().build());
        let endless = Behaviour::Endless { declared };
        let g = Gauntlet::new(Scenario::new().file("alpha", file).on(&path, endless));
        g.requirements(pinned("alpha", "1.0", &alpha().build()));
        let before = g.stored();
        g.refuses_with(3, &["--retries", "0"]).says("error[too-long]");
        assert_eq!(g.stored(), before, "nothing of it is kept");
    }
    // (A file of which nobody says a length is given up much later; the client tests that limit.)
    // Pages as well.
    let endless = Behaviour::Endless { declared: false };
    let file = ServedFile::honest(&alpha().filename(), alpha().build());
    let g = Gauntlet::new(Scenario::new().file("alpha", file).on("/simple/alpha/", endless));
    g.requirements(pinned("alpha", "1.0", &alpha().build()));
    g.refuses_with(3, &["--retries", "0"]).says("error[too-long]");
}

#[test]
fn g39_source_package_with_another_digest() {
    let g = Gauntlet::with(&[]);
    let ran = g.world.path("ran");
    let evil = source_package(&format!("open({:?}, 'w').close()\n", ran.display().to_string()));
    let claims_the_pin = ServedFile::honest("alpha-1.0.tar.gz", b"pinned".to_vec());
    g.index.change(|scenario| scenario.file("alpha", claims_the_pin.but_serves(evil)));
    g.requirements(pinned("alpha", "1.0", b"pinned"));
    g.refuses(1)
        .says("error[source-package]")
        .says("alpha-1.0.tar.gz")
        .says("requirements.txt:1:1");
    let url = g.index.file_url("alpha-1.0.tar.gz");
    g.requirements(format!("alpha @ {url} --hash=sha256:{}\n", sha256(b"pinned")));
    g.refuses(1).says("error[source-package]");
    assert!(!ran.exists());
    assert_eq!(g.downloads("alpha-1.0.tar.gz"), 0);
}

/// A `.tar.gz` whose `setup.py` is this: stored blocks, no compression.
fn source_package(setup: &str) -> Vec<u8> {
    let mut header = vec![0_u8; 512];
    header[..18].copy_from_slice(b"alpha-1.0/setup.py");
    header[100..108].copy_from_slice(b"0000644\0");
    let size = format!("{:011o}\0", setup.len());
    header[124..136].copy_from_slice(size.as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut tar = header;
    tar.extend(setup.as_bytes());
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    tar
}

#[test]
fn g40_wheel_with_another_digest() {
    // Would be refused by the rules of archives, if anybody looked.
    let broken = b"PK\x03\x04 no archive at all".to_vec();
    for served in [broken, beta().build(), alpha().file("evil.pth", b"import os").build()] {
        let file = ServedFile::honest(&alpha().filename(), served);
        // Without a claim the file has to be downloaded.
        let file = file.advertise(|said| said.digests.clear());
        let g = Gauntlet::new(Scenario::new().file("alpha", file));
        g.requirements(pinned("alpha", "1.0", &alpha().build()));
        let before = g.stored();
        let run = g.refuses(1);
        run.says("error[digest-mismatch]").says("requirements.txt:1:1").never_says("zip-");
        assert_eq!(g.downloads(&alpha().filename()), 1);
        assert_eq!(g.stored(), before, "nothing of it is kept");
    }
}

#[test]
fn g41_index_claims_the_pin_and_serves_other_bytes() {
    let other = simple_wheel("alpha", "1.0").file("evil.py", b"import os").build();
    for format in [Format::Json, Format::Html] {
        let file = ServedFile::honest(&alpha().filename(), alpha().build());
        // Of the same size as it says, so that only the digest tells.
        let size = other.len() as u64;
        let file = file.but_serves(other.clone()).advertise(|said| said.size = Some(size));
        let g = Gauntlet::new(Scenario::new().format(format).file("alpha", file));
        g.requirements(pinned("alpha", "1.0", &alpha().build()));
        let run = g.refuses(1);
        run.says("error[digest-mismatch]")
            .says(&format!("expected sha256:{}", sha256(&alpha().build())));
        run.says(&format!("found    sha256:{}", sha256(&other))).says(&g.index.url());
    }
}

#[test]
fn g42_index_claims_something_else() {
    for format in [Format::Json, Format::Html] {
        let file = ServedFile::honest(&alpha().filename(), alpha().build());
        let file = file.advertise(|said| {
            said.digests = vec![("sha256".into(), WRONG.into())];
            said.core_metadata = ClaimedMetadata::Digests(vec![("sha256".into(), WRONG.into())]);
        });
        let g = Gauntlet::new(Scenario::new().format(format).file("alpha", file));
        let run = g.requirements(pinned("alpha", "1.0", &alpha().build())).accepts();
        run.says("note[wrong-claim]").says(WRONG).says(&sha256(&alpha().build()));
        g.has("alpha", "1.0");
    }
}

#[test]
fn g44_wheel_added_to_a_pinned_release() {
    let mut better = simple_wheel("alpha", "1.0").file("newer.py", b"");
    better.tag = "1-py3-none-any".to_owned();
    let added = ServedFile::honest(&better.filename(), better.build()).advertise(|said| {
        said.upload_time = Some("2026-11-20T12:00:00Z".to_owned());
    });
    let pinned_file = ServedFile::honest(&alpha().filename(), alpha().build());
    let g = Gauntlet::new(Scenario::new().file("alpha", added).file("alpha", pinned_file));
    let run = g.requirements(pinned("alpha", "1.0", &alpha().build())).accepts();
    run.says("note[unpinned-file]").says(&better.filename()).says("2026-11-20T12:00:00Z");
    g.has("alpha", "1.0");
    assert!(!g.world.site().join("newer.py").exists());
    assert_eq!(g.downloads(&better.filename()), 0);
}

#[test]
fn g45_two_indexes() {
    let other = simple_wheel("alpha", "1.0").file("public.py", b"");
    let silent =
        |file: ServedFile| file.advertise(|said| (said.digests.clear(), said.size = None).0);
    let file = |wheel: &Wheel| ServedFile::honest(&alpha().filename(), wheel.build());
    let scenario = |file: ServedFile| Scenario::new().file("alpha", file);
    let pairs = [
        (file(&other), file(&alpha())),
        (silent(file(&other)), file(&alpha())),
        (silent(file(&other)), silent(file(&alpha()))),
        (file(&other), silent(file(&alpha()))),
    ];
    for (has_not, has) in pairs {
        for is_first in [true, false] {
            let g = Gauntlet::new(scenario(has.clone()));
            let second = IndexServer::start(scenario(has_not.clone()));
            g.requirements(pinned("alpha", "1.0", &alpha().build()));
            let (one, two) = (g.index.simple_url(), second.simple_url());
            let (first, further) = if is_first { (&one, &two) } else { (&two, &one) };
            g.world.install(first, &["--extra-index-url", further]).expect(0);
            g.has("alpha", "1.0");
            assert!(!g.world.site().join("public.py").exists());
            assert_eq!(g.downloads(&alpha().filename()), 1);
        }
    }
    // Neither has it: refused, and not by taking the other file.
    let g = Gauntlet::new(scenario(file(&other)));
    let second = IndexServer::start(scenario(file(&other)));
    g.requirements(pinned("alpha", "1.0", &alpha().build()));
    g.refuses_with(1, &["--extra-index-url", &second.simple_url()]).says("[digest-mismatch]");
}
