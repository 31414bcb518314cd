//! The timers of the model.

use std::collections::BTreeMap;

use super::{ConnId, Millis};
use serde_json::Value;

/// What to do when a time has come.
#[derive(Debug)]
pub(super) enum Timer {
    /// Disconnect the connection unless it is in service.
    CheckIdle(ConnId),
    /// The controller answers the join with this number.
    FinishJoin(u64),
    /// Attach the session to the connection that asked for it.
    FinishRelogin(ConnId),
    /// The participant did not come back in time.
    Forget(String),
    /// Answer a WebRTC offer.
    Answer { participant: String, transport: String },
    /// Report a transport and its session as ready.
    Ready { participant: String, transport: String },
    /// Announce a published stream.
    AddStream { room: String, stream: String },
    /// Announce that a stream has gone.
    RemoveStream { room: String, stream: String },
    /// Send the next text of a burst.
    Text(super::TextBurst),
    /// Send an acknowledgement that was held back.
    Ack { conn: ConnId, id: u64, args: Vec<Value> },
}

/// Names one timer, for cancelling it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerId(Millis, u64);

/// Timers in order of their time; equal times in order of their start.
#[derive(Debug, Default)]
pub(super) struct Timers {
    started: u64,
    due: BTreeMap<TimerId, Timer>,
}

impl Timers {
    pub(super) fn start(&mut self, at: Millis, timer: Timer) -> TimerId {
        self.started += 1;
        let id = TimerId(at, self.started);
        self.due.insert(id, timer);
        id
    }

    pub(super) fn cancel(&mut self, id: TimerId) {
        self.due.remove(&id);
    }

    pub(super) fn next_at(&self) -> Option<Millis> {
        self.due.first_key_value().map(|(id, _)| id.0)
    }

    /// Take the earliest timer if its time has come.
    pub(super) fn take_due(&mut self, now: Millis) -> Option<Timer> {
        let entry = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }

    pub(super) fn clear(&mut self) {
        self.due.clear();
    }
}
