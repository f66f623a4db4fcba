//! The one place that reads the environment: folders, the clock, and what a terminal can show.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::error::UserError;
use crate::exit_code::ExitCode;

const TOKEN: &str = "LAZARET_TO_TOKEN";
const PROXIES: [&str; 4] = ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];

/// The folder for what can be fetched or computed again: `$XDG_CACHE_HOME/lazaret`, else
/// `~/.cache/lazaret`.
pub(crate) fn cache_dir() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|base| base.join("lazaret"))
}

/// Lets this process have as many descriptors open as it may: a tree of processes that is killed is held
/// by one each, and a container can have many mounts.
pub(crate) fn have_many_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be, what needs more says so.
    let _unchanged = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// How many descriptors this process may have open.
pub(crate) fn descriptors() -> usize {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// The time that documents carry: `SOURCE_DATE_EPOCH` (seconds) where set, so that a build can be
/// repeated byte for byte; else the clock.
pub(crate) fn now() -> Result<Timestamp, UserError> {
    let Some(set) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(whole_second()) };
    let seconds = set.to_str().and_then(|text| text.parse().ok());
    seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or_else(|| {
        let shown = set.to_string_lossy();
        UserError::new(
            ExitCode::Usage,
            format!("SOURCE_DATE_EPOCH `{shown}` is not a number of seconds"),
        )
    })
}

/// No reader of a report wants its nanoseconds.
fn whole_second() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// That long ago, by the clock that files are dated by.
pub(crate) fn ago(duration: Duration) -> SystemTime {
    SystemTime::now().checked_sub(duration).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// How wide the terminal is that stdout goes to, in columns; None where it goes elsewhere.
/// `COLUMNS` overrides what the terminal says.
pub(crate) fn width_of_stdout() -> Option<usize> {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    set.or_else(|| Some(terminal_size::terminal_size_of(&stdout)?.0.0.into()))
}

/// Whether there is a terminal that this program would be told of if it went away.
pub(crate) fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// Whether to color what goes to stdout (no-color.org: any non-empty `NO_COLOR` says no).
pub(crate) fn color_on_stdout() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stdout().is_terminal() && !refused && !dumb
}

/// Whether somebody is watching stderr.
pub(crate) fn progress_on_stderr() -> bool {
    std::io::stderr().is_terminal()
}

/// Layers that are read at a time if nobody says how many: each takes some megabytes, and images seldom have
/// more large ones.
const JOBS_MAX: NonZeroUsize = NonZeroUsize::new(8).expect("it is not zero");

/// How many things to read at a time: as many as the machine has threads for us, within reason.
pub(crate) fn jobs() -> NonZeroUsize {
    std::thread::available_parallelism().map_or(NonZeroUsize::MIN, |all| all.min(JOBS_MAX))
}

/// The socket that a variable names, as `unix://PATH` or as a path.
pub(crate) fn unix_socket(variable: &str) -> Option<PathBuf> {
    let value = std::env::var(variable).ok()?;
    let path = PathBuf::from(value.strip_prefix("unix://").unwrap_or(&value));
    path.is_absolute().then_some(path)
}

/// What this machine calls itself.
pub(crate) fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// What alerts are posted with: a secret has no place among arguments, which everybody can read.
pub(crate) fn sink_token() -> Option<String> {
    std::env::var(TOKEN).ok().filter(|token| !token.is_empty())
}

/// What a helper that speaks with servers has to know: proxies, authorities, the token.
pub(crate) fn of_senders(with_token: bool) -> Vec<(OsString, OsString)> {
    let names = ["SSL_CERT_FILE", "SSL_CERT_DIR", "RUST_BACKTRACE"].map(str::to_owned);
    let of_proxies = PROXIES.iter().flat_map(|name| [(*name).to_owned(), name.to_lowercase()]);
    let token = with_token.then(|| TOKEN.to_owned());
    let names = names.into_iter().chain(of_proxies).chain(token);
    names.filter_map(|name| Some((OsString::from(&name), std::env::var_os(name)?))).collect()
}

/// Whether a proxy may have to be asked.
pub(crate) fn has_proxy() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    PROXIES.iter().any(|name| is_set(name) || is_set(&name.to_lowercase()))
}

/// Where programs are looked for.
pub(crate) fn search_path() -> String {
    std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned())
}

/// Of which case of a suite this process is an actor, if it is one.
pub(crate) fn suite_mark() -> Option<String> {
    std::env::var(suite::MARK).ok()
}
