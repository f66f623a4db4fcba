//! `lazaret guard audit`: what a Kubernetes API server audits, as it posts it or writes it down.
//!
//! A verb of its own, since it needs neither root nor a sensor, and what watches a host with all its
//! rights has no business to listen on a network. The engine and the sinks are those of the guard.
//! A request is answered when its records are judged and their alerts are kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use artifact::Stop;
use clap::Args;
use confine::Nursery;
use courier::{Address, Follower, Listener, Secrecy, Token};
use detect::audit::Record;
use detect::{Engine, Source};

use self::desk::Desk;
use super::merge::Merge;
use super::sink::{self, SinkArguments};
use super::{cage, judge};
use crate::cmd::global::Global;
use crate::cmd::rules;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{interrupt, output};

mod desk;

/// How often logs, Ctrl-C and the sinks are looked at.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Args, Debug)]
#[group(id = "from", required = true, multiple = true, args = ["listen", "log"])]
pub(super) struct AuditArguments {
    /// Take what API servers post at this address; anything but a loopback wants TLS, and clients
    /// that show a certificate or a token
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// The certificate to show, and those between it and an authority, in PEM
    #[arg(long, value_name = "FILE", requires = "key", requires = "listen")]
    cert: Option<PathBuf>,
    /// Its key, in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Let in only clients with a certificate of the authorities in this PEM file
    #[arg(long, value_name = "FILE", requires = "cert")]
    client_ca: Option<PathBuf>,
    /// Let in only clients that send the bearer token in this file
    #[arg(long, value_name = "FILE", requires = "listen")]
    token: Option<PathBuf>,
    /// Follow this audit log, a record a line, from its end on (repeatable)
    #[arg(long, value_name = "FILE")]
    log: Vec<PathBuf>,
    /// Rule files, or folders of them, Falco's among them (repeatable) [default: the rules that come
    /// with lazaret]
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    #[command(flatten)]
    sinks: SinkArguments,
    /// What becomes of what rules find: a policy of the guard (docs/guard-policy.md)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// For how long equal alerts are counted instead of told; 0 tells every one
    #[arg(long, value_name = "SECONDS", default_value_t = super::MERGE_WINDOW)]
    merge_window: u32,
}

pub(super) fn run(arguments: &AuditArguments, global: &Global) -> Result<ExitCode, UserError> {
    let policy = arguments.policy.as_deref();
    let policy = policy.map(|path| Ok((path, judge::load(path)?))).transpose()?;
    let rules::Watching { ruleset, judge, code, .. } =
        rules::to_use(&arguments.rules, Source::K8sAudit, policy)?;
    for note in judge.policy().map(|policy| policy.notes(global.today)).unwrap_or_default() {
        output::note(&note);
    }
    let rules = ruleset.rules().iter().filter(|rule| rule.enabled).count();
    let nursery = confine(arguments)?;
    let stop = interrupt::stop_on_signals(None)?;
    let look = global.look(None);
    let mut logs = arguments
        .log
        .iter()
        .map(|path| Log::start(path.as_path()))
        .collect::<Result<Vec<_>, _>>()?;
    let sinks = sink::open(&arguments.sinks, look.color, &stop, &nursery)?;
    let merge = Merge::new(Duration::from_secs(arguments.merge_window.into()));
    let engine = Engine::new(&ruleset);
    let desk = Arc::new(Desk::new((engine, judge), (sinks, merge), global.calendar, stop.clone()));
    let listener = arguments.listen.as_deref();
    let listener = listener.map(|address| listen(address, arguments, &desk)).transpose()?;
    if !global.is_quiet() {
        if let Some(listener) = &listener {
            let scheme = if arguments.cert.is_some() { "https" } else { "http" };
            output::note(&format!("audit records are taken at {scheme}://{}/", listener.address));
        }
        output::note(&format!("{rules} rules; Ctrl-C ends"));
    }
    watch(&mut logs, &desk, &stop);
    let refused = listener.map_or(0, |listener| {
        listener.close();
        listener.refused()
    });
    let summary = desk.finish(refused);
    if !global.is_quiet() {
        output::note(&summary);
    }
    Ok(code)
}

/// From here on, what others post is read, in a process that keeps what it needs alone.
fn confine(arguments: &AuditArguments) -> Result<Nursery, UserError> {
    let keys = [&arguments.cert, &arguments.key, &arguments.client_ca, &arguments.token];
    let mut reads: Vec<PathBuf> = keys.into_iter().flatten().cloned().collect();
    // A log that is rotated is another file.
    reads.extend(arguments.log.iter().map(|log| sink::folder_of(log)));
    // To know whose they are; helpers read them.
    reads.extend(arguments.sinks.tokens().cloned());
    let writes = arguments.sinks.folders()?;
    cage::close_audit(&cage::of_audit(&reads, &writes))
}

/// Until the user says stop.
fn watch(logs: &mut [Log], desk: &Desk, stop: &Stop) {
    while !stop.is_stopped() {
        for log in &mut *logs {
            while log.look(desk) && !stop.is_stopped() {}
        }
        desk.news().iter().for_each(|news| output::note(news));
        thread::sleep(LOOK);
    }
}

/// A log that is followed, and what was wrong with it last.
struct Log {
    path: PathBuf,
    follower: Follower,
    trouble: Option<String>,
}

impl Log {
    fn start(path: &Path) -> Result<Self, UserError> {
        let follower = Follower::start(path, Record::MAX_BYTES).map_err(|error| {
            let message = format!("cannot follow `{}`: {error}", path.display());
            UserError::new(ExitCode::Failed, message)
        })?;
        Ok(Self { path: path.to_owned(), follower, trouble: None })
    }

    /// Whether there may be more already.
    fn look(&mut self, desk: &Desk) -> bool {
        let path = self.path.display();
        let looked = self.follower.look(&mut |line| desk.line(&path, &line));
        let (is_more, trouble) = match looked {
            Ok(is_more) => (is_more, None),
            Err(error) => (false, Some(error.to_string())),
        };
        if let Some(why) = trouble.as_ref().filter(|_| trouble != self.trouble) {
            output::note(&format!("cannot follow `{path}`: {why}"));
        }
        self.trouble = trouble;
        is_more
    }
}

fn listen(
    address: &str,
    arguments: &AuditArguments,
    desk: &Arc<Desk>,
) -> Result<Listener, UserError> {
    let failed = |error: std::io::Error| {
        UserError::new(ExitCode::Failed, format!("cannot listen at `{address}`: {error}"))
    };
    let place = Address::find(address).map_err(failed)?;
    let secrecy = secrecy(arguments)?;
    let knows_clients = arguments.client_ca.is_some() || secrecy.token.is_some();
    if !place.is_here() && (secrecy.tls.is_none() || !knows_clients) {
        let message = format!("`{address}` can be reached from other machines");
        let hint =
            "secure it with --cert and --key, and name who may post with --client-ca or --token";
        return Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)));
    }
    let desk = Arc::clone(desk);
    Listener::start(&place, secrecy, move |body| desk.body(body)).map_err(failed)
}

fn secrecy(arguments: &AuditArguments) -> Result<Secrecy, UserError> {
    let failed = |error: std::io::Error| {
        UserError::new(ExitCode::Failed, format!("cannot secure the connection: {error}"))
    };
    let tls = match (&arguments.cert, &arguments.key) {
        (Some(certificate), Some(key)) => Some(
            courier::server(certificate, key, arguments.client_ca.as_deref()).map_err(failed)?,
        ),
        _ => None,
    };
    let token = arguments.token.as_deref().map(Token::read).transpose().map_err(failed)?;
    if token.as_ref().is_some_and(|token| !token.is_authorization()) {
        let message = "the token of --token is in a header that no API server sends";
        let hint = "want a bearer token, or `Authorization: VALUE`";
        return Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)));
    }
    Ok(Secrecy { tls, token })
}
