//! Notifications, of all protocol versions.

use serde_json::Value;

use super::media::Signaling;
use super::object::{Members, object, rename, take};
use super::room::Participant;
use super::stream::Stream;
use crate::payload::Payload;

/// The names of notifications.
pub mod names {
    /// Somebody has joined or left.
    pub const PARTICIPANT: &str = "participant";
    /// A stream was added, has changed or was removed.
    pub const STREAM: &str = "stream";
    /// Somebody says something.
    pub const TEXT: &str = "text";
    /// A transport, a publication or a subscription makes progress.
    pub const PROGRESS: &str = "progress";
    /// 1.0 and 1.1: a publication or subscription is ready.
    pub const SESSION_PROGRESS: &str = "session-progress";
    /// The portal has thrown this participant out.
    pub const DROP: &str = "drop";
    /// Legacy: somebody has joined.
    pub const USER_JOIN: &str = "user_join";
    /// Legacy: somebody has left.
    pub const USER_LEAVE: &str = "user_leave";
    /// Legacy: a stream was added.
    pub const ADD_STREAM: &str = "add_stream";
    /// Legacy: a stream has changed.
    pub const UPDATE_STREAM: &str = "update_stream";
    /// Legacy: a stream was removed.
    pub const REMOVE_STREAM: &str = "remove_stream";
    /// Legacy: a transport makes progress.
    pub const SIGNALING_MESSAGE: &str = "signaling_message_erizo";
    /// Legacy: somebody says something.
    pub const CUSTOM_MESSAGE: &str = "custom_message";
    /// Legacy: a publication, a subscription or an output has failed.
    pub const CONNECTION_FAILED: &str = "connection_failed";
    /// Legacy: a recording has failed.
    pub const REMOVE_RECORDER: &str = "remove_recorder";
}

/// A notification that roamio has a type for. The legacy ones that say the same as those of
/// today are told as those.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Notification {
    /// Somebody has joined.
    Joined(Participant),
    /// The participant with this id has left.
    Left(String),
    /// There is a new stream, or everything is said anew about one.
    StreamAdded(Box<Stream>),
    /// A stream has changed.
    StreamUpdated(StreamUpdate),
    /// The stream with this id is gone.
    StreamRemoved(String),
    /// Somebody says something.
    Text(Text),
    /// A transport, a publication or a subscription makes progress.
    Progress(Progress),
    /// Legacy: a publication, a subscription, an output or a recording has failed: `streamId`,
    /// `url` or `id` says which.
    Failed(Members),
    /// The portal has thrown this participant out; the session is over.
    Dropped,
}

object! {
    /// What has changed about a stream.
    pub struct StreamUpdate {
        [
            /// The stream.
            id: String = "id"
        ]
        /// `audio.status`, `video.status`, `video.layout`, `activeInput`, or `.` for everything;
        /// legacy: `state` or `video.layout`.
        field: String = "field",
        /// What it is now.
        value: Value = "value",
    }

    /// Something that somebody says.
    pub struct Text {
        /// The participant who says it, perhaps oneself.
        from: String = "from",
        /// `me`, or `all`.
        to: String = "to",
        /// Any JSON.
        message: Value = "message",
    }

    /// How a transport, a publication or a subscription comes along.
    pub struct Progress {
        [
            /// The transport where it says something about that or if `session_id` is there, else the
            /// publication or subscription. Legacy: the stream that is published or subscribed to.
            id: String = "id"
        ]
        /// The publication or subscription.
        session_id: String = "sessionId",
        /// `soac`, `ready`, `error` or `rtp`.
        status: String = "status",
        /// With `soac` a [`Signaling`], with `error` why.
        data: Value = "data",
    }
}

impl Progress {
    /// The step of the negotiation that it tells, if it is one.
    pub fn signaling(&self) -> Option<Signaling> {
        let data = self.data.as_ref().filter(|_| self.status.as_deref() == Some("soac"))?;
        serde::Deserialize::deserialize(data).ok()
    }
}

impl Notification {
    /// The names of all notifications that are known.
    pub const NAMES: [&str; 15] = [
        names::PARTICIPANT,
        names::STREAM,
        names::TEXT,
        names::PROGRESS,
        names::SESSION_PROGRESS,
        names::DROP,
        names::USER_JOIN,
        names::USER_LEAVE,
        names::ADD_STREAM,
        names::UPDATE_STREAM,
        names::REMOVE_STREAM,
        names::SIGNALING_MESSAGE,
        names::CUSTOM_MESSAGE,
        names::CONNECTION_FAILED,
        names::REMOVE_RECORDER,
    ];

    /// Read a notification. `None` for one that is not known or has an unexpected shape: its payload
    /// is all that there is to say about it.
    pub fn parse(payload: &Payload) -> Option<Self> {
        Self::read(payload.name(), payload.arg(0).unwrap_or_default())
    }

    /// Read a notification of a name from its data, which are JSON.
    pub(crate) fn read(name: &str, data_json: &str) -> Option<Self> {
        if name == names::DROP {
            return Some(Self::Dropped);
        }
        if !Self::NAMES.contains(&name) {
            return None;
        }
        let mut data: Members = serde_json::from_str(data_json).ok()?;
        match name {
            names::PARTICIPANT => Self::participant(data),
            names::STREAM => Self::stream(data),
            names::TEXT => data.try_into().ok().map(Self::Text),
            names::PROGRESS | names::SESSION_PROGRESS => data.try_into().ok().map(Self::Progress),
            names::USER_JOIN => Participant::legacy(take(&mut data, "user")?).map(Self::Joined),
            names::USER_LEAVE => {
                let mut user: Members = take(&mut data, "user")?;
                take(&mut user, "id").map(Self::Left)
            }
            names::ADD_STREAM => {
                data.try_into().ok().map(|stream| Self::StreamAdded(Box::new(stream)))
            }
            names::UPDATE_STREAM => Self::legacy_update(data),
            names::REMOVE_STREAM => take(&mut data, "id").map(Self::StreamRemoved),
            names::SIGNALING_MESSAGE => Self::legacy_signaling(data),
            names::CUSTOM_MESSAGE => {
                rename(&mut data, "data", "message");
                data.try_into().ok().map(Self::Text)
            }
            _ => Some(Self::Failed(data)),
        }
    }

    /// Whether a notification of this name says something about the room. Costs nothing.
    pub fn is_about_room(name: &[u8]) -> bool {
        ABOUT_ROOM.iter().any(|about| about.as_bytes() == name)
    }

    fn participant(mut data: Members) -> Option<Self> {
        match take::<String>(&mut data, "action")?.as_str() {
            "join" => take(&mut data, "data").map(Self::Joined),
            "leave" => take(&mut data, "data").map(Self::Left),
            _ => None,
        }
    }

    fn stream(mut data: Members) -> Option<Self> {
        let id: String = take(&mut data, "id")?;
        match take::<String>(&mut data, "status")?.as_str() {
            "add" => take(&mut data, "data").map(Self::StreamAdded),
            "update" => {
                let mut change: Members = take(&mut data, "data")?;
                change.insert("id".into(), id.into());
                change.try_into().ok().map(Self::StreamUpdated)
            }
            "remove" => Some(Self::StreamRemoved(id)),
            _ => None,
        }
    }

    fn legacy_update(mut data: Members) -> Option<Self> {
        let event: Option<String> = take(&mut data, "event");
        let field = match event.as_deref() {
            Some("StateChange") => {
                rename(&mut data, "state", "value");
                Some("state")
            }
            Some("VideoLayoutChanged") => {
                rename(&mut data, "data", "value");
                Some("video.layout")
            }
            _ => None,
        };
        if let Some(field) = field {
            data.insert("field".into(), field.into());
        }
        data.try_into().ok().map(Self::StreamUpdated)
    }

    /// `ready` is a kind of message there.
    fn legacy_signaling(mut data: Members) -> Option<Self> {
        rename(&mut data, "peerId", "id");
        rename(&mut data, "streamId", "id");
        rename(&mut data, "mess", "data");
        let ready = data.get("data").is_some_and(|message| message["type"] == "ready");
        data.insert("status".into(), if ready { "ready" } else { "soac" }.into());
        data.try_into().ok().map(Self::Progress)
    }
}

const ABOUT_ROOM: [&str; 7] = [
    names::PARTICIPANT,
    names::STREAM,
    names::USER_JOIN,
    names::USER_LEAVE,
    names::ADD_STREAM,
    names::UPDATE_STREAM,
    names::REMOVE_STREAM,
];
