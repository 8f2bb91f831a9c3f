//! The plan for pulling one release.

use jiff::Timestamp;

use super::{Item, Material, Page, Unknown, find_release};
use crate::constraints::pins_release;
use crate::dossier::{ConstraintPin, Dossier, Judgement, ReleaseCase};
use crate::fact::{IndexFile, Presence, Role, RoleKind};
use crate::report::harmless::harmless;
use crate::roles::table::{Holder, Relation, Row};
use crate::roles::{listed, same_account};

/// More pins than this are counted.
const PINS: usize = 50;

/// The plan for a release.
///
/// # Errors
/// When neither the index nor the records know the release.
pub fn release(
    dossier: &Dossier<'_>,
    version: &str,
    material: Material<'_>,
) -> Result<Page, Unknown> {
    let case = find_release(dossier, version)?;
    let files = case.index.map(|release| release.files.as_slice()).unwrap_or_default();
    let plan = Plan { dossier, case, files, row: Row::of(dossier) };
    let (exact, open) = pins(dossier, case, material);
    let mut page = Page::new(format!("Pulling {} {}", dossier.name, case.text));
    page.add("What is known", plan.known());
    page.add("Who holds which role now", plan.roles());
    page.add("First: stop it", plan.stop());
    page.add("Yank, then perhaps delete", plan.pull());
    page.add("Close the way in", plan.revoke());
    page.add("Copies", plan.copies());
    page.add("Who has it pinned", shown_pins(&exact, &open, material));
    page.add("After it", plan.after());
    page.add("Files", plan.file_list());
    page.add("A notice to send", vec![Item::Text(plan.notice())]);
    page.add("What was done so far", done(material, dossier, case));
    Ok(page)
}

struct Plan<'a, 'b> {
    dossier: &'b Dossier<'a>,
    case: &'b ReleaseCase<'a>,
    files: &'b [IndexFile],
    row: Row,
}

impl Plan<'_, '_> {
    fn known(&self) -> Vec<Item> {
        let mut items = vec![Item::Point(self.judgement())];
        let mut point = |text: String| items.push(Item::Point(text));
        if let Some(first) = self.files.iter().filter_map(|file| file.uploaded).min() {
            let last = self.files.iter().filter_map(|file| file.uploaded).max().unwrap_or(first);
            let (first, last) = (moment(first), moment(last));
            point(format!("uploaded from {first} to {last}; files: {}", self.files.len()));
        } else if self.case.index.is_some() {
            point(format!("{} files; the index does not say when", self.files.len()));
        } else {
            point("not on the index".to_owned());
        }
        for official in &self.case.official {
            let place = official.place.as_deref().unwrap_or("the records");
            let commit = official.commit.map_or_else(String::new, |it| format!(", commit {it}"));
            let approved = official
                .approved
                .map_or_else(String::new, |at| format!(", approved {}", moment(at)));
            point(format!("in {place}{commit}{approved}"));
        }
        let yanked = self.files.iter().filter(|file| file.yanked.is_some()).count();
        if yanked > 0 {
            point(format!("{yanked} of {} files are yanked already", self.files.len()));
        }
        let others = self.other_suspects();
        if !others.is_empty() {
            let others = listed(others);
            point(format!("nothing explains {others} either: each needs a plan of its own"));
        }
        if let Presence::Unread(reason) = &self.dossier.facts.presence {
            point(format!("the index was not read ({reason}): look again before acting"));
        }
        items
    }

    /// Other releases that nobody of ours is known to have made.
    fn other_suspects(&self) -> Vec<&str> {
        let others = self.dossier.releases.iter().filter(|it| it.text != self.case.text);
        others.filter(|it| is_suspect(it)).map(|it| it.text).collect()
    }

    fn judgement(&self) -> String {
        let text = match &self.case.judgement {
            Judgement::Official => "made by us: it is in the records",
            Judgement::OnceListed => "the records listed it once",
            Judgement::OtherName(_) => "the records list it under another name",
            Judgement::Placeholder => "a placeholder without files",
            Judgement::BeforeRecords => "from before the records begin",
            Judgement::AfterRecords => "from after the day that the records reach",
            Judgement::TheirOwn => "made by those to whom the name was given",
            Judgement::Departed => "made by those with whom the project left",
            Judgement::Foreign => "of another project that has this name",
            Judgement::Tagged => "only a tag of the repository knows it",
            Judgement::Development => "a development version that no record knows",
            Judgement::Unexplained => {
                "nothing explains it: nobody of ours is known to have made it"
            }
            Judgement::Missing(_) => "in the records, and not on the index",
        };
        text.to_owned()
    }

    fn held(&self) -> &[Role] {
        self.dossier.facts.roles.as_deref().unwrap_or_default()
    }

    fn roles(&self) -> Vec<Item> {
        let mut items = Vec::new();
        match &self.row.holders {
            Err(reason) => items.push(Item::Sentence(format!(
                "Not known: {reason}. Owners see it on the project's page."
            ))),
            Ok(holders) => items.extend(holders.iter().map(|holder| {
                let relation = match holder.relation {
                    Relation::Unjudged => String::new(),
                    known => format!(" ({})", known.name()),
                };
                let rights = crate::roles::table::rights(&holder.kind);
                Item::Point(format!(
                    "{} `{}`{relation}: {rights}",
                    holder.kind.name(),
                    holder.account
                ))
            })),
        }
        if let Some(organization) = &self.row.organization {
            let text = format!("The owners of the organisation `{organization}` can do it too.");
            items.push(Item::Sentence(text));
        }
        items
    }

    /// Owners who are ours; they do what follows.
    fn managers(&self) -> Vec<&str> {
        let ours =
            |relation| matches!(relation, Relation::Release | Relation::Expected | Relation::Kept);
        let holders = self.row.holders.as_deref().unwrap_or_default().iter();
        holders
            .filter(|it| it.kind == RoleKind::Owner && ours(it.relation))
            .map(|holder| holder.account.as_str())
            .collect()
    }

    fn who(&self) -> String {
        let managers = self.managers();
        if !managers.is_empty() {
            return listed(managers);
        }
        let owners = self.held().iter().filter(|role| role.kind == RoleKind::Owner);
        let owners: Vec<&str> = owners.map(|role| role.account.as_str()).collect();
        if owners.is_empty() {
            "the index's security contact (no owner is known)".to_owned()
        } else {
            let owners = listed(owners);
            format!("{owners} if they can be trusted, else the index's security contact")
        }
    }

    fn stop(&self) -> Vec<Item> {
        let mut tasks = vec![
            "Name one person who leads this, and write down the time.".to_owned(),
            "Stop the jobs that publish this project, so that nothing is uploaded meanwhile."
                .to_owned(),
            "Keep a copy of each file below, with its digest, where it cannot be deleted: it is the \
             evidence, and after a deletion nobody has it any more."
                .to_owned(),
        ];
        if !matches!(self.case.judgement, Judgement::Official) {
            let text = "Tell the index's security contact now: it can freeze the project and keep \
                        what it knows of the upload.";
            tasks.push(text.to_owned());
        }
        tasks.into_iter().map(Item::Task).collect()
    }

    fn pull(&self) -> Vec<Item> {
        let open: Vec<&str> = self
            .files
            .iter()
            .filter(|file| file.yanked.is_none())
            .map(|file| file.filename.as_str())
            .collect();
        if self.files.is_empty() {
            let text = "The index has no file of it: there is nothing to yank.";
            return vec![Item::Sentence(text.to_owned())];
        }
        let (name, version) = (self.dossier.name, self.case.text);
        let mut items = Vec::new();
        if open.is_empty() {
            items.push(Item::Sentence("All of its files are yanked already.".to_owned()));
        } else {
            items.push(Item::Task(format!(
                "Yank the release {name} {version} on the index, with a reason that names the \
                 notice ({}). Installers then pass it over, except where it is pinned.",
                self.who()
            )));
        }
        items.push(Item::Task(
            "See in the simple API that each file is yanked, and that mirrors follow.".to_owned(),
        ));
        items.push(Item::Task(
            "Delete only if the files do harm where they are pinned, the copies are kept, and the \
             index's security contact has seen them: a deletion cannot be undone, breaks whoever has \
             pinned it, and a deleted file's name cannot be used again."
                .to_owned(),
        ));
        if self.is_highest() {
            items.push(Item::Sentence(match self.next_best() {
                Some(best) if is_suspect(best) => format!(
                    "Without it, installers take {} by default, which nothing explains either: yank \
                     it too.",
                    best.text
                ),
                Some(best) => format!("Without it, installers take {} by default.", best.text),
                None => "Without it, no other release is left that installers take by default."
                    .to_owned(),
            }));
        }
        items
    }

    fn revoke(&self) -> Vec<Item> {
        let (name, mut tasks) = (self.dossier.name, Vec::new());
        let holders = self.row.holders.as_deref().unwrap_or_default();
        let (unwanted, ours): (Vec<&Holder>, Vec<&Holder>) = holders
            .iter()
            .partition(|it| matches!(it.relation, Relation::Stranger | Relation::Left));
        for account in ours.iter().map(|holder| &holder.account) {
            let services = self.dossier.context.federation.services.iter();
            let services = services
                .filter(|it| it.account.as_deref().is_some_and(|it| same_account(it, account)));
            let people: Vec<&str> =
                services.flat_map(|it| &it.holders).map(String::as_str).collect();
            let by = if people.is_empty() {
                String::new()
            } else {
                format!(" (held by {})", people.join(", "))
            };
            tasks.push(format!(
                "`{account}`{by}: revoke every token that reaches {name}, whether made for it or for \
                 the whole account; make new ones only after the cause is known."
            ));
        }
        if !unwanted.is_empty() {
            let names = listed(unwanted.iter().map(|it| it.account.as_str()));
            tasks.push(format!(
                "{names}: what tokens they have is theirs to revoke. Their tokens end for {name} when \
                 they are removed from it, in the order that `countermark roles --todo --project \
                 {name}` gives; the index's security contact can freeze the accounts."
            ));
        }
        tasks.push(format!(
            "On the page of {name} for publishing, remove every trusted publisher that nobody of \
             ours put there, also pending ones. Only owners see that list ({}).",
            self.who()
        ));
        tasks.push(
            "Replace the secrets of the job that uploads, if it could be read by whoever did this."
                .to_owned(),
        );
        tasks.into_iter().map(Item::Task).collect()
    }

    fn copies(&self) -> Vec<Item> {
        let mut items = Vec::new();
        let official = self.case.official.iter().flat_map(|official| &official.files);
        let mut names: Vec<&str> = official.map(|file| &*file.filename).collect();
        names.sort_unstable();
        names.dedup();
        if !names.is_empty() {
            let names = listed(names);
            items.push(Item::Task(format!("Take {names} off the publisher's own artifact host.")));
        }
        for service in &self.dossier.context.federation.services {
            if service.kind == "image-registry" {
                let text = format!("{}: find images that contain it, rebuild them.", service.name);
                items.push(Item::Task(text));
            }
        }
        items.push(Item::Task(
            "Private indexes and mirrors of ours: remove it there too; a yank does not reach caches."
                .to_owned(),
        ));
        items
    }

    /// Whether no other release is above it.
    fn is_highest(&self) -> bool {
        self.case.version.as_ref().is_some_and(|this| {
            self.dossier
                .releases
                .iter()
                .filter(|release| release.index.is_some())
                .all(|release| release.version.as_ref().is_none_or(|version| version <= this))
        })
    }

    /// What is left for installers to take.
    fn next_best(&self) -> Option<&ReleaseCase<'_>> {
        let is_open = |release: &&ReleaseCase<'_>| {
            let files = release.index.map(|it| it.files.as_slice()).unwrap_or_default();
            let version = release.version.as_ref();
            release.text != self.case.text
                && version.is_some_and(|version| !version.any_prerelease())
                && files.iter().any(|file| file.yanked.is_none())
        };
        self.dossier.releases.iter().filter(is_open).max_by_key(|release| &release.version)
    }

    fn after(&self) -> Vec<Item> {
        let name = self.dossier.name;
        [
            format!(
                "Release a good version above {}, made by the usual job, so that whoever updates \
                 leaves it.",
                self.case.text
            ),
            "Send the notice below to everybody who may have installed it.".to_owned(),
            "Write into the records, or into `federation.toml` under `[[accept]]`, what became of \
             it, so that the next audit does not report it again."
                .to_owned(),
            format!("Run `countermark audit --project {name}` until it has nothing to say."),
        ]
        .into_iter()
        .map(Item::Task)
        .collect()
    }

    fn file_list(&self) -> Vec<Item> {
        let line = |file: &IndexFile| {
            let digest =
                file.sha256.map_or_else(|| "no digest known".to_owned(), |it| it.to_string());
            let size = file.size.map_or_else(String::new, |size| format!(", {size} bytes"));
            let uploaded = file.uploaded.map_or_else(String::new, |at| format!(", {}", moment(at)));
            let yanked = if file.yanked.is_some() { ", yanked" } else { "" };
            Item::Point(format!("{} {digest}{size}{uploaded}{yanked}", file.filename))
        };
        self.files.iter().map(line).collect()
    }

    fn notice(&self) -> String {
        // What is copied into a mail has lines: the index's texts make none of their own.
        let (name, version) = (self.dossier.name, harmless(self.case.text));
        let federation = self.dossier.context.federation;
        let who = federation.name.as_deref().unwrap_or("the release team");
        let origin = match self.case.judgement {
            Judgement::Official | Judgement::OnceListed | Judgement::OtherName(_) => {
                "It was made by us and must not be used: <the reason>."
            }
            _ => "It was not made by us.",
        };
        let mut text = format!(
            "Subject: {name} {version} on the package index must not be used\n\n\
             {name} {version} is being removed from the package index. {origin}\n\n\
             If you have it: remove it, install another version, and look at what it could do where \
             it ran. <what is known of the damage>\n\nTo find it, look for these digests:\n\n"
        );
        for file in self.files {
            let digest =
                file.sha256.map_or_else(|| "digest not known".to_owned(), |it| it.to_string());
            text.push_str(&format!("  {}  {digest}\n", harmless(&file.filename)));
        }
        if self.files.is_empty() {
            text.push_str("  <no file was ever seen on the index>\n");
        }
        // Nobody is sent to another release that nobody of ours made.
        if let (true, Some(best)) =
            (self.is_highest(), self.next_best().filter(|it| !is_suspect(it)))
        {
            text.push_str(&format!("\nThe release before it is {}.\n", harmless(best.text)));
        }
        let contact = federation.contact.as_deref().unwrap_or("<how to reach us>");
        text.push_str(&format!("\nQuestions: {contact}\n\n{who}\n"));
        text
    }
}

fn is_suspect(release: &ReleaseCase<'_>) -> bool {
    matches!(release.judgement, Judgement::Unexplained | Judgement::Development)
}

/// A moment without fractions of a second.
fn moment(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// Pins on this release, and lines that allow several versions of its project.
fn pins<'a>(
    dossier: &'a Dossier<'_>,
    case: &ReleaseCase<'_>,
    material: Material<'a>,
) -> (Vec<&'a ConstraintPin>, Vec<&'a ConstraintPin>) {
    let given = material.pins.pins.iter().filter(|(name, _)| name == dossier.name);
    let known = dossier.context.constraints.get(dossier.name).into_iter().flatten();
    let mut all: Vec<&ConstraintPin> = given.map(|(_, pin)| pin).chain(known).collect();
    all.sort_by(|a, b| a.place.cmp(&b.place));
    all.dedup();
    let exact = all.iter().copied().filter(|pin| pins_release(pin, case.text)).collect();
    (exact, all.into_iter().filter(|pin| pin.version.is_none()).collect())
}

fn shown_pins(
    exact: &[&ConstraintPin],
    open: &[&ConstraintPin],
    material: Material<'_>,
) -> Vec<Item> {
    let mut items = Vec::new();
    for pin in exact.iter().take(PINS) {
        items.push(Item::Task(format!("{} pins it: change the line", pin.place)));
    }
    if exact.len() > PINS {
        items.push(Item::Sentence(format!("And {} more lines.", exact.len() - PINS)));
    }
    for pin in open.iter().take(PINS) {
        items.push(Item::Point(format!("{} allows several versions, perhaps it", pin.place)));
    }
    for line in material.pins.unusable.iter().take(PINS) {
        items.push(Item::Point(format!("not understood, look yourself: {line}")));
    }
    if exact.is_empty() {
        let text = "None of the files that were given pins it (`--pins FILE` gives more).";
        items.insert(0, Item::Sentence(text.to_owned()));
    }
    items
}

fn done(material: Material<'_>, dossier: &Dossier<'_>, case: &ReleaseCase<'_>) -> Vec<Item> {
    let mut items: Vec<Item> = material
        .log
        .iter()
        .map(|entry| Item::Point(format!("{} {}: {}", moment(entry.at), entry.who, entry.what)))
        .collect();
    if items.is_empty() {
        items.push(Item::Sentence("Nothing is written down yet.".to_owned()));
    }
    // The version is the index's text, and the command below may be copied into a shell.
    let version = case.version.as_ref().map_or_else(String::new, |it| format!("-{it}"));
    let default = format!("incident-{}{}.jsonl", dossier.name, version.replace('!', "_"));
    let file = material.log_file.unwrap_or(&default);
    items.push(Item::Sentence(format!(
        "Write each step down when it is done: `countermark incident log --log {file} --who NAME \
         WHAT`"
    )));
    items
}
