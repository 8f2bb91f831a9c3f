//! A log that forgets entries, by its own word.

use countermark_testkit::log::Lie;
use jiff::{SignedDuration, Timestamp};

use super::Place;

#[test]
fn a_log_that_says_itself_that_it_went_back_is_an_alarm_in_every_mode() {
    for mode in ["warn", "require"] {
        let earlier = Timestamp::now() - SignedDuration::from_mins(1);
        let place = Place::honest().mode(mode);
        place.log.change(|log| log.at(earlier));
        place.lock("alpha\n", &[]).expect(0);
        // The same tree without its last entries, signed a minute later.
        let back = Lie::Rollback { after: 0, size: 21 };
        place.log.change(|log| log.at(Timestamp::now()).lie(back));
        let run = place.lock("alpha\nbeta\n", &["-o", "new.txt"]);
        run.expect(4).says("error[log-rolled-back]");
        assert!(!place.has("new.txt"));
        place.convicts(&place.evidence(&run), "went back");
    }
}
