//! A plain manager and its sockets.

mod chaos;
mod scenarios;
mod server;
mod world;
