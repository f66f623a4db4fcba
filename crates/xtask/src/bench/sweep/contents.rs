//! Time against what one file system holds: bytes, files, packages.

use std::path::Path;
use std::process::Command;

use super::{file_system, made, root};
use crate::bench::Session;
use crate::bench::measure::{Contender, in_turn};

struct Shape {
    name: &'static str,
    files: usize,
    bytes_each: usize,
    packages: usize,
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "64 MB in 1,000 files, 500 packages",
        files: 1_000,
        bytes_each: 64_000,
        packages: 500,
    },
    Shape { name: "256 MB in 1,000 files", files: 1_000, bytes_each: 256_000, packages: 500 },
    Shape { name: "1 GB in 1,000 files", files: 1_000, bytes_each: 1_000_000, packages: 500 },
    Shape { name: "64 MB in 16,000 files", files: 16_000, bytes_each: 4_000, packages: 500 },
    Shape { name: "64 MB in 64,000 files", files: 64_000, bytes_each: 1_000, packages: 500 },
    Shape { name: "2,000 packages", files: 1_000, bytes_each: 64_000, packages: 2_000 },
    Shape { name: "8,000 packages", files: 1_000, bytes_each: 64_000, packages: 8_000 },
];

pub(super) fn run(session: &Session, folder: &Path) -> Result<(), String> {
    println!("What an image holds (`sbom`, nothing cached):\n");
    let mut targets = Vec::new();
    for (position, Shape { files, bytes_each, packages, .. }) in SHAPES.iter().enumerate() {
        let tar = made(folder.join(format!("contents-{position}.tar")), |into| {
            root(into, *packages, ("opt", *files, *bytes_each))
        })?;
        targets.push(file_system(&tar));
    }
    let command = |target: &str| session.lazaret(&["sbom", "--no-cache", target]);
    let commands: Vec<Box<dyn Fn() -> Command + '_>> = targets
        .iter()
        .map(|target| Box::new(move || command(target)) as Box<dyn Fn() -> Command>)
        .collect();
    let contenders: Vec<Contender<'_>> = SHAPES
        .iter()
        .zip(&commands)
        .map(|(shape, command)| Contender { name: shape.name, command: &**command })
        .collect();
    in_turn(&contenders, session.runs)?;
    println!();
    Ok(())
}
