//! Long-polling and WebSocket: which, in what order, and how one follows the other.

use std::fmt;
use std::time::Duration;

use crate::config::HeaderList;

/// A way to carry Engine.IO packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
#[repr(u32)]
pub enum Transport {
    /// HTTP long-polling: one GET that waits, and POSTs.
    Polling = 0,
    /// WebSocket.
    Websocket = 1,
}

impl Transport {
    /// The value of the query parameter `transport`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Websocket => "websocket",
        }
    }
}

/// What becomes of the second transport while a connection opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
pub enum Opening {
    /// With WebSocket first, polling starts beside it when it takes long or fails, and the first
    /// finished handshake wins. In any other order as [`Opening::InTurn`].
    #[default]
    Race,
    /// The next one starts when the one before has failed (`tryAllTransports` of the reference
    /// client).
    InTurn,
    /// Only the first one is tried.
    First,
}

/// The revision of Engine.IO, and with it the protocol of Socket.IO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
pub enum Revision {
    /// Revision 4: Socket.IO servers 3.x and 4.x.
    #[default]
    V4,
    /// Revision 3: Socket.IO servers 1.x and 2.x, and newer ones that allow it.
    V3,
    /// Revision 4, and 3 when the server shows that it is of version 2.x; remembered per origin and
    /// path until the server refuses it.
    Auto,
}

/// What only one transport's requests have.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Extra {
    /// Query parameters, percent-encoded and joined with `&`.
    pub query: String,
    /// Headers.
    pub headers: HeaderList,
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let query = if self.query.is_empty() { "" } else { "***" };
        f.debug_struct("Extra").field("query", &query).field("headers", &self.headers).finish()
    }
}

/// Options of the transports.
#[derive(Clone, Debug, PartialEq)]
pub struct TransportConfig {
    /// The transports in the order of preference.
    pub order: Vec<Transport>,
    /// What becomes of the second transport while a connection opens.
    pub opening: Opening,
    /// How long WebSocket is alone before polling starts beside it; four times the TCP connect time
    /// if that is more.
    pub race_after: Duration,
    /// Move from polling to WebSocket when the server offers it.
    pub upgrade: bool,
    /// How long polling goes on after a failed upgrade before the next one is tried.
    pub upgrade_again_after: Duration,
    /// Start with WebSocket where the last upgrade to the same server worked, until a transport
    /// error.
    pub remember_upgrade: bool,
    /// The revision of Engine.IO.
    pub revision: Revision,
    /// Send binary messages as base64 text, for what lies between that cannot carry bytes.
    pub force_base64: bool,
    /// Whether a request has a parameter that no other has, against caches: on polling if `None`.
    pub timestamp_requests: Option<bool>,
    /// The name of that parameter.
    pub timestamp_param: String,
    /// Keep the cookies of the server and send them with every request.
    pub cookies: bool,
    /// WebSocket subprotocols to offer.
    pub protocols: Vec<String>,
    /// What only polling's requests have.
    pub polling: Extra,
    /// What only WebSocket's requests have.
    pub websocket: Extra,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            order: vec![Transport::Websocket, Transport::Polling],
            opening: Opening::Race,
            race_after: Duration::from_millis(1_500),
            upgrade: true,
            upgrade_again_after: Duration::from_secs(30),
            remember_upgrade: false,
            revision: Revision::V4,
            force_base64: false,
            timestamp_requests: None,
            timestamp_param: "t".into(),
            cookies: true,
            protocols: Vec::new(),
            polling: Extra::default(),
            websocket: Extra::default(),
        }
    }
}

impl TransportConfig {
    /// One transport only.
    pub fn only(transport: Transport) -> Self {
        Self { order: vec![transport], ..Self::default() }
    }

    /// Polling first, then an upgrade: the reference client's way.
    pub fn polling_first() -> Self {
        Self { order: vec![Transport::Polling, Transport::Websocket], ..Self::default() }
    }

    /// Whether a transport may be used.
    pub fn allows(&self, transport: Transport) -> bool {
        self.order.contains(&transport)
    }
}
