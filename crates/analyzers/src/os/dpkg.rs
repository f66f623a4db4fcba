//! Debian's package database, dpkg: `status`, the journal `updates` that a dpkg leaves which was
//! interrupted, the `status.d` of images without dpkg, and the file lists beside them.
//!
//! The format is that of Debian policy, section 5.1: paragraphs of `Field: value` lines, separated
//! by empty lines, continued by lines that begin with a blank.

use std::collections::HashSet;

use model::{Package, PackageKind, PathList, PathListBuilder, Problem, ProblemKind, Source};

use crate::facts::Shipped;
use crate::select::split;
use crate::view::{Resolved, View};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// Where the journal is.
const JOURNAL: &str = "var/lib/dpkg/updates/";

/// Lines of one file list that are looked at, each of which takes forty bytes meanwhile: a [`PathList`] has
/// no room for more paths, however short.
const LINES_MAX: usize = 1 << 20;

/// The analyzer `dpkg`.
pub(crate) struct Dpkg;

impl Analyzer for Dpkg {
    fn name(&self) -> &'static str {
        "dpkg"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Path("var/lib/dpkg/status"),
                Select::In { directory: "var/lib/dpkg/status.d", suffix: "" },
                Select::In { directory: "var/lib/dpkg/updates", suffix: "" },
                Select::Consulted { directory: "var/lib/dpkg/info", suffix: ".list" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        // A package takes about 1 KB here, and Debian has some 65 000.
        256 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        if file.path.starts_with(JOURNAL) {
            return journal(file.name(), &text, facts);
        }
        match file.name().rsplit_once('.').map(|(_, extension)| extension) {
            Some("list") => facts.owned(listed(&text, facts.path_list())),
            Some("md5sums") => facts.owned(summed(&text, facts.path_list())),
            _ => status(&text, facts),
        }
    }
}

/// Reads a file of the journal, which dpkg takes in place of what `status` says of the same package. Here it
/// counts beside that: which of both is on the disk of a dpkg that was interrupted is not certain.
fn journal(name: &str, text: &str, facts: &mut FileFacts) {
    if !name.bytes().all(|byte| byte.is_ascii_digit()) {
        // A beginning, which dpkg does not read either.
        return;
    }
    status(text, facts);
    if !facts.packages.is_empty() {
        let message = "dpkg was interrupted; what it lists counts beside what `status` lists";
        facts.problem(ProblemKind::Notice, message);
    }
}

/// Reads a database: the packages that are on disk, whether or not their set-up was finished.
fn status(text: &str, facts: &mut FileFacts) {
    let mut paragraph = Paragraph::default();
    for (number, line) in (1_usize..).zip(text.split('\n')) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim_ascii().is_empty() {
            paragraph.end(facts);
            paragraph = Paragraph { line: number.saturating_add(1), ..Paragraph::default() };
        } else {
            paragraph.read(line);
        }
    }
    paragraph.end(facts);
}

/// The fields of one paragraph that are of use.
#[derive(Default)]
struct Paragraph<'a> {
    line: usize,
    package: &'a str,
    status: &'a str,
    version: &'a str,
    architecture: &'a str,
    source: &'a str,
    maintainer: &'a str,
    /// Lines that are neither fields nor continue one.
    garbage: usize,
}

impl<'a> Paragraph<'a> {
    fn read(&mut self, line: &'a str) {
        if line.starts_with([' ', '\t', '#']) {
            return;
        }
        let Some((field, value)) = line.split_once(':') else {
            self.garbage = self.garbage.saturating_add(1);
            return;
        };
        // Field names ignore case, and dpkg takes blanks behind them; the usual spelling is tried first
        // because it is all there is.
        let place = match field.trim_ascii_end() {
            "Package" => &mut self.package,
            "Status" => &mut self.status,
            "Version" => &mut self.version,
            "Architecture" => &mut self.architecture,
            "Source" => &mut self.source,
            "Maintainer" => &mut self.maintainer,
            field if field.eq_ignore_ascii_case("package") => &mut self.package,
            field if field.eq_ignore_ascii_case("status") => &mut self.status,
            field if field.eq_ignore_ascii_case("version") => &mut self.version,
            field if field.eq_ignore_ascii_case("architecture") => &mut self.architecture,
            field if field.eq_ignore_ascii_case("source") => &mut self.source,
            field if field.eq_ignore_ascii_case("maintainer") => &mut self.maintainer,
            _ => return,
        };
        *place = value.trim_ascii();
    }

    fn end(&self, facts: &mut FileFacts) {
        let line = self.line.max(1);
        if self.garbage > 0 {
            let message = format!("paragraph at line {line} has lines that are not `Field: value`");
            facts.problem(ProblemKind::Damaged, message);
        }
        if !is_on_disk(self.status) {
            return;
        }
        match (self.package, self.version) {
            ("", "") => {}
            ("", _) => {
                let message = format!("paragraph at line {line} has no `Package`");
                facts.problem(ProblemKind::Damaged, message);
            }
            (package, "") => {
                let message = format!("`{package}` at line {line} has no `Version`");
                facts.problem(ProblemKind::Damaged, message);
            }
            (package, version) => {
                // As dpkg reads names, in whatever case they are written.
                let package = &*package.to_ascii_lowercase();
                let mut installed = Installed::new(PackageKind::Deb, package, version);
                self.architecture.clone_into(&mut installed.package.architecture);
                self.maintainer.clone_into(&mut installed.package.vendor);
                installed.package.source = source(self.source, package, version);
                facts.package(installed);
            }
        }
    }
}

/// `Status: want flag state` (dpkg(1), "Package states"). Removed packages may leave a paragraph;
/// every other state has files on disk, `half-installed` some of them at least. `status.d` has no
/// states.
fn is_on_disk(status: &str) -> bool {
    let state = status.split_ascii_whitespace().last().unwrap_or_default();
    !["not-installed", "config-files"].iter().any(|absent| state.eq_ignore_ascii_case(absent))
}

/// `Source: name`, or `Source: name (version)` where the source's version differs from the
/// package's (Debian policy, section 5.6.1). Absent where the package is its own source.
fn source(field: &str, package: &str, version: &str) -> Option<Source> {
    let (name, own) = match field.split_once('(') {
        Some((name, rest)) => (name.trim_ascii(), rest.trim_end_matches(')').trim_ascii()),
        None => (field, ""),
    };
    let name = &*name.to_ascii_lowercase();
    let name = if name.is_empty() { package } else { name };
    let own = if own.is_empty() { version } else { own };
    let differs = name != package || own != version;
    differs.then(|| Source { name: name.to_owned(), version: own.to_owned() })
}

/// `info/<package>.list`: absolute paths, directories included, which are left out.
fn listed(text: &str, mut list: PathListBuilder) -> PathListBuilder {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix('/'));
    let mut paths: Vec<&str> = lines.by_ref().take(LINES_MAX).collect();
    list.leave_out(lines.count());
    paths.sort_unstable();
    paths.dedup();
    // In this order paths of one directory mostly follow each other, so few parents are left.
    let mut directories: Vec<&str> = paths.iter().map(|path| split(path).0).collect();
    directories.dedup();
    let directories: HashSet<&str> = directories.into_iter().collect();
    for path in paths {
        if path != "." && !directories.contains(path) {
            list.push(path);
        }
    }
    list
}

/// `<package>.md5sums`: a checksum, two blanks, and the path of a file.
fn summed(text: &str, mut list: PathListBuilder) -> PathListBuilder {
    for path in text.lines().filter_map(|line| line.split_once(char::is_whitespace)) {
        let path = path.1.trim_ascii_start().trim_start_matches("./").trim_start_matches('/');
        list.push(path);
    }
    list
}

/// The files of a package that the database at `place` lists.
pub(crate) fn files<'a>(
    package: &Package,
    place: &str,
    view: &View<'_, 'a>,
) -> Option<&'a PathList> {
    beside(package, place, "list", view).map(|facts| &facts.owned)
}

/// What could not be read of that list, which nobody looks at but its package.
pub(crate) fn list_problems(package: &Package, place: &str, view: &View<'_, '_>) -> Vec<Problem> {
    candidates(package, place, "list")
        .iter()
        .find_map(|candidate| match view.resolve(candidate) {
            Resolved::File { layer, path, facts } => Some((layer, path, facts)),
            _ => None,
        })
        .map_or_else(Vec::new, |(layer, path, facts)| {
            let problem = |(kind, message): &(ProblemKind, String)| {
                Problem::new(*kind, &*path, &**message).in_layer(layer)
            };
            facts.problems.iter().map(problem).collect()
        })
}

/// What the package shipped, as far as the database at `place` says so.
pub(crate) fn shipped<'a>(
    package: &Package,
    place: &str,
    view: &View<'_, 'a>,
) -> Option<&'a [Shipped]> {
    beside(package, place, "md5sums", view).map(|facts| &*facts.shipped)
}

/// A file about a package that stands beside its database; distroless images have one of each.
fn beside<'a>(
    package: &Package,
    place: &str,
    suffix: &str,
    view: &View<'_, 'a>,
) -> Option<&'a FileFacts> {
    candidates(package, place, suffix).iter().find_map(|candidate| match view.resolve(candidate) {
        Resolved::File { facts, .. } => Some(facts),
        _ => None,
    })
}

/// Where such a file may be.
fn candidates(package: &Package, place: &str, suffix: &str) -> Vec<String> {
    let Package { name, architecture, .. } = package;
    match place.rsplit_once("/status.d/") {
        Some((root, file)) => vec![format!("{root}/status.d/{file}.md5sums")],
        None => {
            let root = place.rsplit_once('/').map_or("", |(root, _)| root);
            let root = root.strip_suffix("/updates").unwrap_or(root);
            // Packages that may be installed for several architectures are told apart.
            let several = format!("{root}/info/{name}:{architecture}.{suffix}");
            vec![format!("{root}/info/{name}.{suffix}"), several]
        }
    }
}

/// The licence that a package's copyright file states; empty if none.
pub(crate) fn license<'a>(package: &str, view: &View<'_, 'a>) -> &'a str {
    match view.resolve(&format!("usr/share/doc/{package}/copyright")) {
        Resolved::File { facts, .. } => &facts.license,
        _ => "",
    }
}
