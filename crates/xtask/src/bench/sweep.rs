//! How time and memory grow: with what an image holds, with its layers, with what publishers say;
//! one thing is multiplied again and again while the rest stays. One file a direction.

mod advisories;
mod contents;
mod layers;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Session;
use super::measure::{Contender, Run, in_turn};

/// What files hold, over and over: text, for that is what most is asked of.
const LINE: &str = "a line of a file that holds nothing in particular, and ends here\n";

pub(super) fn run(session: &Session) -> Result<(), String> {
    let folder = session.work.join("sweep");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    contents::run(session, &folder)?;
    layers::run(session, &folder)?;
    advisories::run(session, &folder)
}

/// A row for each of these, all by the same command.
fn each<T>(
    session: &Session,
    rows: &[(String, T)],
    command: impl Fn(&T) -> Command,
) -> Result<Vec<Vec<Run>>, String> {
    let command = &command;
    let commands: Vec<_> = rows.iter().map(|(_, of)| move || command(of)).collect();
    let named = rows.iter().zip(&commands);
    let contenders: Vec<_> =
        named.map(|((name, _), command)| Contender { name, command }).collect();
    in_turn(&contenders, session.runs)
}

/// Makes a file under another name, so that one cut short is made anew, and keeps it.
fn made(
    path: PathBuf,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<PathBuf, String> {
    let make = || {
        let part = path.with_extension("part");
        let mut file = io::BufWriter::new(File::create(&part)?);
        write(&mut file)?;
        file.flush()?;
        std::fs::rename(part, &path)
    };
    if !path.exists() {
        make().map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(path)
}

/// The database of `count` Debian packages, three of a source.
fn dpkg_status(count: usize) -> String {
    let package = |number: usize| {
        format!(
            "Package: package-{number}\nStatus: install ok installed\nArchitecture: amd64\n\
             Source: source-{}\nVersion: 1.{number}-1\n\n",
            number / 3
        )
    };
    (0..count).map(package).collect()
}

/// A root file system with these packages and, in `folder`, these files of so many bytes each.
fn root(
    into: &mut dyn Write,
    packages: usize,
    (folder, files, bytes): (&str, usize, usize),
) -> io::Result<()> {
    let mut tar = tar::Builder::new(into);
    if packages > 0 {
        append(&mut tar, "etc/os-release", b"ID=debian\nVERSION_ID=12\n")?;
        append(&mut tar, "var/lib/dpkg/status", dpkg_status(packages).as_bytes())?;
    }
    let content: Vec<u8> = LINE.bytes().cycle().take(bytes).collect();
    for number in 0..files {
        append(&mut tar, &format!("{folder}/{}/{number}", number / 100), &content)?;
    }
    tar.finish()
}

fn append<W: Write>(tar: &mut tar::Builder<W>, path: &str, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, path, content)
}

/// A file system that is scanned as such.
fn file_system(path: &Path) -> String {
    format!("fs-archive:{}", path.display())
}
