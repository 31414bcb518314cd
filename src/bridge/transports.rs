//! Long-polling and WebSocket.

use std::collections::HashMap;
use std::time::Duration;

use super::connection::headers;
use crate::config::{Extra, Opening, Revision, Transport, TransportConfig};
use crate::error::Result;

/// Which transports are used, in what order, and how one follows the other. What is not set stays as
/// the library has it.
#[derive(Clone, Default, uniffi::Record)]
pub struct TransportOptions {
    /// The transports in the order of preference: WebSocket, then polling, unless set.
    #[uniffi(default)]
    pub order: Option<Vec<Transport>>,
    /// What becomes of the second transport while a connection opens; `Race` unless set.
    #[uniffi(default)]
    pub opening: Option<Opening>,
    /// How long WebSocket is alone before polling starts beside it.
    #[uniffi(default)]
    pub race_after: Option<Duration>,
    /// Whether to move from polling to WebSocket when the server offers it; yes unless set.
    #[uniffi(default)]
    pub upgrade: Option<bool>,
    /// How long polling goes on after a failed upgrade before the next one is tried.
    #[uniffi(default)]
    pub upgrade_again_after: Option<Duration>,
    /// Start with WebSocket where the last upgrade worked, until a transport error.
    #[uniffi(default = false)]
    pub remember_upgrade: bool,
    /// The revision of Engine.IO; 4 unless set.
    #[uniffi(default)]
    pub revision: Option<Revision>,
    /// Send binary messages as base64 text.
    #[uniffi(default = false)]
    pub force_base64: bool,
    /// Whether requests have a parameter against caches; on polling unless set.
    #[uniffi(default)]
    pub timestamp_requests: Option<bool>,
    /// The name of that parameter; `t` unless set.
    #[uniffi(default)]
    pub timestamp_param: Option<String>,
    /// Whether to keep the server's cookies; yes unless set.
    #[uniffi(default)]
    pub cookies: Option<bool>,
    /// WebSocket subprotocols to offer.
    #[uniffi(default)]
    pub protocols: Vec<String>,
    /// What only polling's requests have.
    #[uniffi(default)]
    pub polling: Option<TransportExtra>,
    /// What only WebSocket's requests have.
    #[uniffi(default)]
    pub websocket: Option<TransportExtra>,
}

/// What only one transport's requests have.
#[derive(Clone, Default, uniffi::Record)]
pub struct TransportExtra {
    /// Query parameters, percent-encoded and joined with `&`.
    #[uniffi(default = "")]
    pub query: String,
    /// Headers.
    #[uniffi(default)]
    pub headers: HashMap<String, String>,
}

impl TransportExtra {
    fn extra(self) -> Result<Extra> {
        Ok(Extra { query: self.query, headers: headers(self.headers)? })
    }
}

impl TransportOptions {
    pub(super) fn config(self) -> Result<TransportConfig> {
        let own = TransportConfig::default();
        Ok(TransportConfig {
            order: self.order.unwrap_or(own.order),
            opening: self.opening.unwrap_or(own.opening),
            race_after: self.race_after.unwrap_or(own.race_after),
            upgrade: self.upgrade.unwrap_or(own.upgrade),
            upgrade_again_after: self.upgrade_again_after.unwrap_or(own.upgrade_again_after),
            remember_upgrade: self.remember_upgrade,
            revision: self.revision.unwrap_or(own.revision),
            force_base64: self.force_base64,
            timestamp_requests: self.timestamp_requests.or(own.timestamp_requests),
            timestamp_param: self.timestamp_param.unwrap_or(own.timestamp_param),
            cookies: self.cookies.unwrap_or(own.cookies),
            protocols: self.protocols,
            polling: self.polling.unwrap_or_default().extra()?,
            websocket: self.websocket.unwrap_or_default().extra()?,
        })
    }
}
