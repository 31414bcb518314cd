//! A plain manager and its sockets.

mod asking;
mod chaos;
mod connecting;
mod msgpack;
mod odd;
mod offline;
mod protocol4;
mod reconnecting;
mod recovery;
mod rejoining;
mod retries;
mod scenarios;
mod server;
mod sockets;
mod world;
