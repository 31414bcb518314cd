//! The network's side: what arrives, and what is to be done.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;

use crate::config::Endpoint;
use crate::error::{Error, Result};

/// One WebSocket, or the requests of one polling session, numbered in the order of their start and
/// never reused. Input that carries the number of a wire that is no longer in use changes no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireId(pub u32);

/// Name and value of HTTP headers, of the application and of ours.
pub type Headers = Arc<[(String, String)]>;

/// What a request of long-polling is for. Of each kind there is at most one in flight per wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// GET: what does the server have?
    Poll,
    /// POST: what the client has.
    Post,
}

/// A request of long-polling.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// GET without a body, POST with one.
    pub exchange: Exchange,
    /// Path and query.
    pub path_and_query: String,
    /// Headers of the application, and cookies. The driver adds Host, Accept, Content-Type and
    /// Content-Length.
    pub headers: Headers,
    /// The pieces of the body, in order.
    pub body: Vec<Bytes>,
    /// The body is `application/octet-stream`, otherwise `text/plain;charset=UTF-8`.
    pub binary: bool,
}

/// The answer to a request of long-polling, whatever its status.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The body is `application/octet-stream`.
    pub binary: bool,
    /// The body, within the limit of inbound messages.
    pub body: Bytes,
    /// The head's cookies.
    pub cookies: Cookies,
    /// The server's wish to be left alone (`Retry-After` in seconds).
    pub retry_after_ms: Option<u64>,
    /// This end's address.
    pub local: Option<SocketAddr>,
}

/// What the head of a response says about cookies, unread.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cookies {
    /// The values of `Set-Cookie`.
    pub set: Vec<String>,
    /// The value of `Date`, which is what the expiry of a cookie is compared with.
    pub date: Option<String>,
}

/// Something arrived from the network.
pub enum Input {
    /// The TCP connection of a dial, or of a wire's first request, is there.
    Reached {
        /// The wire.
        wire: WireId,
        /// How long that took, in milliseconds.
        connect_ms: u64,
    },
    /// TLS was agreed on that connection. For the trace: the core does not wait for it.
    Secured {
        /// The wire.
        wire: WireId,
        /// How long that took, in milliseconds.
        tls_ms: u64,
    },
    /// The WebSocket handshake of a dialled wire is done.
    Connected {
        /// The wire of [`Transmit::Dial`].
        wire: WireId,
        /// The local address, where the system tells it.
        local: Option<SocketAddr>,
        /// The cookies of the answer.
        cookies: Cookies,
    },
    /// The dial failed; the error names the phase. Nothing else comes from this wire.
    Failed {
        /// The wire of [`Transmit::Dial`].
        wire: WireId,
        /// Why.
        error: Error,
    },
    /// A text frame, checked as UTF-8.
    Text {
        /// The wire.
        wire: WireId,
        /// The frame.
        frame: Bytes,
    },
    /// A binary frame.
    Binary {
        /// The wire.
        wire: WireId,
        /// The frame.
        frame: Bytes,
    },
    /// The end of a request of [`Transmit::Request`]: the whole answer, or what broke. An error says
    /// nothing about whether the server got the request.
    Response {
        /// The wire.
        wire: WireId,
        /// Which of the wire's requests.
        exchange: Exchange,
        /// The answer.
        result: Result<HttpResponse>,
    },
    /// Bytes arrived that did not complete a frame or an answer: a part of one, or a WebSocket ping
    /// or pong.
    Activity {
        /// The wire.
        wire: WireId,
        /// They are a part of a frame or answer that is still being received.
        partial: bool,
        /// They were the answer to [`Transmit::Ping`].
        pong: bool,
    },
    /// An open WebSocket ended, in order or not. Nothing else comes from it.
    Closed {
        /// The wire.
        wire: WireId,
        /// Why: `ENGINE_CLOSED` for a close frame or FIN, otherwise what broke.
        error: Error,
    },
    /// Whether the WebSocket takes frames without piling them up. It starts writable.
    Writable {
        /// The wire.
        wire: WireId,
        /// It does.
        writable: bool,
    },
    /// The answer to [`Transmit::AskLocalAddress`].
    LocalAddress {
        /// The wire.
        wire: WireId,
        /// The address of this device that a new connection to the wire's peer would start from;
        /// none where the system knows no way there.
        local: Option<IpAddr>,
    },
    /// The queue to the host filled up, or is below half again. While it is full the driver reads
    /// no frame.
    HostQueue {
        /// It is full.
        full: bool,
    },
}

impl Input {
    /// The bytes of a frame, or of the body of an answer.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text { frame, .. } | Self::Binary { frame, .. } => frame.len(),
            Self::Response { result: Ok(answer), .. } => answer.body.len(),
            _ => 0,
        }
    }
}

/// Something to be done on the network.
pub enum Transmit {
    /// Connect and do the WebSocket handshake; answered by [`Input::Connected`] or
    /// [`Input::Failed`].
    Dial {
        /// The number that the new wire has.
        wire: WireId,
        /// The server.
        endpoint: Arc<Endpoint>,
        /// Path and query of the HTTP request.
        path_and_query: String,
        /// Headers of the application, and cookies.
        headers: Headers,
    },
    /// Do a request of long-polling; answered by [`Input::Response`]. The first request of a wire
    /// starts it, and connects.
    Request {
        /// The number that the wire has.
        wire: WireId,
        /// The server: the same for all requests of a wire.
        endpoint: Arc<Endpoint>,
        /// The request.
        request: HttpRequest,
    },
    /// Send a text frame. It is UTF-8.
    Text {
        /// The wire.
        wire: WireId,
        /// The frame.
        frame: Bytes,
    },
    /// Send a binary frame.
    Binary {
        /// The wire.
        wire: WireId,
        /// The frame.
        frame: Bytes,
    },
    /// Send a WebSocket ping.
    Ping {
        /// The wire.
        wire: WireId,
    },
    /// Let an open WebSocket break when what was sent on it is not acknowledged for this long, where
    /// the system can do that (TCP_USER_TIMEOUT).
    LimitUnacknowledged {
        /// The wire.
        wire: WireId,
        /// How long, in milliseconds.
        ms: u64,
    },
    /// Ask the system which of the device's addresses it would reach the wire's peer from, which is
    /// the proxy if there is one; answered by [`Input::LocalAddress`] if the peer is known already.
    /// Nothing is sent.
    AskLocalAddress {
        /// The wire.
        wire: WireId,
    },
    /// Let go of a wire: cancel its dial; or send what is queued and a close frame; or let its POST
    /// in flight finish and do `farewell`, one request after another, then drop its GET. For at most
    /// a second and without holding up anything. Nothing more is heard from the wire.
    Hangup {
        /// The wire.
        wire: WireId,
        /// The last requests of a polling wire.
        farewell: Vec<HttpRequest>,
    },
}

impl Transmit {
    /// The bytes of a frame, or of the bodies of requests.
    pub fn bytes(&self) -> usize {
        let body = |request: &HttpRequest| request.body.iter().map(Bytes::len).sum::<usize>();
        match self {
            Self::Text { frame, .. } | Self::Binary { frame, .. } => frame.len(),
            Self::Request { request, .. } => body(request),
            Self::Hangup { farewell, .. } => farewell.iter().map(body).sum(),
            _ => 0,
        }
    }
}
