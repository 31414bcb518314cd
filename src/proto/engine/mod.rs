//! Engine.IO: one connection's handshake, heartbeat and packets, revisions 3 and 4.
//!
//! What a packet means lives in [`packet`] and [`handshake`], how packets share a polling body lives
//! in [`payload`], when they are legal lives in [`session`]. Nothing here knows of Socket.IO or of
//! other connections.

pub mod cookies;
pub mod handshake;
pub mod packet;
pub mod payload;
pub mod refusal;
pub mod session;
