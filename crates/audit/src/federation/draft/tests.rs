use super::*;
use crate::dossier::Nowhere;
use crate::fact::{Role, RoleKind};
use crate::federation::parse::parse_with;
use crate::federation::{CustodyState, Federation, codes};
use crate::record::Records;
use crate::rule::fixture::{Fixture, at, place};

const RULES: &[&str] = &["rogue-release"];

fn read(text: &str) -> Federation {
    parse_with("federation.toml", text, RULES)
        .unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"))
}

/// The draft with every proposal taken over.
fn taken_over(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') && !rest.is_empty() => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

fn entry(kind: &str, path: &str) -> RecordsEntry {
    RecordsEntry {
        kind: kind.to_owned(),
        path: Some(path.to_owned()),
        url: None,
        project: None,
        settings: [("prefix".to_owned(), "v\"1\\".to_owned())].into(),
        place: place(),
    }
}

struct World {
    federation: Federation,
    records: Records,
    facts: Vec<ProjectFacts>,
    accounts: Vec<&'static str>,
    entries: Vec<RecordsEntry>,
}

impl World {
    fn new(fixtures: Vec<Fixture>) -> Self {
        let mut records = Records::default();
        let mut facts = Vec::new();
        for fixture in fixtures {
            records.projects.extend(fixture.records.projects);
            facts.push(fixture.facts);
        }
        let accounts = vec![crate::rule::fixture::ROBOT];
        Self { federation: Federation::default(), records, facts, accounts, entries: Vec::new() }
    }

    fn draft(&self, shown: Option<&str>) -> String {
        let context = Context {
            federation: &self.federation,
            records: &self.records,
            now: at("2026-02-28"),
            release_accounts: self.accounts.iter().map(|&text| text.to_owned()).collect(),
            accounts_assumed: true,
            constraints: BTreeMap::new(),
            other_names: BTreeSet::new(),
            name_uses: BTreeMap::new(),
        };
        let entries = &self.entries;
        let input = Input { name: shown, entries, context: &context, elsewhere: &Nowhere };
        draft(&input, &self.facts)
    }
}

fn retired(project: &str, standing: Standing) -> Fixture {
    Fixture::new(project).released("1.0", "2020-01-01").with(|fixture| {
        fixture.project().standing = standing;
    })
}

#[test]
fn a_draft_of_nothing_says_nothing() {
    let mut world = World::new(Vec::new());
    world.accounts.clear();
    let text = world.draft(None);
    assert_eq!(read(&text), Federation::default());
    assert!(text.contains("# No account holds a role on most projects"));
    assert!(text.starts_with("# Drafted on 2026-02-28 from the facts of 0 projects."));
}

#[test]
fn what_was_found_counts_and_what_is_to_be_decided_does_not() {
    let mut world = World::new(vec![
        Fixture::new("teapot").released("1.0", "2025-01-01").role("Owner", "ann"),
        Fixture::new("kettle").released("1.0", "2025-01-01"),
        retired("urn", Standing::Retired { on: Some(at("2021-05-06T20:00:00Z")) }),
    ]);
    world.entries = vec![entry("git-tags", "../my clones")];
    for facts in &mut world.facts[..2] {
        facts.organization = Some("tea things".to_owned());
    }
    let text = world.draft(Some("Tea \"Things\""));
    let federation = read(&text);
    assert_eq!(federation.name.as_deref(), Some("Tea \"Things\""));
    assert_eq!(federation.records[0].path.as_deref(), Some("../my clones"));
    assert_eq!(federation.records[0].settings["prefix"], "v\"1\\");
    assert_eq!(federation.accounts.release, ["release-robot".to_owned()].into());
    assert_eq!(federation.accounts.organization.as_deref(), Some("tea things"));
    assert!(text.contains("# Assumed: \"release-robot\" holds a role on 3 of 3 projects.\n"));
    assert_eq!(
        (federation.kept, federation.custody, federation.accepted),
        (vec![], vec![], vec![])
    );
    assert_eq!((federation.services, federation.people), (vec![], BTreeMap::new()));
    assert!(text.contains(
        "#[[keep]]\n#project = \"teapot\"\n#account = \"ann\"\n#role = \"Owner\"\n\
         #approved-by = \"TODO\"\n#reason = \"TODO\"\n#expires = 2027-02-28\n"
    ));
    assert!(text.contains(
        "# retired in the records\n#[[custody]]\n#project = \"urn\"\n#state = \"retired\"\n\
         #on = 2021-05-06\n#reason = \"TODO\"\n#approved-by = \"TODO\"\n"
    ));
}

/// Taking everything over is refused for the answers that are missing, and for nothing else.
#[test]
fn proposals_need_nothing_but_their_answers() {
    let world = World::new(vec![
        Fixture::new("teapot").released("1.0", "2025-01-01").role("Publisher", "ann"),
        retired("urn", Standing::Abandoned { retired: None }),
    ]);
    let text = taken_over(&world.draft(None));
    let errors = parse_with("federation.toml", &text, RULES).unwrap_err();
    assert!(errors.iter().all(|error| error.code == codes::PLACEHOLDER), "{errors:#?}");
    assert_eq!(errors.len(), 6);
    let answered = text.replace("\"TODO\"", "\"said eve\"");
    let federation = read(&answered);
    assert_eq!(federation.kept[0].role, None);
    assert_eq!(federation.custody[0].state, CustodyState::Retired);
    assert_eq!((federation.accepted.len(), federation.services.len()), (1, 3));
    assert_eq!(federation.thresholds, Thresholds::default());
}

#[test]
fn names_that_look_foreign_or_gone_are_proposed() {
    let foreign = (1..=9).fold(Fixture::new("cup").owners(&["zoe"]), |fixture, number| {
        fixture.official(&format!("{number}.0"), "2020-01-01")
    });
    let foreign = foreign.upload("0.1", "2020-01-01", &["sdist"]);
    let left = retired("pot", Standing::Retired { on: Some(at("2021-01-01")) })
        .owners(&["zoe"])
        .upload("2.0", "2021-02-01", &["sdist"]);
    let text = World::new(vec![foreign, left]).draft(None);
    assert!(text.contains("#project = \"cup\"\n#state = \"never-ours\"\n#reason"), "{text}");
    assert!(text.contains("#project = \"pot\"\n#state = \"left\"\n#on = 2021-01-01\n"), "{text}");
    assert!(!text.contains("#account = \"zoe\""), "roles there are not ours to keep");
    read(&text);
}

/// Where the account that uploads is absent, keeping the others is no answer.
#[test]
fn what_is_lost_is_not_kept() {
    let lost = Fixture::new("cup").released("1.0", "2025-01-01").owners(&["zoe", "yan"]);
    let text = World::new(vec![lost]).draft(None);
    assert!(!text.contains("#[[keep]]"), "{text}");
    assert!(text.contains(
        "# Nothing to keep on cup: others hold it and the account that uploads does not.\n"
    ));
}

/// An index may name accounts as it likes.
#[test]
fn names_do_not_leave_their_line() {
    let mut world = World::new(vec![Fixture::new("teapot").released("1.0", "2025-01-01")]);
    let roles = world.facts[0].roles.get_or_insert_default();
    for account in ["a\n[[accept]]\nrule='x'", "b\"c\\", "d\u{202e}e", "f g", ""] {
        roles.push(Role { kind: RoleKind::Owner, account: account.to_owned() });
    }
    roles.push(Role { kind: RoleKind::Other("x\n[oops]".to_owned()), account: "h".to_owned() });
    world.facts[0].organization = Some("o\n[oops]".to_owned());
    let text = world.draft(Some("n\n[oops]"));
    read(&text);
    assert_eq!(text.matches("#[[keep]]").count(), 2, "{text}");
    assert!(text.contains("#account = \"b\\\"c\\\\\"\n"));
    assert!(text.contains("# 4 more, of accounts whose names cannot be written here.\n"));
    assert!(!text.contains("oops"));
}

#[test]
fn there_is_an_end_to_proposals() {
    let fixtures = (0..MOST_PROPOSALS + 2).map(|number| {
        Fixture::new(&format!("p{number}")).released("1.0", "2025-01-01").role("Owner", "ann")
    });
    let text = World::new(fixtures.collect()).draft(None);
    assert_eq!(text.matches("#[[keep]]").count(), MOST_PROPOSALS);
    assert!(text.contains("# 2 more are not shown.\n"));
}
