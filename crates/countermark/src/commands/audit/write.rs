//! Where the report goes, and in which form.

use std::io::IsTerminal as _;
use std::path::Path;

use countermark_audit::report::{Options, Report, html, json, junit, markdown, sarif, text};
use countermark_client::report::Problem;
use countermark_client::system;
use countermark_trust::Class;

use crate::cli::audit::{AuditArgs, AuditFormat, SchemaFile};
use crate::output;

/// Columns where nobody says how many there are.
const WIDTH: usize = 100;

/// Writes the report to a file or to standard output.
pub(super) fn report(
    report: &Report,
    arguments: &AuditArgs,
    options: Options,
) -> Result<(), Vec<Problem>> {
    let is_plain = arguments.output.is_some();
    let text = match arguments.format {
        AuditFormat::Text => text::write(report, options, !is_plain),
        AuditFormat::Json => json::write(report, options),
        AuditFormat::Sarif => sarif::write(report, options),
        AuditFormat::Junit => junit::write(report, options),
        AuditFormat::Markdown => markdown::write(report, options),
        AuditFormat::Html => html::write(report, options),
    };
    match &arguments.output {
        Some(path) => to_file(path, &text),
        None => {
            output::print(text.trim_end_matches('\n'));
            Ok(())
        }
    }
}

/// A file that appears whole or not at all.
pub(crate) fn to_file(path: &Path, text: &str) -> Result<(), Vec<Problem>> {
    system::replace_file(path, text.as_bytes()).map_err(|error| {
        let message = format!("cannot write `{}`: {error}", path.display());
        vec![Problem::new("unwritable", Class::Unavailable, message)]
    })
}

/// The columns of the terminal.
pub(crate) fn width() -> usize {
    let from_terminal = std::io::stdout().is_terminal().then(system::terminal_width).flatten();
    from_terminal.unwrap_or(WIDTH)
}

/// The schemas that are published with the program.
pub(super) fn schema(file: SchemaFile) -> &'static str {
    match file {
        SchemaFile::Federation => countermark_audit::federation::SCHEMA,
        SchemaFile::Facts => countermark_audit::fact::snapshot::SCHEMA,
        SchemaFile::Report => countermark_audit::report::json::SCHEMA,
    }
}
