//! Sockets by URL.

use std::sync::Arc;

use super::ask::AuthProvider;
use super::error::RoamioError;
use super::manager_options::ManagerOptions;
use super::socket::Socket;
use super::socket_event::SocketObserver;
use super::socket_options::SocketOptions;
use crate::client::{self, Lookup};
use crate::config::Endpoint;

/// Finds or makes the manager that a URL needs, so that the sockets of one server share a connection.
/// There is no registry but those that a program makes.
#[derive(Default, uniffi::Object)]
pub struct Registry {
    inner: client::Registry,
}

#[uniffi::export]
impl Registry {
    /// A registry without managers.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A socket for a URL: https if it has no scheme, and its path is the namespace. No traffic before
    /// it connects. It shares the connection to its scheme, host, port and HTTP path, unless that has
    /// a socket on this namespace already or `multiplex` is off: then it has one of its own. Options
    /// of a connection that exists stay as they are.
    ///
    /// Throws `INVALID_URL`, and what the constructor and `socket` of a manager throw.
    #[uniffi::method(default(observer = None, auth = None, multiplex = true, socket_options), default(options))]
    pub fn socket(
        &self,
        url: String,
        options: ManagerOptions,
        socket_options: SocketOptions,
        observer: Option<Arc<dyn SocketObserver>>,
        auth: Option<Arc<dyn AuthProvider>>,
        multiplex: bool,
    ) -> Result<Arc<Socket>, RoamioError> {
        let lookup = Lookup {
            config: options.config(Endpoint::default(), false)?,
            multiplex,
            socket: socket_options.config(auth.is_some()),
        };
        Socket::new(observer, auth, |events| {
            self.inner.socket(&url, lookup, events).map(|(_, socket)| socket)
        })
    }
}
