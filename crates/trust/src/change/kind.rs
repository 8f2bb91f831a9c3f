//! What kind of file it is, by its bytes rather than its name.
//!
//! The name counts only where Python goes by it: what runs at the start of the interpreter, what is
//! a program in Python, and packed programs. A file is read in slices of any size, in constant memory.

use super::FileKind;

/// Bytes at the beginning that tell a format; the last of them is the mark of a tar archive.
const HEAD: usize = 512;

/// Characters of encoded text without a break, in a program. Long names and numbers stay below, a
/// digest is 128 at most, and a line of wrapped base64 is 76.
const ENCODED_RUN: usize = 1000;

/// Shorter runs than this are words; together such runs are counted up to [`ENCODED_TOTAL`], which
/// is a payload that was wrapped.
const WRAPPED_RUN: usize = 56;
const ENCODED_TOTAL: usize = 24 << 10;

/// Characters of one line of JavaScript, where it is no part of a page: nobody reads that.
const LONG_LINE: usize = 10_000;

/// Folders of what browsers are sent, which is minified as a rule.
const WEB: [&str; 18] = [
    "static",
    "_static",
    "assets",
    "dist",
    "js",
    "labextension",
    "labextensions",
    "nbextension",
    "nbextensions",
    "templates",
    "share",
    "www",
    "web",
    "frontend",
    "html",
    "public",
    "docs",
    "themes",
];

/// Blanks before something else on one line: what stands there is outside every window.
const BLANK_RUN: usize = 400;

impl FileKind {
    /// The kind of a whole file.
    #[must_use]
    pub fn of(path: &str, bytes: &[u8]) -> Self {
        let mut reader = KindReader::new(path);
        reader.update(bytes);
        reader.finish()
    }
}

/// Finds out the kind of a file that comes in slices.
#[derive(Debug)]
pub struct KindReader {
    starts_with_python: bool,
    is_script: bool,
    is_program: bool,
    is_packed_program: bool,
    is_at_top: bool,
    is_pth: bool,
    is_bytecode: bool,
    head: Vec<u8>,
    size: u64,
    ascii: u64,
    controls: u64,
    run: usize,
    encoded: usize,
    longest_run: usize,
    blanks: usize,
    is_hidden: bool,
    line: usize,
    longest_line: usize,
}

impl KindReader {
    /// Begins with a path as it is in an archive.
    #[must_use]
    pub fn new(path: &str) -> Self {
        let lower = path.to_ascii_lowercase();
        let parts: Vec<&str> = lower.split('/').collect();
        let name = parts.last().copied().unwrap_or_default();
        // `purelib` and `platlib` of a data folder are the top as well.
        let is_at_top = match parts.as_slice() {
            [_] => true,
            [data, "purelib" | "platlib" | "data", ..] => data.ends_with(".data"),
            _ => false,
        };
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let module =
            |part: &str| matches!(part.split('.').next(), Some("sitecustomize" | "usercustomize"));
        // A module or a package of that name; below a data folder it may lie at any depth.
        let starts_with_python = match parts.as_slice() {
            ["src", rest, ..] if module(rest) => true,
            [data, "purelib" | "platlib" | "data", rest @ ..] if data.ends_with(".data") => {
                rest.iter().any(|part| module(part))
            }
            [first, ..] => module(first),
            [] => false,
        };
        // A file of the interpreter's own that says where its modules are.
        let is_configuration = extension == "_pth" || is_at_top && name == "pyvenv.cfg";
        Self {
            starts_with_python: starts_with_python
                || is_configuration
                || is_at_top && extension == "start",
            is_script: matches!(extension, "js" | "mjs" | "cjs")
                && !parts.iter().any(|part| WEB.contains(part)),
            is_program: matches!(extension, "py" | "pyw" | "pyx" | "pth")
                || parts.contains(&"scripts") && parts[0].ends_with(".data"),
            is_packed_program: matches!(extension, "jar" | "egg" | "whl" | "pyz" | "pyzw" | "xpi"),
            is_at_top,
            is_pth: extension == "pth",
            is_bytecode: matches!(extension, "pyc" | "pyo"),
            head: Vec::new(),
            size: 0,
            ascii: 0,
            controls: 0,
            run: 0,
            encoded: 0,
            longest_run: 0,
            blanks: 0,
            is_hidden: false,
            line: 0,
            longest_line: 0,
        }
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let missing = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..missing]);
        if self.size == 0 && bytes.starts_with(b"#!") {
            self.is_program = true;
        }
        self.size += bytes.len() as u64;
        for &byte in bytes {
            self.ascii += u64::from(byte.is_ascii());
            // Tab to carriage return, backspace, end of file and escape stand in texts.
            let is_text = byte >= b' ' && byte != 0x7f || matches!(byte, 8..=13 | 0x1a | 0x1b);
            self.controls += u64::from(!is_text);
        }
        if self.is_script {
            for part in bytes.split_inclusive(|byte| *byte == b'\n') {
                self.line += part.len();
                self.longest_line = self.longest_line.max(self.line);
                if part.ends_with(b"\n") {
                    self.line = 0;
                }
            }
        }
        if self.is_program {
            bytes.iter().for_each(|byte| self.look_at(*byte));
        }
    }

    /// Runs of encoded text and of blanks.
    fn look_at(&mut self, byte: u8) {
        if is_encoded(byte) {
            self.run += 1;
        } else {
            self.end_run();
        }
        match byte {
            b' ' | b'\t' => self.blanks += 1,
            b'\n' | b'\r' => self.blanks = 0,
            _ => {
                self.is_hidden |= self.blanks >= BLANK_RUN;
                self.blanks = 0;
            }
        }
    }

    fn end_run(&mut self) {
        self.longest_run = self.longest_run.max(self.run);
        if self.run >= WRAPPED_RUN {
            self.encoded += self.run;
        }
        self.run = 0;
    }

    /// The kind, after the last bytes.
    #[must_use]
    pub fn finish(mut self) -> FileKind {
        self.end_run();
        let is_text = self.is_text();
        // Below a folder Python does not look for `.pth` files, and weights of models have the name.
        if self.starts_with_python || self.is_pth && (is_text || self.is_at_top) {
            return FileKind::Pth;
        }
        if is_native(&self.head) {
            return FileKind::Native;
        }
        if self.is_bytecode {
            return FileKind::Opaque;
        }
        if is_text {
            let encoded = self.longest_run >= ENCODED_RUN || self.encoded >= ENCODED_TOTAL;
            let is_opaque =
                self.is_program && (encoded || self.is_hidden) || self.longest_line >= LONG_LINE;
            return if is_opaque { FileKind::Opaque } else { FileKind::Text };
        }
        if is_known(&self.head) && !self.is_packed_program && (!self.is_program || self.is_pth) {
            return FileKind::Binary;
        }
        FileKind::Opaque
    }

    /// Text in any encoding of which ASCII is a part, or in UTF-16 with its mark.
    fn is_text(&self) -> bool {
        let marked = self.head.starts_with(b"\xff\xfe") || self.head.starts_with(b"\xfe\xff");
        if marked && !self.is_program {
            // Every other byte of most texts in UTF-16 is zero.
            return self.controls * 2 <= self.size + 2 && self.controls * 3 >= self.size;
        }
        // Letters of other scripts are most bytes of some texts, but not without lines and blanks.
        self.controls == 0 && (self.ascii * 10 >= self.size || is_utf8_head(&self.head))
    }
}

/// Whether the first bytes are UTF-8; a character that the end of the sample cuts does no harm.
fn is_utf8_head(head: &[u8]) -> bool {
    match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// The alphabets of base16, base32, base64, base85 and of escapes; not the characters with which
/// programs separate names: quotes, dots, commas, colons, brackets, blanks.
fn is_encoded(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=-_!#$%&*;<>?@^`{|}~\\".contains(&byte)
}

fn is_native(head: &[u8]) -> bool {
    let word = |at: usize| head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    let Some(magic): Option<[u8; 4]> = word(0) else { return false };
    match &magic {
        b"\x7fELF" | b"\0asm" | b"BC\xc0\xde" | b"dex\n" => true,
        [0xfe, 0xed, 0xfa, 0xce | 0xcf] | [0xce | 0xcf, 0xfa, 0xed, 0xfe] => true,
        // Java's classes begin so too, with a version of 45 or more where this has a small count.
        [0xca, 0xfe, 0xba, 0xbe | 0xbf] => {
            word(4).is_some_and(|count| u32::from_be_bytes(count) < 43)
        }
        [b'M', b'Z', ..] => head.contains(&0) && head.len() >= 64,
        _ => head.starts_with(b"!<arch>\n") || head.starts_with(b"!<thin>\n"),
    }
}

/// Formats that hold pictures, fonts, sound, films, documents, tables or archives of data.
const KNOWN: [&[u8]; 58] = [
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"\0\0\x01\0",
    b"\0\0\x02\0",
    b"8BPS",
    b"\0\0\0\x0cjP  \r\n\x87\n",
    b"icns",
    b"v/1\x01",
    b"%PDF-",
    b"%!PS",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"{\\rtf",
    b"\0\x01\0\0\0",
    b"true\0",
    b"OTTO",
    b"ttcf\0",
    b"wOFF",
    b"wOF2",
    b"OggS",
    b"fLaC",
    b"ID3",
    b"\xff\xfb",
    b"\xff\xf3",
    b"MThd",
    b"\x1aE\xdf\xa3",
    b"FORM",
    b".snd",
    b"\xde\x12\x04\x95",
    b"\x95\x04\x12\xde",
    b"\x3c\xb8\x64\x18\xca\xef\x9c\x95",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x93NUMPY",
    b"\x89HDF\r\n\x1a\n",
    b"SQLite format 3\0",
    b"PAR1",
    b"ARROW1",
    b"ORC",
    b"Obj\x01",
    b"CDF\x01",
    b"CDF\x02",
    b"SIMPLE  =",
    b"TZif",
    b"glTF",
    b"\0\0\x27\x0a",
    b"\x0a\x05\x01\x08",
];

fn is_known(head: &[u8]) -> bool {
    let at = |position: usize, mark: &[u8]| head.get(position..position + mark.len()) == Some(mark);
    let riff = [&b"WAVE"[..], b"WEBP", b"AVI ", b"ACON"];
    KNOWN.iter().any(|mark| head.starts_with(mark))
        || at(0, b"RIFF") && riff.iter().any(|kind| at(8, kind))
        || at(4, b"ftyp")
        || at(257, b"ustar")
        || at(34, b"LP")
        || is_bitmap(head)
}

/// `BM`, the size, and two fields that are zero.
fn is_bitmap(head: &[u8]) -> bool {
    head.starts_with(b"BM") && head.get(6..10) == Some(&[0; 4])
}
