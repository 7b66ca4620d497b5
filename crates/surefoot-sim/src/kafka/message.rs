//! Requests and replies between a client and the brokers.
//!
//! Each travels on its own, so a request may be applied and its reply lost, and either may come
//! after a later one. A call's number ties a reply to its request.

use std::rc::Rc;

use super::group::MemberId;
use super::log::LoggedRecord;
use crate::fabric::{CallId, ClientId, PartitionId};

/// A request under way to the brokers.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) from: ClientId,
    pub(crate) call: CallId,
    pub(crate) body: Ask,
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    FindCoordinator,
    Join(Join),
    Sync { member: MemberId, generation: i32, plan: Option<Rc<GroupPlan>> },
    Heartbeat { member: MemberId, generation: i32 },
    Leave { member: MemberId },
    Commit(CommitRequest),
    FetchOffsets { partition: PartitionId },
    ListOffsets { partition: PartitionId, timestamp: Option<i64> },
    Fetch { partition: PartitionId, position: i64, end_told: bool, most: usize },
}

#[derive(Clone, Debug)]
pub(crate) struct Join {
    pub(crate) member: MemberId,
    /// The member says that the group knows it already.
    pub(crate) rejoins: bool,
    pub(crate) owned: Vec<PartitionId>,
    /// The generation in which it came to own them.
    pub(crate) owned_generation: i32,
}

/// Who gets what, as the leader decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupPlan {
    pub(crate) shares: Vec<(MemberId, Vec<PartitionId>)>,
}

#[derive(Clone, Debug)]
pub(crate) struct CommitRequest {
    /// `None` with generation -1: a client that is in no group just now.
    pub(crate) member: Option<MemberId>,
    pub(crate) generation: i32,
    /// The client's own count of its commit requests.
    pub(crate) order: u64,
    pub(crate) effect: u64,
    pub(crate) positions: Vec<(PartitionId, i64)>,
}

/// A reply under way to a client.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) call: CallId,
    pub(crate) body: Answered,
}

/// What a broker answers.
#[derive(Clone, Debug)]
pub(crate) enum Answered {
    Coordinator,
    Joined { generation: i32, members: Option<Vec<Join>> },
    Synced { share: Vec<PartitionId> },
    Beat,
    Committed(Vec<(PartitionId, Result<(), Code>)>),
    Offsets { committed: Option<i64>, topic_has_commits: bool },
    Ends { start: i64, stable: i64, high_watermark: i64, at_time: Option<i64> },
    Fetched(Fetched),
    Failed(Code),
}

#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    /// Where the fetch began.
    pub(crate) from: i64,
    pub(crate) records: Vec<LoggedRecord>,
    /// Where to go on.
    pub(crate) next: i64,
    /// Nothing readable is left at `next`.
    pub(crate) at_end: bool,
}

/// Kafka's error codes, as far as they matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    NotCoordinator,
    IllegalGeneration,
    UnknownMember,
    RebalanceInProgress,
    /// `COORDINATOR_LOAD_IN_PROGRESS`, `NOT_ENOUGH_REPLICAS` and the like.
    Unavailable,
    Unauthorized,
    OffsetOutOfRange,
}
