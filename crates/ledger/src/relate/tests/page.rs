//! The page with the rule has every code of it, and no other.

use super::super::*;

const PAGE: &str = include_str!("../../../../../docs/vet-relate.md");

#[test]
fn every_permitted_difference_is_an_item_of_the_page() {
    let items: Vec<&str> = PAGE
        .lines()
        .filter_map(|line| {
            let (number, rest) = line.split_once(". `")?;
            number.bytes().all(|byte| byte.is_ascii_digit()).then(|| rest.split_once('`'))?
        })
        .map(|(code, _)| code)
        .collect();
    assert_eq!(items, Permit::ALL.map(Permit::code));
}

#[test]
fn every_reason_is_a_row_of_the_page() {
    let rows: Vec<&str> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(code, _)| code)
        .filter(|code| {
            !code.contains([' ', '-']) || Reason::ALL.iter().any(|it| it.code() == *code)
        })
        .collect();
    assert_eq!(rows, Reason::ALL.map(Reason::code));
}
