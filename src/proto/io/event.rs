//! The host's side, outwards: what it is told.

use std::sync::Arc;

use super::{AckToken, AskToken, RequestId, SocketId};
use crate::config::Transport;
use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::proto::conference::kept::Keepsake;

/// State of a manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
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
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
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
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
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
    /// [`Command::Target`](super::Command::Target), up to the time limit of providers.
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
        /// In `Connected`: the server has recovered the state of the former connection, and sends
        /// what was missed as ordinary events: before this, as current servers do, or after it.
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
        /// Name, arguments, attachments. A server that can recover the state of a connection
        /// appends a text, the event's offset, to most events: it is passed on (`socket-io` 8).
        payload: Payload,
        /// The server wants an ack.
        ack: Option<AckToken>,
    },
    /// An event was written, for those who watch
    /// ([`Command::WatchSent`](super::Command::WatchSent)).
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
    /// [`Command::Auth`](super::Command::Auth), up to the time limit of providers.
    AuthWanted {
        /// For the answer.
        token: AskToken,
        /// Why joining failed the last time.
        error: Option<Error>,
    },
}

/// Why a joined namespace was left, in the words of the reference client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "bridge", derive(uniffi::Enum))]
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
        /// Its position among the notifications since login, from 1. A certain [`Gap`](Self::Gap) is
        /// counted; after an uncertain one the numbers go on from the last that was delivered.
        number: u64,
    },
    /// The portal said something that makes no sense; the session goes on.
    ProtocolError(Error),
    /// A fresh token is wanted
    /// ([`ConferenceConfig::ask_token`](crate::config::ConferenceConfig::ask_token)), for a login in
    /// place of a session that cannot be resumed. The question waits for
    /// [`Command::Token`](super::Command::Token), up to the time limit of providers; a refusal ends
    /// the session with this error.
    TokenWanted {
        /// For the answer.
        token: AskToken,
        /// Why the session is lost; `None`: it lives, and goes on if the answer is a refusal.
        error: Option<Error>,
    },
    /// A login in place of the session has succeeded: another participant, another description of
    /// the room, and notifications are numbered anew. What may have been lost in between is told
    /// before, as an uncertain [`Gap`](Self::Gap) in the old numbers.
    Rejoined {
        /// The portal's answer, as the outcome of the first login has it.
        answer: Payload,
    },
    /// Whether the session can be resumed: told after every login.
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
    /// From the conference, not for the host: what to keep of the session from here on.
    Keep(Keepsake),
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
            Self::Conference(ConferenceEvent::Notification { payload, replayed: true, .. }) => {
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
    use bytes::Bytes;

    use super::*;
    use crate::payload::{Name, Span};

    #[test]
    fn replayed_notifications_share_the_weight_of_their_frame() {
        let frame = Bytes::from(vec![b'x'; 57_000]);
        let weight = |replayed| {
            let (name, args) = (Name::Plain(Span::new(0, 4)), [Span::new(10, 110)]);
            let args = args.into_iter().collect();
            let payload = Payload::new(frame.clone(), name, args, Vec::new());
            Event::Conference(ConferenceEvent::Notification { payload, replayed, number: 1 })
                .weight()
        };
        assert_eq!(weight(false), frame.len());
        assert_eq!(weight(true), REPLAYED_WEIGHT + 4 + 100);
    }
}
