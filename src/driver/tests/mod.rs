//! The driver against real sockets of this machine.

mod dial;
mod link;
mod server;
mod task;
