//! A plain manager and its sockets.

mod chaos;
mod reconnecting;
mod scenarios;
mod server;
mod world;
