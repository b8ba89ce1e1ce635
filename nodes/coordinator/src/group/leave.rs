//! LeaveGroup: members go at once, by their ids or their static names (KIP-345).

use crate::group::Group;
use crate::message::{GroupError, LeaveGroup, Leaver};
use crate::turn::Turn;

impl Group {
    pub(super) fn leave(
        &mut self,
        leave: &LeaveGroup,
        turn: &mut Turn,
    ) -> Vec<Result<(), GroupError>> {
        let left: Vec<_> = leave
            .members
            .iter()
            .map(|leaver| self.leave_one(leaver, turn))
            .collect();
        if left.iter().any(Result::is_ok) && !self.is_empty() {
            self.rebalance_or_go_on(turn);
        }
        left
    }

    fn leave_one(&mut self, leaver: &Leaver, turn: &mut Turn) -> Result<(), GroupError> {
        let instance_id = leaver.instance_id.as_deref();
        let id = if leaver.member_id.is_empty() {
            // An administrator knows a static member by its name alone.
            let by_name = instance_id.and_then(|name| self.roster.static_id(name));
            by_name.ok_or(GroupError::UnknownMemberId)?
        } else {
            if !self.roster.is_pending(&leaver.member_id) {
                self.roster.check(&leaver.member_id, instance_id)?;
            }
            leaver.member_id.as_str().into()
        };
        self.remove_member(&id, turn);
        Ok(())
    }
}
