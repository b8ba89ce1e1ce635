//! Where a shard's answers go: the reply side of each gateway's lanes.
//!
//! Owns: the senders, and the replies of a turn: those of one lane leave in one go, so that one
//! commit wakes each lane once. A full channel loses replies; the gateway's lane asks again. Bound:
//! [`GATEWAYS_MAX`] gateways; the one that opened its lanes first goes, and its lanes end.
//!
//! Invariant: the lanes with replies that wait are those in `waiting`, each once.

use std::collections::VecDeque;

use model::{GatewayIncarnation, IdMap, LaneId};
use node_api::AppendReply;
use node_api::transport::send_what_fits;
use tokio::sync::mpsc;

use crate::limits::GATEWAYS_MAX;

/// A lane, of all those of all gateways.
type Key = (GatewayIncarnation, LaneId);

/// The way back to one lane.
struct Back {
    sender: mpsc::Sender<AppendReply>,
    /// Replies of this turn. Bounded by what the turn takes in.
    replies: VecDeque<AppendReply>,
}

#[derive(Default)]
pub(crate) struct Lanes {
    backs: IdMap<Key, Back>,
    waiting: Vec<Key>,
    gateways: VecDeque<GatewayIncarnation>,
}

impl Lanes {
    pub(crate) fn open(
        &mut self,
        gateway: GatewayIncarnation,
        lane: LaneId,
        sender: mpsc::Sender<AppendReply>,
    ) {
        self.flush();
        if !self.gateways.contains(&gateway) {
            self.gateways.push_back(gateway);
        }
        let replies = VecDeque::new();
        self.backs.insert((gateway, lane), Back { sender, replies });
        if self.gateways.len() > GATEWAYS_MAX
            && let Some(first) = self.gateways.pop_front()
        {
            self.backs.retain(|(other, _), _| *other != first);
        }
    }

    /// Keeps a reply until [`Self::flush`].
    pub(crate) fn reply(&mut self, reply: AppendReply) {
        let key = (reply.id.gateway, reply.id.lane);
        if let Some(back) = self.backs.get_mut(&key) {
            if back.replies.is_empty() {
                self.waiting.push(key);
            }
            back.replies.push_back(reply);
        }
    }

    /// Sends the replies of this turn. To be called before the shard waits for anything.
    pub(crate) fn flush(&mut self) {
        for key in self.waiting.drain(..) {
            if let Some(back) = self.backs.get_mut(&key) {
                back.send();
            }
        }
    }
}

impl Back {
    /// Full or closed: the lane asks again for what is lost here, or is gone.
    fn send(&mut self) {
        send_what_fits(&self.sender, &mut self.replies);
        self.replies.clear();
    }
}

#[cfg(test)]
mod tests {
    use model::{AppendId, TopicId, TopicPartition};
    use node_api::AppendRefusal;

    use super::*;

    const GATEWAY: GatewayIncarnation = GatewayIncarnation(1);

    fn reply(lane: u8, sequence: u64) -> AppendReply {
        AppendReply {
            id: AppendId {
                gateway: GATEWAY,
                lane: LaneId(lane),
                sequence,
            },
            partition: TopicPartition {
                topic: TopicId([1; 16]),
                partition: 0,
            },
            outcome: Err(AppendRefusal::Busy),
        }
    }

    fn received(replies: &mut mpsc::Receiver<AppendReply>) -> Vec<u64> {
        std::iter::from_fn(|| replies.try_recv().ok())
            .map(|reply| reply.id.sequence)
            .collect()
    }

    #[test]
    fn replies_of_a_turn_leave_in_order_and_what_has_no_room_is_lost() {
        let mut lanes = Lanes::default();
        let (sender, mut first) = mpsc::channel(3);
        lanes.open(GATEWAY, LaneId(0), sender);
        let (sender, mut second) = mpsc::channel(3);
        lanes.open(GATEWAY, LaneId(1), sender);
        for sequence in 0..5 {
            lanes.reply(reply(0, sequence));
            lanes.reply(reply(1, 10 + sequence / 3));
        }
        assert_eq!(received(&mut first), [], "they wait for the turn's end");
        lanes.flush();
        assert_eq!(received(&mut first), [0, 1, 2]);
        assert_eq!(received(&mut second), [10, 10, 10]);
        lanes.reply(reply(0, 7));
        lanes.flush();
        assert_eq!(
            received(&mut first),
            [7],
            "what was lost does not come later"
        );
    }
}
