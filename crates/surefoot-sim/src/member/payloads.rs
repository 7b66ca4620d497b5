//! Payloads under their tokens: each is given to the engine once and must come back once.

use surefoot_core::{DeliveryUnit, Fetched, KeyHash, Offset, RecordMeta, Token};

use crate::fabric::PartitionId;
use crate::kafka::log::LoggedRecord;

/// What one token stands for.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    pub(super) partition: PartitionId,
    pub(super) records: Vec<LoggedRecord>,
}

/// Payloads that the engine has not given back.
#[derive(Debug, Default)]
pub(super) struct Payloads {
    held: Vec<Option<Payload>>,
    pub(super) records: u64,
    pub(super) bytes: u64,
}

impl Payloads {
    /// Keeps what was read and describes it to the engine.
    pub(super) fn put(
        &mut self,
        unit: DeliveryUnit,
        partition: PartitionId,
        records: &[LoggedRecord],
    ) -> Fetched {
        let mut token = Token(u32::MAX);
        if unit == DeliveryUnit::Batch {
            token = self.keep(Payload { partition, records: records.to_vec() });
        }
        let records = records
            .iter()
            .map(|record| RecordMeta {
                offset: Offset::new(record.offset),
                key: record.key.map(hash_of),
                bytes: record.bytes,
                token: match unit {
                    DeliveryUnit::Batch => Token(u32::MAX),
                    DeliveryUnit::Record => {
                        self.keep(Payload { partition, records: vec![*record] })
                    }
                },
            })
            .collect();
        Fetched { records, leader_epoch: Some(1), token }
    }

    /// Takes a payload out; `None` for a token that came back before or never was.
    pub(super) fn take(&mut self, token: Token) -> Option<Payload> {
        let payload = self.held.get_mut(token.0 as usize)?.take()?;
        self.records -= payload.records.len() as u64;
        self.bytes -= bytes_of(&payload.records);
        Some(payload)
    }

    fn keep(&mut self, payload: Payload) -> Token {
        self.records += payload.records.len() as u64;
        self.bytes += bytes_of(&payload.records);
        self.held.push(Some(payload));
        Token(self.held.len() as u32 - 1)
    }
}

pub(super) fn bytes_of(records: &[LoggedRecord]) -> u64 {
    records.iter().map(|record| u64::from(record.bytes)).sum()
}

fn hash_of(key: u32) -> KeyHash {
    KeyHash(u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995)
}
