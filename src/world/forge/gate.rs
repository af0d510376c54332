//! What gates ask of a forge: checks of a commit, reviews of a request, freeze periods, the text of an issue.

use super::{Answer, Request};
use crate::data::CommitId;
use crate::rules::gate::approvals::{Approval, Remark};
use crate::rules::gate::freeze::FreezePeriod;
use crate::rules::gate::runs::CheckRun;

/// What gates ask of a forge. Nothing here changes anything.
pub trait GateView {
    /// Every run of every check on a commit that the forge still counts, whoever reports it.
    fn check_runs(&self, commit: CommitId) -> Answer<Vec<CheckRun>>;
    /// What people said of a request, each bound to the commit that they saw.
    fn reviews(&self, request: &Request) -> Answer<Vec<Approval>>;
    /// The comments on a request that nobody changed since they were written.
    fn remarks(&self, request: &Request) -> Answer<Vec<Remark>>;
    /// The names of the members of a team, `org/team` or `group/subgroup`; none when there is no such team, or this token
    /// may not see it.
    fn members(&self, team: &str) -> Answer<Option<Vec<String>>>;
    /// The freeze periods of the project. GitHub has none, and says so by an empty list.
    fn freeze_periods(&self) -> Answer<Vec<FreezePeriod>>;
    /// The text of an issue; none when there is no such issue.
    fn issue_text(&self, number: u64) -> Answer<Option<String>>;
}
