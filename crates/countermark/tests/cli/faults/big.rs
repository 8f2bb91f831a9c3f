//! Sixty wheels of forty files in two releases; one of them brings 30 MB.

use std::fmt::Write as _;
use std::sync::LazyLock;

use countermark_testkit::index::{IndexServer, Scenario, ServedFile};
use countermark_testkit::wheel::{Member, Wheel};

use crate::support::pinned;

/// Wheels of each release.
pub(super) const WHEELS: usize = 60;
/// Modules of each wheel.
const MODULES: usize = 40;
/// Bytes of the large file.
const LARGE: usize = 30 << 20;

/// An index with both releases, and a requirements file of each.
pub(super) struct Big {
    pub(super) old: String,
    pub(super) new: String,
    files: Vec<(String, ServedFile)>,
}

pub(super) static BIG: LazyLock<Big> = LazyLock::new(|| {
    let mut big = Big { old: String::new(), new: String::new(), files: Vec::new() };
    for (version, release) in [("1.0", true), ("2.0", false)] {
        for number in 0..WHEELS {
            let name = format!("p{number:02}");
            let wheel = wheel(&name, version, number == WHEELS - 1);
            let bytes = wheel.build();
            let list = if release { &mut big.old } else { &mut big.new };
            write!(list, "{}", pinned(&name, version, &bytes)).unwrap();
            big.files.push((name, ServedFile::honest(&wheel.filename(), bytes)));
        }
    }
    big
});

fn wheel(name: &str, version: &str, large: bool) -> Wheel {
    let mut wheel = Wheel::new(name, version)
        .entry_points(&format!("[console_scripts]\n{name}-run = {name}.m00:main\n"));
    for module in 0..MODULES {
        let text = format!("NAME = {name:?}\nVERSION = {version:?}\nNUMBER = {module}\n");
        wheel = wheel.file(&format!("{name}/m{module:02}.py"), text.as_bytes());
    }
    if large {
        let seed = version.as_bytes()[0];
        let content: Vec<u8> = (0..LARGE).map(|index| (index >> 8) as u8 ^ seed).collect();
        let member = Member { method: 0, ..Member::file(&format!("{name}/large.bin"), &content) };
        wheel = wheel.member(member);
    }
    wheel
}

impl Big {
    /// An honest index with everything.
    pub(super) fn scenario(&self) -> Scenario {
        let files = self.files.iter().cloned();
        files.fold(Scenario::new(), |scenario, (name, file)| scenario.file(&name, file))
    }

    /// A server of it.
    pub(super) fn serve(&self) -> IndexServer {
        IndexServer::start(self.scenario())
    }

    /// The names of the files of the new release.
    pub(super) fn new_files(&self) -> impl Iterator<Item = &str> {
        self.files[WHEELS..].iter().map(|(_, file)| file.filename.as_str())
    }
}
