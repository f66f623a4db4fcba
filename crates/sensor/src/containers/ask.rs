//! Threads that ask runtimes, so that nobody else ever waits for one.
//!
//! One thread a runtime and user, started with its first question: what a user's runtime does, or
//! the disk that it is on, holds up nobody else. A daemon that does not answer is left in peace for
//! longer and longer, and its containers stay questions; what lies on disk is told meanwhile.
//! Answers arrive whenever they arrive.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use model::event::{Container, ContainerRuntime};

use super::bundle::{Bundle, Bundles};
use super::group::Place;
use super::http::AskError;
use super::places::{Asked, Places};
use super::{containerd, engine};

/// Questions that wait for one runtime; a host has no more containers than this.
const QUESTIONS_MAX: usize = 16_384;
/// Those of 250 users with rootless runtimes, and the host's; whoever comes later is not described.
const THREADS_MAX: usize = 256;
/// How often a runtime may say that it knows no such container: it may be about to make it.
const DENIALS_MAX: u32 = 4;
const DENIAL_PAUSE: Duration = Duration::from_millis(50);
/// Between attempts to reach a daemon that does not answer.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is known of a container by now.
pub(super) struct Answer {
    pub(super) place: Arc<Place>,
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
    threads: HashMap<(ContainerRuntime, Option<u32>), SyncSender<Arc<Place>>>,
    answers: Receiver<Answer>,
    answer: Sender<Answer>,
}

impl Asker {
    pub(super) fn new(places: Places) -> Self {
        let (answer, answers) = mpsc::channel();
        Self { places: Arc::new(places), threads: HashMap::new(), answers, answer }
    }

    /// False if so many questions wait already that this one cannot, or there are so many threads.
    pub(super) fn ask(&mut self, place: Arc<Place>) -> bool {
        let runtime = place.named.runtime;
        let whose = (runtime, place.user);
        if self.threads.len() >= THREADS_MAX && !self.threads.contains_key(&whose) {
            return false;
        }
        let thread = self.threads.entry(whose).or_insert_with(|| {
            let (sender, questions) = mpsc::sync_channel(QUESTIONS_MAX);
            let thread = Thread::new(Arc::clone(&self.places), self.answer.clone());
            let name = format!("ask {runtime:?}").to_lowercase();
            // Without a thread the channel has no other end, and questions are refused.
            let _refused = thread::Builder::new().name(name).spawn(move || thread.run(&questions));
            sender
        });
        thread.try_send(place).is_ok()
    }

    pub(super) fn answers(&self) -> impl Iterator<Item = Answer> {
        self.answers.try_iter()
    }
}

struct Thread {
    places: Arc<Places>,
    answer: Sender<Answer>,
    open: Vec<Open>,
    daemons: Daemons,
}

/// Those that did not answer, by their sockets.
#[derive(Default)]
struct Daemons {
    silent: HashMap<PathBuf, Silence>,
}

struct Silence {
    /// Not asked before.
    until: Instant,
    pause: Duration,
    why: String,
}

/// What became of a question.
enum Outcome {
    Described(Box<Container>),
    /// Nobody knows it.
    Denied,
    /// Who might know it does not answer, and is not asked before.
    Later(Instant, String),
}

/// A question without its answer.
struct Open {
    place: Arc<Place>,
    asked: Asked,
    bundle: Option<Bundle>,
    denials: u32,
    due: Instant,
}

impl Thread {
    fn new(places: Arc<Places>, answer: Sender<Answer>) -> Self {
        Self { places, answer, open: Vec::new(), daemons: Daemons::default() }
    }

    /// Until nobody asks any more.
    fn run(mut self, questions: &Receiver<Arc<Place>>) {
        loop {
            let next = self.open.iter().map(|open| open.due).min();
            let wait =
                next.map_or(LONGEST_PAUSE, |due| due.saturating_duration_since(Instant::now()));
            match questions.recv_timeout(wait) {
                Ok(place) => self.take(place),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // Whoever is new is read from disk before the next daemon is waited for.
            for place in questions.try_iter() {
                self.take(place);
            }
            self.ask_next();
        }
    }

    fn take(&mut self, place: Arc<Place>) {
        if self.open.len() >= QUESTIONS_MAX {
            return self.tell(&place, News::Unknown);
        }
        let asked = self.places.of(&place);
        let mut open = Open { place, asked, bundle: None, denials: 0, due: Instant::now() };
        open.find_bundle();
        if let Some(bundle) = &open.bundle {
            self.tell(&open.place, News::Partial(Box::new(bundle.container.clone())));
        }
        self.open.push(open);
    }

    /// Asks one of the questions that are due.
    fn ask_next(&mut self) {
        let now = Instant::now();
        let Some(position) = self.open.iter().position(|open| open.due <= now) else { return };
        let mut open = self.open.swap_remove(position);
        match open.ask(&mut self.daemons) {
            Outcome::Described(container) => {
                self.tell(&open.place, News::Described(container));
            }
            Outcome::Denied => {
                open.denials += 1;
                if open.denials >= DENIALS_MAX {
                    return self.tell(&open.place, News::Unknown);
                }
                open.due = Instant::now() + DENIAL_PAUSE * 10_u32.pow(open.denials - 1);
                self.open.push(open);
            }
            Outcome::Later(until, why) => {
                self.tell(&open.place, News::Delayed(why));
                open.due = until;
                self.open.push(open);
            }
        }
    }

    fn tell(&self, place: &Arc<Place>, news: News) {
        // Nobody may be listening any more; then the thread ends at its next question.
        let _unheard = self.answer.send(Answer { place: Arc::clone(place), news });
    }
}

impl Daemons {
    /// What the one at `socket` says; None if it does not know, or is not there.
    fn ask(
        &mut self,
        socket: &Path,
        question: impl FnOnce() -> Result<Option<Container>, AskError>,
    ) -> Result<Option<Container>, (Instant, String)> {
        let now = Instant::now();
        let silent = self.silent.get(socket);
        if let Some(silence) = silent.filter(|silence| silence.until > now) {
            return Err((silence.until, silence.why.clone()));
        }
        match question() {
            Ok(container) => {
                self.silent.remove(socket);
                Ok(container)
            }
            Err(why) if why.nobody_listens() => Ok(None),
            Err(why) => {
                let pause = silent.map_or(FIRST_PAUSE, |silence| silence.pause * 2);
                let pause = pause.min(LONGEST_PAUSE);
                let (until, why) = (Instant::now() + pause, why.to_string());
                let silence = Silence { until, pause, why: why.clone() };
                self.silent.insert(socket.to_owned(), silence);
                Err((until, why))
            }
        }
    }
}

impl Open {
    /// The first that knows the container; where nobody can be asked, its bundle is all there is.
    fn ask(&mut self, daemons: &mut Daemons) -> Outcome {
        let mut unanswered = None;
        for (runtime, socket) in &self.asked.engines {
            match daemons.ask(socket, || engine::ask(socket, &self.place.named.id)) {
                Ok(Some(container)) => {
                    let container = Container { runtime: *runtime, ..container };
                    return Outcome::Described(self.completed(container).into());
                }
                Ok(None) => {}
                Err(later) => unanswered = Some(later),
            }
        }
        if self.bundle.is_none() {
            self.find_bundle();
        }
        let (namespace, id) = (self.namespace(), &self.place.named.id);
        for socket in &self.asked.containerd {
            match daemons.ask(socket, || containerd::ask(socket, namespace, id)) {
                Ok(Some(container)) => {
                    return Outcome::Described(self.completed(container).into());
                }
                Ok(None) => {}
                Err(later) => unanswered = Some(later),
            }
        }
        match (unanswered, &self.bundle) {
            (Some((until, why)), _) => Outcome::Later(until, why),
            (None, Some(bundle)) => Outcome::Described(bundle.container.clone().into()),
            (None, None) => Outcome::Denied,
        }
    }

    /// containerd's: where its bundle is, as its group says, or else that of Kubernetes.
    fn namespace(&self) -> &str {
        let of_bundle = self.bundle.as_ref().and_then(|it| it.namespace.as_deref());
        of_bundle.or(self.place.named.namespace).unwrap_or("k8s.io")
    }

    fn find_bundle(&mut self) {
        let Place { named, user } = &*self.place;
        let find = |bundles: &Bundles| bundles.find(named, *user);
        self.bundle = self.asked.bundles.iter().find_map(find);
        if let Some(bundle) = self.bundle.as_mut().filter(|_| user.is_some()) {
            bundle.container.pod = None;
        }
    }

    /// What the runtime says, completed by what it made of it. Pods are made by the host's runtimes:
    /// a user's may say so of anything.
    fn completed(&self, mut container: Container) -> Container {
        if let Some(bundle) = &self.bundle {
            complete(&mut container, &bundle.container);
        }
        if self.place.user.is_some() {
            container.pod = None;
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
