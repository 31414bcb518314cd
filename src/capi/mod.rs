//! The C ABI: convert, guard, forward. No protocol and no policy.
//!
//! `include/roamio.h` is generated from this folder, file by file in the order of
//! `tests/header.rs`; the comments of exported items are written for its reader, a C programmer.
//! The promises that a host makes for its pointers stand at the top of that header; every `SAFETY`
//! comment here leans on them, so exported functions have no `# Safety` section of their own.

#![allow(non_camel_case_types, clippy::missing_safety_doc)]

mod callback;
mod conference;
mod conference_config;
mod conference_events;
mod config;
mod emit;
mod error;
mod export;
mod guard;
mod log;
mod manager;
mod options;
mod registry;
mod renewal;
mod router;
mod socket;
mod stats;
mod status;
mod string;
mod transports;
mod types;
mod version;

pub use self::conference::*;
pub use self::conference_config::*;
pub use self::conference_events::*;
pub use self::config::*;
pub use self::emit::*;
pub use self::error::*;
pub use self::export::*;
pub use self::log::*;
pub use self::manager::*;
pub use self::options::*;
pub use self::registry::*;
pub use self::renewal::*;
pub use self::router::*;
pub use self::socket::*;
pub use self::stats::*;
pub use self::status::*;
pub use self::string::*;
pub use self::transports::*;
pub use self::types::*;
pub use self::version::*;
