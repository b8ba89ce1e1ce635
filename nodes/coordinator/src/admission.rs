//! What is answered before a group is looked at, or where there is none.
//!
//! Owns: ids and time-outs that no group accepts, answers for groups that do not exist, the bound on
//! the number of groups.

use crate::effect::GroupRules;
use crate::group::join::refused;
use crate::group::offsets::fetched;
use crate::message::{DescribedGroup, GroupError, GroupReply, GroupRequest, GroupState, JoinGroup};

/// Refuses what no group accepts. Offsets may be kept under an empty id, as in Kafka; a group with
/// members has a name.
pub(crate) fn refusal(group: &str, call: &GroupRequest, rules: &GroupRules) -> Option<GroupReply> {
    if let GroupRequest::Join(join) = call
        && !group.is_empty()
    {
        let is_within = session_is_within(join, rules);
        let error = refused(GroupError::InvalidSessionTimeout, &join.member_id);
        return (!is_within).then_some(GroupReply::Join(Err(error)));
    }
    let error = GroupError::InvalidGroupId;
    match call {
        _ if !group.is_empty() => None,
        GroupRequest::Join(join) => Some(GroupReply::Join(Err(refused(error, &join.member_id)))),
        GroupRequest::Sync(_) => Some(GroupReply::Sync(Err(error))),
        GroupRequest::Heartbeat(_) => Some(GroupReply::Heartbeat(Err(error))),
        GroupRequest::Leave(_) => Some(GroupReply::Leave(Err(error))),
        GroupRequest::CommitOffsets(_)
        | GroupRequest::FetchOffsets(_)
        | GroupRequest::DeleteOffsets(_)
        | GroupRequest::Describe
        | GroupRequest::Delete => None,
    }
}

fn session_is_within(join: &JoinGroup, rules: &GroupRules) -> bool {
    let settings = &rules.settings;
    let range = settings.session_timeout_ms_min..=settings.session_timeout_ms_max;
    u32::try_from(join.session_timeout_ms).is_ok_and(|ms| range.contains(&ms))
}

/// The answer of a group that does not exist; none where the call creates it. `groups` is how many
/// there are already.
pub(crate) fn without_group(
    call: &GroupRequest,
    rules: &GroupRules,
    groups: u32,
) -> Option<GroupReply> {
    let is_full = groups.saturating_add(rules.groups_elsewhere) >= rules.groups_max;
    let unknown = GroupError::UnknownMemberId;
    let full = GroupError::GroupMaxSizeReached;
    match call {
        GroupRequest::Join(join) if !join.member_id.is_empty() => {
            Some(GroupReply::Join(Err(refused(unknown, &join.member_id))))
        }
        GroupRequest::Join(_) => is_full.then(|| GroupReply::Join(Err(refused(full, "")))),
        GroupRequest::CommitOffsets(commit) if commit.membership.generation >= 0 => Some(
            GroupReply::CommitOffsets(Err(GroupError::IllegalGeneration)),
        ),
        GroupRequest::CommitOffsets(_) => is_full.then_some(GroupReply::CommitOffsets(Err(full))),
        GroupRequest::Sync(_) => Some(GroupReply::Sync(Err(unknown))),
        GroupRequest::Heartbeat(_) => Some(GroupReply::Heartbeat(Err(unknown))),
        GroupRequest::Leave(leave) => {
            let left = leave.members.iter().map(|_| Err(unknown)).collect();
            Some(GroupReply::Leave(Ok(left)))
        }
        GroupRequest::FetchOffsets(fetch) => {
            let keys = fetch.partitions.iter().flatten();
            let none = keys.map(|key| fetched(key, None)).collect();
            Some(GroupReply::FetchOffsets(Ok(none)))
        }
        GroupRequest::DeleteOffsets(_) => {
            let error = GroupError::GroupIdNotFound;
            Some(GroupReply::DeleteOffsets(Err(error)))
        }
        GroupRequest::Describe => Some(GroupReply::Describe(Ok(dead()))),
        GroupRequest::Delete => Some(GroupReply::Delete(Err(GroupError::GroupIdNotFound))),
    }
}

fn dead() -> DescribedGroup {
    DescribedGroup {
        state: GroupState::Dead,
        protocol_type: String::new(),
        protocol: String::new(),
        members: Vec::new(),
    }
}
