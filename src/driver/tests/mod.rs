//! The driver against real sockets of this machine.

mod alone;
mod dial;
mod polling;
mod proxy;
mod server;
mod task;
mod wire;
