//! Rows 54 to 57: wheels that contradict themselves, with digests that are right.

use countermark_testkit::wheel::evil;

use super::*;

/// Every evil wheel of the catalogue whose code begins with one of these, pinned by its own digest: the digest
/// says that it is the pinned file, and the rules of wheels that it is not installed.
#[track_caller]
fn refuses_all(codes: &[&str], at_least: usize) {
    let is_meant = |wheel: &evil::Evil| codes.iter().any(|code| wheel.code.starts_with(code));
    let wheels: Vec<evil::Evil> = evil::all().into_iter().filter(is_meant).collect();
    assert!(wheels.len() >= at_least, "{} wheels", wheels.len());
    let g = Gauntlet::with(&[]);
    let before = g.stored();
    for wheel in wheels {
        g.index.change(|mut scenario| {
            scenario.projects.clear();
            let bytes = wheel.bytes.clone();
            scenario.file("foo", ServedFile::honest(&wheel.filename, bytes))
        });
        g.requirements(pinned("foo", "1.0", &wheel.bytes));
        let run = g.refuses(1);
        run.says(&format!("error[{}]", wheel.code))
            .says(&wheel.filename)
            .says("requirements.txt:1:1");
        run.says("hint: the file is the one that was pinned");
        assert_eq!(g.stored(), before, "{}: nothing of it is kept", wheel.name);
    }
    let good = evil::good();
    g.index.change(|mut scenario| {
        scenario.projects.clear();
        scenario.file("foo", ServedFile::honest(&good.filename(), good.build()))
    });
    g.requirements(pinned("foo", "1.0", &good.build())).accepts();
}

#[test]
fn g54_record_disagrees() {
    refuses_all(&["record-"], 12);
}

#[test]
fn g55_two_readings_of_one_archive() {
    refuses_all(&["zip-duplicate", "zip-local-", "zip-out-of-order", "zip-gap", "zip-overlap"], 15);
}

#[test]
fn g56_members_that_lead_out() {
    refuses_all(&["path-dots", "path-absolute", "path-backslash", "path-colon", "zip-symlink"], 10);
}

#[test]
fn g57_metadata_of_another_release() {
    refuses_all(&["metadata-name", "metadata-version", "dist-info-name"], 5);
    // The pinned file is a good wheel of another project or version.
    let g = Gauntlet::with(&[]);
    let index = g.index.url();
    for other in [simple_wheel("beta", "1.0"), simple_wheel("alpha", "2.0")] {
        g.index.change(|scenario| {
            let named = ServedFile::honest("alpha-1.0-py3-none-any.whl", other.build());
            let scenario = scenario.file("alpha", named);
            scenario.serve(&format!("/{}", other.filename()), "application/zip", other.build())
        });
        let digest = sha256(&other.build());
        g.requirements(format!("alpha==1.0 --hash=sha256:{digest}\n"));
        g.refuses(1).says("requirements.txt:1:1");
        g.index.change(|mut scenario| {
            scenario.projects.clear();
            scenario
        });
        let url = format!("{index}/{}", other.filename());
        g.world.write("constraints.txt", "alpha==1.0\n");
        g.requirements(format!("alpha @ {url} --hash=sha256:{digest}\n"));
        g.refuses_with(2, &["-c", "constraints.txt"]);
    }
}
