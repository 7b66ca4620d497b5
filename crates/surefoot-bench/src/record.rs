//! What the measured records hold, so that each can be told from every other.
//!
//! A record carries its number in the topic, its key and its number within the key. Keys take
//! turns, and a key's records lie in one partition in order, so whoever sees every key count up
//! without a gap has seen every record exactly once and in order. The rest is filler that
//! compresses about as well as text does.

/// Bytes at the front of a payload that say which record it is.
pub(crate) const HEAD_BYTES: usize = 16;

/// Which record a payload belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Its number in the topic, from zero.
    pub(crate) number: u64,
    /// Its key's number.
    pub(crate) key: u32,
    /// Its number within its key, from zero.
    pub(crate) nth_of_key: u32,
}

impl Identity {
    /// The record with this number, where `keys` keys take turns.
    pub(crate) fn new(number: u64, keys: u32) -> Self {
        let keys = u64::from(keys);
        let key = u32::try_from(number % keys).expect("below the number of keys");
        let nth_of_key = u32::try_from(number / keys).expect("fewer than 2^32 records a key");
        Self { number, key, nth_of_key }
    }

    /// Reads the front of a payload.
    #[inline]
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let head: &[u8; HEAD_BYTES] = payload.first_chunk()?;
        let word = u128::from_le_bytes(*head);
        Some(Self {
            number: word as u64,
            key: (word >> 64) as u32,
            nth_of_key: (word >> 96) as u32,
        })
    }

    /// Writes the front of a payload.
    pub(crate) fn write(self, payload: &mut [u8]) {
        let key = u128::from(self.key) << 64;
        let word = u128::from(self.number) | key | u128::from(self.nth_of_key) << 96;
        payload[..HEAD_BYTES].copy_from_slice(&word.to_le_bytes());
    }

    /// The key as Kafka stores it.
    pub(crate) fn key_bytes(self) -> [u8; 8] {
        let mut bytes = *b"k-000000";
        let mut rest = self.key;
        for digit in bytes[2..].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        bytes
    }
}

/// A number that stands for a record in a checksum: sums of these do not meet by chance.
#[inline]
pub(crate) fn mixed(number: u64) -> u64 {
    let folded = (number ^ number >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    folded ^ folded >> 29
}

/// Fills a payload with something like text, different for each record.
pub(crate) fn fill(payload: &mut [u8], number: u64) {
    const WORDS: &[u8; 64] = b"order status pending customer amount currency shipped address zi";
    let mut state = mixed(number) | 1;
    for chunk in payload.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let start = (state as usize) & 0x38;
        chunk.copy_from_slice(&WORDS[start..start + chunk.len()]);
        chunk[0] = b'0' + (state >> 32) as u8 % 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_says_which_record_it_is() {
        let mut payload = [0; 100];
        let identity = Identity::new(1_234_567, 1000);
        fill(&mut payload, identity.number);
        identity.write(&mut payload);
        assert_eq!(Identity::read(&payload), Some(identity));
        assert_eq!((identity.key, identity.nth_of_key), (567, 1234));
        assert_eq!(&identity.key_bytes(), b"k-000567");
        assert_eq!(Identity::read(&payload[..15]), None);
    }
}
