//! An ordered set of deadlines, one for each name.
//!
//! Owns: which is due first. Setting, clearing and finding take time in the logarithm of their number.

use std::collections::{BTreeMap, BTreeSet};

use model::Instant;

/// Deadlines by name. Those of one instant are due in the order of their names.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    at: BTreeMap<K, Instant>,
    order: BTreeSet<(Instant, K)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self {
            at: BTreeMap::new(),
            order: BTreeSet::new(),
        }
    }
}

impl<K: Ord + Clone> Timers<K> {
    /// Sets a deadline, in the place of the one that the name had.
    pub(crate) fn set(&mut self, name: K, at: Instant) {
        if self.at.get(&name) == Some(&at) {
            return;
        }
        self.clear(&name);
        self.order.insert((at, name.clone()));
        self.at.insert(name, at);
    }

    pub(crate) fn clear(&mut self, name: &K) {
        if let Some((name, at)) = self.at.remove_entry(name) {
            self.order.remove(&(at, name));
        }
    }

    pub(crate) fn contains(&self, name: &K) -> bool {
        self.at.contains_key(name)
    }

    /// The deadline of `name`.
    pub(crate) fn deadline(&self, name: &K) -> Option<Instant> {
        self.at.get(name).copied()
    }

    /// The first deadline.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes out the first whose deadline has come.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<K> {
        if self.first()? > now {
            return None;
        }
        let (_, name) = self.order.pop_first()?;
        self.at.remove(&name);
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_first_comes_first_and_once() {
        let mut timers = Timers::default();
        timers.set("b", Instant(5));
        timers.set("a", Instant(5));
        timers.set("c", Instant(1));
        timers.set("c", Instant(9));
        timers.set("d", Instant(2));
        timers.clear(&"d");
        assert_eq!(timers.first(), Some(Instant(5)));
        assert_eq!(timers.deadline(&"c"), Some(Instant(9)));
        assert!(!timers.contains(&"d"));
        assert_eq!(timers.take_due(Instant(4)), None);
        assert_eq!(timers.take_due(Instant(8)), Some("a"));
        assert_eq!(timers.take_due(Instant(8)), Some("b"));
        assert_eq!(timers.take_due(Instant(8)), None);
        assert_eq!(timers.take_due(Instant(9)), Some("c"));
        assert_eq!(timers.first(), None);
    }
}
