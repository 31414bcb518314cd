//! Socket.IO (protocols 4 and 5): packets, namespaces that share a connection, acks.
//!
//! [`packet`] with [`assembler`], and [`msgpack`], know the wire formats, [`codec`] and [`decoder`] put them together for
//! one connection, [`manager`] keeps the connection and its namespaces.

pub mod assembler;
pub mod codec;
pub mod decoder;
pub mod manager;
pub mod msgpack;
mod namespace;
mod offline;
pub mod packet;
mod recovery;
mod rejoin;
mod requests;
mod retries;
