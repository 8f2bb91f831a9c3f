//! The catalogue of evil wheels: each is a good one with one thing wrong, and names the code of
//! the rejection that is the right answer.
//!
//! In four parts: the archive's structure, names of members, what the metadata says, and the
//! compressed data.

mod contents;
mod data;
mod names;
mod structure;

use super::{Archive, Wheel};

/// What has to notice that a wheel is evil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The plan: nothing is unpacked.
    Plan,
    /// The extraction: the bytes of a file are not what was promised.
    Extract,
}

/// A wheel that must be refused.
#[derive(Clone, Debug)]
pub struct Evil {
    /// What is wrong with it; unique.
    pub name: &'static str,
    /// The code of the rejection.
    pub code: &'static str,
    /// When at the latest.
    pub stage: Stage,
    /// The file name it comes with.
    pub filename: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Every evil wheel.
#[must_use]
pub fn all() -> Vec<Evil> {
    let mut catalogue = Catalogue(Vec::new());
    structure::add(&mut catalogue);
    names::add(&mut catalogue);
    contents::add(&mut catalogue);
    data::add(&mut catalogue);
    catalogue.0
}

/// The good wheel that all evil ones are made from.
#[must_use]
pub fn good() -> Wheel {
    Wheel::new("foo", "1.0")
        .file("foo/__init__.py", b"import foo.deep\nprint('foo, foo, foo')\n")
        .file("foo/deep.py", "value = 'deep in the wheel'\n".repeat(40).as_bytes())
        .entry_points("[console_scripts]\nfoo = foo.deep:main\n")
}

struct Catalogue(Vec<Evil>);

impl Catalogue {
    fn push(
        &mut self,
        name: &'static str,
        code: &'static str,
        stage: Stage,
        filename: String,
        bytes: Vec<u8>,
    ) {
        self.0.push(Evil { name, code, stage, filename, bytes });
    }

    /// Something else in the wheel; RECORD follows unless it is given.
    fn wheel(&mut self, name: &'static str, code: &'static str, tamper: impl FnOnce(&mut Wheel)) {
        let mut wheel = good();
        tamper(&mut wheel);
        self.push(name, code, Stage::Plan, good().filename(), wheel.build());
    }

    /// Something else in the archive, below a wheel that is in order.
    fn archive(
        &mut self,
        name: &'static str,
        code: &'static str,
        tamper: impl FnOnce(&mut Archive),
    ) {
        let mut archive = good().archive();
        tamper(&mut archive);
        self.push(name, code, Stage::Plan, good().filename(), archive.write());
    }

    /// Something else in the data of a file.
    fn data(&mut self, name: &'static str, code: &'static str, tamper: impl FnOnce(&mut Archive)) {
        self.archive(name, code, tamper);
        if let Some(evil) = self.0.last_mut() {
            evil.stage = Stage::Extract;
        }
    }

    /// Other bytes.
    fn bytes(
        &mut self,
        name: &'static str,
        code: &'static str,
        tamper: impl FnOnce(Vec<u8>) -> Vec<u8>,
    ) {
        let bytes = tamper(good().build());
        self.push(name, code, Stage::Plan, good().filename(), bytes);
    }
}
