//! The growth of the log as a picture: one path, no script, in the colours of the page.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::view::day;

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 160.0;

/// The picture of how many entries there were when, and the same in words.
///
/// `points` are in the order of time.
pub(super) fn growth(points: &[(Timestamp, u64)]) -> (String, String) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return (String::new(), "There is nothing to draw yet.".to_owned());
    };
    let words =
        format!("From {} entries on {} to {} on {}.", first.1, day(first.0), last.1, day(last.0));
    let start = first.0.as_second();
    // One point alone is drawn as a level line.
    let span = (last.0.as_second() - start).max(1);
    let top = last.1.max(1);
    let mut line = String::new();
    for (time, size) in points {
        let x = ratio(time.as_second() - start, span) * WIDTH;
        let y = HEIGHT - share(*size, top) * (HEIGHT - 10.0);
        let command = if line.is_empty() { 'M' } else { 'L' };
        // Writing into a text cannot fail.
        let _ = write!(line, "{command}{x:.1} {y:.1}");
    }
    if points.len() == 1 {
        let _ = write!(line, "L{WIDTH:.1} 10.0");
    }
    let svg = format!(
        "<svg class=\"growth\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{words}\" preserveAspectRatio=\"none\">\
         <path class=\"area\" d=\"{line}L{WIDTH:.1} {HEIGHT:.1}L0.0 {HEIGHT:.1}Z\"/>\
         <path class=\"line\" d=\"{line}\"/>\
         <path class=\"axis\" d=\"M0 {HEIGHT}H{WIDTH}\"/></svg>"
    );
    (svg, words)
}

#[expect(clippy::cast_precision_loss, reason = "a picture of 600 points")]
fn ratio(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

#[expect(clippy::cast_precision_loss, reason = "a picture of 160 points")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn nothing_gives_no_picture() {
        assert_eq!(growth(&[]).0, "");
    }

    #[test]
    fn the_line_goes_from_the_left_to_the_upper_right() {
        let (svg, words) = growth(&[(at(0), 0), (at(86_400), 50), (at(172_800), 100)]);
        assert!(svg.contains("M0.0 160.0L300.0 85.0L600.0 10.0"), "{svg}");
        assert_eq!(words, "From 0 entries on 1970-01-01 to 100 on 1970-01-03.");
    }

    #[test]
    fn one_point_is_a_level_line() {
        let (svg, _) = growth(&[(at(0), 7)]);
        assert!(svg.contains("M0.0 10.0L600.0 10.0"), "{svg}");
    }
}
