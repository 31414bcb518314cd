//! What of a session outlives its process: enough to come back as the same participant, with every
//! notification delivered that was not handled before.
//!
//! The session tells a [`Keepsake`] whenever there is another ticket or numbering. It travels in
//! order with the events, so that the [`Record`] on the host's side, which counts a notification only
//! when its handler has returned, is consistent at every moment.

use crate::config::{Endpoint, PortalProtocol};
use crate::proto::conference::replay::{Fingerprint, Tally};
use crate::proto::io::{ConferenceEvent, ConferenceState};
use crate::secret::Secret;

/// What the session knows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keepsake {
    /// The portal.
    pub endpoint: Endpoint,
    /// What was announced at login.
    pub protocol: PortalProtocol,
    /// Who the tickets are for.
    pub participant: String,
    /// Newest first.
    pub tickets: Vec<Secret>,
    /// What to add to the portal's numbers, once it is proven.
    pub offset: Option<i64>,
}

/// A keepsake, and what the host has handled.
#[derive(Clone, Debug)]
pub struct Kept {
    /// From the session.
    pub keepsake: Keepsake,
    /// Of the notifications whose handler has returned.
    pub tally: Tally,
}

/// What an event means for the record, taken before the host has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    None,
    /// A notification: its number, and what is remembered of it.
    Notification(u64, Fingerprint),
    /// The session is over, or being left.
    Over,
}

impl Mark {
    /// Of an event.
    pub fn of(event: &ConferenceEvent) -> Self {
        match event {
            ConferenceEvent::Notification { payload, number, .. } => {
                let print = Fingerprint::new(payload.name_bytes(), payload.arg_bytes(0));
                Self::Notification(*number, print)
            }
            ConferenceEvent::State(step) => match step.state {
                ConferenceState::Joining | ConferenceState::Leaving | ConferenceState::Ended => {
                    Self::Over
                }
                _ => Self::None,
            },
            _ => Self::None,
        }
    }
}

/// The record on the host's side; empty where there is no session that could be resumed.
#[derive(Debug, Default)]
pub struct Record(Option<Kept>);

impl Record {
    /// Of a session that begins with what was kept of it.
    pub const fn of(kept: Kept) -> Self {
        Self(Some(kept))
    }

    /// The session has told this.
    pub fn keep(&mut self, keepsake: Keepsake) {
        let offset = keepsake.offset;
        match &mut self.0 {
            Some(kept) => kept.keepsake = keepsake,
            None => self.0 = Some(Kept { keepsake, tally: Tally::default() }),
        }
        if let Some(kept) = &mut self.0 {
            kept.tally.set_offset(offset);
        }
    }

    /// The host has handled an event.
    pub fn follow(&mut self, mark: Mark) {
        match (mark, &mut self.0) {
            (Mark::Over, kept) => *kept = None,
            (Mark::Notification(number, print), Some(kept)) => kept.tally.follow(number, print),
            _ => {}
        }
    }

    /// What there is.
    pub const fn kept(&self) -> Option<&Kept> {
        self.0.as_ref()
    }
}
