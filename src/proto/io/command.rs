//! The host's side, inwards: what it wants and what it knows.

use std::sync::Arc;

use super::{AckToken, AskToken, RequestId, SocketId};
use crate::config::{HeaderList, ReconnectPolicy, SocketOptions, Target, Token};
use crate::error::Result;
use crate::payload::Outgoing;
use crate::proto::conference::kept::Kept;
use crate::secret::Secret;

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
    /// Leave and forget a socket: its requests end `CLOSED`, then comes
    /// [`Event::Detached`](super::Event::Detached).
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
        /// Time limit of the ack in milliseconds: from now, connected or not; with retries after
        /// each write.
        timeout_ms: Option<u64>,
        /// What becomes of it while it cannot be written.
        offline: Offline,
    },
    /// Tell every event of this socket as it is written
    /// ([`SocketEvent::Sent`](super::SocketEvent::Sent)), or no longer.
    WatchSent {
        /// The socket.
        socket: SocketId,
        /// Tell.
        watch: bool,
    },
    /// The answer to [`ManagerEvent::TargetWanted`](super::ManagerEvent::TargetWanted); an error
    /// counts as a failed attempt.
    Target {
        /// From the event.
        token: AskToken,
        /// The server and the headers.
        target: Result<Target>,
    },
    /// The answer to [`SocketEvent::AuthWanted`](super::SocketEvent::AuthWanted): the payload, a
    /// JSON object. An error ends as
    /// [`SocketEvent::ConnectError`](super::SocketEvent::ConnectError), and the socket rests.
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
    /// Resume the session of a conference in another process. Its outcome is success without
    /// arguments, or the portal's answer after a fresh login.
    Restore {
        /// For the outcome.
        request: RequestId,
        /// What was kept.
        kept: Box<Kept>,
    },
    /// Leave the conference.
    Logout {
        /// For the outcome.
        request: RequestId,
    },
    /// Log in anew with a fresh token, in place of the session. Its outcome is the portal's answer.
    Rejoin {
        /// For the outcome.
        request: RequestId,
    },
    /// The answer to [`ConferenceEvent::TokenWanted`](super::ConferenceEvent::TokenWanted).
    Token {
        /// From the event.
        token: AskToken,
        /// The credential, used once.
        answer: Result<Token>,
    },
    /// A request to the portal.
    Request {
        /// For the outcome.
        request: RequestId,
        /// Event name and one JSON object.
        event: Outgoing,
        /// Time limit in milliseconds from now; `None` for the configured one.
        timeout_ms: Option<u64>,
        /// What becomes of it while the session is not ready.
        offline: OfflineRequest,
        /// It may be sent once more after a resume.
        idempotent: bool,
    },
}

/// What becomes of a request to a conference while the session is not ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OfflineRequest {
    /// It waits for the session, within its time limit.
    #[default]
    Wait,
    /// It ends `NOT_SENT` at once, also when the session is lost before it was written.
    Fail,
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
    /// It is dropped, without a word unless an ack was asked for, unless the namespace is joined
    /// and the transport takes it at once.
    Volatile,
}
