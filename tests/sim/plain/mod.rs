//! A plain manager and its sockets.

mod chaos;
mod connecting;
mod msgpack;
mod odd;
mod offline;
mod protocol4;
mod reconnecting;
mod retries;
mod scenarios;
mod server;
mod sockets;
mod world;
