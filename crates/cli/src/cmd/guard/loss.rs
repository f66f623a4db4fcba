//! Counts of what never arrived: the kernel's totals → what is new, and what it all came to.

use std::collections::BTreeMap;

use model::event::{Audience, Loss};
use sensor::kernel::Lost;

/// Records that arrived and could not be read.
const DAMAGED: &str = "damaged";

type Key = (String, &'static str, Option<u64>);

#[derive(Default)]
pub(super) struct Losses {
    known: BTreeMap<Key, u64>,
}

impl Losses {
    /// What was lost since the last look.
    pub(super) fn news(&mut self, lost: &[Lost], damaged: u64) -> Vec<Loss> {
        let of_kernel = lost.iter().map(|lost| {
            let class = lost.class.name().to_owned();
            ((class, lost.cause.name(), lost.control_group), lost.count)
        });
        let of_us = ((DAMAGED.to_owned(), "record that makes no sense", None), damaged);
        let mut news = Vec::new();
        for (key, count) in of_kernel.chain([of_us]) {
            let (class, cause, group) = key.clone();
            let former = self.known.insert(key, count).unwrap_or(0);
            let of = group.map_or(Audience::Anyone, Audience::ControlGroup);
            let count = count.saturating_sub(former);
            if count > 0 {
                news.push(Loss { class, of, count, cause: cause.to_owned() });
            }
        }
        news
    }

    /// By class, in the order of their names.
    pub(super) fn summary(&self) -> String {
        let mut classes: BTreeMap<&str, u64> = BTreeMap::new();
        for ((class, _, _), count) in &self.known {
            *classes.entry(class).or_default() += count;
        }
        let lost: Vec<String> = classes
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(class, count)| format!("{count} {class}"))
            .collect();
        if lost.is_empty() {
            "nothing lost".to_owned()
        } else {
            format!("lost {}", lost.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_become_news_and_a_sum() {
        let mut losses = Losses::default();
        assert_eq!(losses.news(&[], 0), []);
        assert_eq!(losses.summary(), "nothing lost");
        assert_eq!(losses.news(&[], 3)[0].count, 3);
        let news = losses.news(&[], 5);
        assert_eq!((news.len(), news[0].count, &*news[0].class), (1, 2, DAMAGED));
        assert_eq!(losses.news(&[], 5), []);
        assert_eq!(losses.summary(), "lost 5 damaged");
    }
}
