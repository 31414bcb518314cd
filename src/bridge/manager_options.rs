//! Options of a manager.

use std::time::Duration;

use super::connection::ConnectionOptions;
use super::reconnect::ReconnectOptions;
use crate::config::{Endpoint, ManagerConfig, Parser, ReconnectPolicy};
use crate::error::Result;

/// Options of a manager. What is not set stays as the library has it.
#[derive(Clone, Default, uniffi::Record)]
pub struct ManagerOptions {
    /// The HTTP path; `/socket.io/` unless set.
    #[uniffi(default)]
    pub path: Option<String>,
    /// Send the path without the slash at its end. Few servers want that.
    #[uniffi(default = false)]
    pub path_without_slash: bool,
    /// Connection, TLS, limits.
    #[uniffi(default)]
    pub connection: Option<ConnectionOptions>,
    /// Reconnection.
    #[uniffi(default)]
    pub reconnect: Option<ReconnectOptions>,
    /// Time limit of acks; 30 s unless set, zero for none.
    #[uniffi(default)]
    pub ack_timeout: Option<Duration>,
    /// How packets are written; text unless set.
    #[uniffi(default)]
    pub parser: Option<Parser>,
    /// Join a namespace again although the server has disconnected it.
    #[uniffi(default = false)]
    pub rejoin_after_server_disconnect: bool,
    /// Let the server recover the state of a connection also after a disconnect that was asked for.
    #[uniffi(default = false)]
    pub recover_after_disconnect: bool,
}

impl ManagerOptions {
    /// Options for a server; `ask_target`: a provider says which.
    pub(super) fn config(self, mut endpoint: Endpoint, ask_target: bool) -> Result<ManagerConfig> {
        let path = self.path.unwrap_or_else(|| endpoint.path.clone());
        endpoint.set_path(&path, !self.path_without_slash);
        let own = ManagerConfig::new(endpoint);
        Ok(ManagerConfig {
            common: self.connection.unwrap_or_default().config()?,
            reconnect: self.reconnect.unwrap_or_default().over(ReconnectPolicy::default()),
            ack_timeout: match self.ack_timeout {
                None => own.ack_timeout,
                limit => limit.filter(|limit| !limit.is_zero()),
            },
            parser: self.parser.unwrap_or_default(),
            ask_target,
            rejoin_after_server_disconnect: self.rejoin_after_server_disconnect,
            recover_after_disconnect: self.recover_after_disconnect,
            ..own
        })
    }
}
