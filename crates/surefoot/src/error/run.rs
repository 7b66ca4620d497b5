//! How a run ends other than by a clean stop.
use crate::Failure;
/// x
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// x
    #[error("x")]
    X,
}
