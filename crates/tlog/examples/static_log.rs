//! A log as a folder of static files: written, and read from the folder or from a plain web server.
//!
//!     static_log write FOLDER SIZE...                  a log that grew through these sizes
//!     static_log read FOLDER|http://127.0.0.1:PORT VKEY [WITNESS-VKEY]
//!     static_log proofs FOLDER                         checks the lines of its proofs.txt
//!
//! The keys are made from fixed seeds: such a log is for trials, see .ci/tlog.sh.
#![expect(
    clippy::disallowed_methods,
    reason = "the example brings the files that the crate never opens"
)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use countermark_tlog::note::{KeyType, SignerKey, VerifierKey};
use countermark_tlog::proof::memory::MemoryNodes;
use countermark_tlog::proof::{self};
use countermark_tlog::reader::TileReader;
use countermark_tlog::tile::{Bundle, Tile};
use countermark_tlog::tlog_proof::TlogProof;
use countermark_tlog::{Checkpoint, Hash, SignedCheckpoint, cosignature, leaf_hash};

type Outcome<T> = Result<T, Box<dyn Error>>;

const ORIGIN: &str = "example.org/static";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["write", folder, ref sizes @ ..] => write(Path::new(folder), sizes),
        ["read", root, vkey] => read(root, vkey, None),
        ["read", root, vkey, witness] => read(root, vkey, Some(witness)),
        ["proofs", root] => proofs(root),
        _ => {
            Err("expected: write FOLDER SIZE..., read FOLDER|URL VKEY [WITNESS], proofs FOLDER"
                .into())
        }
    };
    if let Err(error) = outcome {
        eprintln!("refused: {error}");
        std::process::exit(1);
    }
}

fn entry(index: u64) -> Vec<u8> {
    // Of all lengths, none among them.
    format!("entry {index}\n").repeat((index % 7) as usize).into_bytes()
}

fn put(folder: &Path, path: &str, bytes: &[u8]) -> Outcome<()> {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
    Ok(std::fs::write(path, bytes)?)
}

fn write(folder: &Path, sizes: &[&str]) -> Outcome<()> {
    let key = SignerKey::from_seed(ORIGIN, KeyType::Ed25519, &[1; 32])?;
    let witness = SignerKey::from_seed("example.org/witness", KeyType::Cosignature, &[2; 32])?;
    let mut tree = MemoryNodes::default();
    let mut lines = String::new();
    for size in sizes {
        let (from, old_root, size) = (tree.size(), tree.root(), size.parse::<u64>()?);
        for index in from..size {
            tree.append(&entry(index));
        }
        for tile in Tile::grown(from, size) {
            put(folder, &tile.path(), &tile.write(&tree)?)?;
        }
        for bundle in Bundle::grown(from, size) {
            let first = bundle.first_entry();
            let entries = (first..first + u64::from(bundle.width())).map(entry);
            put(folder, &bundle.path(), &Bundle::write(entries)?)?;
        }
        let checkpoint = Checkpoint::new(ORIGIN, size, tree.root())?.with_time(1_700_000_000);
        let mut signed = checkpoint.sign(&[&key])?;
        let line = cosignature::sign(signed.note().text(), &witness, 1_700_000_001)?.to_line();
        signed.add_cosignature(&line, &[witness.verifier().clone()])?;
        put(folder, "checkpoint", signed.note().to_text().as_bytes())?;
        for index in [0, size / 3, size - 1] {
            let path = proof::prove_inclusion(index, size, &tree)?;
            lines += &line_of(
                "inclusion",
                (index, leaf_hash(&entry(index))),
                (size, tree.root()),
                &path,
            );
        }
        if from > 0 {
            let path = proof::prove_consistency(from, size, &tree)?;
            lines += &line_of("consistency", (from, old_root), (size, tree.root()), &path);
        }
        let index = size / 2;
        let path = proof::prove_inclusion(index, size, &tree)?;
        let checkpoint = signed.note().clone();
        let file = TlogProof { extra: Some(entry(index)), index, proof: path, checkpoint };
        put(folder, "entry.tlog-proof", file.to_text().as_bytes())?;
    }
    put(folder, "proofs.txt", lines.as_bytes())?;
    put(folder, "vkey", format!("{}\n", key.verifier()).as_bytes())?;
    put(folder, "witness-vkey", format!("{}\n", witness.verifier()).as_bytes())
}

fn line_of(kind: &str, first: (u64, Hash), second: (u64, Hash), proof: &[Hash]) -> String {
    let hashes: String = proof.iter().map(|hash| format!(" {hash}")).collect();
    format!("{kind} {} {} {} {}{hashes}\n", first.0, first.1, second.0, second.1)
}

fn read(root: &str, vkey: &str, witness: Option<&str>) -> Outcome<()> {
    let key = VerifierKey::parse(vkey)?;
    let signed =
        SignedCheckpoint::open(&get(root, "checkpoint")?, key.name(), std::slice::from_ref(&key))?;
    if let Some(witness) = witness {
        let cosigned = signed.cosignatures(&[VerifierKey::parse(witness)?])?;
        cosigned.first().ok_or("the witness did not cosign the checkpoint")?;
    }
    let size = signed.size();
    let mut reader = TileReader::new(&signed);
    let (mut tiles, mut entries) = (0, 0);
    for bundle in Bundle::grown(0, size) {
        let first = bundle.first_entry();
        let mut fetched = Vec::new();
        for tile in reader.wanted_for_entries([first]) {
            fetched.push((tile, get(root, &tile.path())?));
        }
        tiles += reader.prove(&fetched)?.len();
        entries += reader.entries(&bundle, &get(root, &bundle.path())?)?.len();
        reader.release(first);
    }
    println!("{}: {entries} entries and {tiles} tiles read, root {}", key.name(), signed.root());
    Ok(())
}

fn proofs(root: &str) -> Outcome<()> {
    let text = String::from_utf8(get(root, "proofs.txt")?)?;
    let (mut checked, mut refused) = (0, 0);
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [kind, first, first_hash, second, second_hash, ref proof @ ..] = words[..] else {
            return Err(format!("no proof: `{line}`").into());
        };
        let numbers: (u64, u64) = (first.parse()?, second.parse()?);
        let mut hashes = vec![Hash::from_base64(first_hash)?, Hash::from_base64(second_hash)?];
        for hash in proof {
            hashes.push(Hash::from_base64(hash)?);
        }
        let check = |hashes: &[Hash]| {
            let (first, second, proof) = (hashes[0], &hashes[1], &hashes[2..]);
            if kind == "inclusion" {
                proof::verify_inclusion(first, numbers.0, numbers.1, proof, second)
            } else {
                proof::verify_consistency(numbers.0, &first, numbers.1, second, proof)
            }
        };
        check(&hashes)?;
        checked += 1;
        for place in 0..hashes.len() {
            let mut changed = hashes.clone();
            changed[place] = Hash::from_bytes([place as u8; 32]);
            if check(&changed).is_ok() {
                return Err(format!("accepted with hash {place} changed: `{line}`").into());
            }
            refused += 1;
        }
    }
    println!("{checked} proofs checked, and refused with each of {refused} hashes changed");
    Ok(())
}

/// A file of the log: from a folder, or by the plainest request to a server on this machine.
fn get(root: &str, path: &str) -> Outcome<Vec<u8>> {
    let Some(host) = root.strip_prefix("http://") else {
        return Ok(std::fs::read(Path::new(root).join(path))?);
    };
    let (host, prefix) = host.trim_end_matches('/').split_once('/').unwrap_or((host, ""));
    let host = host.trim_end_matches('/');
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let separator = if prefix.is_empty() { "" } else { "/" };
    write!(stream, "GET /{prefix}{separator}{path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(64 << 20).read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no answer")?;
    let status = answer.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if status != b"200" {
        return Err(format!("{path}: {}", String::from_utf8_lossy(status)).into());
    }
    Ok(answer.split_off(end + 4))
}
