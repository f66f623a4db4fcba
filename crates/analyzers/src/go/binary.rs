//! A program that Go built: its module, the modules linked into it, and Go's own library.
//!
//! Each carries the functions of it that the program links, so that an advisory can be held against
//! what is really there.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use model::{Basis, PackageKind, ProblemKind, Symbols, SymbolsBuilder};

use super::build_info::{self, BuildInfo};
use super::functions::{self, Function};
use super::linked_value;
use super::module::{Build, Module};
use super::version_variable;
use crate::program::{PROGRAM_BYTES_MAX, Program};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// Functions that are kept of one program: some 200 KB. Of what links more nothing is kept, and
/// whatever an advisory names counts as linked.
const SYMBOLS_MAX: usize = 100_000;

/// The analyzer `go-binary`.
pub(crate) struct GoBinary;

impl Analyzer for GoBinary {
    fn name(&self) -> &'static str {
        "go-binary"
    }

    fn version(&self) -> u32 {
        4
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Executable] }
    }

    fn max_bytes(&self) -> u64 {
        PROGRAM_BYTES_MAX
    }

    fn reads_in_place(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(program) = Program::parse(file.bytes) else { return };
        match build_info::read(&program) {
            Some(Ok(info)) => packages(&info, &program, facts),
            Some(Err(message)) => facts.problem(ProblemKind::Damaged, message),
            None => {}
        }
    }
}

fn packages(info: &BuildInfo<'_>, program: &Program<'_>, facts: &mut FileFacts) {
    let mut build = Build::parse(info.modules);
    let by_bytes = version_by_bytes(&mut build, program);
    let mut modules = build.dependencies;
    let dependencies = named(&modules);
    modules.extend(build.main.clone());
    let (path, imported) = (STDLIB.to_owned(), STDLIB.to_owned());
    modules.push(Module { path, version: release(info.go).to_owned(), imported });
    modules.sort_unstable();
    modules.dedup();
    let mut symbols = by_module(functions::linked(program), &modules, &build.package);
    for module in &modules {
        let mut installed = Installed::new(PackageKind::Golang, &module.path, &module.version);
        installed.package.architecture.clone_from(&build.platform);
        installed.package.symbols = symbols.remove(module.imported.as_str()).unwrap_or_default();
        if build.main.as_ref() == Some(module) {
            installed.package.dependencies.clone_from(&dependencies);
        }
        if by_bytes && build.main.as_ref() == Some(module) {
            installed.package.basis = Basis::Signature;
        }
        facts.package(installed);
    }
}

/// Fills in the version of the main module, if nothing else told it; whether it did.
fn version_by_bytes(build: &mut Build, program: &Program<'_>) -> bool {
    let is_unknown = build.main.as_ref().is_some_and(|main| main.version.is_empty());
    if !is_unknown {
        return false;
    }
    let found = version_variable::version(program, build);
    let found = found.or_else(|| linked_value::version(program));
    let is_found = found.is_some();
    if let (Some(main), Some(version)) = (build.main.as_mut(), found) {
        main.version = version;
    }
    is_found
}

/// How advisories call what comes with Go.
const STDLIB: &str = "stdlib";

/// `1.22.3` of `go1.22.3 X:boringcrypto` and of `go1.22.3-microsoft`: what follows a hyphen is no part
/// of the version (go.dev/doc/toolchain, "Go versions"), and Go's own candidates (`go1.22rc1`) have
/// none. Empty for a build of Go between releases.
fn release(go: &str) -> &str {
    let release = go.strip_prefix("go").unwrap_or_default();
    release.split([' ', '\t', '-']).next().unwrap_or_default()
}

fn named(modules: &[Module]) -> Vec<String> {
    let name = |module: &Module| match module.version.as_str() {
        "" => module.path.clone(),
        version => format!("{}@{version}", module.path),
    };
    let mut names: Vec<String> = modules.iter().map(name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The linked functions of each module, by the path it is imported by.
fn by_module<'a, 'm>(
    functions: impl Iterator<Item = Function<'a>>,
    modules: &'m [Module],
    main: &str,
) -> BTreeMap<&'m str, Symbols> {
    let modules: BTreeMap<&'m str, &'m Module> =
        modules.iter().map(|module| (module.imported.as_str(), module)).collect();
    let mut homes: HashMap<Cow<'a, str>, Option<Home<'m>>> = HashMap::new();
    let mut found: BTreeMap<&'m str, SymbolsBuilder> = BTreeMap::new();
    for Function { package, receiver, name } in functions {
        let home = homes.entry(package).or_insert_with_key(|package| {
            // The program's own package is called `main`, wherever it stands.
            let is_main = package == "main" && !main.is_empty();
            Home::of(if is_main { main } else { package }, &modules)
        });
        if let Some(Home { module, package }) = home {
            found.entry(module).or_default().add(package, receiver, name);
        }
    }
    let found: BTreeMap<&'m str, Symbols> =
        found.into_iter().map(|(module, builder)| (module, builder.finish())).collect();
    let count = found.values().map(Symbols::len).fold(0, usize::saturating_add);
    if count > SYMBOLS_MAX { BTreeMap::new() } else { found }
}

/// Where a package comes from.
struct Home<'m> {
    /// The path its module is imported by.
    module: &'m str,
    /// Its own path, as in the module that is really there.
    package: String,
}

impl<'m> Home<'m> {
    /// In the module with the longest path above it; in Go's own library if its first part has no
    /// dot.
    fn of(package: &str, modules: &BTreeMap<&'m str, &'m Module>) -> Option<Self> {
        let mut path = package;
        loop {
            if let Some(module) = modules.get(path) {
                let rest = package.get(path.len()..).unwrap_or_default();
                let package = format!("{}{rest}", module.path);
                return Some(Self { module: &module.imported, package });
            }
            let Some((above, _)) = path.rsplit_once('/') else { break };
            path = above;
        }
        let is_own = package.split('/').next().is_some_and(|first| !first.contains('.'));
        let stdlib = modules.get(STDLIB).filter(|_| is_own)?;
        Some(Self { module: &stdlib.imported, package: package.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_what_go_compares() {
        for (go, version) in [
            ("go1.22.7", "1.22.7"),
            ("go1.22.7-microsoft", "1.22.7"),
            ("go1.21.3-1 X:boringcrypto", "1.21.3"),
            ("go1.22.3 X:boringcrypto", "1.22.3"),
            ("go1.23rc2", "1.23rc2"),
            ("go1.23-20240626-RC01 cl/646990413 X:fieldtrack", "1.23"),
            ("devel go1.23-2f6426834c Thu Feb 1", ""),
            ("", ""),
        ] {
            assert_eq!(release(go), version, "{go}");
        }
    }
}
