//! What every connection needs.

use std::collections::HashMap;
use std::sync::Arc;

use super::limits::LimitOptions;
use super::socket_hook::{SocketHook, config_hook};
use super::timeouts::TimeoutOptions;
use super::tls::TlsOptions;
use super::trace::{TraceSink, config_sink};
use super::transports::TransportOptions;
use crate::config::{self, CommonConfig, HeaderList, Proxy, check_header};
use crate::error::{Code, Error, Result};

/// What every connection needs, plain or conference. What is not set stays as the library has it.
#[derive(Clone, Default, uniffi::Record)]
pub struct ConnectionOptions {
    /// HTTP headers for every request.
    #[uniffi(default)]
    pub headers: HashMap<String, String>,
    /// Long-polling and WebSocket.
    #[uniffi(default)]
    pub transports: Option<TransportOptions>,
    /// TLS.
    #[uniffi(default)]
    pub tls: Option<TlsOptions>,
    /// A proxy: `http://[user:password@]host[:port]` or `socks5://…`.
    #[uniffi(default)]
    pub proxy: Option<String>,
    /// The address of this device that connections are made from; `0.0.0.0` means IPv4 only, `::`
    /// IPv6 only.
    #[uniffi(default)]
    pub local_address: Option<String>,
    /// Time limits of connecting.
    #[uniffi(default)]
    pub timeouts: Option<TimeoutOptions>,
    /// Limits of sizes and queues.
    #[uniffi(default)]
    pub limits: Option<LimitOptions>,
    /// Where a trace goes (`docs/trace.md`): a file, which is replaced.
    #[uniffi(default)]
    pub trace_file: Option<String>,
    /// Where a trace goes in place of a file.
    #[uniffi(default)]
    pub trace: Option<Arc<dyn TraceSink>>,
    /// Called with every new socket before it connects.
    #[uniffi(default)]
    pub on_socket: Option<Arc<dyn SocketHook>>,
}

impl ConnectionOptions {
    pub(super) fn config(self) -> Result<CommonConfig> {
        let address = self.local_address.map(|text| {
            text.parse().map_err(|_| Error::new(Code::InvalidArgument, "local_address: no address"))
        });
        Ok(CommonConfig {
            headers: headers(self.headers)?,
            transports: self.transports.unwrap_or_default().config()?,
            tls: self.tls.unwrap_or_default().config()?,
            proxy: self.proxy.as_deref().map(Proxy::parse).transpose()?,
            local_address: address.transpose()?,
            timeouts: self.timeouts.unwrap_or_default().into(),
            limits: self.limits.unwrap_or_default().into(),
            trace: self.trace.map(config_sink).or(self.trace_file.map(config::TraceSink::file)),
            on_socket: self.on_socket.map(config_hook),
            ..CommonConfig::default()
        })
    }
}

/// Headers, in the order of their names.
pub(super) fn headers(headers: HashMap<String, String>) -> Result<HeaderList> {
    let mut list: Vec<_> = headers.into_iter().collect();
    list.sort();
    for (name, value) in &list {
        check_header(name, value)?;
    }
    Ok(HeaderList(list))
}
