//! Rows 1 to 27: what a requirements file may say.

use super::*;

#[test]
fn g01_peep_comment() {
    let g = Gauntlet::with(&[&alpha(), &beta()]);
    let comment = peep(&alpha().build());
    // The comment of another file is as wrong as its option.
    g.requirements(format!("{comment}beta==1.0\n")).refuses(1).says("error[digest-mismatch]");
    g.requirements(pinned("beta", "1.0", &alpha().build())).refuses(1).says("[digest-mismatch]");
    g.requirements(format!("{comment}alpha==1.0\n")).accepts();
    g.has("alpha", "1.0");
    // Also when the store has the file of that digest.
    g.requirements(format!("{comment}beta==1.0\n")).refuses(1).says("error[wrong-release]");
}

#[test]
fn g02_peep_comment_with_padding() {
    let g = Gauntlet::with(&[&alpha(), &beta()]);
    let padded = peep(&alpha().build()).trim_end().to_owned() + "=\n";
    g.requirements(format!("{padded}beta==1.0\n")).refuses(1).says("error[digest-mismatch]");
    g.requirements(format!("{padded}alpha==1.0\n")).accepts();
    g.has("alpha", "1.0");
}

#[test]
fn g03_peep_comment_that_is_malformed() {
    let g = Gauntlet::with(&[&alpha()]);
    let comment = peep(&alpha().build());
    let check = |comment: &str| {
        g.requirements(format!("# one\n{comment}alpha==1.0\n"));
        g.refuses_unasked(2).says("error[malformed-digest]").says("requirements.txt:2:1");
    };
    check(&comment.replace("# sha", "#sha"));
    check(&comment.replace("sha256: ", "sha256:"));
    check(&(comment[..30].to_owned() + " " + &comment[30..]));
    check(&(comment[..30].to_owned() + "\n"));
}

#[test]
fn g04_lines_between_a_peep_comment_and_its_pin() {
    let g = Gauntlet::with(&[&alpha(), &beta()]);
    let between = peep(&alpha().build()) + "\n# why we need it\n   \n";
    g.requirements(format!("{between}beta==1.0\n")).refuses(1).says("error[digest-mismatch]");
    g.requirements(format!("{between}alpha==1.0\n")).accepts();
    g.has("alpha", "1.0");
}

#[test]
fn g05_option_below_a_peep_comment() {
    let g = Gauntlet::with(&[&alpha()]);
    let comment = peep(&alpha().build());
    let index = g.index.simple_url();
    for option in [format!("-i {index}"), "--pre".to_owned()] {
        g.requirements(format!("{comment}{option}\nalpha==1.0\n"));
        g.refuses_unasked(2).says("error[orphan-digest]").says("requirements.txt:1:1");
    }
    g.requirements(format!("alpha==1.0\n{comment}"));
    g.refuses_unasked(2).says("error[orphan-digest]").says("requirements.txt:2:1");
}

#[test]
fn g06_hash_of_nothing() {
    let g = Gauntlet::with(&[&alpha()]);
    let digest = sha256(&alpha().build());
    g.requirements(format!("alpha==1.0\n    --hash=sha256:{digest}\n"));
    g.refuses_unasked(2).says("error[orphan-digest]").says("requirements.txt:2:5");
    g.requirements(format!("alpha==1.0 \\\n    # comment\n    --hash=sha256:{digest}\n"));
    g.refuses_unasked(2).says("error[orphan-digest]").says("requirements.txt:3:5");
}

#[test]
fn g07_peep_comment_and_hash_disagree() {
    let g = Gauntlet::with(&[&alpha()]);
    let (comment, digest) = (peep(&alpha().build()), sha256(&alpha().build()));
    g.requirements(format!("{comment}alpha==1.0 --hash=sha256:{WRONG}\n"));
    g.refuses_unasked(2).says("error[digest-conflict]").says("requirements.txt:1:1");
    let wrong = peep(&beta().build());
    g.requirements(format!("{wrong}alpha==1.0 --hash=sha256:{digest}\n"));
    g.refuses_unasked(2).says("error[digest-conflict]").says("requirements.txt:1:1");
    g.requirements(format!("{comment}alpha==1.0 --hash=sha256:{digest}\n")).accepts();
}

#[test]
fn g08_digest_in_upper_case() {
    let g = Gauntlet::with(&[&alpha()]);
    let digest = sha256(&alpha().build()).to_uppercase();
    g.requirements(format!("alpha==1.0 --hash=sha256:{}AA\n", &WRONG[2..].to_uppercase()));
    g.refuses(1).says("error[digest-mismatch]");
    g.requirements(format!("alpha==1.0 --hash=sha256:{digest}\n")).accepts();
    g.has("alpha", "1.0");
}

#[test]
fn g09_digest_that_is_cut_off() {
    let g = Gauntlet::with(&[&alpha()]);
    let digest = sha256(&alpha().build());
    let check = |hash: &str, code: &str| {
        g.requirements(format!("# one\nalpha==1.0 {hash}\n"));
        g.refuses_unasked(2).says(code).says("requirements.txt:2:12");
    };
    check(&format!("--hash=sha256:{}", &digest[..63]), "error[malformed-digest]");
    check(&format!("--hash=sha256:{}", &digest[..62]), "error[malformed-digest]");
    check(&format!("--hash=sha256:{digest}0"), "error[malformed-digest]");
    check(&format!("--hash=sha256:{}", digest.replace('a', "g")), "error[malformed-digest]");
    check("--hash=sha256:", "error[malformed-digest]");
    check("--hash=sha256", "error[malformed-digest]");
    check("--hash=", "error[option-value]");
    check("--hash", "error[option-value]");
}

#[test]
fn g10_weak_digest_alone() {
    let g = Gauntlet::with(&[&alpha()]);
    let bytes = alpha().build();
    for hash in [format!("md5:{}", md5(&bytes)), format!("sha1:{}", &WRONG[..40])] {
        g.requirements(format!("alpha==1.0 --hash={hash}\n"));
        g.refuses_unasked(2).says("error[weak-digest]").says("requirements.txt:1:1");
    }
    let weak_and_strong = format!("--hash=md5:{} --hash=sha256:{}", md5(&bytes), sha256(&bytes));
    g.requirements(format!("alpha==1.0 {weak_and_strong}\n")).accepts();
}

#[test]
fn g11_algorithm_in_capitals() {
    let g = Gauntlet::with(&[&alpha()]);
    g.requirements(format!("alpha==1.0 --hash=SHA256:{}\n", sha256(&alpha().build())));
    g.refuses_unasked(2).says("error[malformed-digest]").says("requirements.txt:1:12");
}

/// Rows 12 and 13 in both orders of the options.
fn one_of_two_algorithms_is_wrong(sha512: &str, sha256: &str, named: &str) {
    let g = Gauntlet::with(&[&alpha()]);
    let (longer, shorter) = (format!("--hash=sha512:{sha512}"), format!("--hash=sha256:{sha256}"));
    for options in [format!("{longer} {shorter}"), format!("{shorter} {longer}")] {
        g.requirements(format!("alpha==1.0 {options}\n"));
        let run = g.refuses(1);
        run.says("error[digest-mismatch]").says(named).says("requirements.txt:1:1");
    }
    // Both right, and what the store then has does not answer for a wrong one either.
    let (right512, right256) = (super::sha512(&alpha().build()), super::sha256(&alpha().build()));
    let right = format!("--hash=sha512:{right512} --hash=sha256:{right256}");
    g.requirements(format!("alpha==1.0 {right}\n")).accepts_with(&["--dry-run"]);
    g.requirements(format!("alpha==1.0 {longer} {shorter}\n"));
    g.refuses(1).says("error[digest-mismatch]").says(named);
    g.requirements(format!("alpha==1.0 {right}\n")).accepts();
    g.has("alpha", "1.0");
}

#[test]
fn g12_sha512_wrong_and_sha256_right() {
    let wrong = WRONG.repeat(2);
    one_of_two_algorithms_is_wrong(&wrong, &sha256(&alpha().build()), "expected sha512:");
}

#[test]
fn g13_sha512_right_and_sha256_wrong() {
    one_of_two_algorithms_is_wrong(&sha512(&alpha().build()), WRONG, "expected sha256:");
}

#[test]
fn g14_md5_of_the_url_right_and_hash_wrong() {
    let g = Gauntlet::with(&[&alpha()]);
    let url = g.index.file_url(&alpha().filename());
    let (right, md5) = (sha256(&alpha().build()), md5(&alpha().build()));
    for named in ["", "alpha @ "] {
        g.requirements(format!("{named}{url}#md5={md5} --hash=sha256:{WRONG}\n"));
        let run = g.refuses(1);
        run.says("error[digest-mismatch]").says("expected sha256:").says("requirements.txt:1:1");
    }
    g.requirements(format!("{url}#md5={} --hash=sha256:{right}\n", &WRONG[..32]));
    g.refuses(1).says("error[digest-mismatch]").says("expected md5:");
    g.requirements(format!("{url}#md5={md5} --hash=sha256:{right}\n")).accepts();
    g.has("alpha", "1.0");
}

#[test]
fn g15_sha256_of_the_url_against_hash() {
    let g = Gauntlet::with(&[&alpha()]);
    let url = g.index.file_url(&alpha().filename());
    let right = sha256(&alpha().build());
    for named in ["", "alpha @ "] {
        g.requirements(format!("{named}{url}#sha256={WRONG} --hash=sha256:{right}\n"));
        g.refuses_unasked(2).says("error[digest-conflict]").says("requirements.txt:1:1");
    }
    g.requirements(format!("{url}#sha256={right} --hash=sha256:{right}\n")).accepts();
}

#[test]
fn g16_digest_in_a_query() {
    let g = Gauntlet::with(&[&alpha()]);
    let right = sha256(&alpha().build());
    let url = format!("{}?t=x&sha256={right}", g.index.file_url(&alpha().filename()));
    g.requirements(format!("{url}\n"));
    let run = g.refuses(1);
    run.says("error[missing-digest]").says("requirements.txt:1:1");
    // What is shown keeps the query to itself: it may be a token.
    let address = g.index.file_url(&alpha().filename());
    assert_eq!(run.stdout, format!("alpha @ {address}?… \\\n    --hash=sha256:{right}\n"));
    g.requirements(format!("alpha @ {url} --hash=sha256:{right}\n")).accepts();
    g.has("alpha", "1.0");
}

#[test]
fn g17_one_requirement_with_disjoint_digests() {
    let g = Gauntlet::with(&[&alpha()]);
    let right = pinned("alpha", "1.0", &alpha().build());
    let wrong = format!("alpha==1.0 --hash=sha256:{WRONG}\n");
    g.world.write("right.txt", &right);
    g.world.write("wrong.txt", &wrong);
    for text in [
        format!("{right}{wrong}"),
        format!("{wrong}{right}"),
        format!("{right}Alpha==1 --hash=sha256:{WRONG}\n"),
    ] {
        g.requirements(text);
        g.refuses_unasked(2).says("error[digest-conflict]").says("requirements.txt:2:1");
    }
    g.requirements("-r right.txt\n-r wrong.txt\n");
    g.refuses_unasked(2).says("error[digest-conflict]").says("wrong.txt:1:1");
    g.requirements("-r wrong.txt\n-r right.txt\n");
    g.refuses_unasked(2).says("error[digest-conflict]").says("right.txt:1:1");
    // What both lines allow is what is allowed.
    let either = right.trim_end().to_owned() + &format!(" --hash=sha256:{WRONG}\n");
    g.requirements(format!("{either}{wrong}")).refuses(1).says("error[digest-mismatch]");
    g.requirements(format!("{either}{right}")).accepts();
}

#[test]
fn g18_range_with_a_digest() {
    let g = Gauntlet::with(&[&alpha()]);
    let digest = sha256(&alpha().build());
    for requirement in ["alpha>=1", "alpha", "alpha~=1.0", "alpha!=2"] {
        g.requirements(format!("{requirement} --hash=sha256:{digest}\n"));
        g.refuses_unasked(2).says("error[not-pinned]").says("requirements.txt:1:1");
    }
    g.requirements(format!("alpha>=1 --hash=sha256:{digest}\n"));
    g.world.write("constraints.txt", "alpha<2\n");
    g.refuses_unasked_with(2, &["-c", "constraints.txt"]).says("error[not-pinned]");
    for operator in ["===", "=="] {
        g.world.write("constraints.txt", format!("alpha{operator}1.0\n"));
        g.accepts_with(&["-c", "constraints.txt", "--reinstall"]);
        g.has("alpha", "1.0");
    }
}

#[test]
fn g19_prefix_with_a_digest() {
    let g = Gauntlet::with(&[&alpha()]);
    g.requirements(format!("alpha==1.* --hash=sha256:{}\n", sha256(&alpha().build())));
    g.refuses_unasked(2).says("error[not-pinned]").says("requirements.txt:1:1");
}

#[test]
fn g20_pinned_in_other_ways() {
    let g = Gauntlet::with(&[&alpha(), &beta()]);
    let (alpha, beta) = (sha256(&alpha().build()), sha256(&beta().build()));
    let text = |alpha: &str| {
        format!("alpha===1.0 --hash=sha256:{alpha}\nbeta==1.0,>=0.5 --hash=sha256:{beta}\n")
    };
    g.requirements(text(WRONG)).refuses(1).says("error[digest-mismatch]");
    g.requirements(text(&alpha)).accepts();
    g.has("alpha", "1.0");
    g.has("beta", "1.0");
}

#[test]
fn g21_false_marker() {
    let g = Gauntlet::with(&[&alpha(), &beta()]);
    let never = "python_version < '3'";
    let beta = pinned("beta", "1.0", &beta().build());
    g.requirements(format!("alpha==1.0; {never} --hash=sha256:{WRONG}\n{beta}")).accepts();
    g.has("beta", "1.0");
    let asked = g.index.request_lines();
    assert!(asked.iter().all(|line| !line.contains("alpha")), "{asked:?}");
    assert!(!g.world.site().join("alpha.py").exists());
    // The same under a true marker is refused.
    g.requirements(format!("alpha==1.0; python_version > '3' --hash=sha256:{WRONG}\n{beta}"));
    g.refuses(1).says("error[digest-mismatch]");
}

#[test]
fn g22_marks_line_ends_and_continuations() {
    let g = Gauntlet::with(&[&alpha(), &beta()]);
    let text = format!(
        "alpha==1.0 \\\r\n    --hash=sha256:{} \\\r\n# a comment that ends it\r\n{}",
        sha256(&alpha().build()),
        pinned("beta", "1.0", &beta().build()).replace('\n', "\r\n")
    );
    let utf16: Vec<u8> =
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = format!("\u{feff}{text}").into_bytes();
    for bytes in [text.clone().into_bytes(), marked, utf16] {
        g.requirements(bytes).accepts_with(&["--reinstall"]);
        g.has("alpha", "1.0");
        g.has("beta", "1.0");
        g.world.run(&["uninstall", "--python", "env", "alpha", "beta"]).expect(0);
    }
    let wrong = format!("\u{feff}{}", text.replace(&sha256(&alpha().build()), WRONG));
    g.requirements(wrong).refuses(1).says("error[digest-mismatch]");
}

#[test]
fn g23_ways_to_name_a_file() {
    let g = Gauntlet::with(&[&alpha()]);
    g.world.write("right.txt", pinned("alpha", "1.0", &alpha().build()));
    g.world.write("wrong.txt", format!("alpha==1.0 --hash=sha256:{WRONG}\n"));
    let forms: [&[&str]; 4] =
        [&["-rFILE"], &["-r", "FILE"], &["--requirement=FILE"], &["--requirement", "FILE"]];
    for form in forms {
        let index = g.index.simple_url();
        let on_command_line = |file: &str| {
            let option: Vec<String> = form.iter().map(|word| word.replace("FILE", file)).collect();
            let mut arguments = vec!["install", "--venv", "env", "--index-url", &index];
            arguments.extend(option.iter().map(String::as_str));
            g.world.run(&arguments)
        };
        let run = g.unchanged_by(1, || on_command_line("wrong.txt"));
        run.says("error[digest-mismatch]").says("wrong.txt:1:1");
        on_command_line("right.txt").expect(0).says(" + alpha 1.0");
        g.has("alpha", "1.0");
        g.world.run(&["uninstall", "--python", "env", "alpha"]).expect(0);
        // The same inside a requirements file.
        let line = form.join(" ");
        g.requirements(line.replace("FILE", "wrong.txt"));
        g.refuses(1).says("error[digest-mismatch]").says("wrong.txt:1:1");
        g.requirements(line.replace("FILE", "right.txt")).accepts();
        g.has("alpha", "1.0");
        g.world.run(&["uninstall", "--python", "env", "alpha"]).expect(0);
    }
}

#[test]
fn g24_name_beside_a_file() {
    let g = Gauntlet::with(&[&alpha(), &beta()]);
    g.requirements(pinned("alpha", "1.0", &alpha().build()));
    for name in ["beta", "beta==1.0", "./beta-1.0-py3-none-any.whl"] {
        g.refuses_unasked_with(2, &[name]).says("error[names-beside-file]").says(name);
    }
    g.unchanged_by(2, || g.world.run(&["install", "--venv", "env", "beta"])).says("`beta`");
}

#[test]
fn g25_constraints_with_digests() {
    let g = Gauntlet::with(&[&alpha(), &beta()]);
    let (right, comment) = (pinned("alpha", "1.0", &alpha().build()), peep(&alpha().build()));
    let options = ["-c", "constraints.txt"];
    for requirement in ["alpha", "alpha>=0.5", "alpha==1.0"] {
        g.requirements(format!("{requirement}\n"));
        g.world.write("constraints.txt", format!("alpha==1.0 --hash=sha256:{WRONG}\n"));
        g.refuses_with(1, &options).says("error[digest-mismatch]");
        for constraint in [right.clone(), format!("{comment}alpha==1.0\n")] {
            g.world.write("constraints.txt", constraint);
            g.accepts_with(&options);
            g.has("alpha", "1.0");
            g.world.run(&["uninstall", "--python", "env", "alpha"]).expect(0);
        }
    }
    // From inside the file as well, and a constraint that nobody needs installs nothing.
    g.world.write("constraints.txt", right.clone() + &pinned("beta", "1.0", &beta().build()));
    g.requirements("-c constraints.txt\nalpha\n").accepts();
    assert!(!g.world.site().join("beta.py").exists());
    g.requirements(&right);
    g.world.write("constraints.txt", format!("alpha==1.0 --hash=sha256:{WRONG}\n"));
    g.refuses_unasked_with(2, &options).says("error[digest-conflict]").says("requirements.txt:1:1");
}

/// Options of pip and uv that switch a check off, with their values.
const WEAKENING: [&[&str]; 7] = [
    &["--trusted-host", "127.0.0.1"],
    &["--trusted-host=127.0.0.1"],
    &["--allow-insecure-host", "127.0.0.1"],
    &["--no-verify-hashes"],
    &["--no-require-hashes"],
    &["--ignore-requires-python"],
    &["--break-system-packages"],
];

#[test]
fn g26_settings_that_weaken_a_check() {
    let mut g = Gauntlet::with(&[&alpha()]);
    let wrong = format!("alpha==1.0 --hash=sha256:{WRONG}\n");
    g.requirements(pinned("alpha", "1.0", &alpha().build()));
    for option in WEAKENING {
        let name = option[0].split('=').next().unwrap_or_default();
        g.refuses_unasked_with(2, option).says("error[weakens-check]").says(name);
    }
    g.refuses_unasked_with(2, &["--index-strategy", "unsafe-best-match"]).says("--index-strategy");
    for option in &WEAKENING[..5] {
        g.requirements(format!("# one\n{}\n{wrong}", option.join(" ")));
        let name = option[0].split('=').next().unwrap_or_default();
        let run = g.refuses_unasked(2);
        run.says("error[weakens-check]").says(name).says("requirements.txt:2:1");
    }
    // In the environment and in files: ignored, said, and nothing is weakened.
    g.requirements(&wrong);
    for (variable, value) in [
        ("PIP_TRUSTED_HOST", "127.0.0.1"),
        ("UV_INSECURE_HOST", "127.0.0.1"),
        ("PIP_REQUIRE_HASHES", "0"),
        ("UV_NO_VERIFY_HASHES", "1"),
        ("UV_INDEX_STRATEGY", "unsafe-best-match"),
        ("PIP_NO_DEPS", "1"),
    ] {
        g.world.set(variable, value);
        let run = g.refuses(1);
        run.says("error[digest-mismatch]").says("note[ignored-setting]");
        run.says(&format!("`{variable}` in the environment is ignored"));
        g.world.set(variable, "");
    }
    g.world.set("PIP_CONFIG_FILE", "");
    let pip =
        "[global]\ntrusted-host = 127.0.0.1\n[install]\nno-deps = true\nrequire-hashes = no\n";
    let uv = "allow-insecure-host = ['127.0.0.1']\nindex-strategy = 'unsafe-best-match'\n\
              [pip]\nverify-hashes = false\n";
    let home = |name: &str, text: &str| {
        let path = g.world.home(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    home(".config/pip/pip.conf", pip);
    home(".config/uv/uv.toml", uv);
    let run = g.refuses(1);
    run.says("error[digest-mismatch]").says("pip.conf").says("uv.toml");
    for option in ["trusted-host", "no-deps", "require-hashes", "allow-insecure-host"] {
        run.says(option);
    }
    run.says("index-strategy").says("verify-hashes");
    g.requirements(pinned("alpha", "1.0", &alpha().build()))
        .accepts()
        .says("note[ignored-setting]");
}

#[test]
fn g27_file_that_lists_nothing() {
    let g = Gauntlet::with(&[&alpha()]);
    for text in ["", "\n# nothing\n", "--pre\n"] {
        g.requirements(text);
        let run = g.refuses_unasked(2);
        run.says("error[empty]").says("requirements.txt:1:1").says("--allow-empty");
        g.accepts_with(&["--allow-empty"]);
    }
    let lock = "lock-version = '1.0'\ncreated-by = 'test'\npackages = []\n";
    g.world.write("pylock.toml", lock);
    let install = ["install", "pylock.toml", "--venv", "env", "--no-index"];
    g.unchanged_by(2, || g.world.run(&install)).says("error[empty]").says("pylock.toml:1:1");
    g.world.run(&[&install[..], &["--allow-empty"]].concat()).expect(0);
}
