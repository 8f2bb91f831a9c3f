//! `list`: what is installed, with what it came from.

use countermark_client::environment::{
    ListedPackage, list_packages, read_environment, render_columns, render_json,
};
use countermark_client::install;
use countermark_client::report::Problem;

use super::Outcome;
use crate::cli::{ListArgs, ListFormat, OutputArgs};
use crate::progress::Teller;
use crate::{output, setup};

/// Runs the command.
pub(crate) fn run(arguments: &ListArgs, output: &OutputArgs) -> Outcome {
    let teller = Teller::new(output);
    let folders = setup::folders(&arguments.store)?;
    let interpreter = setup::interpreter(&arguments.python, &folders)?;
    let (target, prefix) = (arguments.target.as_deref(), arguments.prefix.as_deref());
    let layout = match setup::other_layout(target, prefix, &interpreter)? {
        Some(layout) => layout,
        None => interpreter.layout().clone(),
    };
    install::recover(&layout, &setup::interrupted(), &teller)
        .map_err(install::InstallError::into_problems)?;
    let environment = read_environment(&layout)
        .map_err(|error| vec![Problem::of("environment", error.class(), &error)])?;
    let packages = list_packages(&environment);
    let text = match arguments.format {
        ListFormat::Columns => render_columns(&packages),
        ListFormat::Json => render_json(&packages),
        ListFormat::Freeze => packages.iter().map(frozen).collect(),
    };
    output::print(text.trim_end_matches('\n'));
    Ok(0)
}

/// A line of a requirements file; without a known digest it is one that is refused later, which
/// is right.
fn frozen(package: &ListedPackage) -> String {
    let ListedPackage { name, version, sha256, .. } = package;
    match sha256 {
        Some(sha256) => format!("{name}=={version} \\\n    --hash=sha256:{sha256}\n"),
        None => format!("{name}=={version}\n"),
    }
}
