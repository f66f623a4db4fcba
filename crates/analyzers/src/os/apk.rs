//! Alpine's package database: `installed`, one letter a field.
//!
//! The format is apk-tools' (apk-installed(5)): paragraphs of `X:value` lines, separated by empty
//! lines. `P` name, `V` version, `A` architecture, `L` licence, `o` origin (the source package),
//! `m` maintainer; `F` opens a directory and each `R` names a file in it.

use model::{PackageKind, PathListBuilder, ProblemKind, Source};

use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `apk`.
pub(crate) struct Apk;

impl Analyzer for Apk {
    fn name(&self) -> &'static str {
        "apk"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Path("lib/apk/db/installed"), Select::Path("usr/lib/apk/db/installed")] }
    }

    fn max_bytes(&self) -> u64 {
        // A package takes 2 to 20 KB, most of it names of files; images have some hundreds.
        256 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let mut paragraph = Paragraph::new(1, facts);
        for (number, line) in (1_usize..).zip(text.split('\n')) {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                paragraph.end(facts);
                paragraph = Paragraph::new(number.saturating_add(1), facts);
            } else {
                paragraph.read(line);
            }
        }
        paragraph.end(facts);
    }
}

/// One package.
struct Paragraph<'a> {
    line: usize,
    name: &'a str,
    version: &'a str,
    architecture: &'a str,
    license: &'a str,
    origin: &'a str,
    maintainer: &'a str,
    directory: &'a str,
    files: PathListBuilder,
    garbage: bool,
}

impl<'a> Paragraph<'a> {
    fn new(line: usize, facts: &FileFacts) -> Self {
        Self {
            line,
            name: "",
            version: "",
            architecture: "",
            license: "",
            origin: "",
            maintainer: "",
            directory: "",
            files: facts.path_list(),
            garbage: false,
        }
    }

    fn read(&mut self, line: &'a str) {
        let Some((field, value)) = line.split_once(':') else {
            self.garbage = true;
            return;
        };
        match field {
            "P" => self.name = value,
            "V" => self.version = value,
            "A" => self.architecture = value,
            "L" => self.license = value,
            "o" => self.origin = value,
            "m" => self.maintainer = value,
            "F" => self.directory = value.trim_end_matches('/'),
            "R" if self.directory.is_empty() => self.files.push(value),
            "R" => {
                let length = self.directory.len().saturating_add(1).saturating_add(value.len());
                if self.files.takes(length) {
                    self.files.push(&format!("{}/{value}", self.directory));
                }
            }
            _ => self.garbage |= field.len() != 1,
        }
    }

    fn end(self, facts: &mut FileFacts) {
        let line = self.line;
        if self.garbage {
            let message = format!("paragraph at line {line} has lines that are not `X:value`");
            facts.problem(ProblemKind::Damaged, message);
        }
        match (self.name, self.version) {
            ("", "") => {}
            ("", _) => {
                let message = format!("paragraph at line {line} has no name (`P`)");
                facts.problem(ProblemKind::Damaged, message);
            }
            (name, "") => {
                let message = format!("`{name}` at line {line} has no version (`V`)");
                facts.problem(ProblemKind::Damaged, message);
            }
            (name, version) => facts.package(self.installed(name, version)),
        }
    }

    fn installed(self, name: &str, version: &str) -> Installed {
        let mut installed = Installed::new(PackageKind::Apk, name, version);
        let package = &mut installed.package;
        self.architecture.clone_into(&mut package.architecture);
        self.license.clone_into(&mut package.license);
        self.maintainer.clone_into(&mut package.vendor);
        // All packages of one source share its version.
        if !self.origin.is_empty() && self.origin != name {
            let name = self.origin.to_owned();
            package.source = Some(Source { name, version: version.to_owned() });
        }
        (installed.files, installed.left_out) = self.files.finish();
        installed
    }
}
