//! What a manager tells.

use std::time::Duration;

use super::error::{Failure, HostError};
use crate::client::{self, ManagerState};
use crate::config::Transport;

/// What a manager tells.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum ManagerEvent {
    /// The state changed.
    State {
        /// The number of the step, from 1 without a hole.
        number: u64,
        /// The new state.
        state: ManagerState,
        /// Why, where it was not asked for.
        cause: Option<Failure>,
    },
    /// An attempt failed.
    Retry {
        /// Failed attempts in a row.
        attempt: u32,
        /// Why the last one failed.
        error: Failure,
        /// The wait before the next; none: there is no next.
        delay: Option<Duration>,
    },
    /// Observers do not keep up; reading has stopped until they do. Nothing is dropped.
    HostSlow,
    /// The connection is carried by this transport from now on.
    Transport {
        /// The transport.
        transport: Transport,
        /// It was upgraded.
        upgraded: bool,
    },
    /// The upgrade to WebSocket failed; the connection goes on with polling.
    UpgradeFailed {
        /// Why.
        error: Failure,
    },
}

/// Is told what happens to a manager.
#[uniffi::export(foreign)]
pub trait ManagerObserver: Send + Sync {
    /// Something happened.
    fn on_event(&self, event: ManagerEvent) -> Result<(), HostError>;
}

impl ManagerEvent {
    /// The event; none for a question, which a provider gets.
    pub(super) fn of(event: client::ManagerEvent) -> Option<Self> {
        use client::ManagerEvent as Event;
        Some(match event {
            Event::State(step) => Self::State {
                number: step.number,
                state: step.state,
                cause: step.cause.map(Failure::from),
            },
            Event::Retry(retry) => Self::Retry {
                attempt: retry.attempt,
                error: retry.error.into(),
                delay: retry.delay_ms.map(Duration::from_millis),
            },
            Event::HostSlow => Self::HostSlow,
            Event::Transport { transport, upgraded } => Self::Transport { transport, upgraded },
            Event::UpgradeFailed(error) => Self::UpgradeFailed { error: error.into() },
            Event::TargetWanted { .. } => return None,
        })
    }
}
