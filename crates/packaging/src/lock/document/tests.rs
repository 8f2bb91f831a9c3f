use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

mod forms;
mod generate;
mod mutations;

use generate::{Draw, Form, Made};

/// How many locks of each form.
const MANY: u64 = 1_000;

/// What a form of a format tells of the entries that were written.
struct Written {
    format: LockFormat,
    file: &'static str,
    text: String,
    tells: Tells,
}

#[derive(Clone, Copy)]
struct Tells {
    names: bool,
    urls: bool,
    needs: bool,
    first_file_only: bool,
    /// Whether nothing but the whole file can be read.
    end_is_marked: bool,
}

const ALL: Tells =
    Tells { names: true, urls: true, needs: true, first_file_only: false, end_is_marked: false };

/// Every form of every format, for the same entries.
fn written(made: &[Made], draw: &mut Draw) -> Vec<Written> {
    let bare = Tells { names: false, urls: false, ..ALL };
    let named = Tells { urls: false, ..ALL };
    let one = |format, file, text, tells| Written { format, file, text, tells };
    use LockFormat::{Conda, Pdm, Pipfile, Poetry, Pylock, Requirements, Uv};
    let marked = |tells: Tells| Tells { end_is_marked: true, ..tells };
    vec![
        one(Uv, "uv.lock", generate::uv(made, draw), ALL),
        one(Poetry, "poetry.lock", generate::poetry(made, Form::Beside), named),
        one(Poetry, "poetry.lock", generate::poetry(made, Form::InMetadata), named),
        one(Poetry, "poetry.lock", generate::poetry(made, Form::BareDigests), bare),
        one(Pdm, "pdm.lock", generate::pdm(made, Form::Beside), named),
        one(Pdm, "pdm.lock", generate::pdm(made, Form::InMetadata), named),
        one(
            Pipfile,
            "Pipfile.lock",
            generate::pipfile(made),
            marked(Tells { needs: false, ..bare }),
        ),
        one(
            Conda,
            "conda-lock.yml",
            generate::conda(made, false),
            Tells { first_file_only: true, ..ALL },
        ),
        one(
            Conda,
            "conda-lock.json",
            generate::conda(made, true),
            marked(Tells { first_file_only: true, ..ALL }),
        ),
        one(
            Requirements,
            "requirements.txt",
            generate::requirements(made, draw),
            Tells { needs: false, ..bare },
        ),
        one(Pylock, "pylock.toml", generate::pylock(made), ALL),
    ]
}

type Row =
    (String, String, BTreeSet<(Option<String>, Option<String>, Vec<String>)>, BTreeSet<String>);

fn expected(made: &[Made], tells: Tells) -> Vec<Row> {
    let normal = crate::name::normalize;
    let row = |one: &Made| {
        let count = if tells.first_file_only { 1 } else { one.files.len() };
        let files = one.files[..count].iter().map(|file| {
            let name = tells.names.then(|| file.name.clone());
            (name, tells.urls.then(|| file.url.clone()), vec![file.digest.clone()])
        });
        let needs = one.needs.iter().filter(|_| tells.needs).map(|&n| normal(&made[n].name));
        let version: Version = one.version.parse().unwrap();
        (normal(&one.name), version.to_string(), files.collect(), needs.collect())
    };
    let mut rows: Vec<Row> = made.iter().map(row).collect();
    rows.sort();
    rows
}

fn rows(document: &LockDocument) -> Vec<Row> {
    let row = |package: &LockPackage| {
        let files = package.files.iter().map(|file| {
            let digests = file.digests.iter().map(ToString::to_string).collect();
            (file.name.clone(), file.url.clone(), digests)
        });
        let needs = package.dependencies.iter().map(ToString::to_string).collect();
        let version = package.version.as_ref().map(ToString::to_string).unwrap_or_default();
        (package.project.to_string(), version, files.collect(), needs)
    };
    let mut rows: Vec<Row> = document.packages.iter().map(row).collect();
    rows.sort();
    rows
}

#[test]
fn a_thousand_locks_of_each_form_come_back_whole() {
    for seed in 0..MANY {
        let mut draw = Draw::new(seed);
        let made = generate::entries(&mut draw);
        for Written { format, file, text, tells } in written(&made, &mut draw) {
            let document = parse(file, text.as_bytes())
                .unwrap_or_else(|errors| panic!("{seed} {format}: {errors:#?}\n{text}"));
            assert_eq!(document.format, format);
            assert_eq!(rows(&document), expected(&made, tells), "{seed} {format}\n{text}");
            assert_eq!(detect("some.lock", text.as_bytes()), format, "{text}");
            for package in &document.packages {
                let at = &text[package.place.span.clone()];
                let shown =
                    crate::name::normalize(at.trim_matches('"').split(['=', '[']).next().unwrap());
                assert_eq!(shown, package.project.as_str(), "{format}: {at}");
            }
        }
    }
}

/// Cut off at any byte, nothing panics, what is read is what stood there, and a format whose end
/// is marked is never taken for a shorter one.
#[test]
fn a_lock_that_was_cut_off_is_not_a_shorter_lock() {
    for seed in [3, 4] {
        let mut draw = Draw::new(seed);
        let mut made = generate::entries(&mut draw);
        made.truncate(3);
        for one in &mut made {
            one.needs.retain(|&number| number < 3);
        }
        for Written { format, file, text, tells } in written(&made, &mut draw) {
            let whole = expected(&made, tells);
            let names: BTreeSet<&String> = whole.iter().map(|row| &row.0).collect();
            for end in 0..text.trim_end().len() {
                match parse_as(format, file, &text.as_bytes()[..end]) {
                    Err(errors) => assert!(!errors.is_empty()),
                    Ok(_) if tells.end_is_marked => panic!("{format} at {end}: read as whole"),
                    Ok(document) => {
                        let found = rows(&document);
                        // A version or a name may have lost its end, and nothing else changes.
                        assert!(found.len() <= whole.len());
                        for (row, _) in found.iter().zip(&whole).rev().skip(1) {
                            assert!(names.iter().any(|name| name.starts_with(&row.0)), "{format}");
                        }
                    }
                }
            }
        }
    }
}

/// `[metadata]` stands last in what Poetry writes.
#[test]
fn a_poetry_lock_without_its_end_is_refused() {
    let mut draw = Draw::new(5);
    let made = generate::entries(&mut draw);
    for form in [Form::Beside, Form::InMetadata, Form::BareDigests] {
        let text = generate::poetry(&made, form);
        let end = text.find("[metadata]").unwrap();
        for at in 0..end {
            assert!(parse("poetry.lock", &text.as_bytes()[..at]).is_err(), "{at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Bytes changed anywhere: no panic, and errors stand in the file.
    #[test]
    fn damaged_locks_are_read_or_refused(
        seed in 0..MANY,
        form in 0..11usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut draw = Draw::new(seed);
        let made = generate::entries(&mut draw);
        let one = written(&made, &mut draw).swap_remove(form);
        let mut bytes = one.text.into_bytes();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Err(errors) = parse_as(one.format, one.file, &bytes) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(error.place.span.end <= bytes.len() * 3);
                prop_assert!(error.place.line >= 1 && error.place.column >= 1);
            }
        }
    }
}
