//! The life of records: fetched runs accepted for tracking, handler calls, skips.
//!
//! `started` and `ended` are the two lines a guarantee stands on, and both are written for a
//! handler call of one record or of a batch. A batch has the offset of its first record and of its
//! last; its records may end in several `ended` lines that each name a part of it and do not
//! overlap.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A run of fetched records was accepted; from here on each of them is tracked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The term.
    pub term: u64,
    /// Offset of the first record.
    pub first: i64,
    /// Offset of the last record.
    pub last: i64,
    /// How many records; fewer than the offsets between where the log has gaps.
    pub count: u64,
}

/// A handler call begins. Written before the handler runs, by the side that decides the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The term.
    pub term: u64,
    /// Offset of the record, or of the first record of a batch.
    pub offset: i64,
    /// Which attempt in this term, from 1.
    pub attempt: u32,
    /// The record's key as text, or a hash of it in hex; the same way as in the dump of the topic.
    /// Absent for a record without a key and for a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Arc<str>>,
    /// Of a batch: offset of its last record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<i64>,
    /// Of a batch: how many records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// A handler call, or the named part of a batch, ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The term in which the call started; the term itself may have ended since.
    pub term: u64,
    /// Offset of the record, or of the first record of the part.
    pub offset: i64,
    /// The attempt of the `started` line.
    pub attempt: u32,
    /// Of a batch: offset of the last record of the part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<i64>,
    /// Of a batch: how many records the part has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How it ended.
    pub result: EndResult,
    /// The error, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Box<str>>,
}

/// How a handler call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndResult {
    /// The handler succeeded: the record is terminal.
    Ok,
    /// The handler returned an error, or the delivery was dropped without an acknowledgement.
    Error,
    /// The handler panicked.
    Panic,
    /// The handler ran longer than its deadline.
    Timeout,
    /// The handler was told to give up and did.
    Cancelled,
}

/// Records that will not be handled, by an explicit decision: they are terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The term.
    pub term: u64,
    /// Offset of the record, or of the first of several.
    pub offset: i64,
    /// Of several: the last offset, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<i64>,
    /// Who decided and why, in words.
    pub why: Box<str>,
}

/// A record was acknowledged by the broker. Written by a producer, or by a model of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Produced {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key, written as in `started`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Arc<str>>,
}
