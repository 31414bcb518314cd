//! Engine.IO: one connection's handshake, heartbeat and packets (revision 4, WebSocket).
//!
//! What a packet means lives in [`packet`] and [`handshake`], when it is legal lives in
//! [`session`]. Nothing here knows of Socket.IO or of other connections.

pub mod handshake;
pub mod packet;
pub mod session;
