//! One case a rule and kind of answer.

use countermark_packaging::name::ProjectName;
use countermark_packaging::simple::StatusMarker;
use countermark_packaging::version::Version;
use jiff::Timestamp;

use crate::change::Change;
use crate::policy::{LedgerAnswer, Policy, Section, Subject};

pub(crate) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// What a subject borrows.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) project: ProjectName,
    pub(crate) version: Version,
    pub(crate) index: Option<String>,
    pub(crate) direct: Option<String>,
    pub(crate) also_on: Option<Vec<String>>,
    pub(crate) uploaded: Option<Timestamp>,
    pub(crate) status: Option<StatusMarker>,
    pub(crate) yanked: Option<String>,
    pub(crate) has_source: Option<bool>,
    pub(crate) is_new: bool,
    pub(crate) has_moved: bool,
    pub(crate) change: Option<Change>,
    pub(crate) ledger: Option<LedgerAnswer>,
}

impl Owned {
    /// Everything is known, and nothing is against it.
    pub(crate) fn good(project: &str, version: &str) -> Self {
        Self {
            project: ProjectName::parse(project).unwrap(),
            version: version.parse().unwrap(),
            index: Some("https://index.example.org/simple/".into()),
            direct: None,
            also_on: Some(Vec::new()),
            uploaded: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            status: Some(StatusMarker::Active),
            yanked: None,
            has_source: Some(false),
            is_new: false,
            has_moved: true,
            change: Some(Change::default()),
            ledger: Some(LedgerAnswer::Met),
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn changed(self, change: impl FnOnce(&mut Change)) -> Self {
        self.with(|it| change(it.change.get_or_insert_default()))
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            index: self.index.as_deref(),
            direct: self.direct.as_deref(),
            also_on: self.also_on.as_deref(),
            uploaded: self.uploaded,
            status: self.status,
            yanked: self.yanked.as_deref(),
            has_source: self.has_source,
            is_new: self.is_new,
            has_moved: self.has_moved,
            change: self.change.as_ref(),
            ledger: self.ledger.as_ref(),
            ..Subject::new(&self.project, &self.version)
        }
    }
}

pub(crate) fn policy(text: &str) -> Policy {
    Policy::parse("countermark.toml", text.as_bytes(), Section::File)
        .unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"))
}

/// What a ledger says of a release that nobody read.
pub(crate) fn not_met() -> LedgerAnswer {
    let message = "teapot 1.3 expected safe-to-deploy, found no review".to_owned();
    LedgerAnswer::NotMet { message, found: "no review".to_owned() }
}

/// The cases of one rule.
pub(crate) struct Case {
    pub(crate) rule: &'static str,
    /// The body of `[policy]`.
    pub(crate) policy: &'static str,
    pub(crate) accepted: Owned,
    pub(crate) rejected: Owned,
    /// The message and the line that would allow it.
    pub(crate) says: [&'static str; 2],
    /// What is not known, and what is said of that; none for rules that always know.
    pub(crate) undecided: Option<(Owned, &'static str)>,
}

pub(crate) fn cases() -> Vec<Case> {
    let good = || Owned::good("teapot", "1.3");
    let unknown_status = "no index was asked whether teapot is";
    let mut cases = vec![
        Case {
            rule: "minimum-age",
            policy: "minimum-age = '7 days'",
            accepted: good().with(|it| it.uploaded = Some("2026-11-14T12:00:00Z".parse().unwrap())),
            rejected: good().with(|it| it.uploaded = Some("2026-11-14T12:00:01Z".parse().unwrap())),
            says: [
                "teapot 1.3 was uploaded 6 days ago; the policy wants 7 days",
                "{ rule = \"minimum-age\", project = \"teapot\", version = \"1.3\", because = \
                 \"uploaded 6 days ago\", until = 2026-11-21 },",
            ],
            undecided: Some((
                good().with(|it| it.uploaded = None),
                "nothing says when teapot 1.3 was uploaded; the policy wants 7 days",
            )),
        },
        Case {
            rule: "quarantined",
            policy: "",
            accepted: good().with(|it| it.status = Some(StatusMarker::Archived)),
            rejected: good().with(|it| it.status = Some(StatusMarker::Quarantined)),
            says: [
                "the index says that teapot is in quarantine",
                "{ rule = \"quarantined\", project = \"teapot\", because = \"in quarantine\", until \
                 = 2026-12-21 },",
            ],
            undecided: Some((good().with(|it| it.status = None), unknown_status)),
        },
        Case {
            rule: "archived",
            policy: "archived = 'refuse'",
            accepted: good().with(|it| it.status = Some(StatusMarker::Active)),
            rejected: good().with(|it| it.status = Some(StatusMarker::Archived)),
            says: [
                "the index says that teapot is archived",
                "{ rule = \"archived\", project = \"teapot\", because = \"archived\", until = \
                 2026-12-21 },",
            ],
            undecided: Some((good().with(|it| it.status = None), unknown_status)),
        },
        Case {
            rule: "yanked",
            policy: "yanked = 'refuse'",
            accepted: good(),
            rejected: good().with(|it| it.yanked = Some("leaks \"steam\"\u{202e}\n".into())),
            says: [
                "teapot 1.3 was withdrawn by its authors; yanked: leaks \"steam\"\\u{202e}\\u{a}",
                "{ rule = \"yanked\", project = \"teapot\", version = \"1.3\", because = \"yanked: \
                 leaks \\\"steam\\\"\\\\u{202e}\\\\u{a}\", until = 2026-12-21 },",
            ],
            undecided: Some((
                good().with(|it| it.status = None),
                "no index was asked whether teapot 1.3 was yanked",
            )),
        },
        Case {
            rule: "source-packages",
            policy: "source-packages = 'refuse'",
            accepted: good(),
            rejected: good().with(|it| it.has_source = Some(true)),
            says: [
                "teapot 1.3 would be built from its source package; the policy wants wheels",
                "{ rule = \"source-packages\", project = \"teapot\", version = \"1.3\", because = \
                 \"built from its source package\", until = 2026-12-21 },",
            ],
            undecided: Some((
                good().with(|it| it.has_source = None),
                "the lock does not say whether teapot 1.3 would be built from source",
            )),
        },
        Case {
            rule: "look-alikes",
            policy: "look-alikes = 'refuse'",
            accepted: Owned::good("requests", "2.0").with(|it| it.is_new = true),
            rejected: Owned::good("reqeusts", "2.0").with(|it| it.is_new = true),
            says: [
                "reqeusts is used for the first time and can be taken for `requests`: two letters \
                 change places",
                "{ rule = \"look-alikes\", project = \"reqeusts\", because = \"can be taken for \
                 `requests`: two letters change places\", until = 2026-12-21 },",
            ],
            // The list is always there.
            undecided: None,
        },
        Case {
            rule: "ledger",
            policy: "ledger = 'require'",
            accepted: good(),
            rejected: good().with(|it| it.ledger = Some(not_met())),
            says: [
                "teapot 1.3 expected safe-to-deploy, found no review",
                "{ rule = \"ledger\", project = \"teapot\", version = \"1.3\", because = \"no \
                 review\", until = 2026-12-21 },",
            ],
            undecided: Some((
                good().with(|it| it.ledger = None),
                "nobody asked the ledger about teapot 1.3",
            )),
        },
    ];
    cases.extend(index_cases());
    cases.extend(change_cases());
    cases
}

fn index_cases() -> Vec<Case> {
    let good = || Owned::good("acme-web", "1.3");
    let elsewhere = || good().with(|it| it.index = Some("https://other.example.org/simple".into()));
    vec![
        Case {
            rule: "indexes",
            policy: "[policy.indexes]\n'acme-*' = ['https://Index.example.org:443/simple']",
            accepted: good(),
            rejected: elsewhere(),
            says: [
                "acme-web comes from https://other.example.org/simple, expected \
                 https://index.example.org/simple",
                "{ rule = \"indexes\", project = \"acme-web\", because = \"from \
                 https://other.example.org/simple\", until = 2026-12-21 },",
            ],
            undecided: Some((
                good().with(|it| it.index = None),
                "the lock does not say from which index acme-web comes, expected \
                 https://index.example.org/simple",
            )),
        },
        Case {
            rule: "two-indexes",
            policy: "two-indexes = 'refuse'",
            accepted: good(),
            rejected: good().with(|it| it.also_on = Some(vec!["https://a.example.org/s/".into()])),
            says: [
                "acme-web is on `https://a.example.org/s/` too, and would come from \
                 https://index.example.org/simple/",
                "{ rule = \"two-indexes\", project = \"acme-web\", because = \"also on \
                 `https://a.example.org/s/`\", until = 2026-12-21 },",
            ],
            undecided: Some((
                good().with(|it| it.also_on = None),
                "nobody asked whether other indexes have acme-web too",
            )),
        },
    ]
}

fn change_cases() -> Vec<Case> {
    type Put = fn(&mut Change, Vec<String>);
    let rules: [(&str, &str, &str, Put, [&str; 2]); 5] = [
        (
            "new-pth",
            "new-pth = 'refuse'",
            "`.pth` files",
            |change, names| change.pth = names,
            [
                "teapot 1.3 brings new `.pth` files: `a`; the release before had none of them",
                "because = \"new `.pth` files: `a`\"",
            ],
        ),
        (
            "new-native-code",
            "new-native-code = 'refuse'",
            "machine code",
            |change, names| change.native = names,
            [
                "teapot 1.3 brings new machine code: `a`; the release before had none of them",
                "because = \"new machine code: `a`\"",
            ],
        ),
        (
            "new-opaque",
            "new-opaque = 'refuse'",
            "opaque files",
            |change, names| change.opaque = names,
            [
                "teapot 1.3 brings new opaque files: `a`; the release before had none of them",
                "because = \"new opaque files: `a`\"",
            ],
        ),
        (
            "new-scripts",
            "new-scripts = 'refuse'",
            "commands",
            |change, names| change.scripts = names,
            [
                "teapot 1.3 brings new commands: `a`; the release before had none of them",
                "because = \"new commands: `a`\"",
            ],
        ),
        (
            "new-dependencies",
            "new-dependencies = 'refuse'",
            "dependencies",
            |change, names| change.new_dependencies = names,
            [
                "teapot 1.3 brings new dependencies: `a`; the release before had none of them",
                "because = \"new dependencies: `a`\"",
            ],
        ),
    ];
    let good = || Owned::good("teapot", "1.3");
    let case = |(rule, policy, _, put, says): (_, _, _, Put, _)| Case {
        rule,
        policy,
        accepted: good(),
        rejected: good().changed(|change| put(change, vec!["a".into()])),
        says,
        undecided: Some((good().with(|it| it.change = None), "nobody compared teapot 1.3 with")),
    };
    rules.into_iter().map(case).collect()
}
