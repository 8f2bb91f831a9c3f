//! `--browser`: the same as a page for this machine alone.

use std::process::{Command, Stdio};
use std::time::Duration;

use countermark_client::report::{Note, Problem, Reporter as _};
use countermark_service::inspect::{Address, Desk, Ended, serve};
use countermark_trust::Class;

use super::Subject;
use crate::cli::vet::BrowserArgs;
use crate::commands::Outcome;
use crate::commands::log::operator::serve::until;
use crate::output;
use crate::progress::Teller;
use crate::setup;

/// Programs that open an address in the browser of the user.
const OPENERS: [&str; 2] = ["xdg-open", "open"];

/// Serves the page until it is stopped.
pub(super) fn run(subject: Subject, arguments: &BrowserArgs, teller: &Teller) -> Outcome {
    let stopped = setup::interrupted();
    let next = subject.next.clone();
    let desk = Desk {
        reading: subject.reading,
        marks: subject.marks,
        title: subject.title,
        by: subject.by,
        next: subject.next,
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| {
        let message = format!("the runtime cannot be set up: {error}");
        vec![Problem::new("runtime", Class::Unavailable, message)]
    })?;
    let listening = |address: &Address| {
        output::print(&address.page);
        teller.line(
            "for this machine alone; it ends with its button, with Ctrl-C, or when nobody reads",
        );
        if arguments.open && !open(&address.once) {
            teller
                .note(Note::new("inspect-no-browser", "no program was found that opens a browser"));
        }
    };
    let idle = Duration::from_secs(arguments.idle * 60);
    let ended = runtime.block_on(serve(desk, idle, listening, until(&stopped)));
    let ended = ended.map_err(|error| vec![Problem::of(error.code(), error.class(), &error)])?;
    teller.line(match ended {
        Ended::Button => "ended by its button",
        Ended::Signal => "ended",
        Ended::Idle => "ended: nobody read for long",
    });
    teller.line(&format!("when you have read it: {next}"));
    Ok(0)
}

/// Whether a program for it was started. It gets an address that leads in once, since other users of the
/// machine can see the arguments of programs.
fn open(address: &str) -> bool {
    let chosen = setup::variable("BROWSER").and_then(|it| it.into_string().ok());
    let chosen = chosen.and_then(|it| shlex::split(it.split(':').next().unwrap_or_default()));
    let own = chosen.filter(|words| !words.is_empty());
    let all = own.into_iter().chain(OPENERS.iter().map(|name| vec![(*name).to_owned()]));
    all.into_iter().any(|words| {
        let mut command = Command::new(&words[0]);
        command.args(words[1..].iter().filter(|word| *word != "%s")).arg(address);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().is_ok()
    })
}
