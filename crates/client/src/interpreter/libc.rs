//! Which C library an interpreter is linked with: glibc says so itself (`confstr`), for musl the
//! program loader named in the executable is asked (PEP 656, "Logic to determine the version").

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::process::{isolated_command, run_bounded};

/// Headers and loader name of an executable lie in its first pages.
const MAX_HEADER: u64 = 64 << 10;

/// `musl X.Y`, when the executable is loaded by musl's loader and that answers.
pub(crate) fn read_musl(executable: &Path) -> Option<String> {
    let mut header = Vec::new();
    File::open(executable).ok()?.take(MAX_HEADER).read_to_end(&mut header).ok()?;
    let loader = parse_loader(&header)?;
    if !loader.file_name()?.to_str()?.starts_with("ld-musl") {
        return None;
    }
    // Started with no arguments it prints its version to stderr and fails.
    let output = run_bounded(isolated_command(&loader), Duration::from_secs(10), 4096).ok()?;
    parse_musl_version(&output.stderr)
}

/// The program loader that an ELF file asks for (`PT_INTERP`).
fn parse_loader(bytes: &[u8]) -> Option<PathBuf> {
    const PT_INTERP: u64 = 3;
    let ident = bytes.get(..16)?;
    if !ident.starts_with(b"\x7fELF") {
        return None;
    }
    let is_64 = ident[4] == 2;
    let is_little = ident[5] == 1;
    let number = |at: usize, length: usize| -> Option<u64> {
        let mut field = bytes.get(at..at.checked_add(length)?)?.to_vec();
        if is_little {
            field.reverse();
        }
        Some(field.into_iter().fold(0, |sum, byte| sum << 8 | u64::from(byte)))
    };
    let word = if is_64 { 8 } else { 4 };
    let (table_at, entry_at) = if is_64 { (32, 54) } else { (28, 42) };
    let table = usize::try_from(number(table_at, word)?).ok()?;
    let entry = usize::try_from(number(entry_at, 2)?).ok()?;
    let count = usize::try_from(number(entry_at + 2, 2)?).ok()?;
    let (offset_at, size_at) = if is_64 { (8, 32) } else { (4, 16) };
    for index in 0..count {
        let start = table.checked_add(index.checked_mul(entry)?)?;
        if number(start, 4)? == PT_INTERP {
            let offset = usize::try_from(number(start + offset_at, word)?).ok()?;
            let size = usize::try_from(number(start + size_at, word)?).ok()?;
            let name = bytes.get(offset..offset.checked_add(size)?)?;
            let name = std::str::from_utf8(name).ok()?.trim_end_matches('\0');
            return name.starts_with('/').then(|| PathBuf::from(name));
        }
    }
    None
}

fn parse_musl_version(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if !lines.next()?.starts_with("musl") {
        return None;
    }
    let version = lines.next()?.strip_prefix("Version ")?;
    let (major, minor) = parse_version(version)?;
    Some(format!("musl {major}.{minor}"))
}

/// The leading `major.minor` of a version.
pub(crate) fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.split_once('.')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    Some((major.parse().ok()?, rest[..digits].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_is_read_from_a_real_executable() {
        let shell = std::fs::read("/bin/sh").unwrap();
        let loader = parse_loader(&shell[..shell.len().min(1 << 16)]).unwrap();
        assert!(loader.file_name().unwrap().to_str().unwrap().starts_with("ld-"), "{loader:?}");
        for end in [0, 15, 16, 40, 60, 100] {
            assert_eq!(parse_loader(&shell[..end]), None, "{end}");
        }
        assert_eq!(parse_loader(b"#!/bin/sh\nexec something\n"), None);
    }

    #[test]
    fn versions() {
        let check = |text, expect: Option<&str>| {
            assert_eq!(parse_musl_version(text).as_deref(), expect, "{text}");
        };
        check("musl libc (x86_64)\nVersion 1.2.4_git2\nDynamic Program Loader\n", Some("musl 1.2"));
        check("\nmusl libc (armhf)\n\nVersion 1.1.24\n", Some("musl 1.1"));
        check("ld.so (GNU libc)\nVersion 1.2\n", None);
        check("musl libc (x86_64)\n", None);
        for (text, expect) in
            [("2.36", Some((2, 36))), ("2.20-2014", Some((2, 20))), ("2", None), ("2.x", None)]
        {
            assert_eq!(parse_version(text), expect, "{text}");
        }
    }
}
