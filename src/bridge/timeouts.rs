//! Time limits of the phases of connecting.

use std::time::Duration;

use crate::config::Timeouts;

/// Time limits of the phases of one connection attempt, 1 ms to 24 h each. What is not set has the
/// library's limit.
#[derive(Clone, Debug, Default, uniffi::Record)]
pub struct TimeoutOptions {
    /// The whole attempt, from the name lookup to the joined namespace.
    #[uniffi(default)]
    pub attempt: Option<Duration>,
    /// Name lookup.
    #[uniffi(default)]
    pub dns: Option<Duration>,
    /// All TCP connects together.
    #[uniffi(default)]
    pub tcp: Option<Duration>,
    /// TLS handshake.
    #[uniffi(default)]
    pub tls: Option<Duration>,
    /// WebSocket handshake and Engine.IO open packet.
    #[uniffi(default)]
    pub open: Option<Duration>,
    /// Answer to a namespace CONNECT.
    #[uniffi(default)]
    pub namespace: Option<Duration>,
    /// An upgrade from polling to WebSocket.
    #[uniffi(default)]
    pub upgrade: Option<Duration>,
    /// The answer to one POST of long-polling.
    #[uniffi(default)]
    pub post: Option<Duration>,
    /// The answer of a provider.
    #[uniffi(default)]
    pub provider: Option<Duration>,
}

impl From<TimeoutOptions> for Timeouts {
    fn from(options: TimeoutOptions) -> Self {
        let own = Self::default();
        Self {
            attempt: options.attempt.unwrap_or(own.attempt),
            dns: options.dns.unwrap_or(own.dns),
            tcp: options.tcp.unwrap_or(own.tcp),
            tls: options.tls.unwrap_or(own.tls),
            open: options.open.unwrap_or(own.open),
            namespace: options.namespace.unwrap_or(own.namespace),
            upgrade: options.upgrade.unwrap_or(own.upgrade),
            post: options.post.unwrap_or(own.post),
            provider: options.provider.unwrap_or(own.provider),
        }
    }
}
