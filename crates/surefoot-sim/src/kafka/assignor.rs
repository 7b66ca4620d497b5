//! The leader's plan for a generation: who gets which partition.
//!
//! Eager: everybody gave everything up, so any even distribution will do. Cooperative: a partition
//! that changes hands is first given to nobody, and to its new owner in the next generation, when
//! the old one has let go. A restless leader moves partitions for no reason.

use std::collections::BTreeMap;

use super::group::MemberId;
use super::message::{GroupPlan, Join};
use crate::fabric::PartitionId;
use crate::plan::Protocol;
use crate::random::{Chance, Random};

/// Decides who gets what.
pub(crate) fn assign(
    random: &mut Random,
    protocol: Protocol,
    restless: Chance,
    members: &[Join],
    partitions: &[PartitionId],
) -> GroupPlan {
    let owners = owners(members);
    let mut target = match protocol {
        Protocol::Cooperative if !random.chance(restless) => sticky(&owners, members, partitions),
        Protocol::Eager if !random.chance(restless) => in_turn(members, partitions),
        _ => {
            let mut shuffled = partitions.to_vec();
            random.shuffle(&mut shuffled);
            in_turn(members, &shuffled)
        }
    };
    if protocol == Protocol::Cooperative {
        for (member, share) in &mut target {
            share.retain(|partition| {
                owners.get(partition).is_none_or(|owner| *owner == Some(*member))
            });
        }
    }
    for (_, share) in &mut target {
        share.sort_unstable();
    }
    GroupPlan { shares: target }
}

/// Who owns what, by their own word; of two who claim the same, whoever got it later. `None` for
/// a partition that is claimed twice in one generation: it is given to nobody.
fn owners(members: &[Join]) -> BTreeMap<PartitionId, Option<MemberId>> {
    let mut owners: BTreeMap<PartitionId, (i32, Option<MemberId>)> = BTreeMap::new();
    for join in members {
        for &partition in &join.owned {
            let claim = (join.owned_generation, Some(join.member));
            let best = owners.entry(partition).or_insert(claim);
            if best.0 < claim.0 {
                *best = claim;
            } else if best.0 == claim.0 && best.1 != claim.1 {
                best.1 = None;
            }
        }
    }
    owners.into_iter().map(|(partition, (_, owner))| (partition, owner)).collect()
}

fn in_turn(members: &[Join], partitions: &[PartitionId]) -> Vec<(MemberId, Vec<PartitionId>)> {
    let mut shares: Vec<(MemberId, Vec<PartitionId>)> =
        members.iter().map(|join| (join.member, Vec::new())).collect();
    let count = shares.len();
    for (turn, &partition) in partitions.iter().enumerate() {
        shares[turn % count].1.push(partition);
    }
    shares
}

fn sticky(
    owners: &BTreeMap<PartitionId, Option<MemberId>>,
    members: &[Join],
    partitions: &[PartitionId],
) -> Vec<(MemberId, Vec<PartitionId>)> {
    let mut shares: Vec<(MemberId, Vec<PartitionId>)> =
        members.iter().map(|join| (join.member, Vec::new())).collect();
    let count = shares.len();
    let least = partitions.len() / count;
    let mut with_one_more = partitions.len() % count;
    let mut free = Vec::new();
    for &partition in partitions {
        let owner = owners.get(&partition).copied().flatten();
        let share = shares.iter_mut().find(|(member, _)| Some(*member) == owner);
        match share {
            Some((_, share)) if share.len() < least => share.push(partition),
            Some((_, share)) if share.len() == least && with_one_more > 0 => {
                with_one_more -= 1;
                share.push(partition);
            }
            _ => free.push(partition),
        }
    }
    for partition in free {
        let smallest = shares.iter_mut().min_by_key(|(_, share)| share.len());
        if let Some((_, share)) = smallest {
            share.push(partition);
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_that_moves_is_first_given_to_nobody() {
        let members = [join(1, &[0, 1, 2, 3], 5), join(2, &[], 0)];
        check(&members, 4, &[(1, &[0, 1]), (2, &[])]);
        let members = [join(1, &[0, 1], 6), join(2, &[], 0)];
        check(&members, 4, &[(1, &[0, 1]), (2, &[2, 3])]);
    }

    #[test]
    fn an_old_claim_yields_to_a_newer_one() {
        let members = [join(1, &[0, 1], 5), join(2, &[1], 6)];
        check(&members, 2, &[(1, &[0]), (2, &[1])]);
    }

    fn join(member: u32, owned: &[u16], owned_generation: i32) -> Join {
        let owned = owned.iter().copied().map(PartitionId).collect();
        Join { member: MemberId(member), rejoins: true, owned, owned_generation }
    }

    #[track_caller]
    fn check(members: &[Join], partitions: u16, expected: &[(u32, &[u16])]) {
        let partitions: Vec<_> = (0..partitions).map(PartitionId).collect();
        let mut random = Random::new(1);
        let protocol = Protocol::Cooperative;
        let plan = assign(&mut random, protocol, Chance::NEVER, members, &partitions);
        let shares: Vec<(u32, Vec<u16>)> = plan
            .shares
            .iter()
            .map(|(member, share)| (member.0, share.iter().map(|p| p.0).collect()))
            .collect();
        let expected: Vec<(u32, Vec<u16>)> =
            expected.iter().map(|(member, share)| (*member, share.to_vec())).collect();
        assert_eq!(shares, expected);
    }
}
