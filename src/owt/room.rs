//! The room as the portal describes it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::notification::{Notification, StreamUpdate};
use super::object::{Members, object, rename, take};
use super::stream::Stream;
use crate::payload::Payload;

object! {
    /// Somebody in the room.
    pub struct Participant {
        [
            /// Its id.
            id: String = "id"
        ]
        /// The name that its token was made for; `name` in the legacy protocol.
        user: String = "user",
        /// `presenter`, `viewer` and so on.
        role: String = "role",
    }
}

impl Participant {
    pub(super) fn legacy(mut members: Members) -> Option<Self> {
        rename(&mut members, "name", "user");
        members.try_into().ok()
    }
}

/// Who is in the room and what can be subscribed to, oneself and one's own streams included.
///
/// A portal tells all of it only in the answer to a login, and changes afterwards. Changes may come
/// in any order and be about participants and streams that nobody has heard of: what cannot be
/// applied is passed over. Once notifications are lost for good the room is `stale`, until the next
/// login.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Room {
    /// Its id; empty before a login.
    pub id: String,
    /// The labels of its mixes.
    pub views: Vec<String>,
    /// Who is in it, in the order they are known to have come.
    pub participants: Vec<Participant>,
    /// What can be subscribed to.
    pub streams: Vec<Stream>,
    /// Notifications were lost, and with them perhaps changes.
    pub stale: bool,
    /// Whatever else the portal says about it.
    #[serde(flatten)]
    pub more: Members,
}

impl Room {
    /// The room that the answer to a login describes; of any part that is not understood nothing.
    pub fn of_login(answer: &Payload) -> Self {
        Self::of_answer(answer.decode(0).unwrap_or_default())
    }

    pub(super) fn of_answer(mut answer: Members) -> Self {
        match take(&mut answer, "room") {
            Some(room) => Self::read(room),
            None => Self::read_legacy(answer),
        }
    }

    pub(super) fn read(mut room: Members) -> Self {
        Self {
            id: take(&mut room, "id").unwrap_or_default(),
            views: take(&mut room, "views").unwrap_or_default(),
            participants: list(room.remove("participants")),
            streams: list(room.remove("streams")),
            stale: false,
            more: room,
        }
    }

    /// In the legacy protocol the answer is the room, with the newcomer's id and ticket in it.
    fn read_legacy(mut answer: Members) -> Self {
        let users: Vec<Members> = list(answer.remove("users"));
        Self {
            id: take(&mut answer, "id").unwrap_or_default(),
            participants: users.into_iter().filter_map(Participant::legacy).collect(),
            streams: list(answer.remove("streams")),
            ..Self::default()
        }
    }

    /// The participant with this id.
    pub fn participant(&self, id: &str) -> Option<&Participant> {
        self.participants.iter().find(|participant| participant.id == id)
    }

    /// The stream with this id.
    pub fn stream(&self, id: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.id == id)
    }

    /// Take note of a notification. Those that are not about the room change nothing.
    pub fn apply(&mut self, notification: Notification) {
        match notification {
            Notification::Joined(participant) => {
                match self.participants.iter_mut().find(|known| known.id == participant.id) {
                    Some(known) => *known = participant,
                    None => self.participants.push(participant),
                }
            }
            Notification::Left(id) => self.participants.retain(|known| known.id != id),
            Notification::StreamAdded(stream) => {
                match self.streams.iter_mut().find(|known| known.id == stream.id) {
                    Some(known) => *known = *stream,
                    None => self.streams.push(*stream),
                }
            }
            Notification::StreamUpdated(StreamUpdate { id, field, value, .. }) => {
                let stream = self.streams.iter_mut().find(|known| known.id == id);
                if let (Some(stream), Some(field)) = (stream, field) {
                    stream.update(&field, &value.unwrap_or_default());
                }
            }
            Notification::StreamRemoved(id) => self.streams.retain(|known| known.id != id),
            Notification::Text(_)
            | Notification::Progress(_)
            | Notification::Failed(_)
            | Notification::Dropped => {}
        }
    }
}

/// Those elements of a list that are what they should be.
fn list<T: DeserializeOwned>(value: Option<Value>) -> Vec<T> {
    match value {
        Some(Value::Array(elements)) => {
            elements.iter().filter_map(|element| T::deserialize(element).ok()).collect()
        }
        _ => Vec::new(),
    }
}
