//! librdkafka's list of topic partitions, owned.
//!
//! The list is C memory with strings inside; it is made, read and destroyed here alone, so that a
//! pointer into it never outlives it.

use std::ffi::CString;
use std::ptr::NonNull;
use std::slice;

use rdkafka_sys as sys;
use surefoot_core::{Position, TopicPartition};

use super::code::{Code, PerPartition};
use super::raw;

/// An owned list; destroyed when dropped.
pub(super) struct PartitionList(NonNull<sys::rd_kafka_topic_partition_list_t>);

/// One element of a list, copied.
pub(super) struct Element {
    pub(super) partition: TopicPartition,
    pub(super) offset: i64,
    pub(super) leader_epoch: Option<i32>,
    pub(super) metadata: Option<String>,
    pub(super) error: Option<Code>,
}

impl Element {
    pub(super) fn position(&self) -> Option<Position> {
        (self.offset >= 0).then(|| Position::new(self.offset))
    }
}

impl PartitionList {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        let capacity = i32::try_from(capacity).expect("fewer partitions than an int holds");
        // SAFETY: no precondition; librdkafka aborts rather than return null.
        let list = unsafe { sys::rd_kafka_topic_partition_list_new(capacity) };
        Self(NonNull::new(list).expect("librdkafka aborts when memory ends"))
    }

    pub(super) fn of<'a>(partitions: impl ExactSizeIterator<Item = &'a TopicPartition>) -> Self {
        let mut list = Self::with_capacity(partitions.len());
        for partition in partitions {
            list.push(partition);
        }
        list
    }

    pub(super) fn push(&mut self, partition: &TopicPartition) {
        self.add(&raw::c_name(&partition.topic), partition.partition);
    }

    pub(super) fn push_topic(&mut self, topic: &str) {
        self.add(&raw::c_name(topic), -1);
    }

    pub(super) fn push_at(
        &mut self,
        partition: &TopicPartition,
        offset: i64,
        leader_epoch: Option<i32>,
    ) {
        let element = self.add(&raw::c_name(&partition.topic), partition.partition);
        // SAFETY: the element was just added and the list has not changed since.
        unsafe {
            (*element).offset = offset;
            sys::rd_kafka_topic_partition_set_leader_epoch(element, leader_epoch.unwrap_or(-1));
        }
    }

    fn add(&mut self, topic: &CString, partition: i32) -> *mut sys::rd_kafka_topic_partition_t {
        // SAFETY: the list is owned and alive; the topic is copied.
        unsafe {
            sys::rd_kafka_topic_partition_list_add(self.0.as_ptr(), topic.as_ptr(), partition)
        }
    }

    /// Lends metadata to the elements while `call` runs. librdkafka copies it where it keeps it.
    pub(super) fn with_metadata<T>(
        &mut self,
        metadata: &[Option<&str>],
        call: impl FnOnce(*const sys::rd_kafka_topic_partition_list_t) -> T,
    ) -> T {
        for (element, metadata) in self.elements_mut().iter_mut().zip(metadata) {
            if let Some(metadata) = metadata {
                element.metadata = metadata.as_ptr().cast_mut().cast();
                element.metadata_size = metadata.len();
            }
        }
        let result = call(self.as_ptr());
        // The list would free what it does not own.
        for element in self.elements_mut() {
            element.metadata = std::ptr::null_mut();
            element.metadata_size = 0;
        }
        result
    }

    fn elements_mut(&mut self) -> &mut [sys::rd_kafka_topic_partition_t] {
        // SAFETY: the list is owned and alive, and `elems` has `cnt` elements. The enum field of an
        // element that we added ourselves holds zero, a known code.
        unsafe {
            let list = self.0.as_ref();
            if list.cnt == 0 {
                return &mut [];
            }
            slice::from_raw_parts_mut(list.elems, list.cnt as usize)
        }
    }

    pub(super) fn as_ptr(&self) -> *mut sys::rd_kafka_topic_partition_list_t {
        self.0.as_ptr()
    }

    pub(super) fn elements(&self) -> Vec<Element> {
        // SAFETY: the list is owned and alive.
        unsafe { copy_list(self.0.as_ptr()) }
    }

    /// What a call left as the result of each partition.
    pub(super) fn results(&self) -> PerPartition<()> {
        self.elements()
            .into_iter()
            .map(|element| (element.partition, element.error.map_or(Ok(()), Err)))
            .collect()
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: owned, and destroyed once.
        unsafe { sys::rd_kafka_topic_partition_list_destroy(self.0.as_ptr()) };
    }
}

/// Copies a list that somebody else owns; null is empty.
///
/// # Safety
///
/// `list` is null or a live list.
pub(super) unsafe fn copy_list(list: *const sys::rd_kafka_topic_partition_list_t) -> Vec<Element> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: a live list has `cnt` live elements.
    unsafe {
        let count = usize::try_from((*list).cnt).unwrap_or_default();
        (0..count).map(|index| copy_element((*list).elems.add(index))).collect()
    }
}

/// Copies an element that somebody else owns.
///
/// # Safety
///
/// `element` is a live element.
pub(super) unsafe fn copy_element(element: *const sys::rd_kafka_topic_partition_t) -> Element {
    // SAFETY: every field of a live element is initialised; the metadata has `metadata_size` bytes.
    // The error may be any integer and is read as one.
    unsafe {
        let metadata = (!(*element).metadata.is_null()).then(|| {
            let bytes =
                slice::from_raw_parts((*element).metadata.cast::<u8>(), (*element).metadata_size);
            String::from_utf8_lossy(bytes).into_owned()
        });
        let leader_epoch = sys::rd_kafka_topic_partition_get_leader_epoch(element);
        Element {
            partition: TopicPartition::new(raw::text((*element).topic), (*element).partition),
            offset: (*element).offset,
            leader_epoch: (leader_epoch >= 0).then_some(leader_epoch),
            metadata,
            error: raw::read_code(&raw const (*element).err),
        }
    }
}
