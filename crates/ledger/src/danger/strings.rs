//! What texts hold, in programs and beside them: encoded data, places of secrets, and characters that make
//! a text look like another one.

use countermark_report::harmless::acts;

use super::{Found, Kind, Severity};

/// Characters of an encoding without a break.
const LONG_RUN: usize = 160;
/// The same for what looks like no encoding in particular.
const LONGEST_RUN: usize = 400;
/// Lines with hidden characters that are told.
const MAX_LINES: usize = 20;

/// Places where secrets lie, and where what is written runs later; in lower case, with `/`.
const PLACES: [(&str, &str); 43] = [
    (".ssh", "keys of SSH"),
    ("id_rsa", "keys of SSH"),
    ("id_ed25519", "keys of SSH"),
    ("authorized_keys", "who may log in"),
    (".aws", "credentials of a cloud"),
    (".azure", "credentials of a cloud"),
    (".config/gcloud", "credentials of a cloud"),
    ("application_default_credentials", "credentials of a cloud"),
    (".kube/config", "credentials of a cluster"),
    ("/var/run/secrets", "credentials of a cluster"),
    (".docker/config.json", "credentials of a registry"),
    ("docker.sock", "the service that runs containers"),
    (".pypirc", "tokens of the index"),
    (".netrc", "passwords"),
    (".npmrc", "tokens of a registry"),
    (".git-credentials", "passwords of git"),
    (".gitconfig", "settings of git"),
    (".gnupg", "keys of OpenPGP"),
    (".password-store", "passwords"),
    ("/etc/passwd", "accounts"),
    ("/etc/shadow", "passwords"),
    ("/etc/sudoers", "who may do what"),
    ("/proc/self/environ", "all variables of the environment"),
    ("/proc/self/mem", "memory"),
    (".bash_history", "what was typed"),
    (".zsh_history", "what was typed"),
    (".bashrc", "what a shell runs at its start"),
    (".zshrc", "what a shell runs at its start"),
    (".bash_profile", "what a shell runs at its start"),
    (".profile", "what a shell runs at its start"),
    ("/etc/cron", "what runs on a schedule"),
    ("crontab", "what runs on a schedule"),
    (".config/autostart", "what runs at login"),
    ("launchagents", "what runs at login"),
    ("systemd/user", "what runs at login"),
    ("currentversion/run", "what runs at login"),
    ("start menu/programs/startup", "what runs at login"),
    ("login data", "passwords of a browser"),
    ("cookies.sqlite", "cookies of a browser"),
    ("local storage/leveldb", "secrets of a browser or an app"),
    ("wallet.dat", "a wallet"),
    ("169.254.169.254", "the credentials of a machine in a cloud"),
    ("metadata.google.internal", "the credentials of a machine in a cloud"),
];

/// Files that run at every start of Python.
const STARTERS: [&str; 3] = ["sitecustomize", "usercustomize", ".pth"];

/// Whether the name of a variable says that it is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "CREDENTIAL",
        "API_KEY",
        "APIKEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
        "_PASS",
    ]
    .iter()
    .any(|word| upper.contains(word))
}

/// Places in a literal.
pub(super) fn secrets(text: &str, line: usize, found: &mut Found) {
    // A page of text is no path.
    if text.len() > 4096 {
        return;
    }
    let lower = text.to_ascii_lowercase().replace("\\\\", "/").replace('\\', "/");
    if let Some((place, what)) = PLACES.iter().find(|(place, _)| has_part(&lower, place)) {
        found.add(line, Severity::Look, Kind::Secrets, format!("`{place}`: {what}"));
    }
    if let Some(name) = STARTERS.iter().find(|name| names_file(&lower, name)) {
        found.add(
            line,
            Severity::Look,
            Kind::Startup,
            format!("`{name}`: what runs at every start of Python"),
        );
    }
    if lower.split("://").skip(1).any(is_address) {
        found.add(line, Severity::Look, Kind::Network, "the address of a machine by its number");
    }
}

/// A place as a part of a path, and not as a part of a word.
fn has_part(text: &str, place: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(place).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + place.len()..].chars().next();
        // What begins with a dot or a slash may follow anything but a word: `x.profile` is none.
        let is_start = before.is_none_or(|c| !is_word(c));
        let is_stop = place.ends_with("cron") || after.is_none_or(|c| !is_word(c));
        is_start && is_stop
    })
}

fn names_file(text: &str, name: &str) -> bool {
    match name {
        ".pth" => {
            text.len() < 300 && (text == ".pth" || text.ends_with(".pth") && !text.contains(' '))
        }
        name => has_part(text, name),
    }
}

/// `192.0.2.1/…`, but not this machine.
fn is_address(rest: &str) -> bool {
    let host = rest.split(['/', ':', '?', '#', '"', '\'', ' ']).next().unwrap_or_default();
    host.parse::<std::net::Ipv4Addr>()
        .is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
}

/// Whether a literal is data that nobody can read.
pub(super) fn encoded(text: &str) -> Option<String> {
    if text.len() < LONG_RUN {
        return None;
    }
    // Base64 may be wrapped, so the ends of lines do not count.
    let run = text
        .split(|c: char| !is_encoding(c) && !matches!(c, '\n' | '\r'))
        .map(|run| run.trim_matches(['\n', '\r']))
        .filter(|run| run.bytes().filter(|byte| !byte.is_ascii_whitespace()).count() >= LONG_RUN)
        .find(|run| is_data(run));
    let dense = || {
        let run = text.split_ascii_whitespace().max_by_key(|run| run.len())?;
        (run.len() >= LONGEST_RUN && is_dense(run)).then_some(run)
    };
    let run = run.or_else(dense)?;
    Some(format!("{} characters of encoded data", run.chars().count()))
}

fn is_encoding(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_')
}

/// Letters of both kinds and digits, mixed; or hexadecimal digits alone.
fn is_data(run: &str) -> bool {
    let bytes = || run.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let count = |test: fn(&u8) -> bool| bytes().filter(test).count();
    let (upper, lower, digits) =
        (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase), count(u8::is_ascii_digit));
    let total = bytes().count();
    // Lines of words that a long text is made of have few digits and hardly a capital.
    let is_mixed = upper * 10 >= total && lower * 10 >= total && digits * 40 >= total;
    let is_hex =
        bytes().all(|byte| byte.is_ascii_hexdigit()) && digits * 5 >= total && digits < total;
    // Base32 has capitals and six digits.
    let is_base32 = lower == 0 && digits * 10 >= total && upper * 4 >= total;
    // A line of the same few characters is a ruler.
    let mut seen = [false; 256];
    bytes().for_each(|byte| seen[usize::from(byte)] = true);
    let kinds = seen.iter().filter(|seen| **seen).count();
    (is_mixed || is_hex || is_base32) && kinds >= 10
}

/// Base85 and its kind: no blanks, all sorts of signs.
fn is_dense(run: &str) -> bool {
    let mut seen = [false; 256];
    run.bytes().for_each(|byte| seen[usize::from(byte)] = true);
    seen.iter().filter(|seen| **seen).count() >= 50
}

/// Characters that act instead of being seen.
pub(super) fn hidden(text: &str, is_program: bool, found: &mut Found) {
    if text.is_ascii() {
        return;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut told = 0;
    for (index, line) in text.split('\n').enumerate() {
        let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let unseen = |c: char| acts(c) && !c.is_control();
        let (what, severity) = if line.contains(turns) {
            ("the direction of writing is turned", Severity::First)
        } else if line.contains(unseen) {
            ("characters that nobody sees", Severity::First)
        } else {
            continue;
        };
        // Texts in other scripts need such characters; programs do not.
        let severity = if is_program { severity } else { Severity::Note };
        found.add(index + 1, severity, Kind::Hidden, what);
        told += 1;
        if told == MAX_LINES {
            return;
        }
    }
}
