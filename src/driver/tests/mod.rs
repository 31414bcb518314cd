//! The driver against real sockets of this machine.

mod alone;
mod dial;
mod link;
mod server;
mod task;
