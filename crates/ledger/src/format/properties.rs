//! What holds of every value and of every text.

use countermark_packaging::digest::Sha256;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::{ReviewFile, canonical, review, write};
use crate::criteria::CriterionName;
use crate::fact::{Facts, FileFact, Roles};
use crate::file::FileId;
use crate::format::Relations;
use crate::relation::Relation;
use crate::review::{How, Review};

const PROJECTS: [&str; 4] = ["flask", "a", "acme-web", "zope-interface"];

fn day() -> impl Strategy<Value = Date> {
    (2020..2030_i16, 1..13_i8, 1..28_i8).prop_map(|(year, month, day)| date(year, month, day))
}

fn digest() -> impl Strategy<Value = Sha256> {
    any::<[u8; 32]>().prop_map(Sha256)
}

/// Names of one release, some of which differ in nothing but their tags.
fn files(project: &'static str, version: &'static str) -> impl Strategy<Value = Vec<FileId>> {
    let endings = [".tar.gz", ".zip", "-py3-none-any.whl", "-1-cp313-cp313-win32.whl"];
    let some = prop::sample::subsequence(endings.to_vec(), 1..=4);
    (some, prop::array::uniform4(digest())).prop_map(move |(endings, digests)| {
        let name = project.replace('-', "_");
        let file = |(ending, digest)| FileId { name: format!("{name}-{version}{ending}"), digest };
        let mut files: Vec<FileId> = endings.into_iter().zip(digests).map(file).collect();
        files.sort();
        files
    })
}

fn notes() -> impl Strategy<Value = String> {
    let texts = [
        "",
        "read all of it",
        "two\nlines\tand a tab",
        "\"quoted\" \\n",
        "# no comment",
        "é 𝄞",
        "[[review]]",
    ];
    prop_oneof![
        prop::sample::select(texts.to_vec()).prop_map(str::to_owned),
        "[a-z\"\\\\\n é#=]{1,20}x"
    ]
}

fn reviews() -> impl Strategy<Value = Review> {
    let versions = ["1.0", "3.0.1", "2.0rc1"];
    (0..4_usize, 0..3_usize, 0..3_usize).prop_flat_map(move |(project, version, kind)| {
        let (project, version) = (PROJECTS[project], versions[version]);
        let how = match kind {
            0 => Just(How::Full).boxed(),
            1 => Just(How::Compiled).boxed(),
            _ => files(project, "0.9")
                .prop_map(|files| How::Delta { from: "0.9".parse().unwrap(), files })
                .boxed(),
        };
        let until = prop::option::of(0..900_i32);
        let signature = prop::option::of("[a-zA-Z0-9+/= ]{1,40}x");
        let author = prop::sample::select(vec!["alice@example.org", "B <b@example.org>"]);
        (files(project, version), how, author, day(), until, notes(), signature, 1..4_usize)
            .prop_map(move |(files, how, author, on, until, notes, signature, count)| Review {
                project: project.parse().unwrap(),
                version: version.parse().unwrap(),
                files,
                criteria: ["crypto", "safe-to-deploy", "safe-to-run"][..count]
                    .iter()
                    .map(|name| CriterionName::parse(name).unwrap())
                    .collect(),
                how,
                author: author.to_owned(),
                on,
                until: until.map(|days| on.saturating_add(jiff::Span::new().days(days))),
                notes,
                signature,
            })
    })
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set("[a-zA-Z/_.\"\\\\-]{1,12}", 0..4)
        .prop_map(|it| it.into_iter().collect())
}

fn facts() -> impl Strategy<Value = Facts> {
    let roles = prop::collection::btree_map(0..4_usize, (names(), day()), 0..4);
    let file = (
        digest(),
        prop::option::of(day()),
        prop::option::of("[a-z:/.]{1,20}"),
        prop::option::of(digest()),
        names(),
    );
    (roles, prop::collection::vec(file, 0..5)).prop_map(|(roles, files)| {
        let id = |digest| FileId { name: "a-1.0.zip".to_owned(), digest };
        let mut facts = Facts {
            roles: roles
                .into_iter()
                .map(|(at, (accounts, on))| Roles {
                    project: PROJECTS[at].parse().unwrap(),
                    accounts,
                    on,
                })
                .collect(),
            files: files
                .into_iter()
                .map(|(digest, uploaded, publisher, before, adds)| FileFact {
                    project: "a".parse().unwrap(),
                    version: "1.0".parse().unwrap(),
                    file: id(digest),
                    uploaded,
                    publisher_before: publisher.clone(),
                    publisher,
                    before: before.map(id),
                    adds,
                })
                .collect(),
        };
        facts.roles.sort_by(|a, b| a.project.cmp(&b.project));
        facts.files.sort_by(|a, b| a.file.cmp(&b.file));
        facts
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_as_it_was(all in prop::collection::vec(reviews(), 0..6)) {
        let text = write(&all);
        let file = ReviewFile::parse("f", text.as_str()).map_err(|errors| TestCaseError::fail(format!("{errors:?}")))?;
        let read: Vec<Review> = file.iter().map(|entry| entry.review).collect();
        prop_assert_eq!(write(&read), text.clone(), "canonical");
        for review in &all {
            prop_assert!(read.iter().any(|it| it == review || (it.signature != review.signature && it.files == review.files)));
        }
        // Order and repetition make no difference.
        let mut turned: Vec<Review> = all.iter().chain(&all).cloned().collect();
        turned.reverse();
        prop_assert_eq!(write(&turned), text.clone());
        for entry in file.iter() {
            prop_assert_eq!(&text[entry.place.span.clone()], "[[review]]");
            prop_assert_eq!(text.lines().nth(entry.place.line as usize - 1), Some("[[review]]"));
            for found in &entry.review.files {
                prop_assert!(file.covering(&found.digest).contains(&entry));
            }
        }
    }

    #[test]
    fn reviews_of_a_project_are_those_that_reading_all_finds(
        all in prop::collection::vec(reviews(), 0..8),
        turns in prop::collection::vec(0..8_usize, 8),
    ) {
        let mut text = String::new();
        for (one, turn) in all.iter().zip(turns) {
            let mut block = String::new();
            review::write(&mut block, one);
            // The same in other words of TOML, two of which are wrong.
            let (project, first) = (one.project.as_str(), &one.project.as_str()[..1]);
            let (line, escaped) = (format!("project = \"{project}\"\n"), &project[1..]);
            let other = match turn {
                0 => format!("project=\"{project}\"\n"),
                1 => format!("\"project\" = '{project}'\n"),
                2 => format!("project = \"\\u{:04x}{escaped}\"\n", u32::from(first.as_bytes()[0])),
                3 => format!("project = \"{project}\"\r\n"),
                4 => format!("{line}project = \"other\"\n"),
                5 => format!("project = \"{project}\" \n"),
                _ => line.clone(),
            };
            block = block.replacen(&line, &other, 1);
            if turn == 6 {
                block = block.replacen(&line, "", 1) + &line;
            }
            text.push('\n');
            text.push_str(&block);
        }
        let file = ReviewFile::reopen("f", text).unwrap();
        for project in PROJECTS.map(|it| it.parse().unwrap()) {
            let expected: Vec<_> = file.iter().filter(|it| it.review.project == project).collect();
            prop_assert_eq!(file.of_project(&project), expected);
        }
    }

    #[test]
    fn the_fast_reader_accepts_what_is_canonical_and_nothing_that_toml_does_not(
        one in reviews(),
        at in any::<prop::sample::Index>(),
        new in prop::sample::select(vec!["", "\"", "\\", "\n", " ", "A", "0", "#", "[", "é", "\t", "=", "-", "\u{7}", "\u{202e}", "\r"]),
        drops in 0..3_usize,
    ) {
        let mut text = String::new();
        review::write(&mut text, &one);
        prop_assert_eq!(canonical::read(&text), Some(one.clone()));
        prop_assert_eq!(review::read_toml("f", &text).ok(), Some(one));
        // One edit anywhere.
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let start = places[at.index(places.len())];
        let end = text[start..].char_indices().nth(drops).map_or(text.len(), |(at, _)| start + at);
        text.replace_range(start..end, new);
        if let Some(fast) = canonical::read(&text) {
            let slow = review::read_toml("f", &text);
            prop_assert_eq!(Some(fast.clone()), slow.ok(), "{}", text);
            let mut again = String::new();
            review::write(&mut again, &fast);
            prop_assert_eq!(again.trim_end(), text.trim_end(), "it is canonical");
        }
    }

    #[test]
    fn facts_and_relations_are_read_as_they_were(facts in facts(), lists in prop::array::uniform3(names()), same in any::<u32>()) {
        let text = facts.write();
        let read = Facts::parse("f", text.as_bytes()).map_err(|errors| TestCaseError::fail(format!("{errors:?}")))?;
        prop_assert_eq!(&read, &facts);
        prop_assert_eq!(read.write(), text);
        let [permitted, compiled, unexplained] = lists;
        let id = |byte: u8, name: &str| FileId { name: name.to_owned(), digest: Sha256([byte; 32]) };
        let relations = Relations(vec![Relation {
            project: "a".parse().unwrap(),
            version: "1.0".parse().unwrap(),
            from: id(1, "a-1.0.zip"),
            to: id(2, "a-1.0-py3-none-any.whl"),
            same,
            permitted,
            compiled,
            unexplained,
        }]);
        let text = relations.write();
        let read = Relations::parse("r", text.as_bytes()).map_err(|errors| TestCaseError::fail(format!("{errors:?}")))?;
        prop_assert_eq!(&read, &relations);
        prop_assert_eq!(read.write(), text);
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place(text in "(\\[\\[review\\]\\]\n|project = |\"|\n|sha256:|[a-z =\\[\\],#'\\\\]){0,60}") {
        if let Err(errors) = ReviewFile::parse("f", text.as_str()) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(error.place.line as usize <= text.split('\n').count());
                prop_assert!(text.get(error.place.span.clone()).is_some() || error.place.span.end >= text.len());
            }
        }
    }
}
