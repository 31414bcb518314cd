//! Options: what can be chosen, what holds when nothing is, and the limits that always hold.

mod conference;
mod dispatch;
mod endpoint;
mod hook;
mod pem;
mod proxy;
mod socket;
#[cfg(test)]
mod tests;
mod tls;
mod trace;
mod transport;

use std::net::IpAddr;
use std::time::Duration;

use crate::error::{Code, Error, Result};

pub use conference::{ConferenceConfig, PortalProtocol, SequenceBase, Token};
pub(crate) use dispatch::Work;
pub use dispatch::{DispatchMode, Executor, Job};
pub use endpoint::{DEFAULT_PATH, Endpoint, HeaderList, Target};
pub use hook::{BorrowedSocket, SocketHook, SocketPurpose};
pub use proxy::{Proxy, ProxyKind};
pub use socket::{Retries, SocketOptions};
pub(crate) use tls::IdentitySource;
pub use tls::{ClientIdentity, TlsConfig, TlsVersion};
pub use trace::{TraceLines, TraceSink};
pub use transport::{Extra, Opening, Revision, Transport, TransportConfig};

/// Time limits of the phases of one connection attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The whole attempt, from the name lookup to the joined namespace.
    pub attempt: Duration,
    /// Name lookup.
    pub dns: Duration,
    /// All TCP connects together; the next address starts 250 ms after the one before.
    pub tcp: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// WebSocket handshake and Engine.IO open packet.
    pub open: Duration,
    /// Answer to a namespace CONNECT.
    pub namespace: Duration,
    /// An upgrade from polling to WebSocket, from the dial to the switch.
    pub upgrade: Duration,
    /// The answer to one POST of long-polling.
    pub post: Duration,
    /// The host's answer to a question for target or auth payload.
    pub provider: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            attempt: seconds(20),
            dns: seconds(5),
            tcp: seconds(10),
            tls: seconds(10),
            open: seconds(10),
            namespace: seconds(10),
            upgrade: seconds(10),
            post: seconds(20),
            provider: seconds(20),
        }
    }
}

/// What is refused or throttled, so that neither peer nor host can exhaust memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One inbound message, in bytes.
    pub inbound_message: usize,
    /// Binary attachments of one inbound event.
    pub inbound_attachments: usize,
    /// Binary attachments of one outbound event; a current server closes the connection at 11.
    pub outbound_attachments: usize,
    /// Open arrays and objects in JSON.
    pub json_depth: usize,
    /// Events waiting for the wire.
    pub wire_queue_events: usize,
    /// Bytes waiting for the wire.
    pub wire_queue_bytes: usize,
    /// Events waiting for the host.
    pub host_queue_events: usize,
    /// Bytes waiting for the host.
    pub host_queue_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inbound_message: 16 << 20,
            inbound_attachments: 64,
            outbound_attachments: 10,
            json_depth: crate::json::MAX_DEPTH,
            wire_queue_events: 1_000,
            wire_queue_bytes: 8 << 20,
            host_queue_events: 10_000,
            host_queue_bytes: 16 << 20,
        }
    }
}

/// How long to wait between attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct ReconnectPolicy {
    /// Whether to reconnect at all.
    pub enabled: bool,
    /// Delay before the first retry.
    pub min: Duration,
    /// No delay is longer than this.
    pub max: Duration,
    /// Growth per failed attempt.
    pub factor: f64,
    /// Spread: a delay lies between `1 - jitter` and `1 + jitter` times its middle. 1 is full jitter.
    pub jitter: f64,
    /// Attempts before giving up; `None` for no end.
    pub attempts: Option<u32>,
    /// No delay is shorter than this.
    pub floor: Duration,
    /// A connection must have lived this long before the delays start from `min` again.
    pub stable_after: Duration,
    /// Dials that may start within any ten seconds.
    pub dials_per_10s: u32,
}

impl Default for ReconnectPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            min: Duration::from_secs(1),
            max: Duration::from_secs(5),
            factor: 2.0,
            jitter: 0.5,
            attempts: None,
            floor: Duration::from_millis(100),
            stable_after: Duration::from_secs(10),
            dials_per_10s: 20,
        }
    }
}

impl ReconnectPolicy {
    /// The same without growth: every delay is close to the longest.
    pub(crate) fn at_its_longest(&self) -> Self {
        Self { min: self.max, jitter: self.jitter.min(0.25), ..self.clone() }
    }
}

/// What every connection needs, plain or conference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommonConfig {
    /// HTTP headers of the application for every request.
    pub headers: HeaderList,
    /// Long-polling, WebSocket, and how they follow each other.
    pub transports: TransportConfig,
    /// TLS.
    pub tls: TlsConfig,
    /// A proxy on the way to every server.
    pub proxy: Option<Proxy>,
    /// The address of this device that connections are made from. Only the server's addresses of its
    /// family are tried: `0.0.0.0` means IPv4 only, `::` IPv6 only.
    pub local_address: Option<IpAddr>,
    /// Shown every new socket before it connects.
    pub on_socket: Option<SocketHook>,
    /// Time limits of connecting.
    pub timeouts: Timeouts,
    /// Limits of sizes and queues.
    pub limits: Limits,
    /// Whose threads run callbacks.
    pub dispatch: DispatchMode,
    /// Where a trace of everything goes; none by default, and then it costs nothing.
    pub trace: Option<TraceSink>,
}

impl CommonConfig {
    /// Add a header; names and values that could inject another one are refused.
    ///
    /// # Errors
    /// [`Code::InvalidArgument`].
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<()> {
        check_header(name, value)?;
        self.headers.0.push((name.to_owned(), value.to_owned()));
        Ok(())
    }
}

/// Refuse a header that is malformed or could inject another one.
///
/// # Errors
/// [`Code::InvalidArgument`].
pub fn check_header(name: &str, value: &str) -> Result<()> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(Error::new(Code::InvalidArgument, "header name is not a token"));
    }
    if value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f) {
        return Err(Error::new(Code::InvalidArgument, "header value has control characters"));
    }
    Ok(())
}

/// Options of a plain Socket.IO manager.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagerConfig {
    /// The server.
    pub endpoint: Endpoint,
    /// Connection, TLS, limits, dispatch.
    pub common: CommonConfig,
    /// Reconnection.
    pub reconnect: ReconnectPolicy,
    /// Ack deadline of an emit that asks for an ack and gives no deadline of its own; `None` for none.
    pub ack_timeout: Option<Duration>,
    /// How Socket.IO packets are written; client and server have to agree.
    pub parser: Parser,
    /// Ask the host for URL, query and headers before every attempt
    /// ([`ManagerEvent::TargetWanted`](crate::proto::io::ManagerEvent::TargetWanted)).
    pub ask_target: bool,
    /// Join a namespace again although the server has disconnected it, after the waits of `reconnect`.
    pub rejoin_after_server_disconnect: bool,
    /// Let the server recover the state of a connection also after a disconnect that was asked for
    /// (`socket-io` 8).
    pub recover_after_disconnect: bool,
}

/// How Socket.IO packets are written (`socket-io` 1 and 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
pub enum Parser {
    /// Text, with binary attachments behind it: every server's default.
    #[default]
    Json,
    /// One MessagePack message per packet, as socket.io-msgpack-parser has it. The host sees JSON
    /// and attachments all the same.
    Msgpack,
}

impl ManagerConfig {
    /// Options with defaults for a server.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            common: CommonConfig::default(),
            reconnect: ReconnectPolicy::default(),
            ack_timeout: Some(Duration::from_secs(30)),
            parser: Parser::default(),
            ask_target: false,
            rejoin_after_server_disconnect: false,
            recover_after_disconnect: false,
        }
    }
}
