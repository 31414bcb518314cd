//! The driver against real sockets of this machine.

mod alone;
mod dial;
mod server;
mod task;
mod wire;
