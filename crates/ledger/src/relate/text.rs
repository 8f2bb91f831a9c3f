//! Texts that differ and mean the same.

use countermark_packaging::version::Version;

use super::version::declares_utf8;

/// Whether two texts differ in their ends of lines only: Python and readers of texts take `CR LF` for
/// `LF`.
pub(super) fn differ_in_line_ends(before: &[u8], after: &[u8]) -> bool {
    unix(before) == unix(after)
}

fn unix(text: &[u8]) -> Vec<u8> {
    let mut found = Vec::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        if byte != b'\r' || text.get(at + 1) != Some(&b'\n') {
            found.push(byte);
        }
    }
    found
}

/// Whether two modules differ in one line, `__version__ = "…"`, which says this version afterwards.
pub(super) fn differ_in_version(before: &[u8], after: &[u8], version: &Version) -> bool {
    let (Ok(before), Ok(after)) = (std::str::from_utf8(before), std::str::from_utf8(after)) else {
        return false;
    };
    if !declares_utf8(before) || !declares_utf8(after) {
        return false;
    }
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.split('\n').collect(), after.split('\n').collect());
    if before.len() != after.len() {
        return false;
    }
    let mut differing = before.iter().zip(&after).filter(|(before, after)| before != after);
    let (Some((before, after)), None) = (differing.next(), differing.next()) else { return false };
    let says = |text: &str| text.parse::<Version>().is_ok_and(|found| found == *version);
    version_of(before).is_some() && version_of(after).is_some_and(says)
}

/// The text that such a line assigns.
fn version_of(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("__version__")?.trim_start_matches(' ');
    let rest = match rest.strip_prefix(':') {
        Some(rest) => rest.trim_start_matches(' ').strip_prefix("str")?.trim_start_matches(' '),
        None => rest,
    };
    let rest = rest.strip_prefix('=')?.trim_matches(' ');
    let quoted = |quote: char| rest.strip_prefix(quote)?.strip_suffix(quote);
    let text = quoted('"').or_else(|| quoted('\''))?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+!_-".contains(&byte);
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(is_plain)).then_some(text)
}

/// Whether a command is the same but for its first line, in which builders write `#!python` for the
/// interpreter of whoever installs it.
pub(super) fn differ_in_first_line(before: &[u8], after: &[u8]) -> bool {
    let split = |text: &'_ [u8]| {
        let end = text.iter().position(|byte| *byte == b'\n')?;
        Some((text[..end].to_vec(), text[end..].to_vec()))
    };
    let (Some(before), Some(after)) = (split(before), split(after)) else { return false };
    let line = String::from_utf8_lossy(&before.0).into_owned();
    let is_python = line.starts_with("#!") && line.contains("python");
    is_python && after.0 == b"#!python" && before.1 == after.1
}

/// The name of the compiled module whose names a package gives, when it does that in the words of the
/// builder that writes such packages, and nothing else.
pub(super) fn reexported(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?;
    let (module, rest) = text.strip_prefix("from .")?.split_once(" import *\n\n")?;
    let is_name = module.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let expected = format!(
        "__doc__ = {module}.__doc__\nif hasattr({module}, \"__all__\"):\n    __all__ = {module}.__all__"
    );
    (is_name && !module.is_empty() && rest.trim_end_matches('\n') == expected).then_some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_all_that_may_differ() {
        assert!(differ_in_line_ends(b"a\r\nb\n", b"a\nb\r\n"));
        assert!(!differ_in_line_ends(b"# a\rb()\n", b"# a\nb()\n"));
        assert!(!differ_in_line_ends(b"a\r\n", b"a\n\n"));
        assert!(!differ_in_line_ends(b"a\r", b"a"));
    }

    #[test]
    fn the_line_with_the_version_is_all_that_may_differ() {
        let version = "1.2.3".parse().unwrap();
        let check = |before: &str, after: &str| {
            let module = |line: &str| format!("import os\n{line}\nrun()\n");
            differ_in_version(module(before).as_bytes(), module(after).as_bytes(), &version)
        };
        let old = "__version__ = \"0.0.0\"";
        assert!(check(old, "__version__ = \"1.2.3\""));
        assert!(check("__version__: str = '0'", "__version__: str = '1.2.3' "));
        for bad in [
            "__version__ = \"1.2.4\"",
            "__version__ = \"1.2.3\"; evil()",
            "__version__ = \"1.2.3\" # here",
            "__version__ = f\"1.2.3\"",
            " __version__ = \"1.2.3\"",
            "__version__ = evil(\"1.2.3\")",
            "__version__ = \"1.2.3\"\nevil()",
            "__version__ = \"\"",
            "VERIFY = False",
        ] {
            assert!(!check(old, bad), "{bad}");
            assert!(!check("VERIFY = True", bad), "{bad}");
        }
        assert!(!differ_in_version(
            b"# coding: utf-7\n__version__ = '0'",
            b"# coding: utf-7\n__version__ = '1.2.3'",
            &version
        ));
    }

    #[test]
    fn a_package_of_a_compiled_module_has_these_words_only() {
        let text = "from .x import *\n\n__doc__ = x.__doc__\nif hasattr(x, \"__all__\"):\n    __all__ = x.__all__";
        assert_eq!(reexported(text.as_bytes()), Some("x"));
        assert_eq!(reexported(format!("{text}\n").as_bytes()), Some("x"));
        for bad in [
            format!("{text}\nx.run()"),
            text.replace("__doc__ = x", "__doc__ = y"),
            text.replace('x', ""),
            text.replace('x', "x.y"),
            text.replace("from .x", "import os\nfrom .x"),
        ] {
            assert_eq!(reexported(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn the_interpreter_is_all_that_may_differ() {
        assert!(differ_in_first_line(b"#!/usr/bin/env python3\nrun()\n", b"#!python\nrun()\n"));
        assert!(!differ_in_first_line(b"#!/usr/bin/env python3\nrun()\n", b"#!python\nevil()\n"));
        assert!(!differ_in_first_line(b"#!/bin/sh\nrun()\n", b"#!python\nrun()\n"));
        assert!(!differ_in_first_line(b"#!/usr/bin/python\nx\n", b"#!/bin/sh\nx\n"));
    }
}
