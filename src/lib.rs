//! roamio: Socket.IO and Open WebRTC Toolkit conference signalling that survive network changes.

pub mod capi;
pub mod client;
pub mod config;
pub mod driver;
pub mod error;
pub mod json;
pub mod log;
pub mod payload;
pub mod proto;
pub mod secret;
