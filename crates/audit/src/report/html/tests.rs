use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::report::fixture::{self, assert_harmless};
use crate::report::{Event, EventKind, Timeline};

#[test]
fn the_report() {
    let text = write(&fixture::report(), Options::default());
    let body = text.split_once("<header>").unwrap().1;
    insta::assert_snapshot!(body.replace(env!("CARGO_PKG_VERSION"), "0.0.0"));
}

#[test]
fn nothing_found() {
    let text = write(&fixture::empty(), Options::default());
    assert!(text.contains("Nothing was found."), "{text}");
    assert_page(&text);
}

/// The tags of a page, each as it stands there, and the texts between them.
fn parts(page: &str) -> (Vec<&str>, Vec<&str>) {
    let mut tags = Vec::new();
    let mut texts = Vec::new();
    let mut rest = page;
    while let Some((text, after)) = rest.split_once('<') {
        texts.push(text);
        let end = after.find('>').expect("a tag ends");
        tags.push(&after[..end]);
        rest = &after[end + 1..];
    }
    texts.push(rest);
    (tags, texts)
}

const VOID: [&str; 3] = ["!DOCTYPE", "meta", "!doctype"];

/// A page of ours: its tags are closed in order, nothing in it is run or loaded, and no text holds
/// what would be read as something else.
fn assert_page(page: &str) {
    assert_harmless(page);
    let (tags, texts) = parts(page);
    let mut open = Vec::new();
    for tag in tags {
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{page}");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        assert!(!["script", "img", "link", "iframe", "object", "base", "form"].contains(&name));
        let attributes = tag.split('"').step_by(2).collect::<String>();
        for wrong in [" on", " src", " style"] {
            assert!(!attributes.contains(wrong), "{tag}");
        }
        if let Some((_, target)) = tag.split_once("href=\"") {
            assert!(target.starts_with('#'), "{tag}");
        }
        if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, [""; 0]);
    for text in texts {
        assert!(!text.contains('>') || text.contains("details > :last-child"), "{text}");
    }
}

#[test]
fn the_policy_allows_the_style_and_nothing_else() {
    let text = write(&fixture::report(), Options::default());
    let style = text.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let digest = STANDARD.encode(Sha256::digest(style));
    assert!(text.contains(&format!("default-src 'none'; style-src 'sha256-{digest}';")), "{text}");
    assert!(!style.contains("url(") && !style.contains("@import"));
    assert_page(&text);
}

#[test]
fn hostile_texts_stay_texts() {
    let options = Options { all: true, ..Options::default() };
    let text = write(&fixture::report_of(fixture::HOSTILE), options);
    assert_page(&text);
    assert!(text.contains("&#60;script&#62;alert(1)"), "{text}");
    assert!(text.contains("\\u{202e}txt.exe"), "{text}");
}

#[test]
fn links_lead_somewhere() {
    let text = write(&fixture::report(), Options { all: true, ..Options::default() });
    for target in text.split("href=\"#").skip(1) {
        let id = target.split_once('"').unwrap().0;
        assert!(text.contains(&format!("id=\"{id}\"")), "{id}");
    }
    for ids in text.split("aria-labelledby=\"").skip(1) {
        for id in ids.split_once('"').unwrap().0.split(' ') {
            assert!(text.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }
}

#[test]
fn only_projects_that_are_shown_have_a_picture() {
    let pictures = |options| write(&fixture::report(), options).matches("<section").count();
    assert_eq!(pictures(Options::default()), 2);
    assert_eq!(pictures(Options { least: Severity::High, ..Options::default() }), 1);
}

#[test]
fn a_picture_stays_small() {
    let event = |hour: i64| Event {
        at: Timestamp::from_second(1_300_000_000 + hour * 3600).unwrap(),
        kind: EventKind::OfficialUpload,
        label: format!("1.{hour}"),
    };
    let timeline =
        Timeline { project: fixture::name("kettle"), events: (0..100_000).map(event).collect() };
    let picture = Picture::of(&timeline, "2026-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(picture.lanes.len(), 1);
    let marks = &picture.lanes[0].marks;
    assert!((100..=241).contains(&marks.len()), "{}", marks.len());
    assert!(marks[0].title.contains(" more (uploaded, in the records)"), "{}", marks[0].title);
    assert_eq!(picture.caption, ["100000 official uploads, 2011-03-13 to 2022-08-08"]);
    let years: Vec<&str> = picture.years.iter().map(|year| year.text.as_str()).collect();
    assert_eq!(years, ["2012", "2014", "2016", "2018", "2020", "2022", "2024", "2026"]);
}

#[test]
fn times_at_the_ends_of_the_calendar_are_drawn() {
    let event = |at| Event { at, kind: EventKind::RoleChange, label: "x".to_owned() };
    let events = vec![event(Timestamp::MIN), event(Timestamp::MAX)];
    let timeline = Timeline { project: fixture::name("kettle"), events };
    let picture = Picture::of(&timeline, Timestamp::UNIX_EPOCH);
    assert!(picture.years.len() <= 9);
    let places: Vec<&str> = picture.lanes[0].marks.iter().map(|mark| mark.x.as_str()).collect();
    assert_eq!(places, ["2.50%", "97.50%"]);
}

proptest! {
    #[test]
    fn any_text_stays_a_text(text in fixture::any_text()) {
        let options = Options { all: true, ..Options::default() };
        let page = write(&fixture::report_of(&text), options);
        assert_page(&page);
        let usual = write(&fixture::report_of("text"), options);
        let tags = |page: &str| {
            let (tags, _) = parts(page);
            tags.iter().filter(|tag| !tag.starts_with("code") && **tag != "/code").count()
        };
        if !text.is_empty() {
            prop_assert_eq!(tags(&page), tags(&usual));
        }
    }
}
