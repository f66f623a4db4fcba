//! Reads all layers of a target and says how long that took and what was seen: the measure for
//! this crate's speed, apart from analyzers.
//!
//! `cargo run --release -p artifact --example read -- [--verify] TARGET`
#![expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]

use std::time::Instant;

use artifact::{Options, open};
use model::{Entry, Visitor, Want};

/// Wants the files that name packages of the operating system.
#[derive(Default)]
struct Wanting {
    contents: u64,
    bytes: u64,
}

impl Visitor for Wanting {
    fn entry(&mut self, entry: &Entry<'_>) -> Want {
        let wanted = ["var/lib/dpkg/status", "etc/os-release", "usr/lib/os-release"];
        if wanted.contains(&entry.path) || entry.path.starts_with("lib/apk/db/") {
            return Want::Content;
        }
        Want::Nothing
    }

    fn content(&mut self, _entry: &Entry<'_>, bytes: &[u8]) {
        self.contents += 1;
        self.bytes += bytes.len() as u64;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let verify = arguments.iter().any(|argument| argument == "--verify");
    let target = arguments.last().ok_or("usage: read [--verify] TARGET")?;
    let options = Options { verify, ..Options::default() };
    let begun = Instant::now();
    let image = open(target, &options)?;
    println!("opened in {:?}: {:?}", begun.elapsed(), image.artifact().kind);
    let layers: Vec<u32> = image.artifact().layers.iter().map(|layer| layer.index).collect();
    for read in image.read(&layers, &Wanting::default)? {
        println!(
            "layer {}: {} entries, {} bytes, verified: {}, {} contents of {} bytes",
            read.index,
            read.entries,
            read.bytes,
            read.verified,
            read.visitor.contents,
            read.visitor.bytes
        );
        for problem in &read.problems {
            println!("  {}: {problem}", problem.kind.name());
        }
    }
    for problem in image.problems() {
        println!("{}: {problem}", problem.kind.name());
    }
    println!("read in {:?}", begun.elapsed());
    Ok(())
}
