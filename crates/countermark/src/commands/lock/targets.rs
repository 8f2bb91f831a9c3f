//! The environments that a lock is for.

use countermark_client::interpreter::{
    Interpreter, TargetDefaults, TargetEnvironment, TargetRequest,
};
use countermark_client::report::Problem;
use countermark_lock::target::Target;
use countermark_trust::Class;

use crate::cli::PythonArgs;
use crate::cli::lock::TargetArgs;
use crate::setup::{self, Folders};

/// More combinations are a mistake of typing.
const MAX_TARGETS: usize = 64;

/// Words for the platforms that most people mean: their oldest supported form, as uv has them.
const ALIASES: [(&str, &str); 8] = [
    ("linux", "manylinux_2_28_x86_64"),
    ("linux-arm64", "manylinux_2_28_aarch64"),
    ("musl", "musllinux_1_2_x86_64"),
    ("musl-arm64", "musllinux_1_2_aarch64"),
    ("macos", "macosx_14_0_arm64"),
    ("macos-intel", "macosx_14_0_x86_64"),
    ("windows", "win_amd64"),
    ("windows-arm64", "win_arm64"),
];

/// What the lock is for: every version of Python with every platform; without any, the
/// interpreter that is found.
pub(crate) fn targets(
    arguments: &TargetArgs,
    python: &PythonArgs,
    folders: &Folders,
) -> Result<Vec<Target>, Vec<Problem>> {
    let interpreter = setup::interpreter(python, folders);
    if arguments.python_version.is_empty() && arguments.platform.is_empty() {
        return Ok(vec![of_interpreter(&interpreter?)]);
    }
    let interpreter = interpreter.ok();
    let versions = options(&arguments.python_version);
    let platforms = options(&arguments.platform);
    if versions.len() * platforms.len() > MAX_TARGETS {
        let count = versions.len() * platforms.len();
        let message = format!("{count} targets, and at most {MAX_TARGETS} are possible");
        return Err(vec![Problem::new("target", Class::Usage, message)]);
    }
    let mut targets: Vec<Target> = Vec::new();
    for version in &versions {
        for platform in &platforms {
            let target = target(*version, *platform, interpreter.as_ref())?;
            if !targets.iter().any(|other| other.label == target.label) {
                targets.push(target);
            }
        }
    }
    Ok(targets)
}

/// The given ones, or once what nobody said.
fn options(given: &[String]) -> Vec<Option<&str>> {
    if given.is_empty() { vec![None] } else { given.iter().map(|one| Some(&**one)).collect() }
}

/// The target that an interpreter is.
pub(crate) fn of_interpreter(interpreter: &Interpreter) -> Target {
    let markers = interpreter.markers().clone();
    Target {
        label: format!("Python {}", interpreter.version()),
        markers,
        tags: interpreter.tags(),
        python: interpreter.version().clone(),
    }
}

fn target(
    version: Option<&str>,
    platform: Option<&str>,
    interpreter: Option<&Interpreter>,
) -> Result<Target, Vec<Problem>> {
    let platform = platform.map(|name| {
        ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, platform)| platform)
    });
    let request = TargetRequest {
        python_version: version.map(str::to_owned),
        platforms: platform.into_iter().map(str::to_owned).collect(),
        implementation: None,
        abis: Vec::new(),
    };
    let facts = interpreter.map(|found| (found.tag_facts(), found.markers()));
    let defaults = facts.as_ref().map(|(tags, markers)| TargetDefaults { tags, markers });
    let found = TargetEnvironment::new(&request, defaults.as_ref()).map_err(|error| {
        let problem = Problem::of("target", error.class(), &error);
        vec![match error.hint() {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }]
    })?;
    let python = found.python_full_version.parse().map_err(|_| {
        let message = format!("`{}` is not a version of Python", found.python_full_version);
        vec![Problem::new("target", Class::Usage, message)]
    })?;
    let where_to = platform.map_or_else(
        || format!("{} {}", found.markers.sys_platform, found.markers.platform_machine),
        str::to_owned,
    );
    let label = format!("Python {} on {where_to}", found.markers.python_version);
    Ok(Target { label, markers: found.markers, tags: found.tags, python })
}
