//! The topics that a connection may read, kept from one fetch to the next.
//!
//! Owns: which topics the last fetch named, and by which right. Does not own: finding topics (`call`),
//! permission.
//!
//! Invariant: what is kept is what finding and authorizing again would give: it is forgotten with the
//! cluster map and with the rights that it was found under. What is refused is not kept.

use std::sync::Arc;

use auth::Action;
use model::{CatalogVersion, Topic};

use crate::call::{Call, TopicKey};
use crate::error::Fault;
use crate::limits::FETCHED_KEPT_MAX;
use crate::permission::{Authorized, Caller};

/// See the file's header. A topic is kept by its place in the request.
#[derive(Default)]
pub(crate) struct ReadableTopics {
    found_under: Option<(CatalogVersion, Caller)>,
    topics: Vec<Option<Authorized<Arc<Topic>>>>,
}

impl ReadableTopics {
    /// A request begins: what is kept may be used for it, or is forgotten.
    pub(crate) fn begin(&mut self, call: &Call, topics: usize) {
        let holds = self.found_under.as_ref().is_some_and(|(version, caller)| {
            *version == call.map.version && caller.has_the_rights_of(&call.caller)
        });
        if !holds {
            self.topics.clear();
            self.found_under = Some((call.map.version, call.caller.clone()));
        }
        self.topics.resize_with(topics, || None);
    }

    /// The request's topics are found: more than a bound are not kept.
    pub(crate) fn end(&mut self) {
        if self.topics.len() > FETCHED_KEPT_MAX {
            self.topics = Vec::new();
        }
    }

    /// The topic that the request names at `place`, if the caller may read it.
    pub(crate) fn topic(
        &mut self,
        call: &Call,
        place: usize,
        key: TopicKey<'_>,
    ) -> Result<&Arc<Topic>, Fault> {
        let kept = &mut self.topics[place];
        if !kept.as_ref().is_some_and(|kept| key.is_of(kept.request())) {
            *kept = None;
            *kept = Some(call.topic(key, Action::ReadData)?);
        }
        let kept = kept.as_ref().expect("it was found now or before");
        Ok(kept.request())
    }
}
