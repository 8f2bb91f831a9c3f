//! `log observer` and `log witness`: who may append, who is asked to cosign.

use countermark_client::report::Problem;
use countermark_service::log::config::Cosigner;
use countermark_tlog::note::VerifierKey;
use countermark_trust::Class;
use countermark_trust::log::record::Observer;

use super::super::super::Outcome;
use crate::cli::log_operator::{LogObserverCommand, LogWitnessCommand};
use crate::output;

/// Runs `log observer`.
pub(super) fn observer(command: LogObserverCommand) -> Outcome {
    match command {
        LogObserverCommand::Add { folder, observer, key } => {
            let observer = parse(&observer)?;
            let mut folder = super::open(&folder)?;
            let added = folder.add_observer(observer.clone(), key.as_deref());
            let (key, made) = added.map_err(|error| super::problems(&error))?;
            output::print(&format!("{observer} may append from now on"));
            output::print(&format!("its key: {key}"));
            if let Some(file) = made {
                output::print(&format!("the secret half is in {}", file.display()));
                output::print("move it to where the observer runs, if that is another machine");
            }
        }
        LogObserverCommand::List { folder } => {
            for registered in super::open(&folder)?.config.observers {
                output::print(&format!("{} {}", registered.observer, registered.key));
            }
        }
        LogObserverCommand::Remove { folder, observer } => {
            let observer = parse(&observer)?;
            let mut folder = super::open(&folder)?;
            folder.remove_observer(&observer).map_err(|error| super::problems(&error))?;
            output::print(&format!("{observer} may not append any more; its records stay"));
        }
    }
    Ok(0)
}

fn parse(text: &str) -> Result<Observer, Vec<Problem>> {
    Observer::parse(text).map_err(|error| {
        let problem = Problem::of("bad-option", Class::Usage, &error);
        vec![problem.with_hint("write `index:example.org/crawler` or `distribution:example.org`")]
    })
}

/// Runs `log witness`.
pub(super) fn witness(command: LogWitnessCommand) -> Outcome {
    match command {
        LogWitnessCommand::Add { folder, key, url } => {
            let key = VerifierKey::parse(&key)
                .map_err(|error| vec![Problem::of("bad-option", Class::Usage, &error)])?;
            let mut folder = super::open(&folder)?;
            let name = key.name().to_owned();
            let witness = Cosigner { key, url };
            folder.add_witness(&witness).map_err(|error| super::problems(&error))?;
            output::print(&format!("{name} is asked to cosign from now on"));
            output::print("it has to know the keys of the log: `countermark witness add-log`");
        }
        LogWitnessCommand::List { folder } => {
            for witness in super::open(&folder)?.config.witnesses {
                output::print(&format!("{} {}", witness.key, witness.url));
            }
        }
        LogWitnessCommand::Remove { folder, name } => {
            let mut folder = super::open(&folder)?;
            folder.remove_witness(&name).map_err(|error| super::problems(&error))?;
            output::print(&format!("{name} is not asked any more"));
        }
    }
    Ok(0)
}
