//! `--vex`: documents, folders of them, and repositories with an index, read before a scan begins.
//!
//! A document that the user names has to be one. What lies in a folder may be anything: what is no
//! VEX document there is said, and silences nothing.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use artifact::Stop;
use document::Report;
use document::vex::{BYTES_MAX, Listed, NAMES_MAX, Said, VexError, listed, read};
use model::{Problem, ProblemKind, VexProduct, VexStatement};

use crate::error::UserError;
use crate::exit_code::ExitCode;

/// How many documents are read. The largest public repository has some 2000.
const DOCUMENTS_MAX: usize = 20_000;
/// How many statements are kept; each takes some 500 bytes.
const STATEMENTS_MAX: usize = 200_000;
/// How deep folders may nest: type, namespace and name of a package, and then some.
const DEPTH_MAX: usize = 16;

/// What documents say, and which could not be read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements {
    statements: Vec<VexStatement>,
    names: usize,
    problems: Vec<Problem>,
}

impl Statements {
    /// Reads everything the user named.
    pub(crate) fn read(paths: &[PathBuf], stop: &Stop) -> Result<Self, UserError> {
        let mut all = Self::default();
        for path in paths {
            if path.is_dir() {
                all.folder(path, stop)?;
            } else {
                let shown = path.display().to_string();
                let bytes = content(path).map_err(|error| unreadable(path, &error))?;
                let said = read(&shown, &bytes).map_err(|error| no_vex(&shown, &error))?;
                all.add(&shown, said);
            }
        }
        Ok(all)
    }

    /// Tells the silenced findings of a report apart.
    pub(crate) fn silence(&self, report: &mut Report, stop: &Stop) {
        report.problems.extend(self.problems.iter().cloned());
        let findings = std::mem::take(&mut report.findings);
        let Report { artifact, inventory, .. } = report;
        let is_stopped = || stop.is_stopped();
        let told = matcher::silence(findings, &self.statements, artifact, inventory, &is_stopped);
        report.findings = told.kept;
        report.silenced.extend(told.silenced);
        report.problems.extend(told.problems);
    }

    fn folder(&mut self, folder: &Path, stop: &Stop) -> Result<(), UserError> {
        let index = content(&folder.join("index.json")).ok();
        let documents: Vec<(PathBuf, Option<Listed>)> = match index.and_then(|it| listed(&it)) {
            Some(all) => all.into_iter().map(|it| (folder.join(&it.location), Some(it))).collect(),
            None => self.walk(folder)?.into_iter().map(|path| (path, None)).collect(),
        };
        if documents.len() > DOCUMENTS_MAX {
            let message =
                format!("{} documents, of which {DOCUMENTS_MAX} are read", documents.len());
            self.notice(&folder.display().to_string(), message);
        }
        for (path, listed) in documents.iter().take(DOCUMENTS_MAX) {
            // The scan itself, which comes next, says that there is no time left.
            if stop.is_stopped() {
                return Ok(());
            }
            let shown = path.display().to_string();
            let outcome = content(path).map_err(|error| error.to_string());
            match outcome.and_then(|bytes| read(&shown, &bytes).map_err(|error| error.to_string()))
            {
                Ok(mut said) => {
                    self.keep_own(&shown, listed.as_ref(), &mut said);
                    self.add(&shown, said);
                }
                Err(why) => self.notice(&shown, format!("not read as VEX: {why}")),
            }
        }
        Ok(())
    }

    /// In a repository a document speaks for the package that it is listed for, and no other.
    fn keep_own(&mut self, shown: &str, listed: Option<&Listed>, said: &mut Said) {
        let others = listed.map_or(0, |listed| listed.keep_own(&mut said.statements));
        if others > 0 {
            let message = format!(
                "{others} products are not the package that the repository lists it for: nothing is \
                 said of them"
            );
            self.notice(shown, message);
        }
    }

    /// Every JSON file below, sorted. Links to elsewhere are not followed.
    fn walk(&mut self, folder: &Path) -> Result<Vec<PathBuf>, UserError> {
        let mut found = Vec::new();
        let mut open = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = open.pop() {
            for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))? {
                let entry = entry.map_err(|error| unreadable(&folder, &error))?;
                let (kind, path) = (entry.file_type(), entry.path());
                if kind.as_ref().is_ok_and(fs::FileType::is_dir) && depth < DEPTH_MAX {
                    open.push((path, depth + 1));
                } else if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
                    let message = format!("folders nest deeper than {DEPTH_MAX}; not read");
                    self.notice(&path.display().to_string(), message);
                } else if kind.is_ok_and(|kind| kind.is_file())
                    && path.extension().is_some_and(|end| end == "json")
                {
                    found.push(path);
                }
            }
        }
        found.sort();
        Ok(found)
    }

    pub(crate) fn add(&mut self, shown: &str, said: Said) {
        let Said { statements, notes } = said;
        let names = self.names + statements.iter().map(names).sum::<usize>();
        let count = self.statements.len() + statements.len();
        let limits =
            [(count, STATEMENTS_MAX, "statements"), (names, NAMES_MAX, "names of products")];
        if let Some((_, most, what)) = limits.into_iter().find(|(count, most, _)| count > most) {
            return self.notice(shown, format!("not read: more than {most} {what}"));
        }
        self.names = names;
        self.statements.extend(statements);
        notes.into_iter().for_each(|note| self.notice(shown, note));
    }

    /// What is not read silences nothing, so that the result lacks nothing.
    fn notice(&mut self, subject: &str, message: String) {
        self.problems.push(Problem::new(ProblemKind::Notice, subject, message));
    }
}

/// How many names the products of a statement have, those of parts included.
fn names(statement: &VexStatement) -> usize {
    let of = |it: &VexProduct| {
        let around = it.within.iter().chain(&it.parts).map(Vec::len).sum::<usize>();
        (it.names.len() + around).max(1)
    };
    statement.products.iter().map(of).sum()
}

/// No more than what shows that it is too large.
fn content(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> UserError {
    UserError::new(ExitCode::of_file(error), format!("cannot read `{}`: {error}", path.display()))
}

fn no_vex(shown: &str, error: &VexError) -> UserError {
    let code = if *error == VexError::Unknown { ExitCode::Usage } else { ExitCode::Damaged };
    UserError::new(code, format!("cannot read `{shown}` as VEX: {error}"))
}
