//! Notifications.

use super::json::{Json, JsonObject};
use super::media::Signaling;
use super::stream::StreamUpdate;
use crate::bridge::payload::Payload;
use crate::bridge::room::{Participant, Stream};
use crate::owt::{self, Notification};

type TextMessage = owt::Text;
type MediaProgress = owt::Progress;

/// A notification that roamio has a type for. The legacy ones that say the same as those of today are
/// told as those.
// Made to be given away at once; what uniffi writes for Swift does not compile with a box.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, uniffi::Enum)]
pub enum PortalNotification {
    /// Somebody has joined.
    Joined {
        /// Who.
        participant: Participant,
    },
    /// Somebody has left.
    Left {
        /// The participant.
        id: String,
    },
    /// There is a new stream, or everything is said anew about one.
    StreamAdded {
        /// The stream.
        stream: Stream,
    },
    /// A stream has changed.
    StreamUpdated {
        /// Which, and how.
        update: StreamUpdate,
    },
    /// A stream is gone.
    StreamRemoved {
        /// The stream.
        id: String,
    },
    /// Somebody says something.
    Text {
        /// Who, and what.
        text: TextMessage,
    },
    /// A transport, a publication or a subscription makes progress.
    Progress {
        /// Which, and how.
        progress: MediaProgress,
        /// The step of the negotiation that it tells, if it is one.
        signaling: Option<Signaling>,
    },
    /// Legacy: a publication, a subscription, an output or a recording has failed.
    Failed {
        /// `streamId`, `url` or `id` says which.
        details: JsonObject,
    },
    /// The portal has thrown this participant out; the session is over.
    Dropped,
}

/// Something that somebody says.
#[uniffi::remote(Record)]
pub struct TextMessage {
    /// The participant who says it, perhaps oneself.
    pub from: Option<String>,
    /// `me`, or `all`.
    pub to: Option<String>,
    /// Any JSON.
    pub message: Option<Json>,
    /// Whatever else there is.
    pub more: JsonObject,
}

/// How a transport, a publication or a subscription comes along.
#[uniffi::remote(Record)]
pub struct MediaProgress {
    /// The transport where it says something about that or if `session_id` is there, else the
    /// publication or subscription. Legacy: the stream that is published or subscribed to.
    pub id: String,
    /// The publication or subscription.
    pub session_id: Option<String>,
    /// `soac`, `ready`, `error` or `rtp`.
    pub status: Option<String>,
    /// With `soac` a step of the negotiation, with `error` why.
    pub data: Option<Json>,
    /// Whatever else there is.
    pub more: JsonObject,
}

impl From<Notification> for PortalNotification {
    fn from(notification: Notification) -> Self {
        match notification {
            Notification::Joined(participant) => {
                Self::Joined { participant: (&participant).into() }
            }
            Notification::Left(id) => Self::Left { id },
            Notification::StreamAdded(stream) => Self::StreamAdded { stream: (&*stream).into() },
            Notification::StreamUpdated(update) => Self::StreamUpdated { update },
            Notification::StreamRemoved(id) => Self::StreamRemoved { id },
            Notification::Text(text) => Self::Text { text },
            Notification::Progress(progress) => {
                Self::Progress { signaling: progress.signaling(), progress }
            }
            Notification::Failed(details) => Self::Failed { details },
            Notification::Dropped => Self::Dropped,
        }
    }
}

#[uniffi::export]
impl Payload {
    /// A notification of any protocol version as a value. None for one that is not known or has an
    /// unexpected shape: the payload is all that there is to say about it.
    pub fn notification(&self) -> Option<PortalNotification> {
        Notification::read(&self.name, self.data()).map(PortalNotification::from)
    }
}
