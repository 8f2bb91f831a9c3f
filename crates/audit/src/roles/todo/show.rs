//! The list of things to do, as text, Markdown and JSON.

use countermark_packaging::name::ProjectName;
use serde::Serialize;

use super::{Action, Actor, Round, Step, Todo};
use crate::incident::escaped;
use crate::report::harmless::harmless;

/// The name of the JSON format.
pub const FORMAT: &str = "countermark-roles-todo/1";

/// In lines of text, a part after the other.
#[must_use]
pub fn text(todo: &Todo) -> String {
    render(todo, "", "  ", &|line| harmless(line).into_owned())
}

/// As a checklist in Markdown.
#[must_use]
pub fn markdown(todo: &Todo) -> String {
    render(todo, "## ", "- [ ] ", &escaped)
}

/// Accounts, kinds of roles and reasons are the index's text: `shown` keeps each line one line.
fn render(todo: &Todo, heading: &str, item: &str, shown: &dyn Fn(&str) -> String) -> String {
    if todo.is_empty() {
        return "nothing to do: every project has the roles that are expected\n".to_owned();
    }
    let mut out = String::new();
    let mut rounds: Vec<Round> = todo.tasks.iter().map(|task| task.step.round).collect();
    rounds.dedup();
    for (number, round) in (1..).zip(rounds) {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&format!("{heading}{number}. {}\n\n", title(round)));
        let mut last = None;
        for task in todo.tasks.iter().filter(|task| task.step.round == round) {
            if last != Some(&task.step.actor) {
                let gap = if last.is_some() { "\n" } else { "" };
                out.push_str(&format!("{gap}{}\n", shown(&actor(todo, &task.step.actor))));
                if !heading.is_empty() {
                    out.push('\n');
                }
            }
            last = Some(&task.step.actor);
            let projects = projects(&task.projects);
            let sentence = sentence(&task.step);
            out.push_str(&format!("{item}{}\n", shown(&format!("{sentence}: {projects}"))));
        }
    }
    if !todo.undecided.is_empty() {
        out.push_str(&format!("\n{heading}Not decided\n\n"));
        for (project, reason) in &todo.undecided {
            out.push_str(&format!("{item}{}\n", shown(&format!("{project}: {reason}"))));
        }
    }
    out
}

fn title(round: Round) -> &'static str {
    match round {
        Round::Ask => {
            "Ask others to make one of us an owner; the index's support if nobody answers"
        }
        Round::AcceptAsked => "Accept that, and see that it works",
        Round::Add => "Add who is missing",
        Round::AcceptAdded => "Accept that, and see that it works",
        Round::Remove => "Only then: remove who should not be there",
        Round::Demote => "Last: owners who should be maintainers step down",
    }
}

fn actor(todo: &Todo, actor: &Actor) -> String {
    match actor {
        Actor::Support => "The index's support (a request under PEP 541):".to_owned(),
        Actor::Account(account) => match todo.contacts.get(account) {
            Some(contact) => format!("`{account}` ({contact}):"),
            None => format!("`{account}`:"),
        },
    }
}

fn sentence(step: &Step) -> String {
    let kind = |kind: &crate::fact::RoleKind| kind.name().to_ascii_lowercase();
    let account = &step.account;
    match &step.action {
        Action::Add(role) => format!("make `{account}` {}", kind(role)),
        Action::Accept(role) => {
            format!("accept the invitation, and see that the page says {}", kind(role))
        }
        Action::Remove(role) => format!("remove `{account}` ({})", kind(role)),
        Action::Demote => format!("make `{account}` maintainer in place of owner"),
    }
}

fn projects(names: &[ProjectName]) -> String {
    let names: Vec<&str> = names.iter().map(ProjectName::as_str).collect();
    names.join(", ")
}

#[derive(Serialize)]
struct Json<'a> {
    format: &'static str,
    steps: Vec<JsonStep<'a>>,
    undecided: Vec<JsonUndecided<'a>>,
}

#[derive(Serialize)]
struct JsonStep<'a> {
    round: &'static str,
    /// `null` for the people who run the index.
    actor: Option<&'a str>,
    contact: Option<&'a str>,
    action: &'static str,
    account: &'a str,
    role: Option<&'a str>,
    projects: Vec<&'a str>,
}

#[derive(Serialize)]
struct JsonUndecided<'a> {
    project: &'a str,
    reason: &'a str,
}

/// As JSON, see [`FORMAT`].
///
/// # Errors
/// When it cannot be written as JSON, which does not happen.
pub fn json(todo: &Todo) -> Result<String, serde_json::Error> {
    let steps = todo.tasks.iter().map(|task| {
        let step = &task.step;
        let actor = match &step.actor {
            Actor::Account(account) => Some(account.as_str()),
            Actor::Support => None,
        };
        let (action, role) = match &step.action {
            Action::Add(kind) => ("add", Some(kind.name())),
            Action::Accept(kind) => ("accept", Some(kind.name())),
            Action::Remove(kind) => ("remove", Some(kind.name())),
            Action::Demote => ("demote", Some("Maintainer")),
        };
        JsonStep {
            round: match step.round {
                Round::Ask => "ask",
                Round::AcceptAsked => "accept-asked",
                Round::Add => "add",
                Round::AcceptAdded => "accept-added",
                Round::Remove => "remove",
                Round::Demote => "demote",
            },
            actor,
            contact: actor.and_then(|actor| todo.contacts.get(actor)).map(String::as_str),
            action,
            account: &step.account,
            role,
            projects: task.projects.iter().map(ProjectName::as_str).collect(),
        }
    });
    let undecided = todo.undecided.iter();
    let json = Json {
        format: FORMAT,
        steps: steps.collect(),
        undecided: undecided
            .map(|(project, reason)| JsonUndecided { project: project.as_str(), reason })
            .collect(),
    };
    serde_json::to_string_pretty(&json).map(|text| text + "\n")
}
