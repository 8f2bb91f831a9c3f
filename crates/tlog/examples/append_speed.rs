//! How many entries a core appends to a tree in a second, in memory: hashing and the frontier.
//!
//!     cargo run --release -p countermark-tlog --example append_speed [entries] [bytes]

use std::time::Instant;

use countermark_tlog::{Frontier, leaf_hash};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut next = |otherwise| arguments.next().and_then(Result::ok).unwrap_or(otherwise);
    let (count, length) = (next(10_000_000), next(200));
    let mut entry = vec![b'x'; usize::try_from(length).unwrap_or(200).max(8)];
    let mut frontier = Frontier::new();
    let mut nodes: u64 = 0;
    #[expect(clippy::disallowed_methods, reason = "it measures time")]
    let start = Instant::now();
    for index in 0..count {
        entry[..8].copy_from_slice(&index.to_be_bytes());
        frontier.append(leaf_hash(&entry), &mut |_, _, _| nodes += 1);
    }
    let root = frontier.root();
    let seconds = start.elapsed().as_secs_f64();
    let rate = count as f64 / seconds;
    println!("{count} entries of {} bytes in {seconds:.2} s: {rate:.0} a second", entry.len());
    println!("{nodes} hashes told, root {root}");
}
