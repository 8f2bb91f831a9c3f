//! What a reviewer says of a file, and what that implies.
//!
//! A criterion implies another one only where its definition says so: nothing is guessed from names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The name of a criterion: lower case letters, digits and single hyphens, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CriterionName(Box<str>);

/// Runs on one's own machine or in a test without harm. Built in; implies nothing.
pub const SAFE_TO_RUN: &str = "safe-to-run";

/// May go where users and their data are. Built in; implies [`SAFE_TO_RUN`].
pub const SAFE_TO_DEPLOY: &str = "safe-to-deploy";

/// Why a text is no name of a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a criterion has a name of lower case letters, digits and single hyphens, at most 64 bytes"
)]
pub struct NameError;

impl CriterionName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`NameError`], when it is none.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_word = |word: &str| {
            let mut bytes = word.bytes();
            !word.is_empty() && bytes.all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
        };
        if text.len() > 64 || !text.split('-').all(is_word) {
            return Err(NameError);
        }
        Ok(Self(text.into()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CriterionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// The criteria of one ledger: the built-in ones and its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criteria {
    /// For each criterion everything that it implies, itself too.
    closure: BTreeMap<CriterionName, BTreeSet<CriterionName>>,
}

impl Criteria {
    /// From what each own criterion implies directly; the built-in ones are added. Implications may
    /// lead in a circle: criteria on it imply each other.
    ///
    /// # Errors
    /// The first name that is used and not defined.
    pub fn new(own: &BTreeMap<CriterionName, Vec<CriterionName>>) -> Result<Self, CriterionName> {
        let [run, deploy] = [SAFE_TO_RUN, SAFE_TO_DEPLOY].map(|name| CriterionName(name.into()));
        let mut direct = own.clone();
        direct.entry(run.clone()).or_default();
        direct.entry(deploy).or_default().push(run);
        let mut closure = BTreeMap::new();
        for name in direct.keys() {
            let (mut found, mut open) = (BTreeSet::new(), vec![name.clone()]);
            while let Some(next) = open.pop() {
                let implied = direct.get(&next).ok_or_else(|| next.clone())?;
                open.extend(implied.iter().filter(|it| !found.contains(*it)).cloned());
                found.insert(next);
            }
            closure.insert(name.clone(), found);
        }
        Ok(Self { closure })
    }

    /// Whether there is a criterion of this name.
    #[must_use]
    pub fn has(&self, name: &CriterionName) -> bool {
        self.closure.contains_key(name)
    }

    /// Everything that a criterion implies, itself too; nothing of an unknown one.
    pub fn implied(&self, name: &CriterionName) -> impl Iterator<Item = &CriterionName> {
        self.closure.get(name).into_iter().flatten()
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &CriterionName> {
        self.closure.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> CriterionName {
        CriterionName::parse(text).unwrap()
    }

    #[test]
    fn names_are_words_with_hyphens() {
        for good in ["safe-to-run", "a", "fips-140"] {
            assert_eq!(name(good).as_str(), good);
        }
        for bad in ["", "Safe", "a--b", "-a", "a_b", "a b", &"a".repeat(65)] {
            assert_eq!(CriterionName::parse(bad), Err(NameError), "{bad}");
        }
    }

    #[test]
    fn deploy_implies_run_and_not_the_other_way() {
        let criteria = Criteria::new(&BTreeMap::new()).unwrap();
        let implied: Vec<_> = criteria.implied(&name(SAFE_TO_DEPLOY)).collect();
        assert_eq!(implied, [&name(SAFE_TO_DEPLOY), &name(SAFE_TO_RUN)]);
        assert_eq!(criteria.implied(&name(SAFE_TO_RUN)).count(), 1);
    }

    #[test]
    fn circles_end_and_unknown_names_are_told() {
        let own = BTreeMap::from([(name("a"), vec![name("b")]), (name("b"), vec![name("a")])]);
        let criteria = Criteria::new(&own).unwrap();
        assert_eq!(criteria.implied(&name("a")).count(), 2);
        let own = BTreeMap::from([(name("a"), vec![name("nowhere")])]);
        assert_eq!(Criteria::new(&own), Err(name("nowhere")));
    }
}
