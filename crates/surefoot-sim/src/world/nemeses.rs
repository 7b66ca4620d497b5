//! What goes wrong in a run, and what the producers do meanwhile.
//!
//! Each nemesis has its own times, drawn from the seed; which of them a run has at all is drawn
//! too, so that some runs are quiet and a rare one is not drowned by the others.

use super::World;
use crate::fabric::{Event, PartitionId};
use crate::kafka::log::TransactionEnd;
use crate::plan::Nemesis;
use crate::reach::Reached;
use crate::schedule::{MILLI, SECOND};

impl World {
    pub(super) fn plan_nemesis(&mut self, index: usize) {
        let (_, mean) = self.fabric.plan.faults.nemeses[index];
        let delay = self.fabric.random.between(mean / 10, mean * 2);
        self.fabric.after(delay, Event::Nemesis(index));
    }

    pub(super) fn strike(&mut self, index: usize) {
        if self.healed {
            return;
        }
        let (nemesis, _) = self.fabric.plan.faults.nemeses[index];
        self.fabric.trace(|| format!("nemesis: {nemesis:?}"));
        match nemesis {
            Nemesis::CoordinatorAway => {
                let how_long = self.fabric.random.spread(100 * MILLI, 15 * SECOND);
                self.kafka.send_coordinator_away(&mut self.fabric, how_long);
            }
            Nemesis::Retention => self.delete_oldest(),
            Nemesis::Compaction => self.compact(),
            Nemesis::Throttle => {
                self.fabric.reach(Reached::Throttle);
                self.fabric.throttle = self.fabric.random.between(2, 20);
                let how_long = self.fabric.random.spread(SECOND, 10 * SECOND);
                self.fabric.after(how_long, Event::EndThrottle);
            }
            Nemesis::Kill
            | Nemesis::Stop
            | Nemesis::Restart
            | Nemesis::ClockJump
            | Nemesis::Pause
            | Nemesis::Seek
            | Nemesis::Commit
            | Nemesis::CommitAt => self.strike_process(nemesis),
        }
        self.plan_nemesis(index);
    }

    fn strike_process(&mut self, nemesis: Nemesis) {
        let fabric = &mut self.fabric;
        let member = fabric.random.index(self.members.len());
        let Some(process) = &mut self.members[member].process else { return };
        if process.is_stopped() {
            return;
        }
        match nemesis {
            Nemesis::Kill => process.doom(fabric),
            Nemesis::Stop => {
                let session = fabric.plan.session_timeout;
                let how_long = fabric.random.between(session / 4, session * 3);
                if how_long > session {
                    fabric.note_zombie(process.id);
                }
                process.stop_running(fabric);
                fabric.after(how_long, Event::Continue(process.id));
            }
            Nemesis::Restart => {
                if !process.is_leaving() {
                    fabric.reach(Reached::Restarted);
                    process.signal(fabric);
                }
            }
            Nemesis::ClockJump => {
                fabric.reach(Reached::ClockJump);
                let far = fabric.random.spread(1_000, 9 * 86_400_000) as i64;
                process.jump_clock(if fabric.random.coin() { far } else { -far });
            }
            _ => process.interfere(fabric, nemesis),
        }
    }

    fn delete_oldest(&mut self) {
        let partition = self.any_partition();
        let log = &self.kafka.logs[partition.index()];
        let committed = self.kafka.committed[partition.index()];
        let passes = self.fabric.plan.faults.retention_passes_committed;
        let most = match (passes, committed) {
            (true, _) => log.stable(),
            (false, Some(committed)) => committed.min(log.stable()),
            (false, None) => log.start(),
        };
        let low = log.start();
        if most <= low {
            return;
        }
        let to = low + self.fabric.random.between(1, (most - low) as u64) as i64;
        self.fabric.reach(Reached::Retention);
        if committed.is_some_and(|committed| committed < to) {
            self.fabric.reach(Reached::RetentionPassedCommitted);
        }
        self.fabric.trace(|| format!("{partition:?} now starts at {to}"));
        self.kafka.logs[partition.index()].truncate_front(to);
    }

    fn compact(&mut self) {
        let partition = self.any_partition();
        let log = &mut self.kafka.logs[partition.index()];
        let span = (log.stable() - log.read_to()).clamp(1, 10_000) as u64;
        let from = log.read_to() + self.fabric.random.below(span) as i64;
        let most = self.fabric.random.spread(1, 10) as usize;
        if log.compact(from, most) > 0 {
            self.fabric.reach(Reached::Compaction);
        }
    }

    pub(super) fn add_partition(&mut self) {
        self.fabric.reach(Reached::PartitionAdded);
        self.fabric.existing = self.fabric.plan.partitions.len();
        for member in &mut self.members {
            if let Some(process) = &mut member.process
                && !process.is_stopped()
            {
                process.refresh_metadata(&mut self.fabric);
            }
        }
    }

    pub(super) fn produce_and_plan(&mut self) {
        if self.healed || self.produced >= self.fabric.plan.records {
            return;
        }
        self.produce();
        let left = self.fabric.plan.records - self.produced;
        let time = self.fabric.plan.heal_at.saturating_sub(self.fabric.now);
        let delay = self.fabric.random.below(time * 6 / (left + 1) + 1);
        self.fabric.after(delay, Event::Produce);
    }

    /// Appends a few records somewhere.
    pub(super) fn produce(&mut self) {
        let partition = self.any_partition();
        let left = self.fabric.plan.records - self.produced;
        let count = self.fabric.random.spread(1, 30).min(left);
        self.produced += count;
        let faults = &self.fabric.plan.faults;
        let (transactional, aborts, hangs) =
            (faults.transactional, faults.abort_transaction, faults.hang_transaction);
        let transactional = self.fabric.random.chance(transactional);
        let fabric = &mut self.fabric;
        let open = self.kafka.produce(fabric, partition, count, transactional);
        let Some(transaction) = open else { return };
        let end = match self.fabric.random.chance(aborts) {
            true => TransactionEnd::Abort,
            false => TransactionEnd::Commit,
        };
        let hangs = !self.healed && self.fabric.random.chance(hangs);
        let delay = if hangs {
            self.fabric.reach(Reached::TransactionHanging);
            self.fabric.random.spread(SECOND, 30 * SECOND)
        } else {
            self.fabric.random.spread(1, 50 * MILLI)
        };
        let at = (self.fabric.now + delay).min(self.fabric.plan.heal_at.max(self.fabric.now + 1));
        self.fabric.schedule(at, Event::EndTransaction(partition, transaction, end));
    }

    fn any_partition(&mut self) -> PartitionId {
        PartitionId(self.fabric.random.index(self.fabric.existing) as u16)
    }
}
