//! Rooms: who is in them, what is published and who receives what.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::stream::Stream;

/// A participant as the other participants see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Participant {
    /// Id, equal to the socket id of the connection that logged in.
    pub id: String,
    /// Name given when the token was minted.
    pub user: String,
    /// Role given when the token was minted.
    pub role: String,
}

/// The roles there are.
pub const ROLES: [&str; 5] =
    ["presenter", "viewer", "audio_only_presenter", "video_only_viewer", "admin"];

/// What a role may do, or none if there is no such role.
pub(super) fn permission(role: &str) -> Option<Value> {
    let (publish, subscribe) = match role {
        "presenter" | "admin" => ((true, true), (true, true)),
        "viewer" => ((false, false), (true, true)),
        "audio_only_presenter" => ((true, false), (true, false)),
        "video_only_viewer" => ((false, false), (false, true)),
        _ => return None,
    };
    let kinds = |(audio, video): (bool, bool)| json!({"audio": audio, "video": video});
    Some(json!({"publish": kinds(publish), "subscribe": kinds(subscribe)}))
}

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) owner: String,
    pub(super) transport: String,
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) participants: Vec<Participant>,
    pub(super) streams: Vec<Stream>,
    pub(super) subscriptions: BTreeMap<String, Subscription>,
}

impl Room {
    pub(super) fn new(id: &str) -> Self {
        Self {
            participants: Vec::new(),
            streams: vec![Stream::mixed(id)],
            subscriptions: BTreeMap::new(),
        }
    }

    pub(super) fn participant(&self, id: &str) -> Option<&Participant> {
        self.participants.iter().find(|participant| participant.id == id)
    }

    pub(super) fn stream(&self, id: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.id == id)
    }

    pub(super) fn stream_mut(&mut self, id: &str) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.id == id)
    }

    /// Whether one of the participant's publications or subscriptions uses the transport.
    pub(super) fn has_transport(&self, owner: &str, transport: &str) -> bool {
        let published = self
            .streams
            .iter()
            .any(|stream| stream.owner.as_deref() == Some(owner) && stream.transport == transport);
        let subscribed = || {
            let mut all = self.subscriptions.values();
            all.any(|one| one.owner == owner && one.transport == transport)
        };
        published || subscribed()
    }
}
