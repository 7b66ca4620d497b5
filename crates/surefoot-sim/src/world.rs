//! One run: a cluster, the members' processes, what goes wrong, and the end in which all must heal.
//!
//! In the first phase faults come as the plan says. Then they end, whoever died is launched again,
//! and the group must handle everything that is left, in bounded time; at last every member is
//! told to stop, and must leave nothing undone.

mod nemeses;

use crate::fabric::{Event, Fabric, ProcessId};
use crate::kafka::Kafka;
use crate::member::{Ended, Process};
use crate::plan::Plan;
use crate::recorder::{Recorder, Tracing};
use crate::schedule::{MILLI, Micros, SECOND};
use surefoot_check::history::{self, Event as Recorded};

/// How long the group may take to handle everything after the faults ended.
pub(crate) const HEALING_BOUND: Micros = 300 * SECOND;

/// The longest that a plan's commit policy waits, and then some.
const LONGEST_INTERVAL: Micros = 10 * SECOND;

/// Events in a run beyond which it is taken to go nowhere. A usual run has some thousands.
const MOST_EVENTS: u64 = 400_000;

/// One run.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) fabric: Fabric,
    pub(crate) kafka: Kafka,
    members: Vec<Member>,
    produced: u64,
    healed: bool,
    stopping: bool,
    pub(crate) events: u64,
}

/// A member and its present incarnation, if it runs.
#[derive(Debug)]
struct Member {
    incarnations: u32,
    process: Option<Process>,
}

impl World {
    pub(crate) fn new(plan: Plan, tracing: Tracing) -> Self {
        let members = (0..plan.members).map(|_| Member { incarnations: 0, process: None });
        let members = members.collect();
        let fabric = Fabric::new(plan, Recorder::new(tracing));
        let kafka = Kafka::new(&fabric);
        Self { fabric, kafka, members, produced: 0, healed: false, stopping: false, events: 0 }
    }

    /// Runs to the end.
    pub(crate) fn run(&mut self) {
        self.begin();
        while let Some(event) = self.fabric.next_event() {
            self.events += 1;
            if self.events > MOST_EVENTS {
                self.fabric.complain("the run does not come to rest".to_owned());
                return;
            }
            self.handle(event);
            if self.is_over() {
                return;
            }
        }
    }

    fn begin(&mut self) {
        let fabric = &mut self.fabric;
        fabric.trace(|| format!("{:#?}", fabric.plan));
        while self.produced < self.fabric.plan.records_at_first {
            self.produce();
        }
        for member in 0..self.members.len() {
            let at = self.fabric.random.below(3 * SECOND);
            self.fabric.schedule(at, Event::Launch(member as u16));
        }
        let heal_at = self.fabric.plan.heal_at;
        self.fabric.schedule(heal_at, Event::Heal);
        self.fabric.schedule(0, Event::Produce);
        if self.fabric.plan.added_later {
            let at = self.fabric.random.below(heal_at);
            self.fabric.schedule(at, Event::AddPartition);
        }
        for index in 0..self.fabric.plan.faults.nemeses.len() {
            self.plan_nemesis(index);
        }
    }

    fn handle(&mut self, event: Event) {
        let fabric = &mut self.fabric;
        match event {
            Event::Arrive(request) => self.kafka.serve(fabric, *request),
            Event::Answer(to, reply) => {
                if let Some(process) = running(&mut self.members, to.process) {
                    process.on_reply(fabric, to, *reply);
                }
                self.after_process(to.process);
            }
            Event::Alarm(of, alarm) => {
                if let Some(process) = running(&mut self.members, of) {
                    process.on_alarm(fabric, alarm);
                }
                self.after_process(of);
            }
            Event::Group(alarm) => self.kafka.on_group_alarm(fabric, alarm),
            Event::CoordinatorBack => self.kafka.on_coordinator_back(fabric),
            Event::Produce => self.produce_and_plan(),
            Event::EndTransaction(partition, transaction, end) => {
                self.kafka.end_transaction(fabric, partition, transaction, end);
            }
            Event::AddPartition => self.add_partition(),
            Event::Nemesis(index) => self.strike(index),
            Event::EndThrottle => fabric.throttle = 1,
            Event::Launch(member) => self.launch(member),
            Event::Continue(process) => {
                if let Some(process) = running(&mut self.members, process) {
                    process.go_on(&mut self.fabric);
                }
            }
            Event::Heal => self.heal(),
            Event::Watch => self.watch(),
        }
    }

    /// Launches a member again if it just died.
    fn after_process(&mut self, of: ProcessId) {
        let member = &mut self.members[usize::from(of.member)];
        let Some(process) = &member.process else { return };
        let Some(ended) = process.ended().filter(|_| process.id == of) else { return };
        member.process = None;
        self.kafka.drop_fetches(of);
        if self.stopping {
            return;
        }
        let delay = match ended {
            Ended::Killed => self.fabric.random.spread(10 * MILLI, 20 * SECOND),
            Ended::Exited => self.fabric.random.spread(10 * MILLI, 8 * SECOND),
        };
        let delay = if self.healed { delay.min(SECOND) } else { delay };
        self.fabric.after(delay, Event::Launch(of.member));
    }

    fn launch(&mut self, number: u16) {
        let member = &mut self.members[usize::from(number)];
        if member.process.is_some() || self.stopping {
            return;
        }
        member.incarnations += 1;
        let id = ProcessId { member: number, incarnation: member.incarnations };
        member.process = Some(Process::launch(&mut self.fabric, id));
    }

    /// The faults end.
    fn heal(&mut self) {
        self.fabric.trace(|| "the faults end".to_owned());
        self.healed = true;
        self.fabric.faulty = false;
        self.fabric.throttle = 1;
        self.kafka.end_fault();
        while self.produced < self.fabric.plan.records {
            self.produce();
        }
        for number in 0..self.members.len() {
            let member = &mut self.members[number];
            match &mut member.process {
                Some(process) => {
                    process.go_on(&mut self.fabric);
                    process.unpause(&mut self.fabric);
                }
                None => self.launch(number as u16),
            }
        }
        self.fabric.record_outside(Recorded::Healed(history::Healed {}));
        self.fabric.after(SECOND, Event::Watch);
    }

    /// Looks whether the group came to rest, and tells it to stop when it did.
    fn watch(&mut self) {
        if self.stopping {
            return;
        }
        let healing = self.fabric.now - self.fabric.plan.heal_at;
        let unrest = self.unrest();
        if let Some(unrest) = unrest.as_ref().filter(|_| healing > HEALING_BOUND) {
            self.fabric.complain(format!("the group did not come to rest after healing: {unrest}"));
            self.stop_all();
            return;
        }
        let manual = self.fabric.plan.guarantee == history::Guarantee::Manual;
        for process in self.members.iter_mut().filter_map(|member| member.process.as_mut()) {
            if manual {
                process.commit_now(&mut self.fabric);
            }
        }
        if healing > SECOND && unrest.is_none() {
            self.stop_all();
        } else {
            if (healing / SECOND).is_multiple_of(10) {
                self.refresh_metadata();
            }
            self.fabric.after(SECOND, Event::Watch);
        }
    }

    /// Clients look at the topics' partitions from time to time.
    fn refresh_metadata(&mut self) {
        let fabric = &mut self.fabric;
        let processes = || self.members.iter().filter_map(|member| member.process.as_ref());
        let owned: usize = processes().map(|process| process.held(fabric).len()).sum();
        if owned < fabric.existing {
            let mut processes =
                self.members.iter_mut().filter_map(|member| member.process.as_mut());
            if let Some(process) = processes.find(|process| process.is_member()) {
                process.refresh_metadata(fabric);
            }
        }
    }

    /// What is still to be done; `None` when the group is at rest.
    fn unrest(&self) -> Option<String> {
        let fabric = &self.fabric;
        let mut frontiers = vec![None; fabric.plan.partitions.len()];
        for (number, member) in self.members.iter().enumerate() {
            let number = number + 1;
            let Some(process) = &member.process else { return Some(format!("m{number} is down")) };
            if !process.is_member() {
                return Some(format!("m{number} is no member"));
            }
            if process.has_commits_under_way() {
                return Some(format!("m{number} waits for a commit"));
            }
            if process.is_leaving() || !process.is_idle(fabric) {
                return Some(format!("m{number} is busy"));
            }
            for (partition, frontier) in process.held(fabric) {
                frontiers[partition.index()] = frontier;
            }
        }
        fabric.existing_partitions().into_iter().find_map(|partition| {
            let end = self.kafka.logs[partition.index()].stable();
            let committed = self.kafka.committed[partition.index()];
            let frontier = frontiers[partition.index()];
            // Where nothing is ever committed, nothing was to be done.
            let long = fabric.now > fabric.plan.heal_at + LONGEST_INTERVAL;
            let fine =
                frontier == Some(end) && committed.map_or(long, |committed| committed == end);
            let name = &fabric.plan.partitions[partition.index()];
            (!fine).then(|| {
                format!("{name}: end {end}, frontier {frontier:?}, committed {committed:?}")
            })
        })
    }

    fn stop_all(&mut self) {
        self.fabric.trace(|| "everybody is told to stop".to_owned());
        self.stopping = true;
        for process in self.members.iter_mut().filter_map(|member| member.process.as_mut()) {
            process.signal(&mut self.fabric);
        }
    }

    fn is_over(&self) -> bool {
        self.stopping && self.members.iter().all(|member| member.process.is_none())
    }
}

fn running(members: &mut [Member], of: ProcessId) -> Option<&mut Process> {
    let process = members[usize::from(of.member)].process.as_mut();
    process.filter(|process| process.id == of && process.ended().is_none())
}
