//! Why a handler did not handle its record.
//!
//! It takes in any error by `?`, as `anyhow::Error` does, and for the same reason is no error
//! itself: a type cannot both be an error and be made from every error.

use std::error::Error;
use std::fmt;

/// Why a handler did not handle its record: made from any error, a boxed error, or a text.
///
/// A failure stops the consumer: what runs is finished, nothing past the failed record is
/// committed, and [`RunError::HandlerFailed`](crate::RunError::HandlerFailed) names it. The record
/// is delivered again by the next run under at-least-once.
///
/// ```
/// use surefoot::Failure;
///
/// fn amount(payload: &[u8]) -> Result<u64, Failure> {
///     let text = std::str::from_utf8(payload)?;
///     Ok(text.trim().parse()?)
/// }
///
/// assert_eq!(amount(b"12").unwrap(), 12);
/// assert_eq!(amount(b"-").unwrap_err().to_string(), "invalid digit found in string");
/// ```
pub struct Failure {
    source: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// The error inside.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.source
    }

    /// Takes the error out.
    pub fn into_source(self) -> Box<dyn Error + Send + Sync> {
        self.source
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { source: error.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

/// The error and what caused it, one after the other: a `main` that returns a failure prints this.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)?;
        let mut cause = self.source.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
