//! What a group tells of itself: descriptions, lists, offsets for metrics.

use bytes::Bytes;

use crate::effect::CommittedOffset;
use crate::group::{Group, Phase};
use crate::message::{DescribedGroup, DescribedMember, ListedGroup};

impl Group {
    pub(super) fn describe(&self) -> DescribedGroup {
        let protocol = match self.phase {
            Phase::Stable => self.protocol.clone(),
            Phase::Empty | Phase::Preparing(_) | Phase::Completing | Phase::Dead => None,
        };
        let members = self.roster.iter().map(|(id, member)| DescribedMember {
            member_id: id.to_string(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: protocol
                .as_deref()
                .map_or_else(Bytes::new, |protocol| member.protocols.metadata(protocol)),
            assignment: protocol
                .as_ref()
                .map_or_else(Bytes::new, |_| member.assignment.clone()),
        });
        DescribedGroup {
            state: self.state(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            members: members.collect(),
            protocol: protocol.unwrap_or_default(),
        }
    }

    pub(crate) fn listed(&self) -> ListedGroup {
        ListedGroup {
            group: self.key.id.to_string(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            state: self.state(),
        }
    }

    pub(crate) fn committed_count(&self) -> usize {
        self.offsets.len()
    }

    pub(crate) fn committed(&self) -> impl Iterator<Item = CommittedOffset<'_>> {
        let state = self.state();
        self.offsets
            .iter()
            .map(move |(key, offset)| CommittedOffset {
                group: &self.key.id,
                state,
                key: *key,
                offset: offset.offset,
                committed_at: offset.committed_at,
            })
    }
}
