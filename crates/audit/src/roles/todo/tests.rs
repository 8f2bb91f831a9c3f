use super::*;
use crate::federation::Person;
use crate::roles::fixture::{Project, World, roles, set};
use proptest::prelude::*;

fn wanted(text: &str, owners: &str, maintainers: &str, stay: &str) -> Wanted {
    let roles = roles(text);
    let owning = roles.iter().filter(|role| role.kind == RoleKind::Owner);
    let reachable = owning.map(|role| role.account.clone()).collect();
    Wanted { roles, owners: set(owners), maintainers: set(maintainers), stay: set(stay), reachable }
}

fn line(step: &Step) -> String {
    let actor = match &step.actor {
        Actor::Account(account) => account.as_str(),
        Actor::Support => "SUPPORT",
    };
    let account = &step.account;
    match &step.action {
        Action::Add(kind) => format!("{actor} +{account} {}", kind.name()),
        Action::Accept(_) => format!("{actor} accepts"),
        Action::Remove(kind) => format!("{actor} -{account} {}", kind.name()),
        Action::Demote => format!("{actor} demotes {account}"),
    }
}

#[track_caller]
fn check(text: &str, owners: &str, maintainers: &str, stay: &str, expect: &[&str]) {
    let steps = plan(&wanted(text, owners, maintainers, stay)).expect("a plan");
    assert_eq!(steps.iter().map(line).collect::<Vec<_>>(), expect, "{text}");
}

#[test]
fn owners_come_before_anybody_goes() {
    check("Owner:ci", "ci", "", "", &[]);
    check("Owner:CI", "ci", "", "", &[]);
    check(
        "Owner:ci Owner:zoe Maintainer:yan",
        "ci",
        "",
        "",
        &["ci -yan Maintainer", "ci -zoe Owner"],
    );
    check(
        "Owner:ci",
        "ann ci",
        "bob",
        "",
        &["ci +ann Owner", "ci +bob Maintainer", "ann accepts", "bob accepts"],
    );
    // A maintainer becomes an owner; the owner who should upload only steps down at the end.
    check(
        "Owner:ci Maintainer:ann Owner:zoe",
        "ann",
        "ci",
        "",
        &["ci +ann Owner", "ann accepts", "ann -zoe Owner", "ann demotes ci"],
    );
    check("Owner:ci Owner:kim", "ci", "", "kim", &[]);
    // Who may stay an owner can do the work.
    check(
        "Owner:kim Owner:zoe",
        "ci",
        "",
        "kim",
        &["kim +ci Owner", "ci accepts", "kim -zoe Owner"],
    );
}

#[test]
fn without_an_owner_of_ours_somebody_is_asked() {
    check("Owner:zoe", "ci", "", "", &["zoe +ci Owner", "ci accepts", "ci -zoe Owner"]);
    // Ours that can already upload is asked for first.
    check(
        "Owner:zoe Maintainer:ci",
        "ann ci",
        "",
        "",
        &["zoe +ci Owner", "ci accepts", "ci +ann Owner", "ann accepts", "ci -zoe Owner"],
    );
    check("", "ci", "", "", &["SUPPORT +ci Owner", "ci accepts"]);
    check(
        "Maintainer:zoe",
        "ci",
        "",
        "",
        &["SUPPORT +ci Owner", "ci accepts", "ci -zoe Maintainer"],
    );
    // Nobody who owns it can be reached.
    let mut wanted = wanted("Owner:zoe", "ci", "", "");
    wanted.reachable.clear();
    assert_eq!(line(&plan(&wanted).unwrap()[0]), "SUPPORT +ci Owner");
    // Nobody is to own it: nothing may be removed.
    wanted.owners.clear();
    assert!(plan(&wanted).is_err());
}

/// Does a step, as the index would.
fn apply(state: &mut BTreeMap<String, RoleKind>, step: &Step) {
    let actor = match &step.actor {
        Actor::Account(account) => Some(key(account)),
        Actor::Support => None,
    };
    let owns = |account: &String| state.get(account) == Some(&RoleKind::Owner);
    match &step.action {
        Action::Add(_) | Action::Remove(_) | Action::Demote => {
            assert!(actor.as_ref().is_none_or(owns), "{step:?}: only an owner can do this");
        }
        Action::Accept(kind) => assert_eq!(state.get(&key(&step.account)), Some(kind)),
    }
    match &step.action {
        Action::Add(kind) => drop(state.insert(key(&step.account), kind.clone())),
        Action::Accept(_) => {}
        Action::Remove(_) => assert!(state.remove(&key(&step.account)).is_some()),
        Action::Demote => drop(state.insert(key(&step.account), RoleKind::Maintainer)),
    }
}

fn some_roles() -> impl Strategy<Value = Vec<Role>> {
    let kind = prop_oneof![
        Just(RoleKind::Owner),
        Just(RoleKind::Maintainer),
        Just(RoleKind::Other("Publisher".into())),
    ];
    let role = (kind, "[a-dA-D]").prop_map(|(kind, account)| Role { kind, account });
    proptest::collection::vec(role, 0..6)
}

fn some_accounts(most: usize) -> impl Strategy<Value = BTreeSet<String>> {
    proptest::collection::btree_set("[a-e]", 0..=most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_step_leaves_a_project_without_an_owner(
        roles in some_roles(),
        owners in some_accounts(3),
        maintainers in some_accounts(3),
        stay in some_accounts(2),
        reachable in some_accounts(3),
    ) {
        let maintainers: BTreeSet<String> = maintainers.difference(&owners).cloned().collect();
        let stay: BTreeSet<String> = stay.difference(&maintainers).cloned().collect();
        let reachable = reachable.into_iter().collect();
        let wanted = Wanted { roles, owners, maintainers, stay, reachable };
        let mut state: BTreeMap<String, RoleKind> =
            holders(&wanted.roles).into_iter().map(|(key, (_, kind))| (key, kind.clone())).collect();
        let before = state.clone();
        let has_owner =
            |state: &BTreeMap<String, RoleKind>| state.values().any(|kind| *kind == RoleKind::Owner);
        let mut had_owner = has_owner(&state);
        let Ok(steps) = plan(&wanted) else {
            prop_assert!(wanted.owners.is_empty());
            return Ok(());
        };
        prop_assert!(steps.is_sorted_by_key(|step| step.round));
        for step in &steps {
            apply(&mut state, step);
            prop_assert!(has_owner(&state) || !had_owner, "{step:?}");
            had_owner |= has_owner(&state);
        }
        // The end is what is wanted, and nothing else was touched.
        let mut end: BTreeMap<String, RoleKind> = BTreeMap::new();
        for (account, kind) in &before {
            if wanted.stay.contains(account) {
                end.insert(account.clone(), kind.clone());
            }
        }
        end.extend(wanted.maintainers.iter().map(|it| (it.clone(), RoleKind::Maintainer)));
        end.extend(wanted.owners.iter().map(|it| (it.clone(), RoleKind::Owner)));
        prop_assert_eq!(&state, &end);
        // Done once, there is nothing left to do.
        let roles = state
            .into_iter()
            .map(|(account, kind)| Role { kind, account })
            .collect();
        prop_assert_eq!(plan(&Wanted { roles, ..wanted }).unwrap(), []);
    }
}

fn world() -> World {
    let mut world = World::new(vec![
        Project::new("a", "Owner:ci Owner:zoe"),
        Project::new("b", "Owner:zoe"),
        Project::new("c", "Owner:ci Owner:zoe"),
        Project::new("d", "Owner:ann Owner:ci"),
    ]);
    world.federation.accounts.owners = set("ann");
    let person = |contact: &str, left: Option<&str>| Person {
        contact: Some(contact.into()),
        left: left.map(|day| day.parse().unwrap()),
        ..Person::default()
    };
    world.federation.people.insert("ann".into(), person("ann@example.org", None));
    world.federation.people.insert("zoe".into(), person("#zoe", None));
    world
}

#[test]
fn the_list_is_grouped_by_who_acts() {
    let expect = "\
1. Ask others to make one of us an owner; the index's support if nobody answers

`zoe` (#zoe):
  make `ann` owner: b

2. Accept that, and see that it works

`ann` (ann@example.org):
  accept the invitation, and see that the page says owner: b

3. Add who is missing

`ann` (ann@example.org):
  make `ci` maintainer: b

`ci`:
  make `ann` owner: a, c

4. Accept that, and see that it works

`ann` (ann@example.org):
  accept the invitation, and see that the page says owner: a, c

`ci`:
  accept the invitation, and see that the page says maintainer: b

5. Only then: remove who should not be there

`ann` (ann@example.org):
  remove `zoe` (owner): b

`ci`:
  remove `zoe` (owner): a, c
";
    let shown = world().with(|dossiers, _| text(&todo(dossiers)));
    assert_eq!(shown, expect);
    let shown = world().with(|dossiers, _| markdown(&todo(dossiers)));
    assert!(shown.starts_with(
        "## 1. Ask others to make one of us an owner; the index's support if nobody answers\n\n`zoe` (#zoe):\n\n- [ ] make `ann` owner: b\n"
    ));
    let json = world().with(|dossiers, _| json(&todo(dossiers)).unwrap());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["format"], FORMAT);
    assert_eq!(
        json["steps"][0],
        serde_json::json!({
            "round": "ask", "actor": "zoe", "contact": "#zoe", "action": "add", "account": "ann",
            "role": "Owner", "projects": ["b"],
        })
    );
}

#[test]
fn people_who_left_are_not_asked_and_not_wanted() {
    let mut world = world();
    world.federation.people.get_mut("zoe").unwrap().left = Some("2026-01-01".parse().unwrap());
    let shown = world.with(|dossiers, _| text(&todo(dossiers)));
    assert!(
        shown.contains("The index's support (a request under PEP 541):\n  make `ann` owner: b\n")
    );
    // The expected owner left too: nothing is planned that could lock us out.
    world.federation.people.get_mut("ann").unwrap().left = Some("2026-01-01".parse().unwrap());
    let todo = world.with(|dossiers, _| todo(dossiers));
    assert_eq!(todo.tasks, []);
    assert_eq!(todo.undecided.len(), 4);
}

#[test]
fn nothing_to_do_is_said() {
    let world = World::of("a", "Owner:ci");
    let todo = world.with(|dossiers, _| todo(dossiers));
    assert!(todo.is_empty());
    assert_eq!(text(&todo), "nothing to do: every project has the roles that are expected\n");
}

#[test]
fn names_of_an_index_make_no_lines_and_hide_nothing() {
    let mut world = World::of("a", "Owner:ci Owner:zoe");
    let role = &mut world.projects[0].facts.roles.as_mut().unwrap()[1];
    role.account = "zoe`\n  remove `ci` (owner): a\u{200b}<b>".into();
    let shown = world.with(|dossiers, _| text(&todo(dossiers)));
    assert!(
        shown.contains("remove `zoe`\\n  remove `ci` (owner): a\\u{200b}<b>` (owner): a\n"),
        "{shown}"
    );
    assert!(!shown.contains("\n  remove `ci`"), "{shown}");
    let shown = world.with(|dossiers, _| markdown(&todo(dossiers)));
    assert!(!shown.contains("\n  remove"), "{shown}");
    assert!(shown.contains("\\<b>") || shown.contains("` (owner): a\\u{200b}<b>`"), "{shown}");
}
