//! Environments, each held once: thousands of processes are remembered, and most have that of others.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use model::event::Text;

/// Those that new programs are compared with: a shell gives its own to each program, or one for each that
/// it starts again and again.
const RECENT_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Environments {
    /// With their hashes, the last one that was new at the end.
    recent: VecDeque<(u64, Arc<[Text]>)>,
}

impl Environments {
    /// The same words, as somebody has them already.
    pub(super) fn share(&mut self, environment: &Arc<[Text]>) -> Arc<[Text]> {
        let mut hasher = DefaultHasher::new();
        environment.hash(&mut hasher);
        let hash = hasher.finish();
        let is_it = |it: &&(u64, Arc<[Text]>)| it.0 == hash && it.1 == *environment;
        if let Some((_, known)) = self.recent.iter().find(is_it) {
            return Arc::clone(known);
        }
        if self.recent.len() >= RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((hash, Arc::clone(environment)));
        Arc::clone(environment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Arc<[Text]> {
        words.iter().map(|word| (*word).into()).collect()
    }

    #[test]
    fn equal_ones_are_held_once_and_few_are_compared() {
        let mut all = Environments::default();
        let first = all.share(&of(&["PATH=/bin", "HOME=/"]));
        let other = all.share(&of(&["HOME=/", "PATH=/bin"]));
        assert!(Arc::ptr_eq(&first, &all.share(&of(&["PATH=/bin", "HOME=/"]))));
        assert!(Arc::ptr_eq(&other, &all.share(&of(&["HOME=/", "PATH=/bin"]))));
        assert!(!Arc::ptr_eq(&first, &other));
        for number in 0..RECENT_MAX * 2 {
            all.share(&of(&[&number.to_string()]));
        }
        assert_eq!(all.recent.len(), RECENT_MAX);
        assert!(!Arc::ptr_eq(&first, &all.share(&of(&["PATH=/bin", "HOME=/"]))));
    }
}
