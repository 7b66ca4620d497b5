//! How the cluster answers requests.
//!
//! The coordinator serves group requests and offsets, the partitions' leaders serve reads. A
//! coordinator that is away answers that it is not the coordinator, or not at all.

use super::message::{Answered, Ask, Code, CommitRequest, Fetched, Request};
use super::{Kafka, WaitingFetch};
use crate::fabric::{CallId, ClientId, Fabric, PartitionId, ProcessId};
use crate::random::Chance;
use crate::reach::Reached;

impl Kafka {
    /// Serves a request when it arrives.
    pub(crate) fn serve(&mut self, fabric: &mut Fabric, request: Request) {
        let Request { from, call, body } = request;
        let for_leader = matches!(body, Ask::ListOffsets { .. } | Ask::Fetch { .. });
        if !for_leader && self.is_away(fabric) {
            if fabric.random.coin() {
                fabric.reply(from, call, Answered::Failed(Code::NotCoordinator));
            }
            return;
        }
        match body {
            Ask::FindCoordinator => fabric.reply(from, call, Answered::Coordinator),
            Ask::Join(join) => self.group.join(fabric, from, call, join),
            Ask::Sync { member, generation, plan } => {
                self.group.sync(fabric, from, call, member, generation, plan);
            }
            Ask::Heartbeat { member, generation } => {
                let answer = match self.group.heartbeat(fabric, member, generation) {
                    Ok(()) => Answered::Beat,
                    Err(code) => Answered::Failed(code),
                };
                fabric.reply(from, call, answer);
            }
            Ask::Leave { member } => self.group.leave(fabric, member),
            Ask::Commit(commit) => self.commit(fabric, from, call, commit),
            Ask::FetchOffsets { partition } => self.fetch_offsets(fabric, from, call, partition),
            Ask::ListOffsets { partition, timestamp } => {
                let log = &self.logs[partition.index()];
                let ends = Answered::Ends {
                    start: log.start(),
                    stable: log.stable(),
                    high_watermark: log.high_watermark(),
                    at_time: timestamp.and_then(|at| log.at_time(at)),
                };
                fabric.reply(from, call, ends);
            }
            Ask::Fetch { partition, position, end_told, most } => {
                let fetch = WaitingFetch { client: from, call, partition, position, most };
                self.fetch(fabric, fetch, end_told);
            }
        }
    }

    fn commit(&mut self, fabric: &mut Fabric, from: ClientId, call: CallId, commit: CommitRequest) {
        if self.is_overtaken(from, &commit) {
            return;
        }
        if let Some(code) = refusal(fabric) {
            fabric.reply(from, call, Answered::Failed(code));
            return;
        }
        let checked = self.group.may_commit(fabric, commit.member, commit.generation);
        if let Err(code) = checked {
            note_refused(fabric, from, code);
            let all = commit.positions.iter().map(|(partition, _)| (*partition, Err(code)));
            fabric.reply(from, call, Answered::Committed(all.collect()));
            return;
        }
        let mut results = Vec::with_capacity(commit.positions.len());
        for (partition, position) in commit.positions {
            if fabric.fault(fabric.plan.faults.refuse_partition) {
                fabric.reach(Reached::CommitRefusedInPart);
                results.push((partition, Err(Code::Unavailable)));
                continue;
            }
            self.committed[partition.index()] = Some(position);
            fabric.on_applied(from, call, commit.effect, partition, position);
            results.push((partition, Ok(())));
        }
        fabric.reply(from, call, Answered::Committed(results));
    }

    /// Whether a newer commit request of the same client came first.
    fn is_overtaken(&mut self, from: ClientId, commit: &CommitRequest) -> bool {
        let newer = |(partition, _): &(PartitionId, i64)| {
            self.newest.get(&(from, *partition)).is_some_and(|&newest| newest > commit.order)
        };
        if commit.positions.iter().any(newer) {
            return true;
        }
        for &(partition, _) in &commit.positions {
            self.newest.insert((from, partition), commit.order);
        }
        false
    }

    fn fetch_offsets(
        &self,
        fabric: &mut Fabric,
        from: ClientId,
        call: CallId,
        partition: PartitionId,
    ) {
        if let Some(code) = refusal(fabric) {
            fabric.reply(from, call, Answered::Failed(code));
            return;
        }
        let topic = &fabric.plan.partitions[partition.index()].topic;
        let topic_has_commits = fabric
            .plan
            .partitions
            .iter()
            .zip(&self.committed)
            .any(|(of, committed)| of.topic == *topic && committed.is_some());
        let committed = self.committed[partition.index()];
        fabric.reply(from, call, Answered::Offsets { committed, topic_has_commits });
    }

    fn fetch(&mut self, fabric: &mut Fabric, fetch: WaitingFetch, end_told: bool) {
        let log = &mut self.logs[fetch.partition.index()];
        let Ok(chunk) = log.read(fetch.position, fetch.most) else {
            let failed = Answered::Failed(Code::OffsetOutOfRange);
            fabric.reply(fetch.client, fetch.call, failed);
            return;
        };
        if chunk.records.is_empty() && chunk.next == fetch.position && end_told {
            // A client has one fetch for a partition; it gave up the one before.
            let same = (fetch.client.process, fetch.partition);
            self.waiting.retain(|other| (other.client.process, other.partition) != same);
            self.waiting.push(fetch);
            return;
        }
        let fetched = Fetched {
            from: fetch.position,
            records: chunk.records,
            next: chunk.next,
            at_end: chunk.at_end,
        };
        fabric.reply(fetch.client, fetch.call, Answered::Fetched(fetched));
    }

    /// Looks again at the fetches that waited for this partition.
    pub(crate) fn wake_fetches(&mut self, fabric: &mut Fabric, partition: PartitionId) {
        let waiting = std::mem::take(&mut self.waiting);
        for fetch in waiting {
            if fetch.partition == partition {
                self.fetch(fabric, fetch, true);
            } else {
                self.waiting.push(fetch);
            }
        }
    }

    /// Forgets the fetches of a process that is gone.
    pub(crate) fn drop_fetches(&mut self, gone: ProcessId) {
        self.waiting.retain(|fetch| fetch.client.process != gone);
    }
}

fn refusal(fabric: &mut Fabric) -> Option<Code> {
    if fabric.fault(fabric.plan.faults.unauthorized) {
        fabric.reach(Reached::Unauthorized);
        return Some(Code::Unauthorized);
    }
    let refuses: Chance = fabric.plan.faults.refuse;
    if fabric.fault(refuses) {
        fabric.reach(Reached::CoordinatorRefuses);
        return Some(Code::Unavailable);
    }
    None
}

fn note_refused(fabric: &mut Fabric, from: ClientId, code: Code) {
    match code {
        Code::IllegalGeneration => fabric.reach(Reached::RefusedIllegalGeneration),
        Code::UnknownMember => fabric.reach(Reached::RefusedUnknownMember),
        Code::RebalanceInProgress => fabric.reach(Reached::RefusedRebalancing),
        _ => {}
    }
    if fabric.is_zombie(from.process) && code != Code::RebalanceInProgress {
        fabric.reach(Reached::ZombieCommitRefused);
    }
}
