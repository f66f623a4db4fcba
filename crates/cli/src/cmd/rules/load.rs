//! Rule files, from where the user says or from our own content.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use detect::{Diagnostic, FILE_BYTES_MAX, Level, RuleFile, Ruleset};
use include_dir::{Dir, DirEntry, include_dir};

use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

/// What is looked for unless the user brings rules.
static CONTENT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../content/detections");

/// Files below a folder that somebody named by mistake, `/` for instance.
const FILES_MAX: usize = 10_000;

/// A file that was read whole.
pub(super) struct Loaded {
    /// As messages call it.
    pub(super) name: String,
    /// Where it is; none for our own.
    pub(super) path: Option<PathBuf>,
    pub(super) bytes: Vec<u8>,
}

/// What stands in the paths: rules and, in TOML beside them, their tests.
#[derive(Default)]
pub(super) struct Content {
    pub(super) rules: Vec<Loaded>,
    pub(super) tests: Vec<Loaded>,
}

impl Content {
    /// The files that are named, those below the folders that are named in the order of their
    /// names, or our own.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, UserError> {
        let mut content = Self::default();
        if paths.is_empty() {
            content.own(&CONTENT);
            return Ok(content);
        }
        for path in paths {
            let mut files = Vec::new();
            find(path, &mut files)?;
            // Tests alone are no rules.
            let is_test = |file: &PathBuf| file.extension().is_some_and(|it| it == "toml");
            if files.iter().all(is_test) {
                let message = format!("`{}` holds no rule files", path.display());
                let hint = "they end in .yaml or .yml";
                return Err(UserError::new(ExitCode::TargetNotFound, message).hint(Some(hint)));
            }
            for file in files {
                content.add(Loaded {
                    name: file.display().to_string(),
                    bytes: read(&file, FILE_BYTES_MAX as u64)?,
                    path: Some(file),
                });
            }
        }
        Ok(content)
    }

    fn own(&mut self, folder: &Dir<'static>) {
        let mut entries: Vec<&DirEntry<'static>> = folder.entries().iter().collect();
        entries.sort_by_key(|entry| entry.path());
        for entry in entries {
            match entry {
                DirEntry::Dir(folder) => self.own(folder),
                DirEntry::File(file) => {
                    let name = file.path().display().to_string();
                    self.add(Loaded { name, path: None, bytes: file.contents().to_vec() });
                }
            }
        }
    }

    fn add(&mut self, file: Loaded) {
        match Path::new(&file.name).extension().and_then(|extension| extension.to_str()) {
            Some("toml") => self.tests.push(file),
            Some("yaml" | "yml") => self.rules.push(file),
            // Any file that is named by itself; ours beside rules are recordings and pages.
            _ if file.path.is_some() => self.rules.push(file),
            _ => {}
        }
    }

    /// The rules of all files, and what is to be said of them.
    pub(super) fn rules(&self) -> (Ruleset, Vec<Diagnostic>) {
        of(&self.rules)
    }
}

/// The rules of files, and what is to be said of them.
pub(super) fn of(files: &[Loaded]) -> (Ruleset, Vec<Diagnostic>) {
    let files = files.iter().map(|file| RuleFile { name: &file.name, bytes: &file.bytes });
    Ruleset::load(&files.collect::<Vec<_>>())
}

/// One of our own files, beside another of them.
pub(super) fn own(beside: &str, path: &Path) -> Result<Vec<u8>, UserError> {
    let path = Path::new(beside).with_file_name("").join(path);
    let file = CONTENT.get_file(&path).map(|file| file.contents().to_vec());
    file.ok_or_else(|| {
        UserError::new(ExitCode::TargetNotFound, format!("there is no `{}`", path.display()))
    })
}

/// Rules for who wants to use them.
pub(super) struct Usable {
    pub(super) ruleset: Ruleset,
    /// What is to be said of the rules that are there.
    pub(super) doubts: Vec<Diagnostic>,
    /// How the run ends if nothing else ends it.
    pub(super) code: ExitCode,
}

/// The rules of the paths: mistakes are said, and what has none counts.
pub(super) fn rules(paths: &[PathBuf]) -> Result<Usable, UserError> {
    let (ruleset, diagnostics) = Content::read(paths)?.rules();
    let (errors, doubts): (Vec<_>, Vec<_>) =
        diagnostics.into_iter().partition(|it| it.level == Level::Error);
    for error in &errors {
        output::note(&error.to_string());
    }
    if ruleset.rules().is_empty() {
        let message = "there is no rule to use";
        let hint = "`lazaret rules check` says what is wrong with files";
        return Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)));
    }
    let code = if errors.is_empty() { ExitCode::Done } else { ExitCode::Usage };
    Ok(Usable { ruleset, doubts, code })
}

/// The file itself, or the rule files and tests below a folder, sorted by name.
fn find(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), UserError> {
    let failed = |error: std::io::Error| unreadable(path, &error);
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        files.push(path.to_owned());
        // A rule file's tests have its name.
        let tests = path.with_extension("toml");
        if tests != path && tests.is_file() {
            files.push(tests);
        }
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        // Where a volume of Kubernetes keeps its versions.
        if name.starts_with('.') {
            continue;
        }
        // No folder behind a link: a loop of them has no end.
        if entry.is_dir() && !entry.is_symlink() {
            find(&entry, files)?;
        } else if entry.is_file()
            && [".yaml", ".yml", ".toml"].iter().any(|end| name.ends_with(end))
        {
            files.push(entry);
        }
        if files.len() > FILES_MAX {
            let message =
                format!("`{}` has more than {FILES_MAX} rule files below it", path.display());
            return Err(UserError::new(ExitCode::Usage, message));
        }
    }
    Ok(())
}

/// A file whole, if it is not larger than anything that makes sense.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, UserError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    read_from(path, file, limit)
}

/// The same of what is open already.
pub(super) fn read_from(path: &Path, source: impl Read, limit: u64) -> Result<Vec<u8>, UserError> {
    let mut bytes = Vec::new();
    let read = source.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > limit {
        let message = format!("`{}` is larger than {} MiB", path.display(), limit >> 20);
        return Err(UserError::new(ExitCode::Damaged, message));
    }
    Ok(bytes)
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> UserError {
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => ExitCode::TargetNotFound,
        _ => ExitCode::Failed,
    };
    UserError::new(code, format!("cannot read `{}`: {error}", path.display()))
}
