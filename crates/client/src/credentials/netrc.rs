//! `.netrc` files, as Python's `netrc` module reads them.
//!
//! Off-spec: a `default` entry is read and not used, because it would be offered to whatever host
//! a page points at.

use super::{Credential, Secret};

/// Largest file, in bytes.
pub(super) const MAX_NETRC: usize = 1024 * 1024;

/// The entries of a `.netrc` file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Netrc {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// `None` is the `default` entry.
    machine: Option<String>,
    login: String,
    password: Secret,
}

/// Why a `.netrc` cannot be used; never with its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetrcError {
    /// A word that is not expected there.
    #[error("line {line}: expected {expected}")]
    Syntax {
        /// From 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// More than 1 MiB.
    #[error("longer than {MAX_NETRC} bytes")]
    TooLong,
}

impl Netrc {
    /// Reads a file.
    ///
    /// # Errors
    /// See [`NetrcError`].
    pub fn parse(text: &str) -> Result<Self, NetrcError> {
        if text.len() > MAX_NETRC {
            return Err(NetrcError::TooLong);
        }
        let mut words = Words { rest: text, line: 1 };
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(word) = words.next() {
            let expects = |words: &mut Words<'_>, expected| {
                words.next().ok_or(NetrcError::Syntax { line: words.line, expected })
            };
            let machine = match word.as_str() {
                "machine" => Some(Some(expects(&mut words, "the name of a machine")?)),
                "default" => Some(None),
                _ => None,
            };
            if let Some(machine) = machine {
                entries.push(Entry { machine, login: String::new(), password: Secret::new("") });
                continue;
            }
            if word == "macdef" {
                words.skip_macro();
                continue;
            }
            let line = words.line;
            let Some(entry) = entries.last_mut() else {
                return Err(NetrcError::Syntax { line, expected: "`machine`" });
            };
            match word.as_str() {
                "login" | "user" => entry.login = expects(&mut words, "a login")?,
                "password" => entry.password = Secret::new(expects(&mut words, "a password")?),
                "account" => {
                    expects(&mut words, "an account")?;
                }
                _ => return Err(NetrcError::Syntax { line, expected: "a keyword" }),
            }
        }
        Ok(Self { entries })
    }

    /// The last entry for a host (as in Python), and with that login if one is wanted.
    #[must_use]
    pub fn find(&self, host: &str, login: Option<&str>) -> Option<Credential> {
        let is_wanted = |entry: &&Entry| {
            entry.machine.as_deref().is_some_and(|machine| machine.eq_ignore_ascii_case(host))
                && login.is_none_or(|login| login == entry.login)
        };
        self.entries.iter().rev().find(is_wanted).map(|entry| Credential {
            username: Secret::new(entry.login.clone()),
            password: entry.password.clone(),
        })
    }
}

/// Words, with quotes, backslashes and comments as in Python.
struct Words<'a> {
    rest: &'a str,
    line: usize,
}

impl Words<'_> {
    fn take(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.rest = &self.rest[next.len_utf8()..];
        self.line += usize::from(next == '\n');
        Some(next)
    }

    /// A macro ends at an empty line.
    fn skip_macro(&mut self) {
        let end = self.rest.find("\n\n").map_or(self.rest.len(), |at| at + 2);
        self.line += self.rest[..end].matches('\n').count();
        self.rest = &self.rest[end..];
    }
}

impl Iterator for Words<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        loop {
            self.rest = {
                let trimmed = self.rest.trim_start();
                let skipped = &self.rest[..self.rest.len() - trimmed.len()];
                self.line += skipped.matches('\n').count();
                trimmed
            };
            if !self.rest.starts_with('#') {
                break;
            }
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.rest = &self.rest[end..];
        }
        let mut word = String::new();
        let quoted = self.rest.starts_with('"');
        if quoted {
            self.take();
        } else if self.rest.is_empty() {
            return None;
        }
        loop {
            let at_end = |c: char| if quoted { c == '"' } else { c.is_whitespace() };
            match self.rest.chars().next() {
                None => break,
                Some(next) if at_end(next) => {
                    if quoted {
                        self.take();
                    }
                    break;
                }
                Some('\\') => {
                    self.take();
                    word.extend(self.take());
                }
                Some(_) => word.extend(self.take()),
            }
        }
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        let check = |text: &str, host: &str, expect: Option<(&str, &str)>| {
            let found = Netrc::parse(text).unwrap().find(host, None);
            let expect = expect.map(|(login, password)| Credential::new(login, password));
            assert_eq!(found, expect, "{text:?} {host}");
        };
        check("", "x", None);
        check("machine x login a password b", "x", Some(("a", "b")));
        check("machine x login a password b", "X", Some(("a", "b")));
        check("machine x\n  login a\n  password b\n", "x", Some(("a", "b")));
        check("machine x password b", "x", Some(("", "b")));
        check("machine x login a account c password \"b \\\"d\"", "x", Some(("a", "b \"d")));
        check("machine x login a password b#c", "x", Some(("a", "b#c")));
        check("# hello\nmachine x login a password b # more", "x", Some(("a", "b")));
        check("machine x login a password 1\nmachine x login b password 2", "x", Some(("b", "2")));
        check("machine y login a password b", "x", None);
        check("default login a password b", "x", None);
        let with_macro = "machine y login a password b\nmacdef m\nmachine x\nq\n\n\
                          machine z login c password d";
        check(with_macro, "x", None);
        check(with_macro, "z", Some(("c", "d")));
    }

    #[test]
    fn a_wanted_login() {
        let text = "machine x login a password 1\nmachine x login b password 2";
        let netrc = Netrc::parse(text).unwrap();
        assert_eq!(netrc.find("x", Some("a")), Some(Credential::new("a", "1")));
        assert_eq!(netrc.find("x", Some("c")), None);
    }

    #[test]
    fn what_is_refused() {
        let check = |text: &str, line, expected| {
            let error = NetrcError::Syntax { line, expected };
            assert_eq!(Netrc::parse(text), Err(error), "{text:?}");
        };
        check("login a", 1, "`machine`");
        check("\nmachine", 2, "the name of a machine");
        check("machine x login", 1, "a login");
        check("machine x\nsecret y", 2, "a keyword");
        assert_eq!(Netrc::parse(&" ".repeat(MAX_NETRC + 1)), Err(NetrcError::TooLong));
    }
}
