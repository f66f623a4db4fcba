//! Threads that ask runtimes, so that nobody else ever waits for one.
//!
//! One thread a runtime, started with its first question. A daemon that does not answer is left in
//! peace for longer and longer, and its containers stay questions; what lies on disk is told
//! meanwhile. Answers arrive whenever they arrive.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use model::event::{Container, ContainerRuntime};

use super::bundle::Bundle;
use super::http::AskError;
use super::path::Named;
use super::places::{Asked, Places};
use super::{containerd, engine};

/// Questions that wait for one runtime; a host has no more containers than this.
const QUESTIONS_MAX: usize = 16_384;
/// How often a runtime may say that it knows no such container: it may be about to make it.
const DENIALS_MAX: u32 = 4;
const DENIAL_PAUSE: Duration = Duration::from_millis(50);
/// Between attempts to reach a daemon that does not answer.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

pub(super) struct Question {
    pub(super) named: Named,
    /// Whose rootless runtime runs it.
    pub(super) user: Option<u32>,
}

/// What is known of a container by now.
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) news: News,
}

#[derive(Debug)]
pub(super) enum News {
    /// The runtime, or all that can be asked in its place, has said all it will.
    Described(Box<Container>),
    /// What lies on disk, while the runtime is still to be asked.
    Partial(Box<Container>),
    /// It does not answer now: nobody should wait.
    Delayed(String),
    /// Nobody knows it.
    Unknown,
}

/// The threads.
pub(super) struct Asker {
    places: Arc<Places>,
    threads: HashMap<ContainerRuntime, SyncSender<Question>>,
    answers: Receiver<Answer>,
    answer: Sender<Answer>,
}

impl Asker {
    pub(super) fn new(places: Places) -> Self {
        let (answer, answers) = mpsc::channel();
        Self { places: Arc::new(places), threads: HashMap::new(), answers, answer }
    }

    /// False if so many questions wait already that this one cannot.
    pub(super) fn ask(&mut self, question: Question) -> bool {
        let runtime = question.named.runtime;
        let thread = self.threads.entry(runtime).or_insert_with(|| {
            let (sender, questions) = mpsc::sync_channel(QUESTIONS_MAX);
            let thread = Thread::new(Arc::clone(&self.places), self.answer.clone());
            let name = format!("ask {runtime:?}").to_lowercase();
            // Without a thread the channel has no other end, and questions are refused.
            let _refused = thread::Builder::new().name(name).spawn(move || thread.run(&questions));
            sender
        });
        thread.try_send(question).is_ok()
    }

    pub(super) fn answers(&self) -> impl Iterator<Item = Answer> {
        self.answers.try_iter()
    }
}

struct Thread {
    places: Arc<Places>,
    answer: Sender<Answer>,
    open: Vec<Open>,
    /// The daemon is not asked before.
    quiet_until: Option<Instant>,
    pause: Duration,
}

/// A question without its answer.
struct Open {
    id: String,
    asked: Asked,
    bundle: Option<Bundle>,
    denials: u32,
    due: Instant,
}

impl Thread {
    fn new(places: Arc<Places>, answer: Sender<Answer>) -> Self {
        Self { places, answer, open: Vec::new(), quiet_until: None, pause: FIRST_PAUSE }
    }

    /// Until nobody asks any more.
    fn run(mut self, questions: &Receiver<Question>) {
        loop {
            let next = self.open.iter().map(|open| open.due).min();
            let wait =
                next.map_or(LONGEST_PAUSE, |due| due.saturating_duration_since(Instant::now()));
            match questions.recv_timeout(wait) {
                Ok(question) => self.take(&question),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // Whoever is new is read from disk before the next daemon is waited for.
            for question in questions.try_iter() {
                self.take(&question);
            }
            self.ask_next();
        }
    }

    fn take(&mut self, Question { named, user }: &Question) {
        let asked = self.places.of(named, *user);
        let id = named.id.clone();
        let bundle = asked.bundles.iter().find_map(|bundles| bundles.find(&id));
        if self.open.len() >= QUESTIONS_MAX {
            return self.tell(&id, News::Unknown);
        }
        let mut due = Instant::now();
        if let Some(until) = self.quiet_until.filter(|until| *until > due) {
            due = until;
            self.tell(&id, News::Delayed("the runtime did not answer before".to_owned()));
        }
        if let Some(bundle) = &bundle {
            self.tell(&id, News::Partial(Box::new(bundle.container.clone())));
        }
        self.open.push(Open { id, asked, bundle, denials: 0, due });
    }

    /// Asks one of the questions that are due.
    fn ask_next(&mut self) {
        let now = Instant::now();
        let Some(position) = self.open.iter().position(|open| open.due <= now) else { return };
        let mut open = self.open.swap_remove(position);
        match open.ask() {
            Ok(Some(container)) => {
                self.answered();
                self.tell(&open.id, News::Described(Box::new(container)));
            }
            Ok(None) => {
                self.answered();
                open.denials += 1;
                if open.denials >= DENIALS_MAX {
                    return self.tell(&open.id, News::Unknown);
                }
                open.due = Instant::now() + DENIAL_PAUSE * 10_u32.pow(open.denials - 1);
                self.open.push(open);
            }
            Err(why) => {
                let until = Instant::now() + self.pause;
                self.quiet_until = Some(until);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                open.due = until;
                self.open.push(open);
                let why = why.to_string();
                let late: Vec<String> = self.open.iter().map(|open| open.id.clone()).collect();
                for (open, id) in self.open.iter_mut().zip(&late) {
                    open.due = open.due.max(until);
                    // Nobody may be listening any more; then the thread ends at its next question.
                    let news = News::Delayed(why.clone());
                    let _unheard = self.answer.send(Answer { id: id.clone(), news });
                }
            }
        }
    }

    fn answered(&mut self) {
        self.quiet_until = None;
        self.pause = FIRST_PAUSE;
    }

    fn tell(&self, id: &str, news: News) {
        // As above.
        let _unheard = self.answer.send(Answer { id: id.to_owned(), news });
    }
}

impl Open {
    /// The first that knows the container; where nobody can be asked, its bundle is all there is.
    fn ask(&mut self) -> Result<Option<Container>, AskError> {
        let mut unanswered = None;
        for (runtime, socket) in &self.asked.engines {
            match engine::ask(socket, &self.id) {
                Ok(Some(container)) => {
                    let container = Container { runtime: *runtime, ..container };
                    return Ok(Some(self.with_bundle(container)));
                }
                Ok(None) => {}
                Err(why) if why.nobody_listens() => {}
                Err(why) => unanswered = Some(why),
            }
        }
        if self.bundle.is_none() {
            self.bundle = self.asked.bundles.iter().find_map(|bundles| bundles.find(&self.id));
        }
        if let Some(namespace) = self.bundle.as_ref().and_then(|bundle| bundle.namespace.clone()) {
            for socket in &self.asked.containerd {
                match containerd::ask(socket, &namespace, &self.id) {
                    Ok(Some(container)) => return Ok(Some(self.with_bundle(container))),
                    Ok(None) => {}
                    Err(why) if why.nobody_listens() => {}
                    Err(why) => unanswered = Some(why),
                }
            }
        }
        match (unanswered, &self.bundle) {
            (Some(why), _) => Err(why),
            (None, Some(bundle)) => Ok(Some(bundle.container.clone())),
            (None, None) => Ok(None),
        }
    }

    /// What the runtime says, completed by what it made of it.
    fn with_bundle(&self, mut container: Container) -> Container {
        if let Some(bundle) = &self.bundle {
            complete(&mut container, &bundle.container);
        }
        container
    }
}

/// Fills what is not known; the specification is exact about rights, where an API tells what was
/// asked for.
fn complete(container: &mut Container, spec: &Container) {
    container.capabilities = spec.capabilities.or(container.capabilities);
    container.privileged = container.privileged.or(spec.privileged);
    let own = |own: &mut Option<String>, spec: &Option<String>| {
        if own.is_none() {
            own.clone_from(spec);
        }
    };
    own(&mut container.name, &spec.name);
    own(&mut container.seccomp, &spec.seccomp);
    own(&mut container.security_module, &spec.security_module);
    container.host_pid = container.host_pid.or(spec.host_pid);
    container.host_network = container.host_network.or(spec.host_network);
    container.host_ipc = container.host_ipc.or(spec.host_ipc);
    if container.mounts.is_none() {
        container.mounts.clone_from(&spec.mounts);
    }
    if container.image.is_none() {
        container.image.clone_from(&spec.image);
    }
    if container.pod.is_none() {
        container.pod.clone_from(&spec.pod);
    }
    if container.labels.is_empty() {
        container.labels.clone_from(&spec.labels);
    }
    if container.environment.is_empty() {
        container.environment.clone_from(&spec.environment);
    }
}
