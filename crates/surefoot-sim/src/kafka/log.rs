//! One partition's log: records, transactions, and everything that makes offsets jump.
//!
//! An offset is used by a record, or by a marker that ends a transaction, or by nothing any more.
//! A reader under read committed sees the records of committed transactions below the last stable
//! offset; all other offsets it passes without a word, also the last ones of the log.

/// A record as a reader gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoggedRecord {
    pub(crate) offset: i64,
    /// Index of its key; `None` without one.
    pub(crate) key: Option<u32>,
    pub(crate) bytes: u32,
}

/// Names a transaction within its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transaction(usize);

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionEnd {
    Commit,
    Abort,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: i64,
    content: Content,
    timestamp_ms: i64,
}

#[derive(Clone, Copy, Debug)]
enum Content {
    Record { key: Option<u32>, bytes: u32, transaction: Option<Transaction> },
    Marker,
}

#[derive(Clone, Copy, Debug)]
struct TransactionState {
    first: i64,
    end: Option<TransactionEnd>,
}

/// What a reader gets.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub(crate) records: Vec<LoggedRecord>,
    pub(crate) next: i64,
    pub(crate) at_end: bool,
}

/// A position that is not in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfRange;

/// One partition's log.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    start: i64,
    next: i64,
    entries: Vec<Entry>,
    transactions: Vec<TransactionState>,
    /// First offset of the oldest open transaction, or the end.
    stable: i64,
    /// Everything below was read by somebody.
    read_to: i64,
}

impl Log {
    pub(crate) fn new(start: i64) -> Self {
        Self {
            start,
            next: start,
            entries: Vec::new(),
            transactions: Vec::new(),
            stable: start,
            read_to: start,
        }
    }

    pub(crate) fn append(
        &mut self,
        key: Option<u32>,
        bytes: u32,
        timestamp_ms: i64,
        transaction: Option<Transaction>,
    ) {
        if let Some(Transaction(index)) = transaction {
            let first = &mut self.transactions[index].first;
            *first = (*first).min(self.next);
        }
        let content = Content::Record { key, bytes, transaction };
        self.push(content, timestamp_ms);
    }

    /// Begins a transaction; it counts from its first record.
    pub(crate) fn begin(&mut self) -> Transaction {
        self.transactions.push(TransactionState { first: i64::MAX, end: None });
        Transaction(self.transactions.len() - 1)
    }

    pub(crate) fn end(&mut self, transaction: Transaction, end: TransactionEnd, now_ms: i64) {
        let state = &mut self.transactions[transaction.0];
        if state.end.is_none() {
            state.end = Some(end);
            self.push(Content::Marker, now_ms);
        }
    }

    /// Uses up offsets without leaving anything: a batch that compaction removed whole.
    pub(crate) fn skip(&mut self, offsets: i64) {
        self.next += offsets;
        self.restabilise();
    }

    /// Removes records at or above an offset: compaction. Only what nobody has read: of a record
    /// that was handled and then removed the dump at the end would know nothing, and nor would the
    /// judge. Says how many.
    pub(crate) fn compact(&mut self, from: i64, most: usize) -> usize {
        let (stable, from) = (self.stable, from.max(self.read_to));
        let mut at = self.entries.partition_point(|entry| entry.offset < from);
        let mut removed = 0;
        while at < self.entries.len() && removed < most && self.entries[at].offset < stable {
            if matches!(self.entries[at].content, Content::Record { .. }) {
                self.entries.remove(at);
                removed += 1;
            } else {
                at += 1;
            }
        }
        removed
    }

    /// Deletes everything below an offset: retention.
    pub(crate) fn truncate_front(&mut self, to: i64) {
        let to = to.min(self.stable);
        if to > self.start {
            self.start = to;
            let keep = self.entries.partition_point(|entry| entry.offset < to);
            self.entries.drain(..keep);
        }
    }

    pub(crate) fn read(&mut self, position: i64, most: usize) -> Result<Chunk, OutOfRange> {
        if position < self.start || position > self.next {
            return Err(OutOfRange);
        }
        let chunk = self.chunk(position, most);
        self.read_to = self.read_to.max(chunk.next);
        Ok(chunk)
    }

    fn chunk(&self, position: i64, most: usize) -> Chunk {
        let first = self.entries.partition_point(|entry| entry.offset < position);
        let mut records = Vec::new();
        for entry in &self.entries[first..] {
            if entry.offset >= self.stable {
                break;
            }
            if let Some(record) = self.visible(entry) {
                if records.len() == most {
                    return Chunk { records, next: entry.offset, at_end: false };
                }
                records.push(record);
            }
        }
        let next = self.stable.max(position);
        Chunk { records, next, at_end: true }
    }

    pub(crate) fn start(&self) -> i64 {
        self.start
    }

    pub(crate) fn read_to(&self) -> i64 {
        self.read_to
    }

    /// The last stable offset.
    pub(crate) fn stable(&self) -> i64 {
        self.stable
    }

    pub(crate) fn high_watermark(&self) -> i64 {
        self.next
    }

    /// The first readable record that is not older.
    pub(crate) fn at_time(&self, timestamp_ms: i64) -> Option<i64> {
        self.entries
            .iter()
            .find(|entry| entry.timestamp_ms >= timestamp_ms && entry.offset < self.stable)
            .map(|entry| entry.offset)
    }

    /// Everything a reader would get, with timestamps.
    pub(crate) fn readable(&self) -> impl Iterator<Item = (LoggedRecord, i64)> {
        self.entries
            .iter()
            .filter(|entry| entry.offset < self.stable)
            .filter_map(|entry| Some((self.visible(entry)?, entry.timestamp_ms)))
    }

    fn visible(&self, entry: &Entry) -> Option<LoggedRecord> {
        let Content::Record { key, bytes, transaction } = entry.content else { return None };
        let committed = transaction.is_none_or(|Transaction(index)| {
            self.transactions[index].end == Some(TransactionEnd::Commit)
        });
        committed.then_some(LoggedRecord { offset: entry.offset, key, bytes })
    }

    fn push(&mut self, content: Content, timestamp_ms: i64) {
        self.entries.push(Entry { offset: self.next, content, timestamp_ms });
        self.next += 1;
        self.restabilise();
    }

    fn restabilise(&mut self) {
        let open = self.transactions.iter().filter(|state| state.end.is_none());
        self.stable = open.map(|state| state.first).min().unwrap_or(self.next).min(self.next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_transaction_holds_the_readers_back() {
        let mut log = Log::new(0);
        let transaction = log.begin();
        log.append(None, 1, 0, None);
        log.append(None, 1, 0, Some(transaction));
        log.append(None, 1, 0, None);
        check(&mut log, 0, &[0], 1);
        log.end(transaction, TransactionEnd::Commit, 0);
        check(&mut log, 0, &[0, 1, 2], 4);
    }

    #[test]
    fn aborted_records_and_markers_are_passed_in_silence() {
        let mut log = Log::new(10);
        let transaction = log.begin();
        log.append(None, 1, 0, Some(transaction));
        log.append(None, 1, 0, None);
        log.end(transaction, TransactionEnd::Abort, 0);
        log.skip(1_000);
        check(&mut log, 10, &[11], 1_013);
    }

    #[test]
    fn compaction_and_retention_take_records_away() {
        let mut log = Log::new(0);
        for _ in 0..6 {
            log.append(None, 1, 0, None);
        }
        assert_eq!(log.compact(1, 2), 2);
        check(&mut log, 0, &[0, 3, 4, 5], 6);
        assert_eq!(log.compact(0, 10), 0, "everything was read");
        log.truncate_front(4);
        check(&mut log, 4, &[4, 5], 6);
        assert!(log.read(3, 1).is_err());
        assert!(log.read(7, 1).is_err());
    }

    #[track_caller]
    fn check(log: &mut Log, from: i64, offsets: &[i64], next: i64) {
        let chunk = log.read(from, 100).unwrap();
        let read: Vec<i64> = chunk.records.iter().map(|record| record.offset).collect();
        assert_eq!((read.as_slice(), chunk.next, chunk.at_end), (offsets, next, true));
    }
}
