//! The driver against real sockets of this machine.

mod alone;
mod dial;
mod proxy;
mod server;
mod task;
mod wire;
