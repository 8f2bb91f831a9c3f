//! Rows 68 to 70: `hash` and `port`.

use super::*;

#[test]
fn g68_hash_of_a_file_that_is_missing() {
    let g = Gauntlet::with(&[]);
    let (first, second) = (alpha(), beta());
    g.world.write(&first.filename(), first.build());
    g.world.write(&second.filename(), second.build());
    let files = [first.filename(), "missing.whl".to_owned(), second.filename()];
    let arguments = ["hash", &files[0], &files[1], &files[2]];
    let run = g.unchanged_by(1, || g.world.run(&arguments));
    run.says("cannot read `missing.whl`");
    let line =
        |name: &str, bytes: &[u8]| format!("{name}==1.0 \\\n    --hash=sha256:{}\n", sha256(bytes));
    let expect = line("alpha", &first.build()) + &line("beta", &second.build());
    assert_eq!(run.stdout, expect);
    g.world.run(&["hash", &files[0], &files[2]]).expect(0);
}

#[test]
fn g69_port_with_one_malformed_digest() {
    let g = Gauntlet::with(&[]);
    let (alpha, beta, comment) = (alpha().build(), beta().build(), peep(&alpha().build()));
    let malformed = comment.replace("# sha", "#sha");
    let text = format!("{comment}alpha==1.0\n{malformed}gamma==1.0\n{}beta==1.0\n", peep(&beta));
    g.requirements(&text);
    let run = g.unchanged_by(2, || g.world.run(&["port", "requirements.txt"]));
    run.says("error[malformed-digest]").says("requirements.txt:3:1");
    let option = |bytes: &[u8]| format!(" \\\n    --hash=sha256:{}\n", sha256(bytes));
    let expect =
        format!("alpha==1.0{}{malformed}gamma==1.0\nbeta==1.0{}", option(&alpha), option(&beta));
    assert_eq!(run.stdout, expect);
    // In place as well.
    g.world.run(&["port", "--write", "requirements.txt"]).expect(2);
    assert_eq!(g.world.read("requirements.txt"), expect);
}

#[test]
fn g70_port_of_a_url_without_a_digest() {
    let g = Gauntlet::with(&[]);
    let url = "https://example.org/alpha-1.0-py3-none-any.whl";
    g.requirements(format!("{url}\n{url}#egg=alpha\n{}{url}#egg=alpha\n", peep(b"x")));
    let run = g.world.run(&["port", "requirements.txt"]);
    run.expect(0);
    let expect =
        format!("{url}\n{url}#egg=alpha\n{url}#egg=alpha \\\n    --hash=sha256:{}\n", sha256(b"x"));
    assert_eq!(run.stdout, expect);
}
