//! Under construction.
#![allow(dead_code, unused_imports)]

mod kafka;
mod link;
mod record;
mod snapshot;
