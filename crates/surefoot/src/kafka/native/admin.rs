//! Questions to the group and to the log, answered on the event queue.
//!
//! librdkafka's own calls for these wait, some of them without bound. Its administration calls ask
//! the same requests of the brokers and answer with an event that names the request.

use std::ffi::{c_char, c_void};
use std::ptr::{self, NonNull};
use std::slice;
use std::time::Duration;

use rdkafka_sys as sys;
use surefoot_core::{Committed, TopicPartition};

use super::code::{Failure, PerPartition};
use super::event::{LogOffset, TopicDescription, TopicFacts};
use super::inner::Inner;
use super::list::{self, PartitionList};
use super::raw;

/// Whether offsets that an open transaction may still change are an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stability {
    /// Answer `UNSTABLE_OFFSET_COMMIT` until the transaction has ended.
    Required,
    /// Answer what is stored now.
    NotRequired,
}

/// Which end of a log is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// The high watermark.
    ReadUncommitted,
    /// The last stable offset.
    ReadCommitted,
}

/// A place in the log, by what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OffsetSpec {
    /// The first record that the log still has.
    Earliest,
    /// Behind the last record.
    Latest,
    /// The first record at or after this time, in milliseconds since the Unix epoch.
    Timestamp(i64),
}

impl OffsetSpec {
    fn raw(self) -> i64 {
        match self {
            Self::Earliest => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_EARLIEST as i64,
            Self::Latest => sys::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST as i64,
            // Negative times would be read as one of the others; nothing is older than zero.
            Self::Timestamp(millis) => millis.max(0),
        }
    }
}

/// Options of one request; destroyed when dropped.
struct Options(NonNull<sys::rd_kafka_AdminOptions_t>);

impl Options {
    fn new(client: &Inner, api: sys::rd_kafka_admin_op_t, opaque: u64, timeout: Duration) -> Self {
        let mut text = [0 as c_char; raw::ERROR_TEXT_BYTES];
        // librdkafka takes one millisecond to one hour.
        let timeout = raw::milliseconds(timeout).clamp(1, 3_600_000);
        // SAFETY: the client is alive; the options are ours from here on. The opaque is a number
        // and never followed.
        unsafe {
            let options = NonNull::new(sys::rd_kafka_AdminOptions_new(client.rk(), api))
                .expect("the request is one that this librdkafka has");
            raw::set_request_timeout(options.as_ptr(), timeout, text.as_mut_ptr(), text.len());
            sys::rd_kafka_AdminOptions_set_opaque(options.as_ptr(), number(opaque));
            Self(options)
        }
    }

    fn as_ptr(&self) -> *mut sys::rd_kafka_AdminOptions_t {
        self.0.as_ptr()
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: owned, and destroyed once.
        unsafe { sys::rd_kafka_AdminOptions_destroy(self.0.as_ptr()) };
    }
}

/// A number in the place of a pointer that is handed back as it is.
pub(super) fn number(opaque: u64) -> *mut c_void {
    ptr::without_provenance_mut(opaque as usize)
}

pub(super) fn ask_committed_offsets(
    client: &Inner,
    opaque: u64,
    group: &str,
    partitions: &[TopicPartition],
    stability: Stability,
    timeout: Duration,
) -> Result<(), Failure> {
    let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS;
    let options = Options::new(client, api, opaque, timeout);
    let list = PartitionList::of(partitions.iter());
    // SAFETY: everything passed is alive during the call, which copies what it keeps.
    unsafe {
        raw::take_error(sys::rd_kafka_AdminOptions_set_require_stable_offsets(
            options.as_ptr(),
            i32::from(stability == Stability::Required),
        ))?;
        let mut request =
            sys::rd_kafka_ListConsumerGroupOffsets_new(raw::c_name(group).as_ptr(), list.as_ptr());
        sys::rd_kafka_ListConsumerGroupOffsets(
            client.rk(),
            &mut request,
            1,
            options.as_ptr(),
            client.events(),
        );
        sys::rd_kafka_ListConsumerGroupOffsets_destroy(request);
    }
    Ok(())
}

pub(super) fn ask_list_offsets(
    client: &Inner,
    opaque: u64,
    partitions: &[(TopicPartition, OffsetSpec)],
    isolation: Isolation,
    timeout: Duration,
) -> Result<(), Failure> {
    let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS;
    let options = Options::new(client, api, opaque, timeout);
    let mut list = PartitionList::with_capacity(partitions.len());
    for (partition, spec) in partitions {
        list.push_at(partition, spec.raw(), None);
    }
    let isolation = match isolation {
        Isolation::ReadUncommitted => {
            sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED
        }
        Isolation::ReadCommitted => {
            sys::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED
        }
    };
    // SAFETY: everything passed is alive during the call, which copies what it keeps.
    unsafe {
        raw::take_error(sys::rd_kafka_AdminOptions_set_isolation_level(
            options.as_ptr(),
            isolation,
        ))?;
        sys::rd_kafka_ListOffsets(client.rk(), list.as_ptr(), options.as_ptr(), client.events());
    }
    Ok(())
}

pub(super) fn ask_describe_topics(client: &Inner, opaque: u64, topics: &[&str], timeout: Duration) {
    let api = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
    let options = Options::new(client, api, opaque, timeout);
    let names: Vec<_> = topics.iter().map(|topic| raw::c_name(topic)).collect();
    let mut names: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: everything passed is alive during the call, which copies what it keeps.
    unsafe {
        let topics = sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
        sys::rd_kafka_DescribeTopics(client.rk(), topics, options.as_ptr(), client.events());
        sys::rd_kafka_TopicCollection_destroy(topics);
    }
}

/// # Safety
///
/// The event is alive and answers `ask_committed_offsets`.
pub(super) unsafe fn committed_offsets(
    event: *mut sys::rd_kafka_event_t,
) -> Result<PerPartition<Option<Committed>>, Failure> {
    let mut all = Vec::new();
    // SAFETY: vouched for by the caller; what the event lends lives as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_ListConsumerGroupOffsets_result(event);
        let mut count = 0;
        let groups = sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &mut count);
        for &group in lent(groups, count) {
            if let Some(failure) = raw::borrow_error(sys::rd_kafka_group_result_error(group)) {
                return Err(failure);
            }
            for element in list::copy_list(sys::rd_kafka_group_result_partitions(group)) {
                let stored = element.position().map(|position| Committed {
                    position,
                    leader_epoch: element.leader_epoch,
                    metadata: element.metadata.filter(|metadata| !metadata.is_empty()),
                });
                all.push((element.partition, element.error.map_or(Ok(stored), Err)));
            }
        }
    }
    Ok(all)
}

/// # Safety
///
/// The event is alive and answers `ask_list_offsets`.
pub(super) unsafe fn listed_offsets(event: *mut sys::rd_kafka_event_t) -> PerPartition<LogOffset> {
    // SAFETY: vouched for by the caller; what the event lends lives as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_ListOffsets_result(event);
        let mut count = 0;
        let infos = sys::rd_kafka_ListOffsets_result_infos(result, &mut count);
        lent(infos, count)
            .iter()
            .map(|&info| {
                let element =
                    list::copy_element(sys::rd_kafka_ListOffsetsResultInfo_topic_partition(info));
                let timestamp = sys::rd_kafka_ListOffsetsResultInfo_timestamp(info);
                let offset = LogOffset {
                    position: element.position(),
                    leader_epoch: element.leader_epoch,
                    timestamp: (timestamp >= 0).then_some(timestamp),
                };
                (element.partition, element.error.map_or(Ok(offset), Err))
            })
            .collect()
    }
}

/// # Safety
///
/// The event is alive and answers `ask_describe_topics`.
pub(super) unsafe fn described_topics(event: *mut sys::rd_kafka_event_t) -> Vec<TopicDescription> {
    // SAFETY: vouched for by the caller; what the event lends lives as long as the event.
    unsafe {
        let result = sys::rd_kafka_event_DescribeTopics_result(event);
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        lent(topics, count)
            .iter()
            .map(|&topic| {
                let failure = raw::borrow_error(sys::rd_kafka_TopicDescription_error(topic));
                let mut partitions = 0;
                sys::rd_kafka_TopicDescription_partitions(topic, &mut partitions);
                let id = topic_id(sys::rd_kafka_TopicDescription_topic_id(topic));
                TopicDescription {
                    topic: raw::text(sys::rd_kafka_TopicDescription_name(topic)),
                    result: failure.map_or(Ok(TopicFacts { id, partitions }), Err),
                }
            })
            .collect()
    }
}

/// # Safety
///
/// `id` is null or alive.
unsafe fn topic_id(id: *const sys::rd_kafka_Uuid_t) -> Option<[u8; 16]> {
    if id.is_null() {
        return None;
    }
    // SAFETY: vouched for by the caller.
    let (high, low) = unsafe {
        (
            sys::rd_kafka_Uuid_most_significant_bits(id),
            sys::rd_kafka_Uuid_least_significant_bits(id),
        )
    };
    let number = (u128::from(high.cast_unsigned()) << 64) | u128::from(low.cast_unsigned());
    (number != 0).then(|| number.to_be_bytes())
}

/// An array that an event lends.
///
/// # Safety
///
/// `start` has `count` elements, or `count` is zero.
unsafe fn lent<'a, T>(start: *mut *const T, count: usize) -> &'a [*const T] {
    if start.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: vouched for by the caller.
    unsafe { slice::from_raw_parts(start, count) }
}
