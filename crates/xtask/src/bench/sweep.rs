//! How time grows: with the bytes of an image, with its layers, with its packages, each doubled
//! and doubled again while the rest stays.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Session;
use super::measure::{Contender, in_turn};

/// One root file system as a tar.
struct Shape {
    files: usize,
    bytes_each: usize,
    packages: usize,
}

const SHAPES: &[(&str, Shape)] = &[
    (
        "64 MB in 1,000 files, 500 packages",
        Shape { files: 1_000, bytes_each: 64_000, packages: 500 },
    ),
    ("256 MB in 1,000 files", Shape { files: 1_000, bytes_each: 256_000, packages: 500 }),
    ("1 GB in 1,000 files", Shape { files: 1_000, bytes_each: 1_000_000, packages: 500 }),
    ("64 MB in 16,000 files", Shape { files: 16_000, bytes_each: 4_000, packages: 500 }),
    ("64 MB in 64,000 files", Shape { files: 64_000, bytes_each: 1_000, packages: 500 }),
    ("2,000 packages", Shape { files: 1_000, bytes_each: 64_000, packages: 2_000 }),
    ("8,000 packages", Shape { files: 1_000, bytes_each: 64_000, packages: 8_000 }),
];

pub(super) fn run(session: &Session) -> Result<(), String> {
    let folder = session.work.join("sweep");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut made: Vec<(&str, PathBuf)> = Vec::new();
    for (position, (name, shape)) in SHAPES.iter().enumerate() {
        let path = folder.join(format!("{position}.tar"));
        if !path.exists() {
            write(&path, shape).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        made.push((name, path));
    }
    let command = |path: &Path| {
        let mut command = session.lazaret(&["sbom", "--no-cache"]);
        command.arg(format!("fs-archive:{}", path.display()));
        command
    };
    let commands: Vec<_> = made.iter().map(|(_, path)| move || command(path)).collect();
    let contenders: Vec<Contender<'_>> = made
        .iter()
        .zip(&commands)
        .map(|((name, _), command)| Contender { name, command })
        .collect();
    in_turn(&contenders, session.runs)
}

fn write(path: &Path, shape: &Shape) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut tar = tar::Builder::new(io::BufWriter::new(File::create(&part)?));
    let release = "ID=debian\nVERSION_ID=12\n";
    append(&mut tar, "etc/os-release", release.as_bytes())?;
    let status: String = (0..shape.packages)
        .map(|number| {
            format!(
                "Package: package-{number}\nStatus: install ok installed\nArchitecture: amd64\n\
                 Source: source-{}\nVersion: 1.{number}-1\n\n",
                number / 3
            )
        })
        .collect();
    append(&mut tar, "var/lib/dpkg/status", status.as_bytes())?;
    let content = vec![b'x'; shape.bytes_each];
    for number in 0..shape.files {
        append(&mut tar, &format!("opt/{}/{number}", number / 100), &content)?;
    }
    tar.into_inner()?.flush()?;
    std::fs::rename(part, path)
}

fn append(tar: &mut tar::Builder<impl Write>, path: &str, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, path, content)
}
