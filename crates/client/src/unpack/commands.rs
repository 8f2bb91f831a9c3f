//! Names of commands that a wheel may not take.

use std::collections::HashSet;

use countermark_packaging::entry_points::EntryPoints;

use super::contents::ContentsError;
use super::path::{check_component, fold};

/// The commands that a wheel would put beside the interpreter.
#[derive(Default)]
pub(super) struct Commands {
    /// Folded names.
    taken: HashSet<String>,
}

impl Commands {
    /// Takes the name of a file in the folder of commands.
    pub(super) fn insert(&mut self, name: &str) -> Result<(), ContentsError> {
        if shadows(name) {
            return Err(ContentsError::CommandShadows { name: name.to_owned() });
        }
        if self.taken.insert(fold(name)) {
            Ok(())
        } else {
            Err(ContentsError::CommandTwice { name: name.to_owned() })
        }
    }

    /// Takes the names of all entry points.
    pub(super) fn insert_entry_points(
        &mut self,
        entry_points: &EntryPoints,
    ) -> Result<(), ContentsError> {
        for script in entry_points.console.iter().chain(&entry_points.gui) {
            let name = &script.name;
            if check_component(name, name).is_err() || name.contains(['/', '\\']) {
                return Err(ContentsError::CommandName { name: name.clone() });
            }
            if script.attribute.is_none() {
                return Err(ContentsError::CommandWithoutObject { name: name.clone() });
            }
            self.insert(name)?;
        }
        Ok(())
    }
}

/// Whether a command of that name would be run where the interpreter or the activation of an
/// environment is meant. `python-config` or `activate-global-python-argcomplete` would not.
fn shadows(name: &str) -> bool {
    let name = fold(name);
    let stem = [".exe", ".bat", ".cmd", ".com", ".ps1"]
        .iter()
        .find_map(|extension| name.strip_suffix(extension))
        .unwrap_or(&name);
    let base = stem.split('.').next().unwrap_or_default();
    is_interpreter(stem)
        || matches!(base, "activate" | "deactivate")
        || matches!(stem, "activate_this.py" | "pyvenv.cfg" | "py" | "pyw" | "pypy" | "pypy3")
}

/// `python`, `pythonw`, `python3`, `python3.14t`, `python2.7`, `pythonw3`.
fn is_interpreter(name: &str) -> bool {
    name.strip_prefix("python").is_some_and(|rest| {
        let version = rest.strip_prefix('w').unwrap_or(rest).trim_end_matches(['t', 'd', 'w', 'm']);
        version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shadowing_names() {
        for name in [
            "python",
            "Python",
            "PYTHON.EXE",
            "python3",
            "python3.14",
            "python3.14t",
            "python2.7",
            "pythonw",
            "pythonw.exe",
            "python3.exe",
            "activate",
            "activate.fish",
            "Activate.ps1",
            "activate.bat",
            "activate_this.py",
            "deactivate",
            "deactivate.bat",
            "python3.11.exe",
            "py.exe",
            "pythonw3",
            "ｐython",
        ] {
            assert!(shadows(name), "{name}");
        }
        for name in [
            "pip",
            "pip3.11",
            "python-config",
            "python3-config",
            "pythonic",
            "ipython",
            "ipython3",
            "activate-global-python-argcomplete",
            "pytest",
            "pyhon",
            "bpython",
            "python-dotenv",
            "python3x",
            "py.test",
        ] {
            assert!(!shadows(name), "{name}");
        }
    }

    #[test]
    fn names_are_taken_once() {
        let mut commands = Commands::default();
        commands.insert("tool").unwrap();
        commands.insert("tool2").unwrap();
        assert_eq!(commands.insert("Tool").unwrap_err().code(), "command-twice");
    }
}
