//! Offsets and positions: two numbers that Kafka writes alike and means differently.
//!
//! An offset names a record that exists; a position names the next record to read, which may not
//! exist yet. The group coordinator stores positions. Mixing the two is the oldest way to lose one
//! record or repeat one, so they are two types and the `+ 1` between them is a method.

use std::fmt;

/// Number of one existing record in its partition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(i64);

/// The next offset to read in a partition: what the group coordinator stores.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(i64);

impl Offset {
    /// The offset with this number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number as Kafka writes it.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The position at this record: reading from there returns it first.
    pub const fn position(self) -> Position {
        Position(self.0)
    }

    /// The position behind this record: committing it says that this record is finished.
    pub const fn next(self) -> Position {
        Position(self.0 + 1)
    }
}

impl Position {
    /// The position with this number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number as Kafka writes it.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Debug for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ">{}", self.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
