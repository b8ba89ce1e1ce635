//! The partitions that one connection polls.
//!
//! Owns: which those are, and what the connection's fetches look at. Does not own: the table of all
//! connections' (`news`).
//!
//! Clients ask for the same partitions again and again, mostly in the same order: then nothing is looked
//! up. Where the order differs, nothing is joined or left.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use model::{IdMap, TopicPartition};

use super::{Known, News, Poller};
use crate::limits::FETCHED_KEPT_MAX;

/// What a fetch looks at and waits for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Polled {
    pub(crate) poller: Arc<Poller>,
    /// What is known of its partitions, in its order.
    pub(crate) known: Arc<[Arc<Known>]>,
}

/// See the file's header. Dropping it ends the connection's interest.
pub(crate) struct Interest {
    news: Arc<News>,
    polled: Polled,
    /// The partitions in the order of `polled`; some may be there twice.
    order: Vec<TopicPartition>,
    joined: IdMap<TopicPartition, Joined>,
    /// Counts the lists that were not the same as the one before.
    round: u64,
}

struct Joined {
    known: Arc<Known>,
    /// The last round that named it.
    round: u64,
}

impl Interest {
    pub(crate) fn new(news: Arc<News>) -> Self {
        Self {
            news,
            polled: Polled::default(),
            order: Vec::new(),
            joined: IdMap::default(),
            round: 0,
        }
    }

    /// From now on these partitions are polled, and no others.
    pub(crate) fn set(&mut self, wanted: impl Iterator<Item = TopicPartition> + Clone) -> Polled {
        // An empty order may be one that was too long to keep.
        if self.order.is_empty() || !wanted.clone().eq(self.order.iter().copied()) {
            self.order.clear();
            self.order.extend(wanted);
            self.change();
        }
        let polled = self.polled.clone();
        if self.order.len() > FETCHED_KEPT_MAX {
            self.order = Vec::new();
            self.polled.known = Arc::default();
        }
        polled
    }

    /// Joins and leaves what it takes to follow a new list.
    fn change(&mut self) {
        self.round += 1;
        let round = self.round;
        let mut count = 0;
        let known = self.order.iter().map(|&partition| {
            let joined = match self.joined.entry(partition) {
                Entry::Occupied(joined) => joined.into_mut(),
                Entry::Vacant(vacant) => vacant.insert(Joined {
                    known: self.news.join(partition, &self.polled.poller),
                    round: 0,
                }),
            };
            count += usize::from(joined.round != round);
            joined.round = round;
            Arc::clone(&joined.known)
        });
        self.polled.known = known.collect();
        if count < self.joined.len() {
            self.joined.retain(|&partition, joined| {
                let is_wanted = joined.round == round;
                if !is_wanted {
                    self.news.leave(partition, &self.polled.poller);
                }
                is_wanted
            });
        }
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        for &partition in self.joined.keys() {
            self.news.leave(partition, &self.polled.poller);
        }
    }
}
