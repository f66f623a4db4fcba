//! An Erlang or Elixir application as compiled, `ebin/<name>.app`: one term that the run-time system
//! reads to start it (erlang.org, "app").
//!
//! ```text
//! {application,rope,[{vsn,"1.2.0"},{applications,[kernel,stdlib,knot]}, …]}.
//! ```
//!
//! What comes with Erlang/OTP and with Elixir itself is no package of Hex, which keeps these names to
//! itself, and is left out: which Erlang/OTP it is, its own files say.

use model::{PackageKind, ProblemKind};

use super::terms::{self, Term};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `erlang-application`.
pub(crate) struct ErlangApplication;

/// The largest file that is read. It names every module: the largest have 30 KiB.
const APPLICATION_BYTES_MAX: u64 = 1 << 20;

/// Applications of Erlang/OTP since release 17, and of Elixir, sorted.
const OWN: [&str; 57] = [
    "asn1",
    "common_test",
    "compiler",
    "cosEvent",
    "cosEventDomain",
    "cosFileTransfer",
    "cosNotification",
    "cosProperty",
    "cosTime",
    "cosTransactions",
    "crypto",
    "debugger",
    "dialyzer",
    "diameter",
    "edoc",
    "eex",
    "eldap",
    "elixir",
    "erl_docgen",
    "erl_interface",
    "erts",
    "et",
    "eunit",
    "ex_unit",
    "ftp",
    "gs",
    "hipe",
    "ic",
    "iex",
    "inets",
    "jinterface",
    "kernel",
    "logger",
    "megaco",
    "mix",
    "mnesia",
    "observer",
    "odbc",
    "orber",
    "os_mon",
    "otp_mibs",
    "parsetools",
    "percept",
    "public_key",
    "reltool",
    "runtime_tools",
    "sasl",
    "snmp",
    "ssh",
    "ssl",
    "stdlib",
    "syntax_tools",
    "tftp",
    "tools",
    "typer",
    "wx",
    "xmerl",
];

impl Analyzer for ErlangApplication {
    fn name(&self) -> &'static str {
        "erlang-application"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "ebin", name: "*.app" }] }
    }

    fn max_bytes(&self) -> u64 {
        APPLICATION_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let (terms, error) = terms::parse(&text);
        if let Some(error) = error {
            facts.problem(ProblemKind::Damaged, error);
        }
        let application = terms.iter().find_map(Term::group);
        let Some([Term::Word("application"), Term::Word(name), Term::Group(settings), ..]) =
            application
        else {
            // What is empty or no term at all is not an application's.
            return;
        };
        if is_own(name) {
            return;
        }
        let version = setting(settings, "vsn").and_then(Term::name).unwrap_or_default();
        let mut installed = Installed::new(PackageKind::Hex, name, version);
        let needed = setting(settings, "applications").and_then(Term::group).unwrap_or_default();
        let needed = needed.iter().filter_map(Term::name).filter(|name| !is_own(name));
        installed.package.dependencies = needed.map(str::to_owned).collect();
        installed.package.dependencies.sort_unstable();
        installed.package.dependencies.dedup();
        facts.package(installed);
    }
}

/// `{key,value}` among the settings.
fn setting<'t, 'a>(settings: &'t [Term<'a>], key: &str) -> Option<&'t Term<'a>> {
    settings.iter().filter_map(Term::group).find_map(|pair| match pair {
        [Term::Word(word), value] if *word == key => Some(value),
        _ => None,
    })
}

fn is_own(name: &str) -> bool {
    OWN.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::OWN;

    #[test]
    fn the_names_are_sorted() {
        assert!(OWN.is_sorted());
    }
}
