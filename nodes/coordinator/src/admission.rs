//! What is answered before a group is looked at, or where there is none.
//!
//! Owns: ids and time-outs that no group accepts, answers for groups that do not exist, the bound on
//! the number of groups.

use crate::effect::GroupRules;
use crate::group::join::refused;
use crate::group::offsets::{fetched, without_repeats};
use crate::limits::GROUP_ID_BYTES_MAX;
use crate::message::{DescribedGroup, GroupError, GroupReply, GroupRequest, GroupState, JoinGroup};

/// Refuses what no group accepts. Offsets may be kept under an empty id, as in Kafka; a group with
/// members has a name.
pub(crate) fn refusal(group: &str, call: &GroupRequest, rules: &GroupRules) -> Option<GroupReply> {
    if group.len() > GROUP_ID_BYTES_MAX || (group.is_empty() && needs_a_name(call)) {
        return Some(invalid_group_id(call));
    }
    let GroupRequest::Join(join) = call else {
        return None;
    };
    let error = refused(GroupError::InvalidSessionTimeout, &join.member_id);
    (!session_is_within(join, rules)).then_some(GroupReply::Join(Err(error)))
}

fn needs_a_name(call: &GroupRequest) -> bool {
    match call {
        GroupRequest::Join(_)
        | GroupRequest::Sync(_)
        | GroupRequest::Heartbeat(_)
        | GroupRequest::Leave(_) => true,
        GroupRequest::CommitOffsets(_)
        | GroupRequest::FetchOffsets(_)
        | GroupRequest::DeleteOffsets(_)
        | GroupRequest::Describe
        | GroupRequest::Delete => false,
    }
}

fn invalid_group_id(call: &GroupRequest) -> GroupReply {
    let error = GroupError::InvalidGroupId;
    match call {
        GroupRequest::Join(join) => GroupReply::Join(Err(refused(error, &join.member_id))),
        GroupRequest::Sync(_) => GroupReply::Sync(Err(error)),
        GroupRequest::Heartbeat(_) => GroupReply::Heartbeat(Err(error)),
        GroupRequest::Leave(_) => GroupReply::Leave(Err(error)),
        GroupRequest::CommitOffsets(_) => GroupReply::CommitOffsets(Err(error)),
        GroupRequest::FetchOffsets(_) => GroupReply::FetchOffsets(Err(error)),
        GroupRequest::DeleteOffsets(_) => GroupReply::DeleteOffsets(Err(error)),
        GroupRequest::Describe => GroupReply::Describe(Err(error)),
        GroupRequest::Delete => GroupReply::Delete(Err(error)),
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
            let keys = without_repeats(fetch.partitions.as_deref().unwrap_or_default());
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
