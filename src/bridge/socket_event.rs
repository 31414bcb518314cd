//! What a socket tells.

use super::error::{Failure, HostError};
use super::payload::Payload;
use crate::client::{self, DisconnectReason, SocketState};

/// What a socket tells.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum SocketEvent {
    /// The state changed.
    State {
        /// The number of the step, from 1 without a hole.
        number: u64,
        /// The new state.
        state: SocketState,
        /// Why, where it was not asked for.
        cause: Option<Failure>,
        /// The server's id of this socket; set when it is connected.
        socket_sid: Option<String>,
        /// Why a joined namespace was left.
        reason: Option<DisconnectReason>,
        /// When it is connected: the server has recovered the state of the former connection, and
        /// sends what was missed as ordinary events.
        recovered: bool,
    },
    /// The server refused the namespace, or joining failed.
    ConnectError {
        /// Carries the server's JSON.
        error: Failure,
        /// The socket tries again by itself.
        active: bool,
    },
    /// An event of the server.
    Event {
        /// Name, arguments, attachments.
        payload: Payload,
        /// The server wants an ack: what to answer it with (`ack`). Never 0.
        ack: Option<u64>,
    },
    /// An event was written; only told if `watch_sent` asked for it.
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
        error: Failure,
    },
}

/// Is told what happens to a socket.
#[uniffi::export(foreign)]
pub trait SocketObserver: Send + Sync {
    /// Something happened.
    fn on_event(&self, event: SocketEvent) -> Result<(), HostError>;
}

impl SocketEvent {
    /// The event; none for a question, which a provider gets.
    pub(super) fn of(event: client::SocketEvent) -> Option<Self> {
        use client::SocketEvent as Event;
        Some(match event {
            Event::State { transition, socket_sid, reason, recovered } => Self::State {
                number: transition.number,
                state: transition.state,
                cause: transition.cause.map(Failure::from),
                socket_sid: socket_sid.map(|sid| sid.to_string()),
                reason,
                recovered,
            },
            Event::ConnectError { error, active } => {
                Self::ConnectError { error: error.into(), active }
            }
            Event::Event { payload, ack } => {
                Self::Event { payload: payload.into(), ack: ack.map(|token| token.0) }
            }
            Event::Sent { payload } => Self::Sent { payload: payload.into() },
            Event::Dropped { payload, error } => {
                Self::Dropped { payload: payload.into(), error: error.into() }
            }
            Event::AuthWanted { .. } => return None,
        })
    }
}
