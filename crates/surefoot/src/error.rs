//! What can go wrong, by what a caller can do about it.
//!
//! Four moments, four types: a handler's own [`Failure`], a consumer that cannot be built
//! ([`BuildError`], before anything is sent), one that stopped ([`RunError`]), and a request to a
//! running one that is refused ([`ControlError`]). A rebalance is none of these: it is answered,
//! not raised. Messages name the place as `orders[3]@1042` and the setting to change.

mod build;
mod control;
mod failure;
mod run;

pub use build::BuildError;
pub use control::ControlError;
pub use failure::Failure;
pub use run::RunError;
