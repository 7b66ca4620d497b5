//! Under construction.
#![allow(dead_code, unused_imports)]

mod batch;
mod delivery;
mod error;
mod event;
mod handle;
mod history;
mod kafka {
    pub(crate) mod native;
    pub(crate) mod settings;
}
mod lag;
mod link;
mod payloads;
mod record;
mod room {
    mod ending;
    mod observed;
    pub(crate) use ending::*;
    pub(crate) use observed::*;
}
mod run;
mod snapshot;

pub use error::*;
pub use handle::*;
pub use snapshot::*;
