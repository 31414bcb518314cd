//! A look at every socket before it connects.

use std::fmt;
#[cfg(unix)]
use std::os::fd::BorrowedFd as Borrowed;
#[cfg(windows)]
use std::os::windows::io::BorrowedSocket as Borrowed;
use std::sync::Arc;

/// A socket of the system that is lent for a call: on Unix a file descriptor.
pub type BorrowedSocket<'a> = Borrowed<'a>;

/// What a new socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
#[repr(u32)]
pub enum SocketPurpose {
    /// TCP, to the server.
    Server = 0,
    /// TCP, to the proxy.
    Proxy = 1,
    /// UDP, to learn which address of the device the system would use. Nothing is ever sent on it.
    Probe = 2,
}

/// What is called with every new socket before it connects, so that a VPN's app can protect it, an
/// Android app can bind it to a network, or anybody can set options of the system.
///
/// It says whether the socket may be used; an attempt whose socket is refused fails with
/// [`Code::Connect`](crate::error::Code::Connect), or [`Code::Proxy`](crate::error::Code::Proxy).
/// It runs on the I/O thread, which must not be kept waiting, and for several managers that share a
/// configuration. Look only at the socket: do not close it, and do not connect it. What decides
/// about the way of the connections has to be done to sockets of every purpose; otherwise the
/// device seems to be in another network than its connections are.
#[derive(Clone)]
pub struct SocketHook(Arc<dyn Fn(BorrowedSocket<'_>, SocketPurpose) -> bool + Send + Sync>);

impl SocketHook {
    /// A hook that calls `look`.
    pub fn new(
        look: impl Fn(BorrowedSocket<'_>, SocketPurpose) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(look))
    }

    pub(crate) fn allows(&self, socket: BorrowedSocket<'_>, purpose: SocketPurpose) -> bool {
        (self.0)(socket, purpose)
    }
}

impl PartialEq for SocketHook {
    /// The same one, not another that does the same.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SocketHook {}

impl fmt::Debug for SocketHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketHook")
    }
}
