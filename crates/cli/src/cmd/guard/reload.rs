//! SIGHUP: rules, policy and lists are read anew by a thread of their own, and take the place of the former
//! between two events.
//!
//! The malware check begins here too, if the new rules are the first that ask for it: signatures may take a
//! minute to be read.
//!
//! What is broken in any way changes nothing: a guard that was asked for twenty rules is not to go on
//! with nineteen because of a mistake in a file.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use detect::{Engine, Rule, Source};

use super::judge::{self, Judge};
use super::malware::{self, Malware, Wish};
use crate::cmd::global::Calendar;
use crate::cmd::rules::{self, ListArguments, Loaded, Watching};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::interrupt::Reread;
use crate::output;

/// Where rules, policy and lists stand.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    pub(super) rules: Vec<PathBuf>,
    pub(super) policy: Option<PathBuf>,
    pub(super) lists: ListArguments,
    /// For entries that end.
    pub(super) calendar: Calendar,
}

/// What events are held against.
pub(super) struct Ready {
    pub(super) engine: Engine,
    pub(super) judge: Judge,
    /// Those that are enabled.
    pub(super) rules: Vec<Arc<Rule>>,
    /// Of rules that can never fire here: which, and why.
    pub(super) never: Vec<String>,
    pub(super) lists: Loaded,
    pub(super) code: ExitCode,
}

impl Ready {
    pub(super) fn asks_for_malware(&self) -> bool {
        malware::is_asked(self.rules.iter().flat_map(|rule| rule.calls()))
    }
}

impl Sources {
    pub(super) fn read(&self) -> Result<Ready, UserError> {
        let policy = self.policy.as_deref();
        let policy =
            policy.map(|path| judge::load(path).map(|policy| (path, policy))).transpose()?;
        let Watching { ruleset, judge, never, code } =
            rules::to_use(&self.rules, Source::Syscall, policy)?;
        let lists = self.lists.read(self.calendar.now())?;
        let engine = Engine::with_lists(&ruleset, Arc::clone(&lists.lists));
        // Of those that ask lists which are not there, the kernel is not asked.
        let is_asked = |rule: &&Arc<Rule>| rule.calls().is_empty() || engine.asks(rule);
        let enabled = ruleset.rules().iter().filter(|rule| rule.enabled);
        let rules = enabled.filter(is_asked).cloned().collect();
        let code = match code {
            ExitCode::Done if lists.is_damaged => ExitCode::Incomplete,
            code => code,
        };
        Ok(Ready { engine, judge, rules, never, lists, code })
    }
}

/// What was read anew.
pub(super) struct Anew {
    pub(super) ready: Ready,
    /// What begins with it.
    pub(super) malware: Option<Malware>,
}

/// The loop's end.
pub(super) struct Reload {
    sources: Sources,
    wish: Wish,
    asked: Reread,
    /// Of the thread that reads, if one does.
    coming: Option<Receiver<Result<Anew, UserError>>>,
}

impl Reload {
    pub(super) fn new(sources: Sources, wish: Wish, asked: Reread) -> Self {
        Self { sources, wish, asked, coming: None }
    }

    /// What was read anew, once it is there; never waits. `is_looking` says that files are looked at for
    /// malware already.
    pub(super) fn poll(&mut self, is_looking: bool) -> Option<Anew> {
        if self.coming.is_none() && self.asked.take() {
            self.begin(is_looking);
        }
        let read = match self.coming.as_ref()?.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => {
                Err(UserError::new(ExitCode::Failed, "whoever read them ended"))
            }
            Ok(read) => read,
        };
        self.coming = None;
        match read {
            Ok(anew) if anew.ready.code == ExitCode::Done => Some(anew),
            Ok(Anew { ready, .. }) => {
                ready.lists.tell(true);
                let what = if ready.lists.is_damaged {
                    "a list is damaged"
                } else {
                    "rules have mistakes"
                };
                output::note(&format!("rules and policy stay as they were: {what}"));
                None
            }
            Err(error) => {
                error.print();
                output::note("rules and policy stay as they were");
                None
            }
        }
    }

    fn begin(&mut self, is_looking: bool) {
        let (tell, coming) = mpsc::channel();
        let (sources, wish) = (self.sources.clone(), self.wish.clone());
        let read = move || {
            let anew = sources.read().and_then(|ready| {
                let is_first =
                    ready.code == ExitCode::Done && !is_looking && ready.asks_for_malware();
                let malware = if is_first { wish.start(true)? } else { None };
                Ok(Anew { ready, malware })
            });
            // The guard may have ended.
            let _unheard = tell.send(anew);
        };
        match thread::Builder::new().name("reload".to_owned()).spawn(read) {
            Ok(_) => self.coming = Some(coming),
            Err(error) => output::note(&format!("cannot read rules and policy anew: {error}")),
        }
    }
}
