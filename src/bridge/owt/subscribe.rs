//! Media that are received.

use super::json::JsonObject;
use super::media::{MediaFormat, MediaKind, MediaKinds, MediaTransport, VideoParameters};
use crate::owt::request;

pub(super) type Subscribe = request::Subscribe;
pub(super) type SubscribeMedia = request::Media<SubscribeAudio, SubscribeVideo, SubscribeTrack>;
pub(super) type SubscribeTrack = request::SubscribeTrack;
pub(super) type SubscribeAudio = request::SubscribeAudio;
pub(super) type SubscribeVideo = request::SubscribeVideo;
pub(super) type FromStream = request::FromStream;
pub(super) type SubscriptionOperation = request::SubscriptionOperation;
pub(super) type VideoUpdate = request::VideoUpdate;

/// What is to be received from the room.
#[uniffi::remote(Record)]
pub struct Subscribe {
    /// What is received.
    pub media: SubscribeMedia,
    /// 1.2: the stream whose data are received.
    #[uniffi(default)]
    pub data: Option<FromStream>,
    /// 1.2: over what.
    #[uniffi(default)]
    pub transport: Option<MediaTransport>,
}

/// The media of a subscription.
#[uniffi::remote(Enum)]
pub enum SubscribeMedia {
    /// 1.2.
    Tracks {
        /// All of them.
        tracks: Vec<SubscribeTrack>,
    },
    /// 1.0 and 1.1.
    Parts {
        /// One audio, or none.
        audio: Option<SubscribeAudio>,
        /// One video, or none.
        video: Option<SubscribeVideo>,
    },
    /// 1.2: only data.
    None,
}

/// 1.2: a track that is received.
#[uniffi::remote(Record)]
pub struct SubscribeTrack {
    /// Its kind.
    pub kind: MediaKind,
    /// Its media section in the offer.
    pub mid: String,
    /// A stream, or a track of one.
    pub from: String,
    /// The codec that is wanted.
    #[uniffi(default)]
    pub format: Option<MediaFormat>,
    /// The encoding that is wanted.
    #[uniffi(default)]
    pub parameters: Option<VideoParameters>,
    /// Whatever else is said about it.
    #[uniffi(default)]
    pub more: JsonObject,
}

/// 1.0 and 1.1: audio that is received.
#[uniffi::remote(Record)]
pub struct SubscribeAudio {
    /// A stream.
    pub from: String,
    /// The codec that is wanted.
    #[uniffi(default)]
    pub format: Option<MediaFormat>,
}

/// 1.0 and 1.1: video that is received.
#[uniffi::remote(Record)]
pub struct SubscribeVideo {
    /// A stream.
    pub from: String,
    /// The codec that is wanted.
    #[uniffi(default)]
    pub format: Option<MediaFormat>,
    /// The encoding that is wanted.
    #[uniffi(default)]
    pub parameters: Option<VideoParameters>,
    /// The layer that is wanted, with simulcast.
    #[uniffi(default)]
    pub simulcast_rid: Option<String>,
}

/// Where media or data come from.
#[uniffi::remote(Record)]
pub struct FromStream {
    /// A stream.
    pub from: String,
}

/// What can be done with a subscription.
#[uniffi::remote(Enum)]
pub enum SubscriptionOperation {
    /// Receive something else.
    Update {
        /// Another audio.
        audio: Option<FromStream>,
        /// Another video.
        video: Option<VideoUpdate>,
    },
    /// Receive nothing.
    Pause(MediaKinds),
    /// Receive it again.
    Play(MediaKinds),
}

/// What to receive in place of a video.
#[uniffi::remote(Record)]
pub struct VideoUpdate {
    /// Another stream.
    #[uniffi(default)]
    pub from: Option<String>,
    /// Another encoding.
    #[uniffi(default)]
    pub parameters: Option<VideoParameters>,
}
