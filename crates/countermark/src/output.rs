//! How things are said: problems with their places, notes, colours. Reports go to standard output,
//! all else to standard error.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::OnceLock;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};
use countermark_client::report::{Note, Problem};
use countermark_packaging::lock::Place;
use countermark_trust::Class;

use crate::cli::{ColorChoice, OutputArgs};

/// Larger files are not shown, only named.
const MAX_SHOWN_FILE: u64 = 16 << 20;

const ERROR: Style = AnsiColor::BrightRed.on_default().bold();
const NOTE: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
/// For what went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();

/// Makes `--color` known to the writers of standard output and error.
pub(crate) fn set_up(arguments: &OutputArgs) {
    match arguments.color {
        ColorChoice::Auto => {}
        ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
    }
}

/// A line on standard error. Losing it is no reason to stop.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// A line on standard output. What is lost there is told at the end, see [`lost`].
pub(crate) fn print(line: &str) {
    let mut output = anstream::stdout().lock();
    if let Err(error) = writeln!(output, "{line}").and_then(|()| output.flush())
        // Whoever read it had enough, as `head` does.
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error.to_string());
    }
}

/// Why something that was printed did not arrive, such as a full disk; a run that lost its report has
/// not succeeded.
pub(crate) fn lost() -> Option<Problem> {
    let reason = LOST.get()?;
    let message = format!("cannot write to standard output: {reason}");
    Some(Problem::new("unwritable", Class::Unavailable, message))
}

static LOST: OnceLock<String> = OnceLock::new();

/// A text that may come from an index, a wheel or a file name, without what would move the cursor,
/// hide text or turn it around on a terminal.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    let acts = |c: char| c != '\n' && countermark_audit::report::acts(c);
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Shows a note.
pub(crate) fn show_note(note: &Note) {
    say(&format!("{NOTE}note[{}]{NOTE:#}: {}", note.code, visible(&note.message)));
    if let Some(hint) = &note.hint {
        say(&format!("{HINT}hint{HINT:#}: {}", visible(hint)));
    }
}

/// Shows all problems, and gives the exit code that they make together.
pub(crate) fn show_problems(problems: &[Problem]) -> u8 {
    let mut texts = BTreeMap::new();
    for problem in problems {
        show_problem(problem, &mut texts);
    }
    let class = problems.iter().map(|problem| problem.class).reduce(Class::worst);
    class.map_or(0, Class::exit_code)
}

fn show_problem(problem: &Problem, texts: &mut BTreeMap<String, Option<String>>) {
    say(&format!("{ERROR}error[{}]{ERROR:#}: {}", problem.code, visible(&problem.message)));
    for detail in &problem.details {
        say(&format!("  {}", visible(detail)));
    }
    if let Some(place) = &problem.place {
        let text = texts.entry(place.file.clone()).or_insert_with(|| read_shown(&place.file));
        show_place(place, text.as_deref());
    }
    if let Some(hint) = &problem.hint {
        say(&format!("{HINT}hint{HINT:#}: {}", visible(hint)));
    }
}

fn read_shown(file: &str) -> Option<String> {
    let path = Path::new(file);
    let size = path.metadata().ok().filter(fs::Metadata::is_file)?.len();
    if size > MAX_SHOWN_FILE {
        return None;
    }
    fs::read_to_string(path).ok()
}

fn show_place(place: &Place, text: Option<&str>) {
    let shown = text.and_then(|text| mark(place, text));
    let unmarked = || format!("  --> {}:{}:{}", masked(&place.file), place.line, place.column);
    say(&shown.unwrap_or_else(unmarked));
}

/// The lines of a place, with the place marked; `None` when the text is not the one that was read.
fn mark(place: &Place, text: &str) -> Option<String> {
    text.get(place.span.clone())?;
    let masked_text = masked(text);
    // Where a letter of several bytes was masked, the span still is one of whole letters: letters
    // became that many stars.
    let annotation = AnnotationKind::Primary.span(place.span.clone());
    let path = masked(&place.file);
    let snippet = Snippet::source(&*masked_text).path(&*path).annotation(annotation);
    let group = Group::with_level(Level::ERROR).element(snippet);
    Some(Renderer::styled().render(&[group]))
}

/// A text in which stars stand for the user and password of each URL, as many as there were bytes,
/// so that places in the text stay where they are. Names of variables (`${TOKEN}`) are no secrets.
fn masked(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("://").map(|position| position + "://".len()) {
        let (before, url) = rest.split_at(start);
        let (userinfo, after) = url.split_at(userinfo_length(url));
        shown.push_str(before);
        push_masked(&mut shown, userinfo);
        rest = after;
    }
    if shown.is_empty() {
        return Cow::Borrowed(text);
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// The bytes before the `@` that ends the userinfo of what follows `://`; 0 without one.
fn userinfo_length(url: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
    let url = &url[..url.find(ends).unwrap_or(url.len())];
    let authority = &url[..url.find(['/', '?', '#', '\\']).unwrap_or(url.len())];
    if let Some(at) = authority.rfind('@') {
        return at;
    }
    // What is no port is a password in which `/`, `?` or `#` should have been quoted.
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    let is_port = authority.ends_with(']') || port.bytes().all(|byte| byte.is_ascii_digit());
    if is_port { 0 } else { url.rfind('@').unwrap_or(0) }
}

fn push_masked(shown: &mut String, secret: &str) {
    let mut rest = secret;
    while !rest.is_empty() {
        let name = rest.strip_prefix("${").and_then(|name| name.split_once('}')).map(|it| it.0);
        let is_name = |name: &&str| {
            name.bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if let Some(name) = name.filter(is_name) {
            let (variable, after) = rest.split_at("${}".len() + name.len());
            shown.push_str(variable);
            rest = after;
        } else {
            let letter = rest.chars().next().map_or(1, char::len_utf8);
            shown.push_str(&"*".repeat(letter));
            rest = &rest[letter..];
        }
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes for people, in powers of ten.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// `1 package`, `2 packages`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number as u64), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_and_marked() {
        let text = "# a comment\nflask==3.1.3\n";
        let place = |span| Place { file: "r.txt".into(), line: 2, column: 1, span };
        let marked = mark(&place(12..24), text).expect("a place");
        let plain = anstream::adapter::strip_str(&marked).to_string();
        assert_eq!(plain, " --> r.txt:2:1\n  |\n2 | flask==3.1.3\n  | ^^^^^^^^^^^^");
        // The file was changed since, or is another one.
        assert_eq!(mark(&place(12..200), text), None);
        assert_eq!(mark(&place(1..2), "é"), None);
    }

    #[test]
    fn secrets_in_urls_are_masked() {
        for (text, expect) in [
            ("flask==3.1.3", "flask==3.1.3"),
            ("-i https://index.example/simple", "-i https://index.example/simple"),
            ("-i https://a:bc@index.example/s\n", "-i https://****@index.example/s\n"),
            ("x @ git+ssh://git@host/x@v1", "x @ git+ssh://***@host/x@v1"),
            ("https://a:b@c@host/", "https://*****@host/"),
            ("https://:secret@host", "https://*******@host"),
            ("https://é:b@host", "https://****@host"),
            ("https://${USER}:x${TOKEN}@host", "https://${USER}**${TOKEN}@host"),
            ("https://${a b", "https://${a b"),
            // Neither a host nor a port.
            ("https://a:b/c@host/x", "https://*****@host/x"),
            ("https://a:b#c?d@host/x", "https://*******@host/x"),
            // No userinfo.
            ("https://host:80/a@b", "https://host:80/a@b"),
            ("https://[::1]/a@b", "https://[::1]/a@b"),
            ("https://host/a?b=c@d", "https://host/a?b=c@d"),
            ("https://host a@b", "https://host a@b"),
            ("https://a:b@x 'http://c:d@y' <z://e@w>", "https://***@x 'http://***@y' <z://*@w>"),
            ("://", "://"),
            ("https://a:b@", "https://***@"),
        ] {
            assert_eq!(masked(text), expect);
            assert_eq!(masked(text).len(), text.len());
        }
    }

    #[test]
    fn marks_stay_below_what_they_mark() {
        let text = "--index-url https://user:password@host/simple --bad\n";
        let start = text.find("--bad").expect("it is there");
        let span = start..start + 5;
        let place = Place { file: "r.txt".into(), line: 1, column: 1, span };
        let marked = mark(&place, text).expect("a place");
        let plain = anstream::adapter::strip_str(&marked).to_string();
        let stars = "*".repeat("user:password".len());
        assert!(plain.contains(&format!("1 | --index-url https://{stars}@host/simple --bad\n")));
        let column = |needle| plain.lines().find_map(|line: &str| line.find(needle));
        assert_eq!(column("--bad"), column("^^^^^"));
        assert!(!plain.contains("password"));
    }

    #[test]
    fn what_acts_on_a_terminal_is_made_visible() {
        for (text, expect) in [
            ("a", "a"),
            ("é\nb", "é\nb"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\rb\tc", "a\\rb\\tc"),
            ("a\u{9b}1mb", "a\\u{9b}1mb"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!(visible(text), expect);
        }
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(
            [0, 999, 1000, 23_264, 1_234_567].map(grouped),
            ["0", "999", "1,000", "23,264", "1,234,567"]
        );
        assert_eq!([0, 999, 1000, 464_000_000].map(size), ["0 B", "999 B", "1.0 kB", "464.0 MB"]);
        assert_eq!(count(1, "package", "packages"), "1 package");
        assert_eq!(count(2, "package", "packages"), "2 packages");
    }
}
