//! From learning to monitoring to protecting.
//!
//! A profile learns until a day, or until so many days brought nothing new; days on which nothing was
//! seen at all (nobody watched, nothing ran) do not count. From monitoring to protecting no time
//! leads: somebody has to have looked through it.

use jiff::civil::Date;

use super::Profile;

/// What a profile is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// What is new becomes part of it.
    Learn,
    /// What deviates is told.
    Monitor,
    /// And refused, where it can be.
    Protect,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::Learn, Self::Monitor, Self::Protect];

    pub fn name(self) -> &'static str {
        match self {
            Self::Learn => "learn",
            Self::Monitor => "monitor",
            Self::Protect => "protect",
        }
    }
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learning {
    /// After so many days without news it is promoted to monitor. None: never by itself.
    pub quiet_days: Option<u32>,
    /// On this day it is, whatever happens.
    pub until: Option<Date>,
    /// The first day.
    pub from: Date,
    /// The last one on which something was learnt.
    pub news: Date,
    /// The last one on which something was seen.
    pub seen: Date,
    /// Days after the last news on which something was seen; the last of them may not be over.
    pub quiet: u32,
    /// Containers whose beginning was seen.
    pub starts: u64,
}

/// Why it monitors from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promotion {
    Until(Date),
    Quiet(u32),
}

impl Learning {
    pub fn new(today: Date, quiet_days: Option<u32>) -> Self {
        Self { quiet_days, until: None, from: today, news: today, seen: today, quiet: 0, starts: 0 }
    }
}

impl Profile {
    /// Something was seen today, which was new or was not; whether that is worth writing down.
    pub fn note_day(&mut self, today: Date, is_news: bool) -> bool {
        let learning = &mut self.learning;
        if is_news {
            let is_same = learning.news == today && learning.quiet == 0;
            (learning.news, learning.seen, learning.quiet) = (today, today.max(learning.seen), 0);
            return !is_same;
        }
        // A clock that was set back makes no days.
        if today <= learning.seen {
            return false;
        }
        learning.seen = today;
        learning.quiet = learning.quiet.saturating_add(1);
        true
    }

    /// Whether its time to learn is over; then it monitors.
    pub fn promote_if_due(&mut self, today: Date) -> Option<Promotion> {
        if self.mode != Mode::Learn {
            return None;
        }
        let learning = &self.learning;
        let by_day = learning.until.filter(|until| today >= *until).map(Promotion::Until);
        // The day that is not over yet may bring something.
        let is_over = |days: &u32| learning.quiet > *days;
        let promotion =
            by_day.or_else(|| learning.quiet_days.filter(is_over).map(Promotion::Quiet))?;
        self.mode = Mode::Monitor;
        Some(promotion)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_without_news_promote_and_days_without_anything_do_not() {
        let day = |day| date(2026, 3, day);
        let workload = "image:docker.io/library/nginx".parse().unwrap();
        let mut profile = Profile::new(workload, Learning::new(day(1), Some(2)));
        assert!(!profile.note_day(day(1), true));
        assert!(profile.note_day(day(2), false) && !profile.note_day(day(2), false));
        assert!(profile.note_day(day(3), false));
        assert_eq!(profile.promote_if_due(day(9)), None, "two days, of which one is not over");
        assert!(profile.note_day(day(9), true));
        assert_eq!(profile.learning.quiet, 0);
        for quiet in [10, 11] {
            profile.note_day(day(quiet), false);
            profile.note_day(day(2), false);
            assert_eq!(profile.promote_if_due(day(quiet)), None);
        }
        profile.note_day(day(12), false);
        assert_eq!(profile.promote_if_due(day(12)), Some(Promotion::Quiet(2)));
        assert_eq!(profile.mode, Mode::Monitor);
        assert_eq!(profile.promote_if_due(day(30)), None);
    }

    #[test]
    fn a_day_promotes() {
        let workload = "image:docker.io/library/nginx".parse().unwrap();
        let mut profile = Profile::new(workload, Learning::new(date(2026, 3, 1), None));
        assert_eq!(profile.promote_if_due(date(2030, 1, 1)), None);
        profile.learning.until = Some(date(2026, 4, 1));
        assert_eq!(profile.promote_if_due(date(2026, 3, 31)), None);
        let due = profile.promote_if_due(date(2026, 4, 1));
        assert_eq!(due, Some(Promotion::Until(date(2026, 4, 1))));
    }
}
