//! `lock --constraints`: digests in place.

use super::{Shop, app_and_lib, release};
use crate::support::sha256;

#[test]
fn pins_get_their_digests_in_place() {
    let shop = Shop::with(&app_and_lib());
    let text = "# upper bounds\nlib===1.0;python_version<'3.0'\nlib===2.0;python_version>='3.0'\napp==1.0  # ours\n";
    shop.world.write("upper.txt", text);
    shop.run(&["lock", "--constraints", "upper.txt"]).expect(0).says("3 pins");
    let written = shop.world.read("upper.txt");
    for (name, version) in [("lib", "1.0"), ("lib", "2.0")] {
        let digest = sha256(&release(name, version, &[]).build());
        assert!(written.contains(&format!("--hash=sha256:{digest}")), "{written}");
    }
    assert!(written.contains("# upper bounds") && written.contains("# ours"), "{written}");
    shop.run(&["lock", "--constraints", "upper.txt", "--locked"]).expect(0);
    // Others use it as it is.
    shop.world.write("requirements.txt", "app==1.0\nlib\n");
    let install = ["install", "-r", "requirements.txt", "-c", "upper.txt", "--venv", "env"];
    shop.run(&install).expect(0).says("+ lib 2.0");
}

#[test]
fn a_line_that_pins_nothing_is_told_and_nothing_is_written() {
    let shop = Shop::with(&app_and_lib());
    for (text, place) in [("app==1.0\nlib>=1\n", "upper.txt:2"), ("app==7\n", "upper.txt:1")] {
        shop.world.write("upper.txt", text);
        let run = shop.run(&["lock", "--constraints", "upper.txt"]);
        assert!(run.code == 1 || run.code == 2, "{run:?}");
        run.says(place);
        assert_eq!(shop.world.read("upper.txt"), text);
    }
}
