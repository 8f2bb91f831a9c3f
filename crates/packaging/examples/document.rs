//! Prints what the readers of locks see, one entry a line as JSON, for those who compare it with
//! another reading: `document FILE…`.

use std::process::ExitCode;

use countermark_packaging::lock::document::{self, FileEntry, LockPackage, LockSource};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for path in std::env::args().skip(1) {
        #[expect(clippy::disallowed_methods, reason = "the crate reads no files; its example does")]
        let read = std::fs::read(&path);
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => {
                println!("{}", json!({"file": path, "errors": [error.to_string()]}));
                code = ExitCode::FAILURE;
                continue;
            }
        };
        match document::parse(&path, &bytes) {
            Ok(document) => {
                println!(
                    "{}",
                    json!({
                        "file": path,
                        "format": document.format.name(),
                        "version": document.format_version,
                        "indexes": document.indexes,
                        "notes": document.notes,
                        "packages": document.packages.iter().map(package).collect::<Vec<_>>(),
                    })
                );
            }
            Err(errors) => {
                let errors: Vec<String> =
                    errors.iter().map(|error| format!("[{}] {error}", error.code)).collect();
                println!("{}", json!({"file": path, "errors": errors}));
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn package(package: &LockPackage) -> Value {
    let source = match &package.source {
        LockSource::Index(_) => "index",
        LockSource::Url(_) => "url",
        LockSource::Path(_) => "path",
        LockSource::Directory { .. } => "directory",
        LockSource::Vcs { .. } => "vcs",
    };
    json!({
        "name": package.project.as_str(),
        "version": package.version.as_ref().map(ToString::to_string),
        "source": source,
        "dependencies": package.dependencies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "files": package.files.iter().map(file).collect::<Vec<_>>(),
    })
}

fn file(file: &FileEntry) -> Value {
    json!({
        "name": file.name,
        "url": file.url,
        "size": file.size,
        "digests": file.digests.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
