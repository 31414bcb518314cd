//! What a conference tells.

use std::time::Duration;

use super::error::{Failure, HostError};
use super::payload::Payload;
use crate::client::{self, ConferenceState};

/// What a conference tells.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum ConferenceEvent {
    /// The state changed. `Ended` without a cause follows a logout.
    State {
        /// The number of the step, from 1 without a hole.
        number: u64,
        /// The new state.
        state: ConferenceState,
        /// Why, where it was not asked for.
        cause: Option<Failure>,
        /// For how long the session can still be resumed: an estimate.
        grace: Option<Duration>,
    },
    /// An attempt failed.
    Retry {
        /// Failed attempts in a row.
        attempt: u32,
        /// Why the last one failed.
        error: Failure,
        /// The wait before the next; none: there is no next.
        delay: Option<Duration>,
        /// For how long the session can still be resumed: an estimate.
        grace: Option<Duration>,
    },
    /// The session goes on after a loss; missed notifications follow.
    Resumed {
        /// Nothing can have been lost.
        complete: bool,
        /// How many missed notifications follow.
        replayed: u64,
    },
    /// The session moved between two living connections.
    Migrated,
    /// The notifications `from` to `to` are lost for good, counted from 1 since login.
    Gap {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
        /// The portal's numbers prove it; otherwise they are the best guess, or 0.
        certain: bool,
    },
    /// A notification of the portal.
    Notification {
        /// Name and data.
        payload: Payload,
        /// It was missed and came with the replay.
        replayed: bool,
        /// Its position among the notifications since login, from 1.
        number: u64,
    },
    /// The portal said something that makes no sense; the session goes on.
    ProtocolError {
        /// What.
        error: Failure,
    },
    /// A login in place of a session that was lost or left has succeeded: another participant,
    /// another room, and notifications are numbered anew. A gap in the old numbers is told before.
    Rejoined {
        /// The portal's answer, as that of the first login.
        answer: Payload,
    },
    /// A fresh token is wanted from the token provider, which is asked next.
    TokenWanted {
        /// Why the session is lost; none: it lives, and goes on after a refusal.
        error: Option<Failure>,
    },
    /// Whether the session can be resumed: told after every login.
    Resumable {
        /// It can.
        resumable: bool,
    },
    /// Observers do not keep up; reading has stopped until they do. Nothing is dropped.
    HostSlow,
}

/// Is told what happens to a conference.
#[uniffi::export(foreign)]
pub trait ConferenceObserver: Send + Sync {
    /// Something happened.
    fn on_event(&self, event: ConferenceEvent) -> Result<(), HostError>;
}

impl From<client::ConferenceEvent> for ConferenceEvent {
    fn from(event: client::ConferenceEvent) -> Self {
        use client::ConferenceEvent as Event;
        match event {
            Event::State(step) => Self::State {
                number: step.number,
                state: step.state,
                cause: step.cause.map(Failure::from),
                grace: step.grace_ms.map(Duration::from_millis),
            },
            Event::Retry(retry) => Self::Retry {
                attempt: retry.attempt,
                error: retry.error.into(),
                delay: retry.delay_ms.map(Duration::from_millis),
                grace: retry.grace_ms.map(Duration::from_millis),
            },
            Event::Resumed { complete, replayed } => Self::Resumed { complete, replayed },
            Event::Migrated => Self::Migrated,
            Event::Gap { from, to, certain } => Self::Gap { from, to, certain },
            Event::Notification { payload, replayed, number } => {
                Self::Notification { payload: payload.into(), replayed, number }
            }
            Event::ProtocolError(error) => Self::ProtocolError { error: error.into() },
            Event::Rejoined { answer } => Self::Rejoined { answer: answer.into() },
            Event::TokenWanted { error, .. } => {
                Self::TokenWanted { error: error.map(Failure::from) }
            }
            Event::Resumable(resumable) => Self::Resumable { resumable },
            Event::HostSlow => Self::HostSlow,
        }
    }
}
