//! Where a shard's answers go: the reply side of each gateway's lanes.
//!
//! Owns: the senders. A full channel loses the reply; the gateway's lane asks again. Bound:
//! [`GATEWAYS_MAX`] gateways; the one that opened its lanes first goes, and its lanes end.

use std::collections::{HashMap, VecDeque};

use model::{GatewayIncarnation, LaneId};
use node_api::AppendReply;
use tokio::sync::mpsc;

use crate::limits::GATEWAYS_MAX;

#[derive(Default)]
pub(crate) struct Lanes {
    replies: HashMap<(GatewayIncarnation, LaneId), mpsc::Sender<AppendReply>>,
    gateways: VecDeque<GatewayIncarnation>,
}

impl Lanes {
    pub(crate) fn open(
        &mut self,
        gateway: GatewayIncarnation,
        lane: LaneId,
        replies: mpsc::Sender<AppendReply>,
    ) {
        if !self.gateways.contains(&gateway) {
            self.gateways.push_back(gateway);
        }
        self.replies.insert((gateway, lane), replies);
        if self.gateways.len() > GATEWAYS_MAX
            && let Some(first) = self.gateways.pop_front()
        {
            self.replies.retain(|(other, _), _| *other != first);
        }
    }

    pub(crate) fn reply(&self, reply: AppendReply) {
        let lane = (reply.id.gateway, reply.id.lane);
        if let Some(replies) = self.replies.get(&lane) {
            // Full or closed: the lane asks again, or is gone.
            let _ = replies.try_send(reply);
        }
    }
}
