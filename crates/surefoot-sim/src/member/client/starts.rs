//! Looking up where a partition starts: the committed offset first, then the ends of the log.
//!
//! The two come from different brokers at different moments, and each question may stay without an
//! answer. OffsetFetch is not fenced: a member that was replaced reads its successor's commits.

use surefoot_core::{Committed, Outcome, Position, StartFacts, Term};

use super::commits::refusal_of;
use super::{Call, Client};
use crate::fabric::{Fabric, PartitionId};
use crate::kafka::message::{Answered, Ask};
use crate::member::mailbox::{FromClient, Mailbox};
use crate::reach::Reached;

impl Client {
    pub(in crate::member) fn find_start(
        &mut self,
        fabric: &mut Fabric,
        term: Term,
        partition: PartitionId,
        timestamp: Option<i64>,
    ) {
        let ask = Ask::FetchOffsets { partition };
        self.call(fabric, ask, Call::Offsets { term, partition, timestamp });
    }

    pub(super) fn on_offsets(
        &mut self,
        fabric: &mut Fabric,
        mail: &mut Mailbox,
        term: Term,
        partition: PartitionId,
        timestamp: Option<i64>,
        answered: Answered,
    ) {
        match answered {
            Answered::Offsets { committed, topic_has_commits } => {
                let ask = Ask::ListOffsets { partition, timestamp };
                self.call(fabric, ask, Call::Ends { term, committed, topic_has_commits });
            }
            Answered::Failed(code) => {
                let outcome = Outcome::Refused(refusal_of(code));
                mail.client.push_back(FromClient::StartFound { term, outcome });
            }
            _ => unreachable!("a question for offsets is answered as one"),
        }
    }

    pub(super) fn on_ends(
        &self,
        fabric: &mut Fabric,
        mail: &mut Mailbox,
        term: Term,
        committed: Option<i64>,
        topic_has_commits: bool,
        answered: Answered,
    ) {
        let Answered::Ends { start, stable, high_watermark, at_time } = answered else {
            unreachable!("a question for the ends of a log is answered as one")
        };
        let facts = StartFacts {
            committed: committed.map(|position| Committed {
                position: Position::new(position),
                leader_epoch: None,
                metadata: None,
            }),
            added_later: topic_has_commits,
            log_start: Position::new(start),
            log_end: Position::new(stable),
            high_watermark: Position::new(high_watermark),
            at_time: at_time.map(Position::new),
            topic_id: None,
            done_above: Vec::new(),
        };
        let found = FromClient::StartFound { term, outcome: Outcome::Done(facts) };
        if fabric.fault(fabric.plan.faults.repeat_answer) {
            fabric.reach(Reached::RepeatedAnswer);
            mail.client.push_back(found.clone());
        }
        mail.client.push_back(found);
    }

    pub(super) fn on_start_timeout(&self, fabric: &mut Fabric, mail: &mut Mailbox, term: Term) {
        fabric.reach(Reached::StartUnknown);
        mail.client.push_back(FromClient::StartFound { term, outcome: Outcome::Unknown });
    }
}
