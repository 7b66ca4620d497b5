//! Questions that wait, for threads that may.

use std::ffi::c_int;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use rdkafka_sys as sys;

use super::code::{Code, Failure};
use super::inner::Inner;
use super::raw;

/// A client seen from another thread. Everything on it waits for brokers: never on the thread that
/// polls.
#[derive(Clone)]
pub(crate) struct Handle(pub(super) Arc<Inner>);

/// A topic in the cluster's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicMetadata {
    pub(crate) topic: String,
    /// How many partitions it has; zero when it does not exist.
    pub(crate) partitions: usize,
    /// Why it cannot be used.
    pub(crate) error: Option<Code>,
}

impl Handle {
    /// Every topic of the cluster that this principal may see.
    pub(crate) fn all_topics(&self, timeout: Duration) -> Result<Vec<TopicMetadata>, Failure> {
        self.metadata(1, ptr::null_mut(), timeout)
    }

    /// One topic by name. Does not create it, whatever the broker's settings.
    pub(crate) fn topic(&self, name: &str, timeout: Duration) -> Result<TopicMetadata, Failure> {
        let name_c = raw::c_name(name);
        // SAFETY: the client is alive. The topic object is ours, and is destroyed before the end.
        let topics = unsafe {
            let topic = sys::rd_kafka_topic_new(self.0.rk(), name_c.as_ptr(), ptr::null_mut());
            if topic.is_null() {
                let message = format!("`{name}` is not a topic name");
                return Err(Failure { code: Code::INVALID_ARG, message });
            }
            let topics = self.metadata(0, topic, timeout);
            sys::rd_kafka_topic_destroy(topic);
            topics?
        };
        topics.into_iter().find(|topic| topic.topic == name).ok_or_else(|| Failure {
            code: Code::UNKNOWN_TOPIC,
            message: format!("the cluster did not answer for topic `{name}`"),
        })
    }

    fn metadata(
        &self,
        all: c_int,
        only: *mut sys::rd_kafka_topic_t,
        timeout: Duration,
    ) -> Result<Vec<TopicMetadata>, Failure> {
        let mut metadata = ptr::null();
        // SAFETY: the client is alive; the answer is ours, is read within its bounds, and is
        // destroyed before the end. Codes are read as integers.
        unsafe {
            let code =
                raw::metadata(self.0.rk(), all, only, &mut metadata, raw::milliseconds(timeout));
            if let Some(code) = Code::from_raw(code) {
                return Err(Failure { code, message: code.description() });
            }
            let count = usize::try_from((*metadata).topic_cnt).unwrap_or_default();
            let topics = (0..count)
                .map(|index| {
                    let topic = (*metadata).topics.add(index);
                    TopicMetadata {
                        topic: raw::text((*topic).topic),
                        partitions: usize::try_from((*topic).partition_cnt).unwrap_or_default(),
                        error: raw::read_code(&raw const (*topic).err),
                    }
                })
                .collect();
            sys::rd_kafka_metadata_destroy(metadata);
            Ok(topics)
        }
    }
}
