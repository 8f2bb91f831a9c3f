//! The JSON document of one project, of which only what the simple API does not have is read: who
//! may do what with the project, which organisation owns it, and the number of its last change.
//!
//! Everything else of the document (files, descriptions, addresses of people) is passed over without
//! being built. What is read has to have the form that it is known to have: a role that is not
//! understood must not become a project without roles. A document without `ownership` says nothing
//! of roles, which is another answer than a project that nobody holds.
//!
//! There is no specification; the form is that of the public index's `/pypi/NAME/json`.

use std::fmt;

use serde::Deserialize;
use serde::de::{IgnoredAny, SeqAccess, Visitor};

/// Most roles of one project.
pub const MAX_ROLES: usize = 10_000;

/// Longest name of a role, an account, an organisation or a project, in bytes.
pub const MAX_NAME: usize = 255;

/// What is kept of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectDocument {
    /// The project's name as the index shows it.
    pub name: Option<String>,
    /// `None` when the document does not say; never an empty list in its place.
    pub ownership: Option<Ownership>,
    /// The number of the index's last change to the project.
    pub last_serial: Option<u64>,
}

/// Who may do what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// In the order of the document.
    pub roles: Vec<OwnershipRole>,
    /// The organisation that owns the project.
    pub organization: Option<String>,
}

/// One role of one account, both as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnershipRole {
    /// `Owner` and `Maintainer` are known; other words are kept.
    pub role: String,
    /// The account's name.
    pub user: String,
}

/// Why a document cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectJsonError {
    /// Not JSON, or what is read of it has another form.
    #[error("expected the json document of a project: {reason}")]
    Json {
        /// What the parser says, with line and column.
        reason: String,
    },
}

/// Reads the document.
///
/// # Errors
/// When it is no JSON object, when `ownership`, `last_serial` or `info.name` have another form than
/// they should, when a key that is read is given twice, and above the limits.
pub fn parse(bytes: &[u8]) -> Result<ProjectDocument, ProjectJsonError> {
    // A list would be taken for the object's values in their order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(ProjectJsonError::Json { reason: "it is no json object".to_owned() });
    }
    let raw: Raw = serde_json::from_slice(bytes).map_err(|error| ProjectJsonError::Json {
        reason: error.to_string().chars().take(300).collect(),
    })?;
    let ownership = raw.ownership.map(|raw| Ownership {
        roles: raw.roles.0,
        organization: raw.organization.map(|name| name.0),
    });
    let name = raw.info.and_then(|info| info.name).map(|name| name.0);
    Ok(ProjectDocument { name, ownership, last_serial: raw.last_serial })
}

/// Keys that are not named here are passed over by serde without building their values.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    info: Option<RawInfo>,
    #[serde(default)]
    ownership: Option<RawOwnership>,
    #[serde(default)]
    last_serial: Option<u64>,
}

#[derive(Deserialize)]
struct RawInfo {
    #[serde(default)]
    name: Option<Name>,
}

#[derive(Deserialize)]
struct RawOwnership {
    roles: RawRoles,
    #[serde(default)]
    organization: Option<Name>,
}

#[derive(Deserialize)]
struct RawRole {
    role: Name,
    user: Name,
}

/// A text that is not empty, not long, and has nothing in it that a terminal would obey.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || text.len() > MAX_NAME {
            let message = format!("expected a name of 1 to {MAX_NAME} bytes");
            return Err(serde::de::Error::custom(message));
        }
        if text.chars().any(char::is_control) {
            return Err(serde::de::Error::custom("a name has a control character"));
        }
        Ok(Self(text))
    }
}

struct RawRoles(Vec<OwnershipRole>);

impl<'de> Deserialize<'de> for RawRoles {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Roles;
        impl<'de> Visitor<'de> for Roles {
            type Value = RawRoles;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of roles")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<RawRoles, A::Error> {
                let mut roles = Vec::new();
                while roles.len() < MAX_ROLES {
                    let Some(raw) = access.next_element::<RawRole>()? else {
                        return Ok(RawRoles(roles));
                    };
                    roles.push(OwnershipRole { role: raw.role.0, user: raw.user.0 });
                }
                match access.next_element::<IgnoredAny>()? {
                    None => Ok(RawRoles(roles)),
                    Some(_) => {
                        let message = format!("more than {MAX_ROLES} roles");
                        Err(serde::de::Error::custom(message))
                    }
                }
            }
        }
        deserializer.deserialize_seq(Roles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{
        "info": {"author": "A", "name": "Oslo.Thing", "classifiers": [{"x": [1, null]}]},
        "last_serial": 42871441,
        "ownership": {"organization": null, "roles": [
            {"role": "Owner", "user": "release-bot"},
            {"role": "Maintainer", "user": "jane", "since": 1},
            {"role": "Caretaker", "user": "joe"}
        ]},
        "releases": {"1.0": [{"filename": "x-1.0.tar.gz", "ownership": 7}]},
        "urls": [], "vulnerabilities": []
    }"#;

    fn role(role: &str, user: &str) -> OwnershipRole {
        OwnershipRole { role: role.into(), user: user.into() }
    }

    #[test]
    fn only_who_holds_it_is_read() {
        let document = parse(GOOD.as_bytes()).unwrap();
        let roles = vec![
            role("Owner", "release-bot"),
            role("Maintainer", "jane"),
            role("Caretaker", "joe"),
        ];
        let expect = ProjectDocument {
            name: Some("Oslo.Thing".into()),
            ownership: Some(Ownership { roles, organization: None }),
            last_serial: Some(42_871_441),
        };
        assert_eq!(document, expect);
    }

    #[test]
    fn nothing_said_is_not_nobody() {
        let check = |text: &str, expect: Option<Ownership>| {
            assert_eq!(parse(text.as_bytes()).unwrap().ownership, expect, "{text}");
        };
        check("{}", None);
        check(r#"{"info": null, "last_serial": null}"#, None);
        check(r#"{"ownership": null}"#, None);
        check(r#"{"ownership": {"roles": []}}"#, Some(Ownership::default()));
        let owned = Ownership { roles: vec![], organization: Some("acme".into()) };
        check(r#"{"ownership": {"roles": [], "organization": "acme"}}"#, Some(owned));
    }

    #[test]
    fn other_forms_are_refused() {
        let check = |from: &str, to: &str, reason: &str| {
            let changed = GOOD.replacen(from, to, 1);
            assert_ne!(changed, GOOD, "{from}");
            let error = parse(changed.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{from} -> {to}: {error}");
        };
        check("\"release-bot\"", "7", "expected a string");
        check("\"release-bot\"", "\"\"", "expected a name of 1 to 255 bytes");
        check("\"release-bot\"", &format!("\"{}\"", "x".repeat(256)), "1 to 255 bytes");
        check("\"release-bot\"", "\"a\\u001b[2J\"", "control character");
        check("\"user\": \"release-bot\"", "\"name\": \"release-bot\"", "missing field `user`");
        check("\"role\": \"Owner\"", "\"rolle\": \"Owner\"", "missing field `role`");
        check("\"roles\": [", "\"holders\": [", "missing field `roles`");
        check("42871441", "\"42871441\"", "expected u64");
        check("42871441", "-1", "expected u64");
        check("\"last_serial\":", "\"ownership\": null, \"last_serial\":", "duplicate field");
        check("\"organization\": null", "\"organization\": {}", "expected a string");
        check("\"Oslo.Thing\"", "[]", "expected a string");
        check("\"urls\": []", "\"urls\": [", "line 10");
        for text in ["", "[]", "null", "7", "<!DOCTYPE html>", "{\"ownership\": []"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"{\"info\": {\"name\": \"\xff\"}}").is_err());
    }

    #[test]
    fn roles_are_counted() {
        let document = |count: usize| {
            let roles = vec![r#"{"role":"Owner","user":"x"}"#; count].join(",");
            format!(r#"{{"ownership":{{"roles":[{roles}]}}}}"#)
        };
        let many = parse(document(MAX_ROLES).as_bytes()).unwrap();
        assert_eq!(many.ownership.unwrap().roles.len(), MAX_ROLES);
        let error = parse(document(MAX_ROLES + 1).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("more than 10000 roles"), "{error}");
    }
}
