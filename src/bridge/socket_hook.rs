//! A look at every socket of the system before it connects.

use std::sync::Arc;

use super::error::HostError;
use super::guest::Guest;
use super::observer::tell;
use crate::client::CallbackScope;
use crate::config::{self, BorrowedSocket, SocketPurpose};

/// Sees every new socket of the system before it connects, so that the app of a VPN can protect it,
/// or an Android app can bind it to a network.
#[uniffi::export(rust, foreign)]
pub trait SocketHook: Send + Sync {
    /// A socket: on Unix its file descriptor. Throwing says that it may not be used; the attempt
    /// fails. Do not close or connect it, and return soon: no traffic flows meanwhile. What decides
    /// about the way of connections has to be done to sockets of every purpose.
    fn on_socket(&self, socket: i64, purpose: SocketPurpose) -> Result<(), HostError>;
}

/// The hook as the library calls it.
pub(super) fn config_hook(hook: Arc<dyn SocketHook>) -> config::SocketHook {
    // It goes with the connections that have it.
    let (hook, _) = Guest::new(hook, || {});
    config::SocketHook::new(move |socket, purpose| {
        let _scope = CallbackScope::enter();
        let looked = hook.on_socket(number(socket), purpose);
        let allowed = looked.is_ok();
        tell("a socket hook", looked);
        allowed
    })
}

#[cfg(unix)]
fn number(socket: BorrowedSocket<'_>) -> i64 {
    use std::os::fd::AsRawFd;
    socket.as_raw_fd().into()
}

#[cfg(windows)]
fn number(socket: BorrowedSocket<'_>) -> i64 {
    use std::os::windows::io::AsRawSocket;
    // Handles of the system use 32 bits.
    socket.as_raw_socket() as i64
}
