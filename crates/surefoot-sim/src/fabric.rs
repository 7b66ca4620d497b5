//! What every part of a run shares: time, chance, the events to come, and the record of it all.
//!
//! A message is given to the network here, which decides at once when it arrives, if ever. All
//! chance comes from one generator in the order of the events, so that a run is its seed.

use std::collections::{BTreeMap, BTreeSet};

use surefoot_check::history::{self, Event as Recorded};

use crate::kafka::group::GroupAlarm;
use crate::kafka::log::{Transaction, TransactionEnd};
use crate::kafka::message::{Answered, Ask, Reply, Request};
use crate::member::Alarm;
use crate::plan::Plan;
use crate::random::{Chance, Random};
use crate::reach::{ReachTable, Reached};
use crate::recorder::Recorder;
use crate::schedule::{MILLI, Micros, SECOND, Schedule};

/// The wall clock when a run begins, in milliseconds since the Unix epoch.
pub(crate) const WALL_ORIGIN_MS: i64 = 1_767_225_600_000;

/// Index of a partition in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PartitionId(pub(crate) u16);

/// One incarnation of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProcessId {
    pub(crate) member: u16,
    pub(crate) incarnation: u32,
}

/// One client of a process; a process that renews its client has several, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClientId {
    pub(crate) process: ProcessId,
    pub(crate) client: u32,
}

/// Ties a reply to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallId(pub(crate) u64);

/// What can happen.
#[derive(Debug)]
pub(crate) enum Event {
    Arrive(Box<Request>),
    Answer(ClientId, Box<Reply>),
    Alarm(ProcessId, Alarm),
    Group(GroupAlarm),
    CoordinatorBack,
    Produce,
    EndTransaction(PartitionId, Transaction, TransactionEnd),
    AddPartition,
    /// The nemesis with this index in the plan.
    Nemesis(usize),
    EndThrottle,
    Launch(u16),
    Continue(ProcessId),
    Heal,
    Watch,
}

/// What the member believed and what the coordinator did about one commit request.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    unknown: bool,
    applied: bool,
}

/// What every part of a run shares.
#[derive(Debug)]
pub(crate) struct Fabric {
    pub(crate) now: Micros,
    pub(crate) random: Random,
    pub(crate) plan: Plan,
    pub(crate) recorder: Recorder,
    pub(crate) reached: ReachTable,
    /// Faults happen; off after healing.
    pub(crate) faulty: bool,
    /// Everything takes so many times longer.
    pub(crate) throttle: u64,
    schedule: Schedule<Event>,
    /// Partitions that exist by now; one may be added later.
    pub(crate) existing: usize,
    /// What the harness itself saw go wrong.
    pub(crate) complaints: Vec<String>,
    calls: u64,
    fates: BTreeMap<CallId, Fate>,
    dead: BTreeSet<ProcessId>,
    zombies: BTreeSet<ProcessId>,
}

impl Fabric {
    pub(crate) fn new(plan: Plan, recorder: Recorder) -> Self {
        let all = plan.partitions.len();
        Self {
            existing: if plan.added_later { all - 1 } else { all },
            complaints: Vec::new(),
            now: 0,
            // Another stream than the one that chose the plan.
            random: Random::new(plan.seed ^ 0x5eed_5eed_5eed_5eed),
            plan,
            recorder,
            reached: ReachTable::default(),
            faulty: true,
            throttle: 1,
            schedule: Schedule::new(),
            calls: 0,
            fates: BTreeMap::new(),
            dead: BTreeSet::new(),
            zombies: BTreeSet::new(),
        }
    }

    pub(crate) fn next_event(&mut self) -> Option<Event> {
        let (at, event) = self.schedule.next()?;
        self.now = at;
        self.recorder.mix(at ^ self.random.fingerprint());
        Some(event)
    }

    pub(crate) fn schedule(&mut self, at: Micros, event: Event) {
        self.schedule.plan(at.max(self.now), event);
    }

    pub(crate) fn after(&mut self, delay: Micros, event: Event) {
        self.schedule.plan(self.now + delay, event);
    }

    pub(crate) fn fault(&mut self, chance: Chance) -> bool {
        self.faulty && self.random.chance(chance)
    }

    pub(crate) fn reach(&mut self, case: Reached) {
        self.reached.count(case);
    }

    /// Notes that the engine broke its word in a way that no history shows.
    pub(crate) fn complain(&mut self, what: String) {
        self.trace(|| format!("!! {what}"));
        self.complaints.push(what);
    }

    pub(crate) fn existing_partitions(&self) -> Vec<PartitionId> {
        (0..self.existing).map(|index| PartitionId(index as u16)).collect()
    }

    pub(crate) fn trace(&self, line: impl FnOnce() -> String) {
        self.recorder.trace(self.now, line);
    }

    pub(crate) fn record(&mut self, process: ProcessId, event: Recorded) {
        self.recorder.record(self.now, Some(process), event);
    }

    pub(crate) fn record_outside(&mut self, event: Recorded) {
        self.recorder.record(self.now, None, event);
    }

    pub(crate) fn wall_ms(&self) -> i64 {
        WALL_ORIGIN_MS + (self.now / MILLI) as i64
    }

    /// Sends a request and returns its number.
    pub(crate) fn request(&mut self, from: ClientId, body: Ask) -> CallId {
        self.calls += 1;
        let call = CallId(self.calls);
        if matches!(body, Ask::Commit(_)) {
            self.fates.insert(call, Fate::default());
        }
        self.send_again(from, call, body);
        call
    }

    /// Sends a request under a number that it had before.
    pub(crate) fn send_again(&mut self, from: ClientId, call: CallId, body: Ask) {
        if self.fault(self.plan.faults.lose) {
            self.reach(Reached::RequestLost);
            return;
        }
        let delay = self.network_delay();
        self.after(delay, Event::Arrive(Box::new(Request { from, call, body })));
    }

    pub(crate) fn reply(&mut self, to: ClientId, call: CallId, body: Answered) {
        let is_commit = matches!(body, Answered::Committed(_));
        let lost = self.fault(self.plan.faults.lose)
            || (is_commit && self.fault(self.plan.faults.lose_commit_reply));
        if lost {
            self.reach(Reached::ReplyLost);
            return;
        }
        let delay = self.network_delay();
        self.after(delay, Event::Answer(to, Box::new(Reply { call, body })));
    }

    fn network_delay(&mut self) -> Micros {
        let base = self.random.between(100, 4_000) * self.throttle;
        if !self.fault(self.plan.faults.delay) {
            return base;
        }
        let late = self.random.spread(10 * MILLI, 30 * SECOND);
        if late > 100 * MILLI {
            self.reach(Reached::Delayed);
        }
        base + late
    }

    /// The coordinator stored a position.
    pub(crate) fn on_applied(
        &mut self,
        from: ClientId,
        call: CallId,
        effect: u64,
        partition: PartitionId,
        position: i64,
    ) {
        if let Some(fate) = self.fates.get_mut(&call) {
            fate.applied = true;
        }
        if self.dead.contains(&from.process) {
            self.reach(Reached::AppliedAfterDeath);
        }
        let of = &self.plan.partitions[partition.index()];
        let applied = history::Applied {
            topic: of.topic.clone(),
            partition: of.partition,
            position: Some(position),
            member: Some(self.recorder.member_name(from.process.member)),
            incarnation: Some(from.process.incarnation),
            commit: Some(effect),
            topic_id: None,
        };
        self.record_outside(Recorded::Applied(applied));
    }

    pub(crate) fn note_unknown(&mut self, call: CallId) {
        if let Some(fate) = self.fates.get_mut(&call) {
            fate.unknown = true;
        }
    }

    /// Counts how commits whose outcome the member did not learn ended.
    pub(crate) fn count_fates(&mut self) {
        for fate in std::mem::take(&mut self.fates).into_values().filter(|fate| fate.unknown) {
            self.reach(if fate.applied {
                Reached::CommitUnknownApplied
            } else {
                Reached::CommitUnknownNotApplied
            });
        }
    }

    pub(crate) fn note_dead(&mut self, process: ProcessId) {
        self.dead.insert(process);
        self.zombies.remove(&process);
    }

    /// A process slept longer than its session.
    pub(crate) fn note_zombie(&mut self, process: ProcessId) {
        self.zombies.insert(process);
    }

    pub(crate) fn note_rejoined(&mut self, process: ProcessId) {
        self.zombies.remove(&process);
    }

    pub(crate) fn is_zombie(&self, process: ProcessId) -> bool {
        self.zombies.contains(&process)
    }
}

impl PartitionId {
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}
