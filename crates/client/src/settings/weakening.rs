//! Settings of other tools that would weaken a check.
//!
//! On the command line and in a requirements file they are refused by name; in somebody's
//! configuration or environment they are ignored, and said.

/// One such setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weakening {
    /// The long option, without dashes.
    pub option: &'static str,
    /// What it would do.
    pub effect: &'static str,
    /// Whether it is refused on the command line too; one that is not is an option of ours, whose
    /// effect has to be asked for each time.
    pub refused_on_command_line: bool,
    when: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    True,
    False,
    StartsWith(&'static str),
}

const fn refused(option: &'static str, when: When, effect: &'static str) -> Weakening {
    Weakening { option, effect, refused_on_command_line: true, when }
}

const UNCHECKED_HOST: &str = "the server's certificate would not be checked";
const UNCHECKED_DIGEST: &str = "files would be installed whose digests nobody compared";

/// All of them.
pub const WEAKENINGS: &[Weakening] = &[
    refused("trusted-host", When::Always, UNCHECKED_HOST),
    refused("allow-insecure-host", When::Always, UNCHECKED_HOST),
    refused("insecure-host", When::Always, UNCHECKED_HOST),
    refused("require-hashes", When::False, UNCHECKED_DIGEST),
    refused("no-require-hashes", When::True, UNCHECKED_DIGEST),
    refused("verify-hashes", When::False, UNCHECKED_DIGEST),
    refused("no-verify-hashes", When::True, UNCHECKED_DIGEST),
    refused("allow-unverified", When::Always, UNCHECKED_DIGEST),
    refused(
        "index-strategy",
        When::StartsWith("unsafe-"),
        "a later index could replace the packages of an earlier one",
    ),
    refused(
        "insecure-no-zip-validation",
        When::True,
        "archives that different tools read differently would be accepted",
    ),
    refused(
        "skip-wheel-filename-check",
        When::True,
        "a wheel could be another project than its name says",
    ),
    refused(
        "ignore-requires-python",
        When::True,
        "packages would be installed that say they do not work here",
    ),
    Weakening {
        option: "no-deps",
        effect: "dependencies that the file does not list would be missing",
        refused_on_command_line: false,
        when: When::True,
    },
    Weakening {
        option: "no-dependencies",
        effect: "dependencies that the file does not list would be missing",
        refused_on_command_line: false,
        when: When::True,
    },
];

/// Whether an option (long, without dashes) with this value would weaken a check. Without a value
/// it is a switch that is on.
#[must_use]
pub fn weakening(option: &str, value: Option<&str>) -> Option<&'static Weakening> {
    let value = value.unwrap_or("true").trim();
    WEAKENINGS.iter().find(|one| {
        one.option == option
            && !value.is_empty()
            && match one.when {
                When::Always => true,
                // What is neither is taken as the weaker of the two: it is not used either way.
                When::True => parse_switch(value) != Some(false),
                When::False => parse_switch(value) != Some(true),
                When::StartsWith(beginning) => value.starts_with(beginning),
            }
    })
}

/// pip's and uv's words for yes and no.
pub(super) fn parse_switch(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "y" | "yes" | "t" | "true" | "on" | "1" => Some(true),
        "n" | "no" | "f" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_weakens() {
        let check = |option: &str, value: Option<&str>, expect: bool| {
            assert_eq!(weakening(option, value).is_some(), expect, "{option} {value:?}");
        };
        check("trusted-host", Some("x.example"), true);
        check("trusted-host", Some(""), false);
        check("trusted-host", None, true);
        check("require-hashes", Some("no"), true);
        check("require-hashes", Some("0"), true);
        check("require-hashes", Some("yes"), false);
        check("require-hashes", None, false);
        check("no-verify-hashes", Some("1"), true);
        check("no-verify-hashes", Some("false"), false);
        check("verify-hashes", Some("false"), true);
        check("index-strategy", Some("unsafe-best-match"), true);
        check("index-strategy", Some("first-index"), false);
        check("no-deps", Some("true"), true);
        check("index-url", Some("x"), false);
    }
}
