//! Payloads that wait while the engine decides about them.
//!
//! The engine knows offsets, keys and sizes; the bytes stay here under a number. Each is handed
//! back exactly once, so places are used again at once and a number means nothing afterwards. What
//! the engine holds is bounded by its budgets, and with it the number of places.

use surefoot_core::Token;

use crate::record::Record;

/// Records and batches under their tokens.
#[derive(Debug, Default)]
pub(crate) struct Payloads {
    places: Vec<Place>,
    /// The head of the list of free places.
    free: Option<u32>,
}

#[derive(Debug)]
enum Place {
    Free { next: Option<u32> },
    Record(Record),
    Batch(Vec<Record>),
}

impl Payloads {
    /// Keeps one record.
    pub(crate) fn keep(&mut self, record: Record) -> Token {
        self.put(Place::Record(record))
    }

    /// Keeps the records of one batch.
    pub(crate) fn keep_batch(&mut self, records: Vec<Record>) -> Token {
        self.put(Place::Batch(records))
    }

    /// Hands a record back.
    pub(crate) fn take(&mut self, token: Token) -> Record {
        match self.empty(token) {
            Place::Record(record) => record,
            Place::Batch(_) => panic!("{token:?} is a batch and is delivered as a record"),
            Place::Free { .. } => unreachable!("`empty` returns what was held"),
        }
    }

    /// Hands a batch back.
    pub(crate) fn take_batch(&mut self, token: Token) -> Vec<Record> {
        match self.empty(token) {
            Place::Batch(records) => records,
            Place::Record(_) => panic!("{token:?} is a record and is delivered as a batch"),
            Place::Free { .. } => unreachable!("`empty` returns what was held"),
        }
    }

    /// Forgets a record or a batch.
    pub(crate) fn discard(&mut self, token: Token) {
        drop(self.empty(token));
    }

    fn put(&mut self, place: Place) -> Token {
        let Some(index) = self.free else {
            let index = u32::try_from(self.places.len()).expect("budgets stay far below 2^32");
            self.places.push(place);
            return Token(index);
        };
        let slot = &mut self.places[index as usize];
        let Place::Free { next } = *slot else { unreachable!("only free places are listed") };
        self.free = next;
        *slot = place;
        Token(index)
    }

    /// A token that comes back twice would hand one record's place to another's handler.
    fn empty(&mut self, token: Token) -> Place {
        let place = &mut self.places[token.0 as usize];
        assert!(!matches!(place, Place::Free { .. }), "{token:?} was handed back before");
        std::mem::replace(place, Place::Free { next: self.free.replace(token.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_returns_its_own_record_in_any_order() {
        let mut payloads = Payloads::default();
        let tokens: Vec<_> = (0..4).map(|n| payloads.keep(Record::planted(n))).collect();
        payloads.discard(tokens[1]);
        payloads.discard(tokens[2]);
        let batch = payloads.keep_batch(vec![Record::planted(7), Record::planted(8)]);
        let last = payloads.keep(Record::planted(9));
        assert_eq!(payloads.take(tokens[3]).offset().get(), 3);
        assert_eq!(payloads.take(last).offset().get(), 9);
        assert_eq!(payloads.take(tokens[0]).offset().get(), 0);
        let batch = payloads.take_batch(batch);
        assert_eq!(batch.iter().map(|it| it.offset().get()).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(payloads.places.len(), 4);
    }

    #[test]
    #[should_panic(expected = "was handed back before")]
    fn a_token_that_comes_back_twice_is_noticed() {
        let mut payloads = Payloads::default();
        let token = payloads.keep(Record::planted(0));
        payloads.discard(token);
        payloads.discard(token);
    }
}
