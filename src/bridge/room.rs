//! The room as the portal describes it.

use serde::Serialize;

use super::owt::{JsonObject, StreamDetails, StreamMedia};
use crate::owt;

/// Who is in the room and what can be subscribed to, oneself and one's own streams included.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Room {
    /// Its id; empty before a login.
    pub id: String,
    /// The labels of its mixes.
    pub views: Vec<String>,
    /// Who is in it, in the order they are known to have come.
    pub participants: Vec<Participant>,
    /// What can be subscribed to.
    pub streams: Vec<Stream>,
    /// Notifications were lost, and with them perhaps changes; so until the next login.
    pub stale: bool,
    /// All of it as JSON, in the words of the portal.
    pub json: String,
}

/// Somebody in a room.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Participant {
    /// The id.
    pub id: String,
    /// The name that its token was made for.
    pub user: Option<String>,
    /// `presenter`, `viewer` and so on.
    pub role: Option<String>,
    /// Whatever else the portal says about it.
    pub more: JsonObject,
}

/// A stream that can be subscribed to.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Stream {
    /// Its id.
    pub id: String,
    /// `forward`, `mixed` or `augmented`.
    pub kind: Option<String>,
    /// The participant that publishes it; none for a mix.
    pub owner: Option<String>,
    /// What it is made of; not in the legacy protocol.
    pub media: Option<StreamMedia>,
    /// Whether it carries data.
    pub data: Option<bool>,
    /// Where it comes from; not in the legacy protocol.
    pub info: Option<StreamDetails>,
    /// All of it as JSON, in the words of the portal.
    pub json: String,
}

impl From<&owt::Room> for Room {
    fn from(room: &owt::Room) -> Self {
        Self {
            id: room.id.clone(),
            views: room.views.clone(),
            participants: room.participants.iter().map(Participant::from).collect(),
            streams: room.streams.iter().map(Stream::from).collect(),
            stale: room.stale,
            json: json(room),
        }
    }
}

impl From<&owt::Participant> for Participant {
    fn from(participant: &owt::Participant) -> Self {
        let owt::Participant { id, user, role, more } = participant.clone();
        Self { id, user, role, more }
    }
}

impl From<&owt::Stream> for Stream {
    fn from(stream: &owt::Stream) -> Self {
        Self {
            id: stream.id.clone(),
            kind: stream.kind.clone(),
            owner: stream.owner().map(str::to_owned),
            media: stream.media.clone(),
            data: stream.data,
            info: stream.info.clone(),
            json: json(stream),
        }
    }
}

/// What came as JSON is JSON again.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
