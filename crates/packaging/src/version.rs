//! Versions and version specifiers (PEP 440).
//!
//! Versions are those of `pep440_rs`. Specifiers are ours: `pep440_rs` 0.7 lets `==1.1.*` match
//! version 1, cannot hold `===` with anything but a version, and treats `1.0.post1` differently
//! from the `packaging` library under `>` and `<`; here `packaging` is followed.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/version-specifiers/>

use std::fmt;
use std::str::FromStr;

pub use pep440_rs::{Operator, Version};

use crate::syntax::{Cursor, SyntaxError};

/// Why a text is no specifier; the span is in bytes of that text.
pub type SpecifierError = SyntaxError;

/// One clause such as `>=1.0` or `==2.*`.
///
/// Equality is that of the normalised text: `==1.0` and `==1.0.0` are different clauses that match
/// the same versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionSpecifier {
    operator: Operator,
    /// Without the star. `None` only for `===` with a text that is no version.
    version: Option<Version>,
    /// What follows the operator: normalised, or as it was given after `===`.
    text: String,
}

impl VersionSpecifier {
    /// The clause `==version`.
    #[must_use]
    pub fn equals(version: &Version) -> Self {
        let text = version.to_string();
        Self { operator: Operator::Equal, version: Some(version.clone()), text }
    }

    /// The operator; a star makes it `EqualStar` or `NotEqualStar`.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The version, without a star. `None` only for `===` with a text that is no version.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Whether the version satisfies this clause. Pre-releases are not treated apart: whether they
    /// are wanted is for the caller to decide.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        let Some(limit) = self.version.as_ref() else {
            return self.text.eq_ignore_ascii_case(&version.to_string());
        };
        match self.operator {
            Operator::ExactEqual => self.text.eq_ignore_ascii_case(&version.to_string()),
            Operator::Equal => equals(version, limit),
            Operator::NotEqual => !equals(version, limit),
            Operator::EqualStar => has_prefix(version, limit, limit.release()),
            Operator::NotEqualStar => !has_prefix(version, limit, limit.release()),
            Operator::TildeEqual => {
                let (_, prefix) = limit.release().split_last().unwrap_or((&0, &[]));
                version >= limit && has_prefix(version, limit, prefix)
            }
            Operator::GreaterThanEqual => version >= limit,
            Operator::LessThanEqual => version.clone().without_local() <= *limit,
            Operator::GreaterThan => is_above(version, limit),
            Operator::LessThan => is_below(version, limit),
        }
    }

    /// Whether a text, which need not be a version, satisfies this clause: `===` compares the
    /// texts, the other operators match nothing but versions.
    #[must_use]
    pub fn contains_text(&self, text: &str) -> bool {
        if self.operator == Operator::ExactEqual {
            return self.text.eq_ignore_ascii_case(text);
        }
        Version::from_str(text).is_ok_and(|version| self.contains(&version))
    }

    /// Takes one clause; the cursor stands on the operator.
    pub(crate) fn take(cursor: &mut Cursor<'_>) -> Result<Self, SpecifierError> {
        let start = cursor.position();
        let operator = take_operator(cursor)?;
        cursor.skip_space();
        let text_start = cursor.position();
        let text = if operator == Operator::ExactEqual {
            cursor.take_while(|c| !c.is_whitespace() && !matches!(c, ';' | ')' | ','))
        } else {
            cursor.take_while(|c| c.is_alphanumeric() || "._-+!*".contains(c))
        };
        if text.is_empty() {
            return Err(cursor.error("a version"));
        }
        Self::from_parts(operator, text)
            .map_err(|message| SyntaxError::new(message, start..text_start + text.len()))
    }

    fn from_parts(operator: Operator, text: &str) -> Result<Self, String> {
        if operator == Operator::ExactEqual {
            let version = Version::from_str(text).ok();
            return Ok(Self { operator, version, text: text.to_owned() });
        }
        let (number, star) = text.strip_suffix(".*").map_or((text, false), |n| (n, true));
        let version = Version::from_str(number)
            .map_err(|_| format!("`{text}` is no version according to PEP 440"))?;
        let operator = match (operator, star) {
            (operator, false) => operator,
            (Operator::Equal, true) => Operator::EqualStar,
            (Operator::NotEqual, true) => Operator::NotEqualStar,
            (operator, true) => return Err(format!("`{operator}` does not take a `.*`")),
        };
        if star && version.only_release().with_epoch(version.epoch()) != version {
            return Err(format!("`.*` stands only after numbers, not as in `{text}`"));
        }
        if version.is_local() && (star || !matches!(operator, Operator::Equal | Operator::NotEqual))
        {
            return Err(format!("`{operator}` does not take a local version such as `{text}`"));
        }
        if operator == Operator::TildeEqual && version.release().len() < 2 {
            return Err(format!("`~=` asks for at least two numbers, found `{text}`"));
        }
        let text = if star { format!("{version}.*") } else { version.to_string() };
        Ok(Self { operator, version: Some(version), text })
    }
}

impl FromStr for VersionSpecifier {
    type Err = SpecifierError;

    fn from_str(text: &str) -> Result<Self, SpecifierError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let specifier = Self::take(&mut cursor)?;
        cursor.skip_space();
        if cursor.at_end() { Ok(specifier) } else { Err(cursor.error("the end")) }
    }
}

impl fmt::Display for VersionSpecifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.operator, self.text)
    }
}

/// Clauses that must all hold. No clause at all matches every version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct VersionSpecifiers(Vec<VersionSpecifier>);

impl VersionSpecifiers {
    /// No clause: every version matches.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Whether there is no clause.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The clauses in the order given.
    pub fn iter(&self) -> std::slice::Iter<'_, VersionSpecifier> {
        self.0.iter()
    }

    /// Whether the version satisfies every clause; pre-releases are not treated apart.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        self.0.iter().all(|specifier| specifier.contains(version))
    }

    /// The one version that these clauses pin: that of an `==` without a star or of an `===`,
    /// provided every other clause accepts it.
    #[must_use]
    pub fn pinned(&self) -> Option<&Version> {
        let exact =
            |s: &&VersionSpecifier| matches!(s.operator, Operator::Equal | Operator::ExactEqual);
        let pins = || self.0.iter().filter(exact).filter_map(VersionSpecifier::version);
        let pin = pins().find(|version| version.is_local()).or_else(|| pins().next())?;
        self.contains(pin).then_some(pin)
    }

    /// The clauses of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let added = other.0.iter().filter(|specifier| !self.0.contains(specifier));
        Self(self.0.iter().chain(added).cloned().collect())
    }

    /// Takes clauses separated by commas up to what is no operator. A comma may stand last, as
    /// `packaging` accepts it and published metadata contains it.
    pub(crate) fn take(cursor: &mut Cursor<'_>) -> Result<Self, SpecifierError> {
        let mut specifiers = Vec::new();
        while cursor.peek().is_some_and(|c| matches!(c, '=' | '!' | '~' | '<' | '>')) {
            specifiers.push(VersionSpecifier::take(cursor)?);
            cursor.skip_space();
            if !cursor.take(",") {
                break;
            }
            cursor.skip_space();
        }
        Ok(Self(specifiers))
    }
}

impl FromStr for VersionSpecifiers {
    type Err = SpecifierError;

    /// Reads clauses separated by commas; empty ones are passed over, as in `packaging`.
    fn from_str(text: &str) -> Result<Self, SpecifierError> {
        let mut specifiers = Vec::new();
        let mut offset = 0;
        for clause in text.split(',') {
            // A field of metadata may be folded, so line ends count as white space here.
            let start = offset + clause.len() - clause.trim_start().len();
            let trimmed = clause.trim();
            if !trimmed.is_empty() {
                specifiers.push(trimmed.parse::<VersionSpecifier>().map_err(|e| e.shifted(start))?);
            }
            offset += clause.len() + 1;
        }
        Ok(Self(specifiers))
    }
}

impl From<VersionSpecifier> for VersionSpecifiers {
    fn from(specifier: VersionSpecifier) -> Self {
        Self(vec![specifier])
    }
}

impl FromIterator<VersionSpecifier> for VersionSpecifiers {
    fn from_iter<I: IntoIterator<Item = VersionSpecifier>>(specifiers: I) -> Self {
        Self(specifiers.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a VersionSpecifiers {
    type Item = &'a VersionSpecifier;
    type IntoIter = std::slice::Iter<'a, VersionSpecifier>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for VersionSpecifiers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, specifier) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(formatter, "{separator}{specifier}")?;
        }
        Ok(())
    }
}

fn take_operator(cursor: &mut Cursor<'_>) -> Result<Operator, SpecifierError> {
    const OPERATORS: [(&str, Operator); 8] = [
        ("===", Operator::ExactEqual),
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("~=", Operator::TildeEqual),
        ("<=", Operator::LessThanEqual),
        (">=", Operator::GreaterThanEqual),
        ("<", Operator::LessThan),
        (">", Operator::GreaterThan),
    ];
    OPERATORS
        .into_iter()
        .find(|(token, _)| cursor.take(token))
        .map(|(_, operator)| operator)
        .ok_or_else(|| cursor.error("one of ==, !=, <=, >=, <, >, ~=, ==="))
}

/// A local label of the candidate counts only when the clause has one.
fn equals(version: &Version, limit: &Version) -> bool {
    if limit.is_local() { version == limit } else { version.clone().without_local() == *limit }
}

/// Whether the release begins with these numbers; missing ones are zero.
fn has_prefix(version: &Version, limit: &Version, prefix: &[u64]) -> bool {
    let release = version.release();
    version.epoch() == limit.epoch()
        && prefix.iter().enumerate().all(|(i, number)| release.get(i).unwrap_or(&0) == number)
}

/// `>V` leaves out the post-releases and local versions of V, unless V is a post-release itself;
/// then what follows is the next one.
fn is_above(version: &Version, limit: &Version) -> bool {
    if let Some(dev) = limit.dev() {
        return *version >= limit.clone().with_dev(dev.checked_add(1));
    }
    if let Some(post) = limit.post() {
        return *version >= limit.clone().with_post(post.checked_add(1)).with_dev(Some(0));
    }
    version > limit
        && (version.epoch() != limit.epoch()
            || version.only_release() != limit.only_release()
            || version.pre() != limit.pre())
}

/// `<V` leaves out the pre-releases of V, unless V is one itself.
fn is_below(version: &Version, limit: &Version) -> bool {
    if limit.any_prerelease() {
        return version < limit;
    }
    *version < limit.clone().with_dev(Some(0))
}

#[cfg(test)]
mod tests;
