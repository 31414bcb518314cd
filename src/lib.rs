//! roamio: Socket.IO and Open WebRTC Toolkit conference signalling that survive network changes.

pub mod config;
pub mod error;
pub mod json;
pub mod payload;
pub mod proto;
pub mod secret;
