//! Installing from a lock: gauntlet 66 and 67 from the side of what is pinned.

use countermark_testkit::log::Lie;

use super::{Place, others, seen, wheels};
use crate::support::pinned;

fn alpha() -> String {
    pinned("alpha", "1.0", &wheels()[0].build())
}

const INSTALL: [&str; 5] = ["install", "-r", "requirements.txt", "--venv", "env"];

#[test]
fn a_lock_asks_the_log_only_where_the_policy_requires_it() {
    let place = Place::honest().mode("warn");
    place.world.write("requirements.txt", alpha());
    place.run(&INSTALL).expect(0);
    assert_eq!(place.log.request_lines(), [""; 0]);
    let place = place.mode("require");
    place.run(&INSTALL).expect(0);
    assert_eq!(place.log.asked(), ["alpha-1.0-py3-none-any.whl"]);
}

#[test]
fn a_log_that_is_down_or_mad_breaks_no_install() {
    for lie in [Lie::Down, Lie::Status(500), Lie::EmptyAnswer, Lie::BadSignature, Lie::NoTime] {
        let place = Place::honest().mode("require");
        place.log.change(|log| log.lie(lie.clone()));
        place.world.write("requirements.txt", alpha());
        let run = place.run(&INSTALL);
        run.expect(0).says("+ alpha 1.0").says("the log was not asked");
    }
}

#[test]
fn what_the_log_says_against_a_pin_stops_the_install() {
    let place = Place::with(|log| log.records(others(3))).mode("require");
    place.world.write("requirements.txt", alpha());
    place.run(&INSTALL).expect(1).says("error[not-in-log]");
    let place = Place::with(|log| {
        log.record(seen(&wheels()[0])).second_digest("alpha-1.0-py3-none-any.whl")
    })
    .mode("require");
    place.world.write("requirements.txt", alpha());
    let run = place.run(&INSTALL);
    run.expect(4).says("error[equivocation]");
    assert!(!place.has("env"));
    place.convicts(&place.evidence(&run), "two digests of one file");
}
