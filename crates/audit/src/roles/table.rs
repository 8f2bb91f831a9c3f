//! Who can do what on each project, in the index's own terms.

use std::collections::BTreeSet;

use countermark_packaging::name::ProjectName;
use serde::Serialize;

use super::{holder_left, same_account, today};
use crate::dossier::{Dossier, Identity};
use crate::fact::{Presence, RoleKind};
use crate::federation::Federation;
use crate::incident::escaped;
use crate::report::harmless::{acts, harmless};

/// The name of the JSON format.
pub const FORMAT: &str = "countermark-roles/1";

/// Which projects are shown; empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// These.
    pub projects: BTreeSet<ProjectName>,
    /// Those on which one of these accounts holds a role.
    pub accounts: BTreeSet<String>,
    /// Those of these teams.
    pub teams: BTreeSet<String>,
}

/// One project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub project: ProjectName,
    /// Its team, by the records.
    pub team: Option<String>,
    /// Its organisation on the index.
    pub organization: Option<String>,
    /// Who holds roles; or why that is not known.
    pub holders: Result<Vec<Holder>, String>,
    /// Why nobody is compared with anybody; `None` for a project of ours.
    pub not_ours: Option<&'static str>,
}

/// Somebody with a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The account.
    pub account: String,
    /// Its role.
    pub kind: RoleKind,
    /// What is known of it.
    pub relation: Relation,
}

/// What is known of an account with a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// It uploads releases.
    Release,
    /// It is expected.
    Expected,
    /// It is kept on purpose.
    Kept,
    /// Its person left.
    Left,
    /// Nobody expects it.
    Stranger,
    /// Nobody can say: the project is not ours, or nobody is expected anywhere.
    Unjudged,
}

impl Relation {
    /// The word in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Release => "release account",
            Self::Expected => "expected",
            Self::Kept => "kept",
            Self::Left => "left",
            Self::Stranger => "not expected",
            Self::Unjudged => "",
        }
    }
}

/// What a role allows, as the index has it.
#[must_use]
pub fn rights(kind: &RoleKind) -> &'static str {
    match kind {
        RoleKind::Owner => "upload, yank, delete, change roles",
        RoleKind::Maintainer => "upload",
        RoleKind::Other(_) => "not known; counted as upload",
    }
}

impl Row {
    /// One project as a row.
    #[must_use]
    pub fn of(dossier: &Dossier<'_>) -> Self {
        let not_ours = match &dossier.identity {
            Identity::Ours => None,
            Identity::ByCustody => Some("by custody not ours alone"),
            Identity::Departed { .. } => Some("left with its authors"),
            Identity::Foreign { .. } => Some("another project's name"),
            Identity::Absent => Some("not on the index"),
            Identity::Unread => Some("not read"),
        };
        let holders = match (&dossier.facts.presence, &dossier.facts.roles) {
            (Presence::Unread(reason), _) => Err(format!("not read: {reason}")),
            (Presence::Absent, _) => Err("not on the index".to_owned()),
            (Presence::Present, None) => Err("the index does not say".to_owned()),
            (Presence::Present, Some(roles)) => {
                let mut holders: Vec<Holder> = roles
                    .iter()
                    .map(|role| Holder {
                        account: role.account.clone(),
                        kind: role.kind.clone(),
                        relation: relation(dossier, &role.account, &role.kind),
                    })
                    .collect();
                holders.sort_by(|a, b| (&a.kind, &a.account).cmp(&(&b.kind, &b.account)));
                Ok(holders)
            }
        };
        Self {
            project: dossier.name.clone(),
            team: dossier.records.and_then(|it| it.team.as_deref()).map(str::to_owned),
            organization: dossier.facts.organization.clone(),
            holders,
            not_ours,
        }
    }

    /// Whether a filter lets it through.
    #[must_use]
    pub fn passes(&self, filter: &Filter) -> bool {
        let holders = self.holders.as_deref().unwrap_or_default();
        let held = |wanted: &String| holders.iter().any(|it| same_account(&it.account, wanted));
        (filter.projects.is_empty() || filter.projects.contains(&self.project))
            && (filter.accounts.is_empty() || filter.accounts.iter().any(held))
            && (filter.teams.is_empty()
                || self.team.as_ref().is_some_and(|team| filter.teams.contains(team)))
    }
}

fn relation(dossier: &Dossier<'_>, account: &str, kind: &RoleKind) -> Relation {
    let (federation, context): (&Federation, _) = (dossier.context.federation, dossier.context);
    let today = today(context.now);
    let is_in = |set: &BTreeSet<String>| set.iter().any(|it| same_account(it, account));
    let expected = &dossier.expected;
    let knows = !expected.owners.is_empty() || !expected.maintainers.is_empty();
    let is_kept = || {
        federation.kept.iter().any(|kept| {
            kept.project == *dossier.name
                && same_account(&kept.account, account)
                && kept.role.as_ref().is_none_or(|role| RoleKind::parse(role) == *kind)
                && kept.expires >= today
        })
    };
    if holder_left(federation, account, today).is_some() {
        Relation::Left
    } else if is_in(&context.release_accounts) {
        Relation::Release
    } else if is_in(&expected.owners) || is_in(&expected.maintainers) {
        Relation::Expected
    } else if is_kept() {
        Relation::Kept
    } else if dossier.identity == Identity::Ours && (knows || !context.release_accounts.is_empty())
    {
        Relation::Stranger
    } else {
        Relation::Unjudged
    }
}

/// The table as text: a line for each role.
#[must_use]
pub fn text(rows: &[Row]) -> String {
    let mut out = aligned(&lines(rows));
    let kinds = kinds(rows);
    if !kinds.is_empty() {
        out.push('\n');
    }
    for kind in kinds {
        out.push_str(&format!("{} can: {}\n", harmless(kind.name()), rights(kind)));
    }
    out
}

/// The same in Markdown.
#[must_use]
pub fn markdown(rows: &[Row]) -> String {
    let mut out = "| project | role | account | |\n|---|---|---|---|\n".to_owned();
    for line in lines(rows) {
        // What is not a name here is a reason, which may come from an index.
        let cells = line.map(|cell| escaped(&cell).replace('|', "\\|"));
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    let kinds = kinds(rows);
    if !kinds.is_empty() {
        out.push('\n');
    }
    for kind in kinds {
        out.push_str(&format!("- {} can: {}\n", escaped(kind.name()), rights(kind)));
    }
    out
}

fn kinds(rows: &[Row]) -> Vec<&RoleKind> {
    let holders = rows.iter().filter_map(|row| row.holders.as_ref().ok()).flatten();
    let mut kinds: Vec<&RoleKind> = holders.map(|holder| &holder.kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// Project, role, account and note.
fn lines(rows: &[Row]) -> Vec<[String; 4]> {
    let mut lines: Vec<[String; 4]> = Vec::new();
    for row in rows {
        let project = || row.project.to_string();
        let nobody = |reason: &str| [project(), "-".into(), "-".into(), reason.to_owned()];
        match &row.holders {
            Err(reason) => lines.push(nobody(reason)),
            Ok(holders) if holders.is_empty() => lines.push(nobody("nobody holds a role")),
            Ok(holders) => lines.extend(holders.iter().map(|holder| {
                let note = row.not_ours.unwrap_or(holder.relation.name());
                let (role, account) = (holder.kind.name().to_owned(), holder.account.clone());
                [project(), role, account, note.to_owned()]
            })),
        }
        if let Some(organization) = &row.organization {
            lines.push([project(), "Organization".into(), organization.clone(), String::new()]);
        }
    }
    // Accounts and reasons are the index's text: each stays in its cell, and looks like no other.
    for cell in lines.iter_mut().flatten().filter(|cell| cell.contains(acts)) {
        *cell = harmless(cell).into_owned();
    }
    lines
}

fn aligned(lines: &[[String; 4]]) -> String {
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2)];
    let mut out = String::new();
    for [project, kind, account, note] in lines {
        let [a, b, c] = widths;
        let line = format!("{project:a$}  {kind:b$}  {account:c$}  {note}");
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[derive(Serialize)]
struct Json<'a> {
    format: &'static str,
    projects: Vec<JsonRow<'a>>,
}

#[derive(Serialize)]
struct JsonRow<'a> {
    project: &'a str,
    team: Option<&'a str>,
    organization: Option<&'a str>,
    /// `null` when it is not known, and then `unknown` says why.
    roles: Option<Vec<JsonRole<'a>>>,
    unknown: Option<&'a str>,
    not_ours: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonRole<'a> {
    role: &'a str,
    account: &'a str,
    relation: &'static str,
}

/// As JSON, see [`FORMAT`].
///
/// # Errors
/// When it cannot be written as JSON, which does not happen.
pub fn json(rows: &[Row]) -> Result<String, serde_json::Error> {
    fn role(holder: &Holder) -> JsonRole<'_> {
        let Holder { account, kind, relation } = holder;
        let relation = match relation {
            Relation::Release => "release",
            Relation::Expected => "expected",
            Relation::Kept => "kept",
            Relation::Left => "left",
            Relation::Stranger => "stranger",
            Relation::Unjudged => "unjudged",
        };
        JsonRole { role: kind.name(), account, relation }
    }
    let projects = rows.iter().map(|row| JsonRow {
        project: row.project.as_str(),
        team: row.team.as_deref(),
        organization: row.organization.as_deref(),
        roles: row.holders.as_ref().ok().map(|holders| holders.iter().map(role).collect()),
        unknown: row.holders.as_ref().err().map(String::as_str),
        not_ours: row.not_ours,
    });
    let json = Json { format: FORMAT, projects: projects.collect() };
    serde_json::to_string_pretty(&json).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::Person;
    use crate::record::ProjectRecords;
    use crate::roles::fixture::{Project, World, name, set};

    fn world() -> World {
        let mut world = World::new(vec![
            Project::new("kettle", "Owner:CI Maintainer:zoe Owner:ann"),
            Project::new("jug", ""),
            Project::new("teapot", ""),
            Project::new("mug", "Owner:kim"),
        ]);
        world.projects[2].facts.roles = None;
        world.projects[3].identity = Identity::Foreign { reason: "x".into() };
        world.projects[1].facts.organization = Some("pots".into());
        let person = Person { left: Some("2026-01-01".parse().unwrap()), ..Person::default() };
        world.federation.people.insert("ann".into(), person);
        let records = ProjectRecords { team: Some("brew".into()), ..ProjectRecords::default() };
        world.records.projects.insert(name("kettle"), records);
        world
    }

    fn rows(world: &World, filter: &Filter) -> Vec<Row> {
        world.with(|dossiers, _| {
            dossiers.iter().map(Row::of).filter(|row| row.passes(filter)).collect()
        })
    }

    #[test]
    fn the_table_says_who_can_do_what() {
        let shown = text(&rows(&world(), &Filter::default()));
        let expect = "\
kettle  Owner         CI    release account
kettle  Owner         ann   left
kettle  Maintainer    zoe   not expected
jug     -             -     nobody holds a role
jug     Organization  pots
teapot  -             -     the index does not say
mug     Owner         kim   another project's name

Owner can: upload, yank, delete, change roles
Maintainer can: upload
";
        assert_eq!(shown, expect);
        assert_eq!(text(&[]), "");
        let shown = markdown(&rows(&world(), &Filter::default()));
        assert!(shown.contains("\n| kettle | Owner | CI | release account |\n"), "{shown}");
        assert!(shown.ends_with(
            "\n\n- Owner can: upload, yank, delete, change roles\n- Maintainer can: upload\n"
        ));
    }

    #[test]
    fn hostile_names_stay_in_their_cells() {
        let mut world = World::of("kettle", "Owner:ci");
        let role = &mut world.projects[0].facts.roles.as_mut().unwrap()[0];
        role.account = "a\nb|<i>[x](y)`".into();
        role.kind = crate::fact::RoleKind::Other("x\n# <b>\u{200b}".into());
        let rows = rows(&world, &Filter::default());
        let shown = text(&rows);
        let line = "kettle  x\\n# <b>\\u{200b}  a\\nb|<i>[x](y)`  not expected\n\n";
        assert!(shown.starts_with(line), "{shown}");
        assert!(shown.contains("\nx\\n# <b>\\u{200b} can: "), "{shown}");
        let shown = markdown(&rows);
        assert!(shown.contains("| a\\\\nb\\|\\<i>\\[x](y)\\` | not expected |\n"), "{shown}");
        assert!(shown.contains("\n- x # \\<b>\\\\u{200b} can: "), "{shown}");
    }

    #[test]
    fn filters_narrow_it() {
        let shown = |filter: &Filter| -> Vec<String> {
            rows(&world(), filter).iter().map(|row| row.project.to_string()).collect()
        };
        let all = Filter::default();
        assert_eq!(shown(&all).len(), 4);
        let projects = [name("mug"), name("jug")].into();
        assert_eq!(shown(&Filter { projects, ..all.clone() }), ["jug", "mug"]);
        let accounts = |text| Filter { accounts: set(text), ..Filter::default() };
        assert_eq!(shown(&accounts("ci")), ["kettle"]);
        assert_eq!(shown(&accounts("kim ANN")), ["kettle", "mug"]);
        assert_eq!(shown(&accounts("nobody")), [""; 0]);
        assert_eq!(shown(&Filter { teams: set("brew"), ..all.clone() }), ["kettle"]);
        assert_eq!(shown(&Filter { teams: set("brew"), ..accounts("kim") }), [""; 0]);
    }

    #[test]
    fn json_tells_unknown_from_none() {
        let json = json(&rows(&world(), &Filter::default())).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["format"], FORMAT);
        let projects = json["projects"].as_array().unwrap();
        assert_eq!(projects[0]["team"], "brew");
        assert_eq!(
            projects[0]["roles"][1],
            serde_json::json!({"role": "Owner", "account": "ann", "relation": "left"})
        );
        assert_eq!(projects[1]["roles"], serde_json::json!([]));
        assert_eq!(projects[2]["roles"], serde_json::Value::Null);
        assert_eq!(projects[2]["unknown"], "the index does not say");
        assert_eq!(projects[3]["roles"][0]["relation"], "unjudged");
    }
}
