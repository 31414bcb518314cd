//! The room of a conference, kept current on the way to the host.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::owt::{Notification, Room};
use crate::payload::Payload;
use crate::proto::io::ConferenceEvent;

/// The room as the host was told it last. Snapshots share it until it changes.
#[derive(Default)]
pub(super) struct Told {
    room: Mutex<Arc<Room>>,
}

impl Told {
    pub(super) fn room(&self) -> Arc<Room> {
        Arc::clone(&self.room.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The session begins with a room that is known.
    pub(super) fn set(&self, room: Room) {
        self.change(|told| *told = Arc::new(room));
    }

    /// A login was answered.
    pub(super) fn enter(&self, answer: &Payload) {
        self.set(Room::of_login(answer));
    }

    /// The host is about to be told an event.
    pub(super) fn observe(&self, event: &ConferenceEvent) {
        match event {
            ConferenceEvent::Notification { payload, .. } => {
                // Most of them are texts, and are not looked into.
                if Notification::is_about_room(payload.name_bytes())
                    && let Some(notification) = Notification::parse(payload)
                {
                    self.change(|told| Arc::make_mut(told).apply(notification));
                }
            }
            ConferenceEvent::Rejoined { answer } => self.enter(answer),
            ConferenceEvent::Gap { .. } => self.change(|told| Arc::make_mut(told).stale = true),
            _ => {}
        }
    }

    fn change(&self, change: impl FnOnce(&mut Arc<Room>)) {
        change(&mut self.room.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for Told {
    /// Who is in a room is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}
