//! Source distributions for tests, file by file, as sound or as odd as a test wants them.

use std::io::Write as _;

/// A `.tar.gz` with these files, in this order; paths with the folder at the top.
///
/// # Panics
/// When a path has more than 100 bytes: headers of the old format have no place for them.
#[must_use]
pub fn sdist(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (path, content) in files {
        archive.extend(header(path, content.len()));
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    gzip(&archive)
}

/// Bytes, compressed.
///
/// # Panics
/// Never: it is written into memory.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// A header of the old format for a file.
fn header(path: &str, length: usize) -> [u8; 512] {
    assert!(path.len() <= 100, "{path} is too long");
    let mut header = [0; 512];
    let mut put = |at: usize, text: &str| {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    };
    put(0, path);
    put(100, "0000644\0");
    put(124, &format!("{length:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}
