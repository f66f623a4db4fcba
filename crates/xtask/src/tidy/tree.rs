//! What the rules look at: the files that git tracks or would track, and what cargo knows of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::code::Code;
use super::places;

/// Everything that rules may look at.
pub(crate) struct Tree {
    /// Text files, by path.
    pub(crate) files: Vec<File>,
    pub(crate) packages: Vec<Package>,
    /// Names of this machine that no file may hold.
    pub(crate) places: Vec<String>,
    /// Paths, without `.rs`, of modules that are declared for tests alone.
    test_modules: Vec<String>,
}

pub(crate) struct File {
    /// Relative to the workspace, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// For Rust sources outside of `testdata`.
    pub(crate) code: Option<Code>,
}

/// A crate of the workspace, as `cargo metadata` describes it.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// None, `build` or `dev`.
    pub(crate) kind: Option<String>,
}

impl Tree {
    /// # Errors
    /// git or cargo cannot be asked, or a source is not Rust.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let names = output(root, "git", &listing)?;
        let mut paths: Vec<&str> = names.split_terminator('\0').collect();
        paths.sort_unstable();
        // A tracked file that was deleted and one that is not text have nothing to say.
        let text = |path: &str| fs::read_to_string(root.join(path)).ok();
        let files =
            paths.into_iter().filter_map(|path| Some((path.to_owned(), text(path)?))).collect();
        let metadata = output(root, "cargo", &["metadata", "--no-deps", "--format-version=1"])?;
        Self::new(files, &metadata, places::of_this_machine(root))
    }

    pub(crate) fn new(
        files: Vec<(String, String)>,
        metadata: &str,
        places: Vec<String>,
    ) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Metadata {
            packages: Vec<Package>,
        }
        let metadata: Metadata = serde_json::from_str(metadata)
            .map_err(|error| format!("reading `cargo metadata`: {error}"))?;
        let files: Vec<File> = files.into_iter().map(File::new).collect::<Result<_, _>>()?;
        let codes = files.iter().filter_map(|file| Some((file, file.code.as_ref()?)));
        let test_modules = codes
            .flat_map(|(file, code)| code.test_modules.iter().map(|name| file.child(name)))
            .collect();
        Ok(Self { files, packages: metadata.packages, places, test_modules })
    }

    /// Rust sources.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&File, &Code)> {
        self.files.iter().filter_map(|file| Some((file, file.code.as_ref()?)))
    }

    /// The file's path below `crates/`, if it is production code: below `src/`, and not in a module
    /// that is declared for tests alone.
    pub(crate) fn production_path<'a>(&self, file: &'a File) -> Option<&'a str> {
        let path = file.path.strip_prefix("crates/")?;
        let (_, inside) = path.split_once('/')?;
        let is_test = self.test_modules.iter().any(|module| {
            file.path.strip_prefix(module).is_some_and(|rest| rest.starts_with(['.', '/']))
        });
        (inside.starts_with("src/") && !is_test).then_some(path)
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl File {
    fn new((path, text): (String, String)) -> Result<Self, String> {
        let is_source = path.ends_with(".rs") && !path.contains("testdata/");
        let code = is_source.then(|| Code::parse(&text)).transpose();
        let code = code.map_err(|error| format!("reading `{path}`: {error}"))?;
        Ok(Self { path, text, code })
    }

    /// Where the module `name` lies if it is declared here, without its `.rs`.
    fn child(&self, name: &str) -> String {
        let stem = self.path.trim_end_matches(".rs");
        let folder = stem.strip_suffix("/lib").or_else(|| stem.strip_suffix("/main"));
        format!("{}/{name}", folder.unwrap_or(stem))
    }
}

fn output(root: &Path, program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(root)
        .output()
        .map_err(|error| format!("running `{program}`: {error}"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{program}` failed: {}", stderr.trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("reading from `{program}`: {error}"))
}
