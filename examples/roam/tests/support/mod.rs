//! What the tests of the program share: servers to talk to, and the program itself.

#![allow(dead_code)]

pub mod polling_server;
pub mod program;

use std::time::Duration;

/// Nothing in these tests takes longer, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(30);
