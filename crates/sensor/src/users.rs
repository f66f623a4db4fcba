//! The names of users and groups, by the files of the process' own root.
//!
//! Those files (`accounts`) belong to whoever the container belongs to, down to the file system that
//! they lie on, which may answer slowly or never. So they are read by a thread of its own; a mount
//! namespace for which it does not come back is not read again until it does. What was read from one
//! root names the processes of that root alone: any process may go into another, with files of its
//! own making. So what is held is bounded for each mount namespace, and for all in bytes.

mod accounts;

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use model::event::Credentials;

use self::accounts::{Accounts, Found};
pub(crate) use self::accounts::{fuzz, root_of};
use crate::processes::Spaces;
use crate::reader::Reader;

/// What all roots but the host's own take in memory.
const BYTES_MAX: usize = 32 << 20;
/// Roots of one mount namespace that are known; a container has one. Processes of further ones have
/// no names.
const ROOTS_MAX: usize = 16;
const QUESTIONS_MAX: usize = 1_024;
/// Processes that are tried: the parent of one that is gone is mostly there still.
const PIDS_MAX: usize = 8;
/// What an answer is waited for: by an event, and by whoever waits behind that question.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a file is read again because a number is not in it; and how long a root of a namespace
/// with many was not looked at before another takes its place.
const READ_AGAIN: Duration = Duration::from_secs(10);

type Question = (Spaces, Vec<u32>);
type Answer = (Spaces, Found);

/// The files that were read.
pub struct Users {
    /// Our own root: its files make nobody wait, and are never forgotten.
    host: Option<Known>,
    /// By mount namespace; each has a root at least.
    known: HashMap<u32, Namespace>,
    /// What these take.
    bytes: usize,
    reader: Reader<Question, Answer>,
    /// What the reader was asked and did not answer yet, in its order.
    asked: VecDeque<Spaces>,
    /// Since when it is the turn of the first of them.
    since: Instant,
}

#[derive(Default)]
struct Namespace {
    roots: Vec<Known>,
    /// The reader did not come back from one of its roots.
    is_hung: bool,
}

struct Known {
    spaces: Spaces,
    accounts: Option<Accounts>,
    bytes: usize,
    /// The reader has it since then.
    asked: Option<Instant>,
    read: Instant,
    looked: Instant,
    /// None of the processes that were tried had shown it: the next may.
    is_unseen: bool,
}

/// What is known of a root takes so much without its accounts.
const KNOWN_BYTES: usize = size_of::<Known>() + size_of::<Namespace>();

/// The spaces of the host, which are ours.
pub(crate) fn spaces_of_host() -> Spaces {
    let space = |name: &str| crate::processes::space(&Path::new("/proc/self/ns").join(name));
    let root = root_of(Path::new("/proc/self")).map(|(root, _)| root).unwrap_or_default();
    Spaces { mount: space("mnt").unwrap_or(0), user: space("user").unwrap_or(0), root }
}

impl Default for Users {
    fn default() -> Self {
        let read = |(spaces, pids): Question| (spaces, Accounts::of_any(&pids, spaces));
        Self {
            host: None,
            known: HashMap::new(),
            bytes: 0,
            reader: Reader::new("read users", QUESTIONS_MAX, read),
            asked: VecDeque::new(),
            since: Instant::now(),
        }
    }
}

impl Users {
    /// With the accounts of the host.
    pub fn of_host() -> Self {
        let spaces = spaces_of_host();
        let accounts = match Accounts::of_process(std::process::id(), spaces) {
            Found::Accounts(accounts) => Some(accounts),
            Found::None | Found::Gone => None,
        };
        Self { host: Some(Known { accounts, ..Known::new(spaces) }), ..Self::default() }
    }

    /// Names that are to be told with these numbers of a process; whatever is not known stays as it
    /// is. `pids` are processes that may show its root: its own, which may be gone soon, and its
    /// ancestors'. False if an answer is on its way.
    pub fn name(&mut self, spaces: Spaces, pids: &[u32], credentials: &mut Credentials) -> bool {
        self.receive();
        let Some(known) = self.known(spaces) else {
            return !self.ask(spaces, pids);
        };
        known.looked = Instant::now();
        if let Some(accounts) = &known.accounts {
            credentials.user = accounts.user(credentials.uid);
            credentials.group = accounts.group(credentials.gid);
            credentials.login_user = credentials.login_uid.and_then(|uid| accounts.user(uid));
        }
        let is_new = known.accounts.is_none();
        let misses = credentials.user.is_none() || credentials.group.is_none();
        let is_old = known.read.elapsed() > READ_AGAIN || known.is_unseen;
        if (is_new || misses) && is_old && known.asked.is_none() {
            // A number that still has no name is none to wait for.
            return !self.ask(spaces, pids) || !is_new;
        }
        !known.is_awaited()
    }

    /// Whether it is worth waiting for.
    pub fn awaits(&mut self, spaces: Spaces) -> bool {
        self.receive();
        self.known(spaces).is_some_and(|known| known.is_awaited())
    }

    fn known(&mut self, spaces: Spaces) -> Option<&mut Known> {
        if self.is_of_host(spaces) {
            return self.host.as_mut();
        }
        let namespace = self.known.get_mut(&spaces.mount)?;
        namespace.roots.iter_mut().find(|known| known.spaces == spaces)
    }

    fn is_of_host(&self, spaces: Spaces) -> bool {
        self.host.as_ref().is_some_and(|host| host.spaces == spaces)
    }

    /// False if it is not to be asked, or cannot.
    fn ask(&mut self, spaces: Spaces, pids: &[u32]) -> bool {
        if self.known(spaces).is_none() && !self.meet(spaces) {
            return false;
        }
        let hangs = self.known.get(&spaces.mount).is_some_and(|namespace| namespace.is_hung);
        let may_ask = self.is_of_host(spaces) || !hangs;
        let is_asked =
            may_ask && self.reader.ask((spaces, pids.iter().copied().take(PIDS_MAX).collect()));
        let now = Instant::now();
        if is_asked {
            if self.asked.is_empty() {
                self.since = now;
            }
            self.asked.push_back(spaces);
        }
        if let Some(known) = self.known(spaces) {
            known.read = now;
            known.asked = is_asked.then_some(now);
        }
        is_asked
    }

    /// False if its namespace has too many roots.
    fn meet(&mut self, spaces: Spaces) -> bool {
        let namespace = self.known.entry(spaces.mount).or_default();
        if namespace.roots.len() >= ROOTS_MAX {
            let eldest = namespace.roots.iter().enumerate().min_by_key(|(_, known)| known.looked);
            let gone = eldest.filter(|(_, known)| known.looked.elapsed() > READ_AGAIN);
            let Some((index, _)) = gone else { return false };
            self.bytes -= namespace.roots.swap_remove(index).bytes;
        }
        let known = Known::new(spaces);
        self.bytes += known.bytes;
        namespace.roots.push(known);
        self.forget();
        true
    }

    fn receive(&mut self) {
        while let Some(answer) = self.reader.answer() {
            self.asked.pop_front();
            self.since = Instant::now();
            self.learn(answer);
        }
        for answer in self.reader.late() {
            if let Some(namespace) = self.known.get_mut(&answer.0.mount) {
                namespace.is_hung = false;
            }
            self.learn(answer);
        }
        if !self.asked.is_empty() && self.since.elapsed() > PATIENCE {
            self.leave();
        }
    }

    fn learn(&mut self, (spaces, found): Answer) {
        let is_of_host = self.is_of_host(spaces);
        let Some(known) = self.known(spaces) else { return };
        known.asked = None;
        known.is_unseen = matches!(found, Found::Gone);
        let Found::Accounts(accounts) = found else { return };
        let before = known.bytes;
        let after = KNOWN_BYTES + accounts.bytes();
        known.bytes = after;
        known.accounts = Some(accounts);
        if !is_of_host {
            self.bytes = self.bytes - before + after;
            self.forget();
        }
    }

    /// The reader hangs on the first question; whoever waits behind it is asked anew.
    fn leave(&mut self) {
        self.reader.leave();
        let asked = std::mem::take(&mut self.asked);
        if let Some(namespace) = asked.front().and_then(|first| self.known.get_mut(&first.mount)) {
            namespace.is_hung = true;
        }
        for spaces in asked {
            if let Some(known) = self.known(spaces) {
                known.asked = None;
                known.read = known.read.checked_sub(READ_AGAIN * 2).unwrap_or(known.read);
            }
        }
    }

    /// Makes room, by an eighth at a time: what was looked at longest ago goes.
    fn forget(&mut self) {
        if self.bytes <= BYTES_MAX {
            return;
        }
        let roots = self.known.values().flat_map(|namespace| &namespace.roots);
        let mut looks: Vec<_> = roots.map(|known| (known.looked, known.bytes)).collect();
        looks.sort_unstable();
        let mut eldest = None;
        for (looked, bytes) in looks {
            if self.bytes <= BYTES_MAX / 8 * 7 {
                break;
            }
            self.bytes -= bytes;
            eldest = Some(looked);
        }
        self.known.retain(|_, namespace| {
            namespace.roots.retain(|known| Some(known.looked) > eldest);
            !namespace.roots.is_empty()
        });
        // Some may have been looked at in the same instant.
        let roots = self.known.values().flat_map(|namespace| &namespace.roots);
        self.bytes = roots.map(|known| known.bytes).sum();
    }
}

impl Known {
    fn new(spaces: Spaces) -> Self {
        let now = Instant::now();
        Self {
            spaces,
            accounts: None,
            bytes: KNOWN_BYTES,
            asked: None,
            read: now,
            looked: now,
            is_unseen: false,
        }
    }

    /// Its names are on their way, and an event may wait for them.
    fn is_awaited(&self) -> bool {
        self.accounts.is_none() && self.asked.is_some_and(|asked| asked.elapsed() < PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::record::Root;

    #[test]
    fn our_own_user_has_a_name_soon_and_only_in_our_own_root() {
        let pid = std::process::id();
        let host = spaces_of_host();
        let mut credentials = Credentials::default();
        assert!(Users::of_host().name(host, &[pid], &mut credentials), "known at once");
        assert_eq!(credentials.user.unwrap().name, "root");
        let mut users = Users::default();
        let root = || Credentials { login_uid: Some(0), ..Credentials::default() };
        let begun = Instant::now();
        let mut told = |spaces| {
            // A process that was there for a moment, and whose parent is there still.
            assert!(!users.name(spaces, &[u32::MAX, pid], &mut root()));
            while users.awaits(spaces) && begun.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(1));
            }
            let mut credentials = root();
            // Where nobody was found, the next process is asked.
            let is_told = users.name(spaces, &[u32::MAX, pid], &mut credentials);
            assert_eq!(is_told, credentials.user.is_some());
            credentials
        };
        let credentials = told(host);
        assert_eq!(credentials.user.unwrap().name, "root");
        assert_eq!(credentials.login_user.unwrap().home, "/root");
        assert_eq!(credentials.group.unwrap(), "root");
        // Another namespace is another question, and the number of another process no answer; nor
        // is a process of the same namespace that went elsewhere.
        assert_eq!(told(Spaces { mount: 1, ..host }).user, None);
        assert_eq!(told(Spaces { user: 1, ..host }).user, None);
        let elsewhere = Root { inode: 7, ..host.root };
        assert_eq!(told(Spaces { root: elsewhere, ..host }).user, None);
    }

    fn root(mount: u32, inode: u64) -> Spaces {
        Spaces { mount, user: 1, root: Root { mount: 1, inode } }
    }

    /// A process makes as many roots as it has folders.
    #[test]
    fn a_mount_namespace_has_so_many_roots_and_takes_none_from_others() {
        let mut users = Users::default();
        let mut name = |spaces| users.name(spaces, &[u32::MAX], &mut Credentials::default());
        assert!(!name(root(1, 0)), "it is asked for");
        let max = u64::try_from(ROOTS_MAX).unwrap();
        for inode in 0..1_000 {
            assert!(!name(root(2, inode)) || inode >= max, "{inode}");
        }
        assert!(name(root(2, 1_000)), "nobody is asked, nobody waits");
        assert!(!name(root(3, 0)));
        assert_eq!(users.known[&2].roots.len(), ROOTS_MAX);
        // One that nobody looked at for a while makes room.
        let long_ago = Instant::now().checked_sub(READ_AGAIN * 2).unwrap();
        users.known.get_mut(&2).unwrap().roots[5].looked = long_ago;
        assert!(!users.name(root(2, 2_000), &[u32::MAX], &mut Credentials::default()));
        assert_eq!(users.known[&2].roots.len(), ROOTS_MAX);
        let roots = users.known.values().flat_map(|namespace| &namespace.roots);
        assert_eq!(users.bytes, roots.map(|known| known.bytes).sum::<usize>());
    }

    #[test]
    fn what_is_held_is_bounded_in_bytes_and_the_eldest_goes() {
        let mut users = Users::default();
        for mount in 0..200 {
            assert!(users.meet(root(mount, 0)));
            users.learn((root(mount, 0), Found::Accounts(Accounts::of_size(1 << 20))));
            assert!(users.bytes <= BYTES_MAX, "{}", users.bytes);
        }
        assert!(users.known.len() > 16 && users.known.contains_key(&199));
        assert!(!users.known.contains_key(&0));
    }

    /// Those that wait behind it are asked anew, by another thread.
    #[test]
    fn a_namespace_that_hangs_is_left_alone_until_it_answers() {
        let read = |(spaces, _): Question| {
            if spaces.mount == 2 {
                thread::sleep(Duration::from_millis(500));
            }
            (spaces, Found::Accounts(Accounts::default()))
        };
        let mut users =
            Users { reader: Reader::new("test", QUESTIONS_MAX, read), ..Users::default() };
        let mut credentials = Credentials::default();
        assert!(!users.name(root(2, 0), &[7], &mut credentials));
        assert!(!users.name(root(3, 0), &[7], &mut credentials));
        users.since = Instant::now().checked_sub(PATIENCE * 2).unwrap();
        users.receive();
        assert!(users.known[&2].is_hung && !users.awaits(root(2, 0)));
        assert!(users.name(root(2, 1), &[7], &mut credentials), "nor is another root of it asked");
        assert!(!users.name(root(3, 0), &[7], &mut credentials), "the other is asked anew");
        let begun = Instant::now();
        let is_known = |users: &mut Users, spaces| {
            users.receive();
            users.known(spaces).is_some_and(|known| known.accounts.is_some())
        };
        while !is_known(&mut users, root(3, 0)) {
            assert!(begun.elapsed() < PATIENCE && users.known[&2].is_hung);
            thread::sleep(Duration::from_millis(1));
        }
        while !is_known(&mut users, root(2, 0)) {
            assert!(begun.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(1));
        }
        assert!(!users.known[&2].is_hung);
    }
}
