//! Chooses partitions as Kafka's Java producer does, so that a key lands where others put it.
//!
//! Whoever reads a topic by key, joins it, or resumes another program's work relies on equal keys
//! being in equal partitions whatever program wrote them. Java hashes the key with a murmur2 of its
//! own seed, clears the sign bit and takes the remainder. librdkafka's default (CRC32) puts keys
//! elsewhere.

use rdkafka::producer::{PARTITION_UA, Partitioner};

/// The Java producer's choice for records with a key. Records without one are spread by librdkafka,
/// which fills a batch of one partition before it goes on to the next, as Java does.
pub(super) struct JavaPartitioner;

impl Partitioner for JavaPartitioner {
    fn partition(
        &self,
        _topic: &str,
        key: Option<&[u8]>,
        partitions: i32,
        _is_available: impl Fn(i32) -> bool,
    ) -> i32 {
        match key {
            Some(key) => partition_of(key, partitions),
            None => PARTITION_UA,
        }
    }
}

/// The partition of a key. An unavailable partition is still the key's partition: the record waits.
fn partition_of(key: &[u8], partitions: i32) -> i32 {
    (murmur2(key) & i32::MAX) % partitions
}

/// `org.apache.kafka.common.utils.Utils.murmur2`.
fn murmur2(data: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    // Java's arrays have 32-bit lengths, and Kafka's keys too.
    let mut hash = SEED ^ (data.len() as u32);
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^= hash >> 15;
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of `UtilsTest.testMurmur2` in Apache Kafka.
    #[test]
    fn hashes_equal_those_of_kafkas_own_test() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()), hash, "{key}");
        }
    }

    #[test]
    fn the_sign_bit_is_cleared_not_negated() {
        // -973932308 & 0x7fffffff = 1173551340.
        assert_eq!(partition_of(b"21", 7), 1_173_551_340 % 7);
        assert_eq!(partition_of(b"abc", 4), 479_470_107 % 4);
    }
}
