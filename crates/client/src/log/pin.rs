//! A pin as a log can be asked about it, and whether it may be.
//!
//! The name of a project is a secret until its owner says otherwise. It leaves this machine only when the
//! index that served the file is the public one, or one that the policy calls public, and no pattern of
//! the policy's `private` means it. What a URL or a path names, or a folder of links has, is nobody's
//! business: observers watch indexes.

use countermark_packaging::digest::Digest;
use countermark_packaging::name::ProjectName;
use countermark_trust::log::policy::LogPolicy;
use countermark_trust::log::record::check_file;
use countermark_trust::policy::AllowedIndex;

use crate::settings::{DEFAULT_INDEX, Sources};

/// A file that a pin is about to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinToCheck {
    /// The project.
    pub project: ProjectName,
    /// The file.
    pub filename: String,
    /// Of bytes that were hashed here; strong ones count.
    pub digests: Vec<Digest>,
    /// Who served it.
    pub served_by: ServedBy,
    /// Whether it stands in the lock already, so that nothing but an alarm is a reason to stop.
    pub stands: bool,
}

/// Who served a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServedBy {
    /// An index, by its URL without credentials.
    Index(String),
    /// No index: a URL or a path that was named, a folder of links, or not known.
    Nobody,
}

impl ServedBy {
    /// The index that a project would come from with these settings, when only one answer is possible:
    /// the one that it is bound to, or the only one that is asked. Of several indexes nobody knows which
    /// had the file, and of places of links nobody knows at all.
    #[must_use]
    pub fn by_settings(sources: &Sources, project: &ProjectName) -> Self {
        if let Some(index) = sources.bound_to(project) {
            return Self::Index(index.url.to_string());
        }
        let mut asked = sources.indexes.iter().filter(|index| !index.explicit);
        match (asked.next(), asked.next()) {
            (Some(only), None) if sources.find_links.is_empty() => {
                Self::Index(only.url.to_string())
            }
            _ => Self::Nobody,
        }
    }
}

/// Why a name does not leave this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Withheld {
    /// A pattern of the policy.
    Pattern,
    /// Its index is not public.
    PrivateIndex,
    /// No index served it.
    NotOfAnIndex,
    /// No record could have such a name.
    Name,
}

impl Withheld {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Pattern => "`private` of the policy means them",
            Self::PrivateIndex => "their index is not a public one",
            Self::NotOfAnIndex => "no index is known to have served them",
            Self::Name => "no record has such a file name",
        }
    }
}

/// Why this pin is not asked about; none where it may be.
pub(super) fn withheld(policy: &LogPolicy, pin: &PinToCheck) -> Option<Withheld> {
    // As if it were public, only a pattern says no.
    if !policy.may_ask(&pin.project, true) {
        return Some(Withheld::Pattern);
    }
    let ServedBy::Index(index) = &pin.served_by else { return Some(Withheld::NotOfAnIndex) };
    let is_public = AllowedIndex::parse(DEFAULT_INDEX).is_some_and(|public| public.is(index))
        || policy.is_public_index(index);
    if !is_public {
        return Some(Withheld::PrivateIndex);
    }
    check_file(&pin.filename).is_err().then_some(Withheld::Name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Binding, FindLinks, Index, LinksPlace, Origin};
    use countermark_packaging::name::NamePattern;
    use url::Url;

    fn pin(project: &str, served_by: ServedBy) -> PinToCheck {
        let project = ProjectName::parse(project).unwrap();
        let filename = format!("{project}-1-py3-none-any.whl");
        PinToCheck { project, filename, digests: Vec::new(), served_by, stands: false }
    }

    #[test]
    fn a_name_leaves_only_when_everybody_may_know_it() {
        let mirror = AllowedIndex::parse("https://Mirror.example.org/simple").unwrap();
        let policy = LogPolicy {
            private: vec![NamePattern::parse("acme-*").unwrap()],
            public_indexes: vec![mirror],
            ..LogPolicy::default()
        };
        let check = |project: &str, index: Option<&str>, expect: Option<Withheld>| {
            let served_by = index.map_or(ServedBy::Nobody, |index| ServedBy::Index(index.into()));
            assert_eq!(withheld(&policy, &pin(project, served_by)), expect, "{project} {index:?}");
        };
        check("flask", Some(DEFAULT_INDEX), None);
        check("flask", Some(DEFAULT_INDEX.trim_end_matches('/')), None);
        check("flask", Some("https://mirror.example.org/simple/"), None);
        check("flask", Some("https://own.example.org/simple/"), Some(Withheld::PrivateIndex));
        check("flask", None, Some(Withheld::NotOfAnIndex));
        check("acme-core", Some(DEFAULT_INDEX), Some(Withheld::Pattern));
        check("acme-core", None, Some(Withheld::Pattern));
        let odd = PinToCheck {
            filename: "a b-1-py3-none-any.whl".to_owned(),
            ..pin("flask", ServedBy::Index(DEFAULT_INDEX.to_owned()))
        };
        assert_eq!(withheld(&policy, &odd), Some(Withheld::Name));
    }

    #[test]
    fn settings_tell_the_index_only_when_there_is_one() {
        let index = |name: &str, explicit| Index {
            name: None,
            url: Url::parse(&format!("https://{name}.example.org/simple/")).unwrap(),
            explicit,
            origin: Origin::Default,
        };
        let flask = ProjectName::parse("flask").unwrap();
        let of = |sources: &Sources| ServedBy::by_settings(sources, &flask);
        let mut sources = Sources { indexes: vec![index("one", false)], ..Sources::default() };
        let one = ServedBy::Index("https://one.example.org/simple/".to_owned());
        assert_eq!(of(&sources), one);
        sources.indexes.push(index("named", true));
        assert_eq!(of(&sources), one);
        sources.indexes.push(index("two", false));
        assert_eq!(of(&sources), ServedBy::Nobody);
        sources.bindings.push(Binding {
            names: NamePattern::parse("fla*").unwrap(),
            index: index("named", true),
            origin: Origin::Default,
        });
        assert_eq!(of(&sources), ServedBy::Index("https://named.example.org/simple/".to_owned()));
        let place = LinksPlace::Path("/wheels".into());
        let links = vec![FindLinks { place, origin: Origin::Default }];
        let indexes = vec![index("one", false)];
        assert_eq!(
            of(&Sources { indexes, find_links: links, ..Sources::default() }),
            ServedBy::Nobody
        );
    }
}
