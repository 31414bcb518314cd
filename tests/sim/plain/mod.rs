//! A plain manager and its sockets.

mod chaos;
mod connecting;
mod reconnecting;
mod scenarios;
mod server;
mod sockets;
mod world;
