//! What goes into and comes out of the protocol core: the only words that the core and its driver
//! have in common.
//!
//! ```text
//!  host --Command-->            --Transmit--> network
//!                     Stack
//!  host <--Event----            <--Input----- network
//! ```

mod debug;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::config::{
    Endpoint, HeaderList, ReconnectPolicy, SocketOptions, Target, Token, Transport,
};
use crate::error::{Error, Result};
use crate::payload::{Outgoing, Payload};
use crate::secret::Secret;

/// One Engine.IO connection to the server, numbered in the order of dialling and never reused. It
/// is carried by one transport after another, or by two while it opens or is upgraded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u32);

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

/// A question to the host, to be answered once; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskToken(pub u64);

/// One socket of a manager, numbered by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// One emit with ack, login, logout or request, numbered by the client per manager. Every command
/// that carries one is answered by exactly one [`Event::Outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// The right to answer one received event that asked for an ack; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AckToken(pub u64);

/// Something arrived from the network.
pub enum Input {
    /// The TCP connection of a dial, or of a wire's first request, is there.
    Reached {
        /// The wire.
        wire: WireId,
        /// How long that took, in milliseconds.
        connect_ms: u64,
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
    /// The queue to the host filled up, or is below half again. While it is full the driver reads
    /// no frame.
    HostQueue {
        /// It is full.
        full: bool,
    },
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

/// What the host knows about the network. Harmless when wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A network is there (again).
    NetworkAvailable,
    /// There is no network.
    NetworkLost,
    /// The device moved to another network, or its addresses changed.
    NetworkChanged,
    /// The application is about to be suspended: no timer, nothing sent.
    Suspended,
    /// The application runs again.
    Resumed,
}

/// What the host wants.
#[derive(Debug)]
pub enum Command {
    /// A hint.
    Hint(Hint),
    /// End everything: every outstanding request ends `CLOSED`, links are let go of.
    Close,
    /// Forget a request: it ends `CANCELLED` if it has no outcome yet.
    Cancel {
        /// The request.
        request: RequestId,
    },
    /// Make a socket known. No traffic.
    Attach {
        /// Its number.
        socket: SocketId,
        /// Its namespace, `/` or `/…`. Not in use by another attached socket.
        namespace: Arc<str>,
        /// Its options.
        options: SocketOptions,
    },
    /// Join the namespace, now and after every reconnect.
    Connect {
        /// The socket.
        socket: SocketId,
        /// The auth payload, a JSON object.
        auth: Option<Secret>,
    },
    /// Leave the namespace.
    Disconnect {
        /// The socket.
        socket: SocketId,
    },
    /// Leave and forget a socket: its requests end `CLOSED`, then comes [`Event::Detached`].
    Detach {
        /// The socket.
        socket: SocketId,
    },
    /// Emit an event.
    Emit {
        /// The socket.
        socket: SocketId,
        /// The event.
        event: Outgoing,
        /// Asks for an ack.
        request: Option<RequestId>,
        /// Time limit of the ack in milliseconds: from now, connected or not; with retries after each
        /// write.
        timeout_ms: Option<u64>,
        /// What becomes of it while it cannot be written.
        offline: Offline,
    },
    /// Tell every event of this socket as it is written ([`SocketEvent::Sent`]), or no longer.
    WatchSent {
        /// The socket.
        socket: SocketId,
        /// Tell.
        watch: bool,
    },
    /// The answer to [`ManagerEvent::TargetWanted`]; an error counts as a failed attempt.
    Target {
        /// From the event.
        token: AskToken,
        /// The server and the headers.
        target: Result<Target>,
    },
    /// The answer to [`SocketEvent::AuthWanted`]: the payload, a JSON object. An error ends as
    /// [`SocketEvent::ConnectError`], and the socket rests.
    Auth {
        /// From the event.
        token: AskToken,
        /// The payload.
        auth: Result<Option<Secret>>,
    },
    /// The application's headers from the next attempt on.
    SetHeaders(HeaderList),
    /// How to reconnect, from the next wait on. Switched off, no attempt starts any more.
    SetReconnect(ReconnectPolicy),
    /// Answer an event. Only the first answer is sent, and only on the event's own connection.
    Ack {
        /// The socket.
        socket: SocketId,
        /// From the event.
        token: AckToken,
        /// The arguments.
        ack: Outgoing,
    },
    /// Log in to a conference. Its outcome is the portal's answer.
    Login {
        /// For the outcome.
        request: RequestId,
        /// The credential, used once.
        token: Token,
    },
    /// Leave the conference.
    Logout {
        /// For the outcome.
        request: RequestId,
    },
    /// A request to the portal.
    Request {
        /// For the outcome.
        request: RequestId,
        /// Event name and one JSON object.
        event: Outgoing,
        /// Time limit in milliseconds from now; `None` for the configured one.
        timeout_ms: Option<u64>,
    },
}

/// What becomes of an event that cannot be written at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Offline {
    /// It waits until the namespace is joined, in the order of the emits.
    #[default]
    Wait,
    /// It waits that long, in milliseconds, then it is dropped.
    WaitFor(u64),
    /// It waits, and a newer one of the same socket with the same key takes its place. Nothing is
    /// told of the older one, except the outcome `CANCELLED` if it has asked for an ack.
    Latest(Arc<str>),
    /// It is dropped unless the namespace is joined.
    Fail,
    /// It is dropped, without a word unless an ack was asked for, unless the namespace is joined and
    /// the transport takes it at once.
    Volatile,
}

/// State of a manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ManagerState {
    /// No socket wants a connection.
    #[default]
    Idle = 0,
    /// The first connection is being made.
    Connecting = 1,
    /// The Engine.IO connection is open.
    Connected = 2,
    /// The connection was lost and is being made again.
    Reconnecting = 3,
    /// Closed for good.
    Closed = 4,
}

/// State of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum SocketState {
    /// Not connected, and not trying.
    #[default]
    Idle = 0,
    /// Wants to join; not yet joined.
    Joining = 1,
    /// Joined.
    Connected = 2,
    /// Was joined; joins again when there is a connection.
    Rejoining = 3,
    /// Closed for good.
    Closed = 4,
}

/// State of a conference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ConferenceState {
    /// Not logged in.
    #[default]
    Idle = 0,
    /// Connecting and logging in.
    Joining = 1,
    /// In the conference.
    Ready = 2,
    /// The connection is lost; coming back with the ticket.
    Resuming = 3,
    /// Logging out.
    Leaving = 4,
    /// Over.
    Ended = 5,
}

/// One step of a state machine. Steps of one object are numbered from 1 without a hole.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition<S> {
    /// The number of the step.
    pub number: u64,
    /// The new state, never the one before.
    pub state: S,
    /// Why, where it was not asked for.
    pub cause: Option<Error>,
    /// For how long the session can still be resumed, in milliseconds: an estimate.
    pub grace_ms: Option<u64>,
}

/// An attempt failed and the next one is planned.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Failed attempts in a row.
    pub attempt: u32,
    /// Why the last one failed.
    pub error: Error,
    /// The wait before the next, in milliseconds; `None`: there is none.
    pub delay_ms: Option<u64>,
    /// For how long the session can still be resumed, in milliseconds: an estimate.
    pub grace_ms: Option<u64>,
}

/// What a manager tells.
#[derive(Clone, Debug, PartialEq)]
pub enum ManagerEvent {
    /// The state changed.
    State(Transition<ManagerState>),
    /// An attempt failed.
    Retry(Retry),
    /// The host does not keep up; reading has stopped until it does. Nothing is dropped.
    HostSlow,
    /// The connection is carried by this transport from now on: told when it opens, and after an
    /// upgrade.
    Transport {
        /// The transport.
        transport: Transport,
        /// It was upgraded.
        upgraded: bool,
    },
    /// The upgrade to WebSocket failed; the connection goes on with polling.
    UpgradeFailed(Error),
    /// An attempt needs to know where to and with which headers
    /// ([`ManagerConfig::ask_target`](crate::config::ManagerConfig::ask_target)). It waits for
    /// [`Command::Target`], up to the time limit of providers.
    TargetWanted {
        /// For the answer.
        token: AskToken,
        /// Failed attempts in a row.
        attempt: u32,
        /// Why the last one failed.
        error: Option<Error>,
    },
}

/// What a socket tells.
#[derive(Clone, PartialEq)]
pub enum SocketEvent {
    /// The state changed. In `Connected`, `socket_sid` is the server's id of this socket.
    State {
        /// The step.
        transition: Transition<SocketState>,
        /// Set in `Connected`.
        socket_sid: Option<Arc<str>>,
        /// Why a joined namespace was left.
        reason: Option<DisconnectReason>,
        /// In `Connected`: the server has recovered the state of the former connection, and sends what
        /// was missed as ordinary events: before this, as current servers do, or after it.
        recovered: bool,
    },
    /// The server refused the namespace, or joining failed and will be tried again.
    ConnectError {
        /// Carries the server's JSON.
        error: Error,
        /// The socket tries again by itself.
        active: bool,
    },
    /// An event.
    Event {
        /// Name, arguments, attachments. A server that can recover the state of a connection appends
        /// a text, the event's offset, to most events: it is passed on (`socket-io` 8).
        payload: Payload,
        /// The server wants an ack.
        ack: Option<AckToken>,
    },
    /// An event was written, for those who watch ([`Command::WatchSent`]).
    Sent {
        /// Name, arguments, attachments.
        payload: Payload,
    },
    /// An event without ack is never sent: its time is over, or the socket was not joined. With
    /// retries also: it has gone as often as it may, and the server has not confirmed it.
    Dropped {
        /// Name, arguments, attachments.
        payload: Payload,
        /// Why.
        error: Error,
    },
    /// A CONNECT needs its auth payload
    /// ([`SocketOptions::ask_auth`](crate::config::SocketOptions::ask_auth)). It waits for
    /// [`Command::Auth`], up to the time limit of providers.
    AuthWanted {
        /// For the answer.
        token: AskToken,
        /// Why joining failed the last time.
        error: Option<Error>,
    },
}

/// Why a joined namespace was left, in the words of the reference client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum DisconnectReason {
    /// `io server disconnect`: no reconnection by itself.
    ServerDisconnect = 1,
    /// `io client disconnect`.
    ClientDisconnect = 2,
    /// `ping timeout`.
    PingTimeout = 3,
    /// `transport close`.
    TransportClose = 4,
    /// `transport error`.
    TransportError = 5,
    /// `parse error`.
    ParseError = 6,
}

/// What a conference tells.
#[derive(Clone, Debug, PartialEq)]
pub enum ConferenceEvent {
    /// The state changed. `Ended` without a cause follows a logout.
    State(Transition<ConferenceState>),
    /// An attempt failed.
    Retry(Retry),
    /// The session goes on after a loss; missed notifications follow.
    Resumed {
        /// Nothing can have been lost.
        complete: bool,
        /// How many notifications of the replay follow.
        replayed: u64,
    },
    /// The session moved between two living connections.
    Migrated,
    /// Notifications `from..=to` are lost for good, counted from 1 since login. Where the protocol
    /// cannot tell, `certain` is false and the numbers are the best guess, or 0.
    Gap {
        /// First.
        from: u64,
        /// Last.
        to: u64,
        /// The portal's numbers prove it.
        certain: bool,
    },
    /// A notification of the portal.
    Notification {
        /// Name and data.
        payload: Payload,
        /// It was missed and came with the replay.
        replayed: bool,
    },
    /// The portal said something that makes no sense; the session goes on.
    ProtocolError(Error),
    /// Whether the session can be resumed: told after login.
    Resumable(bool),
    /// The host does not keep up; reading has stopped until it does. Nothing is dropped.
    HostSlow,
}

/// Something for the host.
#[derive(Debug)]
pub enum Event {
    /// From the manager.
    Manager(ManagerEvent),
    /// From a socket.
    Socket(SocketId, SocketEvent),
    /// From the conference.
    Conference(ConferenceEvent),
    /// The one outcome of a request. A portal's or server's reply has only the arguments that
    /// follow the status.
    Outcome {
        /// The request.
        request: RequestId,
        /// What became of it.
        result: Result<Payload>,
    },
    /// Nothing more comes for this socket.
    Detached(SocketId),
    /// Nothing more comes at all.
    Finished,
}

/// What a replayed notification takes beside its text.
const REPLAYED_WEIGHT: usize = 128;

impl Event {
    /// The bytes that this event keeps alive, as the queue to the host counts them.
    pub fn weight(&self) -> usize {
        match self {
            // They all share the frame of the replay.
            Self::Conference(ConferenceEvent::Notification { payload, replayed: true }) => {
                REPLAYED_WEIGHT + payload.own_weight()
            }
            Self::Socket(
                _,
                SocketEvent::Event { payload, .. }
                | SocketEvent::Sent { payload }
                | SocketEvent::Dropped { payload, .. },
            )
            | Self::Conference(ConferenceEvent::Notification { payload, .. })
            | Self::Outcome { result: Ok(payload), .. } => payload.weight(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::{Name, Span};

    #[test]
    fn replayed_notifications_share_the_weight_of_their_frame() {
        let frame = Bytes::from(vec![b'x'; 57_000]);
        let weight = |replayed| {
            let (name, args) = (Name::Plain(Span::new(0, 4)), [Span::new(10, 110)]);
            let args = args.into_iter().collect();
            let payload = Payload::new(frame.clone(), name, args, Vec::new());
            Event::Conference(ConferenceEvent::Notification { payload, replayed }).weight()
        };
        assert_eq!(weight(false), frame.len());
        assert_eq!(weight(true), REPLAYED_WEIGHT + 4 + 100);
    }
}
