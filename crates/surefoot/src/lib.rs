//! Under construction.

#[expect(dead_code, unused_imports, reason = "the driver that uses it follows")]
mod kafka;
