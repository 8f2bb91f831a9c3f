//! The differences that are meant.

use countermark_packaging::name::ProjectName;
use serde_json::Value;

/// The exceptions that are in force, each with the number of differences that it covered.
pub(crate) struct Exceptions(Vec<(Exception, usize)>);

struct Exception {
    name: String,
    /// Whether this exception explains a difference: the case, and what we answered.
    covers: fn(&Value, &Value) -> bool,
}

impl Exceptions {
    /// Reads the list: lines `name: reason`, where the name is one that is known here. Lines that
    /// begin with `#` are comments.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut exceptions = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, reason) = line.split_once(": ").unwrap_or((line, ""));
            if reason.trim().is_empty() {
                return Err(format!("exception `{name}` has no reason"));
            }
            let covers = look_up(name).ok_or_else(|| format!("unknown exception `{name}`"))?;
            exceptions.push((Exception { name: name.to_owned(), covers }, 0));
        }
        Ok(Self(exceptions))
    }

    /// Whether an exception explains this difference. The first one counts it.
    pub(crate) fn covers(&mut self, case: &Value, found: &Value) -> bool {
        let explaining = self.0.iter_mut().find(|(exception, _)| (exception.covers)(case, found));
        explaining.map(|(_, count)| *count += 1).is_some()
    }

    pub(crate) fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(exception, count)| (exception.name.as_str(), *count))
    }

    pub(crate) fn unused(&self) -> Vec<&str> {
        self.counts().filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
    }
}

fn look_up(name: &str) -> Option<fn(&Value, &Value) -> bool> {
    Some(match name {
        "invalid-name" => |case, found| {
            let expect = &case["expect"];
            let extras = expect["extras"].as_array().map(Vec::as_slice).unwrap_or_default();
            let mut names = extras.iter().chain([&expect["name"]]).filter_map(Value::as_str);
            found.is_null() && names.any(|name| ProjectName::parse(name).is_err())
        },
        "backslash-in-literal" => {
            |case, found| (found.is_null() || found == "invalid") && input(case).contains('\\')
        }
        "comma-after-arbitrary" => |case, found| {
            case["kind"] == "requirement"
                && case["expect"].is_null()
                && !found.is_null()
                && input(case).split("===").skip(1).any(|rest| rest.contains(','))
        },
        "empty-arbitrary" => |case, found| {
            let expect = &case["expect"];
            let clauses = expect.as_array().or_else(|| expect["specifiers"].as_array());
            found.is_null() && clauses.is_some_and(|clauses| clauses.iter().any(|c| c == "==="))
        },
        "space-in-file-name" => |case, found| {
            let file_name = case["kind"] == "wheel" || case["kind"] == "sdist";
            file_name && found.is_null() && input(case).contains(char::is_whitespace)
        },
        "character-in-tag" => |case, found| {
            let stem = input(case).trim_end_matches(".whl");
            // The three tags and, where there are six parts, the build number.
            let count = if stem.matches('-').count() == 5 { 4 } else { 3 };
            let allowed = |at: usize, c: char| {
                c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || (at == 3 && c == '+')
            };
            let mut parts = stem.rsplitn(5, '-').take(count).enumerate();
            let strange = parts.any(|(at, part)| !part.chars().all(|c| allowed(at, c)));
            case["kind"] == "wheel" && found.is_null() && strange
        },
        "large-number" => |case, found| {
            let digits = input(case).split(|c: char| !c.is_ascii_digit());
            found.is_null()
                && digits
                    .into_iter()
                    .any(|digits| digits.parse::<u128>().is_ok_and(|n| n > u128::from(u64::MAX)))
        },
        "tab-before-option" => |case, _| case["kind"] == "file" && input(case).contains("\t--"),
        _ => return None,
    })
}

fn input(case: &Value) -> &str {
    case["input"].as_str().unwrap_or_default()
}
