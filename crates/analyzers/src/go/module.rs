//! A line of modules, as `go version -m` prints and the linker stores them
//! (runtime/debug.BuildInfo.String).

/// A module in a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Module {
    pub(super) path: String,
    /// As Go writes it, `v1.2.3`; empty if it is not known.
    pub(super) version: String,
    /// The path that its packages are imported by; another one where it replaces a module.
    pub(super) imported: String,
}

/// What a program says of how it was built.
#[derive(Default)]
pub(super) struct Build {
    /// The import path of the program's own package.
    pub(super) package: String,
    pub(super) main: Option<Module>,
    /// What was really built in, replacements in place.
    pub(super) dependencies: Vec<Module>,
    /// `linux/amd64`, as Go writes it since 1.18; empty if it is not known.
    pub(super) platform: String,
}

impl Build {
    /// Lines of fields between tabs.
    pub(super) fn parse(text: &str) -> Self {
        let mut build = Self::default();
        let (mut flags, mut os, mut architecture) = ("", "", "");
        let mut is_dependency = false;
        for line in text.lines() {
            let mut fields = line.split('\t');
            let (kind, first) = (fields.next(), fields.next().unwrap_or_default());
            let mut module = || Module {
                path: first.to_owned(),
                version: known(fields.next()),
                imported: first.to_owned(),
            };
            match kind {
                Some("path") => first.clone_into(&mut build.package),
                Some("mod") => {
                    is_dependency = false;
                    build.main = Some(module());
                }
                Some("dep") => {
                    is_dependency = true;
                    build.dependencies.push(module());
                }
                Some("=>") => {
                    let replaced = if is_dependency {
                        build.dependencies.last_mut()
                    } else {
                        build.main.as_mut()
                    };
                    if let Some(replaced) = replaced {
                        replaced.replace(module());
                    }
                }
                Some("build") => match first.split_once('=') {
                    Some(("-ldflags", value)) => flags = value,
                    Some(("GOOS", value)) => os = value,
                    Some(("GOARCH", value)) => architecture = value,
                    _ => {}
                },
                _ => {}
            }
        }
        if build.main.is_none() {
            let path = module_of(&build.package).to_owned();
            let imported = path.clone();
            build.main = Some(Module { path, version: String::new(), imported });
        }
        if let Some(main) = build.main.as_mut().filter(|main| main.version.is_empty()) {
            main.version = linked_version(flags, &main.path).unwrap_or_default();
        }
        if is_name(os) && is_name(architecture) {
            build.platform = format!("{os}/{architecture}");
        }
        build.dependencies.retain(|module| !module.path.is_empty());
        build.main = build.main.take().filter(|module| !module.path.is_empty());
        build
    }
}

/// Whose a package is, of those that were built from one checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Main,
    /// A module that a folder replaces.
    Checkout,
}

impl Build {
    /// None for packages of modules from elsewhere.
    pub(super) fn owner(&self, package: &str) -> Option<Owner> {
        let is_in = |module: &Module| is_within(package, &module.imported);
        let is_of = |module: &&Module| is_in(module);
        // The closest module counts: `a/b/api` may be one of its own below `a/b`.
        let closest = self.dependencies.iter().filter(is_of).max_by_key(|it| it.imported.len());
        let main = self.main.as_ref().filter(is_of);
        if package == "main" {
            return Some(Owner::Main);
        }
        match (main, closest) {
            (Some(main), Some(other)) if other.imported.len() > main.imported.len() => {
                other.version.is_empty().then_some(Owner::Checkout)
            }
            (Some(_), _) => Some(Owner::Main),
            (None, Some(other)) => other.version.is_empty().then_some(Owner::Checkout),
            (None, None) => (package == PROMETHEUS).then_some(Owner::Main),
        }
    }
}

impl Module {
    /// By a module of another name, or by a folder, whose version nobody knows.
    fn replace(&mut self, by: Self) {
        let is_folder = by.path.starts_with(['.', '/']) || by.path.contains('\\');
        if is_folder {
            self.version.clear();
        } else {
            (self.path, self.version) = (by.path, by.version);
        }
    }
}

/// The module that a package most likely belongs to, where the build did without modules: by the
/// rules of the hosts whose repositories have a place and a name, else without the folder that
/// programs mostly stand in.
fn module_of(package: &str) -> &str {
    let slashes = || package.match_indices('/').map(|(at, _)| at);
    let end = match package.split('/').next() {
        Some("github.com" | "gitlab.com" | "bitbucket.org" | "golang.org") => slashes().nth(2),
        // Given by files, it has no path.
        Some("command-line-arguments") => return "",
        _ => package.find("/cmd/"),
    };
    package.get(..end.unwrap_or(package.len())).unwrap_or(package)
}

/// Whether it is what Go calls an operating system or architecture.
fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !text.is_empty() && text.len() <= 16 && text.bytes().all(is_letter)
}

/// `(devel)` is what a build from a checkout says: no version.
fn known(version: Option<&str>) -> String {
    version.filter(|version| *version != "(devel)").unwrap_or_default().to_owned()
}

/// Whether a variable of this name is for the version of the program.
pub(super) fn is_version_variable(name: &str) -> bool {
    let names = ["version", "appversion", "buildversion", "fullversion", "gitversion"];
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a path is the module's or below it.
fn is_within(package: &str, module: &str) -> bool {
    let below = package.strip_prefix(module);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where the programs of the Prometheus family keep their own version.
const PROMETHEUS: &str = "github.com/prometheus/common/version";

/// The version that a build script put into a variable: `-X main.version=1.2.3`. Only variables of
/// the module itself that are called so count, and only values that are versions.
fn linked_version(flags: &str, module: &str) -> Option<String> {
    // The flag is quoted as a whole, and may quote its parts again.
    let words = flags.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\'));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut set = words.iter().filter_map(|word| {
        let (variable, value) = word.strip_prefix("-X=").unwrap_or(word).split_once('=')?;
        let (package, name) = variable.rsplit_once('.')?;
        let is_own = package == "main" || is_within(package, module) || package == PROMETHEUS;
        (is_own && is_version_variable(name)).then_some(value)
    });
    let version = set.find(|value| is_version(value))?;
    Some(format!("v{}", version.strip_prefix('v').unwrap_or(version)))
}

/// `1.2` or more numbers, whatever follows.
pub(super) fn is_version(value: &str) -> bool {
    let value = value.strip_prefix('v').unwrap_or(value);
    let numbers = value.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    numbers.contains('.') && numbers.split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_without_a_module_tells_its_repository() {
        for (package, module) in [
            ("github.com/a/b/cmd/c", "github.com/a/b"),
            ("go.example.org/b", "go.example.org/b"),
            ("example.org/b/cmd/c", "example.org/b"),
            ("command-line-arguments", ""),
        ] {
            let main = Build::parse(&format!("path\t{package}\n")).main;
            assert_eq!(main.map(|main| main.path).unwrap_or_default(), module, "{package}");
        }
    }

    #[test]
    fn packages_belong_to_the_closest_module() {
        let text = "mod\texample.org/tide\t(devel)\t\n\
                    dep\texample.org/tide/api\tv1.0.0\n=>\t./api\t(devel)\t\n\
                    dep\texample.org/tide/client\tv1.2.0\th1:x\n\
                    dep\texample.org/moon\tv2.0.0\th1:x\n";
        let build = Build::parse(text);
        for (package, owner) in [
            ("main", Some(Owner::Main)),
            ("example.org/tide/version", Some(Owner::Main)),
            ("example.org/tide", Some(Owner::Main)),
            ("example.org/tides", None),
            ("example.org/tide/api/version", Some(Owner::Checkout)),
            ("example.org/tide/client/version", None),
            ("example.org/moon/version", None),
            ("github.com/prometheus/common/version", Some(Owner::Main)),
        ] {
            assert_eq!(build.owner(package), owner, "{package}");
        }
    }

    #[test]
    fn versions_of_the_main_module() {
        for (flags, version) in [
            ("-s -w -X main.version=1.2.3", "v1.2.3"),
            ("\"-X main.commit=abc -X 'main.Version=v2.0.0-rc1'\"", "v2.0.0-rc1"),
            ("-X=example.org/tide/internal/build.GitVersion=3.4", "v3.4"),
            ("-X example.org/other/version.Version=9.9", ""),
            ("-X github.com/prometheus/common/version.Version=2.42.0", "v2.42.0"),
            ("-X main.version=dev", ""),
            ("-X main.goVersion=1.20.1", ""),
        ] {
            let text = format!("mod\texample.org/tide\t(devel)\t\nbuild\t-ldflags={flags}\n");
            assert_eq!(Build::parse(&text).main.unwrap().version, version, "{flags}");
        }
    }
}
