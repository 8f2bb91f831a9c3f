//! Pins that are about to be written.

use countermark_testkit::log::{Lie, observation};

use super::{OBSERVER, Place, others, seen, wheels};

#[test]
fn one_request_for_a_lock_and_none_for_what_was_proved_or_stands() {
    let place = Place::honest().mode("require");
    place.lock("alpha\nbeta\n", &[]).expect(0).never_says("note[");
    assert_eq!(place.log.request_lines(), ["POST /lookup"]);
    assert_eq!(place.log.asked(), ["alpha-1.0-py3-none-any.whl", "beta-2.0-py3-none-any.whl"]);
    // The same again: the pins stand.
    place.log.forget_requests();
    place.lock("alpha\nbeta\n", &[]).expect(0);
    // A new lock of the same files: they were proved a moment ago.
    place.lock("alpha\nbeta\n", &["-o", "other.txt"]).expect(0);
    assert_eq!(place.log.request_lines(), [""; 0]);
    // One new pin: that one.
    place.lock("alpha\nbeta<2\n", &["-P", "beta"]).expect(0);
    assert_eq!(place.log.asked(), ["beta-1.0-py3-none-any.whl"]);
}

#[test]
fn off_and_no_table_ask_nobody() {
    let place = Place::honest();
    place.lock("alpha\n", &[]).expect(0);
    let place = place.mode("off");
    place.lock("alpha\nbeta\n", &[]).expect(0);
    assert_eq!(place.log.request_lines(), [""; 0]);
}

#[test]
fn a_file_that_nobody_saw_is_told_or_refused() {
    let place = Place::with(|log| log.records(others(3))).mode("warn");
    place.lock("alpha\n", &[]).expect(0).says("note[not-in-log]").says("alpha-1.0");
    let place = Place::with(|log| log.records(others(3))).mode("require");
    let run = place.lock("alpha\n", &[]);
    run.expect(1).says("error[not-in-log]");
    assert!(!place.has("requirements.txt"));
    // With the line that it proposes it is let pass, and told.
    let line = run.stderr.lines().find(|line| line.starts_with("{ rule = ")).expect("a line");
    let policy =
        format!("[policy]\nallow = [\n{line}\n]\n{}", place.world.read("countermark.toml"));
    place.world.write("countermark.toml", policy);
    place.lock("alpha\n", &[]).expect(0).says("let pass");
}

#[test]
fn an_answer_without_records_is_no_yes() {
    for lie in [Lie::NoRecords, Lie::EmptyAnswer] {
        let place = Place::honest().mode("require");
        place.log.change(|log| log.lie(lie.clone()));
        let run = place.lock("alpha\n", &[]);
        assert!(matches!(run.code, 1 | 3), "{lie:?}: {}", run.stderr);
        assert!(!place.has("requirements.txt"), "{lie:?}");
    }
}

#[test]
fn a_log_that_is_down_is_told_or_refuses_new_pins_only() {
    let place = Place::honest().mode("warn");
    place.lock("alpha\n", &[]).expect(0);
    place.log.change(|log| log.lie(Lie::Down));
    place.lock("alpha\nbeta\n", &[]).expect(0).says("note[log-unreachable]");
    let place = place.mode("require");
    // Nothing new: nobody is asked.
    place.lock("alpha\nbeta\n", &[]).expect(0).never_says("log-unreachable");
    let before = place.world.read("requirements.txt");
    place.lock("alpha\nbeta<2\n", &["-P", "beta"]).expect(3).says("error[log-unreachable]");
    assert_eq!(place.world.read("requirements.txt"), before);
    place.run(&["install", "beta<2", "--venv", "env"]).expect(3).says("error[log-unreachable]");
    assert!(!place.has("env"));
}

#[test]
fn offline_what_was_proved_lately_counts() {
    let place = Place::honest().mode("require");
    place.lock("alpha\nbeta\n", &[]).expect(0);
    // Only beta 1.0 was never asked about.
    place.lock("alpha\n", &["-o", "again.txt", "--offline"]).expect(0);
    place.lock("beta<2\n", &["-o", "warm.txt"]).expect(0);
    std::fs::remove_file(place.world.path("warm.txt")).expect("a lock");
    std::fs::remove_dir_all(place.world.home(".local/state/countermark/log")).expect("a memory");
    let run = place.lock("beta<2\n", &["-o", "cold.txt", "--offline"]);
    run.expect(3).says("error[log-unreachable]");
    assert!(!place.has("cold.txt"));
    let place = place.mode("warn");
    place.lock("beta<2\n", &["-o", "cold.txt", "--offline"]).expect(0).says("log-unreachable");
}

#[test]
fn add_update_and_constraints_ask_as_well() {
    let place = Place::with(|log| log.records(wheels()[..2].iter().map(seen))).mode("require");
    place.run(&["add", "alpha"]).expect(0);
    // Nobody saw beta 2.0.
    place.run(&["add", "beta"]).expect(1).says("not-in-log").says("beta-2.0");
    assert_eq!(place.world.read("requirements.in"), "alpha\n");
    place.run(&["add", "beta<2"]).expect(0);
    place.world.write("requirements.in", "alpha\nbeta\n");
    place.run(&["update"]).expect(1).says("beta-2.0");
    assert!(place.world.read("requirements.txt").contains("beta==1.0"));
    place.world.write("constraints.txt", "beta==2.0\n");
    let constraints = ["lock", "--constraints", "constraints.txt"];
    place.run(&constraints).expect(1).says("beta-2.0");
    assert_eq!(place.world.read("constraints.txt"), "beta==2.0\n");
    place.world.write("constraints.txt", "beta==1.0\n");
    place.run(&constraints).expect(0);
    assert!(place.world.read("constraints.txt").contains("sha256:"));
}

#[test]
fn lines_to_paste_are_new_pins() {
    let place = Place::with(|log| log.records(wheels()[..2].iter().map(seen))).mode("require");
    place.world.write("requirements.txt", "alpha==1.0\n");
    let install = ["install", "-r", "requirements.txt", "--venv", "env"];
    let run = place.run(&install);
    run.expect(1).says("which the log knows").says("alpha==1.0 \\");
    place.world.write("requirements.txt", "beta==2.0\n");
    place.run(&install).expect(1).says("not-in-log").never_says("beta==2.0 \\");
    let file = place.world.write("beta-2.0-py3-none-any.whl", wheels()[2].build());
    place.run(&["hash", file.to_str().expect("UTF-8")]).expect(1).never_says("--hash");
    let file = place.world.write("beta-1.0-py3-none-any.whl", wheels()[1].build());
    place.run(&["hash", file.to_str().expect("UTF-8")]).expect(0).says("--hash");
}

#[test]
fn what_a_distribution_has_is_told_and_no_alarm() {
    let other = observation(
        "distribution:example.org/packages",
        "alpha",
        "alpha-1.0-py3-none-any.whl",
        b"its own build",
    );
    let place = Place::with(|log| log.record(other).record(seen(&wheels()[0]))).mode("require");
    place.lock("alpha\n", &[]).expect(0).says("note[distribution-differs]");
    let asked = place.run(&["log", "lookup", "alpha==1.0"]);
    asked.expect(0).says("a distribution has other bytes").says(OBSERVER);
}

#[test]
fn runs_at_the_same_time_share_what_was_seen() {
    let place = Place::honest().mode("require");
    place.world.write("requirements.in", "alpha\n");
    let names: Vec<String> = (0..6).map(|number| format!("lock-{number}.txt")).collect();
    let runs: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(number, name)| {
            let more = others(30 + number)[20..].to_vec();
            let mut lock = place.world.command(&["lock", "requirements.in", "-o", name]);
            lock.env("COUNTERMARK_CACHE_DIR", place.world.path(&format!("store-{number}")));
            let run = lock.stderr(std::process::Stdio::piped()).spawn().expect("it runs");
            // It grows meanwhile: some see more of it than others.
            place.log.change(|log| log.records(more.into_iter().skip(9 + number)));
            run
        })
        .collect();
    for run in runs {
        let output = run.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    // Whatever was seen last, the log continues it.
    std::fs::remove_file(place.world.path("lock-0.txt")).expect("a lock");
    place.lock("beta\n", &["-o", "after.txt"]).expect(0);
}
