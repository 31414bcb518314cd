//! Engine.IO: one connection's handshake, heartbeat and packets, revisions 3 and 4.
//!
//! What a packet means lives in [`packet`] and [`handshake`], how packets share a polling body lives
//! in [`payload`], when they are legal lives in [`session`], which transport carries them lives in
//! [`connection`]. Nothing here knows of Socket.IO or of
//! other connections.

pub mod address;
pub mod connection;
pub mod cookies;
pub mod handshake;
pub mod packet;
pub mod payload;
mod polling;
pub mod refusal;
pub mod session;
mod upgrade;
