//! Writes `ledger.toml` as a whole. Commands that change one thing in a file of people use
//! `format::edit` instead, which leaves the rest as it is.

use super::quote;
use super::section::{Definition, Section as _};
use crate::ledger::{
    AuthorKey, Exemption, Import, Ledger, OwnReviews, Requirement, TrustedPublisher, Violation,
};

const HEAD: &str = "\
# What this team decided about reviews: whose count, what is asked for, and what passes without.
# People write this file; docs/ledger-format.md describes it.
";

impl Ledger {
    /// Writes the file. Places are not written; comments of people are not known here.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = format!("{HEAD}\n[ledger]\nversion = {}\n", super::decide::VERSION);
        quote::text(&mut text, "name", &self.name);
        quote::plain(&mut text, "initialised", self.initialised);
        quote::criteria(&mut text, "criteria", &self.required);
        if let Some(days) = self.maximum_age_days {
            quote::text(&mut text, "maximum-age", &format!("{days} days"));
        }
        quote::text(
            &mut text,
            "unknown-roles",
            if self.counts_unknown_roles { "count" } else { "refuse" },
        );
        Definition::of(self).iter().for_each(|one| definition(&mut text, one));
        self.requirements.iter().for_each(|one| requirement(&mut text, one));
        self.keys.iter().for_each(|one| key(&mut text, "[[key]]", one));
        self.own_reviews.iter().for_each(|one| own_reviews(&mut text, one));
        let mut imports: Vec<&Import> = self.imports.iter().collect();
        imports.sort_by(|a, b| a.name.cmp(&b.name));
        imports.into_iter().for_each(|one| import(&mut text, one));
        let mut exemptions: Vec<&Exemption> = self.exemptions.iter().collect();
        exemptions.sort_by(|a, b| {
            (&a.project, &a.version, &a.files).cmp(&(&b.project, &b.version, &b.files))
        });
        exemptions.into_iter().for_each(|one| exemption(&mut text, one));
        self.trusted.iter().for_each(|one| trusted(&mut text, one));
        let mut violations: Vec<&Violation> = self.violations.iter().collect();
        violations.sort_by(|a, b| {
            (&a.project, &a.version, &a.files).cmp(&(&b.project, &b.version, &b.files))
        });
        violations.into_iter().for_each(|one| violation(&mut text, one));
        text
    }
}

pub(super) fn definition(text: &mut String, one: &Definition) {
    text.push_str("\n[[criteria]]\n");
    quote::text(text, "name", one.name.as_str());
    quote::text(text, "description", &one.description);
    quote::criteria(text, "implies", &one.implies);
}

fn patterns(text: &mut String, key: &str, patterns: &[countermark_packaging::name::NamePattern]) {
    let mut names: Vec<String> = patterns.iter().map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    quote::list(text, key, names);
}

pub(super) fn requirement(text: &mut String, one: &Requirement) {
    text.push_str("\n[[requirement]]\n");
    patterns(text, "projects", &one.projects);
    quote::criteria(text, "criteria", &one.criteria);
    quote::text(text, "reason", &one.reason);
}

pub(super) fn key(text: &mut String, title: &str, one: &AuthorKey) {
    text.push('\n');
    text.push_str(title);
    text.push('\n');
    quote::text(text, "author", &one.author);
    quote::text(text, "key", &one.key);
    if let Some(file) = &one.file {
        quote::text(text, "file", file);
    }
    if !one.accounts.is_empty() {
        quote::list(text, "accounts", &one.accounts);
    }
    if let Some(from) = one.from {
        quote::plain(text, "from", from);
    }
    if let Some(until) = one.until {
        quote::plain(text, "until", until);
    }
}

pub(super) fn own_reviews(text: &mut String, one: &OwnReviews) {
    text.push_str("\n[[own-reviews]]\n");
    quote::text(text, "author", &one.author);
    patterns(text, "projects", &one.projects);
    quote::text(text, "reason", &one.reason);
}

pub(super) fn import(text: &mut String, one: &Import) {
    text.push_str("\n[[import]]\n");
    quote::text(text, "name", &one.name);
    quote::text(text, "url", &one.url);
    if let Some(fetched) = one.fetched {
        quote::plain(text, "fetched", fetched);
    }
    for (key, digest) in
        [("ledger", one.ledger), ("reviews", one.reviews), ("commits", one.commits)]
    {
        if let Some(digest) = digest {
            quote::text(text, key, &digest.to_string());
        }
    }
    if !one.exclude.is_empty() {
        patterns(text, "exclude", &one.exclude);
    }
    if !one.mapping.is_empty() {
        text.push_str("\n[import.criteria]\n");
        for (theirs, ours) in &one.mapping {
            quote::criteria(text, theirs.as_str(), ours);
        }
    }
    one.keys.iter().for_each(|one| key(text, "[[import.key]]", one));
}

pub(super) fn exemption(text: &mut String, one: &Exemption) {
    text.push_str("\n[[exemption]]\n");
    quote::text(text, "project", one.project.as_str());
    quote::text(text, "version", &one.version.to_string());
    quote::files(text, "files", &one.files);
    quote::criteria(text, "criteria", &one.criteria);
    quote::plain(text, "on", one.on);
    if let Some(reason) = &one.reason {
        quote::text(text, "reason", reason);
    }
}

pub(super) fn trusted(text: &mut String, one: &TrustedPublisher) {
    text.push_str("\n[[trusted]]\n");
    quote::text(text, "publisher", &one.publisher);
    patterns(text, "projects", &one.projects);
    quote::criteria(text, "criteria", &one.criteria);
    quote::plain(text, "from", one.from);
    quote::plain(text, "until", one.until);
    quote::text(text, "reason", &one.reason);
}

pub(super) fn violation(text: &mut String, one: &Violation) {
    text.push_str("\n[[violation]]\n");
    quote::text(text, "project", one.project.as_str());
    if let Some(version) = &one.version {
        quote::text(text, "version", &version.to_string());
    }
    quote::files(text, "files", &one.files);
    quote::plain(text, "on", one.on);
    quote::text(text, "reason", &one.reason);
}
