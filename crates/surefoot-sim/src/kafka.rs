//! A model of a Kafka cluster with one consumer group, written apart from the engine.
//!
//! It is the run's ground truth: what was in the log, who was a member of which generation, which
//! commit was applied and when. It shares no code with the engine.
//!
//! It promises two things that Kafka alone does not. Of two commit requests of one client for one
//! partition, an older one is not applied after a newer one, because the connection that it came on
//! was closed before. And a commit that a client held back and sends when the group has forgotten
//! it is refused, although Kafka would store it if at that moment the group had no member at all.

pub(crate) mod assignor;
pub(crate) mod group;
pub(crate) mod log;
pub(crate) mod message;
mod serving;

use std::collections::BTreeMap;

use crate::fabric::{CallId, ClientId, Fabric, PartitionId};
use crate::reach::Reached;
use crate::schedule::Micros;
use group::{Group, GroupAlarm};
use log::{Log, Transaction, TransactionEnd};

/// The cluster.
#[derive(Debug)]
pub(crate) struct Kafka {
    pub(crate) logs: Vec<Log>,
    pub(crate) committed: Vec<Option<i64>>,
    pub(crate) group: Group,
    /// The coordinator is away until then.
    away_until: Micros,
    /// The newest commit request of a client that was looked at, for each partition.
    newest: BTreeMap<(ClientId, PartitionId), u64>,
    /// Fetches that wait for something to read.
    waiting: Vec<WaitingFetch>,
}

#[derive(Clone, Copy, Debug)]
struct WaitingFetch {
    client: ClientId,
    call: CallId,
    partition: PartitionId,
    position: i64,
    most: usize,
}

impl Kafka {
    pub(crate) fn new(fabric: &Fabric) -> Self {
        let all = fabric.plan.partitions.len();
        Self {
            logs: fabric.plan.log_starts.iter().map(|&start| Log::new(start)).collect(),
            committed: vec![None; all],
            group: Group::new(),
            away_until: 0,
            newest: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    pub(crate) fn on_group_alarm(&mut self, fabric: &mut Fabric, alarm: GroupAlarm) {
        // Timers of a coordinator that is away do not run; its successor starts them anew.
        if self.is_away(fabric) {
            let at = self.away_until;
            fabric.schedule(at, crate::fabric::Event::Group(alarm));
        } else {
            self.group.on_alarm(fabric, alarm);
        }
    }

    pub(crate) fn send_coordinator_away(&mut self, fabric: &mut Fabric, how_long: Micros) {
        self.away_until = fabric.now + how_long;
        fabric.reach(Reached::CoordinatorAway);
        fabric.trace(|| format!("coordinator away for {} ms", how_long / 1_000));
        fabric.schedule(self.away_until, crate::fabric::Event::CoordinatorBack);
    }

    pub(crate) fn on_coordinator_back(&mut self, fabric: &Fabric) {
        if !self.is_away(fabric) {
            self.group.restart_sessions(fabric);
        }
    }

    fn is_away(&self, fabric: &Fabric) -> bool {
        fabric.now < self.away_until
    }

    pub(crate) fn end_fault(&mut self) {
        self.away_until = 0;
    }

    /// Appends records with random keys, in a transaction or not, and returns the transaction if
    /// it stays open.
    pub(crate) fn produce(
        &mut self,
        fabric: &mut Fabric,
        partition: PartitionId,
        count: u64,
        transactional: bool,
    ) -> Option<Transaction> {
        let now_ms = fabric.wall_ms();
        let log = &mut self.logs[partition.index()];
        let transaction = transactional.then(|| log.begin());
        for _ in 0..count {
            let keyless = fabric.random.chance(fabric.plan.keyless);
            let key = (!keyless).then(|| fabric.random.below(fabric.plan.keys) as u32);
            let bytes = fabric.random.spread(10, 2_000) as u32;
            log.append(key, bytes, now_ms, transaction);
        }
        let log = &mut self.logs[partition.index()];
        if fabric.random.chance(fabric.plan.faults.gap) {
            log.skip(fabric.random.spread(1, 1_000_000_000_000) as i64);
        }
        self.wake_fetches(fabric, partition);
        transaction
    }

    pub(crate) fn end_transaction(
        &mut self,
        fabric: &mut Fabric,
        partition: PartitionId,
        transaction: Transaction,
        end: TransactionEnd,
    ) {
        let now_ms = fabric.wall_ms();
        self.logs[partition.index()].end(transaction, end, now_ms);
        if end == TransactionEnd::Abort {
            fabric.reach(Reached::TransactionAborted);
        }
        self.wake_fetches(fabric, partition);
    }
}
