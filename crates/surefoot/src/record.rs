//! A record as an application sees it.
//!
//! Nothing of a record is copied: key, payload and headers lie in the client's memory, in the fetch
//! response that they came in. That is what makes reading cheap, and it has a price that has to be
//! known: a record that is kept keeps its whole response (1 MiB of a partition by default) in
//! memory. Copy what must outlive the handler.

use std::fmt;

use surefoot_core::{Offset, TopicPartition};

use crate::kafka::native::NativeMessage;

/// One entry of a partition: key, payload, headers, and where it stands.
///
/// A record keeps the fetch response that it came in alive; copy what outlives the handler.
pub struct Record(Content);

/// One header of a record. Names may repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header<'a> {
    /// The name.
    pub name: &'a str,
    /// The value; `None` for null.
    pub value: Option<&'a [u8]>,
}

enum Content {
    Native(NativeMessage),
    #[cfg(test)]
    Planted(planted::Planted),
}

impl Record {
    /// Takes over a record that the client read.
    pub(crate) fn new(message: NativeMessage) -> Self {
        Self(Content::Native(message))
    }

    /// The topic's name.
    pub fn topic(&self) -> &str {
        match &self.0 {
            Content::Native(message) => message.topic(),
            #[cfg(test)]
            Content::Planted(planted) => planted.topic,
        }
    }

    /// The partition's index.
    pub fn partition(&self) -> i32 {
        match &self.0 {
            Content::Native(message) => message.partition(),
            #[cfg(test)]
            Content::Planted(planted) => planted.partition,
        }
    }

    /// Its number in the partition.
    pub fn offset(&self) -> Offset {
        match &self.0 {
            Content::Native(message) => message.offset(),
            #[cfg(test)]
            Content::Planted(planted) => Offset::new(planted.offset),
        }
    }

    /// Topic and partition in one, for [`Handle`](crate::Handle). Allocates.
    pub fn topic_partition(&self) -> TopicPartition {
        TopicPartition::new(self.topic(), self.partition())
    }

    /// The key; `None` without one. Records with equal keys have equal bytes here.
    pub fn key(&self) -> Option<&[u8]> {
        match &self.0 {
            Content::Native(message) => message.key(),
            #[cfg(test)]
            Content::Planted(planted) => planted.key,
        }
    }

    /// The payload; `None` for a tombstone, which says that its key is deleted. An empty payload is
    /// not a tombstone.
    pub fn payload(&self) -> Option<&[u8]> {
        match &self.0 {
            Content::Native(message) => message.payload(),
            #[cfg(test)]
            Content::Planted(planted) => planted.payload,
        }
    }

    /// The headers, in their order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> + Send {
        let headers: Vec<_> = match &self.0 {
            Content::Native(message) => {
                message.headers().map(|(name, value)| Header { name, value }).collect()
            }
            #[cfg(test)]
            Content::Planted(_) => Vec::new(),
        };
        headers.into_iter()
    }

    /// The value of the last header of this name, as Kafka's own clients choose; `None` if there is
    /// no such header, or its value is null.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        match &self.0 {
            Content::Native(message) => {
                message.headers().filter(|(found, _)| *found == name).last()?.1
            }
            #[cfg(test)]
            Content::Planted(_) => None,
        }
    }

    /// Milliseconds since the Unix epoch: when it was produced, or appended to the log if the topic
    /// says `message.timestamp.type=LogAppendTime`. `None` where the record has none.
    pub fn timestamp(&self) -> Option<i64> {
        match &self.0 {
            Content::Native(message) => message.timestamp(),
            #[cfg(test)]
            Content::Planted(_) => None,
        }
    }
}

/// The coordinates and sizes; never the content, which may be private.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("at", &format_args!("{self}"))
            .field("key_bytes", &self.key().map(<[u8]>::len))
            .field("payload_bytes", &self.payload().map(<[u8]>::len))
            .finish()
    }
}

/// Its coordinates, as in `orders[3]@1042`.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]@{}", self.topic(), self.partition(), self.offset())
    }
}

#[cfg(test)]
pub(crate) mod planted {
    //! Records without a client, to feed handlers in tests.

    use super::{Content, Record};

    #[derive(Clone, Copy)]
    pub(crate) struct Planted {
        pub(crate) topic: &'static str,
        pub(crate) partition: i32,
        pub(crate) offset: i64,
        pub(crate) key: Option<&'static [u8]>,
        pub(crate) payload: Option<&'static [u8]>,
    }

    impl Record {
        /// `orders[3]@offset`, with offset's parity as key.
        pub(crate) fn planted(offset: i64) -> Self {
            let key: &[u8] = if offset % 2 == 0 { b"even" } else { b"odd" };
            Self(Content::Planted(Planted {
                topic: "orders",
                partition: 3,
                offset,
                key: Some(key),
                payload: Some(b"payload"),
            }))
        }
    }
}
