//! A plain manager and its sockets.

mod chaos;
mod connecting;
mod offline;
mod reconnecting;
mod retries;
mod scenarios;
mod server;
mod sockets;
mod world;
