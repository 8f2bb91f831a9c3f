//! Files that say what runs: at the start of Python, while a package is built, as commands and plug-ins.

use toml_edit::{Document, Item};

use super::{Found, Kind, Severity, python};

/// A `.pth` file: lines that begin with `import` are run by `site`.
pub(super) fn pth(text: &str, found: &mut Found) {
    for (index, line) in text.split('\n').enumerate() {
        let line = line.trim_end_matches('\r');
        if line.starts_with("import ") || line.starts_with("import\t") {
            found.add(index + 1, Severity::First, Kind::Startup, "is run at every start of Python");
            let mut inner = Found { role: found.role, findings: Vec::new() };
            python::look(line, &mut inner);
            for mut finding in inner.findings {
                finding.line = index + 1;
                found.findings.push(finding);
            }
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            found.add(
                index + 1,
                Severity::Note,
                Kind::Startup,
                "a folder in which Python looks for modules",
            );
        }
    }
}

/// `pyproject.toml`: who builds, and what runs then.
pub(super) fn pyproject(text: &str, found: &mut Found) {
    let Ok(document) = Document::parse(text) else {
        found.add(0, Severity::Look, Kind::Unread, "is no TOML");
        return;
    };
    let mut add =
        |item: &Item, key: Option<std::ops::Range<usize>>, severity, kind, what: String| {
            let start = key.or_else(|| item.span()).map_or(0, |span| span.start);
            let line = text.get(..start).map_or(1, |before| before.matches('\n').count() + 1);
            found.add(line, severity, kind, what);
        };
    let root = document.as_table();
    let at = |path: &[&str]| {
        let (last, tables) = path.split_last()?;
        let mut table: &dyn toml_edit::TableLike = root;
        for name in tables {
            table = table.get(name)?.as_table_like()?;
        }
        let (key, item) = table.get_key_value(last)?;
        Some((key.span(), item))
    };
    if let Some((key, item)) = at(&["build-system", "backend-path"]) {
        let what = "the build runs code of the package itself".to_owned();
        add(item, key, Severity::Look, Kind::Install, what);
    }
    if let Some((key, item)) = at(&["build-system", "build-backend"]) {
        let name = item.as_str().unwrap_or_default();
        add(item, key, Severity::Note, Kind::Install, format!("is built by `{name}`"));
    }
    if let Some((key, item)) = at(&["build-system", "requires"]) {
        let names = item.as_array().into_iter().flatten().filter_map(|it| it.as_str());
        let unusual: Vec<&str> =
            names.filter(|name| name.contains('@') || name.contains("://")).collect();
        for name in unusual {
            add(
                item,
                key.clone(),
                Severity::Look,
                Kind::Install,
                format!("the build takes `{name}` from an address"),
            );
        }
    }
    let hooks: [(&[&str], &str); 5] = [
        (&["tool", "hatch", "build", "hooks"], "hooks of the build"),
        (&["tool", "setuptools", "cmdclass"], "commands of its own while it is built or installed"),
        (&["tool", "setuptools", "ext-modules"], "machine code is compiled"),
        (&["tool", "pdm", "build", "custom-hook"], "hooks of the build"),
        (&["tool", "poetry", "build"], "a script of the build"),
    ];
    for (path, what) in hooks {
        if let Some((key, item)) = at(path) {
            add(item, key, Severity::Look, Kind::Install, what.to_owned());
        }
    }
    for table in ["scripts", "gui-scripts", "entry-points"] {
        if let Some((key, item)) = at(&["project", table]) {
            let what =
                if table == "entry-points" { "plug-ins of other packages" } else { "commands" };
            add(item, key, Severity::Note, Kind::EntryPoint, what.to_owned());
        }
    }
}

/// `setup.cfg`: lines that name code which runs while it is built.
pub(super) fn setup_cfg(text: &str, found: &mut Found) {
    for (index, line) in text.lines().enumerate() {
        let lower = line.to_ascii_lowercase();
        let key = lower.split(['=', ':']).next().unwrap_or_default().trim();
        match key {
            "cmdclass" => {
                let what = "commands of its own while it is built or installed";
                found.add(index + 1, Severity::Look, Kind::Install, what);
            }
            "setup_requires" => {
                found.add(
                    index + 1,
                    Severity::Look,
                    Kind::Install,
                    "needs other packages to be built",
                );
            }
            "[options.entry_points]" => {
                found.add(index + 1, Severity::Note, Kind::EntryPoint, "commands and plug-ins");
            }
            _ => {}
        }
    }
}

/// `entry_points.txt`: commands, and what other packages load.
pub(super) fn entry_points(text: &str, found: &mut Found) {
    let mut group = String::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            group = name.trim().chars().take(100).collect();
        } else if let Some((name, object)) = line.split_once('=')
            && !line.starts_with(['#', ';'])
        {
            let (name, object) = (name.trim(), object.trim());
            let what = match group.as_str() {
                "console_scripts" | "gui_scripts" => {
                    format!("the command `{name}` runs `{object}`")
                }
                group => format!("`{group}` loads `{object}`"),
            };
            // Some groups are loaded by whoever builds or tests anything beside it.
            let is_early = ["distutils.", "setuptools.", "egg_info.", "pytest11"]
                .iter()
                .any(|start| group.starts_with(start));
            let severity = if is_early { Severity::Look } else { Severity::Note };
            found.add(
                index + 1,
                severity,
                Kind::EntryPoint,
                what.chars().take(300).collect::<String>(),
            );
        }
    }
}
