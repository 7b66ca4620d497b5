//! Builds small histories: members on one topic `t`, one line an event, a clock that ticks by
//! itself.

use std::sync::Arc;

use surefoot_check::history::*;
use surefoot_check::{Predicate, Promise, Run, SourceId, Verdict, judge};

/// A run while it is written. Every event takes a millisecond.
pub(crate) struct Scene {
    pub(crate) run: Run,
    pub(crate) promise: Promise,
    pub(crate) now: u64,
    outside: SourceId,
    members: Vec<(SourceId, IncarnationName)>,
    commits: u64,
}

/// A member of a scene, by its number.
pub(crate) type Member = usize;

pub(crate) fn topic() -> Arc<str> {
    "t".into()
}

impl Scene {
    /// A topic of one partition with this many records: offset `n` has key `n % 2`.
    pub(crate) fn new(guarantee: Guarantee, records: i64) -> Self {
        let mut run = Run::new();
        run.add_topic(dump(0, (0..records).map(|offset| (offset, Some(offset % 2))), records));
        let outside = run.outside("outside");
        let mut promise = Promise::new(guarantee, ProcessingOrder::Key);
        promise.exit_slack_ms = 100;
        Self { run, promise, now: 1_000_000, outside, members: Vec::new(), commits: 0 }
    }

    pub(crate) fn at_least_once(records: i64) -> Self {
        Self::new(Guarantee::AtLeastOnce, records)
    }

    pub(crate) fn at_most_once(records: i64) -> Self {
        Self::new(Guarantee::AtMostOnce, records)
    }

    /// The same with the records that are given as (offset, key), and the end of the log.
    pub(crate) fn with_log(guarantee: Guarantee, records: &[(i64, Option<i64>)], end: i64) -> Self {
        Self::with_dump(guarantee, dump(0, records.iter().copied(), end))
    }

    pub(crate) fn with_dump(guarantee: Guarantee, dump: TopicDump) -> Self {
        let mut scene = Self::new(guarantee, 0);
        let mut run = Run::new();
        run.add_topic(dump);
        scene.outside = run.outside("outside");
        scene.run = run;
        scene
    }

    pub(crate) fn wait(&mut self, ms: u64) -> &mut Self {
        self.now += ms * 1_000;
        self
    }

    pub(crate) fn push(&mut self, member: Member, event: Event) -> &mut Self {
        self.now += 1_000;
        self.run.push(self.members[member].0, self.now, event);
        self
    }

    pub(crate) fn outside(&mut self, event: Event) -> &mut Self {
        self.now += 1_000;
        self.run.push(self.outside, self.now, event);
        self
    }

    /// Adds the incarnation of a member: window 2, 4 calls at once, 1000 bytes, a drain of 1 s.
    pub(crate) fn begin(&mut self, member: &str, incarnation: u32) -> Member {
        let begin = Begin {
            format: FORMAT,
            member: member.into(),
            incarnation,
            group: "g".into(),
            guarantee: self.promise.guarantee,
            processing_order: self.promise.processing_order,
            topics: vec![topic()],
            window: 2,
            max_in_flight: 4,
            max_buffered_bytes: 1_000,
            drain_deadline_ms: 1_000,
            pid: 0,
        };
        let name = begin.name();
        let source = self.run.begin(self.now, begin);
        self.members.push((source, name));
        self.members.len() - 1
    }

    /// Member `a` with partition 0 in term 1, from the beginning, with records `0..delivered`.
    pub(crate) fn owner(&mut self, delivered: i64) -> Member {
        let a = self.begin("a", 1);
        self.assigned(a, 1).start(a, 1, 0, None, StartReason::Earliest);
        if delivered > 0 {
            self.delivered(a, 1, 0, delivered - 1);
        }
        a
    }

    /// Another incarnation that starts at the committed position in term 1.
    pub(crate) fn successor(&mut self, member: &str, incarnation: u32, committed: i64) -> Member {
        let b = self.begin(member, incarnation);
        self.assigned(b, 1).start(b, 1, committed, Some(committed), StartReason::Committed);
        b
    }

    pub(crate) fn assigned(&mut self, member: Member, term: u64) -> &mut Self {
        self.push(member, Event::Assigned(Assigned { topic: topic(), partition: 0, term }))
    }

    pub(crate) fn start(
        &mut self,
        member: Member,
        term: u64,
        position: i64,
        committed: Option<i64>,
        reason: StartReason,
    ) -> &mut Self {
        self.push(
            member,
            Event::StartKnown(StartKnown {
                topic: topic(),
                partition: 0,
                term,
                position,
                committed,
                reason,
                topic_id: None,
            }),
        )
    }

    pub(crate) fn delivered(
        &mut self,
        member: Member,
        term: u64,
        first: i64,
        last: i64,
    ) -> &mut Self {
        let count = (last - first + 1) as u64;
        self.delivered_some(member, term, first, last, count)
    }

    pub(crate) fn delivered_some(
        &mut self,
        member: Member,
        term: u64,
        first: i64,
        last: i64,
        count: u64,
    ) -> &mut Self {
        let delivered = Delivered { topic: topic(), partition: 0, term, first, last, count };
        self.push(member, Event::Delivered(delivered))
    }

    pub(crate) fn started(&mut self, member: Member, term: u64, offset: i64) -> &mut Self {
        self.attempt(member, term, offset, 1)
    }

    pub(crate) fn attempt(
        &mut self,
        member: Member,
        term: u64,
        offset: i64,
        attempt: u32,
    ) -> &mut Self {
        self.push(
            member,
            Event::Started(Started {
                topic: topic(),
                partition: 0,
                term,
                offset,
                attempt,
                key: Some(format!("k{}", offset % 2).into()),
                last: None,
                count: None,
            }),
        )
    }

    pub(crate) fn ended(
        &mut self,
        member: Member,
        term: u64,
        offset: i64,
        result: EndResult,
    ) -> &mut Self {
        self.push(
            member,
            Event::Ended(Ended {
                topic: topic(),
                partition: 0,
                term,
                offset,
                attempt: 1,
                last: None,
                count: None,
                result,
                message: None,
            }),
        )
    }

    /// Starts and ends these records one after the other.
    pub(crate) fn handled(
        &mut self,
        member: Member,
        term: u64,
        offsets: impl IntoIterator<Item = i64>,
    ) -> &mut Self {
        for offset in offsets {
            self.started(member, term, offset).ended(member, term, offset, EndResult::Ok);
        }
        self
    }

    pub(crate) fn skipped(
        &mut self,
        member: Member,
        term: u64,
        offset: i64,
        last: i64,
    ) -> &mut Self {
        let skipped = Skipped {
            topic: topic(),
            partition: 0,
            term,
            offset,
            last: Some(last),
            why: "by hand".into(),
        };
        self.push(member, Event::Skipped(skipped))
    }

    /// A commit is sent; returns its id.
    pub(crate) fn sent(&mut self, member: Member, term: u64, position: i64) -> u64 {
        self.commits += 1;
        let commit = self.commits;
        let positions = vec![CommitPosition { topic: topic(), partition: 0, term, position }];
        self.push(member, Event::CommitSent(CommitSent { commit, positions }));
        commit
    }

    pub(crate) fn answered(
        &mut self,
        member: Member,
        commit: u64,
        position: i64,
        outcome: CommitOutcome,
    ) -> &mut Self {
        let result = CommitResult { topic: topic(), partition: 0, position, outcome, error: None };
        self.push(member, Event::CommitEnded(CommitEnded { commit, results: vec![result] }))
    }

    /// The coordinator stores what a commit asked for.
    pub(crate) fn applied(&mut self, member: Member, commit: u64, position: i64) -> &mut Self {
        let name = self.members[member].1.clone();
        self.outside(Event::Applied(Applied {
            topic: topic(),
            partition: 0,
            position: Some(position),
            member: Some(name.member),
            incarnation: Some(name.incarnation),
            commit: Some(commit),
            topic_id: None,
        }))
    }

    /// A commit that goes well.
    pub(crate) fn committed(&mut self, member: Member, term: u64, position: i64) -> &mut Self {
        let commit = self.sent(member, term, position);
        self.applied(member, commit, position);
        self.answered(member, commit, position, CommitOutcome::Done)
    }

    pub(crate) fn ownership(
        &mut self,
        member: Member,
        term: u64,
        event: fn(PartitionTerm) -> Event,
    ) -> &mut Self {
        self.push(member, event(PartitionTerm { topic: topic(), partition: 0, term }))
    }

    pub(crate) fn released(&mut self, member: Member, term: u64) -> &mut Self {
        self.ownership(member, term, Event::Revoking).ownership(member, term, Event::Revoked)
    }

    pub(crate) fn paused(&mut self, member: Member, term: u64, reason: PauseReason) -> &mut Self {
        self.push(member, Event::Paused(Pause { topic: topic(), partition: 0, term, reason }))
    }

    pub(crate) fn resumed(&mut self, member: Member, term: u64, reason: PauseReason) -> &mut Self {
        self.push(member, Event::Resumed(Pause { topic: topic(), partition: 0, term, reason }))
    }

    pub(crate) fn seek(&mut self, member: Member, term: u64, position: i64) -> &mut Self {
        let position_known = Some(position);
        self.push(
            member,
            Event::Seek(Seek {
                topic: topic(),
                partition: 0,
                term,
                new_term: term + 1,
                position: position_known,
            }),
        );
        self.start(member, term + 1, position, None, StartReason::Seek)
    }

    pub(crate) fn reset(&mut self, member: Member, term: u64, from: i64, to: i64) -> &mut Self {
        let why = "out of range".into();
        self.push(member, Event::Reset(Reset { topic: topic(), partition: 0, term, from, to, why }))
    }

    pub(crate) fn signal(&mut self, member: Member, nth: u32) -> &mut Self {
        self.push(member, Event::Signal(Signal { number: 15, nth }))
    }

    pub(crate) fn left(&mut self, member: Member) -> &mut Self {
        self.push(member, Event::Left(Left {}))
    }

    pub(crate) fn exited(&mut self, member: Member, code: i32) -> &mut Self {
        self.push(member, Event::Exited(Exited { code, why: "done".into(), unfinished: 0 }))
    }

    pub(crate) fn killed(&mut self, member: Member) -> &mut Self {
        let name = self.members[member].1.clone();
        self.outside(Event::Killed(name))
    }

    pub(crate) fn healed(&mut self) -> &mut Self {
        self.outside(Event::Healed(Healed {}))
    }

    /// The same event on partition 1, without a key.
    pub(crate) fn on_partition_1(&mut self, member: Member, event: Event) -> &mut Self {
        let event = match event {
            Event::Assigned(e) => Event::Assigned(Assigned { partition: 1, ..e }),
            Event::StartKnown(e) => Event::StartKnown(StartKnown { partition: 1, ..e }),
            Event::Delivered(e) => Event::Delivered(Delivered { partition: 1, ..e }),
            Event::Started(e) => Event::Started(Started { partition: 1, key: None, ..e }),
            Event::Ended(e) => Event::Ended(Ended { partition: 1, ..e }),
            event => event,
        };
        self.push(member, event)
    }

    /// Partition 1 with these records, owned by a member in term 1 and handled as told by another
    /// scene, whose member does on partition 0 what shall happen here on partition 1.
    pub(crate) fn with_partition_1(&mut self, member: Member, as_in: &Self) -> &mut Self {
        let events: Vec<Event> =
            as_in.run.entries().iter().skip(1).map(|entry| entry.event.clone()).collect();
        for event in events {
            self.on_partition_1(member, event);
        }
        self
    }

    /// What `__consumer_offsets` has: positions and when they were stored, in the scene's clock.
    pub(crate) fn stored(&mut self, commits: &[(i64, u64)]) -> &mut Self {
        let commits = commits.iter().zip(0..).map(|(&(position, at), seq)| CommittedLine {
            group: "g".into(),
            topic: topic(),
            partition: 0,
            position: Some(position),
            at,
            seq,
            metadata: None,
            leader_epoch: None,
        });
        self.run.set_offsets(OffsetsDump { group: "g".into(), commits: commits.collect() });
        self
    }

    /// A commit that goes well, where only the dump will tell that it was stored. Returns when.
    pub(crate) fn committed_unseen(&mut self, member: Member, term: u64, position: i64) -> u64 {
        let commit = self.sent(member, term, position);
        self.answered(member, commit, position, CommitOutcome::Done);
        self.now
    }

    /// A stop as it should be: signal, drain, release, leave, exit 0.
    pub(crate) fn stopped_well(&mut self, member: Member, term: u64) -> &mut Self {
        self.signal(member, 1).released(member, term).left(member).exited(member, 0)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        judge(&self.run, &self.promise)
    }

    /// The history must break these predicates and no others.
    #[track_caller]
    pub(crate) fn breaks(&self, predicates: &[Predicate]) {
        let verdict = self.verdict();
        let broken: Vec<Predicate> = verdict.violation_counts.keys().copied().collect();
        assert_eq!(broken, predicates, "{verdict}");
        for violation in &verdict.violations {
            assert!(!violation.events.is_empty(), "nothing shows it: {violation:?}");
        }
    }

    /// The history must break nothing.
    #[track_caller]
    pub(crate) fn passes(&self) {
        self.breaks(&[]);
    }
}

pub(crate) fn dump(
    partition: i32,
    records: impl Iterator<Item = (i64, Option<i64>)>,
    end: i64,
) -> TopicDump {
    TopicDump {
        topic: topic(),
        partition,
        topic_id: None,
        log_start: 0,
        end,
        last_stable: end,
        records: records
            .map(|(offset, key)| TopicRecord {
                offset,
                key: key.map(|key| format!("k{key}").into()),
                timestamp: None,
            })
            .collect(),
    }
}
