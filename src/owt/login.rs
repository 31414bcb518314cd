//! The answer to a login.

use super::object::{Members, object, rename, take};
use super::room::Room;
use crate::payload::Payload;

object! {
    /// What a participant may do; changes are not told.
    pub struct Permissions {
        /// To publish.
        publish: Permission = "publish",
        /// To subscribe to.
        subscribe: Permission = "subscribe",
    }

    /// For which media something is allowed.
    pub struct Permission {
        /// Audio.
        audio: bool = "audio",
        /// Video.
        video: bool = "video",
    }
}

/// The answer to a login, without its credentials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Login {
    /// The id of the participant, the same as long as the session lives.
    pub id: Option<String>,
    /// The name that the token was made for; not in the legacy protocol.
    pub user: Option<String>,
    /// The role that the token was made for; not in the legacy protocol.
    pub role: Option<String>,
    /// What the participant may do; not in the legacy protocol.
    pub permission: Option<Permissions>,
    /// The room as it was at that moment.
    pub room: Room,
}

impl Login {
    /// Read the answer to a login, of any protocol version.
    pub fn of(answer: &Payload) -> Self {
        Self::read(answer.arg(0).unwrap_or_default())
    }

    /// Read what a portal has answered, which is JSON.
    pub(crate) fn read(answer_json: &str) -> Self {
        let mut members: Members = serde_json::from_str(answer_json).unwrap_or_default();
        let room = Room::of_answer(members.clone());
        // There `id` is the room's.
        rename(&mut members, "clientId", "id");
        Self {
            id: take(&mut members, "id"),
            user: take(&mut members, "user"),
            role: take(&mut members, "role"),
            permission: take(&mut members, "permission"),
            room,
        }
    }
}
