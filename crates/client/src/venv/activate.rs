//! The scripts that make an environment the current one of a shell.
//!
//! The names of the variables that remember the state before are those of CPython's `venv`, so that
//! environments of both kinds can follow each other in one shell. The path and the prompt are
//! quoted for each shell: a folder named `$(reboot)` is a folder.

/// A script: its name in `bin`, its text, and how values are quoted in it.
type Template = (&'static str, &'static str, fn(&str) -> String);

const TEMPLATES: [Template; 5] = [
    ("activate", include_str!("activate.sh"), quote_sh),
    ("activate.csh", include_str!("activate.csh"), quote_csh),
    ("activate.fish", include_str!("activate.fish"), quote_fish),
    ("activate.nu", include_str!("activate.nu"), quote_nu),
    ("Activate.ps1", include_str!("Activate.ps1"), quote_powershell),
];

/// Names and texts of the scripts. Neither argument may have a line break in it.
pub(super) fn scripts(
    environment: &str,
    prompt: &str,
) -> impl Iterator<Item = (&'static str, String)> {
    TEMPLATES.into_iter().map(move |(name, text, quote)| {
        // One pass, so that a path that looks like a place is not replaced again.
        let (before, rest) = text.split_once("@ENVIRONMENT@").unwrap_or((text, ""));
        let (between, after) = rest.split_once("@PROMPT@").unwrap_or((rest, ""));
        (name, [before, &quote(environment), between, &quote(prompt), after].concat())
    })
}

fn quote_sh(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// History substitution takes place between quotes too.
fn quote_csh(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''").replace('!', r"\!"))
}

fn quote_fish(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// A raw string with as many `#` as it takes.
fn quote_nu(text: &str) -> String {
    let mut fence = "#".to_owned();
    while text.contains(&format!("'{fence}")) {
        fence.push('#');
    }
    format!("r{fence}'{text}'{fence}")
}

/// Typographic quotes close a string as well; doubled, each stands for itself.
fn quote_powershell(text: &str) -> String {
    let mut quoted = String::from("'");
    for character in text.chars() {
        if matches!(character, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            quoted.push(character);
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn quotes() {
        let text = "it's $(a) `b` \"c\" \\d !e ’f '#";
        assert_eq!(quote_sh(text), "'it'\\''s $(a) `b` \"c\" \\d !e ’f '\\''#'");
        assert_eq!(quote_csh("it's !e"), "'it'\\''s \\!e'");
        assert_eq!(quote_fish(r"it's \d"), r"'it\'s \\d'");
        assert_eq!(quote_nu(text), format!("r##'{text}'##"));
        assert_eq!(quote_powershell("it's ’f"), "'it''s ’’f'");
    }

    #[test]
    fn every_place_is_filled() {
        for (name, text) in scripts("/an/@PROMPT@", "ours") {
            assert_eq!(text.matches("@PROMPT@").count(), 1, "{name}");
            assert!(!text.contains("@ENVIRONMENT@") && text.contains("ours"), "{name}");
        }
    }

    /// Runs the scripts in the shells that are there: all of them where `sh` is.
    #[test]
    fn an_environment_comes_and_goes() {
        let steps = "printf '%s\\n' \"[$VIRTUAL_ENV][$VIRTUAL_ENV_PROMPT]\"; printf '%s\\n' \"$PATH\"; deactivate; printf '%s\\n' \"$PATH\"";
        let fish = "printf '%s\\n' \"[$VIRTUAL_ENV][$VIRTUAL_ENV_PROMPT]\"; string join : $PATH; deactivate; string join : $PATH";
        let root = tempfile::tempdir().unwrap();
        for environment in ["/plain", "/it's a $(false) `false` \"b\" \\c !d *"] {
            let prompt = &environment[1..];
            for (name, text) in scripts(environment, prompt) {
                std::fs::write(root.path().join(name), text).unwrap();
            }
            for (shell, name, steps) in [
                ("sh", "activate", steps),
                ("dash", "activate", steps),
                ("bash", "activate", steps),
                ("zsh", "activate", steps),
                ("tcsh", "activate.csh", steps),
                ("fish", "activate.fish", fish),
            ] {
                let script = root.path().join(name);
                let source = if name == "activate" { "." } else { "source" };
                let text =
                    format!("{source} {}\n{}\n", script.display(), steps.replace("; ", "\n"));
                let file = root.path().join("steps");
                std::fs::write(&file, text).unwrap();
                let path = "/usr/bin:/bin";
                let output = Command::new(shell)
                    .arg(&file)
                    .env("PATH", path)
                    .env("HOME", root.path())
                    .env_remove("VIRTUAL_ENV")
                    .output();
                let Ok(output) = output else {
                    assert_ne!(shell, "sh");
                    eprintln!("{shell} is not here");
                    continue;
                };
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                let expect =
                    format!("[{environment}][{prompt}]\n{environment}/bin:{path}\n{path}\n");
                assert_eq!(said, expect, "{shell}: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }
}
